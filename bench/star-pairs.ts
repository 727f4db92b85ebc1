import { linearLeastSquares } from '#shared/numeric/linear.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'

/** Stars that a program measured on a frame: 0-based pixel, ADU. */
export interface StarList {
  x: Float64Array
  y: Float64Array
  flux: Float64Array
  fluxErr: Float64Array
}

/** Stars of one range of signal-to-noise. */
export interface Bin {
  n: number
  /** Of one exposure, mag. */
  scatter: number
  claimed: number
  /** Robust scatter of the difference over its claimed error. */
  pull: number
}

/** Lower ends of the ranges of signal-to-noise. */
const BINS = [5, 15, 50, 150, Number.POSITIVE_INFINITY]
/** Stars are the same within this, pixel. */
const SAME_PX = 1
/** Brightest stars that vote for the shift between exposures, and the size of a vote's cell, pixel. */
const VOTERS = 80
const CELL_PX = 3
const MAG_PER_RELATIVE = 2.5 / Math.LN10

/**
 * Two exposures of one field, measured by several programs: how the magnitudes of the stars that all programs have in both
 * differ.
 *
 * @param first lists of the programs, in one order; the first program's tell the shift and the signal-to-noise
 * @returns for each program its stars; undefined where the exposures do not overlap
 */
export function pairExposures(first: StarList[], second: StarList[]): Compared[][] | undefined {
  const move = shiftBetween(first[0], second[0])
  if (!move) return undefined
  const stars: number[][] = []
  for (let i = 0; i < first[0].x.length; i++) {
    const at = { x: first[0].x[i], y: first[0].y[i] }
    const then = move(at.x, at.y)
    const a = first.map(list => nearest(list, at.x, at.y))
    const b = second.map(list => nearest(list, then.x, then.y))
    if (a.every(k => k >= 0) && b.every(k => k >= 0)) stars.push([i, ...a, ...b])
  }
  const tools = first.length
  return first.map((list, tool) => {
    const rows = stars.map(([i, ...found]) => {
      const [k, l] = [found[tool], found[tools + tool]]
      const later = second[tool]
      return {
        x: first[0].x[i],
        y: first[0].y[i],
        significance: first[0].flux[i] / first[0].fluxErr[i],
        off: -2.5 * Math.log10(later.flux[l] / list.flux[k]),
        error: MAG_PER_RELATIVE * Math.hypot(list.fluxErr[k] / list.flux[k], later.fluxErr[l] / later.flux[l]),
      }
    })
    takeOutPlane(rows)
    return rows
  })
}

/** The magnitudes of two programs on the same pixels, over the errors of the first. */
export function compareTools(own: StarList, other: StarList): { stars: number; bins: Bin[] } | undefined {
  const rows: Compared[] = []
  for (let i = 0; i < own.x.length; i++) {
    const k = nearest(other, own.x[i], own.y[i])
    if (k < 0) continue
    rows.push({
      x: own.x[i],
      y: own.y[i],
      significance: own.flux[i] / own.fluxErr[i],
      off: -2.5 * Math.log10(other.flux[k] / own.flux[i]),
      error: MAG_PER_RELATIVE * (own.fluxErr[i] / own.flux[i]),
    })
  }
  if (rows.length < 10) return undefined
  takeOutPlane(rows)
  return { stars: rows.length, bins: inBins(rows) }
}

/** A star as it was measured twice. */
export interface Compared {
  x: number
  y: number
  /** Flux over its error, by the first program on the first frame. */
  significance: number
  /** Difference of magnitudes and its claimed error. */
  off: number
  error: number
}

/** The stars by their signal-to-noise; those of several pairs together tell more than each pair by itself. */
export function inBins(rows: Compared[]): Bin[] {
  return BINS.slice(1).map((to, bin) => {
    const inside = rows.filter(({ significance }) => significance >= BINS[bin] && significance < to)
    if (inside.length < 4) return { n: 0, scatter: 0, claimed: 0, pull: 0 }
    return {
      n: inside.length,
      scatter: madSigma(inside.map(row => row.off)) / Math.SQRT2,
      claimed: median(inside.map(row => row.error)) / Math.SQRT2,
      pull: madSigma(inside.map(row => row.off / row.error)),
    }
  })
}

