import { DEGREE } from './angles.ts'
import { earthBarycentricAu } from './earth.ts'
import { julianEpoch, MJD_ZERO_JD, SECONDS_PER_DAY, ttFromUtc } from './time.ts'

/** A place on Earth (WGS84); longitude counts east. */
export interface Place {
  latitudeDeg: number
  longitudeEastDeg: number
  heightM?: number
}

export type Vector = [x: number, y: number, z: number]

const J2000_JD = 2_451_545
const ARCSEC = DEGREE / 3600
const LIGHT_AU_PER_DAY = 173.1446327 // speed of light
const EARTH_RADIUS_M = 6_378_137 // WGS84
const EARTH_ECCENTRICITY_2 = 0.00669437999014 // WGS84
export const AU_M = 149_597_870_700

/** Julian centuries (TT) since J2000 of an MJD in UTC. */
export function centuriesSince2000(mjdUtc: number): number {
  return (ttFromUtc(mjdUtc) + MJD_ZERO_JD - J2000_JD) / 36_525
}

/** Greenwich mean sidereal time, degrees (Meeus 1998, eq. 12.4); UT1 is taken as UTC, which is right to 0.9 s. */
export function greenwichSiderealDeg(mjdUtc: number): number {
  const days = mjdUtc + MJD_ZERO_JD - J2000_JD
  const centuries = days / 36_525
  const angle = 280.46061837 + 360.98564736629 * days + 0.000387933 * centuries ** 2
  return ((angle % 360) + 360) % 360
}

/** Mean obliquity of the ecliptic, radians (Meeus 1998, eq. 22.2). */
export function obliquity(centuries: number): number {
  return (23.43929111 - 0.013004167 * centuries) * DEGREE
}

/** Unit vector of a direction in degrees. */
export function unitVector(raDeg: number, decDeg: number): Vector {
  const cos = Math.cos(decDeg * DEGREE)
  return [cos * Math.cos(raDeg * DEGREE), cos * Math.sin(raDeg * DEGREE), Math.sin(decDeg * DEGREE)]
}

/** Right ascension and declination of a vector of any length, degrees. */
export function directionOf([x, y, z]: Vector): { raDeg: number; decDeg: number } {
  return { raDeg: (((Math.atan2(y, x) / DEGREE) % 360) + 360) % 360, decDeg: Math.atan2(z, Math.hypot(x, y)) / DEGREE }
}

/** From the mean equator and equinox J2000 to those of date (Lieske 1979; Meeus 1998, eq. 21.2). */
export function precess([x, y, z]: Vector, centuries: number): Vector {
  const t = centuries
  const zeta = (2306.2181 + (0.30188 + 0.017998 * t) * t) * t * ARCSEC
  const turn = (2306.2181 + (1.09468 + 0.018203 * t) * t) * t * ARCSEC
  const theta = (2004.3109 - (0.42665 + 0.041833 * t) * t) * t * ARCSEC
  const along = x * Math.cos(zeta) - y * Math.sin(zeta)
  const across = x * Math.sin(zeta) + y * Math.cos(zeta)
  const tilted = along * Math.cos(theta) - z * Math.sin(theta)
  return [
    tilted * Math.cos(turn) - across * Math.sin(turn),
    tilted * Math.sin(turn) + across * Math.cos(turn),
    along * Math.sin(theta) + z * Math.cos(theta),
  ]
}

/** Nutation in longitude and obliquity, radians, to half an arcsecond (Meeus 1998, chapter 22). */
export function nutation(centuries: number): { longitude: number; obliquity: number } {
  const node = (125.04452 - 1934.136261 * centuries) * DEGREE
  const sun = 2 * (280.4665 + 36_000.7698 * centuries) * DEGREE
  const moon = 2 * (218.3165 + 481_267.8813 * centuries) * DEGREE
  return {
    longitude:
      (-17.2 * Math.sin(node) - 1.32 * Math.sin(sun) - 0.23 * Math.sin(moon) + 0.21 * Math.sin(2 * node)) * ARCSEC,
    obliquity:
      (9.2 * Math.cos(node) + 0.57 * Math.cos(sun) + 0.1 * Math.cos(moon) - 0.09 * Math.cos(2 * node)) * ARCSEC,
  }
}

