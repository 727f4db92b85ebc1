import { leapSeconds } from './leap-seconds.ts'

export const SECONDS_PER_DAY = 86_400
/** JD − MJD. */
export const MJD_ZERO_JD = 2_400_000.5
const MJD_UNIX_EPOCH = 40_587
const MJD_J2000_TT = 51_544.5
const TT_MINUS_TAI_SECONDS = 32.184

/** TAI − UTC in seconds at an MJD (UTC); 10 before 1972, when UTC had no whole steps yet. */
export function taiMinusUtcSeconds(mjdUtc: number): number {
  let offset = leapSeconds[0][1]
  for (const [from, seconds] of leapSeconds) if (mjdUtc >= from) offset = seconds
  return offset
}

/** TT − UTC in seconds at an MJD (UTC). */
export function ttMinusUtcSeconds(mjdUtc: number): number {
  return taiMinusUtcSeconds(mjdUtc) + TT_MINUS_TAI_SECONDS
}

/** MJD in TT of an MJD in UTC. */
export function ttFromUtc(mjdUtc: number): number {
  return mjdUtc + ttMinusUtcSeconds(mjdUtc) / SECONDS_PER_DAY
}

/** MJD in UTC of an MJD in TT. TDB may be handed in too: it never differs from TT by more than 1.7 ms. */
export function utcFromTt(mjdTt: number): number {
  const near = mjdTt - ttMinusUtcSeconds(mjdTt) / SECONDS_PER_DAY
  return mjdTt - ttMinusUtcSeconds(near) / SECONDS_PER_DAY
}

/** Julian epoch (e.g. 2023.497) of an MJD in UTC: 2000 + (JD_TT − 2451545) / 365.25. */
export function julianEpoch(mjdUtc: number): number {
  return 2000 + (ttFromUtc(mjdUtc) - MJD_J2000_TT) / 365.25
}

/** A date and time as written in a header. */
export interface Instant {
  mjd: number
  /** True where only the day was written; `mjd` is then its midnight. */
  dateOnly: boolean
  /** Hours east of Greenwich that were taken off because the text named a zone; undefined where it named none. */
  zoneHours: number | undefined
}

const clock = String.raw`(\d{1,2})[:h -](\d{1,2})(?:[:m -](\d{1,2}(?:[.,]\d*)?))?s?`
const zone = String.raw`\s*(Z|UTC?|[+-]\d{2}(?::?\d{2})?)?`
const spellings: readonly { pattern: RegExp; order: 'ymd' | 'dmy' }[] = [
  { pattern: new RegExp(`^(\\d{4})[-/.](\\d{1,2})[-/.](\\d{1,2})(?:[T ]+${clock}${zone})?$`, 'i'), order: 'ymd' },
  {
    pattern: new RegExp(`^(\\d{1,2})[-/.](\\d{1,2})[-/.](\\d{4}|\\d{2})(?:[T ]+${clock}${zone})?$`, 'i'),
    order: 'dmy',
  },
  {
    pattern: /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2}(?:[.,]\d*)?)(Z|UTC?|[+-]\d{2}:?\d{2})?)?$/i,
    order: 'ymd',
  },
]

/**
 * Read a date with or without time as cameras write it: ISO 8601 with 'T' or blank, trailing 'Z' or a zone such as
 * -0700 (which is taken off), `2019-01-02T03-04-05`, and the day-first forms 02/01/2019, 02/01/99 (the FITS form before
 * 1999, hence 19yy), 02-01-2019, 02.01.2019. Undefined where the text is none of them or names no real day.
 */
export function parseInstant(text: string): Instant | undefined {
  for (const { pattern, order } of spellings) {
    const match = pattern.exec(text.trim())
    if (!match) continue
    const [first, month, third] = [Number(match[1]), Number(match[2]), Number(match[3])]
    const year = order === 'ymd' ? first : match[3].length === 2 ? 1900 + third : third
    const midnight = mjdFromDay(year, month, order === 'ymd' ? third : first)
    const seconds = clockSeconds(match[4], match[5], match[6])
    if (Number.isNaN(midnight) || Number.isNaN(seconds)) return undefined
    const zoneHours = hoursOfZone(match[7])
    const mjd = midnight + (seconds - (zoneHours ?? 0) * 3600) / SECONDS_PER_DAY
    return { mjd, dateOnly: match[4] === undefined, zoneHours }
  }
  return undefined
}

/** Seconds since midnight of a time of day such as '01:33:43.317', '01 33 43' or '01:33'; NaN where it is none. */
export function parseClock(text: string): number {
  const match = new RegExp(`^${clock}${zone}$`, 'i').exec(text.trim())
  if (!match) return Number.NaN
  return clockSeconds(match[1], match[2], match[3]) - (hoursOfZone(match[4]) ?? 0) * 3600
}

/** MJD (in the scale of the text, normally UTC) of a date and time; NaN where {@link parseInstant} cannot read it. */
export function mjdFromIso(text: string): number {
  return parseInstant(text)?.mjd ?? Number.NaN
}

/** ISO 8601 date and time of an MJD, without zone letter, rounded to the given decimals of a second. */
export function isoFromMjd(mjd: number, decimals = 3): string {
  const unit = 10 ** decimals
  const day = Math.floor(mjd)
  const ticks = Math.round((mjd - day) * SECONDS_PER_DAY * unit)
  const overflow = ticks >= SECONDS_PER_DAY * unit ? 1 : 0
  const left = overflow ? 0 : ticks
  const date = new Date((day + overflow - MJD_UNIX_EPOCH) * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10)
  const seconds = (left % (60 * unit)) / unit
  const minutes = Math.floor(left / (60 * unit)) % 60
  const hours = Math.floor(left / (3600 * unit))
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date}T${two(hours)}:${two(minutes)}:${seconds.toFixed(decimals).padStart(decimals > 0 ? decimals + 3 : 2, '0')}`
}

/** MJD of the midnight that begins a day of the Gregorian calendar; NaN where there is no such day. */
export function mjdFromDay(year: number, month: number, day: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day) // not Date.UTC, which takes the year 26 for 1926
  const milliseconds = date.getTime()
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return Number.NaN
  return milliseconds / 1000 / SECONDS_PER_DAY + MJD_UNIX_EPOCH
}

/** A leap second (23:59:60) counts as the first second of the next day: MJD has no room for it. */
function clockSeconds(hours = '0', minutes = '0', seconds = '0'): number {
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds.replace(',', '.'))]
  return h <= 24 && m < 60 && s < 61 ? h * 3600 + m * 60 + s : Number.NaN
}

function hoursOfZone(text: string | undefined): number | undefined {
  if (!text) return undefined
  const match = /^([+-])(\d{2})(?::?(\d{2}))?$/.exec(text)
  if (!match) return 0
  const size = Number(match[2]) + Number(match[3] ?? 0) / 60
  return match[1] === '-' ? -size || 0 : size
}
