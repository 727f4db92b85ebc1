import { flagMask } from '#shared/flags.ts'
import { PointGrid } from '#shared/numeric/point-grid.ts'
import { takeRows } from '#shared/numeric/table.ts'
import { type Background, NOISE_BLOCK_PX, type Noise } from './background.ts'
import { findCandidates } from './deblend.ts'
import { type Detections, type Frame, MASK } from './frame.ts'
import { GROUP, lineKernels } from './line-kernels.ts'
import { measureSources } from './source-measurement.ts'
import { estimateStarShape, type StarShape } from './star-shape.ts'
import { SignalPlane } from './window-kernels.ts'

export interface DetectionOptions {
  /** Least significance of the matched filter at the peak, σ; default 4. */
  threshold?: number
  /** Shape of the stars where it is known; else estimated from the brightest. */
  shape?: StarShape
}

export interface DetectionResult {
  detections: Detections
  /** The stars' shape that the matched filter took. */
  shape: StarShape
}

const THRESHOLD = 4
const NOT_USABLE = MASK.bad | MASK.cosmicRay | MASK.otherColour
const MERGE_FWHM = 0.5 // detections closer than this are one
const BLEND_FWHM = 1.5

/**
 * Sources of a frame: matched filter at the frame's own star shape, windowed centroids, hot pixels and cosmic rays left
 * out. See {@link detectWithShape}, which also tells the shape.
 */
export function detectSources(frame: Frame, background: Background, options: DetectionOptions = {}): Detections {
  return detectWithShape(frame, background, options).detections
}

/**
 * Detect sources and tell the stars' shape.
 *
 * @returns detections by falling flux (matched-filter flux: right for stars, for ranking of anything else)
 */
export function detectWithShape(frame: Frame, background: Background, options: DetectionOptions = {}): DetectionResult {
  const { plane, usable } = prepare(frame, background)
  const { signal } = plane
  const shape = options.shape ?? estimateStarShape(frame, signal, background.noise)
  const threshold = options.threshold ?? THRESHOLD
  const candidates = findCandidates(frame, signal, background.noise, usable, shape, threshold)
  const measured = measureSources(frame, background, candidates, plane, usable, shape)
  const order = Array.from(measured.flux.keys()).sort(
    (i, j) => measured.flux[j] - measured.flux[i] || measured.y[i] - measured.y[j] || measured.x[i] - measured.x[j],
  )
  const kept = withoutTwins(measured, order, MERGE_FWHM * shape.fwhmPx)
  const detections = takeRows(measured, kept)
  flagBlends(detections, BLEND_FWHM * shape.fwhmPx)
  return { detections, shape }
}

/** Pixels above the sky, their holes filled. */
interface Prepared {
  plane: SignalPlane
  usable: Uint8Array
}

function prepare(frame: Frame, background: Background): Prepared {
  const { width, height, pixels, mask } = frame
  const { noise, levels } = background
  const plane = new SignalPlane(width, height)
  const prepared: Prepared = { plane, usable: new Uint8Array(pixels.length).fill(1) }
  const kernels = lineKernels()
  const line = kernels.room(Math.ceil(width / GROUP) * GROUP)
  const bytes = kernels.bytes()
  const holes: number[] = []
  let unknown: number[] = []
  for (let y = 0; y < height; y++) prepareLine(y)
  // A hole takes the mean of its good neighbours, so that centroids near it are not pulled away.
  for (const i of holes) plane.signal[i] = meanAround(prepared, width, height, i)
  return prepared

  function prepareLine(y: number): void {
    const start = y * width
    line.set(pixels.subarray(start, start + width))
    const level = levels.line(y)
    bytes.set(mask.subarray(start, start + width))
    const marks = kernels.over(0, width, NOT_USABLE)
    if (y % NOISE_BLOCK_PX === 0) unknown = unknownGroups(noise, y, width)
    for (const group of unknown) marks[group] = 1
    plane.signal.set(line.subarray(0, width), start)
    for (let group = marks.indexOf(1); group >= 0; group = marks.indexOf(1, group + 1))
      refuse(frame, level, noise, y, group * GROUP, prepared, holes)
  }
}

/** The groups of a line in which the noise is not known. */
function unknownGroups(noise: Noise, y: number, width: number): number[] {
  const groups: number[] = []
  for (let x = 0; x < width; x += NOISE_BLOCK_PX) if (!(noise.at(x, y) > 0)) groups.push(Math.floor(x / GROUP))
  return groups
}

/** Take the pixels that do not count out of a group of a line. */
function refuse(
  { width, pixels, mask }: Frame,
  level: Float32Array,
  noise: Noise,
  y: number,
  left: number,
  { plane: { signal }, usable }: Prepared,
  holes: number[],
): void {
  for (let x = left; x < Math.min(left + GROUP, width); x++) {
    const i = y * width + x
    const value = pixels[i] - level[x]
    if (noise.at(x, y) > 0 && (mask[i] & NOT_USABLE) === 0 && value < 1e30 && value > -1e30) continue
    usable[i] = 0
    signal[i] = 0
    if ((mask[i] & MASK.otherColour) === 0) holes.push(i)
  }
}

function meanAround({ plane: { signal }, usable }: Prepared, width: number, height: number, i: number): number {
  const x = i % width
  const y = (i - x) / width
  let sum = 0
  let weights = 0
  for (let v = Math.max(0, y - 2); v <= Math.min(height - 1, y + 2); v++) {
    for (let u = Math.max(0, x - 2); u <= Math.min(width - 1, x + 2); u++) {
      if (usable[v * width + u] === 0) continue
      const weight = 1 / ((u - x) ** 2 + (v - y) ** 2) ** 2
      sum += weight * signal[v * width + u]
      weights += weight
    }
  }
  return weights > 0 ? sum / weights : 0
}

/** Rows in the given order, without those that lie on a brighter one. */
function withoutTwins(table: Detections, order: number[], radius: number): number[] {
  const x = order.map(row => table.x[row])
  const y = order.map(row => table.y[row])
  const grid = new PointGrid(x, y, radius)
  const isTwin = new Uint8Array(order.length)
  for (let k = 0; k < order.length; k++) {
    isTwin[k] = grid.within(x[k], y[k], radius).some(other => other < k && isTwin[other] === 0) ? 1 : 0
  }
  return order.filter((_, k) => isTwin[k] === 0)
}

function flagBlends(table: Detections, radius: number): void {
  const grid = new PointGrid(table.x, table.y, radius)
  for (let i = 0; i < table.x.length; i++) {
    if (grid.within(table.x[i], table.y[i], radius).length > 1) table.flags[i] |= flagMask('blended')
  }
}
