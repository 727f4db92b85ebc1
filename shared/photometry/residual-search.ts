import { gaussianKernel } from '#shared/image/matched-filter.ts'
import { FWHM_PER_SIGMA, type StarShape, starShape } from '#shared/image/star-shape.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import type { KernelMemory } from './kernel-memory.ts'
import type { Psf } from './psf.ts'
import { PROFILE_ERROR, type Scene } from './scene.ts'

/** The Gaussian is cut off at so many σ. */
const GAUSSIAN_REACH = 3
/** A slant below this (pixels aside per pixel down) is none: it would cost twice the sums and change nothing. */
const LEAST_SLANT = 0.1

/** The Gaussian with the widths of the PSF at the middle of the frame, pixels included. */
export function gaussianOf(psf: Psf): StarShape {
  const { a, b, c, beta } = psf.wings[Math.floor(psf.wings.length / 2)]
  const determinant = a * b - c * c
  const scale = (4 * (2 ** (1 / beta) - 1)) / (FWHM_PER_SIGMA * FWHM_PER_SIGMA)
  const pixel = 1 / 12
  return starShape((scale * b) / determinant + pixel, (-scale * c) / determinant, (scale * a) / determinant + pixel)
}

/** Regions in which the scatter of empty places is taken, pixel. */
const SCATTER_REGION_PX = 128

/** Each so many-th place each way is asked: neighbours tell the same. */
const SCATTER_STEP_PX = 3
/** What lies farther off than this is a star that was found, or its remains. */
const TAIL_SIGMA = 4.5

/** Significance, in σ, of a star at each pixel of a part of the residual, and the flux it would have. */
export interface SearchMap {
  /** Place of the part's first pixel on the frame. */
  x0: number
  y0: number
  width: number
  height: number
  significance: Float32Array
  /** Flux of a star over its significance: the error of a flux there, ADU. */
  unit: Float32Array
}

/** Rows that are smoothed along x before some are thrown away. */
const ROWS_KEPT = 64
/** Kernels write sixteen numbers at a time. */
const BLOCK = 16

/**
 * Matched filter of the residual with the PSF's Gaussian, each pixel weighted by its noise (the model's), row by row.
 * An ellipse at any angle is done in two passes of one dimension: along the rows, then along slanted lines (Geusebroek
 * et al. 2003). Outside the frame counts as unusable.
 *
 * @param doubt part of the starlight in a pixel that counts as noise: stars are not subtracted better than that
 * @param y0,y1 rows from the first to the one before the last
 * @param visit gets significance and error of flux of each row; valid until it returns
 */
export function searchRows(
  scene: Scene,
  psf: Psf,
  doubt: number,
  y0: number,
  y1: number,
  visit: (y: number, significance: Float32Array, unit: Float32Array) => void,
): void {
  const { width, height, memory, noise } = scene
  const mark = memory.mark()
  const shape = gaussianOf(psf)
  const squares = gaussianKernel(shape, 1).squares
  const reach = Math.ceil(GAUSSIAN_REACH * Math.sqrt(shape.yy))
  const tilt = shape.xy / shape.yy
  const slant = Math.abs(tilt) < LEAST_SLANT ? 0 : tilt
  const apron = BLOCK * Math.ceil((reach * Math.abs(slant) + GAUSSIAN_REACH * Math.sqrt(shape.xx) + 2) / BLOCK)
  const length = BLOCK * Math.ceil(width / BLOCK) + 2 * apron
  const planes = [1, Math.SQRT1_2].map(scale => {
    const alongRow = taps(Math.sqrt(shape.xx - shape.xy * slant) * scale)
    const alongColumn = taps(Math.sqrt(shape.yy) * scale)
    return {
      line: memory.floats(length),
      rows: memory.floats(length * (ROWS_KEPT + 2 * reach + 1)),
      out: memory.floats(length),
      alongRow: listOf(
        memory,
        alongRow.map(({ step, weight }) => ({ offset: step, weight })),
      ),
      alongColumn: listOf(
        memory,
        alongColumn.flatMap(tap => slanted(tap, slant, length)),
      ),
    }
  })
  const [signal, weight] = planes
  for (const { line, rows } of planes) {
    line.fill(0)
    rows.fill(0)
  }
  const part = Math.hypot(PROFILE_ERROR, doubt)
  let kept = 0
  for (let y = y0 - reach; y < y1 + reach; y++) {
    if (kept === ROWS_KEPT + 2 * reach) {
      for (const { rows } of planes) rows.copyWithin(0, ROWS_KEPT * length, (ROWS_KEPT + 2 * reach) * length)
      kept = 2 * reach
    }
    if (y >= 0 && y < height) {
      const { base, perAdu, floor } = noise
      memory.kernels.precision(
        scene.data.byteOffset + 4 * y * width,
        scene.planeBytes,
        scene.usable.byteOffset + y * width,
        width,
        base,
        perAdu,
        floor,
        part,
        signal.line.byteOffset + 4 * apron,
        weight.line.byteOffset + 4 * apron,
      )
    }
    for (const { line, rows, alongRow } of planes) {
      // What the last four-fold step wrote beyond the frame does not count.
      line.fill(0, apron + width)
      if (y >= 0 && y < height) convolve(memory, line, apron, rows, kept * length + apron, width, alongRow)
      rows.fill(0, kept * length + (y >= 0 && y < height ? apron + width : 0), (kept + 1) * length)
    }
    kept++
    if (kept <= 2 * reach) continue
    for (const { rows, out, alongColumn } of planes) {
      convolve(memory, rows, (kept - 1 - reach) * length + apron, out, 0, width, alongColumn)
    }
    memory.kernels.significance(signal.out.byteOffset, weight.out.byteOffset, width, squares)
    visit(y - reach, signal.out.subarray(0, width), weight.out.subarray(0, width))
  }
  memory.release(mark)
}

