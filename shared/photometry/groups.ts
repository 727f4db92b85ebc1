import type { SceneStars } from './scene.ts'

/** The largest group that is fitted at once: its normal matrix has three columns for each star. */
export const MAX_GROUP = 25

/** Rows of the frame that stay in the processor's memory. */
const STRIP_PX = 64

/**
 * Friends of friends: stars closer than the linking length belong together. Groups that grow beyond
 * {@link MAX_GROUP} are split with a shorter length; their members then see each other as subtracted neighbours.
 *
 * @returns groups of star indices, in strips over the frame, so that those fitted one after the other lie in the same part of
 *   memory; inside a group the brightest comes first
 */
export function groupStars(stars: SceneStars, linkPx: number): Int32Array[] {
  const groups: Int32Array[] = []
  link(stars, stars.byFlux(), linkPx, groups)
  const strip = (group: Int32Array) => Math.floor(stars.y[group[0]] / STRIP_PX)
  return groups.sort((a, b) => strip(a) - strip(b) || stars.x[a[0]] - stars.x[b[0]] || a[0] - b[0])
}

/** @param members brightest first */
function link(stars: SceneStars, members: Int32Array, linkPx: number, groups: Int32Array[]): void {
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
    const sorted = group.slice(0, size).sort()
    for (let i = 0; i < size; i++) sorted[i] = members[sorted[i]]
    // Stars on one place cannot be split by any length: the cut then is by brightness.
    if (size <= MAX_GROUP) groups.push(sorted)
    else if (linkPx > 0.05) link(stars, sorted, linkPx * 0.8, groups)
    else for (let i = 0; i < size; i += MAX_GROUP) groups.push(sorted.slice(i, i + MAX_GROUP))
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
