import { DEGREE, wrap360 } from './angles.ts'

/**
 * Gnomonic projection (TAN; Calabretta & Greisen 2002, §5.1.3) about a tangent point: standard coordinates ξ to the
 * east and η to the north, all in degrees. NaN for places 90° or more away, which the projection cannot show.
 */
export function gnomonic(raDeg: number, decDeg: number, ra0Deg: number, dec0Deg: number): [number, number] {
  const dRa = (raDeg - ra0Deg) * DEGREE
  const sin = Math.sin(decDeg * DEGREE)
  const cos = Math.cos(decDeg * DEGREE)
  const sin0 = Math.sin(dec0Deg * DEGREE)
  const cos0 = Math.cos(dec0Deg * DEGREE)
  const towards = sin * sin0 + cos * cos0 * Math.cos(dRa)
  if (!(towards > 0)) return [Number.NaN, Number.NaN]
  const scale = 1 / (towards * DEGREE)
  return [cos * Math.sin(dRa) * scale, (sin * cos0 - cos * sin0 * Math.cos(dRa)) * scale]
}

/** Right ascension [0, 360) and declination of standard coordinates about a tangent point, all in degrees. */
export function inverseGnomonic(xiDeg: number, etaDeg: number, ra0Deg: number, dec0Deg: number): [number, number] {
  const xi = xiDeg * DEGREE
  const eta = etaDeg * DEGREE
  const sin0 = Math.sin(dec0Deg * DEGREE)
  const cos0 = Math.cos(dec0Deg * DEGREE)
  const along = cos0 - eta * sin0
  const dRa = Math.atan2(xi, along)
  const dec = Math.atan2(sin0 + eta * cos0, Math.hypot(xi, along))
  return [wrap360(ra0Deg + dRa / DEGREE), dec / DEGREE]
}
