import { madSigma, median } from '#shared/numeric/robust.ts'
import type { Psf } from './psf.ts'
import { searchRows } from './row-filter.ts'
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
  searchRows(scene, psf, doubt, (y, significance, unit) => {
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