/** The part of the map around a place, out to a distance, pixel. */
export function searchAround(scene: Scene, psf: Psf, x: number, y: number, reach: number): SearchMap {
  const clamp = (value: number, most: number) => Math.min(Math.max(Math.floor(value), 0), most)
  const x0 = clamp(x - reach, scene.width - 1)
  const y0 = clamp(y - reach, scene.height - 1)
  const width = clamp(x + reach + 1, scene.width - 1) + 1 - x0
  const height = clamp(y + reach + 1, scene.height - 1) + 1 - y0
  const map = {
    x0,
    y0,
    width,
    height,
    significance: new Float32Array(width * height),
    unit: new Float32Array(width * height),
  }
  searchRows(scene, psf, 0, y0, y0 + height, (row, significance, unit) => {
    map.significance.set(significance.subarray(x0, x0 + width), (row - y0) * width)
    map.unit.set(unit.subarray(x0, x0 + width), (row - y0) * width)
  })
  return map
}

interface Tap {
  step: number
  weight: number
}

/** A Gaussian with sum 1 at whole steps. */
function taps(sigma: number): Tap[] {
  const reach = Math.max(1, Math.ceil(GAUSSIAN_REACH * sigma))
  const list = Array.from({ length: 2 * reach + 1 }, (_, k) => ({
    step: k - reach,
    weight: Math.exp(-0.5 * ((k - reach) / sigma) ** 2),
  }))
  const total = list.reduce((sum, tap) => sum + tap.weight, 0)
  return list.map(({ step, weight }) => ({ step, weight: weight / total }))
}

/** One step down a slanted line, shared by the two pixels that it passes between. */
function slanted({ step, weight }: Tap, slant: number, length: number): Entry[] {
  const shift = slant * step
  const whole = Math.floor(shift)
  const part = shift - whole
  const first = { offset: step * length + whole, weight: weight * (1 - part) }
  return part === 0 ? [first] : [first, { offset: step * length + whole + 1, weight: weight * part }]
}

interface Entry {
  offset: number
  weight: number
}

interface List {
  offsets: Int32Array
  weights: Float32Array
}

function listOf(memory: KernelMemory, entries: Entry[]): List {
  const list = { offsets: memory.whole(entries.length), weights: memory.floats(entries.length) }
  entries.forEach(({ offset, weight }, k) => {
    list.offsets[k] = 4 * offset
    list.weights[k] = weight
  })
  return list
}

function convolve(
  memory: KernelMemory,
  source: Float32Array,
  from: number,
  out: Float32Array,
  into: number,
  count: number,
  { offsets, weights }: List,
): void {
  memory.kernels.combine(
    source.byteOffset + 4 * from,
    out.byteOffset + 4 * into,
    count,
    offsets.byteOffset,
    weights.byteOffset,
    offsets.byteLength,
  )
}

export interface Found {
  x: number
  y: number
  flux: number
  significance: number
}

export interface SearchResult {
  /** Local maxima above the threshold on usable pixels, most significant first. */
  peaks: Found[]
  /**
   * How much more the fluxes of empty places scatter than their errors say: the noise of unresolved stars, of structure
   * in the sky, of bad subtraction; at a place of the frame (0-based pixel), in coarse regions, never below 1.
   */
  scatter: (x: number, y: number) => number
}

/**
 * Search the whole residual.
 *
 * @param doubt see {@link searchRows}
 * @param threshold of the peaks, σ
 * @param spread how the scatter of empty places is taken: of the bulk, or with the tail of faint stars in it
 */
