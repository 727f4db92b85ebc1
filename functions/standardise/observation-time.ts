import { CpcsError } from '#shared/errors.ts'
import type { Header } from '#shared/fits/header.ts'
import {
  isoFromMjd,
  MJD_ZERO_JD,
  mjdFromIso,
  parseClock,
  parseInstant,
  SECONDS_PER_DAY,
  taiMinusUtcSeconds,
  utcFromTt,
} from '#shared/sky/time.ts'
import type { Confidence, TimeSource } from './dialects/dialect.ts'
import { genericEnds, genericTimes, lastResort } from './dialects/generic.ts'
import type { Found, Reader } from './read-value.ts'

const EARLIEST_MJD = mjdFromIso('1880-01-01') // nothing photographed the sky in FITS terms before
const LATEST_MJD = mjdFromIso('2150-01-01')
const TAI_MINUS_GPS_SECONDS = 19
const FIRST_CAMERA_MJD = mjdFromIso('1976-01-01') // the first astronomical CCD image: before, plates that were scanned

export interface ObservationTime {
  mjdUtcMid: Found<number>
  dateObsUtc: Found<string>
  uncertain: boolean
}

/** One reading of one time source, MJD in UTC. */
interface Statement {
  mjd: number
  source: TimeSource
  from: string
  conversion: string
  dateOnly: boolean
  /** Rounding of the value as written, seconds. */
  roundingSeconds: number
}

/**
 * The middle of the exposure in UTC. The dialect's keywords come first, then the generic ones; the others that can be
 * read are held against the chosen one, and a disagreement is told.
 *
 * @param exposureSeconds undefined where the header does not tell it: then the start stands for the middle, flagged
 * @param marks what moment the times of the header name, where the telescope's profile says it
 * @throws {CpcsError} NoObservationTime
 */
export function observationTime(
  { header, dialect }: Reader,
  exposureSeconds: number | undefined,
  marks?: TimeSource['marks'],
): ObservationTime {
  const distrusted = new Set(dialect.distrusts)
  const trusted = (source: TimeSource) => !distrusted.has(source.key)
  const readAll = (sources: readonly TimeSource[]) =>
    sources.filter(trusted).flatMap(source => readSource(header, source) ?? [])
  const marked = (sources: readonly TimeSource[]) =>
    marks ? sources.map(source => (source.marks === 'start' ? { ...source, marks } : source)) : sources
  const readTold = (sources: readonly TimeSource[]) =>
    readAll(marks ? marked(sources) : sources.map(source => asCommented(header, source)))
  const told = readTold([...(dialect.times ?? []), ...genericTimes])
  const timed = told.filter(statement => !statement.dateOnly)
  const chosen = timed[0] ?? told[0] ?? readAll([lastResort])[0]
  if (!chosen) throw new CpcsError('NoObservationTime', { found: unreadable(header) })

  const half = (exposureSeconds ?? 0) / 2 / SECONDS_PER_DAY
  const ends = genericEnds.map(source => ({ ...source, scale: chosen.source.scale }))
  const end = readAll(ends).find(statement => !statement.dateOnly)
  const middle = middleOf(chosen, end, half, dialect.endsAreExact ?? false)
  const conflict =
    disagreement(chosen, timed, half) ??
    otherClock(header, chosen, half) ??
    strangeScale(header, chosen) ??
    tooEarly(chosen.mjd)
  const guessed = chosen.dateOnly || chosen.source.confidence === 'guess'
  const confidence: Confidence =
    guessed || conflict ? 'guess' : exposureSeconds === undefined ? 'likely' : (chosen.source.confidence ?? 'certain')
  const start = chosen.source.marks === 'start' ? chosen.mjd : middle.mjd - half
  const found = { from: middle.from, confidence, conflict }
  return {
    mjdUtcMid: { ...found, value: middle.mjd, conversion: joined(chosen.conversion, middle.conversion) },
    dateObsUtc: { ...found, from: chosen.from, value: isoFromMjd(start), conversion: chosen.conversion },
    uncertain: guessed || conflict !== undefined || exposureSeconds === undefined,
  }
}

