import { PointGrid } from '#shared/numeric/point-grid.ts'

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
 * @param x,y points, at most 8191
 * @param neighbours how many of the nearest take part
 */
export function neighbourQuads(x: ArrayLike<number>, y: ArrayLike<number>, neighbours: number): Quads {
  const near = nearestNeighbours(x, y, neighbours)
  const seen = new Set<number>()
  const stars: number[] = []
  const code: number[] = []
  for (let i = 0; i < x.length; i++) {
    const list = near[i]
    for (let a = 0; a < list.length; a++) {
      for (let b = a + 1; b < list.length; b++) {
        for (let c = b + 1; c < list.length; c++) addQuad(x, y, [i, list[a], list[b], list[c]], seen, stars, code)
      }
    }
  }
  return { count: stars.length / 4, stars: Int32Array.from(stars), code: Float64Array.from(code) }
}

function nearestNeighbours(x: ArrayLike<number>, y: ArrayLike<number>, wanted: number): number[][] {
  let left = Number.POSITIVE_INFINITY
  let right = Number.NEGATIVE_INFINITY
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let i = 0; i < x.length; i++) {
    left = Math.min(left, x[i])
    right = Math.max(right, x[i])
    low = Math.min(low, y[i])
    high = Math.max(high, y[i])
  }
  const span = Math.max(right - left, high - low, Number.MIN_VALUE)
  const start = span * Math.sqrt((wanted + 1) / Math.max(1, x.length))
  const grid = new PointGrid(x, y, start / 2)
  const lists: number[][] = []
  for (let i = 0; i < x.length; i++) {
    let found: number[] = []
    for (let radius = start / 2; found.length <= wanted && radius < 4 * span; radius *= 1.6) {
      found = grid.within(x[i], y[i], radius)
    }
    const distance = (row: number) => (x[row] - x[i]) ** 2 + (y[row] - y[i]) ** 2
    lists.push(
      found
        .filter(row => row !== i)
        .sort((a, b) => distance(a) - distance(b) || a - b)
        .slice(0, wanted),
    )
  }
  return lists
}

function addQuad(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  four: number[],
  seen: Set<number>,
  stars: number[],
  code: number[],
): void {
  const rows = four.sort((p, q) => p - q)
  const key = ((rows[0] * 8192 + rows[1]) * 8192 + rows[2]) * 8192 + rows[3]
  if (seen.has(key)) return
  seen.add(key)
  let longest = 0
  let first = 0
  let second = 1
  for (let p = 0; p < 4; p++) {
    for (let q = p + 1; q < 4; q++) {
      const square = (x[rows[p]] - x[rows[q]]) ** 2 + (y[rows[p]] - y[rows[q]]) ** 2
      if (square > longest) {
        longest = square
        first = p
        second = q
      }
    }
  }
  if (!(longest > 0)) return
  let a = rows[first]
  let b = rows[second]
  const rest = rows.filter((_, k) => k !== first && k !== second)
  const place = (row: number): [number, number] => {
    const [px, py, bx, by] = [x[row] - x[a], y[row] - y[a], x[b] - x[a], y[b] - y[a]]
    return [(px * bx + py * by) / longest, (py * bx - px * by) / longest]
  }
  let c = place(rest[0])
  let d = place(rest[1])
  if (c[0] + d[0] > 1) {
    const swapped = a
    a = b
    b = swapped
    c = [1 - c[0], -c[1]]
    d = [1 - d[0], -d[1]]
  }
  const inOrder = c[0] <= d[0]
  stars.push(a, b, inOrder ? rest[0] : rest[1], inOrder ? rest[1] : rest[0])
  code.push(...(inOrder ? [...c, ...d] : [...d, ...c]))
}

/** Quads sorted by code into bins, for "which have nearly this code". */
export class QuadIndex {
  readonly quads: Quads
  readonly #tolerance: number
  readonly #bins = new Map<number, number[]>()

  constructor(quads: Quads, tolerance: number) {
    this.quads = quads
    this.#tolerance = tolerance
    for (let k = 0; k < quads.count; k++) {
      const key = this.#key(quads.code[4 * k], quads.code[4 * k + 1], quads.code[4 * k + 2], quads.code[4 * k + 3])
      const bin = this.#bins.get(key)
      if (bin) bin.push(k)
      else this.#bins.set(key, [k])
    }
  }

  /** Numbers of the quads whose code differs by at most the tolerance in every part. */
  similar(cx: number, cy: number, dx: number, dy: number): number[] {
    const found: number[] = []
    const tolerance = this.#tolerance
    const sides = [cx, cy, dx, dy].map(value => {
      const low = Math.floor((value - tolerance) / (3 * tolerance))
      const high = Math.floor((value + tolerance) / (3 * tolerance))
      return low === high ? [low] : [low, high]
    })
    for (const i of sides[0]) {
      for (const j of sides[1]) {
        for (const k of sides[2]) {
          for (const l of sides[3]) {
            for (const quad of this.#bins.get(binKey(i, j, k, l)) ?? []) {
              const code = this.quads.code
              if (
                Math.abs(code[4 * quad] - cx) <= tolerance &&
                Math.abs(code[4 * quad + 1] - cy) <= tolerance &&
                Math.abs(code[4 * quad + 2] - dx) <= tolerance &&
                Math.abs(code[4 * quad + 3] - dy) <= tolerance
              ) {
                found.push(quad)
              }
            }
          }
        }
      }
    }
    return found
  }

  #key(cx: number, cy: number, dx: number, dy: number): number {
    const side = 3 * this.#tolerance
    return binKey(Math.floor(cx / side), Math.floor(cy / side), Math.floor(dx / side), Math.floor(dy / side))
  }
}

/** One number for four bin numbers between −2048 and 2047. */
function binKey(i: number, j: number, k: number, l: number): number {
  return (((i + 2048) * 4096 + (j + 2048)) * 4096 + (k + 2048)) * 4096 + (l + 2048)
}
