export const DEGREE = Math.PI / 180
export const MAS_PER_DEGREE = 3_600_000

/** An angle in degrees brought into [0, 360). */
export function wrap360(deg: number): number {
  const wrapped = deg % 360
  return wrapped < 0 ? wrapped + 360 : wrapped
}

/** An angle in degrees brought into [-180, 180). */
export function wrap180(deg: number): number {
  return wrap360(deg + 180) - 180
}

/** Great-circle distance in degrees, by the formula of Vincenty, good at any separation. All angles in degrees. */
export function separationDeg(ra1: number, dec1: number, ra2: number, dec2: number): number {
  const dRa = (ra2 - ra1) * DEGREE
  const sin1 = Math.sin(dec1 * DEGREE)
  const cos1 = Math.cos(dec1 * DEGREE)
  const sin2 = Math.sin(dec2 * DEGREE)
  const cos2 = Math.cos(dec2 * DEGREE)
  const across = Math.hypot(cos2 * Math.sin(dRa), cos1 * sin2 - sin1 * cos2 * Math.cos(dRa))
  return Math.atan2(across, sin1 * sin2 + cos1 * cos2 * Math.cos(dRa)) / DEGREE
}

/**
 * A right ascension written in sexagesimal hours ("13 25 55.78", "13:25:55.78", "13h25m55.78s"), in degrees.
 * NaN where the text is not of that form.
 */
export function parseSexagesimalHours(text: string): number {
  return 15 * parseSexagesimalDegrees(text)
}

/**
 * An angle written in sexagesimal degrees ("-62 36 10.1", "+17:54:57.4", "17d54m57s"), in degrees; the sign counts
 * also where the degrees are zero. NaN where the text is not of that form.
 */
export function parseSexagesimalDegrees(text: string): number {
  const parts = /^\s*([+\-−]?)\s*(\d+)[\s:hd°]+(\d+)(?:[\s:m'′]+(\d+(?:\.\d*)?|\.\d+)?)?\s*["″s]?\s*$/i.exec(text)
  if (!parts) return Number.NaN
  const minutes = Number(parts[3])
  const seconds = Number(parts[4] ?? 0)
  if (minutes >= 60 || seconds >= 60.5) return Number.NaN
  const size = Number(parts[2]) + minutes / 60 + seconds / 3600
  return parts[1] === '-' || parts[1] === '−' ? -size : size
}

/** A right ascension as sexagesimal hours to 0.1 s, such as "13:25:55.8"; from any angle in degrees. */
export function formatRa(deg: number): string {
  const ticks = Math.round(wrap360(deg) * 2400) % 864_000 // tenths of a second of time
  return sexagesimal(ticks, 10, 1)
}

/** A declination as sexagesimal degrees to one arcsecond, such as "-62:36:10". */
export function formatDec(deg: number): string {
  return `${deg < 0 ? '-' : '+'}${sexagesimal(Math.round(Math.abs(deg) * 3600), 1, 0)}`
}

function sexagesimal(ticks: number, perSecond: number, decimals: number): string {
  const seconds = (ticks % (60 * perSecond)) / perSecond
  const minutes = Math.floor(ticks / (60 * perSecond))
  const two = (value: number) => String(value).padStart(2, '0')
  const tail = seconds.toFixed(decimals).padStart(decimals > 0 ? decimals + 3 : 2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${tail}`
}
