import { median } from '#shared/numeric/robust.ts'
import { NOISE_BLOCK_PX, type Noise } from './background.ts'
import type { Frame } from './frame.ts'
import { GROUP, lineKernels } from './line-kernels.ts'

export const FWHM_PER_SIGMA = Math.sqrt(8 * Math.LN2)

/** The Gaussian that stars of the frame resemble most: its covariance, pixel², and what follows from it. */
export interface StarShape {
  xx: number
  xy: number
  yy: number
  /** Geometric mean of both axes, pixel. */
  fwhmPx: number
  /** Major over minor axis. */
  elongation: number
  /** Stars it rests on; 0 where it is assumed. */
  stars: number
}

const ROUNDS = 25
const BRIGHT_SIGMA = [40, 20, 10] // pixel significance from which a local maximum teaches the shape; lower if too few
const WANTED_STARS = 12
const MOST_STARS = 1500
const ASSUMED_FWHM = 3
const STRIP_LINES = 64 // lines that are looked through together

/** A star shape from a covariance. */
export function starShape(xx: number, xy: number, yy: number, stars = 0): StarShape {
  const middle = (xx + yy) / 2
  const spread = Math.hypot((xx - yy) / 2, xy)
  const major = middle + spread
  const minor = Math.max(middle - spread, 1e-4)
  return {
    xx,
    xy,
    yy,
    fwhmPx: FWHM_PER_SIGMA * (major * minor) ** 0.25,
    elongation: Math.sqrt(major / minor),
    stars,
  }
}

/**
 * The shape of the frame's stars from adaptive moments of its bright unsaturated local maxima: the most crowded place
 * of their widths, so that hot pixels, cosmic rays, galaxies and blends do not count.
 *
 * @param signal background-subtracted pixels, ADU
 */
export function estimateStarShape(frame: Frame, signal: Float32Array, noise: Noise): StarShape {
  const peaks = brightPeaks(frame, signal, noise)
  const xx: number[] = []
  const xy: number[] = []
  const yy: number[] = []
  for (const { x, y } of peaks) {
    const shape = adaptiveShape(signal, frame.width, frame.height, x, y)
    if (!shape || Math.hypot(shape.x - x, shape.y - y) > 1.5) continue
    const size = shape.xx * shape.yy - shape.xy * shape.xy
    if (!(size > 0.05)) continue // narrower than 1.1 pixel: no star
    xx.push(shape.xx)
    xy.push(shape.xy)
    yy.push(shape.yy)
  }
  if (xx.length < 3) return starShape((ASSUMED_FWHM / FWHM_PER_SIGMA) ** 2, 0, (ASSUMED_FWHM / FWHM_PER_SIGMA) ** 2)
  const size = xx.map((_, i) => Math.log(xx[i] * yy[i] - xy[i] * xy[i]) / 4)
  const mode = halfSampleMode(size)
  const near = size.map((value, i) => (Math.abs(value - mode) < 0.2 ? i : -1)).filter(i => i >= 0)
  const middle = (values: number[]) => median(near.map(i => values[i]))
  return starShape(middle(xx), middle(xy), middle(yy), near.length)
}

function brightPeaks(frame: Frame, signal: Float32Array, noise: Noise): { x: number; y: number }[] {
  const lowest = BRIGHT_SIGMA[BRIGHT_SIGMA.length - 1]
  const found: BrightPeak[] = []
  for (let first = 3; first < frame.height - 3; first += STRIP_LINES) {
    peaksOfStrip(frame, signal, noise, first, Math.min(first + STRIP_LINES, frame.height - 3), lowest, found)
  }
  found.sort((a, b) => b.significance - a.significance)
  // Spread over brightness: the brightest alone may be hot pixels.
  for (const limit of BRIGHT_SIGMA) {
    const bright = found.filter(peak => peak.significance > limit)
    if (bright.length >= 4 * WANTED_STARS || limit === lowest) {
      const stride = Math.max(1, Math.ceil(bright.length / MOST_STARS))
      return bright.filter((_, i) => i % stride === 0)
    }
  }
  return found
}

interface BrightPeak {
  x: number
  y: number
  significance: number
}

function peaksOfStrip(
  frame: Frame,
  signal: Float32Array,
  noise: Noise,
  first: number,
  end: number,
  lowest: number,
  found: BrightPeak[],
): void {
  const { width } = frame
  const kernels = lineKernels()
  const stride = Math.ceil(width / GROUP) * GROUP + GROUP
  const lines = kernels.room((STRIP_LINES + 2) * stride + GROUP)
  for (let y = first - 1; y <= end; y++)
    lines.set(signal.subarray(y * width, (y + 1) * width), (y - first + 1) * stride + 1)
  let least = 0
  for (let y = first; y < end; y++) {
    if (y === first || y % NOISE_BLOCK_PX === 0) least = leastNoise(noise, y, width)
    const tops = kernels.tops((y - first + 1) * stride + 1, width, stride, lowest * least)
    for (let group = tops.indexOf(1); group >= 0; group = tops.indexOf(1, group + 1))
      peaksOfGroup(frame, signal, noise, y, group * GROUP, lowest, found)
  }
}

/** Least noise of a line's blocks, where it is known. */
function leastNoise(noise: Noise, y: number, width: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let x = 0; x < width; x += NOISE_BLOCK_PX) least = Math.min(least, noise.at(x, y) || least)
  return least
}

