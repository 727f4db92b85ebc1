/**
 * Where a star stands on the sky and on a chip. The virtual sky has its own formulas, on purpose: what the pipeline
 * measures is held against them, so they must not be the pipeline's.
 */

const RAD = Math.PI / 180

/** Tangent-plane offsets east and north, degrees, of a place on the sky from the tangent point. */
export function project(raDeg: number, decDeg: number, ra0Deg: number, dec0Deg: number): [number, number] {
  // Unit vector of the star along east, north and outwards at the tangent point; the plane is reached by dividing.
  const [sin0, cos0] = [Math.sin(dec0Deg * RAD), Math.cos(dec0Deg * RAD)]
  const [sin1, cos1] = [Math.sin(decDeg * RAD), Math.cos(decDeg * RAD)]
  const turn = (raDeg - ra0Deg) * RAD
  const east = cos1 * Math.sin(turn)
  const north = sin1 * cos0 - cos1 * sin0 * Math.cos(turn)
  const out = sin1 * sin0 + cos1 * cos0 * Math.cos(turn)
  return [east / out / RAD, north / out / RAD]
}

/** The inverse of {@link project}. */
export function deproject(eastDeg: number, northDeg: number, ra0Deg: number, dec0Deg: number): [number, number] {
  const [sin0, cos0] = [Math.sin(dec0Deg * RAD), Math.cos(dec0Deg * RAD)]
  const e = eastDeg * RAD
  const n = northDeg * RAD
  const ra = ra0Deg + Math.atan2(e, cos0 - n * sin0) / RAD
  const dec = Math.atan2(sin0 + n * cos0, Math.hypot(e, cos0 - n * sin0)) / RAD
  return [((ra % 360) + 360) % 360, dec]
}

/** Julian year of a modified Julian date. */
export function julianYear(mjd: number): number {
  return 2000 + (mjd - 51544.5) / 365.25
}

/**
 * Apparent shift of a star with parallax 1, east and north, in units of its parallax: the Earth on its ellipse, from the
 * low-precision Sun of the Astronomical Almanac (good to 0.01° of longitude).
 */
export function parallaxFactors(raDeg: number, decDeg: number, mjd: number): [number, number] {
  const days = mjd - 51544.5
  const anomaly = (357.528 + 0.9856003 * days) * RAD
  const longitude = (280.46 + 0.9856474 * days + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * RAD
  const distance = 1.00014 - 0.01671 * Math.cos(anomaly)
  const tilt = 23.439 * RAD
  // The Earth seen from the Sun, equatorial.
  const x = -distance * Math.cos(longitude)
  const y = -distance * Math.sin(longitude) * Math.cos(tilt)
  const z = -distance * Math.sin(longitude) * Math.sin(tilt)
  const [sinRa, cosRa] = [Math.sin(raDeg * RAD), Math.cos(raDeg * RAD)]
  const [sinDec, cosDec] = [Math.sin(decDeg * RAD), Math.cos(decDeg * RAD)]
  return [x * sinRa - y * cosRa, x * cosRa * sinDec + y * sinRa * sinDec - z * cosDec]
}

/** Altitude in degrees of a place on the sky, from the low-precision sidereal time. */
export function altitudeDeg(raDeg: number, decDeg: number, mjd: number, latitudeDeg: number, eastDeg: number): number {
  const sidereal = 280.46062 + 360.98564737 * (mjd - 51544.5) + eastDeg
  const hourAngle = (sidereal - raDeg) * RAD
  const sine =
    Math.sin(latitudeDeg * RAD) * Math.sin(decDeg * RAD) +
    Math.cos(latitudeDeg * RAD) * Math.cos(decDeg * RAD) * Math.cos(hourAngle)
  return Math.asin(sine) / RAD
}

/** How a camera looks at the sky in one exposure. */
export interface Aim {
  /** Where the middle of the chip really points. */
  raDeg: number
  decDeg: number
  scaleArcsec: number
  /** Angle from the chip's y axis to north, degrees. */
  rotationDeg: number
  /** 1: the sky as seen from below (east to the left when north is up); −1: mirrored. */
  parity: 1 | -1
  /** Cubic radial distortion: a star at r pixels from the middle is seen at r (1 + k r²). */
  distortion: number
  width: number
  height: number
}

/** 0-based pixel of a tangent-plane offset. */
export function toPixel(aim: Aim, eastDeg: number, northDeg: number): [number, number] {
  const scaleDeg = aim.scaleArcsec / 3600
  const [sin, cos] = [Math.sin(aim.rotationDeg * RAD), Math.cos(aim.rotationDeg * RAD)]
  const right = (-aim.parity * eastDeg) / scaleDeg
  const up = northDeg / scaleDeg
  const u = cos * right - sin * up
  const v = sin * right + cos * up
  const stretch = 1 + aim.distortion * (u * u + v * v)
  return [(aim.width - 1) / 2 + u * stretch, (aim.height - 1) / 2 + v * stretch]
}