/** From the mean to the true equator and equinox of date. */
export function nutate([x, y, z]: Vector, centuries: number): Vector {
  const { longitude, obliquity: tilt } = nutation(centuries)
  const cos = longitude * Math.cos(obliquity(centuries))
  const sin = longitude * Math.sin(obliquity(centuries))
  return [x - cos * y - sin * z, y + cos * x - tilt * z, z + sin * x + tilt * y]
}

/** A direction displaced by the Earth's motion around the Sun: annual aberration. */
export function aberrate([x, y, z]: Vector, mjdUtc: number): Vector {
  const before = earthBarycentricAu(julianEpoch(mjdUtc - 0.5))
  const after = earthBarycentricAu(julianEpoch(mjdUtc + 0.5))
  return [
    x + (after[0] - before[0]) / LIGHT_AU_PER_DAY,
    y + (after[1] - before[1]) / LIGHT_AU_PER_DAY,
    z + (after[2] - before[2]) / LIGHT_AU_PER_DAY,
  ]
}

/** Apparent sidereal time of a place, radians. */
function localSidereal(place: Place, mjdUtc: number): number {
  const t = centuriesSince2000(mjdUtc)
  const equinoxes = nutation(t).longitude * Math.cos(obliquity(t))
  return (greenwichSiderealDeg(mjdUtc) + place.longitudeEastDeg) * DEGREE + equinoxes
}

/** Where a place on Earth is, metres from its centre, on the true equator and equinox of date. */
export function placeVectorM(place: Place, mjdUtc: number): Vector {
  const sidereal = localSidereal(place, mjdUtc)
  const latitude = place.latitudeDeg * DEGREE
  const curvature = EARTH_RADIUS_M / Math.sqrt(1 - EARTH_ECCENTRICITY_2 * Math.sin(latitude) ** 2)
  const height = place.heightM ?? 0
  const fromAxis = (curvature + height) * Math.cos(latitude)
  const fromEquator = (curvature * (1 - EARTH_ECCENTRICITY_2) + height) * Math.sin(latitude)
  return [fromAxis * Math.cos(sidereal), fromAxis * Math.sin(sidereal), fromEquator]
}

/** Altitude above the horizon, degrees, without refraction, of a vector on the true equator and equinox of date. */
export function altitudeOfVector([x, y, z]: Vector, place: Place, mjdUtc: number): number {
  const sidereal = localSidereal(place, mjdUtc)
  const latitude = place.latitudeDeg * DEGREE
  const meridian = x * Math.cos(sidereal) + y * Math.sin(sidereal)
  const up = (z * Math.sin(latitude) + meridian * Math.cos(latitude)) / Math.hypot(x, y, z)
  return Math.asin(Math.max(-1, Math.min(1, up))) / DEGREE
}

/** A catalogue position (ICRS, degrees) as it appears: a unit vector on the true equator and equinox of date. */
export function apparentVector(raDeg: number, decDeg: number, mjdUtc: number): Vector {
  const t = centuriesSince2000(mjdUtc)
  return nutate(precess(aberrate(unitVector(raDeg, decDeg), mjdUtc), t), t)
}

/** TDB − TT in seconds: its largest term and the next (Fairhead & Bretagnon 1990), right to 0.03 ms. */
export function tdbMinusTtSeconds(mjdUtc: number): number {
  const anomaly = (357.53 + 35_999.05 * centuriesSince2000(mjdUtc)) * DEGREE
  return 0.001657 * Math.sin(anomaly) + 0.000014 * Math.sin(2 * anomaly)
}

/** TDB of a UTC, both MJD. */
export function tdbFromUtc(mjdUtc: number): number {
  return ttFromUtc(mjdUtc) + tdbMinusTtSeconds(mjdUtc) / SECONDS_PER_DAY
}
