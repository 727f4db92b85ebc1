import { DEGREE } from './angles.ts'
import { altitudeOfVector, apparentVector, type Place } from './apparent.ts'

export { greenwichSiderealDeg } from './apparent.ts'

/** A place on Earth; longitude counts east. */
export type Site = Place

/**
 * Altitude above the horizon of a place on the sky (ICRS, degrees), without refraction; with precession, nutation and
 * annual aberration. UT1 is taken as UTC: right to 13 arcseconds.
 */
export function altitudeDeg(raDeg: number, decDeg: number, site: Site, mjdUtc: number): number {
  return altitudeOfVector(apparentVector(raDeg, decDeg, mjdUtc), site, mjdUtc)
}

/** Airmass at an altitude (Kasten & Young 1989), 38 at the horizon; NaN below it. */
export function airmassAt(altitude: number): number {
  if (!(altitude >= 0)) return Number.NaN
  return 1 / (Math.sin(altitude * DEGREE) + 0.50572 * (altitude + 6.07995) ** -1.6364)
}
