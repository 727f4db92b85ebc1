import { type LineKernels, lineKernels, type Tap } from './line-kernels.ts'
import type { StarShape } from './star-shape.ts'

const REACH_SIGMA = 3
const UPRIGHT = 0.08 // correlation of x and y below which an ellipse passes for one along the rows and columns

const STRIP_LINES = 64 // lines that are smoothed together, so that they stay in the processor's cache

/** Writes line y of an image, from place `at` on, which is a place of the kernels' memory. */
export type LineSource = (y: number, into: Float32Array, at: number, kernels: LineKernels) => void

/** What one smoothing does: weights along the rows, then along columns that lean by `slant` pixels a line. */
interface Filter {
  along: Float64Array
  across: Float64Array
  slant: number
}

/**
 * Smooth an image with the Gaussian of a star shape, its sum 1, times a scale of its size. An ellipse at any angle is
 * done in two passes of one dimension: along the rows, then along slanted lines (Geusebroek et al. 2003). Outside the
 * frame counts as 0.
 */
export function smooth(image: Float32Array, width: number, height: number, shape: StarShape, scale = 1): Float32Array {
  const smoothed = new Float32Array(width * height)
  const source: LineSource = (y, into, at) => into.set(image.subarray(y * width, (y + 1) * width), at)
  smoothStrips(source, width, height, shape, [scale], 0, ({ first, count, stride, values, at: [at] }) => {
    for (let line = 0; line < count; line++) {
      const start = at + line * stride
      smoothed.set(values.subarray(start, start + width), (first + line) * width)
    }
  })
  return smoothed
}

/** Some lines of smoothed images, gone when the next ones come. */
export interface Strip {
  /** First line of the frame that is in it, and how many are. */
  first: number
  count: number
  /** The images, line behind line. */
  values: Float32Array
  stride: number
  /** Place of the first pixel of line `first`, for each image. */
  at: number[]
  /** Whose memory the values lie in. */
  kernels: LineKernels
}

/**
 * {@link smooth} with several scales at once, of an image that is made line by line: neither it nor the smoothed ones
 * ever stand whole. From every scale but the first the image of the first is taken away.
 *
 * @param margin lines before and behind those of a strip that are there as well, as far as the frame has them
 * @param use what is done with each strip; it must not smooth itself
 */
export function smoothStrips(
  source: LineSource,
  width: number,
  height: number,
  shape: StarShape,
  scales: number[],
  margin: number,
  use: (strip: Strip) => void,
): void {
  const filters = scales.map(scale => filterOf(shape, scale))
  const reach = Math.max(...filters.map(({ across }) => reachOf(across)))
  // Each line has an apron of zeros on both sides, as wide as taps reach, and 15 more for the last turn of the sums.
  const apron =
    Math.max(...filters.flatMap(({ along, slant }) => [reachOf(along), Math.ceil(Math.abs(slant) * reach) + 1])) + 16
  const stride = width + 2 * apron
  const made = STRIP_LINES + 2 * margin
  const needed = made + 2 * reach
  const passed = needed * stride
  const at = filters.map((_, k) => (2 * needed + k * made) * stride + apron)
  const size = (2 * needed + filters.length * made) * stride
  const kernels = lineKernels()
  const values = kernels.room(size)
  values.fill(0, 0, size)
  const alongTaps = filters.map(({ along }) =>
    Array.from(along, (weight, k) => ({ shift: k - reachOf(along), weight })),
  )
  const acrossTaps = filters.map(({ across, slant }) => slantedTaps(across, slant, stride))
  for (let first = 0; first < height; first += STRIP_LINES) {
    const count = Math.min(STRIP_LINES, height - first)
    const outputs = count + 2 * margin
    makeLines(first - margin - reach, outputs + 2 * reach)
    for (let k = 0; k < filters.length; k++) {
      kernels.use(alongTaps[k])
      sumRows(reach - reachOf(filters[k].across), outputs + reach + reachOf(filters[k].across))
      kernels.use(acrossTaps[k])
      sumColumns(at[k], outputs)
      if (k > 0)
        for (let line = 0; line < outputs; line++) kernels.takeAway(at[k] + line * stride, at[0] + line * stride, width)
    }
    use({ first, count, values, stride, at: at.map(start => start + margin * stride), kernels })
  }

  function makeLines(first: number, lines: number): void {
    for (let line = 0; line < lines; line++) {
      const into = line * stride + apron
      if (first + line < 0 || first + line >= height) values.fill(0, into, into + width)
      else source(first + line, values, into, kernels)
    }
  }

  function sumRows(from: number, end: number): void {
    for (let line = from; line < end; line++) {
      const into = passed + line * stride + apron
      kernels.sum(line * stride + apron, into, width)
      values.fill(0, into + width, into + width + 16)
    }
  }

  function sumColumns(into: number, lines: number): void {
    for (let line = 0; line < lines; line++)
      kernels.sum(passed + (line + reach) * stride + apron, into + line * stride, width)
  }
}

