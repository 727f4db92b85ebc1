import { splineWeights } from '#shared/numeric/bspline.ts'
import { choleskyInPlace, choleskySolve } from '#shared/numeric/linear.ts'
import { median } from '#shared/numeric/robust.ts'
import type { StarPixels } from './moffat.ts'
import { LocalPsf, nodePlace, type Psf } from './psf.ts'
import { envelopeOf } from './psf-finish.ts'
import { type CoreShape, polynomialTerms, scaledPlace, termCount } from './psf-shape.ts'

/**
 * How far the residual table may be from zero before the data have spoken: a part of the profile, and a part of its peak
 * that fades outwards. Far out a little per node is much in all, and faults of the sky would pass for a wing.
 */
const PRIOR_PART = 0.2
const PRIOR_PEAK = 1.5e-3
const PRIOR_PEAK_FWHM = 1.2
/** Weights, and with them the normal equations of the nodes, have settled after so many rounds. */
const SETTLED_ROUND = 2
/** Overrelaxation of the rounds: below 2 they converge. */
const STRIDE = 1.4
/** Fewer stars than this are not thrown out further. */
const LEAST_STARS = 3

/** One PSF star: its pixels and how it stands. */
export interface Sample extends StarPixels {
  star: number
  /** Whole pixel that dx, dy count from, and the fitted place and flux. */
  x0: number
  y0: number
  x: number
  y: number
  flux: number
  chi: number
}

/**
 * Fill the tables' residual part from the samples, under the prior that the analytic core is nearly right.
 *
 * Each round spreads what the stars leave over the nodes around each pixel and solves every node's own small equations (a
 * block-diagonal, overrelaxed step towards the least-squares tables), then fits the stars anew.
 */
export function refineTables(
  psf: Psf,
  shape: CoreShape,
  samples: Sample[],
  frame: { width: number; height: number },
  rounds: number,
): void {
  const size = 2 * psf.half + 1
  const length = size * size
  const terms = termCount(shape.tableOrder)
  const analytic = Float32Array.from(psf.tables)
  const residual = new Float64Array(length * terms)
  const right = new Float64Array(length * terms)
  const packed = (terms * (terms + 1)) / 2
  const normal = new Float64Array(length * packed)
  const precision = priorPrecision(psf)
  const local = new LocalPsf(psf)
  let used = samples
  for (let round = 0; round < rounds; round++) {
    for (const sample of used) fitSample(local, sample)
    if (round > 0) used = withoutOutliers(used)
    right.fill(0)
    const unsettled = round < SETTLED_ROUND
    if (unsettled) normal.fill(0)
    for (const sample of used)
      accumulateSample(psf, local, sample, shape.tableOrder, right, unsettled ? normal : undefined, frame)
    solveNodes(residual, right, normal, precision, terms, length)
    composeTables(psf, analytic, residual, shape.tableOrder, frame)
  }
  for (const sample of used) fitSample(local, sample)
  psf.stars = used.length
  psf.chi = median(used.map(sample => sample.chi))
  envelopeOf(psf)
}

/** Flux and place of one star by itself under the present PSF (three Gauss-Newton steps), and its χ. */
function fitSample(local: LocalPsf, sample: Sample): void {
  const { dx, dy, value, sigma } = sample
  const reach = Math.max(...dx)
  const side = 2 * reach + 1
  const profile = new Float64Array(side * side)
  const slopeX = new Float64Array(side * side)
  const slopeY = new Float64Array(side * side)
  const fitRadius = 2.5 * local.psf.fwhmPx
  local.moveTo(sample.x0, sample.y0)
  const normal = new Float64Array(9)
  const step = new Float64Array(3)
  for (let round = 0; round < 3; round++) {
    local.gradients(sample.x, sample.y, sample.x0 - reach, sample.y0 - reach, side, side, profile, slopeX, slopeY)
    normal.fill(0)
    step.fill(0)
    let square = 0
    let count = 0
    for (let k = 0; k < value.length; k++) {
      if (dx[k] * dx[k] + dy[k] * dy[k] > fitRadius * fitRadius) continue
      const at = (dy[k] + reach) * side + dx[k] + reach
      const off = (value[k] - sample.flux * profile[at]) / sigma[k]
      const weight = 1 / (sigma[k] * (1 + (off / 6) ** 4))
      square += Math.min(off * off, 100)
      count++
      const row = [profile[at] * weight, sample.flux * slopeX[at] * weight, sample.flux * slopeY[at] * weight]
      for (let i = 0; i < 3; i++) {
        step[i] += row[i] * off
        for (let j = 0; j <= i; j++) normal[i * 3 + j] += (row[i] * row[j]) / (weight * sigma[k])
      }
    }
    sample.chi = Math.sqrt(square / Math.max(count - 3, 1))
    const scale = [0, 4, 8].map(i => 1 / Math.sqrt(Math.max(normal[i], 1e-300)))
    for (let i = 0; i < 3; i++) {
      step[i] *= scale[i]
      for (let j = 0; j <= i; j++) normal[i * 3 + j] *= scale[i] * scale[j]
    }
    if (!choleskyInPlace(normal, 3)) return
    choleskySolve(normal, 3, step)
    sample.flux = Math.max(sample.flux + step[0] * scale[0], 0.1 * sample.flux)
    sample.x += Math.min(Math.max(step[1] * scale[1], -0.5), 0.5)
    sample.y += Math.min(Math.max(step[2] * scale[2], -0.5), 0.5)
  }
}

