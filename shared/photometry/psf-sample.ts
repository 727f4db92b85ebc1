import { choleskyInPlace, choleskySolve } from '#shared/numeric/linear.ts'
import type { KernelMemory } from './kernel-memory.ts'
import type { StarPixels } from './moffat.ts'
import type { StampPsf } from './stamp-psf.ts'

/** Pixels within this many FWHM place a star. */
export const FIT_FWHM = 2.5
/** Longest step of a place in one round, pixel. */
const MAX_STEP_PX = 0.5
/** A star that moves farther than this from its pixel, pixel, leaves the table, and is none to learn from. */
const MAX_DRIFT_PX = 1

/** From here on, FWHM, a star's pixels tell the level of the sky under it; one so many σ off is half believed. */
const SKY_FWHM = 1.2
const SKY_CLIP = 5

/** Rows of nodes above and below a table that a stamp may reach into. */
const APRON_ROWS = 12

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
  /** Variance of the sky's level under it, ADU². */
  skyVariance: number
  /** Largest of |dx|, |dy|. */
  reach: number
}

/** Where nearly all that tells of a flux is in one pixel, what is left there tells nothing. */
const LEAST_FREE = 0.1

/**
 * The pixels of PSF stars, and the PSF on those of one of them, where the kernels can work on them. All samples reach
 * equally far.
 */
export class SampleStamps {
  readonly memory: KernelMemory
  /** Pixels from the middle of a stamp to its edge, and numbers from row to row. */
  readonly reach: number
  readonly stride: number
  /** Profile and slopes of the star sampled last, and numbers from one to the next. */
  readonly planes: Float32Array
  readonly planeLength: number
  readonly #tables: StampPsf
  readonly #table: Float32Array
  /** Of each star: what its pixels hold, and their variance, Infinity where one does not count. */
  readonly #pixels = new Map<Sample, { value: Float32Array; variance: Float32Array; sky: number }>()

  constructor(memory: KernelMemory, tables: StampPsf, samples: readonly Sample[]) {
    this.memory = memory
    this.reach = samples[0].reach
    const side = 2 * this.reach + 1
    this.stride = 4 * Math.ceil(side / 4)
    this.planeLength = side * this.stride
    this.planes = memory.floats(3 * this.planeLength)
    this.#tables = tables
    // Beside the table lie zeros: the corners of a stamp reach beyond it.
    const apron = APRON_ROWS * tables.rowLength
    this.#table = memory
      .floats(tables.tableLength + 2 * apron)
      .fill(0)
      .subarray(apron, apron + tables.tableLength)
    for (const sample of samples) this.#pixels.set(sample, this.#layOut(sample))
  }

