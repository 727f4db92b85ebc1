import { levenbergMarquardt, type NonlinearFit } from '#shared/numeric/levenberg-marquardt.ts'

/**
 * An elliptical Moffat profile (Moffat 1969): I = f (β−1)/π √(ab−c²) (1 + a dx² + b dy² + 2c dx dy)^−β, of unit total
 * flux where f is 1. Lengths in pixels.
 */
export interface Moffat {
  a: number
  b: number
  c: number
  beta: number
}

/** Nodes and weights of Gauss-Legendre quadrature over one pixel, −½ … ½ (Abramowitz & Stegun 25.4.30). */
const quadrature: Record<number, { node: number[]; weight: number[] }> = {
  2: { node: [-0.2886751345948129, 0.2886751345948129], weight: [0.5, 0.5] },
  3: {
    node: [-0.3872983346207417, 0, 0.3872983346207417],
    weight: [0.2777777777777778, 0.4444444444444444, 0.2777777777777778],
  },
  5: {
    node: [-0.453089922969332, -0.2692346550528416, 0, 0.2692346550528416, 0.453089922969332],
    weight: [0.1184634425280945, 0.2393143352496832, 0.2844444444444444, 0.2393143352496832, 0.1184634425280945],
  },
}

/** Nodes per axis that integrate the profile over a pixel to about 1e-4 of its peak. */
function nodesFor(fwhmPx: number): number {
  if (fwhmPx < 2.2) return 5
  return fwhmPx < 4 ? 3 : 2
}

/** Beyond this many FWHM the profile is so even over a pixel that the coarsest quadrature does. */
const EVEN_FWHM = 1

/** Geometric mean of the widths at half maximum, pixel. */
export function moffatFwhm({ a, b, c, beta }: Moffat): number {
  return 2 * Math.sqrt((2 ** (1 / beta) - 1) / Math.sqrt(a * b - c * c))
}

/** Major over minor axis, ≥ 1. */
export function moffatElongation({ a, b, c }: Moffat): number {
  const half = (a + b) / 2
  const root = Math.hypot((a - b) / 2, c)
  return Math.sqrt((half + root) / Math.max(half - root, 1e-12))
}

/** Unit-flux profile integrated over the pixel whose centre lies (dx, dy) from the star. */
export function moffatPixel(m: Moffat, dx: number, dy: number, fwhmPx: number): number {
  const even = dx * dx + dy * dy > (EVEN_FWHM * fwhmPx) ** 2
  const { node, weight } = quadrature[even ? 2 : nodesFor(fwhmPx)]
  let sum = 0
  for (let j = 0; j < node.length; j++) {
    const v = dy + node[j]
    for (let i = 0; i < node.length; i++) {
      const u = dx + node[i]
      sum += weight[i] * weight[j] * (1 + m.a * u * u + m.b * v * v + 2 * m.c * u * v) ** -m.beta
    }
  }
  return (sum * (m.beta - 1) * Math.sqrt(m.a * m.b - m.c * m.c)) / Math.PI
}

/** Pixels of one star: place relative to the nearest whole pixel, sky- and neighbour-free ADU, and errors. */
export interface StarPixels {
  dx: Float64Array
  dy: Float64Array
  value: Float64Array
  sigma: Float64Array
}

export interface MoffatFit extends Moffat {
  flux: number
  x: number
  y: number
  fit: NonlinearFit
}

/**
 * Fit flux, place, shape and, unless it is given, β of one star.
 *
 * @param fwhmPx about the width
 * @param guess where to begin; a round one of the width where it is missing
 * @param free whether β is fitted, or held at the guess
 * @returns undefined where no Moffat fits
 */
export function fitMoffat(
  pixels: StarPixels,
  fwhmPx: number,
  guess: Moffat = roundMoffat(fwhmPx),
  free = true,
): MoffatFit | undefined {
  let flux = 0
  for (let i = 0; i < pixels.value.length; i++) flux += pixels.value[i]
  if (!(flux > 0)) return undefined
  const start = Float64Array.of(flux, 0, 0, guess.a, guess.b, guess.c)
  // ln β, so that steps scale with it and it stays positive
  const first = free ? Float64Array.of(...start, Math.log(guess.beta)) : start
  const evaluate = moffatEvaluator(pixels, fwhmPx, free ? undefined : guess.beta)
  const fit = levenbergMarquardt(evaluate, first, pixels.value.length, { iterations: 25, tolerance: 1e-4 })
  if (!fit) return undefined
  const [f, x, y, a, b, c] = fit.parameters
  return { flux: f, x, y, a, b, c, beta: free ? Math.exp(fit.parameters[6]) : guess.beta, fit }
}

/** A round Moffat of a width, with the β of good seeing. */
function roundMoffat(fwhmPx: number): Moffat {
  const beta = 3
  const scale = (4 * (2 ** (1 / beta) - 1)) / (fwhmPx * fwhmPx)
  return { a: scale, b: scale, c: 0, beta }
}

function moffatEvaluator(pixels: StarPixels, fwhmPx: number, held: number | undefined) {
  const fine = quadrature[nodesFor(fwhmPx)]
  const coarse = quadrature[2]
  const even = (EVEN_FWHM * fwhmPx) ** 2
  const n = held === undefined ? 7 : 6
  return (p: Float64Array, residuals: Float64Array, jacobian: Float64Array): boolean => {
    const [flux, x, y, a, b, c] = p
    const beta = held ?? Math.exp(p[6])
    const determinant = a * b - c * c
    if (!(determinant > 0 && a > 0 && beta > 1.05 && beta < 60)) return false
    const norm = ((beta - 1) / Math.PI) * Math.sqrt(determinant)
    for (let k = 0; k < residuals.length; k++) {
      const { node, weight } = pixels.dx[k] ** 2 + pixels.dy[k] ** 2 > even ? coarse : fine
      let s0 = 0
      let sx = 0
      let sy = 0
      let sa = 0
      let sb = 0
      let sc = 0
      let sl = 0
      for (let j = 0; j < node.length; j++) {
        const v = pixels.dy[k] - y + node[j]
        for (let i = 0; i < node.length; i++) {
          const u = pixels.dx[k] - x + node[i]
          const z = 1 + a * u * u + b * v * v + 2 * c * u * v
          const log = Math.log(z)
          const value = weight[i] * weight[j] * Math.exp(-beta * log)
          const slope = (value * beta) / z
          s0 += value
          sx += slope * 2 * (a * u + c * v)
          sy += slope * 2 * (b * v + c * u)
          sa -= slope * u * u
          sb -= slope * v * v
          sc -= slope * 2 * u * v
          sl -= value * log
        }
      }
      const error = pixels.sigma[k]
      const f = (flux * norm) / error
      const row = k * n
      residuals[k] = pixels.value[k] / error - f * s0
      jacobian[row] = (norm * s0) / error
      jacobian[row + 1] = f * sx
      jacobian[row + 2] = f * sy
      jacobian[row + 3] = f * (sa + (s0 * b) / (2 * determinant))
      jacobian[row + 4] = f * (sb + (s0 * a) / (2 * determinant))
      jacobian[row + 5] = f * (sc - (s0 * c) / determinant)
      if (held === undefined) jacobian[row + 6] = f * (sl + s0 / (beta - 1)) * beta
    }
    return true
  }
}