export function searchResidual(
  scene: Scene,
  psf: Psf,
  doubt: number,
  threshold: number,
  spread: (values: Float32Array) => number = values => madSigma(values),
): SearchResult {
  const { width, height, usable } = scene
  const peaks: Found[] = []
  const empty = new EmptyPlaces(width, height, spread)
  // The last three rows, the oldest first.
  let rows = [0, 1, 2].map(() => new Float32Array(width))
  const errors = new Float32Array(width)
  searchRows(scene, psf, doubt, 0, height, (y, significance, unit) => {
    if (y % SCATTER_STEP_PX === 0) empty.addRow(y, significance, unit)
    rows = [rows[1], rows[2], rows[0]]
    rows[2].set(significance)
    if (y >= 3 && y < height - 1) findPeaks(rows, y - 1, usable, errors, threshold, peaks)
    errors.set(unit)
  })
  peaks.sort((a, b) => b.significance - a.significance || a.y - b.y || a.x - b.x)
  return { peaks, scatter: empty.scatter() }
}

/** Local maxima of the middle one of three rows. */
function findPeaks(
  [above, row, below]: Float32Array[],
  y: number,
  usable: Uint8Array,
  unit: Float32Array,
  threshold: number,
  found: Found[],
): void {
  const width = row.length
  for (let x = 2; x < width - 2; x++) {
    const value = row[x]
    if (!(value > threshold) || !usable[y * width + x]) continue
    if (value < row[x - 1] || value <= row[x + 1] || value < above[x] || value <= below[x]) continue
    if (value < above[x - 1] || value < above[x + 1]) continue
    if (value <= below[x - 1] || value <= below[x + 1]) continue
    const bendX = 2 * value - row[x - 1] - row[x + 1]
    const bendY = 2 * value - above[x] - below[x]
    found.push({
      x: x + (bendX > 0 ? (row[x + 1] - row[x - 1]) / (2 * bendX) : 0),
      y: y + (bendY > 0 ? (below[x] - above[x]) / (2 * bendY) : 0),
      flux: value * unit[x],
      significance: value,
    })
  }
}

/** Regions of the frame and the significances of places in them. */
class EmptyPlaces {
  readonly #width: number
  readonly #height: number
  readonly #columns: number
  readonly #rows: number
  readonly #spread: (values: Float32Array) => number
  readonly #factor: Float64Array
  readonly #seen: Float32Array[]
  readonly #counts: Int32Array
  #row = 0

  constructor(width: number, height: number, spread: (values: Float32Array) => number) {
    this.#width = width
    this.#height = height
    this.#columns = Math.max(1, Math.round(width / SCATTER_REGION_PX))
    this.#rows = Math.max(1, Math.round(height / SCATTER_REGION_PX))
    this.#spread = spread
    this.#factor = new Float64Array(this.#columns * this.#rows).fill(1)
    const places = (Math.ceil(width / this.#columns / 2) + 1) * (Math.ceil(height / this.#rows / 2) + 1)
    this.#seen = Array.from({ length: this.#columns }, () => new Float32Array(places))
    this.#counts = new Int32Array(this.#columns)
  }

  /** Take places of a row; rows come from the first to the last. */
  addRow(y: number, significance: Float32Array, unit: Float32Array): void {
    while (y >= Math.floor(((this.#row + 1) * this.#height) / this.#rows)) this.#finishRow()
    for (let c = 0; c < this.#columns; c++) {
      const seen = this.#seen[c]
      let count = this.#counts[c]
      const x1 = Math.floor(((c + 1) * this.#width) / this.#columns)
      for (let x = Math.floor((c * this.#width) / this.#columns); x < x1; x += SCATTER_STEP_PX) {
        if (unit[x] > 0) seen[count++] = significance[x]
      }
      this.#counts[c] = count
    }
  }

  scatter(): SearchResult['scatter'] {
    this.#finishRow()
    const [width, height, columns, rows, factor] = [this.#width, this.#height, this.#columns, this.#rows, this.#factor]
    return (x, y) => {
      const c = Math.min(columns - 1, Math.max(0, Math.floor((x / width) * columns)))
      const r = Math.min(rows - 1, Math.max(0, Math.floor((y / height) * rows)))
      return factor[r * columns + c]
    }
  }

  #finishRow(): void {
    for (let c = 0; c < this.#columns; c++) {
      const seen = this.#seen[c].subarray(0, this.#counts[c])
      if (seen.length > 50) this.#factor[this.#row * this.#columns + c] = Math.max(1, this.#spread(seen))
      this.#counts[c] = 0
    }
    this.#row++
  }
}

/**
 * Root mean square about the median, of what lies within the reach of noise and of stars too faint to be found: these
 * only add light, so the bulk alone would tell too little of what they do to a flux.
 */
export function spreadWithTail(values: Float32Array): number {
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
