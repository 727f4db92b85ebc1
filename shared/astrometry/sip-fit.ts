import { linearLeastSquares, linearLeastSquaresOfMany } from '#shared/numeric/linear.ts'
import { madSigma } from '#shared/numeric/robust.ts'
import { powers } from '#shared/sky/wcs.ts'
import type { Sip, Wcs } from '#shared/sky/wcs-type.ts'

/** Pairs of a pixel position and a place in the tangent plane, with the error of their distance. */
export interface Pairs {
  /** Pixel, 0-based. */
  x: Float64Array
  y: Float64Array
  /** Degrees about the tangent point. */
  xi: Float64Array
  eta: Float64Array
  /** 1 σ per axis of detection and star together, degrees; infinite leaves the pair out. */
  errorDeg: Float64Array
}

/**
 * Polynomials ξ(x, y), η(x, y) of a degree, in pixel offsets from (centreX, centreY) divided by radiusPx. Term k goes
 * with powers(0, order)[k].
 */
export interface PlaneFit {
  order: number
  centreX: number
  centreY: number
  radiusPx: number
  xi: Float64Array
  eta: Float64Array
  /** Of the terms of either axis, degrees², row-major; scaled by the scatter that the residuals show. */
  covariance: Float64Array
  /** Robust scatter of the residuals in units of their errors, corrected for the terms fitted. */
  scatter: number
  /** 1 where a pair took part in the last round. */
  kept: Uint8Array
}

const CLIP = 4
const ROUNDS = 12

/** The terms of each pair, in the order of powers(0, order): those of lower orders come first. */
interface Design {
  terms: Float64Array
  /** Terms of a pair. */
  stride: number
}

function designOf(pairs: Pairs, order: number, width: number, height: number): Design {
  const stride = termsOf(order)
  const terms = new Float64Array(pairs.x.length * stride)
  const radiusPx = Math.hypot(width, height) / 2
  for (let k = 0; k < pairs.x.length; k++) {
    const u = (pairs.x[k] - (width - 1) / 2) / radiusPx
    const v = (pairs.y[k] - (height - 1) / 2) / radiusPx
    fillTerms(u, v, order, terms, k * stride)
  }
  return { terms, stride }
}

function termsOf(order: number): number {
  return ((order + 1) * (order + 2)) / 2
}

/** Writes u^p v^q in the order of powers(0, order): the terms of a degree are u times those before, and v^degree. */
function fillTerms(u: number, v: number, order: number, into: Float64Array, at: number): void {
  into[at] = 1
  let before = at
  let next = at + 1
  for (let degree = 1; degree <= order; degree++) {
    for (let k = 0; k < degree; k++) into[next + k] = u * into[before + k]
    into[next + degree] = v * into[before + degree - 1]
    before = next
    next += degree + 1
  }
}

/** Weighted polynomial fit of one order with clipping at 4 robust σ. undefined where the pairs do not carry it. */
export function fitPlane(
  pairs: Pairs,
  order: number,
  width: number,
  height: number,
  { terms: design, stride } = designOf(pairs, order, width, height),
): PlaneFit | undefined {
  const terms = termsOf(order)
  const count = pairs.x.length
  const centreX = (width - 1) / 2
  const centreY = (height - 1) / 2
  const radiusPx = Math.hypot(width, height) / 2
  const weights = new Float64Array(count)
  const kept = Uint8Array.from(pairs.errorDeg, error => (error < Number.POSITIVE_INFINITY ? 1 : 0))
  const residuals = new Float64Array(2 * count)
  const inside = new Float64Array(2 * count)
  let fit: PlaneFit | undefined
  for (let round = 0; round < ROUNDS; round++) {
    const used = fillWeights(kept, pairs.errorDeg, weights)
    if (used < terms + 1) return fit
    const solved = linearLeastSquaresOfMany(design, terms, [pairs.xi, pairs.eta], weights, stride)
    if (!solved) return fit
    const [ofXi, ofEta] = solved.coefficients
    fillResiduals(pairs.xi, design, stride, ofXi, pairs.errorDeg, residuals, 0)
    fillResiduals(pairs.eta, design, stride, ofEta, pairs.errorDeg, residuals, 1)
    gatherKept(residuals, kept, inside)
    const scatter = Math.max(madSigma(inside.subarray(0, 2 * used), 0) * Math.sqrt(used / (used - terms)), 1e-6)
    const covariance = solved.covariance.map(value => value * scatter * scatter)
    fit = {
      order,
      centreX,
      centreY,
      radiusPx,
      xi: ofXi,
      eta: ofEta,
      covariance,
      scatter,
      kept: kept.slice(),
    }
    if (!clip(residuals, pairs.errorDeg, CLIP * Math.max(scatter, 0.3), kept)) break
  }
  return fit
}

