import { AU_M, type Place, placeVectorM, tdbFromUtc, unitVector, type Vector } from './apparent.ts'
import { earthBarycentricAu, earthHeliocentricAu } from './earth.ts'
import { julianEpoch, SECONDS_PER_DAY } from './time.ts'

const AU_LIGHT_SECONDS = 499.00478384

/**
 * Barycentric time of an observation, as MJD in TDB: BJD_TDB = this + 2400000.5 (Eastman et al. 2010). It is the time at
 * which the light would have passed the barycentre of the solar system; within 10 ms, and 21 ms worse without a place.
 *
 * @param mjdUtc time of the observation, normally the middle of the exposure
 * @param raDeg,decDeg where the light comes from, ICRS
 * @param place where it was observed; undefined stands for the centre of the Earth
 */
export function barycentricMjdTdb(mjdUtc: number, raDeg: number, decDeg: number, place?: Place): number {
  return tdbFromUtc(mjdUtc) + ahead(earthBarycentricAu(julianEpoch(mjdUtc)), mjdUtc, raDeg, decDeg, place)
}

/** Heliocentric time of an observation, as MJD in UTC: HJD_UTC = this + 2400000.5, the HJD of most programs. */
export function heliocentricMjdUtc(mjdUtc: number, raDeg: number, decDeg: number, place?: Place): number {
  return mjdUtc + ahead(earthHeliocentricAu(julianEpoch(mjdUtc)), mjdUtc, raDeg, decDeg, place)
}

/** How much earlier than the centre the observer meets the light, days. */
function ahead(earthAu: Vector, mjdUtc: number, raDeg: number, decDeg: number, place: Place | undefined): number {
  const towards = unitVector(raDeg, decDeg)
  // Precession since J2000 turns the Earth's radius by less than 0.2 ms of light: left out.
  const observer = place ? placeVectorM(place, mjdUtc) : [0, 0, 0]
  const alongAu = towards.reduce((sum, part, axis) => sum + part * (earthAu[axis] + observer[axis] / AU_M), 0)
  return (alongAu * AU_LIGHT_SECONDS) / SECONDS_PER_DAY
}
