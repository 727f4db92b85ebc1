/** Chains at first: twice as many as entries at least. */
const CHAINS = 1024

/** Stars by place, in square cells: who is near a place. */
export class PlaceIndex {
  readonly #side: number
  #count = 0
  /** Last entry of each chain of cells, −1 where there is none; of each entry its star, its cell and the entry before. */
  #heads = new Int32Array(CHAINS).fill(-1)
  #star = new Int32Array(CHAINS / 2)
  #cell = new Int32Array(CHAINS / 2)
  #before = new Int32Array(CHAINS / 2)

  /** @param side of a cell, pixel: the farthest distance that is asked for */
  constructor(side: number) {
    this.#side = side
  }

  add(x: Float64Array, y: Float64Array, star: number): void {
    if (this.#count === this.#star.length) this.#grow()
    const cell = cellOf(Math.floor(x[star] / this.#side), Math.floor(y[star] / this.#side))
    this.#star[this.#count] = star
    this.#cell[this.#count] = cell
    this.#link(this.#count++)
  }

  #link(entry: number): void {
    const chain = chainOf(this.#cell[entry], this.#heads.length)
    this.#before[entry] = this.#heads[chain]
    this.#heads[chain] = entry
  }

  #grow(): void {
    const larger = (list: Int32Array) => {
      const next = new Int32Array(2 * list.length)
      next.set(list)
      return next
    }
    this.#star = larger(this.#star)
    this.#cell = larger(this.#cell)
    this.#before = larger(this.#before)
    this.#heads = new Int32Array(2 * this.#heads.length).fill(-1)
    for (let entry = 0; entry < this.#count; entry++) this.#link(entry)
  }

  /** Distance from a star to the nearest star that was added, Infinity beyond a cell's side. */
  nearest(x: Float64Array, y: Float64Array, star: number): number {
    return this.nearestTo(x[star], y[star], x, y)
  }

  /** Distance from a place to the nearest star that was added, Infinity beyond a cell's side. */
  nearestTo(px: number, py: number, x: Float64Array, y: Float64Array): number {
    const star = this.nearestStar(px, py, x, y, Number.POSITIVE_INFINITY)
    return star < 0 ? Number.POSITIVE_INFINITY : Math.sqrt((x[star] - px) ** 2 + (y[star] - py) ** 2)
  }

  /** The nearest star to a place, closer than a distance of a cell's side at most, that is not taken; −1 where there is none. */
  nearestStar(px: number, py: number, x: Float64Array, y: Float64Array, within: number, taken?: Uint8Array): number {
    let nearest = -1
    let closest = within * within
    const i = Math.floor(px / this.#side)
    const j = Math.floor(py / this.#side)
    for (let a = i - 1; a <= i + 1; a++) {
      for (let b = j - 1; b <= j + 1; b++) {
        const cell = cellOf(a, b)
        for (let k = this.#heads[chainOf(cell, this.#heads.length)]; k >= 0; k = this.#before[k]) {
          if (this.#cell[k] !== cell) continue
          const star = this.#star[k]
          const square = (x[star] - px) * (x[star] - px) + (y[star] - py) * (y[star] - py)
          if (square >= closest || taken?.[star]) continue
          closest = square
          nearest = star
        }
      }
    }
    return nearest
  }

  /** Call for each star in the cells around a place: all within a cell's side, and some beyond. */
  visit(px: number, py: number, call: (star: number) => void): void {
    const i = Math.floor(px / this.#side)
    const j = Math.floor(py / this.#side)
    for (let a = i - 1; a <= i + 1; a++) {
      for (let b = j - 1; b <= j + 1; b++) {
        const cell = cellOf(a, b)
        for (let k = this.#heads[chainOf(cell, this.#heads.length)]; k >= 0; k = this.#before[k]) {
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

/** @param chains a power of two */
function chainOf(cell: number, chains: number): number {
  return (Math.imul(cell, 0x9e3779b1) >>> 7) & (chains - 1)
}
