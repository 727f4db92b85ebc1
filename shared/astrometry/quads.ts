import { boundsOf, PointGrid } from '#shared/numeric/point-grid.ts'

/**
 * Figures of four stars and their codes, which do not change under shift, turn and scale (Lang et al. 2010, §2.1): with
 * the most distant pair A, B at 0 and 1 of the complex plane, the code is where C and D fall. A and B, and C and D, are
 * told apart by cx ≤ dx and cx + dx ≤ 1. A mirror image has the signs of cy and dy turned.
 */
export interface Quads {
  count: number
  /** Rows of A, B, C, D: four per quad. */
  stars: Int32Array
  /** cx, cy, dx, dy: four per quad. */
  code: Float64Array
}

/**
 * Quads of each point with three of its nearest neighbours, each figure once.
 *
 * @param neighbours how many of the nearest take part
 */
export function neighbourQuads(x: ArrayLike<number>, y: ArrayLike<number>, neighbours: number): Quads {
  const near = nearestNeighbours(x, y, neighbours)
  const most = (x.length * neighbours * (neighbours - 1) * (neighbours - 2)) / 6
  const quads: Quads = { count: 0, stars: new Int32Array(4 * most), code: new Float64Array(4 * most) }
  const four = new Int32Array(4)
  for (let i = 0; i < x.length; i++) {
    const list = near[i]
    for (let a = 0; a < list.length; a++) {
      for (let b = a + 1; b < list.length; b++) {
        for (let c = b + 1; c < list.length; c++) {
          four[0] = i
          four[1] = list[a]
          four[2] = list[b]
          four[3] = list[c]
          if (isFirstOwner(near, four)) addQuad(x, y, four, quads)
        }
      }
    }
  }
  quads.stars = quads.stars.subarray(0, 4 * quads.count)
  quads.code = quads.code.subarray(0, 4 * quads.count)
  return quads
}

/** Whether no star of the figure with a lower row has the other three among its neighbours too. */
function isFirstOwner(near: number[][], four: Int32Array): boolean {
  for (let k = 1; k < 4; k++) {
    if (four[k] > four[0]) continue
    const list = near[four[k]]
    let shared = 0
    for (let m = 0; m < 4; m++) if (m !== k && list.includes(four[m])) shared++
    if (shared === 3) return false
  }
  return true
}

function nearestNeighbours(x: ArrayLike<number>, y: ArrayLike<number>, wanted: number): number[][] {
  const { left, right, low, high } = boundsOf(x, y)
  const span = Math.max(right - left, high - low, Number.MIN_VALUE)
  const start = span * Math.sqrt((wanted + 1) / Math.max(1, x.length))
  const grid = new PointGrid(x, y, start / 2)
  const lists: number[][] = []
  for (let i = 0; i < x.length; i++) {
    let found: number[] = []
    for (let radius = start / 2; found.length <= wanted && radius < 4 * span; radius *= 1.6) {
      found = grid.within(x[i], y[i], radius)
    }
    lists.push(nearestOf(found, x, y, i, wanted))
  }
  return lists
}

/** Those of some rows that are nearest to row i, nearest first; of those as far the lower. */
function nearestOf(rows: number[], x: ArrayLike<number>, y: ArrayLike<number>, i: number, wanted: number): number[] {
  const nearest: number[] = []
  const squares: number[] = []
  for (const row of rows) {
    if (row === i) continue
    const square = (x[row] - x[i]) ** 2 + (y[row] - y[i]) ** 2
    let at = nearest.length
    while (at > 0 && (square < squares[at - 1] || (square === squares[at - 1] && row < nearest[at - 1]))) at--
    if (at >= wanted) continue
    if (nearest.length < wanted) {
      nearest.push(row)
      squares.push(square)
    }
    for (let k = nearest.length - 1; k > at; k--) {
      nearest[k] = nearest[k - 1]
      squares[k] = squares[k - 1]
    }
    nearest[at] = row
    squares[at] = square
  }
  return nearest
}

/**
 * Add the figure of four points to a list that has room for it; none where they coincide.
 *
 * @param four their rows, in any order
 */
