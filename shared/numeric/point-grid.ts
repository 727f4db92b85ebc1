/**
 * Points in the plane sorted into square cells, for "which is nearest" in constant time. Rows keep their order: where
 * rows are sorted by brightness, `rows` in a question limits it to the brightest.
 */
export class PointGrid {
  readonly x: ArrayLike<number>
  readonly y: ArrayLike<number>
  readonly #cell: number
  readonly #left: number
  readonly #low: number
  readonly #columns: number
  readonly #lines: number
  readonly #starts: Int32Array
  readonly #rows: Int32Array

  /**
   * @param cell side of a cell, in the unit of the points; questions are quickest for radii up to about this
   */
  constructor(x: ArrayLike<number>, y: ArrayLike<number>, cell: number) {
    this.x = x
    this.y = y
    const { left, right, low, high } = boundsOf(x, y)
    const span = Math.max(right - left, high - low, 0)
    // Not many more cells than points.
    this.#cell = Math.max(cell, span / Math.max(8, 4 * Math.sqrt(x.length)), Number.MIN_VALUE)
    this.#left = left
    this.#low = low
    this.#columns = x.length > 0 ? Math.floor((right - left) / this.#cell) + 1 : 1
    this.#lines = x.length > 0 ? Math.floor((high - low) / this.#cell) + 1 : 1
    const cells = this.#columns * this.#lines
    this.#starts = new Int32Array(cells + 1)
    for (let i = 0; i < x.length; i++) this.#starts[this.#cellOf(i) + 1]++
    for (let c = 0; c < cells; c++) this.#starts[c + 1] += this.#starts[c]
    this.#rows = new Int32Array(x.length)
    const next = this.#starts.slice(0, cells)
    for (let i = 0; i < x.length; i++) this.#rows[next[this.#cellOf(i)]++] = i
  }

  /** The nearest of the first `rows` points within a radius, or −1. Ties go to the lower row. */
  nearest(x: number, y: number, radius: number, rows = this.x.length): number {
    let best = -1
    let bestSquare = radius * radius
    const [firstColumn, lastColumn] = this.#range(x - this.#left, radius, this.#columns)
    const [firstLine, lastLine] = this.#range(y - this.#low, radius, this.#lines)
    for (let line = firstLine; line <= lastLine; line++) {
      const end = this.#starts[line * this.#columns + lastColumn + 1]
      for (let k = this.#starts[line * this.#columns + firstColumn]; k < end; k++) {
        const row = this.#rows[k]
        if (row >= rows) continue
        const square = (this.x[row] - x) ** 2 + (this.y[row] - y) ** 2
        if (square < bestSquare || (square === bestSquare && (best < 0 || row < best))) {
          best = row
          bestSquare = square
        }
      }
    }
    return best
  }

  /** All points within a radius, in no particular order. */
  within(x: number, y: number, radius: number): number[] {
    const found: number[] = []
    const [firstColumn, lastColumn] = this.#range(x - this.#left, radius, this.#columns)
    const [firstLine, lastLine] = this.#range(y - this.#low, radius, this.#lines)
    for (let line = firstLine; line <= lastLine; line++) {
      const end = this.#starts[line * this.#columns + lastColumn + 1]
      for (let k = this.#starts[line * this.#columns + firstColumn]; k < end; k++) {
        const row = this.#rows[k]
        if ((this.x[row] - x) ** 2 + (this.y[row] - y) ** 2 <= radius * radius) found.push(row)
      }
    }
    return found
  }

  #cellOf(i: number): number {
    const column = Math.floor((this.x[i] - this.#left) / this.#cell)
    const line = Math.floor((this.y[i] - this.#low) / this.#cell)
    return Math.min(line, this.#lines - 1) * this.#columns + Math.min(column, this.#columns - 1)
  }

  #range(offset: number, radius: number, count: number): [number, number] {
    const first = Math.floor((offset - radius) / this.#cell)
    const last = Math.floor((offset + radius) / this.#cell)
    if (!(last >= 0) || !(first < count)) return [0, -1]
    return [Math.max(0, first), Math.min(count - 1, last)]
  }
}

/** The smallest and largest coordinates of points; ±Infinity where there is none. */
export function boundsOf(x: ArrayLike<number>, y: ArrayLike<number>) {
  let left = Number.POSITIVE_INFINITY
  let low = Number.POSITIVE_INFINITY
  let right = Number.NEGATIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let i = 0; i < x.length; i++) {
    left = Math.min(left, x[i])
    right = Math.max(right, x[i])
    low = Math.min(low, y[i])
    high = Math.max(high, y[i])
  }
  return { left, right, low, high }
}
