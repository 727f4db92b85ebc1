/**
 * A linear map of pixels into the tangent plane: ξ = a x + b y + c, η = d x + e y + f. Positions in pixel, 0-based;
 * the plane in degrees.
 */
export interface LinearMap {
  a: number
  b: number
  c: number
  d: number
  e: number
  f: number
}

/**
 * The map without shear that carries points onto points with the least squares, turned over where `mirrored`.
 *
 * @param rows pairs taken: row k of the pixels goes with row k of the plane
 */
export function fitSimilarity(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  xi: ArrayLike<number>,
  eta: ArrayLike<number>,
  mirrored: boolean,
): LinearMap {
  const n = x.length
  const sign = mirrored ? -1 : 1
  let meanX = 0
  let meanY = 0
  let meanXi = 0
  let meanEta = 0
  for (let k = 0; k < n; k++) {
    meanX += x[k] / n
    meanY += y[k] / n
    meanXi += xi[k] / n
    meanEta += eta[k] / n
  }
  let size = 0
  let along = 0
  let across = 0
  for (let k = 0; k < n; k++) {
    const u = x[k] - meanX
    const v = sign * (y[k] - meanY)
    const p = xi[k] - meanXi
    const q = eta[k] - meanEta
    size += u * u + v * v
    along += u * p + v * q
    across += u * q - v * p
  }
  const cos = along / size
  const sin = across / size
  const map = { a: cos, b: -sign * sin, c: 0, d: sin, e: sign * cos, f: 0 }
  map.c = meanXi - map.a * meanX - map.b * meanY
  map.f = meanEta - map.d * meanX - map.e * meanY
  return map
}

/** Degrees per pixel: the square root of a pixel's area. */
export function scaleOf(map: LinearMap): number {
  return Math.sqrt(Math.abs(map.a * map.e - map.b * map.d))
}

/** The pixel position of a place in the plane. */
export function toPixel(map: LinearMap, xi: number, eta: number): [x: number, y: number] {
  const determinant = map.a * map.e - map.b * map.d
  const p = xi - map.c
  const q = eta - map.f
  return [(map.e * p - map.b * q) / determinant, (map.a * q - map.d * p) / determinant]
}