/** Inverse variances of the pairs that are kept; returns how many those are. */
function fillWeights(kept: Uint8Array, error: Float64Array, weights: Float64Array): number {
  let used = 0
  for (let k = 0; k < kept.length; k++) {
    weights[k] = kept[k] / (error[k] * error[k])
    used += kept[k]
  }
  return used
}

function gatherKept(residuals: Float64Array, kept: Uint8Array, into: Float64Array): void {
  for (let k = 0, n = 0; k < kept.length; k++) {
    if (kept[k] === 0) continue
    into[n++] = residuals[2 * k]
    into[n++] = residuals[2 * k + 1]
  }
}

/** Keep the pairs within the limit, and no others; returns whether that is a change. */
function clip(residuals: Float64Array, error: Float64Array, limit: number, kept: Uint8Array): boolean {
  let changed = false
  for (let k = 0; k < kept.length; k++) {
    if (!(error[k] < Number.POSITIVE_INFINITY)) continue
    const within = residuals[2 * k] ** 2 + residuals[2 * k + 1] ** 2 > limit * limit ? 0 : 1
    if (within !== kept[k]) changed = true
    kept[k] = within
  }
  return changed
}

/** Residuals along one axis in σ, at every second place of `out` from `first` on. */
function fillResiduals(
  observed: Float64Array,
  design: Float64Array,
  stride: number,
  coefficients: Float64Array,
  error: Float64Array,
  out: Float64Array,
  first: number,
): void {
  for (let k = 0; k < observed.length; k++) {
    let off = observed[k]
    for (let t = 0; t < coefficients.length; t++) off -= design[k * stride + t] * coefficients[t]
    out[2 * k + first] = off / error[k]
  }
}

const HIGHEST_ORDER = 4
const scratch = new Float64Array(termsOf(HIGHEST_ORDER))

/** The place in the plane of a pixel, degrees. */
export function toPlane(fit: PlaneFit, x: number, y: number): [xi: number, eta: number] {
  const u = (x - fit.centreX) / fit.radiusPx
  const v = (y - fit.centreY) / fit.radiusPx
  fillTerms(u, v, fit.order, scratch, 0)
  let xi = 0
  let eta = 0
  for (let t = 0; t < fit.xi.length; t++) {
    xi += fit.xi[t] * scratch[t]
    eta += fit.eta[t] * scratch[t]
  }
  return [xi, eta]
}

/** What of a fit tells how well it is known: the part that is kept with a solution. */
export type FitCovariance = Pick<PlaneFit, 'order' | 'centreX' | 'centreY' | 'radiusPx'> & {
  covariance: ArrayLike<number>
}

/** 1 σ per axis of the solution itself at a pixel, mas: from the stars that made it, not of the pixel's centroid. */
export function solutionErrorMas(fit: FitCovariance, x: number, y: number): number {
  const terms = termsOf(fit.order)
  fillTerms((x - fit.centreX) / fit.radiusPx, (y - fit.centreY) / fit.radiusPx, fit.order, scratch, 0)
  let variance = 0
  for (let i = 0; i < terms; i++) {
    for (let j = 0; j < terms; j++) variance += scratch[i] * scratch[j] * fit.covariance[i * terms + j]
  }
  return Math.sqrt(Math.max(0, variance)) * 3.6e6
}

