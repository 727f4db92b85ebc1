import { DEGREE } from './angles.ts'

/** Terms of VSOP87 (Bretagnon & Francou 1988, version B: ecliptic and equinox J2000) above 2e-6: A cos(B + C τ). */
const LONGITUDE_0 = [
  [1.75347046, 0, 0],
  [0.03341656, 4.6692568, 6283.07585],
  [0.00034894, 4.6261, 12566.1517],
  [3.497e-5, 2.7441, 5753.3849],
  [3.418e-5, 2.8289, 3.5231],
  [3.136e-5, 3.6277, 77713.7715],
  [2.676e-5, 4.4181, 7860.4194],
  [2.343e-5, 6.1352, 3930.2097],
  [1.324e-5, 0.7425, 11506.7698],
  [1.273e-5, 2.0371, 529.691],
  [1.199e-5, 1.1096, 1577.3435],
  [9.9e-6, 5.233, 5884.927],
  [9.02e-6, 2.045, 26.298],
  [8.57e-6, 3.508, 398.149],
  [7.8e-6, 1.179, 5223.694],
  [7.53e-6, 2.533, 5507.553],
  [5.05e-6, 4.583, 18849.228],
  [4.92e-6, 4.205, 775.523],
  [3.57e-6, 2.92, 0.067],
  [3.17e-6, 5.849, 11790.629],
  [2.84e-6, 1.899, 796.298],
  [2.71e-6, 0.315, 10977.079],
  [2.43e-6, 0.345, 5486.778],
  [2.06e-6, 4.806, 2544.314],
  [2.05e-6, 1.869, 5573.143],
  [2.02e-6, 2.458, 6069.777],
]
const LONGITUDE_1 = [
  [6283.07584999, 0, 0],
  [0.00206059, 2.678235, 6283.07585],
  [4.303e-5, 2.6351, 12566.1517],
  [4.25e-6, 1.59, 3.523],
]
const LONGITUDE_2 = [[8.722e-5, 1.0725, 6283.07585]]
const LATITUDE_0 = [[2.8e-6, 3.199, 84334.662]]
const LATITUDE_1 = [
  [0.00227778, 3.413766, 6283.07585],
  [3.806e-5, 3.3706, 12566.1517],
  [3.62e-5, 0, 0],
]
const DISTANCE_0 = [
  [1.00013989, 0, 0],
  [0.016707, 3.0984635, 6283.07585],
  [0.00013956, 3.05525, 12566.1517],
  [3.084e-5, 5.1985, 77713.7715],
  [1.628e-5, 1.1739, 5753.3849],
  [1.576e-5, 2.8469, 7860.4194],
  [9.25e-6, 5.453, 11506.77],
  [5.42e-6, 4.564, 3930.21],
  [4.72e-6, 3.661, 5884.927],
  [3.46e-6, 0.964, 5507.553],
  [3.29e-6, 5.9, 5223.694],
  [3.07e-6, 0.299, 5573.143],
  [2.43e-6, 4.273, 11790.629],
  [2.12e-6, 5.847, 1577.344],
]
const DISTANCE_1 = [
  [0.00103019, 1.10749, 6283.07585],
  [1.721e-5, 1.0644, 12566.1517],
  [7.02e-6, Math.PI, 0],
]
const DISTANCE_2 = [[4.359e-5, 5.7846, 6283.07585]]

/**
 * Mean Keplerian elements of the giants, whose pull moves the Sun about the barycentre (Standish & Williams 1992,
 * table 1: J2000 ecliptic, value and change per century), and the ratio of the Sun's mass to theirs.
 */
