import { linearLeastSquares } from '#shared/numeric/linear.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import { fitMoffat, type Moffat, type StarPixels } from './moffat.ts'

/** Highest order of change over the frame. */
export const MOST_ORDER = 5
/**
 * Stars needed for the residual table to change over the frame by polynomials of an order. Coma grows from the middle to the
 * corners and turns with the position angle: where it is strong, quadratic tables leave bright stars there a hundredth of a
 * FWHM off.
 */
const STARS_FOR_ORDER = [
  { order: MOST_ORDER, stars: 150, forComa: true },
  { order: 2, stars: 30, forComa: false },
  { order: 1, stars: 10, forComa: false },
]
/** The core may always change quadratically: focus and curvature of field do, and a few stars tell a part of it. */
const CORE_ORDER = 2
/** How much the second moments change from the centre to the edge before the stars have spoken, relative, 1 σ. */
const PRIOR_CHANGE = 0.1
/** β is the same everywhere; this many of the best stars decide it. */
const BETA_STARS = 40
/**
 * Wings are hardly broader than with a β of 2.5 (Trujillo et al. 2001, MNRAS 328, 977, § 2: turbulence makes 4.8, programs
 * start from 2.5). Stars that say less have the light of neighbours about them, and their core would shrink to a spike.
 */
const [BROADEST_BETA, STEEPEST_BETA] = [2.5, 12]

/** Terms of a polynomial of an order in x, y: 1, 3, 6, … */
export function termCount(order: number): number {
  return ((order + 1) * (order + 2)) / 2
}

/** Values of the terms 1, x, y, x², xy, y² at a place scaled to −1 … 1. */
export function polynomialTerms(order: number, x: number, y: number, out: Float64Array | Float32Array): void {
  out[0] = 1
  if (order < 1) return
  out[1] = x
  out[2] = y
  if (order < 2) return
  out[3] = x * x
  out[4] = x * y
  out[5] = y * y
}

/** Order of a term of {@link legendreTerms}. */
export function orderOfTerm(term: number): number {
  return Math.floor((Math.sqrt(8 * term + 1) - 1) / 2)
}

/**
 * Products of Legendre's polynomials in x and y up to an order, of unit mean square over the frame and orthogonal: under
 * priors that are alike within an order no place of the frame is held tighter than another, and no direction. Order after
 * order, in each by falling power of x.
 */
export function legendreTerms(order: number, x: number, y: number, out: Float64Array | Float32Array): void {
  legendre(order, x, alongX)
  legendre(order, y, alongY)
  for (let sum = 0, at = 0; sum <= order; sum++) {
    for (let ofY = 0; ofY <= sum; ofY++) out[at++] = alongX[sum - ofY] * alongY[ofY]
  }
}
const alongX = new Float64Array(MOST_ORDER + 1)
const alongY = new Float64Array(MOST_ORDER + 1)

/** Legendre's polynomials of one coordinate (Bonnet's recursion), each brought to unit mean square. */
function legendre(order: number, x: number, out: Float64Array): void {
  let before = 0
  let value = 1
  for (let n = 0; n <= order; n++) {
    out[n] = Math.sqrt(2 * n + 1) * value
    const next = ((2 * n + 1) * x * value - n * before) / (n + 1)
    before = value
    value = next
  }
}

/** Place on the frame scaled to −1 … 1. */
export function scaledPlace(frame: { width: number; height: number }, x: number, y: number): { x: number; y: number } {
  return { x: (2 * x) / Math.max(frame.width - 1, 1) - 1, y: (2 * y) / Math.max(frame.height - 1, 1) - 1 }
}

/** The analytic core of the PSF: an elliptical Moffat whose second moments change quadratically over the frame. */
export interface CoreShape {
  /** Order that the stars support for the residual table. */
  tableOrder: number
  beta: number
  /** Coefficients of xx, yy, xy of the inverse of ((a, c), (c, b)), pixel²; one list for each. */
  moments: [Float64Array, Float64Array, Float64Array]
  /** Relative error of the width at a place against that of the mean place, by the noise of the stars it is learned from. */
  widthErr: number
  /** Indices of the stars that agree with it. */
  kept: number[]
}

/** The Moffat at a place of the frame scaled to −1 … 1. */
export function shapeAt(shape: CoreShape, x: number, y: number): Moffat {
  const terms = new Float64Array(6)
  polynomialTerms(CORE_ORDER, x, y, terms)
  const [xx, yy, xy] = shape.moments.map(list => list.reduce((sum, value, k) => sum + value * terms[k], 0))
  const determinant = Math.max(xx * yy - xy * xy, 1e-4 * xx * xx)
  return { a: yy / determinant, b: xx / determinant, c: -xy / determinant, beta: shape.beta }
}

/**
 * Fit the analytic core: each star by itself with β common, then smooth polynomials through the shapes, outliers out.
 *
 * @param x,y places of the stars scaled to −1 … 1
 * @param fwhmPx about the width
 * @param guess of the shape, where one is known
 * @param isComatic whether the frame shows strong coma
 * @returns undefined where fewer than three stars can be fitted
 */
