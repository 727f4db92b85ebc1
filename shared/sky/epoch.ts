import { DEGREE, MAS_PER_DEGREE, wrap360 } from './angles.ts'
import { earthBarycentricAu } from './earth.ts'

/** What of a star catalogue is needed to move its stars, one value per star. */
export interface MovingStars {
  /** Position at {@link epochYear} of the row, degrees ICRS. */
  raDeg: Float64Array
  decDeg: Float64Array
  /** 1 σ per axis, mas. */
  raErrMas: Float64Array
  decErrMas: Float64Array
  /** Proper motion, mas per year, right ascension with cos δ; 0 where the survey has none. */
  pmRaMasPerYear: Float64Array
  pmDecMasPerYear: Float64Array
  pmErrMasPerYear: Float64Array
  parallaxMas: Float64Array
  /** Epoch of the position, Julian year. */
  epochYear: Float64Array
}

export interface Places {
  /** Degrees ICRS. */
  raDeg: Float64Array
  decDeg: Float64Array
  /** 1 σ per axis, mas; right ascension with cos δ. */
  raErrMas: Float64Array
  decErrMas: Float64Array
}

/**
 * Where stars stand for an observer on Earth at an epoch: straight motion in space without radial velocity (Lindegren
 * et al. 2012, §3.2), annual parallax included, no aberration (a solution of the frame absorbs it). The errors grow by
 * those of the proper motion. The single owner of this step: catalogue positions are moved nowhere else.
 * Missing (NaN) proper motions and parallaxes count as zero.
 *
 * @param toEpochYear Julian year of the exposure
 */
export function propagate(stars: MovingStars, toEpochYear: number): Places {
  const count = stars.raDeg.length
  const places: Places = {
    raDeg: new Float64Array(count),
    decDeg: new Float64Array(count),
    raErrMas: new Float64Array(count),
    decErrMas: new Float64Array(count),
  }
  const earth = earthBarycentricAu(toEpochYear)
  const masToRadian = DEGREE / MAS_PER_DEGREE
  for (let i = 0; i < count; i++) {
    const years = toEpochYear - stars.epochYear[i] || 0
    const east = (stars.pmRaMasPerYear[i] || 0) * years * masToRadian
    const north = (stars.pmDecMasPerYear[i] || 0) * years * masToRadian
    const parallax = Math.max(0, stars.parallaxMas[i] || 0) * masToRadian
    const drift = (stars.pmErrMasPerYear[i] || 0) * years
    // square roots: Math.hypot costs ten times as much, and nothing here over- or underflows
    places.raErrMas[i] = Math.sqrt(stars.raErrMas[i] ** 2 + drift * drift)
    places.decErrMas[i] = Math.sqrt(stars.decErrMas[i] ** 2 + drift * drift)
    if (east === 0 && north === 0 && parallax === 0) {
      // most surveys publish no motions: such a star stays where it is, to the bit
      places.raDeg[i] = stars.raDeg[i]
      places.decDeg[i] = stars.decDeg[i]
      continue
    }
    const ra = stars.raDeg[i] * DEGREE
    const dec = stars.decDeg[i] * DEGREE
    const sinRa = Math.sin(ra)
    const cosRa = Math.cos(ra)
    const sinDec = Math.sin(dec)
    const cosDec = Math.cos(dec)
    const x = cosRa * cosDec - east * sinRa - north * cosRa * sinDec - parallax * earth[0]
    const y = sinRa * cosDec + east * cosRa - north * sinRa * sinDec - parallax * earth[1]
    const z = sinDec + north * cosDec - parallax * earth[2]
    places.raDeg[i] = wrap360(Math.atan2(y, x) / DEGREE)
    places.decDeg[i] = Math.atan2(z, Math.sqrt(x * x + y * y)) / DEGREE
  }
  return places
}