  #layOut({ dx, dy, value, sigma }: Sample) {
    const { reach, stride, planeLength, memory } = this
    const values = memory.floats(planeLength).fill(0)
    const variances = memory.floats(planeLength).fill(Number.POSITIVE_INFINITY)
    for (let k = 0; k < value.length; k++) {
      const at = (dy[k] + reach) * stride + dx[k] + reach
      values[at] = value[k]
      variances[at] = sigma[k] * sigma[k]
    }
    return { value: values, variance: variances, sky: 0 }
  }

  /** Addresses of a star's pixels and of their variances. */
  addressOf(sample: Sample): { value: number; variance: number } {
    const { value, variance } = this.#pixels.get(sample) as { value: Float32Array; variance: Float32Array }
    return { value: value.byteOffset, variance: variance.byteOffset }
  }

  /** Take the PSF at the place of a star. */
  moveTo({ x0, y0 }: Sample): void {
    this.#tables.mixAt(x0, y0, this.reach + MAX_DRIFT_PX, this.#table)
  }

  /** Profile and slopes of a star where it stands now. */
  sample({ x, y, x0, y0 }: Sample): void {
    const { reach, stride, planes, planeLength } = this
    const height = 2 * reach + 1
    this.#tables.sample('sample', this.#table, x, y, x0 - reach, y0 - reach, stride, height, planes, 4 * planeLength)
  }

  /** Take from the pixels of a star, which was sampled last, what the sky under it is off the map of the sky. */
  fitSky(sample: Sample): void {
    if (!(sample.skyVariance > 0)) return
    const { reach, stride, planes } = this
    const pixels = this.#pixels.get(sample) as { value: Float32Array; variance: Float32Array; sky: number }
    const { value, variance } = pixels
    const inner = (SKY_FWHM * this.#tables.psf.fwhmPx) ** 2
    let normal = 1 / sample.skyVariance
    let right = -pixels.sky / sample.skyVariance
    for (let j = -reach; j <= reach; j++) {
      for (let i = -reach, at = (j + reach) * stride; i <= reach; i++, at++) {
        if (i * i + j * j < inner) continue
        const left = value[at] - sample.flux * planes[at]
        const far = (left * left) / (SKY_CLIP * SKY_CLIP * variance[at])
        const weight = 1 / (variance[at] * (1 + far * far))
        normal += weight
        right += weight * left
      }
    }
    const level = right / normal
    pixels.sky += level
    for (let k = 0; k < value.length; k++) value[k] -= level
  }

  /**
   * What the PSF leaves in a star's pixels, weighted as it enters the fitted flux: `power` over that of the noise (White
   * 1980, Econometrica 48, 817; HC2 of MacKinnon & White 1985 for what the fit has taken), and the relative `variance`
   * of the flux by the noise. The star was sampled last.
   */
  misfitOf(sample: Sample): { power: number; variance: number } {
    const { reach, stride, planes } = this
    const radius = Math.min(FIT_FWHM * this.#tables.psf.fwhmPx, reach)
    const { value, variance } = this.#pixels.get(sample) as { value: Float32Array; variance: Float32Array }
    const [first, last] = [reach - Math.floor(radius), reach + Math.floor(radius)]
    let information = 0
    for (let row = first; row <= last; row++) {
      for (let k = row * stride + first; k <= row * stride + last; k++) information += planes[k] ** 2 / variance[k]
    }
    let power = 0
    for (let row = first; row <= last; row++) {
      for (let k = row * stride + first; k <= row * stride + last; k++) {
        if (variance[k] === Number.POSITIVE_INFINITY) continue
        const share = planes[k] ** 2 / variance[k] / information
        const left = value[k] - sample.flux * planes[k]
        power += (share * left * left) / (variance[k] * Math.max(1 - share, LEAST_FREE))
      }
    }
    return { power, variance: 1 / (information * sample.flux ** 2) }
  }

  /** Flux and place of one star by itself under the PSF that was taken (Gauss-Newton steps), and its χ. */
  fit(sample: Sample, steps: number): void {
    const { reach, stride, planes, planeLength, memory } = this
    const radius = Math.min(FIT_FWHM * this.#tables.psf.fwhmPx, reach)
    const { value, variance } = this.addressOf(sample)
    const { sums } = this.#tables
    for (let round = 0; round < steps; round++) {
      this.sample(sample)
      memory.kernels.fitSample(
        value,
        variance,
        planes.byteOffset,
        4 * planeLength,
        4 * stride,
        2 * reach + 1,
        -reach,
        radius * radius,
        sample.flux,
        sums.byteOffset,
      )
      if (!advance(sample, sums)) return
    }
  }
}

const normal = new Float64Array(9)
const step = new Float64Array(3)
const scale = new Float64Array(3)

/** One step of flux and place, from the sums for a star of unit flux; false where they do not determine it. */
function advance(sample: Sample, sums: Float32Array): boolean {
  const { flux } = sample
  sample.chi = Math.sqrt(sums[9] / Math.max(sums[10] - 3, 1))
  normal[0] = sums[0]
  normal[3] = sums[1] * flux
  normal[4] = sums[3] * flux * flux
  normal[6] = sums[2] * flux
  normal[7] = sums[4] * flux * flux
  normal[8] = sums[5] * flux * flux
  step[0] = sums[6]
  step[1] = sums[7] * flux
  step[2] = sums[8] * flux
  for (let i = 0; i < 3; i++) scale[i] = 1 / Math.sqrt(Math.max(normal[4 * i], 1e-300))
  for (let i = 0; i < 3; i++) {
    step[i] *= scale[i]
    for (let j = 0; j <= i; j++) normal[i * 3 + j] *= scale[i] * scale[j]
  }
  if (!choleskyInPlace(normal, 3)) return false
  choleskySolve(normal, 3, step)
  sample.flux = Math.max(flux + step[0] * scale[0], 0.1 * flux)
  sample.x = moved(sample.x, step[1] * scale[1], sample.x0)
  sample.y = moved(sample.y, step[2] * scale[2], sample.y0)
  return true
}

function moved(place: number, by: number, home: number): number {
  const next = place + Math.min(Math.max(by, -MAX_STEP_PX), MAX_STEP_PX)
  return Math.min(Math.max(next, home - MAX_DRIFT_PX), home + MAX_DRIFT_PX)
}
