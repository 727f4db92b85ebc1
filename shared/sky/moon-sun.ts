import { DEGREE, separationDeg } from './angles.ts'
import {
  AU_M,
  aberrate,
  altitudeOfVector,
  apparentVector,
  centuriesSince2000,
  directionOf,
  nutate,
  obliquity,
  type Place,
  placeVectorM,
  precess,
  type Vector,
} from './apparent.ts'
import { earthHeliocentricAu } from './earth.ts'
import { julianEpoch } from './time.ts'

/**
 * The Moon's longitude (1e-6 deg) and distance (m) by multiples of elongation D, the Sun's anomaly M, the Moon's anomaly
 * M' and its distance from the node F (Chapront-Touzé & Chapront 1988, as Meeus 1998, table 47.A; the larger terms).
 */
const LONGITUDE_DISTANCE: readonly (readonly [d: number, m: number, a: number, f: number, l: number, r: number])[] = [
  [0, 0, 1, 0, 6_288_774, -20_905_355],
  [2, 0, -1, 0, 1_274_027, -3_699_111],
  [2, 0, 0, 0, 658_314, -2_955_968],
  [0, 0, 2, 0, 213_618, -569_925],
  [0, 1, 0, 0, -185_116, 48_888],
  [0, 0, 0, 2, -114_332, -3_149],
  [2, 0, -2, 0, 58_793, 246_158],
  [2, -1, -1, 0, 57_066, -152_138],
  [2, 0, 1, 0, 53_322, -170_733],
  [2, -1, 0, 0, 45_758, -204_586],
  [0, 1, -1, 0, -40_923, -129_620],
  [1, 0, 0, 0, -34_720, 108_743],
  [0, 1, 1, 0, -30_383, 104_755],
  [2, 0, 0, -2, 15_327, 10_321],
  [0, 0, 1, 2, -12_528, 0],
  [0, 0, 1, -2, 10_980, 79_661],
  [4, 0, -1, 0, 10_675, -34_782],
  [0, 0, 3, 0, 10_034, -23_210],
  [4, 0, -2, 0, 8_548, -21_636],
  [2, 1, -1, 0, -7_888, 24_208],
  [2, 1, 0, 0, -6_766, 30_824],
  [1, 0, -1, 0, -5_163, -8_379],
  [1, 1, 0, 0, 4_987, -16_675],
  [2, -1, 1, 0, 4_036, -12_831],
  [2, 0, 2, 0, 3_994, -10_445],
  [4, 0, 0, 0, 3_861, -11_650],
  [2, 0, -3, 0, 3_665, 14_403],
]

/** The Moon's latitude, 1e-6 deg (Meeus 1998, table 47.B; the larger terms). */
const LATITUDE: readonly (readonly [d: number, m: number, a: number, f: number, b: number])[] = [
  [0, 0, 0, 1, 5_128_122],
  [0, 0, 1, 1, 280_602],
  [0, 0, 1, -1, 277_693],
  [2, 0, 0, -1, 173_237],
  [2, 0, -1, 1, 55_413],
  [2, 0, -1, -1, 46_271],
  [2, 0, 0, 1, 32_573],
  [0, 0, 2, 1, 17_198],
  [2, 0, 1, -1, 9_266],
  [0, 0, 2, -1, 8_822],
  [2, -1, 0, -1, 8_216],
  [2, 0, -2, -1, 4_324],
  [2, 0, 1, 1, 4_200],
  [2, 1, 0, -1, -3_359],
]

const MEAN_DISTANCE_M = 385_000_560

