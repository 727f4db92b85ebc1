import type { Column } from '#shared/numeric/table.ts'
import { healpix29 } from '#shared/sky/healpix.ts'
import type { ParquetColumn } from './parquet.ts'
import { asNumbers, asText, type PublishedTable } from './published-table.ts'
import type { ReferenceStars, SurveyId } from './reference.ts'
import type { Survey } from './survey.ts'

/** Columns of numbers of our tiles, beside `_healpix_29`, `id`, `clean` and one pair per band. */
const NUMBERS = {
  raDeg: ['ra', Float64Array],
  decDeg: ['dec', Float64Array],
  raErrMas: ['ra_err', Float32Array],
  decErrMas: ['dec_err', Float32Array],
  pmRaMasPerYear: ['pm_ra', Float32Array],
  pmDecMasPerYear: ['pm_dec', Float32Array],
  pmErrMasPerYear: ['pm_err', Float32Array],
  parallaxMas: ['parallax', Float32Array],
  epochYear: ['epoch', Float64Array],
} as const
type NumberKey = keyof typeof NUMBERS
const numberKeys = Object.keys(NUMBERS) as NumberKey[]

/** The columns of our tiles for some stars, every band of the survey, in the order of the stars. */
export function toParquetColumns(stars: ReferenceStars, survey: Survey): ParquetColumn[] {
  const cells = new BigInt64Array(stars.count)
  for (let i = 0; i < stars.count; i++) cells[i] = healpix29(stars.raDeg[i], stars.decDeg[i])
  const none = new Float64Array(stars.count).fill(Number.NaN)
  return [
    { name: '_healpix_29', data: cells, statistics: true },
    { name: 'id', data: stars.id },
    ...numberKeys.map(key => ({ name: NUMBERS[key][0], data: new NUMBERS[key][1](stars[key]) as Column })),
    ...Object.keys(survey.bands).flatMap(band => [
      { name: `mag_${band}`, data: new Float32Array(stars.mag[band] ?? none) },
      { name: `mag_err_${band}`, data: new Float32Array(stars.magErr[band] ?? none) },
    ]),
    { name: 'clean', data: Int32Array.from(stars.clean) },
  ]
}

/** Stars from the columns of our tiles. */
export function fromParquetColumns({ columns, count }: PublishedTable, survey: SurveyId): ReferenceStars {
  const numbers = (name: string) => asNumbers(columns.get(name) ?? new Float64Array(count).fill(Number.NaN))
  const bands = [...columns.keys()].filter(name => /^mag_(?!err_)/.test(name)).map(name => name.slice(4))
  const stars = Object.fromEntries(numberKeys.map(key => [key, numbers(NUMBERS[key][0])])) as Record<
    NumberKey,
    Float64Array
  >
  return {
    survey,
    count,
    id: asText(columns.get('id') ?? []),
    ...stars,
    mag: Object.fromEntries(bands.map(band => [band, numbers(`mag_${band}`)])),
    magErr: Object.fromEntries(bands.map(band => [band, numbers(`mag_err_${band}`)])),
    clean: Uint8Array.from(numbers('clean')),
  }
}

/** The stars with the given indices, in that order. */
export function takeStars(stars: ReferenceStars, rows: ArrayLike<number>): ReferenceStars {
  return combineStars([{ stars, rows }], stars.survey)
}

/** Chosen rows of several lists of stars of one survey, one list after the other. */
export function combineStars(
  parts: { stars: ReferenceStars; rows: ArrayLike<number> }[],
  survey: SurveyId,
): ReferenceStars {
  const count = parts.reduce((sum, part) => sum + part.rows.length, 0)
  const bands = [...new Set(parts.flatMap(part => Object.keys(part.stars.mag)))]
  const gather = (of: (stars: ReferenceStars) => ArrayLike<number> | undefined) => {
    const values = new Float64Array(count).fill(Number.NaN)
    let at = 0
    for (const { stars, rows } of parts) {
      const source = of(stars)
      for (let i = 0; i < rows.length; i++, at++) if (source) values[at] = source[rows[i]]
    }
    return values
  }
  const id: string[] = []
  for (const { stars, rows } of parts) for (let i = 0; i < rows.length; i++) id.push(stars.id[rows[i]])
  const numbers = Object.fromEntries(numberKeys.map(key => [key, gather(stars => stars[key])])) as Record<
    NumberKey,
    Float64Array
  >
  return {
    survey,
    count,
    id,
    ...numbers,
    mag: Object.fromEntries(bands.map(band => [band, gather(stars => stars.mag[band])])),
    magErr: Object.fromEntries(bands.map(band => [band, gather(stars => stars.magErr[band])])),
    clean: Uint8Array.from(gather(stars => stars.clean)),
  }
}