const GIANTS = [
  {
    sunMasses: 1047.3486,
    a: [5.202887, -0.00011607],
    e: [0.04838624, -0.00013253],
    inclination: [1.30439695, -0.00183714],
    meanLongitude: [34.39644051, 3034.74612775],
    perihelion: [14.72847983, 0.21252668],
    node: [100.47390909, 0.20469106],
  },
  {
    sunMasses: 3497.898,
    a: [9.53667594, -0.0012506],
    e: [0.05386179, -0.00050991],
    inclination: [2.48599187, 0.00193609],
    meanLongitude: [49.95424423, 1222.49362201],
    perihelion: [92.59887831, -0.41897216],
    node: [113.66242448, -0.28867794],
  },
  {
    sunMasses: 22902.98,
    a: [19.18916464, -0.00196176],
    e: [0.04725744, -0.00004397],
    inclination: [0.77263783, -0.00242939],
    meanLongitude: [313.23810451, 428.48202785],
    perihelion: [170.9542763, 0.40805281],
    node: [74.01692503, 0.04240589],
  },
  {
    sunMasses: 19412.24,
    a: [30.06992276, 0.00026291],
    e: [0.00859048, 0.00005105],
    inclination: [1.77004347, 0.00035372],
    meanLongitude: [-55.12002969, 218.45945325],
    perihelion: [44.96476227, -0.32241464],
    node: [131.78422574, -0.00508664],
  },
]

const OBLIQUITY_J2000 = 23.4392911 * DEGREE

/**
 * Barycentric position of the Earth, AU, equatorial axes of the ICRS: within 2e-5 AU (10 ms of light) from 1980 to 2050.
 *
 * @param epochYear Julian year (TT or TDB; UTC will do here)
 */
export function earthBarycentricAu(epochYear: number): [x: number, y: number, z: number] {
  const [x, y, z] = earthEcliptic(epochYear)
  const [sunX, sunY, sunZ] = sunBarycentricAu(epochYear)
  return equatorial(x + sunX, y + sunY, z + sunZ)
}

/** Position of the Earth as seen from the centre of the Sun, AU, equatorial axes of the ICRS. */
export function earthHeliocentricAu(epochYear: number): [x: number, y: number, z: number] {
  return equatorial(...earthEcliptic(epochYear))
}

function earthEcliptic(epochYear: number): [x: number, y: number, z: number] {
  const tau = (epochYear - 2000) / 1000
  const longitude = series(LONGITUDE_0, tau) + tau * (series(LONGITUDE_1, tau) + tau * series(LONGITUDE_2, tau))
  const latitude = series(LATITUDE_0, tau) + tau * series(LATITUDE_1, tau)
  const distance = series(DISTANCE_0, tau) + tau * (series(DISTANCE_1, tau) + tau * series(DISTANCE_2, tau))
  return [
    distance * Math.cos(latitude) * Math.cos(longitude),
    distance * Math.cos(latitude) * Math.sin(longitude),
    distance * Math.sin(latitude),
  ]
}

function equatorial(x: number, y: number, z: number): [x: number, y: number, z: number] {
  const cos = Math.cos(OBLIQUITY_J2000)
  const sin = Math.sin(OBLIQUITY_J2000)
  return [x, y * cos - z * sin, y * sin + z * cos]
}

function series(terms: number[][], tau: number): number {
  let sum = 0
  for (const [size, phase, rate] of terms) sum += size * Math.cos(phase + rate * tau)
  return sum
}

function sunBarycentricAu(epochYear: number): [number, number, number] {
  const centuries = (epochYear - 2000) / 100
  let x = 0
  let y = 0
  let z = 0
  for (const giant of GIANTS) {
    const at = ([start, rate]: number[]) => start + rate * centuries
    const e = at(giant.e)
    const node = at(giant.node) * DEGREE
    const perihelion = at(giant.perihelion) * DEGREE
    const meanAnomaly = at(giant.meanLongitude) * DEGREE - perihelion
    let eccentric = meanAnomaly
    for (let round = 0; round < 8; round++) eccentric = meanAnomaly + e * Math.sin(eccentric)
    const alongAxis = at(giant.a) * (Math.cos(eccentric) - e)
    const across = at(giant.a) * Math.sqrt(1 - e * e) * Math.sin(eccentric)
    const argument = perihelion - node
    const alongNode = alongAxis * Math.cos(argument) - across * Math.sin(argument)
    const aboveNode = alongAxis * Math.sin(argument) + across * Math.cos(argument)
    const inclination = at(giant.inclination) * DEGREE
    const share = 1 / (giant.sunMasses + 1)
    x -= share * (alongNode * Math.cos(node) - aboveNode * Math.cos(inclination) * Math.sin(node))
    y -= share * (alongNode * Math.sin(node) + aboveNode * Math.cos(inclination) * Math.cos(node))
    z -= share * aboveNode * Math.sin(inclination)
  }
  return [x, y, z]
}
