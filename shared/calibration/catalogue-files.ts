import { type EcsvColumn, encodeEcsv } from '#shared/catalogue/ecsv.ts'
import type { Card } from '#shared/fits/header.ts'
import { encodeTables } from '#shared/fits/table.ts'
import { flags } from '#shared/flags.ts'
import { catalogueColumns } from '#shared/photometry/catalogue-file.ts'
import { type StarCatalogue, starColumns } from '#shared/photometry/star-catalogue.ts'

/** Decimals that are significant in a text file; the FITS table has the full numbers. */
const DECIMALS: Partial<Record<keyof StarCatalogue, number>> = {
  x: 4,
  y: 4,
  raDeg: 8,
  decDeg: 8,
  raErrMas: 3,
  decErrMas: 3,
  flux: 3,
  fluxErr: 3,
  magInst: 5,
  magInstErr: 5,
  magAper: 5,
  magAperErr: 5,
  mag: 5,
  magErr: 5,
  chi: 4,
  sharp: 4,
  sky: 3,
}

/** Header of the calibrated catalogue: what its magnitudes mean. */
export type CatalogueMeta = Record<string, string | number | boolean | null>

/** FITS keywords of {@link CatalogueMeta}'s entries. */
const KEYWORDS: Record<string, [keyword: string, comment: string]> = {
  frameId: ['FRAMEID', 'SHA-256 of the frame'],
  dateObs: ['DATE-OBS', 'UTC'],
  mjdUtcMid: ['MJD-AVG', 'middle of the exposure, UTC'],
  survey: ['SURVEY', 'photometric reference'],
  band: ['BAND', 'band of mag'],
  system: ['MAGSYS', 'magnitude system of mag'],
  zeroPoint: ['ZEROPNT', '[mag] at colour 0'],
  zeroPointError: ['E_ZEROPN', '[mag]'],
  colour: ['COLOUR', 'colour of the colour term'],
  colourTerm: ['COLTERM', 'mag = mag_inst + ZEROPNT + COLTERM * COLOUR'],
  colourTermError: ['E_COLTER', ''],
  calibrators: ['NCALIB', 'stars that carry the zero point'],
  version: ['CPCSVER', 'version of CPCS'],
}

/** What each bit of the column `flags` tells, for the headers of the files. */
const flagBits = Object.entries(flags).map(([name, { bit, tells }]) => ({ name, bit, tells }))

/**
 * The catalogue as ECSV, pixel positions in the FITS convention.
 *
 * @param pixelUnit unit of the frame's pixels, which is that of fluxes and sky; null where nobody tells it
 */
export function catalogueEcsv(stars: StarCatalogue, meta: CatalogueMeta, pixelUnit?: string | null): string {
  const bits = Object.fromEntries(flagBits.map(({ name, bit, tells }) => [`flagBit${bit}`, `${name}: ${tells}`]))
  return encodeEcsv(fileColumns(stars, pixelUnit), { ...meta, ...bits })
}

/** The same as FITS binary table. */
export function catalogueFits(stars: StarCatalogue, meta: CatalogueMeta, pixelUnit?: string | null): Uint8Array {
  const cards = Object.entries(meta).flatMap(([key, value]): Card[] => {
    const known = KEYWORDS[key]
    return known && value !== null ? [{ keyword: known[0], value, comment: known[1] }] : []
  })
  const bits = flagBits.map(({ name, bit }): Card => {
    return { keyword: `FLAG${bit}`, value: name, comment: `bit of value ${2 ** bit} in flags` }
  })
  return encodeTables([{ name: 'CATALOGUE', columns: fileColumns(stars, pixelUnit), cards: [...cards, ...bits] }])
}

function fileColumns(stars: StarCatalogue, pixelUnit?: string | null): EcsvColumn[] {
  const keys = Object.keys(starColumns) as (keyof StarCatalogue)[]
  return catalogueColumns(stars, pixelUnit).map((column, i) => ({ ...column, decimals: DECIMALS[keys[i]] }))
}
