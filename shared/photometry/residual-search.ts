import { madSigmaInPlace, medianInPlace } from '#shared/numeric/robust.ts'
import type { Psf } from './psf.ts'
import { blocksOf, SEARCH_BLOCK_PX, searchRows } from './row-filter.ts'
import type { Scene } from './scene.ts'

/** Regions in which the scatter of empty places is taken, pixel. */
const SCATTER_REGION_PX = 128

/** Each so many-th place each way is asked: neighbours tell the same. */
const SCATTER_STEP_PX = 3
/** What lies farther off than this is a star that was found, or its remains. */
const TAIL_SIGMA = 4.5

export interface Found {
  x: number
  y: number
  flux: number
  significance: number
}

/**
 * How much more the fluxes of empty places scatter than their errors say: the noise of unresolved stars, of structure in
 * the sky, of bad subtraction; at a place of the frame (0-based pixel), in coarse regions, never below 1.
 */
export type Scatter = (x: number, y: number) => number

/**
 * Search the whole residual.
 *
 * @param doubt see {@link searchRows}
 * @param threshold of the peaks, σ
 * @returns local maxima above the threshold on usable pixels, most significant first; and the scatter of the bulk of
 *   empty places
 */
export function searchResidual(
  scene: Scene,
  psf: Psf,
  doubt: number,
  threshold: number,
): { peaks: Found[]; scatter: Scatter } {
  const { width, height, usable } = scene
  const peaks: Found[] = []
  const empty = new EmptyPlaces(width, height, madSigmaInPlace)
  // The last three rows, the oldest first, and what the blocks of each reach.
  let rows = [0, 1, 2].map(() => ({ values: new Float32Array(width), tops: new Float32Array(blocksOf(width)) }))
  const errors = new Float32Array(width)
  searchRows(scene, psf, doubt, (y, { significance, unit, tops }) => {
    if (y % SCATTER_STEP_PX === 0) empty.addRow(y, significance, unit)
    rows = [rows[1], rows[2], rows[0]]
    rows[2].values.set(significance)
    rows[2].tops.set(tops)
    if (y >= 3 && y < height - 1) {
      const [above, row, below] = rows
      for (let block = 0; block < row.tops.length; block++) {
        if (!(row.tops[block] > threshold)) continue
        const from = block * SEARCH_BLOCK_PX
        findPeaks([above.values, row.values, below.values], y - 1, from, usable, errors, threshold, peaks)
      }
    }
    errors.set(unit)
  })
  peaks.sort((a, b) => b.significance - a.significance || a.y - b.y || a.x - b.x)
  return { peaks, scatter: empty.scatter() }
}

/** The scatter of empty places with the tail of faint stars in it. */
export function scatterWithTail(scene: Scene, psf: Psf): Scatter {
  const empty = new EmptyPlaces(scene.width, scene.height, spreadWithTail)
  searchRows(scene, psf, 0, (y, { significance, unit }) => empty.addRow(y, significance, unit), SCATTER_STEP_PX)
  return empty.scatter()
}

/** Local maxima of a block of the middle one of three rows. */
function findPeaks(
  [above, row, below]: Float32Array[],
  y: number,
  from: number,
  usable: Uint8Array,
  unit: Float32Array,
  threshold: number,
  found: Found[],
): void {
  const width = row.length
  const to = Math.min(from + SEARCH_BLOCK_PX, width - 2)
  for (let x = Math.max(from, 2); x < to; x++) {
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
  readonly #spread: (values: Float64Array, count: number) => number
  readonly #factor: Float64Array
  readonly #seen: Float64Array[]
  readonly #counts: Int32Array
  #row = 0

  /** @param spread of the first so many numbers of a list, which it may reorder */
  constructor(width: number, height: number, spread: (values: Float64Array, count: number) => number) {
    this.#width = width
    this.#height = height
    this.#columns = Math.max(1, Math.round(width / SCATTER_REGION_PX))
    this.#rows = Math.max(1, Math.round(height / SCATTER_REGION_PX))
    this.#spread = spread
    this.#factor = new Float64Array(this.#columns * this.#rows).fill(1)
    const places = (Math.ceil(width / this.#columns / 2) + 1) * (Math.ceil(height / this.#rows / 2) + 1)
    this.#seen = Array.from({ length: this.#columns }, () => new Float64Array(places))
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

  scatter(): Scatter {
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
      const count = this.#counts[c]
      if (count > 50) {
        this.#factor[this.#row * this.#columns + c] = Math.max(1, this.#spread(this.#seen[c], count))
      }
      this.#counts[c] = 0
    }
    this.#row++
  }
}

/**
 * Root mean square about the median, of what lies within the reach of noise and of stars too faint to be found: these
 * only add light, so the bulk alone would tell too little of what they do to a flux.
 */
function spreadWithTail(values: Float64Array, count: number): number {
  const centre = medianInPlace(values, count)
  // From here on the distances from it.
  const limit = TAIL_SIGMA * madSigmaInPlace(values, count, centre)
  return rootMeanSquareWithin(values, count, limit)
}

function rootMeanSquareWithin(values: Float64Array, count: number, limit: number): number {
  let square = 0
  let within = 0
  for (let i = 0; i < count; i++) {
    if (values[i] > limit) continue
    square += values[i] * values[i]
    within++
  }
  return Math.sqrt(square / Math.max(within, 1))
}