function withoutOutliers(samples: Sample[]): Sample[] {
  const typical = median(samples.map(sample => sample.chi))
  const good = samples.filter(sample => sample.chi < 2 * Math.max(typical, 1))
  return good.length >= LEAST_STARS ? good : samples
}

/** Add one star's residual, spread over the table nodes by the spline's weights, to each node's normal equations. */
function accumulateSample(
  psf: Psf,
  local: LocalPsf,
  sample: Sample,
  order: number,
  right: Float64Array,
  normal: Float64Array | undefined,
  frame: { width: number; height: number },
): void {
  const { dx, dy, value, sigma, flux } = sample
  const { oversampling: os, half } = psf
  const size = 2 * half + 1
  const terms = termCount(order)
  const x = new Float64Array(6)
  const place = scaledPlace(frame, sample.x0, sample.y0)
  polynomialTerms(order, place.x, place.y, x)
  const packed = (terms * (terms + 1)) / 2
  const products = new Float64Array(packed)
  for (let i = 0, at = 0; i < terms; i++) for (let j = 0; j <= i; j++) products[at++] = x[i] * x[j]
  const reach = Math.max(...dx)
  const side = 2 * reach + 1
  const profile = new Float64Array(side * side)
  local.moveTo(sample.x0, sample.y0)
  local.values(sample.x, sample.y, sample.x0 - reach, sample.y0 - reach, side, side, profile)
  const wx = new Float64Array(4)
  const wy = new Float64Array(4)
  for (let k = 0; k < value.length; k++) {
    const light = flux * profile[(dy[k] + reach) * side + dx[k] + reach]
    const error = Math.hypot(sigma[k], 0.01 * light) / flux
    const off = (value[k] - light) / flux
    const weight = 1 / (error * error * (1 + (off / (5 * error)) ** 4))
    const u = (sample.x0 + dx[k] - sample.x) * os + half
    const v = (sample.y0 + dy[k] - sample.y) * os + half
    const iu = Math.floor(u)
    const iv = Math.floor(v)
    if (iu < 1 || iv < 1 || iu + 2 >= size || iv + 2 >= size) continue
    splineWeights(u - iu, wx)
    splineWeights(v - iv, wy)
    for (let b = 0; b < 4; b++) {
      for (let a = 0; a < 4; a++) {
        const share = wx[a] * wy[b] * weight
        const node = (iv - 1 + b) * size + iu - 1 + a
        const pull = share * off
        for (let i = 0; i < terms; i++) right[node * terms + i] += pull * x[i]
        if (normal) for (let i = 0, at = node * packed; i < packed; i++) normal[at + i] += share * products[i]
      }
    }
  }
}

/** Prior precision of each node's residual: the analytic core is right to a part of itself and of its peak. */
function priorPrecision(psf: Psf): Float64Array {
  const length = (2 * psf.half + 1) ** 2
  const middle = Math.floor((psf.nodesX * psf.nodesY) / 2)
  const table = psf.tables.subarray(middle * length, (middle + 1) * length)
  let peak = 0
  for (const value of table) peak = Math.max(peak, value)
  const size = 2 * psf.half + 1
  const scale = PRIOR_PEAK_FWHM * psf.fwhmPx * psf.oversampling
  return Float64Array.from(table, (value, k) => {
    const square = ((k % size) - psf.half) ** 2 + (Math.floor(k / size) - psf.half) ** 2
    const core = PRIOR_PEAK * peak * Math.exp(-square / (2 * scale * scale))
    return 1 / (PRIOR_PART * Math.abs(value) + core + 1e-9 * peak) ** 2
  })
}

function solveNodes(
  residual: Float64Array,
  right: Float64Array,
  normal: Float64Array,
  precision: Float64Array,
  terms: number,
  length: number,
): void {
  const packed = (terms * (terms + 1)) / 2
  const matrix = new Float64Array(terms * terms)
  const step = new Float64Array(terms)
  for (let node = 0; node < length; node++) {
    let at = node * packed
    if (!(normal[at] > 0)) continue
    for (let i = 0; i < terms; i++) {
      // Changes over the frame are smaller than the residual itself.
      const prior = precision[node] * (i === 0 ? 1 : 4)
      step[i] = right[node * terms + i] - prior * residual[node * terms + i]
      for (let j = 0; j <= i; j++) matrix[i * terms + j] = normal[at++]
      matrix[i * terms + i] += prior
    }
    if (!choleskyInPlace(matrix, terms)) continue
    choleskySolve(matrix, terms, step)
    for (let i = 0; i < terms; i++) residual[node * terms + i] += STRIDE * step[i]
  }
}

/** Put core and residual together at every node of the frame and bring the sum to unit flux. */
function composeTables(
  psf: Psf,
  analytic: Float32Array,
  residual: Float64Array,
  order: number,
  frame: { width: number; height: number },
): void {
  const length = (2 * psf.half + 1) ** 2
  const terms = termCount(order)
  const x = new Float64Array(6)
  for (let node = 0; node < psf.nodesX * psf.nodesY; node++) {
    const place = nodePlace(psf, node)
    const scaled = scaledPlace(frame, place.x, place.y)
    polynomialTerms(order, scaled.x, scaled.y, x)
    const base = node * length
    let sum = 0
    for (let k = 0; k < length; k++) {
      let extra = 0
      for (let i = 0; i < terms; i++) extra += x[i] * residual[k * terms + i]
      psf.tables[base + k] = analytic[base + k] + extra
      sum += extra
    }
    const total = 1 + sum / (psf.oversampling * psf.oversampling)
    for (let k = 0; k < length; k++) psf.tables[base + k] /= total
    psf.wingFactor[node] = 1 / total
  }
}
