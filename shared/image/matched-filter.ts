import type { StarShape } from './star-shape.ts'

const REACH_SIGMA = 3
const UPRIGHT = 0.08 // correlation of x and y below which an ellipse passes for one along the rows and columns

/**
 * Smooth an image with the Gaussian of a star shape, its sum 1, times a scale of its size. An ellipse at any angle is
 * done in two passes of one dimension: along the rows, then along slanted lines (Geusebroek et al. 2003). Outside the
 * frame counts as 0.
 */
export function smooth(image: Float32Array, width: number, height: number, shape: StarShape, scale = 1): Float32Array {
  const tilt = Math.abs(shape.xy) / Math.sqrt(shape.xx * shape.yy)
  if (tilt < UPRIGHT) {
    const passed = smoothRows(image, width, height, taps(Math.sqrt(shape.xx) * scale))
    return smoothColumns(passed, width, height, taps(Math.sqrt(shape.yy) * scale))
  }
  const alongRows = Math.sqrt(shape.xx - (shape.xy * shape.xy) / shape.yy) * scale
  const passed = smoothRows(image, width, height, taps(alongRows))
  return smoothSlanted(passed, width, height, taps(Math.sqrt(shape.yy) * scale), shape.xy / shape.yy)
}

function smoothRows(image: Float32Array, width: number, height: number, weights: Float64Array): Float32Array {
  const reach = (weights.length - 1) / 2
  const smoothed = new Float32Array(width * height)
  // A line with an apron of zeros spares the test for the border.
  const line = new Float64Array(width + 2 * reach)
  for (let y = 0; y < height; y++) {
    const start = y * width
    for (let x = 0; x < width; x++) line[x + reach] = image[start + x]
    for (let x = 0; x < width; x++) {
      let sum = weights[reach] * line[x + reach]
      for (let k = 0; k < reach; k++) sum += weights[k] * (line[x + k] + line[x + 2 * reach - k])
      smoothed[start + x] = sum
    }
  }
  return smoothed
}

function smoothColumns(image: Float32Array, width: number, height: number, weights: Float64Array): Float32Array {
  const reach = (weights.length - 1) / 2
  const smoothed = new Float32Array(width * height)
  const line = new Float64Array(width)
  for (let y = 0; y < height; y++) {
    line.fill(0)
    for (let k = 0; k <= reach; k++) {
      const weight = weights[reach + k]
      const above = y + k < height ? (y + k) * width : -1
      const below = k > 0 && y - k >= 0 ? (y - k) * width : -1
      if (above >= 0 && below >= 0)
        for (let x = 0; x < width; x++) line[x] += weight * (image[above + x] + image[below + x])
      else if (above >= 0) for (let x = 0; x < width; x++) line[x] += weight * image[above + x]
      else if (below >= 0) for (let x = 0; x < width; x++) line[x] += weight * image[below + x]
    }
    smoothed.set(line, y * width)
  }
  return smoothed
}

function smoothSlanted(
  image: Float32Array,
  width: number,
  height: number,
  weights: Float64Array,
  slant: number,
): Float32Array {
  const smoothed = new Float32Array(width * height)
  const reach = (weights.length - 1) / 2
  for (let y = 0; y < height; y++) {
    for (let k = -reach; k <= reach; k++) {
      if (y + k < 0 || y + k >= height) continue
      const shift = slant * k
      const whole = Math.floor(shift)
      const part = shift - whole
      const from = (y + k) * width
      addShifted(smoothed, y * width, image, from, width, whole, weights[k + reach] * (1 - part))
      if (part > 0) addShifted(smoothed, y * width, image, from, width, whole + 1, weights[k + reach] * part)
    }
  }
  return smoothed
}

function addShifted(
  into: Float32Array,
  start: number,
  from: Float32Array,
  fromStart: number,
  width: number,
  shift: number,
  weight: number,
): void {
  const first = Math.max(0, -shift)
  const last = Math.min(width, width - shift)
  const offset = fromStart + shift
  for (let x = first; x < last; x++) into[start + x] += weight * from[offset + x]
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