/** Akaike's (1974) price is 2, for the best prediction; a little more keeps chance out. Schwarz's (BIC) underfits. */
const PRICE_PER_TERM = 3
/** Fewest stars for each order of the polynomial; index 0 does not occur. */
const FEWEST_STARS = [0, 6, 20, 40, 150]
/** Cells of 4 × 4 that must hold a star: an order is not carried over empty parts of the frame. */
const COVERED_CELLS = [0, 0, 10, 12, 13]

/**
 * The order that the stars carry: as many as the table asks for, spread over the frame, and the least χ² with a
 * price of PRICE_PER_TERM a term, errors scaled by the scatter of the highest order, outliers capped.
 */
export function fitBestOrder(
  pairs: Pairs,
  width: number,
  height: number,
  highest = HIGHEST_ORDER,
): PlaneFit | undefined {
  const count = pairs.errorDeg.reduce((sum, error) => sum + (error < Number.POSITIVE_INFINITY ? 1 : 0), 0)
  const covered = coveredCells(pairs, width, height)
  const fits: PlaneFit[] = []
  const design = designOf(pairs, highest, width, height)
  for (let order = 1; order <= highest; order++) {
    if (order > 1 && (count < FEWEST_STARS[order] || covered < COVERED_CELLS[order])) break
    const fit = fitPlane(pairs, order, width, height, design)
    if (!fit) break
    fits.push(fit)
  }
  const scatter = Math.max(1, fits.at(-1)?.scatter ?? 1)
  const score = (fit: PlaneFit) =>
    cappedChiSquare(fit, pairs, scatter) + (fit.order + 1) * (fit.order + 2) * PRICE_PER_TERM
  return fits.toSorted((a, b) => score(a) - score(b))[0]
}

function cappedChiSquare(fit: PlaneFit, pairs: Pairs, scatter: number): number {
  let sum = 0
  for (let k = 0; k < pairs.x.length; k++) {
    if (!(pairs.errorDeg[k] < Number.POSITIVE_INFINITY)) continue
    const [xi, eta] = toPlane(fit, pairs.x[k], pairs.y[k])
    const error = pairs.errorDeg[k] * scatter
    sum += Math.min(((pairs.xi[k] - xi) / error) ** 2 + ((pairs.eta[k] - eta) / error) ** 2, 2 * CLIP * CLIP)
  }
  return sum
}

function coveredCells(pairs: Pairs, width: number, height: number): number {
  const cells = new Set<number>()
  for (let k = 0; k < pairs.x.length; k++) {
    if (!(pairs.errorDeg[k] < Number.POSITIVE_INFINITY)) continue
    cells.add(Math.floor((4 * (pairs.y[k] + 0.5)) / height) * 4 + Math.floor((4 * (pairs.x[k] + 0.5)) / width))
  }
  return cells.size
}

/**
 * The solution that a fit means whose constant terms vanish: reference pixel at the centre of the frame, the linear
 * terms as CD, the higher ones as SIP, with the inverse fitted on a grid over the frame.
 */
