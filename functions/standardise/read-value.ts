import type { Header } from '#shared/fits/header.ts'
import { parseSexagesimalDegrees } from '#shared/sky/angles.ts'
import type { Confidence, Dialect, Field, Reading, Source } from './dialects/dialect.ts'
import { genericFields } from './dialects/generic.ts'

/** A value and where it came from. */
export interface Found<T> {
  value: T
  from: string
  conversion: string
  confidence: Confidence | 'none'
  conflict?: string
}

interface Read {
  value: number | string
  conversion: string
  conflict?: string
}

/** The readings that a dialect may name; undefined where the keyword holds no such value. */
const readings: Record<Reading, (header: Header, key: string) => Read | undefined> = {
  text: (header, key) => taken(header.string(key)),
  number: (header, key) => taken(header.number(key)),
  positive: (header, key) => taken(positive(header.number(key))),
  negated: (header, key) => toBeAdded(header.number(key)),
  absolute: (header, key) => converted(header.number(key), Math.abs, header.number(key)! < 0 ? 'without its sign' : ''),
  seconds: (header, key) => secondsIn(header, key),
  minutes: (header, key) => converted(header.number(key), value => value * 60, 'minutes to seconds'),
  inverse: (header, key) => converted(positive(header.number(key)), value => 1 / value, 'inverse: ADU per electron'),
  'arcsec per mm': (header, key) => plateScale(header, key),
  'first of pair': (header, key) => pair(header.string(key), 0),
  'second of pair': (header, key) => pair(header.string(key), 1),
  degrees: (header, key) => degreesIn(header, key),
  'degrees west': (header, key) => {
    const west = degreesIn(header, key)
    if (!west || west.conversion.includes(HEMISPHERE)) return west
    return converted(west.value as number, value => -value, 'counted west, turned east')
  },
}

const usualReading: Partial<Record<Field, Reading>> = {
  exposureSeconds: 'seconds',
  stackedFrames: 'positive',
  gainElectronsPerAdu: 'positive',
  readNoiseElectrons: 'positive',
  saturationAdu: 'positive',
  pedestalAdu: 'number',
  binningX: 'positive',
  binningY: 'positive',
  pixelScaleArcsec: 'positive',
  pixelSizeMicron: 'positive',
  pixelHeightMicron: 'positive',
  unbinnedPixelSizeMicron: 'positive',
  focalLengthMm: 'positive',
  latitudeDeg: 'degrees',
  longitudeEastDeg: 'degrees',
  heightM: 'number',
  airmass: 'number',
  altitudeDeg: 'degrees',
  azimuthDeg: 'degrees',
}

/** A header together with the dialect it is to be read in. */
export interface Reader {
  header: Header
  dialect: Dialect
}

/** All that the header says of a field, best first: the dialect's own keywords, the generic ones, its assumptions. */
export function statements({ header, dialect }: Reader, field: Field): Found<number | string>[] {
  const own = dialect.fields?.[field] ?? []
  const usual = genericFields[field].filter(
    source => !own.some(({ key, as }) => key === source.key && (as ?? '') === (source.as ?? '')),
  )
  const distrusted = new Set(dialect.distrusts)
  const found: Found<number | string>[] = []
  for (const source of own) add(found, header, field, source, source.confidence ?? 'certain')
  for (const source of usual)
    if (!distrusted.has(source.key)) add(found, header, field, source, source.confidence ?? 'certain')
  const assumed = dialect.assumes?.[field]
  if (assumed) found.push({ value: assumed.value, from: 'assumed', conversion: assumed.because, confidence: 'likely' })
  return found
}

/** The first text that the header gives for a field. */
export function findText(reader: Reader, field: Field): Found<string> | undefined {
  return statements(reader, field).find((found): found is Found<string> => typeof found.value === 'string')
}

/** The first number that the header gives for a field. */
export function findNumber(reader: Reader, field: Field): Found<number> | undefined {
  return statements(reader, field).find((found): found is Found<number> => typeof found.value === 'number')
}

/** A value with a word on the first other statement that is off by more than a tenth. */
export function contradicted(found: Found<number> | undefined, others: Found<number>[]): Found<number> | undefined {
  const odd = found && others.find(({ value }) => Math.abs(value - found.value) > 0.1 * Math.abs(found.value))
  return odd ? { ...found, conflict: `${odd.from} says ${Number(odd.value.toPrecision(4))}` } : found
}

