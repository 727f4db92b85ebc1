import { gaussianKernel } from '#shared/image/matched-filter.ts'
import { FWHM_PER_SIGMA, type StarShape, starShape } from '#shared/image/star-shape.ts'
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

/** Rows that are smoothed along x before some are thrown away. */
const ROWS_KEPT = 64
/** Kernels write sixteen numbers at a time. */
const BLOCK = 16

/** Pixels of a row whose greatest significance is told together. */
export const SEARCH_BLOCK_PX = 64

/** How many such blocks a row has. */
export function blocksOf(width: number): number {
  return Math.ceil(width / SEARCH_BLOCK_PX)
}

/** What a row tells of a star at each of its pixels; valid until the next row is asked for. */
export interface SearchedRow {
  /** σ */
  significance: Float32Array
  /** Error of its flux, ADU. */
  unit: Float32Array
  /** No significance of a block is greater than this. */
  tops: Float32Array
}

/**
 * Matched filter of the residual with the PSF's Gaussian, each pixel weighted by its noise (the model's), row by row.
 * An ellipse at any angle is done in two passes of one dimension: along the rows, then along slanted lines (Geusebroek
 * et al. 2003). Outside the frame counts as unusable.
 *
 * @param doubt part of the starlight in a pixel that counts as noise: stars are not subtracted better than that
 * @param visit gets each row, or each so many-th where only those are wanted
 */
export function searchRows(
  scene: Scene,
  psf: Psf,
  doubt: number,
  visit: (y: number, row: SearchedRow) => void,
  every = 1,
): void {
  const mark = scene.memory.mark()
  const filter = new RowFilter(scene, psf, Math.hypot(PROFILE_ERROR, doubt))
  const { reach, row } = filter
  for (let y = -reach; y < scene.height + reach; y++) {
    filter.take(y)
    if (y < reach || (y - reach) % every !== 0) continue
    filter.finish()
    visit(y - reach, row)
  }
  scene.memory.release(mark)
}

/** The sum over pixels of signal or weight: smoothed along the rows that are kept, then across them. */
interface Plane {
  line: Float32Array
  rows: Float32Array
  out: Float32Array
  alongRow: List
  alongColumn: List
}

class RowFilter {
  /** Rows above and below that one row needs. */
  readonly reach: number
  /** The row `reach` above the one taken last, once it is finished. */
  readonly row: SearchedRow
  readonly #scene: Scene
  readonly #part: number
  readonly #squares: number
  /** Zeros on both sides of a row, and numbers of a row with them. */
  readonly #apron: number
  readonly #length: number
  readonly #signal: Plane
  readonly #weight: Plane
  #kept = 0

  constructor(scene: Scene, psf: Psf, part: number) {
    const { width, memory } = scene
    const shape = gaussianOf(psf)
    const reach = Math.ceil(GAUSSIAN_REACH * Math.sqrt(shape.yy))
    const tilt = shape.xy / shape.yy
    const slant = Math.abs(tilt) < LEAST_SLANT ? 0 : tilt
    const apron = BLOCK * Math.ceil((reach * Math.abs(slant) + GAUSSIAN_REACH * Math.sqrt(shape.xx) + 2) / BLOCK)
    const length = BLOCK * Math.ceil(width / BLOCK) + 2 * apron
    const plane = (scale: number): Plane => {
      const alongRow = taps(Math.sqrt(shape.xx - shape.xy * slant) * scale)
      const alongColumn = taps(Math.sqrt(shape.yy) * scale)
      return {
        line: memory.floats(length).fill(0),
        rows: memory.floats(length * (ROWS_KEPT + 2 * reach + 1)).fill(0),
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
    }
    this.#signal = plane(1)
    this.#weight = plane(Math.SQRT1_2)
    this.#scene = scene
    this.#part = part
    this.#squares = gaussianKernel(shape, 1).squares
    this.#apron = apron
    this.#length = length
    this.reach = reach
    this.row = {
      significance: this.#signal.out.subarray(0, width),
      unit: this.#weight.out.subarray(0, width),
      tops: memory.floats(blocksOf(width)),
    }
  }

  /** Take a row, or an empty one from outside the frame. */
  take(y: number): void {
    const length = this.#length
    if (this.#kept === ROWS_KEPT + 2 * this.reach) {
      for (const { rows } of [this.#signal, this.#weight]) {
        rows.copyWithin(0, ROWS_KEPT * length, (ROWS_KEPT + 2 * this.reach) * length)
      }
      this.#kept = 2 * this.reach
    }
    const inside = y >= 0 && y < this.#scene.height
    if (inside) this.#weighPixels(y)
    this.#smoothAlong(this.#signal, inside)
    this.#smoothAlong(this.#weight, inside)
    this.#kept++
  }

  /** Signal over noise, squared, of each pixel, and its weight, into the lines. */
  #weighPixels(y: number): void {
    const { width, data, usable, planeBytes, noise, memory } = this.#scene
    memory.kernels.precision(
      data.byteOffset + 4 * y * width,
      planeBytes,
      usable.byteOffset + y * width,
      width,
      noise.base,
      noise.perAdu,
      noise.floor,
      this.#part,
      this.#signal.line.byteOffset + 4 * this.#apron,
      this.#weight.line.byteOffset + 4 * this.#apron,
    )
  }

  #smoothAlong({ line, rows, alongRow }: Plane, inside: boolean): void {
    const { width, memory } = this.#scene
    const row = this.#kept * this.#length
    // What the last four-fold step wrote beyond the frame does not count.
    line.fill(0, this.#apron + width)
    if (inside) convolve(memory, line, this.#apron, rows, row + this.#apron, width, alongRow)
    rows.fill(0, row + (inside ? this.#apron + width : 0), row + this.#length)
  }

  /** Smooth across the rows that were taken. */
  finish(): void {
    const { width, memory } = this.#scene
    const middle = (this.#kept - 1 - this.reach) * this.#length + this.#apron
    for (const { rows, out, alongColumn } of [this.#signal, this.#weight]) {
      convolve(memory, rows, middle, out, 0, width, alongColumn)
    }
    const { significance, unit, tops } = this.row
    memory.kernels.significance(significance.byteOffset, unit.byteOffset, width, this.#squares)
    memory.kernels.topsOf(significance.byteOffset, width, 4 * SEARCH_BLOCK_PX, tops.byteOffset)
  }
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
