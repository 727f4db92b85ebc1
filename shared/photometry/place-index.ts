const CHAINS = 8192

/** Stars by place, in square cells: who is near a place. */
export class PlaceIndex {
  readonly #side: number
  /** Last entry of each chain of cells, −1 where there is none; of each entry its star, its cell and the entry before. */
  readonly #heads = new Int32Array(CHAINS).fill(-1)
  readonly #star: number[] = []
  readonly #cell: number[] = []
  readonly #before: number[] = []

  /** @param side of a cell, pixel: the farthest distance that is asked for */
  constructor(side: number) {
    this.#side = side
  }

  add(x: Float64Array, y: Float64Array, star: number): void {
    const cell = cellOf(Math.floor(x[star] / this.#side), Math.floor(y[star] / this.#side))
    const chain = chainOf(cell)
    this.#before.push(this.#heads[chain])
    this.#heads[chain] = this.#star.length
    this.#star.push(star)
    this.#cell.push(cell)
  }

  /** Distance from a star to the nearest star that was added, Infinity beyond a cell's side. */
  nearest(x: Float64Array, y: Float64Array, star: number): number {
    return this.nearestTo(x[star], y[star], x, y)
  }

  /** Distance from a place to the nearest star that was added, Infinity beyond a cell's side. */
  nearestTo(px: number, py: number, x: Float64Array, y: Float64Array): number {
    let closest = Number.POSITIVE_INFINITY
    this.visit(px, py, star => {
      const square = (x[star] - px) * (x[star] - px) + (y[star] - py) * (y[star] - py)
      if (square < closest) closest = square
    })
    return Math.sqrt(closest)
  }

  /** Call for each star in the cells around a place: all within a cell's side, and some beyond. */
  visit(px: number, py: number, call: (star: number) => void): void {
    const i = Math.floor(px / this.#side)
    const j = Math.floor(py / this.#side)
    for (let a = i - 1; a <= i + 1; a++) {
      for (let b = j - 1; b <= j + 1; b++) {
        const cell = cellOf(a, b)
        for (let k = this.#heads[chainOf(cell)]; k >= 0; k = this.#before[k]) {
          if (this.#cell[k] === cell) call(this.#star[k])
        }
      }
    }
  }
}

/** Number of a cell; frames have fewer than 2^15 cells a side. */
function cellOf(i: number, j: number): number {
  return ((i + 2) << 15) + j + 2
}

function chainOf(cell: number): number {
  return (Math.imul(cell, 0x9e3779b1) >>> 7) & (CHAINS - 1)
}