function add(
  found: Found<number | string>[],
  header: Header,
  field: Field,
  source: Source,
  confidence: Confidence,
): void {
  if (!header.has(source.key)) return
  const read = readings[source.as ?? usualReading[field] ?? 'text'](header, source.key)
  if (!read) return
  const [low, high] = source.within ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  if (typeof read.value === 'number' && !(read.value >= low && read.value <= high)) return
  found.push({ value: read.value, from: source.key, conversion: read.conversion, confidence, ...doubt(read) })
}

function taken(value: number | string | undefined): Read | undefined {
  return value === undefined ? undefined : { value, conversion: '' }
}

function converted(value: number | undefined, by: (value: number) => number, conversion: string): Read | undefined {
  return value === undefined ? undefined : { value: by(value), conversion }
}

/** A level that is to be added to the pixels, as the level that they stand on; of one above zero the sign is in doubt. */
function toBeAdded(value: number | undefined): Read | undefined {
  const read = converted(value, level => 0 - level, 'sign turned: it is to be added')
  if (!read || !(value! > 0)) return read
  return { ...read, conflict: `above zero: is it the level that was added, ${value}? Then a profile has to tell so` }
}

/** What a reading's own doubt makes of its confidence. */
function doubt({ conflict }: Read): Partial<Found<never>> {
  return conflict === undefined ? {} : { conflict, confidence: 'guess' }
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 && Number.isFinite(value) ? value : undefined
}

/** A plate scale: on the plates of the sky surveys for each millimetre, else taken for each pixel. */
function plateScale(header: Header, key: string): Read | undefined {
  const scale = positive(header.number(key))
  if (!/\bmm\b|millimet/i.test(header.comment(key))) return taken(scale)
  const micron = positive(header.number('XPIXELSZ'))
  return micron === undefined
    ? undefined
    : converted(scale, value => (value * micron) / 1000, 'arcseconds per mm times the pixel')
}

const timeUnits: readonly { pattern: RegExp; seconds: number; name: string }[] = [
  { pattern: /\bus\b|\busec|microsec/i, seconds: 1e-6, name: 'microseconds' },
  { pattern: /\bms\b|\bmsec|millisec/i, seconds: 1e-3, name: 'milliseconds' },
  { pattern: /\bminutes?\b|[[(]min[\])]/i, seconds: 60, name: 'minutes' },
  { pattern: /\bhours?\b|\[h\]/i, seconds: 3600, name: 'hours' },
  { pattern: /\[d\]|\bdays?\b/i, seconds: 86_400, name: 'days' },
]

/** A duration; its comment or its text may name another unit than seconds. */
function secondsIn(header: Header, key: string): Read | undefined {
  const value = header.number(key)
  if (value === undefined || value < 0) return undefined
  const words = `${typeof header.get(key) === 'string' ? header.string(key) : ''} ${header.comment(key)}`
  if (/sec/i.test(words) && !/(milli|micro|\bm|\bu)sec/i.test(words)) return taken(value)
  const unit = timeUnits.find(({ pattern }) => pattern.test(words))
  return unit ? { value: value * unit.seconds, conversion: `${unit.name} to seconds` } : taken(value)
}

const HEMISPHERE = 'hemisphere'

/** An angle, with or without the letter of its hemisphere; S and W are negative. */
function degreesIn(header: Header, key: string): Read | undefined {
  const written = header.get(key)
  if (typeof written !== 'string') return taken(header.number(key))
  const seconds = /m\s*[\d.]+\s*s\s*$/i.test(written) // 17d54m57s is not in the south
  const letter = seconds ? null : /^\s*([nsew])\b|(?<![a-z])([nsew])\s*$/i.exec(written)
  const text = letter ? written.replace(letter[0], '').trim() : written
  const angle = parseSexagesimalDegrees(text)
  const plain = /^\s*[+-]?\d+([.,]\d*)?\s*$/.test(text) ? Number(text.replace(',', '.')) : header.number(key)
  const sexagesimal = Number.isFinite(angle)
  const value = sexagesimal ? angle : plain
  if (value === undefined) return undefined
  const hemisphere = letter ? (letter[1] ?? letter[2]).toUpperCase() : ''
  const words = [sexagesimal ? 'sexagesimal to degrees' : '', hemisphere && `${HEMISPHERE} ${hemisphere}`]
  const south = hemisphere === 'S' || hemisphere === 'W'
  return { value: south ? -Math.abs(value) : value, conversion: words.filter(Boolean).join('; ') }
}

function pair(text: string | undefined, index: 0 | 1): Read | undefined {
  const match = /(\d+)\s*[x, *]\s*(\d+)/i.exec(text ?? '')
  const value = match ? Number(match[index + 1]) : positive(Number(text))
  return value ? { value, conversion: match ? `part ${index + 1} of '${text}'` : '' } : undefined
}