function middleOf(chosen: Statement, end: Statement | undefined, half: number, exact: boolean) {
  const { mjd, source, from } = chosen
  if (source.marks === 'mid') return { mjd, from, conversion: '' }
  if (source.marks === 'end') return { mjd: mjd - half, from, conversion: 'end less half the exposure' }
  // A stack lasts longer than its exposure: then start and end tell its middle, not half the exposure.
  const span = end ? end.mjd - mjd : 0
  const lasts = exact ? span > 0 : span > 3 * half + 10 / SECONDS_PER_DAY
  if (end && lasts && span < 1)
    return { mjd: mjd + span / 2, from: `${from}, ${end.from}`, conversion: 'middle of start and end' }
  return { mjd: mjd + half, from, conversion: half > 0 ? 'start plus half the exposure' : 'start' }
}

function readSource(header: Header, source: TimeSource): Statement | undefined {
  if (!header.has(source.key) || (source.clock && !header.has(source.clock))) return undefined
  const statement = source.clock ? readDayAndClock(header, source, source.clock) : readOne(header, source)
  if (!statement) return undefined
  const scaled = toUtc(header, statement)
  return scaled.mjd > EARLIEST_MJD && scaled.mjd < LATEST_MJD ? scaled : undefined
}

function readOne(header: Header, source: TimeSource): Statement | undefined {
  if (source.zero) return readOffset(header, source, source.zero)
  const value = header.get(source.key)
  if (typeof value === 'number' || /^\s*\d{5,10}(\.\d*)?\s*$/.test(String(value))) {
    const { mjd, conversion } = mjdFromNumber(Number(value), source.as)
    return { mjd, source, from: source.key, conversion, dateOnly: false, roundingSeconds: roundingOf(Number(value)) }
  }
  const instant = typeof value === 'string' ? parseInstant(value) : undefined
  if (!instant) return undefined
  const conversion = instant.zoneHours ? `local time, ${instant.zoneHours} h from UTC, taken to UTC` : ''
  return { mjd: instant.mjd, source, from: source.key, conversion, dateOnly: instant.dateOnly, roundingSeconds: 1 }
}

/** Days since a zero of the program's own, as the full frames of TESS count them. */
function readOffset(header: Header, source: TimeSource, zero: string): Statement | undefined {
  const [days, from] = [header.number(source.key), header.number(zero)]
  if (days === undefined || from === undefined) return undefined
  const { mjd, conversion } = mjdFromNumber(days + from)
  const words = joined(`${zero} added`, conversion)
  return {
    mjd,
    source,
    from: `${source.key}, ${zero}`,
    conversion: words,
    dateOnly: false,
    roundingSeconds: roundingOf(days),
  }
}

function readDayAndClock(header: Header, source: TimeSource, clock: string): Statement | undefined {
  const day = parseInstant(header.string(source.key) ?? '')
  const text = header.string(clock) ?? ''
  const seconds = parseClock(text)
  if (!day?.dateOnly || Number.isNaN(seconds)) return undefined
  const mjd = day.mjd + seconds / SECONDS_PER_DAY
  return {
    mjd,
    source,
    from: `${source.key}, ${clock}`,
    conversion: 'day and time of day put together',
    dateOnly: false,
    roundingSeconds: 1,
  }
}

/** A bare number by its size: MJD, JD, or seconds since 1970. */
function mjdFromNumber(value: number, as?: TimeSource['as']): { mjd: number; conversion: string } {
  if (as === 'seconds of MJD') return { mjd: value / SECONDS_PER_DAY, conversion: 'seconds to MJD' }
  if (value < 1e5) return { mjd: value, conversion: '' }
  if (value < 1e7) return { mjd: value - MJD_ZERO_JD, conversion: 'JD to MJD' }
  return { mjd: value / SECONDS_PER_DAY + mjdFromIso('1970-01-01'), conversion: 'Unix time to MJD' }
}

function roundingOf(days: number): number {
  const decimals = String(days).split('.')[1]?.length ?? 0
  return days > 1e7 ? 1 : (SECONDS_PER_DAY / 10 ** decimals) * 1.01
}

function toUtc(header: Header, statement: Statement): Statement {
  const scale = statement.source.scale ?? scaleOf(header)
  if (asTt.test(scale))
    return { ...statement, mjd: utcFromTt(statement.mjd), conversion: joined(statement.conversion, `${scale} to UTC`) }
  if (scale === 'TAI' || scale === 'GPS') {
    const behindTai = scale === 'GPS' ? TAI_MINUS_GPS_SECONDS : 0
    const seconds = taiMinusUtcSeconds(statement.mjd) - behindTai
    return {
      ...statement,
      mjd: statement.mjd - seconds / SECONDS_PER_DAY,
      conversion: joined(statement.conversion, `${scale} to UTC`),
    }
  }
  return statement
}

