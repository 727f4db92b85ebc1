import { splineWeights } from '#shared/numeric/bspline.ts'
import { choleskyInPlace, choleskySolve } from '#shared/numeric/linear.ts'
import { median } from '#shared/numeric/robust.ts'
import type { KernelMemory } from './kernel-memory.ts'
import type { StarPixels } from './moffat.ts'
import { LocalPsf, nodePlace, type Psf } from './psf.ts'
import { envelopeOf } from './psf-finish.ts'
import { type NodeBlocks, ResidualTables } from './psf-residual.ts'
import { type CoreShape, polynomialTerms, scaledPlace, termCount } from './psf-shape.ts'
import { tableError } from './psf-table-error.ts'
import type { Scene } from './scene.ts'

/**
 * How far the levels of the residual table may be from zero before the data have spoken: a part of the profile, and a part
 * of its peak that fades outwards. Far out a little per node is much in all, and faults of the sky would pass for a wing.
 */
const SMOOTH_PRIOR = { ofProfile: 0.3, ofPeak: 1.5e-3 }
const FINE_PRIOR = { ofProfile: 0.1, ofPeak: 1e-3 }
const PRIOR_PEAK_FWHM = 1.2
/** Weights, and with them the normal equations of the nodes, have settled after so many rounds. */
const SETTLED_ROUND = 2
/** Pixels within this many FWHM place a star, and how often that is done before the first round. */
export const FIT_FWHM = 2.5
const FIRST_STEPS = 3
/** A pixel may be off by this part of the star's light: stars differ (colour, guiding, what is behind them). */
const MODEL_PART = 0.01
/** Stars are sampled no farther out than this, pixel. */
const LARGEST_REACH_PX = 64
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
  /** Variance of its pixels beyond their noise, for what many of them together tell, ADU². */
  doubt: number
  /** Largest of |dx|, |dy|. */
  reach: number
}

/**
 * Fill the tables' residual part from the samples, under the prior that the analytic core is nearly right.
 *
 * Each round fits the stars anew and spreads what they leave over the nodes around each pixel; then every node's own small
 * equations are solved, and those of the smooth level (block-diagonal, overrelaxed steps towards the least-squares tables).
 */
export function refineTables(psf: Psf, shape: CoreShape, samples: Sample[], scene: Scene, rounds: number): void {
  const mark = scene.memory.mark()
  const order = shape.tableOrder
  const terms = termCount(order)
  const analytic = Float32Array.from(psf.tables)
  const equations = new NodeEquations(psf, order, scene.memory)
  const residual = new ResidualTables(2 * psf.half + 1, terms, {
    smooth: priorPrecision(psf, SMOOTH_PRIOR),
    fine: priorPrecision(psf, FINE_PRIOR),
  })
  const local = new LocalPsf(psf)
  let used = samples
  for (let round = 0; round < rounds; round++) {
    equations.clear(round < SETTLED_ROUND)
    for (const sample of used) {
      local.moveTo(sample.x0, sample.y0)
      fitSample(local, sample, round === 0 ? FIRST_STEPS : 1)
      equations.add(local, sample, scaledPlace(scene, sample.x0, sample.y0))
    }
    residual.step(equations.blocks)
    composeTables(psf, analytic, residual.total, order, scene)
    used = withoutOutliers(used)
  }
  for (const sample of used) {
    local.moveTo(sample.x0, sample.y0)
    fitSample(local, sample, 1)
  }
  psf.stars = used.length
  psf.tableErr = tableError(psf, order, used, residual, equations.blocks, scene)
  psf.chi = median(used.map(sample => sample.chi))
  envelopeOf(psf)
  scene.memory.release(mark)
}

