import { splineWeights } from '#shared/numeric/bspline.ts'
import type { KernelMemory } from './kernel-memory.ts'
import type { Psf } from './psf.ts'
import type { NodeBlocks } from './psf-residual.ts'
import type { Sample, SampleStamps } from './psf-sample.ts'
import { legendreTerms, MOST_ORDER, termCount } from './psf-shape.ts'

/** A pixel may be off by this part of the star's light: stars differ (colour, guiding, what is behind them). */
const MODEL_PART = 0.01

/** The small normal equations of every node of the residual tables: one unknown for each term of its polynomial. */
export class NodeEquations {
  readonly nodes: number
  readonly #psf: Psf
  readonly #order: number
  readonly #memory: KernelMemory
  /** Numbers of a node on either side, whole blocks of four. */
  readonly #rightLength: number
  readonly #normalLength: number
  readonly #right: Float32Array
  readonly #normal: Float32Array
  readonly #amounts: Float32Array
  readonly #precision: Float32Array
  readonly #weights: Float32Array
  readonly #terms: Float32Array
  #collecting = true

  constructor(psf: Psf, order: number, { memory, planeLength }: SampleStamps) {
    const terms = termCount(order)
    this.nodes = (2 * psf.half + 1) ** 2
    this.#psf = psf
    this.#order = order
    this.#memory = memory
    this.#rightLength = 4 * Math.ceil(terms / 4)
    this.#normalLength = 4 * Math.ceil((terms * (terms + 1)) / 8)
    this.#right = memory.floats(this.nodes * this.#rightLength)
    this.#normal = memory.floats(this.nodes * this.#normalLength)
    this.#amounts = memory.floats(planeLength)
    this.#precision = memory.floats(planeLength)
    this.#weights = memory.floats(16)
    this.#terms = memory.floats(Math.max(this.#rightLength, this.#normalLength))
  }

  /** @param anew whether the normal matrices are collected anew; else they stay as they are */
  clear(anew: boolean): void {
    this.#right.fill(0)
    if (anew) this.#normal.fill(0)
    this.#collecting = anew
  }

  /** Add what one star leaves, spread over the nodes around each pixel by the spline's weights; it was sampled last. */
  add(stamps: SampleStamps, sample: Sample, place: { x: number; y: number }): void {
    const { value, variance } = stamps.addressOf(sample)
    this.#memory.kernels.weighSample(
      value,
      variance,
      stamps.planes.byteOffset,
      4 * stamps.planeLength,
      sample.flux,
      sample.doubt,
      MODEL_PART,
      this.#amounts.byteOffset,
      this.#precision.byteOffset,
    )
    legendreTerms(this.#order, place.x, place.y, polynomial)
    this.#terms.fill(0)
    this.#terms.set(polynomial.subarray(0, termCount(this.#order)))
    this.#spread(stamps, sample, this.#amounts, this.#right, this.#rightLength)
    if (!this.#collecting) return
    this.#terms.fill(0)
    const terms = termCount(this.#order)
    for (let i = 0, at = 0; i < terms; i++) {
      for (let j = 0; j <= i; j++) this.#terms[at++] = polynomial[i] * polynomial[j]
    }
    this.#spread(stamps, sample, this.#precision, this.#normal, this.#normalLength)
  }

  #spread(
    { stride, reach }: SampleStamps,
    { x, y, x0, y0 }: Sample,
    amounts: Float32Array,
    out: Float32Array,
    length: number,
  ): void {
    const { oversampling: os, half } = this.#psf
    const size = 2 * half + 1
    const side = 2 * reach + 1
    const u0 = (x0 - reach - x) * os + half
    const v0 = (y0 - reach - y) * os + half
    const column = Math.floor(u0) - 1
    const row = Math.floor(v0) - 1
    splineWeights(u0 - column - 1, alongX)
    splineWeights(v0 - row - 1, alongY)
    for (let n = 0; n < 16; n++) this.#weights[n] = alongX[n % 4] * alongY[n >> 2]
    // Pixels whose four nodes each way all lie in the table.
    const [left, right] = inside(column, os, size, side)
    const [top, bottom] = inside(row, os, size, side)
    this.#memory.kernels.spread(
      amounts.byteOffset + 4 * (top * stride + left),
      4 * stride,
      right - left,
      bottom - top,
      this.#weights.byteOffset,
      this.#terms.byteOffset,
      4 * length,
      4 * length * size,
      os,
      out.byteOffset + 4 * length * ((row + top * os) * size + column + left * os),
    )
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
const polynomial = new Float64Array(termCount(MOST_ORDER))

/** First pixel, and the one behind the last, whose four nodes lie on a table of so many; node `first` is that of pixel 0. */
function inside(first: number, step: number, size: number, pixels: number): [number, number] {
  return [Math.max(0, Math.ceil(-first / step)), Math.min(pixels, Math.floor((size - 4 - first) / step) + 1)]
}
