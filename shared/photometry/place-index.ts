/** Stars by place, in square cells: who is near a place. */
export class PlaceIndex {
  readonly #cells = new Map<number, number[]>()
  readonly #side: number

  /** @param side of a cell, pixel: the farthest distance that is asked for */
  constructor(side: number) {
    this.#side = side
  }

  add(x: Float64Array, y: Float64Array, star: number): void {
    const key = this.#key(Math.floor(x[star] / this.#side), Math.floor(y[star] / this.#side))
    const list = this.#cells.get(key)
    if (list) list.push(star)
    else this.#cells.set(key, [star])
  }

  /** Distance from a star to the nearest star that was added, Infinity beyond a cell's side. */
  nearest(x: Float64Array, y: Float64Array, star: number): number {
    return this.nearestTo(x[star], y[star], x, y)
  }

  /** Distance from a place to the nearest star that was added, Infinity beyond a cell's side. */
  nearestTo(px: number, py: number, x: Float64Array, y: Float64Array): number {
    let closest = Number.POSITIVE_INFINITY
    this.visit(px, py, star => {
      closest = Math.min(closest, Math.hypot(x[star] - px, y[star] - py))
    })
    return closest
  }

  /** Call for each star in the cells around a place: all within a cell's side, and some beyond. */
  visit(px: number, py: number, call: (star: number) => void): void {
    const i = Math.floor(px / this.#side)
    const j = Math.floor(py / this.#side)
    for (let a = i - 1; a <= i + 1; a++) {
      for (let b = j - 1; b <= j + 1; b++) {
        for (const star of this.#cells.get(this.#key(a, b)) ?? []) call(star)
      }
    }
  }

  #key(i: number, j: number): number {
    return (i + 2) * 65536 + j + 2
  }
}