export function addQuad(x: ArrayLike<number>, y: ArrayLike<number>, four: Int32Array, into: Quads): void {
  let longest = 0
  let first = 0
  let second = 1
  for (let p = 0; p < 4; p++) {
    for (let q = p + 1; q < 4; q++) {
      const square = (x[four[p]] - x[four[q]]) ** 2 + (y[four[p]] - y[four[q]]) ** 2
      if (square > longest) {
        longest = square
        first = p
        second = q
      }
    }
  }
  if (!(longest > 0)) return
  let a = four[first]
  let b = four[second]
  let c = -1
  let d = -1
  for (let k = 0; k < 4; k++) {
    if (k === first || k === second) continue
    if (c < 0) c = four[k]
    else d = four[k]
  }
  const baseX = x[b] - x[a]
  const baseY = y[b] - y[a]
  let cx = ((x[c] - x[a]) * baseX + (y[c] - y[a]) * baseY) / longest
  let cy = ((y[c] - y[a]) * baseX - (x[c] - x[a]) * baseY) / longest
  let dx = ((x[d] - x[a]) * baseX + (y[d] - y[a]) * baseY) / longest
  let dy = ((y[d] - y[a]) * baseX - (x[d] - x[a]) * baseY) / longest
  if (cx + dx > 1) {
    const swapped = a
    a = b
    b = swapped
    cx = 1 - cx
    cy = -cy
    dx = 1 - dx
    dy = -dy
  }
  const at = 4 * into.count++
  const inOrder = cx <= dx
  into.stars[at] = a
  into.stars[at + 1] = b
  into.stars[at + 2] = inOrder ? c : d
  into.stars[at + 3] = inOrder ? d : c
  into.code[at] = inOrder ? cx : dx
  into.code[at + 1] = inOrder ? cy : dy
  into.code[at + 2] = inOrder ? dx : cx
  into.code[at + 3] = inOrder ? dy : cy
}

const BIN = 3 // side of a bin in tolerances

/** Quads sorted by code into bins, for "which have nearly this code". */
export class QuadIndex {
  readonly quads: Quads
  readonly #tolerance: number
  /** Hash table: first quad of each chain, and the next of each quad; −1 ends it. Chains may mix bins. */
  readonly #heads: Int32Array
  readonly #next: Int32Array
  readonly #low = new Int32Array(4)
  readonly #high = new Int32Array(4)

  constructor(quads: Quads, tolerance: number) {
    this.quads = quads
    this.#tolerance = tolerance
    const size = 2 ** Math.ceil(Math.log2(Math.max(16, 2 * quads.count)))
    this.#heads = new Int32Array(size).fill(-1)
    this.#next = new Int32Array(quads.count)
    const side = BIN * tolerance
    const { code } = quads
    for (let k = quads.count - 1; k >= 0; k--) {
      const chain = this.#chain(
        Math.floor(code[4 * k] / side),
        Math.floor(code[4 * k + 1] / side),
        Math.floor(code[4 * k + 2] / side),
        Math.floor(code[4 * k + 3] / side),
      )
      this.#next[k] = this.#heads[chain]
      this.#heads[chain] = k
    }
  }

  /** Numbers of the quads whose code differs by at most the tolerance in every part, added to `found`. */
  similar(cx: number, cy: number, dx: number, dy: number, found: number[]): void {
    this.#side(0, cx)
    this.#side(1, cy)
    this.#side(2, dx)
    this.#side(3, dy)
    const low = this.#low
    const high = this.#high
    for (let i = low[0]; i <= high[0]; i++) {
      for (let j = low[1]; j <= high[1]; j++) {
        for (let k = low[2]; k <= high[2]; k++) {
          for (let l = low[3]; l <= high[3]; l++) this.#scan(i, j, k, l, cx, cy, dx, dy, found)
        }
      }
    }
  }

  #side(part: number, value: number): void {
    this.#low[part] = Math.floor((value - this.#tolerance) / (BIN * this.#tolerance))
    this.#high[part] = Math.floor((value + this.#tolerance) / (BIN * this.#tolerance))
  }

  #scan(
    i: number,
    j: number,
    k: number,
    l: number,
    cx: number,
    cy: number,
    dx: number,
    dy: number,
    found: number[],
  ): void {
    const { code } = this.quads
    const side = BIN * this.#tolerance
    for (let quad = this.#heads[this.#chain(i, j, k, l)]; quad >= 0; quad = this.#next[quad]) {
      const at = 4 * quad
      if (Math.abs(code[at] - cx) > this.#tolerance || Math.abs(code[at + 1] - cy) > this.#tolerance) continue
      if (Math.abs(code[at + 2] - dx) > this.#tolerance || Math.abs(code[at + 3] - dy) > this.#tolerance) continue
      // A chain may be walked for two bins that share it: each quad answers for its own bin.
      if (Math.floor(code[at] / side) !== i || Math.floor(code[at + 1] / side) !== j) continue
      if (Math.floor(code[at + 2] / side) !== k || Math.floor(code[at + 3] / side) !== l) continue
      found.push(quad)
    }
  }

  #chain(i: number, j: number, k: number, l: number): number {
    let hash = Math.imul(i, 0x9e3779b1) ^ Math.imul(j, 0x85ebca6b) ^ Math.imul(k, 0xc2b2ae35) ^ Math.imul(l, 0x27d4eb2f)
    hash ^= hash >>> 15
    return (Math.imul(hash, 0x2c1b3c6d) >>> 8) & (this.#heads.length - 1)
  }
}