export function fitShape(
  stars: StarPixels[],
  x: Float64Array,
  y: Float64Array,
  fwhmPx: number,
  guess?: Moffat,
  isComatic = false,
): CoreShape | undefined {
  const typical = typicalShape(stars.slice(0, BETA_STARS), fwhmPx, guess)
  if (!typical) return undefined
  const { beta } = typical
  const index: number[] = []
  const xx: number[] = []
  const yy: number[] = []
  const xy: number[] = []
  const noise: number[] = []
  const error: number[] = []
  for (let i = 0; i < stars.length; i++) {
    const fit = fitMoffat(stars[i], fwhmPx, typical, false)
    if (!fit || Math.hypot(fit.x, fit.y) > fwhmPx) continue
    const determinant = fit.a * fit.b - fit.c * fit.c
    index.push(i)
    xx.push(fit.b / determinant)
    yy.push(fit.a / determinant)
    xy.push(-fit.c / determinant)
    // A star's own error of its size, with a floor: the frame's shape is no perfect polynomial either.
    noise.push(Math.sqrt(fit.fit.covariance[21]) / fit.a)
    error.push(Math.hypot(noise[noise.length - 1], 0.02))
  }
  if (index.length < 3) return undefined
  return fitPolynomials(index, [xx, yy, xy], noise, error, x, y, { beta, isComatic })
}

/** The middle of what single stars say with β free. */
function typicalShape(stars: StarPixels[], fwhmPx: number, guess?: Moffat): Moffat | undefined {
  const fits = stars.map(star => fitMoffat(star, fwhmPx, guess)).filter(fit => fit !== undefined)
  if (fits.length < 3) return undefined
  const middle = (of: (fit: Moffat) => number) => median(fits.map(of))
  const middleBeta = Math.exp(middle(fit => Math.log(fit.beta)))
  const beta = Math.min(Math.max(middleBeta, BROADEST_BETA), STEEPEST_BETA)
  return { a: middle(fit => fit.a), b: middle(fit => fit.b), c: middle(fit => fit.c), beta }
}

/** Quadratic polynomials through the moments; each change over the frame is drawn to none by its prior. */
function fitPolynomials(
  index: number[],
  values: [number[], number[], number[]],
  noise: number[],
  error: number[],
  x: Float64Array,
  y: Float64Array,
  { beta, isComatic }: { beta: number; isComatic: boolean },
): CoreShape | undefined {
  const terms = termCount(CORE_ORDER)
  const rows = index.length + terms - 1
  const design = new Float64Array(rows * terms)
  index.forEach((star, i) => {
    polynomialTerms(CORE_ORDER, x[star], y[star], design.subarray(i * terms, (i + 1) * terms))
  })
  for (let term = 1; term < terms; term++) design[(index.length + term - 1) * terms + term] = 1
  const weights = new Float64Array(rows).fill(1 / PRIOR_CHANGE ** 2)
  let keep = index.map(() => true)
  let moments: [Float64Array, Float64Array, Float64Array] | undefined
  for (let round = 0; round < 5; round++) {
    if (keep.filter(Boolean).length < 3) return undefined
    for (let i = 0; i < index.length; i++) weights[i] = keep[i] ? 1 / (error[i] * error[i]) : 0
    const fits = values.map(list => {
      const wanted = new Float64Array(rows)
      wanted.set(list)
      return linearLeastSquares(design, terms, wanted, weights)?.coefficients
    })
    if (fits.some(list => list === undefined)) return undefined
    moments = fits as [Float64Array, Float64Array, Float64Array]
    const before = keep
    keep = agreeing(design, terms, values, moments, error, keep)
    if (keep.every((value, i) => value === before[i])) break
  }
  const kept = index.filter((_, i) => keep[i])
  const supported = STARS_FOR_ORDER.find(({ stars, forComa }) => kept.length >= stars && (isComatic || !forComa))
  const tableOrder = supported?.order ?? 0
  return moments && { tableOrder, beta, moments, widthErr: widthError(noise, error, keep, terms - 1), kept }
}

/**
 * Error of a width that a fit of so many terms of change predicts, mean over the stars; the term that all places share is
 * left out, because the zero point takes it. The width is the fourth root of the product of two moments, whose errors are
 * alike and independent: √2/4 of that of one.
 *
 * @param noise relative error of a moment of each star
 * @param error what the fit weights the stars by
 */
function widthError(noise: number[], error: number[], keep: boolean[], terms: number): number {
  let sum = 0
  let square = 0
  for (let i = 0; i < noise.length; i++) {
    if (!keep[i]) continue
    const weight = 1 / (error[i] * error[i])
    sum += weight
    square += (weight * noise[i]) ** 2
  }
  // Where a few stars say next to nothing, it is what such widths usually change by.
  return (Math.SQRT2 / 4) * Math.min(Math.sqrt(terms * square) / sum, PRIOR_CHANGE)
}

function agreeing(
  design: Float64Array,
  terms: number,
  values: [number[], number[], number[]],
  moments: [Float64Array, Float64Array, Float64Array],
  error: number[],
  keep: boolean[],
): boolean[] {
  const size = moments[0][0] + moments[1][0]
  const off = values.map((list, quantity) =>
    list.map((value, i) => {
      let model = 0
      for (let k = 0; k < terms; k++) model += design[i * terms + k] * moments[quantity][k]
      return (value - model) / (size * error[i])
    }),
  )
  const limits = off.map(list => 4 * Math.max(madSigma(list.filter((_, i) => keep[i])), 0.3))
  return keep.map((_, i) => off.every((list, quantity) => Math.abs(list[i]) <= limits[quantity]))
}