/** Flux and place of one star by itself under the PSF where `local` stands (Gauss-Newton steps), and its χ. */
function fitSample(local: LocalPsf, sample: Sample, steps: number): void {
  const { dx, dy, value, sigma, reach } = sample
  const fitRadius = Math.min(FIT_FWHM * local.psf.fwhmPx, reach)
  const inner = Math.floor(fitRadius)
  const side = 2 * inner + 1
  const [profile, slopeX, slopeY] = fitScratch.map(plane => plane.subarray(0, side * side))
  const normal = new Float64Array(9)
  const step = new Float64Array(3)
  const scale = new Float64Array(3)
  for (let round = 0; round < steps; round++) {
    const { x0, y0, flux } = sample
    local.gradients(sample.x, sample.y, x0 - inner, y0 - inner, side, side, profile, slopeX, slopeY)
    normal.fill(0)
    step.fill(0)
    let square = 0
    let count = 0
    for (let k = 0; k < value.length; k++) {
      if (dx[k] * dx[k] + dy[k] * dy[k] > fitRadius * fitRadius) continue
      const at = (dy[k] + inner) * side + dx[k] + inner
      const off = (value[k] - flux * profile[at]) / sigma[k]
      const part = (off * off) / 36
      square += Math.min(off * off, 100)
      count++
      const p = profile[at] / sigma[k]
      const u = (flux * slopeX[at]) / sigma[k]
      const v = (flux * slopeY[at]) / sigma[k]
      const pull = off / (1 + part * part)
      step[0] += p * pull
      step[1] += u * pull
      step[2] += v * pull
      const weight = 1 / (1 + part * part)
      normal[0] += weight * p * p
      normal[3] += weight * u * p
      normal[4] += weight * u * u
      normal[6] += weight * v * p
      normal[7] += weight * v * u
      normal[8] += weight * v * v
    }
    sample.chi = Math.sqrt(square / Math.max(count - 3, 1))
    for (let i = 0; i < 3; i++) scale[i] = 1 / Math.sqrt(Math.max(normal[4 * i], 1e-300))
    for (let i = 0; i < 3; i++) {
      step[i] *= scale[i]
      for (let j = 0; j <= i; j++) normal[i * 3 + j] *= scale[i] * scale[j]
    }
    if (!choleskyInPlace(normal, 3)) return
    choleskySolve(normal, 3, step)
    sample.flux = Math.max(flux + step[0] * scale[0], 0.1 * flux)
    sample.x += Math.min(Math.max(step[1] * scale[1], -0.5), 0.5)
    sample.y += Math.min(Math.max(step[2] * scale[2], -0.5), 0.5)
  }
}
const fitScratch = [0, 1, 2].map(() => new Float64Array((2 * LARGEST_REACH_PX + 1) ** 2))

function withoutOutliers(samples: Sample[]): Sample[] {
  const typical = median(samples.map(sample => sample.chi))
  const good = samples.filter(sample => sample.chi < 2 * Math.max(typical, 1))
  return good.length >= LEAST_STARS ? good : samples
}

/** The small normal equations of every node of the residual tables: one unknown for each term of its polynomial. */
class NodeEquations {
  readonly nodes: number
  readonly #psf: Psf
  readonly #order: number
  readonly #memory: KernelMemory
  /** Numbers of a node on either side, whole blocks of four. */
  readonly #rightLength: number
  readonly #normalLength: number
  readonly #right: Float32Array
  readonly #normal: Float32Array
  readonly #places: Int32Array
  readonly #amounts: Float32Array
  readonly #weights: Float32Array
  readonly #terms: Float32Array
  readonly #profile: Float64Array
  readonly #precision: Float32Array
  #collecting = true

  constructor(psf: Psf, order: number, memory: KernelMemory) {
    const terms = termCount(order)
    const side = 2 * LARGEST_REACH_PX + 1
    this.nodes = (2 * psf.half + 1) ** 2
    this.#psf = psf
    this.#order = order
    this.#memory = memory
    this.#rightLength = 4 * Math.ceil(terms / 4)
    this.#normalLength = 4 * Math.ceil((terms * (terms + 1)) / 8)
    this.#right = memory.floats(this.nodes * this.#rightLength)
    this.#normal = memory.floats(this.nodes * this.#normalLength)
    this.#places = memory.whole(side * side)
    this.#amounts = memory.floats(side * side)
    this.#weights = memory.floats(16)
    this.#terms = memory.floats(24)
    this.#profile = new Float64Array(side * side)
    this.#precision = new Float32Array(side * side)
  }

  /** @param anew whether the normal matrices are collected anew; else they stay as they are */
  clear(anew: boolean): void {
    this.#right.fill(0)
    if (anew) this.#normal.fill(0)
    this.#collecting = anew
  }

