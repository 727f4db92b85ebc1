import { wrap360 } from '#shared/sky/angles.ts'
import { asNumbers, asText, countWords, findColumn, type PublishedTable, type Wanted } from './published-table.ts'
import type { ReferenceStars } from './reference.ts'
import type { Cut, ErrorColumn, Spellings, Survey, SurveyBand } from './survey.ts'

/** Magnitudes outside are the sentinels of some archive (−999, 99.99), not measurements. */
const FAINTEST = 40
const BRIGHTEST = -20

/** Which columns of a published table say something that {@link normalise} uses. */
export function wantedBy(survey: Survey): Wanted {
  const { columns, bands, clean } = survey
  const names = new Set(
    [
      columns.id,
      ...(columns.idParts ?? []),
      columns.ra,
      columns.dec,
      columns.raErr?.map(([name]) => name),
      columns.decErr?.map(([name]) => name),
      columns.pmRa,
      columns.pmDec,
      columns.pmErr,
      columns.parallax,
      columns.epoch,
      ...Object.values(bands).flatMap(band => [
        band.mag,
        band.err,
        band.snr,
        band.fluxErr?.flux,
        band.fluxErr?.err,
        band.valid?.column,
      ]),
      ...clean.flatMap(cut => ('text' in cut ? [cut.text] : cut.columns)),
    ].flatMap(spellings => (spellings ?? []).map(name => name.toLowerCase())),
  )
  return name => names.has(name.toLowerCase())
}

/** Whether a table has positions in the survey's spellings. */
export function hasPositions(table: PublishedTable, { columns }: Survey): boolean {
  return findColumn(table, columns.ra) !== undefined && findColumn(table, columns.dec) !== undefined
}

/**
 * Turn a published table into reference stars: the survey's spellings to our columns, sentinels to NaN, published
 * epochs to Julian years, missing errors to the survey's usual ones, quality cuts to `clean`. Rows without a position
 * are left out; any other column may be missing. The order is that of the table.
 *
 * @throws {Error} no right ascension or declination under any of the survey's spellings
 */
export function normalise(table: PublishedTable, survey: Survey): ReferenceStars {
  const { columns } = survey
  const spelled = exactSpellings(survey)
  const column = (spellings: Spellings | undefined) => spellings && findColumn(table, spellings, spelled)
  const numbers = (spellings: Spellings | undefined) => {
    const found = column(spellings)
    return found && asNumbers(found)
  }
  const allRa = numbers(columns.ra)
  const allDec = numbers(columns.dec)
  if (!allRa || !allDec)
    throw new Error(
      `no column ${columns.ra.join(' or ')} with ${columns.dec.join(' or ')} as ${survey.title} publishes them`,
    )
  const rows: number[] = []
  for (let i = 0; i < table.count; i++)
    if (Number.isFinite(allRa[i]) && Math.abs(allDec[i]) <= 90 && Math.abs(allRa[i]) <= 360) rows.push(i)

  const pick = (values: Float64Array | undefined, missing: number) =>
    Float64Array.from(rows, row => (values && Number.isFinite(values[row]) ? values[row] : missing))
  const raDeg = Float64Array.from(rows, row => wrap360(allRa[row]))
  const decDeg = Float64Array.from(rows, row => allDec[row])
  const mag: Record<string, Float64Array> = {}
  const magErr: Record<string, Float64Array> = {}
  for (const [name, band] of Object.entries(survey.bands)) {
    const values = numbers(band.mag)
    if (!values) continue
    const errors = numbers(band.err)
    const ratios = errors ? undefined : (numbers(band.snr) ?? ratio(band.fluxErr, numbers))
    const valid = band.valid && column(band.valid.column)
    const words = valid && asText(valid)
    mag[name] = Float64Array.from(rows, row =>
      words && words[row] !== '' && !band.valid?.keep(words[row]) ? Number.NaN : magnitude(values[row]),
    )
    magErr[name] = Float64Array.from(rows, (row, i) => {
      if (Number.isNaN(mag[name][i])) return Number.NaN
      if (errors && errors[row] > 0 && errors[row] < 9) return errors[row]
      // 2.5 / ln 10: relative error of a flux to an error in magnitudes
      if (ratios && ratios[row] > 0) return 1.0857362 / ratios[row]
      return band.assumedErr?.(mag[name][i]) ?? Number.NaN
    })
  }
  const epochs = numbers(columns.epoch)
  return {
    survey: survey.id,
    count: rows.length,
    id: identities(table, survey, rows, raDeg, decDeg),
    raDeg,
    decDeg,
    raErrMas: errorsMas(table, columns.raErr, rows, survey.positionErrMas),
    decErrMas: errorsMas(table, columns.decErr, rows, survey.positionErrMas),
    pmRaMasPerYear: pick(numbers(columns.pmRa), 0),
    pmDecMasPerYear: pick(numbers(columns.pmDec), 0),
    pmErrMasPerYear: pick(numbers(columns.pmErr), 0),
    parallaxMas: pick(numbers(columns.parallax), 0),
    epochYear: Float64Array.from(rows, row => julianYear(epochs?.[row]) ?? survey.epochYear),
    mag,
    magErr,
    clean: cleanRows(table, survey.clean, rows),
  }
}