/** The Moon as seen from the centre of the Earth, metres, on the true equator and equinox of date; to 0.01 degrees. */
export function moonVectorM(mjdUtc: number): Vector {
  const t = centuriesSince2000(mjdUtc)
  const longitude = 218.3164477 + 481_267.88123421 * t
  const elongation = (297.8501921 + 445_267.1114034 * t) * DEGREE
  const sunAnomaly = (357.5291092 + 35_999.0502909 * t) * DEGREE
  const anomaly = (134.9633964 + 477_198.8675055 * t) * DEGREE
  const fromNode = (93.272095 + 483_202.0175233 * t) * DEGREE
  const shrinking = 1 - 0.002516 * t // of the eccentricity of the Earth's orbit
  let [l, r, b] = [0, 0, 0]
  for (const [d, m, a, f, along, distance] of LONGITUDE_DISTANCE) {
    const angle = d * elongation + m * sunAnomaly + a * anomaly + f * fromNode
    l += along * shrinking ** Math.abs(m) * Math.sin(angle)
    r += distance * shrinking ** Math.abs(m) * Math.cos(angle)
  }
  for (const [d, m, a, f, up] of LATITUDE)
    b += up * shrinking ** Math.abs(m) * Math.sin(d * elongation + m * sunAnomaly + a * anomaly + f * fromNode)
  const distance = MEAN_DISTANCE_M + r
  const lambda = (longitude + l * 1e-6) * DEGREE
  const beta = b * 1e-6 * DEGREE
  const [x, y, z] = [Math.cos(beta) * Math.cos(lambda), Math.cos(beta) * Math.sin(lambda), Math.sin(beta)]
  const tilt = obliquity(t)
  const equatorial: Vector = [x, y * Math.cos(tilt) - z * Math.sin(tilt), y * Math.sin(tilt) + z * Math.cos(tilt)]
  return scaled(nutate(equatorial, t), distance)
}

/** The Sun as it appears from the centre of the Earth, metres, on the true equator and equinox of date. */
export function sunVectorM(mjdUtc: number): Vector {
  const t = centuriesSince2000(mjdUtc)
  const earth = earthHeliocentricAu(julianEpoch(mjdUtc))
  const distance = Math.hypot(...earth)
  const direction = scaled(earth, -1 / distance)
  return scaled(nutate(precess(aberrate(direction, mjdUtc), t), t), distance * AU_M)
}

/** Where Moon and Sun stand for an observation. */
export interface MoonAndSun {
  /** Above the horizon without refraction, degrees. */
  moonAltitudeDeg: number
  sunAltitudeDeg: number
  /** From the target, degrees. */
  moonSeparationDeg: number
  sunSeparationDeg: number
  /** Lit share of the Moon's disc, 0 to 1. */
  moonIllumination: number
}

/**
 * Altitude of Moon and Sun, their distance from the target, and the Moon's phase.
 *
 * @param raDeg,decDeg target, ICRS
 */
export function moonAndSun(mjdUtc: number, raDeg: number, decDeg: number, place: Place): MoonAndSun {
  const observer = placeVectorM(place, mjdUtc)
  const moon = from(moonVectorM(mjdUtc), observer)
  const sun = from(sunVectorM(mjdUtc), observer)
  const target = apparentVector(raDeg, decDeg, mjdUtc)
  const elongation = separation(moon, sun) * DEGREE
  return {
    moonAltitudeDeg: altitudeOfVector(moon, place, mjdUtc),
    sunAltitudeDeg: altitudeOfVector(sun, place, mjdUtc),
    moonSeparationDeg: separation(target, moon),
    sunSeparationDeg: separation(target, sun),
    // The Sun is so far that the angle at the Moon is the supplement of the elongation, to 0.15 degrees.
    moonIllumination: (1 - Math.cos(elongation)) / 2,
  }
}

function separation(one: Vector, other: Vector): number {
  const [a, b] = [directionOf(one), directionOf(other)]
  return separationDeg(a.raDeg, a.decDeg, b.raDeg, b.decDeg)
}

function from([x, y, z]: Vector, [ox, oy, oz]: Vector): Vector {
  return [x - ox, y - oy, z - oz]
}

function scaled([x, y, z]: Vector, by: number): Vector {
  return [x * by, y * by, z * by]
}