/** A source whose own comment names the middle or the end of the exposure, not its start. */
function asCommented(header: Header, source: TimeSource): TimeSource {
  const comment = header.comment(source.clock ?? source.key)
  if (source.marks !== 'start' || /start|begin|open/i.test(comment)) return source
  if (/\bmid([\s-]|dle|point)/i.test(comment)) return { ...source, marks: 'mid' }
  return /\bend(ed|ing)?\b/i.test(comment) ? { ...source, marks: 'end' } : source
}

/** A time of day beside a whole date and time that says something else, in words. */
function otherClock(header: Header, { source, mjd }: Statement, half: number): string | undefined {
  const clock = source.key === 'DATE-OBS' && !source.clock ? parseClock(header.string('TIME-OBS') ?? '') : Number.NaN
  if (Number.isNaN(clock)) return undefined
  const apart = clock - (mjd - Math.floor(mjd)) * SECONDS_PER_DAY
  const seconds = apart - SECONDS_PER_DAY * Math.round(apart / SECONDS_PER_DAY)
  const tolerance = 3 * half * SECONDS_PER_DAY + 4
  return Math.abs(seconds) > tolerance ? `TIME-OBS is ${Math.round(seconds)} s off` : undefined
}

const takenAsUtc = /^(UTC?|UT1|GMT|Z)\b/ // DECam and its kin write "UTC approximate"
const asTt = /^(TT|TDT|TDB|ET)$/

/** A time scale that is not turned into UTC, or a comment that tells of local time, in words. */
function strangeScale(header: Header, { source }: Statement): string | undefined {
  const scale = source.scale ?? scaleOf(header)
  if (!takenAsUtc.test(scale) && !asTt.test(scale) && scale !== 'TAI' && scale !== 'GPS')
    return `TIMESYS is '${scale}', which is no scale known here: taken as UTC`
  const comment = header.comment(source.clock ?? source.key)
  return /\blocal\b/i.test(comment) && !/\b(UTC?|GMT)\b/.test(comment)
    ? `the comment of ${source.key} says '${comment}': is it local time?`
    : undefined
}

/** The scale of the header's times, upper case, without a realisation as in TT(TAI). */
function scaleOf(header: Header): string {
  return (header.string('TIMESYS') ?? 'UTC').toUpperCase().replace(/\(.*/, '').trim()
}

/** What other time keywords say against the chosen one, in words; undefined where they agree. */
function disagreement(chosen: Statement, told: Statement[], half: number): string | undefined {
  const middle = (statement: Statement) => statement.mjd + (statement.source.marks === 'start' ? half : 0)
  for (const other of told) {
    const seconds = (middle(other) - middle(chosen)) * SECONDS_PER_DAY
    const tolerance = 3 * half * SECONDS_PER_DAY + other.roundingSeconds + chosen.roundingSeconds + 2
    if (Math.abs(seconds) <= tolerance) continue
    const halfHours = Math.round(seconds / 1800)
    const local = halfHours !== 0 && Math.abs(seconds - halfHours * 1800) < tolerance && Math.abs(halfHours) <= 28
    const guess = local ? `: ${halfHours / 2} h apart, is one of them local time?` : ''
    return `${other.from} is ${Math.round(seconds)} s off${guess}`
  }
  return undefined
}

function tooEarly(mjd: number): string | undefined {
  if (mjd >= FIRST_CAMERA_MJD) return undefined
  return `${isoFromMjd(mjd).slice(0, 10)} is before electronic cameras: a clock that was never set, or a scanned plate?`
}

function unreadable(header: Header): string {
  const text = header.string('DATE-OBS')
  if (text === undefined) return 'no keyword tells it'
  const instant = parseInstant(text)
  return instant
    ? `DATE-OBS '${text}' lies outside the years 1880 to 2150: is the clock right?`
    : `DATE-OBS '${text}' cannot be read`
}

function joined(...words: string[]): string {
  return words.filter(word => word !== '').join('; ')
}
