import { gaussianKernel, smooth } from '#shared/image/matched-filter.ts'
import { FWHM_PER_SIGMA, type StarShape, starShape } from '#shared/image/star-shape.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import type { Psf } from './psf.ts'
import type { Scene } from './scene.ts'

/** The Gaussian with the widths of the PSF at the middle of the frame, pixels included. */
export function gaussianOf(psf: Psf): StarShape {
  const { a, b, c, beta } = psf.wings[Math.floor(psf.wings.length / 2)]
  const determinant = a * b - c * c
  const scale = (4 * (2 ** (1 / beta) - 1)) / (FWHM_PER_SIGMA * FWHM_PER_SIGMA)
  const pixel = 1 / 12
  return starShape((scale * b) / determinant + pixel, (-scale * c) / determinant, (scale * a) / determinant + pixel)
}

/** Regions in which the scatter of empty places is taken, pixel. */
export const SCATTER_REGION_PX = 128

/** What lies farther off than this is a star that was found, or its remains. */
const TAIL_SIGMA = 4.5

/** Significance, in σ, of a star at each pixel of the residual, and the flux it would have. */
export interface SearchMap {
  width: number
  height: number
  significance: Float32Array
  /** Flux of a star over its significance: the error of a flux there, ADU. */
  unit: Float32Array
}

/**
 * Matched filter of the residual with the PSF's Gaussian, each pixel weighted by its noise (the model's).
 *
 * @param doubt part of the starlight in a pixel that counts as noise: stars are not subtracted better than that
 */
export function searchMap(scene: Scene, psf: Psf, doubt: number): SearchMap {
  const { width, height, residual, usable, data, sky } = scene
  const signal = new Float32Array(width * height)
  const weight = new Float32Array(width * height)
  for (let i = 0; i < signal.length; i++) {
    if (!usable[i]) continue
    const light = data[i] - residual[i] - sky[i]
    const variance = scene.variance(i) + (light > 0 ? (doubt * light) ** 2 : 0)
    weight[i] = 1 / variance
    signal[i] = residual[i] / variance
  }
  const shape = gaussianOf(psf)
  const squares = gaussianKernel(shape, 1).squares
  const top = smoothed(signal, width, height, shape, 1, new Float32Array(width * height))
  // The signal has been smoothed away: its memory takes the second plane.
  const bottom = smoothed(weight, width, height, shape, Math.SQRT1_2, signal)
  for (let i = 0; i < top.length; i++) {
    const precision = squares * bottom[i]
    const error = precision > 0 ? 1 / Math.sqrt(precision) : 0
    top[i] *= error
    bottom[i] = error
  }
  return { width, height, significance: top, unit: bottom }
}

/**
 * Smooth with the shape's Gaussian; where it is nearly upright, along rows and columns, which is faster.
 *
 * @param image used up
 * @param out takes the result, if the image does not
 */
function smoothed(
  image: Float32Array,
  width: number,
  height: number,
  shape: StarShape,
  scale: number,
  out: Float32Array,
): Float32Array {
  const tilt = Math.abs(shape.xy) / Math.sqrt(shape.xx * shape.yy)
  if (tilt > 0.1) return smooth(image, width, height, shape, scale)
  alongRows(image, width, height, gaussianTaps(Math.sqrt(shape.xx) * scale))
  alongColumns(image, width, height, gaussianTaps(Math.sqrt(shape.yy) * scale), out)
  return out
}

function gaussianTaps(sigma: number): Float64Array {
  const reach = Math.max(1, Math.ceil(3 * sigma))
  const taps = Float64Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-0.5 * ((k - reach) / sigma) ** 2))
  const sum = taps.reduce((total, tap) => total + tap, 0)
  return taps.map(tap => tap / sum)
}

/** In place: each line is read before it is written. */
function alongRows(image: Float32Array, width: number, height: number, taps: Float64Array): void {
  const reach = (taps.length - 1) / 2
  const last = 2 * reach
  const padded = new Float64Array(width + last)
  for (let y = 0; y < height; y++) {
    const row = y * width
    // The line with zeros at both ends, so that the inner loop knows no edges.
    for (let x = 0; x < width; x++) padded[reach + x] = image[row + x]
    for (let x = 0; x < width; x++) {
      let sum = taps[reach] * padded[x + reach]
      for (let k = 0; k < reach; k++) sum += taps[k] * (padded[x + k] + padded[x + last - k])
      image[row + x] = sum
    }
  }
}

