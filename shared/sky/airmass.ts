import { DEGREE } from './angles.ts'
import { MJD_ZERO_JD } from './time.ts'

/** A place on Earth; longitude counts east. */
export interface Site {
  latitudeDeg: number
  longitudeEastDeg: number
}

const J2000_JD = 2_451_545
const PRECESSION_M_DEG = 0.0128123 // per year in right ascension (IAU 1976, at J2000)
const PRECESSION_N_DEG = 0.0055675 // per year towards the equinox

/** Greenwich mean sidereal time, degrees (Meeus 1998, eq. 12.4); UT1 is taken as UTC, which is right to 0.9 s. */
export function greenwichSiderealDeg(mjdUtc: number): number {
  const days = mjdUtc + MJD_ZERO_JD - J2000_JD
  const centuries = days / 36_525
  const angle = 280.46061837 + 360.98564736629 * days + 0.000387933 * centuries ** 2
  return ((angle % 360) + 360) % 360
}

/**
 * Altitude above the horizon of a place on the sky (J2000, degrees), without refraction, nutation and aberration:
 * right to about a hundredth of a degree.
 */
export function altitudeDeg(raDeg: number, decDeg: number, site: Site, mjdUtc: number): number {
  const years = (mjdUtc + MJD_ZERO_JD - J2000_JD) / 365.25
  const ra = raDeg * DEGREE
  const lift = Math.tan(Math.max(-89, Math.min(89, decDeg)) * DEGREE)
  const raOfDate = raDeg + years * (PRECESSION_M_DEG + PRECESSION_N_DEG * Math.sin(ra) * lift)
  const decOfDate = (decDeg + years * PRECESSION_N_DEG * Math.cos(ra)) * DEGREE
  const hourAngle = (greenwichSiderealDeg(mjdUtc) + site.longitudeEastDeg - raOfDate) * DEGREE
  const latitude = site.latitudeDeg * DEGREE
  const sine = Math.sin(latitude) * Math.sin(decOfDate) + Math.cos(latitude) * Math.cos(decOfDate) * Math.cos(hourAngle)
  return Math.asin(Math.max(-1, Math.min(1, sine))) / DEGREE
}

/** Airmass at an altitude (Kasten & Young 1989), 38 at the horizon; NaN below it. */
export function airmassAt(altitude: number): number {
  if (!(altitude >= 0)) return Number.NaN
  return 1 / (Math.sin(altitude * DEGREE) + 0.50572 * (altitude + 6.07995) ** -1.6364)
}
