import { quantile } from '#shared/numeric/robust.ts'
import { NOISE_BLOCK_PX, type Noise } from './background.ts'
import { type Frame, MASK } from './frame.ts'
import { GROUP } from './line-kernels.ts'
import { gaussianKernel, type Kernel, type LineSource, type Strip, smoothStrips } from './matched-filter.ts'
import type { StarShape } from './star-shape.ts'

/** Places where a star may be: whole pixels, with the significance of the matched filter there. */
export interface Candidates {
  /** Index into the pixels. */
  pixel: number[]
  significance: number[]
  /** Star flux by the matched filter, ADU. */
  flux: number[]
  fluxVariance: number[]
}

const NARROW = 0.6 // size of the deblending kernel's core relative to the star
const NARROW_SIGMA = 5 // significance of a peak in the deblending kernel, source photons included
const RING = 2 // size of the Gaussian that is taken away for the contrast
/** Part of the detection threshold that has to remain above the surroundings: in a calm sky, and in nebulosity. */
const CALM_SHARE = 0.7
const STRUCTURED_SHARE = 1
const CALM_SPREAD = 1.6 // spread of the matched filter over the sky, σ: noise alone has 1, crowding up to this
const STRUCTURED_SPREAD = 2.6
const SAME_STAR = 0.7 // peaks of both filters closer than this many FWHM are one star

/**
 * Peaks of a matched filter, and of a narrower zero-sum filter which parts blends down to about one FWHM. A peak
 * counts where it is significant against sky noise, and stands out of its surroundings against sky and photon noise,
 * so that ripples on the wings of bright stars and on nebulae do not. Deterministic: ties go to the earlier pixel.
 *
 * @param signal background-subtracted pixels, ADU, holes filled
 * @param usable 1 where a pixel counts
 * @param threshold σ
 */
export function findCandidates(
  frame: Frame,
  signal: Float32Array,
  noise: Noise,
  usable: Uint8Array,
  shape: StarShape,
  threshold: number,
): Candidates {
  const { width, height } = frame
  const star = gaussianKernel(shape, 1)
  const core = gaussianKernel(shape, NARROW, 1, 1)
  const contrast = gaussianKernel(shape, 1, RING, 1)
  let factorsOf = -1
  const whitened: LineSource = (y, into, at, kernels) => {
    const blocks = Math.floor(y / NOISE_BLOCK_PX)
    if (blocks !== factorsOf) {
      const factors = kernels.factors()
      for (let left = 0, k = 0; left < width; left += NOISE_BLOCK_PX) factors[k++] = 1 / noise.at(left, y)
      factorsOf = blocks
    }
    kernels.bytes().set(usable.subarray(y * width, (y + 1) * width))
    into.set(signal.subarray(y * width, (y + 1) * width), at)
    kernels.scale(at, width)
    into.fill(0, at + width, at + width + GROUP)
  }
  const coreLimit = NARROW_SIGMA * Math.sqrt(core.squares)
  const starLimit = threshold * Math.sqrt(star.squares)
  const radius = Math.max(1, Math.round(0.4 * shape.fwhmPx))
  const coreRadius = Math.max(1, Math.round(0.35 * shape.fwhmPx))
  const cores: number[] = []
  const stars: number[] = []
  const calm = new CalmSample(width, height)
  smoothStrips(whitened, width, height, shape, [1, NARROW], radius, strip => {
    calm.take(strip)
    peaks(strip, 0, width, height, radius, 0.8 * starLimit, stars)
    const before = cores.length
    peaks(strip, 1, width, height, coreRadius, coreLimit, cores)
    let kept = before
    for (let k = before; k < cores.length; k++)
      if (valueAt(strip, 0, cores[k], width) >= starLimit) cores[kept++] = cores[k]
    cores.length = kept
  })
  const found: Candidates = { pixel: [], significance: [], flux: [], fluxVariance: [] }
  const taken = new Uint8Array(width * height)
  const gain = frame.detector.gainElectronsPerAdu
  const contrastLimit = threshold * calm.contrastShare(Math.sqrt(star.squares))
  const reach = SAME_STAR * shape.fwhmPx
  for (const i of cores) takeCore(i)
  for (const i of stars) takeStar(i)
  return found

  function takeCore(i: number): void {
    if (significanceAt(core, i, signal, noise, usable, width, height, gain) < NARROW_SIGMA) return
    keep(i, matchedAt(star, i, signal, noise, usable, width, height))
  }

  function takeStar(i: number): void {
    if (takenWithin(taken, i, width, height, reach)) return
    const matched = matchedAt(star, i, signal, noise, usable, width, height)
    if (matched.significance < threshold) return
    if (significanceAt(contrast, i, signal, noise, usable, width, height, gain) < contrastLimit) return
    keep(i, matched)
  }

  function keep(i: number, matched: Matched): void {
    if (!(matched.significance >= threshold)) return
    found.pixel.push(i)
    found.significance.push(matched.significance)
    const rms = noise.at(i % width, Math.floor(i / width))
    found.flux.push(matched.amplitude * rms)
    found.fluxVariance.push(matched.variance * rms * rms)
    taken[i] = 1
  }
}

