import { decodeTable, encodeTables, type FitsColumn } from '#shared/fits/table.ts'
import { type Column, inPixelUnit } from '#shared/numeric/table.ts'
import { type StarCatalogue, starColumns } from './star-catalogue.ts'

const TABLE = 'STARS'

/**
 * The columns of a catalogue as files carry them: named and described, x and y in the FITS convention.
 *
 * @param pixelUnit unit of the frame's pixels, which is that of fluxes and sky; null where nobody tells it
 */
export function catalogueColumns(stars: StarCatalogue, pixelUnit?: string | null): FitsColumn[] {
  const columns = (Object.keys(starColumns) as (keyof StarCatalogue)[]).map(key => {
    const { name, unit, description } = starColumns[key]
    return { name, unit, description, data: isPosition(key) ? stars[key].map(value => value + 1) : stars[key] }
  })
  return inPixelUnit(columns, pixelUnit)
}

/** Write a catalogue as a FITS binary table; see {@link catalogueColumns}. */
export function encodeStars(stars: StarCatalogue, pixelUnit?: string | null): Uint8Array {
  return encodeTables([{ name: TABLE, columns: catalogueColumns(stars, pixelUnit) }])
}

/**
 * Read a catalogue that {@link encodeStars} wrote; x and y come back 0-based.
 *
 * @throws {Error} where a column is missing
 */
export function decodeStars(bytes: Uint8Array): StarCatalogue {
  const { columns } = decodeTable(bytes, TABLE)
  const stars: Record<string, Column> = {}
  for (const key of Object.keys(starColumns) as (keyof StarCatalogue)[]) {
    const column = columns.get(starColumns[key].name)
    if (!column) throw new Error(`the star catalogue has no column ${starColumns[key].name}`)
    stars[key] = isPosition(key) ? (column as Float64Array).map(value => value - 1) : column
  }
  return stars as StarCatalogue
}

function isPosition(key: keyof StarCatalogue): key is 'x' | 'y' {
  return key === 'x' || key === 'y'
}
