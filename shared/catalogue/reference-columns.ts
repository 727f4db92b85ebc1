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

/** Reference stars as they are kept: what was stored in single precision stays so. */
export type StarColumns = Pick<ReferenceStars, 'survey' | 'count'> & {
  id: readonly string[]
  mag: Record<string, ArrayLike<number>>
  magErr: Record<string, ArrayLike<number>>
  clean: ArrayLike<number>
} & Record<NumberKey, ArrayLike<number>>

/** Stars from the columns of our tiles. */
export function fromParquetColumns({ columns, count }: PublishedTable, survey: SurveyId): StarColumns {
  const none = new Float32Array(count).fill(Number.NaN)
  const numbers = (name: string) => {
    const column = columns.get(name) ?? none
    return column instanceof Float32Array ? column : asNumbers(column)
  }
  const bands = [...columns.keys()].filter(name => /^mag_(?!err_)/.test(name)).map(name => name.slice(4))
  const stars = Object.fromEntries(
    numberKeys.map((key): [string, ArrayLike<number>] => [key, numbers(NUMBERS[key][0])]),
  ) as Record<NumberKey, ArrayLike<number>>
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
export function takeStars(stars: StarColumns, rows: ArrayLike<number>): ReferenceStars {
  return combineStars([{ stars, rows }], stars.survey)
}

/** Chosen rows of several lists of stars of one survey, one list after the other. */
export function combineStars(
  parts: { stars: StarColumns; rows: ArrayLike<number> }[],
  survey: SurveyId,
): ReferenceStars {
  const count = parts.reduce((sum, { rows }) => sum + rows.length, 0)
  const part = new Uint32Array(count)
  const row = new Uint32Array(count)
  let at = 0
  parts.forEach(({ rows }, p) => {
    part.fill(p, at, at + rows.length)
    row.set(rows, at)
    at += rows.length
  })
  const lists = parts.map(({ stars }) => stars)
  return gatherStars(lists, part, row, survey)
}

/**
 * Stars from several lists in any order: star i is row `row[i]` of list `part[i]`. Bands that a list has not are NaN.
 */
export function gatherStars(
  lists: readonly StarColumns[],
  part: Uint32Array,
  row: Uint32Array,
  survey: SurveyId,
): ReferenceStars {
  const count = part.length
  const bands = [...new Set(lists.flatMap(({ mag }) => Object.keys(mag)))]
  const gather = (of: (stars: StarColumns) => ArrayLike<number> | undefined) =>
    gatherNumbers(lists.map(of), part, row, new Float64Array(count).fill(Number.NaN))
  const id = new Array<string>(count)
  for (let i = 0; i < count; i++) id[i] = lists[part[i]].id[row[i]]
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

function gatherNumbers(
  columns: (ArrayLike<number> | undefined)[],
  part: Uint32Array,
  row: Uint32Array,
  values: Float64Array,
): Float64Array {
  for (let i = 0; i < values.length; i++) {
    const column = columns[part[i]]
    if (column !== undefined) values[i] = column[row[i]]
  }
  return values
}
