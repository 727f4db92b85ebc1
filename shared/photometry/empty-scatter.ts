import { MAD_TO_SIGMA } from '#shared/numeric/robust.ts'
import type { KernelMemory } from './kernel-memory.ts'
import type { SearchedRow } from './row-filter.ts'

/** Regions in which the scatter of empty places is taken, pixel. */
const SCATTER_REGION_PX = 128
/** Each so many-th place each way is asked: neighbours tell the same. */
export const SCATTER_STEP_PX = 3
/** Of fewer places nothing is told. */
const LEAST_PLACES = 50
/** What lies farther off than this is a star that was found, or its remains. */
const TAIL_SIGMA = 4.5
/** Steps towards a median; a dozen do. */
const MOST_STEPS = 40

/**
 * How much more the fluxes of empty places scatter than their errors say: the noise of unresolved stars, of structure in
 * the sky, of bad subtraction; at a place of the frame (0-based pixel), in coarse regions, never below 1.
 */
export type Scatter = (x: number, y: number) => number

/** Regions of the frame and the significances of places in them. Its memory ends where that of the search began. */
export class EmptyPlaces {
  readonly #memory: KernelMemory
  readonly #width: number
  readonly #height: number
  readonly #columns: number
  readonly #rows: number
  readonly #withTail: boolean
  readonly #factor: Float64Array
  /** A list for each region of a row of them, where it ends, and where the regions begin in a row of pixels, bytes. */
  readonly #seen: Float32Array[]
  readonly #ends: Int32Array
  readonly #starts: Int32Array
  readonly #sums: Float32Array
  #row = 0

  /** @param withTail whether the scatter is that of the bulk, or with the tail of faint stars in it */
  constructor(memory: KernelMemory, width: number, height: number, withTail: boolean) {
    this.#memory = memory
    this.#width = width
    this.#height = height
    this.#withTail = withTail
    this.#columns = Math.max(1, Math.round(width / SCATTER_REGION_PX))
    this.#rows = Math.max(1, Math.round(height / SCATTER_REGION_PX))
    this.#factor = new Float64Array(this.#columns * this.#rows).fill(1)
    const places = (Math.ceil(width / this.#columns / 2) + 1) * (Math.ceil(height / this.#rows / 2) + 1)
    this.#seen = Array.from({ length: this.#columns }, () => memory.floats(places + 4))
    this.#ends = memory.whole(this.#columns)
    this.#starts = memory.whole(this.#columns + 1)
    for (let c = 0; c <= this.#columns; c++) this.#starts[c] = 4 * Math.floor((c * width) / this.#columns)
    this.#sums = memory.floats(2)
    this.#clear()
  }

  /** Take places of a row; rows come from the first to the last. */
  addRow(y: number, { significance, unit }: SearchedRow): void {
    while (y >= Math.floor(((this.#row + 1) * this.#height) / this.#rows)) this.#finishRow()
    this.#memory.kernels.takePlaces(
      significance.byteOffset,
      unit.byteOffset,
      this.#starts.byteOffset,
      4 * this.#columns,
      4 * SCATTER_STEP_PX,
      this.#ends.byteOffset,
    )
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

  #clear(): void {
    for (let c = 0; c < this.#columns; c++) this.#ends[c] = this.#seen[c].byteOffset
  }

  #finishRow(): void {
    for (let c = 0; c < this.#columns; c++) {
      const seen = this.#seen[c]
      const count = (this.#ends[c] - seen.byteOffset) / 4
      if (count <= LEAST_PLACES) continue
      // Kernels take four at a time; what lies behind the end is beyond every limit.
      seen.fill(Number.POSITIVE_INFINITY, count, count + 3)
      this.#factor[this.#row * this.#columns + c] = Math.max(1, this.#spread(seen, count))
    }
    this.#clear()
    this.#row++
  }

  /**
   * Scatter of a list: of its bulk; or root mean square about the median, of what lies within the reach of noise and of
   * stars too faint to be found: these only add light, so the bulk alone would tell too little of what they do to a flux.
   */
  #spread({ byteOffset }: Float32Array, count: number): number {
    const bytes = 4 * count
    this.#memory.kernels.distances(byteOffset, bytes, this.#middle(byteOffset, count, -1))
    const sigma = MAD_TO_SIGMA * this.#middle(byteOffset, count, 0)
    if (!this.#withTail) return sigma
    const within = this.#below(byteOffset, count, TAIL_SIGMA * sigma)
    return Math.sqrt(this.#sums[1] / Math.max(within, 1))
  }

  #below(at: number, count: number, limit: number): number {
    this.#memory.kernels.below(at, 4 * count, limit, this.#sums.byteOffset)
    return this.#sums[0]
  }

  /**
   * A number with half of a list below it, to the gap between two of them: by the secant through the ends, the one that
   * stays being drawn in (the Illinois rule; Dowell & Jarratt 1971).
   *
   * @param least no more than the median, or not by much
   */
  #middle(at: number, count: number, least: number): number {
    const half = count / 2
    let [low, high] = [least, least + 2]
    let lacking = this.#below(at, count, low) - half
    for (; lacking >= 0 && low > -1e6; lacking = this.#below(at, count, low) - half) low -= high - low
    let over = this.#below(at, count, high) - half
    for (; over <= 0 && high < 1e6; over = this.#below(at, count, high) - half) high += high - low
    for (let step = 0; step < MOST_STEPS; step++) {
      const middle = low + (high - low) * Math.min(Math.max(lacking / (lacking - over), 0.02), 0.98)
      const off = this.#below(at, count, middle) - half
      if (Math.abs(off) <= 0.5) return middle
      if (off < 0) {
        low = middle
        lacking = off
        over /= 2
      } else {
        high = middle
        over = off
        lacking /= 2
      }
    }
    return (low + high) / 2
  }
}