export function wcsFromFit(fit: PlaneFit, raDeg: number, decDeg: number, width: number, height: number): Wcs {
  const list = powers(0, fit.order)
  const r = fit.radiusPx
  const cd: Wcs['cd'] = [fit.xi[1] / r, fit.xi[2] / r, fit.eta[1] / r, fit.eta[2] / r]
  const wcs: Wcs = { crvalRaDeg: raDeg, crvalDecDeg: decDeg, crpixX: fit.centreX, crpixY: fit.centreY, cd }
  if (fit.order < 2) return wcs
  const determinant = cd[0] * cd[3] - cd[1] * cd[2]
  const forward = { p: [] as number[], q: [] as number[], a: [] as number[], b: [] as number[] }
  for (let t = 3; t < list.length; t++) {
    const [p, q] = list[t]
    const xi = fit.xi[t] / r ** (p + q)
    const eta = fit.eta[t] / r ** (p + q)
    forward.p.push(p)
    forward.q.push(q)
    forward.a.push((cd[3] * xi - cd[1] * eta) / determinant)
    forward.b.push((cd[0] * eta - cd[2] * xi) / determinant)
  }
  return { ...wcs, sip: { order: fit.order, ...forward, ...inverseTerms(forward, fit, width, height) } }
}

/** Degrees per pixel at the centre of a fit. */
export function scaleDeg(fit: PlaneFit): number {
  return Math.sqrt(Math.abs(fit.xi[1] * fit.eta[2] - fit.xi[2] * fit.eta[1])) / fit.radiusPx
}

const INVERSE_WITHIN = { mas: 0.2, px: 0.01 } // of what other programs find back by the inverse alone
const HIGHEST_INVERSE = 9 // Shupe et al. 2005: what readers of SIP hold

/** The inverse polynomial, of the lowest order that leads back closely enough over the frame. */
function inverseTerms(
  forward: Pick<Sip, 'p' | 'q' | 'a' | 'b'>,
  fit: PlaneFit,
  width: number,
  height: number,
  inverseOrder = fit.order + 1,
): Pick<Sip, 'inverseOrder' | 'inverseP' | 'inverseQ' | 'ap' | 'bp'> {
  const list = powers(0, inverseOrder)
  const side = 16
  const count = (side + 1) ** 2
  const design = new Float64Array(count * list.length)
  const du = new Float64Array(count)
  const dv = new Float64Array(count)
  const weights = new Float64Array(count).fill(1)
  for (let k = 0; k < count; k++) {
    const u = ((k % (side + 1)) / side - 0.5) * width
    const v = (Math.floor(k / (side + 1)) / side - 0.5) * height
    for (let t = 0; t < forward.p.length; t++) {
      const term = u ** forward.p[t] * v ** forward.q[t]
      du[k] -= forward.a[t] * term
      dv[k] -= forward.b[t] * term
    }
    const bigU = (u - du[k]) / fit.radiusPx
    const bigV = (v - dv[k]) / fit.radiusPx
    for (let t = 0; t < list.length; t++) design[k * list.length + t] = bigU ** list[t][0] * bigV ** list[t][1]
  }
  const ofU = linearLeastSquares(design, list.length, du, weights)
  const ofV = linearLeastSquares(design, list.length, dv, weights)
  let worst = 0
  for (let k = 0; k < count; k++) {
    let [offU, offV] = [-du[k], -dv[k]]
    for (let t = 0; t < list.length; t++) {
      offU += design[k * list.length + t] * (ofU?.coefficients[t] ?? 0)
      offV += design[k * list.length + t] * (ofV?.coefficients[t] ?? 0)
    }
    worst = Math.max(worst, Math.hypot(offU, offV))
  }
  const scaleMas = scaleDeg(fit) * 3.6e6
  if (worst > Math.min(INVERSE_WITHIN.px, INVERSE_WITHIN.mas / scaleMas) && inverseOrder < HIGHEST_INVERSE)
    return inverseTerms(forward, fit, width, height, inverseOrder + 1)
  const scaled = (terms: Float64Array | undefined) =>
    list.map(([p, q], t) => (terms ? terms[t] / fit.radiusPx ** (p + q) : 0))
  return {
    inverseOrder,
    inverseP: list.map(([p]) => p),
    inverseQ: list.map(([, q]) => q),
    ap: scaled(ofU?.coefficients),
    bp: scaled(ofV?.coefficients),
  }
}