/** Clean pixels of a group above so many σ and above all eight neighbours; of equal ones the last. */
function peaksOfGroup(
  { width, mask }: Frame,
  signal: Float32Array,
  noise: Noise,
  y: number,
  left: number,
  lowest: number,
  found: BrightPeak[],
): void {
  const start = y * width
  const end = Math.min(left + GROUP, width - 3)
  for (let x = Math.max(left, 3); x < end; x++) {
    const value = signal[start + x]
    const sigma = noise.at(x, y)
    if (!(value > lowest * sigma) || !isPeak(signal, width, start + x)) continue
    if (cleanAround(mask, width, start + x)) found.push({ x, y, significance: value / sigma })
  }
}

function isPeak(signal: Float32Array, width: number, i: number): boolean {
  const value = signal[i]
  if (value < signal[i - 1] || value <= signal[i + 1] || value < signal[i - width] || value <= signal[i + width])
    return false
  if (value < signal[i - width - 1] || value < signal[i - width + 1]) return false
  return value > signal[i + width - 1] && value > signal[i + width + 1]
}

function cleanAround(mask: Uint8Array, width: number, i: number): boolean {
  for (let dy = -2; dy <= 2; dy++) {
    for (let dx = -2; dx <= 2; dx++) if (mask[i + dy * width + dx] !== 0) return false
  }
  return true
}

/** Where values are most crowded (half-sample mode; Bickel & Frühwirth 2006). */
export function halfSampleMode(values: number[]): number {
  let kept = values.toSorted((a, b) => a - b)
  while (kept.length > 3) {
    const half = Math.ceil(kept.length / 2)
    let start = 0
    for (let i = 0; i + half <= kept.length; i++) {
      if (kept[i + half - 1] - kept[i] < kept[start + half - 1] - kept[start]) start = i
    }
    kept = kept.slice(start, start + half)
  }
  return median(kept)
}

/** Weights of a window along a line. */
let window = new Float64Array(64)

export interface Moments {
  x: number
  y: number
  xx: number
  xy: number
  yy: number
}

/**
 * Position and covariance of the Gaussian that fits a source best (adaptive moments; Bernstein & Jarvis 2002): the
 * weight takes the size of the source until both agree. undefined where that does not settle inside the frame.
 */
export function adaptiveShape(
  signal: Float32Array,
  width: number,
  height: number,
  x0: number,
  y0: number,
): Moments | undefined {
  let moments: Moments = { x: x0, y: y0, xx: 1.5, xy: 0, yy: 1.5 }
  for (let round = 0; round < ROUNDS; round++) {
    const variance = Math.max((moments.xx + moments.yy) / 2, 0.3)
    const next = windowedMoments(signal, width, height, moments.x, moments.y, variance)
    if (!next || Math.abs(next.x - x0) > 4 || Math.abs(next.y - y0) > 4) return undefined
    const size = (next.xx + next.yy) / 2
    if (!(size < 100)) return undefined
    const settled = Math.abs(size / variance - 1) < 0.005
    moments = next
    if (settled || size < 0.02) return moments
  }
  return moments
}

/**
 * Second moments of a source under a round Gaussian window, the window's narrowing taken out again: exact for a
 * Gaussian source. The position takes one step of the windowed centroid. undefined where the moments have no size.
 *
 * @param variance of the window, pixel²
 */
export function windowedMoments(
  signal: Float32Array,
  width: number,
  height: number,
  x: number,
  y: number,
  variance: number,
): Moments | undefined {
  const reach = Math.ceil(3.5 * Math.sqrt(variance)) + 1
  const left = Math.max(0, Math.round(x) - reach)
  const right = Math.min(width - 1, Math.round(x) + reach)
  const low = Math.max(0, Math.round(y) - reach)
  const high = Math.min(height - 1, Math.round(y) + reach)
  let sum = 0
  let sumX = 0
  let sumY = 0
  let sumXX = 0
  let sumXY = 0
  let sumYY = 0
  if (window.length <= 2 * reach) window = new Float64Array(2 * reach + 1)
  for (let u = left; u <= right; u++) window[u - left] = Math.exp(-((u - x) ** 2) / (2 * variance))
  for (let v = low; v <= high; v++) {
    const dy = v - y
    const weight = Math.exp((-dy * dy) / (2 * variance))
    for (let u = left; u <= right; u++) {
      const dx = u - x
      if (dx * dx + dy * dy > reach * reach) continue
      const value = signal[v * width + u] * weight * window[u - left]
      sum += value
      sumX += value * dx
      sumY += value * dy
      sumXX += value * dx * dx
      sumXY += value * dx * dy
      sumYY += value * dy * dy
    }
  }
  if (!(sum > 0)) return undefined
  const meanX = sumX / sum
  const meanY = sumY / sum
  const xx = sumXX / sum - meanX * meanX
  const xy = sumXY / sum - meanX * meanY
  const yy = sumYY / sum - meanY * meanY
  const determinant = xx * yy - xy * xy
  const hasSize = determinant > 1e-8 && xx > 0
  const inverseXX = yy / determinant - 1 / variance
  const inverseYY = xx / determinant - 1 / variance
  const inverseXY = -xy / determinant
  const inverseDeterminant = inverseXX * inverseYY - inverseXY * inverseXY
  if (hasSize && (!(inverseDeterminant > 0) || !(inverseXX > 0))) return undefined
  const step = hasSize ? 2 : 1
  return {
    x: x + step * meanX,
    y: y + step * meanY,
    xx: hasSize ? inverseYY / inverseDeterminant : 0,
    xy: hasSize ? -inverseXY / inverseDeterminant : 0,
    yy: hasSize ? inverseXX / inverseDeterminant : 0,
  }
}
