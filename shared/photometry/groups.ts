import type { SceneStars } from './scene-stars.ts'

/** The largest group that is fitted at once: its normal matrix has three columns for each star. */
export const MAX_GROUP = 25

/** Rows of the frame that stay in the processor's memory. */
const STRIP_PX = 64

/** Groups of stars, one behind the other. */
export class Groups {
  count = 0
  #stars: Int32Array
  /** Where each group begins, and where the last one ends. */
  #starts: Int32Array

  /** @param stars how many there are in all */
  constructor(stars: number) {
    this.#stars = new Int32Array(stars)
    this.#starts = new Int32Array(stars + 1)
  }

  /** The stars of a group. */
  at(group: number): Int32Array {
    return this.#stars.subarray(this.#starts[group], this.#starts[group + 1])
  }

  add(stars: Int32Array): void {
    const start = this.#starts[this.count++]
    this.#stars.set(stars, start)
    this.#starts[this.count] = start + stars.length
  }

  /** Put the groups into the order in which a key of their first stars grows. */
  sortBy(key: (star: number) => number): void {
    const keys = new Float64Array(this.count)
    for (let group = 0; group < this.count; group++) keys[group] = key(this.#stars[this.#starts[group]])
    const order = orderOf(keys)
    const sorted = new Groups(this.#stars.length)
    for (const group of order) sorted.add(this.at(group))
    this.#stars = sorted.#stars
    this.#starts = sorted.#starts
  }
}

/** Indices of numbers that are whole and not negative, below 2³¹, in growing order; equal ones by index. */
function orderOf(keys: Float64Array): Int32Array {
  // Sorted as plain numbers, which takes no comparing function.
  const numbers = keys.map((key, i) => key * MOST_GROUPS + i).sort()
  return new Int32Array(numbers.map(number => number % MOST_GROUPS))
}
const MOST_GROUPS = 2 ** 21

/**
 * Friends of friends: stars closer than the linking length belong together. Groups that grow beyond
 * {@link MAX_GROUP} are split with a shorter length; their members then see each other as subtracted neighbours.
 *
 * @returns groups of star indices, in strips over the frame, so that those fitted one after the other lie in the same part of
 *   memory; inside a group the brightest comes first
 */
export function groupStars(stars: SceneStars, linkPx: number): Groups {
  const members = stars.byFlux()
  const groups = new Groups(members.length)
  link(stars, members, linkPx, groups)
  const { x, y } = stars
  groups.sortBy(star => Math.max(0, Math.floor(y[star] / STRIP_PX)) * STRIP_KEYS + Math.max(0, Math.floor(x[star])))
  return groups
}
/** More pixels than a row has. */
const STRIP_KEYS = 2 ** 17

/** @param members brightest first */
function link(stars: SceneStars, members: Int32Array, linkPx: number, groups: Groups): void {
  const { x, y } = stars
  const count = members.length
  const cells = new Cells(stars, members, linkPx)
  const seen = new Uint8Array(count)
  const square = linkPx * linkPx
  // Members by their rank in brightness, so that sorting a group sorts it by that.
  const group = new Int32Array(count)
  for (let first = 0; first < count; first++) {
    if (seen[first]) continue
    seen[first] = 1
    group[0] = first
    let size = 1
    for (let at = 0; at < size; at++) {
      const a = members[group[at]]
      for (let cell = 0; cell < 9; cell++) {
        for (let k = cells.first(x[a], y[a], (cell % 3) - 1, Math.floor(cell / 3) - 1); k >= 0; k = cells.next[k]) {
          const b = members[k]
          if (seen[k] || (x[a] - x[b]) ** 2 + (y[a] - y[b]) ** 2 > square) continue
          seen[k] = 1
          group[size++] = k
        }
      }
    }
    const sorted = group.subarray(0, size).sort()
    for (let i = 0; i < size; i++) sorted[i] = members[sorted[i]]
    // Stars on one place cannot be split by any length: the cut then is by brightness.
    if (size <= MAX_GROUP) groups.add(sorted)
    else if (linkPx > 0.05) link(stars, sorted.slice(), linkPx * 0.8, groups)
    else for (let i = 0; i < size; i += MAX_GROUP) groups.add(sorted.subarray(i, i + MAX_GROUP))
  }
}

/** Stars in square cells, each cell a chain: a table of cells that is as large as there are stars, shared by far ones. */
class Cells {
  /** Next of the chain, −1 at its end. */
  readonly next: Int32Array
  readonly #heads: Int32Array
  readonly #perPx: number

  constructor(stars: SceneStars, members: Int32Array, sidePx: number) {
    this.#perPx = 1 / sidePx
    this.next = new Int32Array(members.length)
    let size = 64
    while (size < 2 * members.length) size *= 2
    this.#heads = new Int32Array(size).fill(-1)
    for (let k = members.length - 1; k >= 0; k--) {
      const at = this.#place(stars.x[members[k]], stars.y[members[k]], 0, 0)
      this.next[k] = this.#heads[at]
      this.#heads[at] = k
    }
  }

  /** First of the chain of the cell so many cells right of and above a place; some of it may lie far away. */
  first(x: number, y: number, right: number, up: number): number {
    return this.#heads[this.#place(x, y, right, up)]
  }

  #place(x: number, y: number, right: number, up: number): number {
    const i = Math.floor(x * this.#perPx) + right
    const j = Math.floor(y * this.#perPx) + up
    return ((Math.imul(i, 0x9e3779b1) ^ Math.imul(j, 0x85ebca6b)) >>> 7) & (this.#heads.length - 1)
  }
}