  /** Add what one star leaves, spread over the nodes around each pixel by the spline's weights. */
  add(local: LocalPsf, sample: Sample, place: { x: number; y: number }): void {
    const { dx, dy, value, sigma, doubt, flux, reach } = sample
    const { oversampling: os, half } = this.#psf
    const size = 2 * half + 1
    const side = 2 * reach + 1
    const profile = this.#profile
    local.values(sample.x, sample.y, sample.x0 - reach, sample.y0 - reach, side, side, profile)
    const u0 = (sample.x0 - sample.x) * os + half
    const v0 = (sample.y0 - sample.y) * os + half
    const column = Math.floor(u0) - 1
    const row = Math.floor(v0) - 1
    splineWeights(u0 - column - 1, alongX)
    splineWeights(v0 - row - 1, alongY)
    for (let n = 0; n < 16; n++) this.#weights[n] = alongX[n % 4] * alongY[n >> 2]
    polynomialTerms(this.#order, place.x, place.y, polynomial)

    const precision = this.#precision
    let count = 0
    for (let k = 0; k < value.length; k++) {
      const i = column + dx[k] * os
      const j = row + dy[k] * os
      if (i < 0 || j < 0 || i + 3 >= size || j + 3 >= size) continue
      const light = flux * profile[(dy[k] + reach) * side + dx[k] + reach]
      const variance = (sigma[k] * sigma[k] + doubt + (MODEL_PART * light) ** 2) / (flux * flux)
      const off = (value[k] - light) / flux
      const far = (off * off) / (25 * variance)
      const weight = 1 / (variance * (1 + far * far))
      this.#places[count] = j * size + i
      this.#amounts[count] = weight * off
      precision[count++] = weight
    }
    this.#terms.fill(0)
    this.#terms.set(polynomial.subarray(0, termCount(this.#order)))
    this.#spread(count, this.#right, this.#rightLength)
    if (!this.#collecting) return
    this.#amounts.set(precision.subarray(0, count))
    this.#terms.fill(0)
    const terms = termCount(this.#order)
    for (let i = 0, at = 0; i < terms; i++) {
      for (let j = 0; j <= i; j++) this.#terms[at++] = polynomial[i] * polynomial[j]
    }
    this.#spread(count, this.#normal, this.#normalLength)
  }

  #spread(count: number, out: Float32Array, length: number): void {
    const places = this.#places
    for (let k = 0; k < count; k++) places[k] *= 4 * length
    this.#memory.kernels.spread(
      places.byteOffset,
      this.#amounts.byteOffset,
      4 * count,
      this.#weights.byteOffset,
      this.#terms.byteOffset,
      4 * length,
      4 * length * (2 * this.#psf.half + 1),
      out.byteOffset,
    )
    for (let k = 0; k < count; k++) places[k] /= 4 * length
  }

  /** The equations as they were collected. */
  get blocks(): NodeBlocks {
    return {
      normal: this.#normal,
      normalLength: this.#normalLength,
      right: this.#right,
      rightLength: this.#rightLength,
    }
  }
}
const alongX = new Float64Array(4)
const alongY = new Float64Array(4)
const polynomial = new Float64Array(6)

/** Prior precision of each node's residual: the analytic core is right to a part of itself and of its peak. */
function priorPrecision(psf: Psf, { ofProfile, ofPeak }: typeof SMOOTH_PRIOR): Float64Array {
  const length = (2 * psf.half + 1) ** 2
  const middle = Math.floor((psf.nodesX * psf.nodesY) / 2)
  const table = psf.tables.subarray(middle * length, (middle + 1) * length)
  let peak = 0
  for (const value of table) peak = Math.max(peak, value)
  const size = 2 * psf.half + 1
  const scale = PRIOR_PEAK_FWHM * psf.fwhmPx * psf.oversampling
  return Float64Array.from(table, (value, k) => {
    const square = ((k % size) - psf.half) ** 2 + (Math.floor(k / size) - psf.half) ** 2
    const core = ofPeak * peak * Math.exp(-square / (2 * scale * scale))
    return 1 / (ofProfile * Math.abs(value) + core + 1e-9 * peak) ** 2
  })
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
  const terms = polynomial.subarray(0, termCount(order))
  for (let node = 0; node < psf.nodesX * psf.nodesY; node++) {
    const place = nodePlace(psf, node)
    const scaled = scaledPlace(frame, place.x, place.y)
    polynomialTerms(order, scaled.x, scaled.y, polynomial)
    const table = psf.tables.subarray(node * length, (node + 1) * length)
    const sum = evaluatePolynomials(residual, terms, table)
    const total = 1 + sum / (psf.oversampling * psf.oversampling)
    addAndDivide(table, analytic.subarray(node * length, (node + 1) * length), total)
    psf.wingFactor[node] = 1 / total
  }
}

/** Value of each node's polynomial, and their sum. */
function evaluatePolynomials(coefficients: Float64Array, terms: Float64Array, out: Float32Array): number {
  let sum = 0
  for (let k = 0, at = 0; k < out.length; k++) {
    let value = 0
    for (let i = 0; i < terms.length; i++) value += terms[i] * coefficients[at++]
    out[k] = value
    sum += value
  }
  return sum
}

function addAndDivide(table: Float32Array, other: Float32Array, divisor: number): void {
  for (let k = 0; k < table.length; k++) table[k] = (other[k] + table[k]) / divisor
}