/**
 * Values of magnitudes, their errors and proper motions that are words, which {@link normalise} takes for no value.
 *
 * @returns how many there are in each column of the table that has any
 */
export function wordsForNumbers(table: PublishedTable, survey: Survey): Map<string, number> {
  const { columns, bands } = survey
  const spelled = exactSpellings(survey)
  const numeric = [columns.pmRa, columns.pmDec, ...Object.values(bands).flatMap(({ mag, err }) => [mag, err])]
  const words = new Map<string, number>()
  for (const spellings of numeric) {
    const column = spellings && findColumn(table, spellings, spelled)
    const count = column ? countWords(column) : 0
    if (count === 0) continue
    const [name] = [...table.columns].find(([, other]) => other === column)!
    words.set(name, count)
  }
  return words
}

/** Every spelling of every band: a column that is spelled so belongs to its band and to no other. */
function exactSpellings({ bands }: Survey): ReadonlySet<string> {
  return new Set(Object.values(bands).flatMap(({ mag, err }) => [...mag, ...(err ?? [])]))
}

function ratio(
  columns: SurveyBand['fluxErr'],
  numbers: (spellings: Spellings | undefined) => Float64Array | undefined,
): Float64Array | undefined {
  const [flux, err] = [numbers(columns?.flux), numbers(columns?.err)]
  return flux && err && flux.map((value, i) => value / err[i])
}

function magnitude(value: number): number {
  return value > BRIGHTEST && value < FAINTEST ? value : Number.NaN
}

/** Epochs are published as Julian years, modified or full Julian dates; their ranges do not overlap. */
function julianYear(value: number | undefined): number | undefined {
  if (value === undefined || !(value > 1800)) return undefined
  if (value < 2200) return value
  const mjd = value > 2_400_000 ? value - 2_400_000.5 : value
  return mjd > 15_000 && mjd < 90_000 ? 2000 + (mjd - 51_544.5) / 365.25 : undefined
}

function errorsMas(
  table: PublishedTable,
  spellings: readonly ErrorColumn[] | undefined,
  rows: number[],
  missing: number,
): Float64Array {
  for (const [name, toMas] of spellings ?? []) {
    const column = findColumn(table, [name])
    if (!column) continue
    const values = asNumbers(column)
    return Float64Array.from(rows, row => (values[row] > 0 ? values[row] * toMas : missing))
  }
  return new Float64Array(rows.length).fill(missing)
}

/** Published identities; where the table has none, the position stands for it, so that importing twice finds it. */
function identities(
  table: PublishedTable,
  { columns }: Survey,
  rows: number[],
  raDeg: Float64Array,
  decDeg: Float64Array,
): string[] {
  const place = (i: number) => `${raDeg[i].toFixed(6)}${decDeg[i] < 0 ? '' : '+'}${decDeg[i].toFixed(6)}`
  const parts = columns.idParts?.map(spellings => findColumn(table, spellings))
  if (parts?.every(part => part !== undefined)) {
    const texts = parts.map(asText)
    return rows.map(row => texts.map(text => text[row]).join('-'))
  }
  const column = findColumn(table, columns.id)
  if (!column) return rows.map((_, i) => place(i))
  const texts = asText(column)
  return rows.map((row, i) => (texts[row] === '' || texts[row] === 'NaN' ? place(i) : texts[row]))
}

function cleanRows(table: PublishedTable, cuts: readonly Cut[], rows: number[]): Uint8Array {
  const clean = new Uint8Array(rows.length).fill(1)
  for (const cut of cuts) {
    if ('text' in cut) {
      const column = findColumn(table, cut.text)
      if (!column) continue
      const texts = asText(column)
      rows.forEach((row, i) => {
        if (texts[row] !== '' && !cut.keepText(texts[row])) clean[i] = 0
      })
      continue
    }
    const columns = cut.columns.map(spellings => findColumn(table, spellings))
    if (!columns.every(column => column !== undefined)) continue
    const values = columns.map(asNumbers)
    rows.forEach((row, i) => {
      const present = values.map(column => column[row])
      if (present.every(Number.isFinite) && !cut.keep(...present)) clean[i] = 0
    })
  }
  return clean
}
