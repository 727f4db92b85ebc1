import { linearLeastSquares } from '#shared/numeric/linear.ts'
import { intrinsicScatter } from './intrinsic-scatter.ts'

/** Size of a frame, pixel. */
export interface FrameSize {
  widthPx: number
  heightPx: number
}

/** How the zero point varies over a frame: flat field, vignetting, light that a varying PSF puts outside the model. */
export interface PositionTerm {
  /** 1: a plane; 2: with curvature. */
  order: 1 | 2
  frame: FrameSize
  /** One per term of {@link basis}, mag. */
  coefficients: Float64Array
  /** Mean of each term over the stars: the correction is zero on average, and the zero point that of the mean star. */
  means: Float64Array
  covariance: Float64Array
}

/** Fewer stars than this per order fit their own noise. */
const MIN_STARS = { 1: 40, 2: 120 } as const
/** The stars must spread over the frame on both axes: standard deviation over size, 0.29 where they are everywhere. */
const SPREAD = 0.2
/** −2 ln likelihood that a term must gain beyond ln n per parameter: odds of 150 to 1. */
const DECISIVE = 10
const TERMS = { 1: 2, 2: 5 } as const

/**
 * The lowest polynomial in x and y that the residuals ask for (Bayesian information criterion), or none.
 *
 * @param residual catalogue minus calibrated magnitude of each star, mag
 * @param variance of it, without scatter beyond the errors, mag²
 * @param used 1 where the star counts
 * @param x,y 0-based pixel
 */
export function fitPositionTerm(
  residual: Float64Array,
  variance: Float64Array,
  used: Uint8Array,
  x: Float64Array,
  y: Float64Array,
  frame: FrameSize,
): PositionTerm | undefined {
  const stars: number[] = []
  for (let k = 0; k < used.length; k++) if (used[k]) stars.push(k)
  if (stars.length < MIN_STARS[1] || !covers(stars, x, frame.widthPx) || !covers(stars, y, frame.heightPx))
    return undefined
  const pick = (values: Float64Array) => {
    const picked = new Float64Array(stars.length)
    for (let k = 0; k < picked.length; k++) picked[k] = values[stars[k]]
    return picked
  }
  const [r, v, px, py] = [residual, variance, x, y].map(pick)
  let best: PositionTerm | undefined
  let lowest = cost(r, v) - DECISIVE
  for (const order of [1, 2] as const) {
    if (stars.length < MIN_STARS[order]) continue
    const term = fitOrder(order, r, v, px, py, frame)
    if (!term) continue
    const left = r.map((value, k) => value - valueAt(term, px[k], py[k]))
    const price = cost(left, v) + TERMS[order] * Math.log(stars.length)
    if (price < lowest) {
      lowest = price
      best = term
    }
  }
  return best
}

/** The correction at a place of the frame and its 1 σ, mag; 0-based pixel. */
export function positionTermAt(
  { order, frame, coefficients, means, covariance }: PositionTerm,
  x: number,
  y: number,
): { value: number; error: number } {
  const n = TERMS[order]
  const terms = basis(order, frame, x, y)
  let value = 0
  let variance = 0
  for (let i = 0; i < n; i++) {
    const ti = terms[i] - means[i]
    value += coefficients[i] * ti
    for (let j = 0; j < n; j++) variance += ti * covariance[i * n + j] * (terms[j] - means[j])
  }
  return { value, error: Math.sqrt(Math.max(0, variance)) }
}

/** The correction alone, for loops over many stars. */
function valueAt({ order, frame, coefficients, means }: PositionTerm, x: number, y: number): number {
  const terms = basis(order, frame, x, y)
  let value = 0
  for (let i = 0; i < terms.length; i++) value += coefficients[i] * (terms[i] - means[i])
  return value
}

function fitOrder(
  order: 1 | 2,
  residual: Float64Array,
  variance: Float64Array,
  x: Float64Array,
  y: Float64Array,
  frame: FrameSize,
): PositionTerm | undefined {
  const n = TERMS[order]
  const scatter = intrinsicScatter(residual, variance) ** 2
  const weights = variance.map(value => 1 / (value + scatter))
  const design = new Float64Array(residual.length * n)
  const means = new Float64Array(n)
  let sum = 0
  for (let k = 0; k < residual.length; k++) {
    const terms = basis(order, frame, x[k], y[k])
    sum += weights[k]
    for (let i = 0; i < n; i++) {
      design[k * n + i] = terms[i]
      means[i] += weights[k] * terms[i]
    }
  }
  for (let i = 0; i < n; i++) means[i] /= sum
  for (let k = 0; k < residual.length; k++) for (let i = 0; i < n; i++) design[k * n + i] -= means[i]
  const fit = linearLeastSquares(design, n, residual, weights)
  return fit && { order, frame, means, coefficients: fit.coefficients, covariance: fit.covariance }
}

/** x, y and their products, with both running from −1 to 1 over the frame. */
function basis(order: 1 | 2, { widthPx, heightPx }: FrameSize, x: number, y: number): number[] {
  const u = (2 * x) / (widthPx - 1) - 1
  const v = (2 * y) / (heightPx - 1) - 1
  return order === 1 ? [u, v] : [u, v, u * u, u * v, v * v]
}

/** −2 ln likelihood of some residuals with the scatter that suits them best. */
function cost(residual: Float64Array, variance: Float64Array): number {
  const scatter = intrinsicScatter(residual, variance) ** 2
  let sum = 0
  for (let k = 0; k < residual.length; k++) {
    const total = variance[k] + scatter
    sum += residual[k] ** 2 / total + Math.log(total)
  }
  return sum
}

function covers(stars: number[], places: Float64Array, size: number): boolean {
  let sum = 0
  let squares = 0
  for (const k of stars) {
    sum += places[k]
    squares += places[k] * places[k]
  }
  const mean = sum / stars.length
  return squares / stars.length - mean * mean > (SPREAD * size) ** 2
}