/** Subtract a plane over the frame from the differences; outliers have no say. */
function takeOutPlane(rows: Compared[]): void {
  const middle = median(rows.map(row => row.off))
  const size = Math.max(1, ...rows.map(row => Math.max(row.x, row.y)))
  const design = Float64Array.from(rows.flatMap(row => [1, row.x / size - 0.5, row.y / size - 0.5]))
  const off = Float64Array.from(rows, row => row.off - middle)
  let left = off
  let plane = new Float64Array(3)
  for (let round = 0; round < 4; round++) {
    const limit = 3 * Math.max(1e-4, madSigma(left))
    const weights = Float64Array.from(rows, (row, i) => (Math.abs(left[i]) < limit ? 1 / (row.error ** 2 + 1e-4) : 0))
    // A plane asks for more stars than a handful.
    const fit = rows.length > 15 ? linearLeastSquares(design, 3, off, weights) : undefined
    if (!fit) break
    plane = Float64Array.from(fit.coefficients)
    left = off.map((value, i) => value - plane[0] - plane[1] * design[3 * i + 1] - plane[2] * design[3 * i + 2])
  }
  rows.forEach((row, i) => {
    row.off = left[i]
  })
}

function nearest(list: StarList, x: number, y: number): number {
  let found = -1
  let closest = SAME_PX
  for (let i = 0; i < list.x.length; i++) {
    if (Math.abs(list.x[i] - x) > closest) continue
    const distance = Math.hypot(list.x[i] - x, list.y[i] - y)
    if (distance < closest) {
      closest = distance
      found = i
    }
  }
  return found
}

/** Where a star of the first exposure stands on the second: the shift that most pairs of bright stars agree on, then a linear map. */
function shiftBetween(
  first: StarList,
  second: StarList,
): ((x: number, y: number) => { x: number; y: number }) | undefined {
  const bright = (list: StarList) =>
    Array.from(list.flux.keys())
      .sort((a, b) => list.flux[b] - list.flux[a])
      .slice(0, VOTERS)
  const [a, b] = [bright(first), bright(second)]
  const votes = new Map<string, number>()
  let best = { count: 0, dx: 0, dy: 0 }
  for (const i of a)
    for (const j of b) {
      const [u, v] = [
        Math.round((second.x[j] - first.x[i]) / CELL_PX),
        Math.round((second.y[j] - first.y[i]) / CELL_PX),
      ]
      for (const [p, q] of [0, 1, -1].flatMap(p => [0, 1, -1].map(q => [p, q]))) {
        const key = `${u + p} ${v + q}`
        const count = (votes.get(key) ?? 0) + 1
        votes.set(key, count)
        if (count > best.count) best = { count, dx: (u + p) * CELL_PX, dy: (v + q) * CELL_PX }
      }
    }
  if (best.count < 5) return undefined
  let move = (x: number, y: number) => ({ x: x + best.dx, y: y + best.dy })
  for (const within of [2.5 * CELL_PX, 2, 1]) {
    const pairs = Array.from(first.x.keys()).flatMap(i => {
      const at = move(first.x[i], first.y[i])
      let found = -1
      let closest = within
      for (let j = 0; j < second.x.length; j++) {
        const distance = Math.hypot(second.x[j] - at.x, second.y[j] - at.y)
        const alike = Math.abs(Math.log(second.flux[j] / first.flux[i])) < 1
        if (distance < closest && alike) [found, closest] = [j, distance]
      }
      return found < 0 ? [] : [[i, found]]
    })
    if (pairs.length < 5) return undefined
    const design = Float64Array.from(pairs.flatMap(([i]) => [1, first.x[i] / 500, first.y[i] / 500]))
    const along = (column: Float64Array) =>
      linearLeastSquares(
        design,
        3,
        Float64Array.from(pairs, ([, j]) => column[j]),
        new Float64Array(pairs.length).fill(1),
      )
    const [alongX, alongY] = [along(second.x), along(second.y)]
    if (!alongX || !alongY) return undefined
    const [cx, cy] = [alongX.coefficients, alongY.coefficients]
    move = (x, y) => ({
      x: cx[0] + (cx[1] * x) / 500 + (cx[2] * y) / 500,
      y: cy[0] + (cy[1] * x) / 500 + (cy[2] * y) / 500,
    })
  }
  return move
}