function filterOf(shape: StarShape, scale: number): Filter {
  const tilt = Math.abs(shape.xy) / Math.sqrt(shape.xx * shape.yy)
  const slant = tilt < UPRIGHT ? 0 : shape.xy / shape.yy
  const along = taps(Math.sqrt(slant === 0 ? shape.xx : shape.xx - (shape.xy * shape.xy) / shape.yy) * scale)
  return { along, across: taps(Math.sqrt(shape.yy) * scale), slant }
}

function reachOf(weights: Float64Array): number {
  return (weights.length - 1) / 2
}

/** The weights of lines below and above, each between the two whole shifts that its slant lies between. */
function slantedTaps(weights: Float64Array, slant: number, stride: number): Tap[] {
  return Array.from(weights, (weight, k) => {
    const line = k - reachOf(weights)
    const whole = Math.floor(slant * line)
    const part = slant * line - whole
    const shift = line * stride + whole
    return part > 0
      ? [
          { shift, weight: weight * (1 - part) },
          { shift: shift + 1, weight: weight * part },
        ]
      : [{ shift, weight }]
  }).flat()
}

function taps(sigma: number): Float64Array {
  const reach = Math.max(1, Math.ceil(REACH_SIGMA * sigma))
  const weights = new Float64Array(2 * reach + 1)
  let sum = 0
  for (let k = -reach; k <= reach; k++) sum += weights[k + reach] = Math.exp(-0.5 * (k / Math.max(sigma, 0.1)) ** 2)
  return weights.map(weight => weight / sum)
}

/** A small kernel as offsets and weights, for sums at single places. */
export interface Kernel {
  reach: number
  dx: Int32Array
  dy: Int32Array
  weight: Float64Array
  /** Σ weight². */
  squares: number
}

/**
 * The difference of two Gaussians of a star shape, each with sum 1: narrow minus share × wide; share 0 leaves the
 * narrow one alone.
 *
 * @param narrow,wide scales of the shape's size
 */
export function gaussianKernel(shape: StarShape, narrow: number, wide = 1, share = 0): Kernel {
  const outer = share > 0 ? Math.max(narrow, wide) : narrow
  const reach = Math.max(1, Math.ceil(REACH_SIGMA * outer * Math.sqrt(Math.max(shape.xx, shape.yy))))
  const side = 2 * reach + 1
  const weight = new Float64Array(side * side)
  addGaussian(weight, reach, shape, narrow, 1)
  if (share > 0) addGaussian(weight, reach, shape, wide, -share)
  const dx = new Int32Array(side * side)
  const dy = new Int32Array(side * side)
  let squares = 0
  for (let k = 0; k < weight.length; k++) {
    dx[k] = (k % side) - reach
    dy[k] = Math.floor(k / side) - reach
    squares += weight[k] * weight[k]
  }
  return { reach, dx, dy, weight, squares }
}

function addGaussian(weight: Float64Array, reach: number, shape: StarShape, scale: number, share: number): void {
  const side = 2 * reach + 1
  const variance = scale * scale
  const determinant = (shape.xx * shape.yy - shape.xy * shape.xy) * variance
  const values = new Float64Array(weight.length)
  let sum = 0
  for (let k = 0; k < values.length; k++) {
    const u = (k % side) - reach
    const v = Math.floor(k / side) - reach
    const r2 = (shape.yy * u * u - 2 * shape.xy * u * v + shape.xx * v * v) / determinant
    sum += values[k] = Math.exp(-r2 / 2)
  }
  for (let k = 0; k < values.length; k++) weight[k] += (share * values[k]) / sum
}