/** Values of the matched filter over the frame, which tell whether the sky itself has structure. */
class CalmSample {
  readonly #step: number
  readonly #width: number
  readonly #height: number
  readonly #values: number[] = []

  constructor(width: number, height: number) {
    this.#width = width
    this.#height = height
    this.#step = Math.max(1, Math.floor(Math.sqrt((width * height) / 8000)))
  }

  take({ first, count, values, stride, at: [at] }: Strip): void {
    const step = this.#step
    for (
      let y = step * Math.max(1, Math.ceil(first / step));
      y < Math.min(first + count, this.#height - step);
      y += step
    )
      for (let x = step; x < this.#width - step; x += step) this.#values.push(values[at + (y - first) * stride + x])
  }

  /**
   * How much of a peak has to stand out of its surroundings: more where the sky has structure of the size of stars. Told
   * by the lower half of the values, which stars do not touch.
   *
   * @param unit what noise alone scatters by
   */
  contrastShare(unit: number): number {
    const spread = (quantile(this.#values, 0.5) - quantile(this.#values, 0.1587)) / unit
    const structure = Math.min(1, Math.max(0, (spread - CALM_SPREAD) / (STRUCTURED_SPREAD - CALM_SPREAD)))
    return CALM_SHARE + structure * (STRUCTURED_SHARE - CALM_SHARE)
  }
}

/** Pixels of a strip's image above a limit that are the highest within `radius` in both directions, added to a list. */
function peaks(
  strip: Strip,
  image: number,
  width: number,
  height: number,
  radius: number,
  limit: number,
  list: number[],
): void {
  const last = Math.min(strip.first + strip.count, height - 1)
  for (let y = Math.max(1, strip.first); y < last; y++) peaksOfLine(strip, image, y, width, height, radius, limit, list)
}

function peaksOfLine(
  { first, values, stride, at, kernels }: Strip,
  image: number,
  y: number,
  width: number,
  height: number,
  radius: number,
  limit: number,
  list: number[],
): void {
  const line = at[image] + (y - first) * stride
  const tops = kernels.tops(line, width, stride, limit)
  for (let group = tops.indexOf(1); group >= 0; group = tops.indexOf(1, group + 1)) {
    const end = Math.min((group + 1) * GROUP, width - 1)
    for (let x = Math.max(1, group * GROUP); x < end; x++) {
      const i = line + x
      const up = Math.min(radius, height - 1 - y)
      if (!(values[i] > limit)) continue
      if (isHighest(values, stride, i, Math.min(radius, x), Math.min(radius, width - 1 - x), Math.min(radius, y), up))
        list.push(y * width + x)
    }
  }
}

/** Whether a pixel is above all others so many to the left, to the right, below and above; ties go to the earlier. */
function isHighest(
  values: Float32Array,
  stride: number,
  i: number,
  left: number,
  right: number,
  below: number,
  above: number,
): boolean {
  const value = values[i]
  for (let v = -below; v <= above; v++) {
    for (let u = -left; u <= right; u++) {
      const other = values[i + v * stride + u]
      if (other > value || (other === value && (v < 0 || (v === 0 && u < 0)))) return false
    }
  }
  return true
}

/** Value of a strip's image at a pixel of the frame. */
function valueAt({ first, values, stride, at }: Strip, image: number, pixel: number, width: number): number {
  const x = pixel % width
  return values[at[image] + ((pixel - x) / width - first) * stride + x]
}

function takenWithin(taken: Uint8Array, i: number, width: number, height: number, reach: number): boolean {
  const x = i % width
  const y = (i - x) / width
  const whole = Math.floor(reach)
  for (let v = Math.max(0, y - whole); v <= Math.min(height - 1, y + whole); v++) {
    for (let u = Math.max(0, x - whole); u <= Math.min(width - 1, x + whole); u++) {
      if (taken[v * width + u] !== 0 && (u - x) ** 2 + (v - y) ** 2 <= reach * reach) return true
    }
  }
  return false
}

/** What the matched filter says at a pixel: amplitude (flux in units of the sky noise), its variance, significance. */
interface Matched {
  amplitude: number
  variance: number
  significance: number
}

function matchedAt(
  kernel: Kernel,
  i: number,
  signal: Float32Array,
  noise: Noise,
  usable: Uint8Array,
  width: number,
  height: number,
): Matched {
  const x0 = i % width
  const y0 = (i - x0) / width
  let sum = 0
  let squares = 0
  for (let k = 0; k < kernel.weight.length; k++) {
    const x = x0 + kernel.dx[k]
    const y = y0 + kernel.dy[k]
    if (x < 0 || y < 0 || x >= width || y >= height) continue
    const at = y * width + x
    if (usable[at] === 0) continue
    sum += (kernel.weight[k] * signal[at]) / noise.at(x, y)
    squares += kernel.weight[k] * kernel.weight[k]
  }
  // With most of the core masked the flux is anybody's guess.
  if (squares < 0.3 * kernel.squares) return { amplitude: 0, variance: 1, significance: 0 }
  return { amplitude: sum / squares, variance: 1 / squares, significance: sum / Math.sqrt(squares) }
}

/** Significance of a kernel's sum against the noise of sky and of the photons that lie under it. */
function significanceAt(
  kernel: Kernel,
  i: number,
  signal: Float32Array,
  noise: Noise,
  usable: Uint8Array,
  width: number,
  height: number,
  gain: number,
): number {
  const x0 = i % width
  const y0 = (i - x0) / width
  let sum = 0
  let variance = 0
  for (let k = 0; k < kernel.weight.length; k++) {
    const x = x0 + kernel.dx[k]
    const y = y0 + kernel.dy[k]
    if (x < 0 || y < 0 || x >= width || y >= height) continue
    const at = y * width + x
    // A hole is filled from its neighbours: it counts, but is no better known than they are.
    const value = signal[at]
    sum += kernel.weight[k] * value
    const rms = noise.at(x, y)
    const pixelVariance = rms * rms + (value > 0 ? value / gain : 0)
    variance += kernel.weight[k] * kernel.weight[k] * pixelVariance * (usable[at] === 0 ? 2 : 1)
  }
  return sum / Math.sqrt(variance)
}

/**
 * Which saturated blob a pixel belongs to or touches: 0 for none, else its number. Blobs are found once each, by
 * flooding from the pixel asked for.
 */
export class SaturatedBlobs {
  readonly #frame: Frame
  readonly #label = new Map<number, number>()
  /** Mean position of each blob, number 1 first. */
  readonly centres: { x: number; y: number }[] = []

  constructor(frame: Frame) {
    this.#frame = frame
  }

  at(pixel: number): number {
    const { width, height, mask } = this.#frame
    const x = pixel % width
    const y = (pixel - x) / width
    for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
        const i = v * width + u
        if (mask[i] & MASK.saturated) return this.#label.get(i) ?? this.#flood(i)
      }
    }
    return 0
  }

  /** The middle of the blob that a pixel belongs to or touches. */
  centreAt(pixel: number): { x: number; y: number } | undefined {
    return this.centres[this.at(pixel) - 1]
  }

  #flood(start: number): number {
    const { width, height, mask } = this.#frame
    const number = this.centres.length + 1
    const queue = [start]
    this.#label.set(start, number)
    let sumX = 0
    let sumY = 0
    for (let head = 0; head < queue.length; head++) {
      const x = queue[head] % width
      const y = (queue[head] - x) / width
      sumX += x
      sumY += y
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const i = v * width + u
          if (!(mask[i] & MASK.saturated) || this.#label.has(i)) continue
          this.#label.set(i, number)
          queue.push(i)
        }
      }
    }
    this.centres.push({ x: sumX / queue.length, y: sumY / queue.length })
    return number
  }
}