function alongColumns(image: Float32Array, width: number, height: number, taps: Float64Array, out: Float32Array): void {
  const reach = (taps.length - 1) / 2
  const line = new Float64Array(width)
  for (let y = 0; y < height; y++) {
    line.fill(0)
    // Two rows and their mirror images a turn: taps are symmetric, and memory is the limit.
    for (let k = 0; k <= reach; k++) {
      const tap = taps[reach + k] * (k === 0 ? 0.5 : 1)
      const above = y - k >= 0 ? (y - k) * width : -1
      const below = y + k < height ? (y + k) * width : -1
      if (above >= 0 && below >= 0)
        for (let x = 0; x < width; x++) line[x] += tap * (image[above + x] + image[below + x])
      else if (above >= 0) for (let x = 0; x < width; x++) line[x] += tap * image[above + x]
      else if (below >= 0) for (let x = 0; x < width; x++) line[x] += tap * image[below + x]
    }
    out.set(line, y * width)
  }
}

export interface Found {
  x: number
  y: number
  flux: number
  significance: number
}

/** Local maxima of the map above a threshold, most significant first; `usable` pixels only. */
export function findPeaks(map: SearchMap, usable: Uint8Array, threshold: number): Found[] {
  const { width, height, significance: s, unit } = map
  const found: Found[] = []
  for (let y = 2; y < height - 2; y++) {
    for (let x = 2; x < width - 2; x++) {
      const k = y * width + x
      const value = s[k]
      if (!(value > threshold) || !usable[k]) continue
      if (value < s[k - 1] || value <= s[k + 1] || value < s[k - width] || value <= s[k + width]) continue
      if (value < s[k - width - 1] || value < s[k - width + 1]) continue
      if (value <= s[k + width - 1] || value <= s[k + width + 1]) continue
      const bendX = 2 * value - s[k - 1] - s[k + 1]
      const bendY = 2 * value - s[k - width] - s[k + width]
      found.push({
        x: x + (bendX > 0 ? (s[k + 1] - s[k - 1]) / (2 * bendX) : 0),
        y: y + (bendY > 0 ? (s[k + width] - s[k - width]) / (2 * bendY) : 0),
        flux: value * unit[k],
        significance: value,
      })
    }
  }
  return found.sort((a, b) => b.significance - a.significance || a.y - b.y || a.x - b.x)
}

/**
 * How much more the fluxes of empty places scatter than their errors say: the noise of unresolved stars, of structure
 * in the sky, of bad subtraction. From the map on a coarse grid of regions; never below 1.
 *
 * @param spread how the scatter is taken: of the bulk, or with the tail of faint stars in it
 * @returns factor at a place of the frame (0-based pixel)
 */
export function emptyScatter(
  map: SearchMap,
  regionPx: number,
  spread: (values: number[]) => number = values => madSigma(values),
): (x: number, y: number) => number {
  const columns = Math.max(1, Math.round(map.width / regionPx))
  const rows = Math.max(1, Math.round(map.height / regionPx))
  const factor = new Float64Array(columns * rows)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const seen: number[] = []
      const x1 = Math.floor(((c + 1) * map.width) / columns)
      const y1 = Math.floor(((r + 1) * map.height) / rows)
      for (let y = Math.floor((r * map.height) / rows); y < y1; y += 2) {
        for (let x = Math.floor((c * map.width) / columns); x < x1; x += 2) {
          const k = y * map.width + x
          if (map.unit[k] > 0) seen.push(map.significance[k])
        }
      }
      factor[r * columns + c] = seen.length > 50 ? Math.max(1, spread(seen)) : 1
    }
  }
  return (x, y) => {
    const c = Math.min(columns - 1, Math.max(0, Math.floor((x / map.width) * columns)))
    const r = Math.min(rows - 1, Math.max(0, Math.floor((y / map.height) * rows)))
    return factor[r * columns + c]
  }
}

/**
 * Root mean square about the median, of what lies within the reach of noise and of stars too faint to be found: these
 * only add light, so the bulk alone would tell too little of what they do to a flux.
 */
export function spreadWithTail(values: number[]): number {
  const centre = median(values)
  const limit = TAIL_SIGMA * madSigma(values, centre)
  let square = 0
  let count = 0
  for (const value of values) {
    if (Math.abs(value - centre) > limit) continue
    square += (value - centre) ** 2
    count++
  }
  return Math.sqrt(square / Math.max(count, 1))
}
