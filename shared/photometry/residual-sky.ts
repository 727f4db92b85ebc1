import { CoarseMap } from '#shared/image/coarse-map.ts'
import { medianInPlace } from '#shared/numeric/robust.ts'
import type { Scene } from './scene.ts'

/** Cells are merged by these factors, coarse to fine. */
const LEVELS = [4, 2, 1]
/** A fine cell this many errors off its surroundings is believed by itself (non-negative garrote, Breiman 1995). */
const GARROTE_SIGMA = 3.5
/** Pixels farther than this from the level of a cell count only as that far (Huber 1964): between median and mean. */
const HUBER_SIGMA = 0.8
const HUBER_ROUNDS = 4
/** Error of that estimate over the one of the mean, for normal noise (asymptotic efficiency 0.85). */
const HUBER_LOSS = 1.2533
/** Where fewer pixels than this lie within the limit, the level is far off and only the median finds it. */
const LEAST_INSIDE = 0.25
/** What a spline through the cells makes of one cell alone, mean over that cell: 0.854 each way. */
const OWN_CELL = 0.73
/** How the map's hump of a light falls with the square of the distance in cells. */
const HUMP_FALL = 1.15
/** Cells each way whose common excess over the noise tells of structure (Lee 1980, adaptive Wiener filter). */
const LEE_REACH = 2

/**
 * Refine the sky where the stars have been taken out: robust means of small cells of the residual, coarse to fine. The
 * coarsest level is taken as it is; a finer one only as far as its cells differ by more than their noise, so that a
 * flat sky stays smooth and a nebula is followed.
 *
 * @param cellPx side of the smallest cells, pixel; several times the stars' width
 * @param before how it was refined before, with the same cells: what was believed then is believed again, or what a star had
 * taken from the sky under it would stay with it
 */
export function refineSky(scene: Scene, cellPx: number, before?: RefinedSky): RefinedSky {
  const { width, height } = scene
  const columns = 4 * Math.max(1, Math.round(width / cellPx / 4))
  const rows = 4 * Math.max(1, Math.round(height / cellPx / 4))
  const cells = measureCells(scene, columns, rows)
  const grid = new Float64Array(columns * rows)
  const rounds = 1 + (before?.rounds ?? 0)
  const refined: RefinedSky = { rounds, columns, rows, pixels: (width * height) / (columns * rows), belief: [] }
  for (const [k, factor] of LEVELS.entries()) {
    const level = mergeCells(cells, grid, columns, rows, factor)
    refined.belief.push(
      factor < LEVELS[0] ? shrink(level, before?.belief[k]) : new Float64Array(level.value.length).fill(1),
    )
    const fine = new CoarseMap(level.value, level.columns, level.rows, columns, rows).whole()
    for (let i = 0; i < grid.length; i++) grid[i] += fine[i]
  }
  scene.raiseSky(new CoarseMap(grid, columns, rows, width, height))
  return refined
}

/** How far a map of the sky follows its cells. */
export interface RefinedSky {
  /** How many times it was refined, each time by what was left. */
  rounds: number
  /** Smallest cells each way, and pixels of one. */
  columns: number
  rows: number
  pixels: number
  /** For each level, coarse to fine, the part that is believed of what each cell differs by. */
  belief: Float64Array[]
}

/** What the map at a place of the frame (scaled to 0 … 1) takes of one ADU more in a pixel there, ADU. */
export function takenBySky({ rounds, columns, rows, pixels, belief }: RefinedSky, x: number, y: number): number {
  const cell = (at: number, cells: number) => Math.min(Math.max(Math.floor(at * cells), 0), cells - 1)
  let taken = 0
  LEVELS.forEach((factor, i) => {
    const part = belief[i][cell(y, rows / factor) * (columns / factor) + cell(x, columns / factor)]
    const ofCell = 1 - (1 - OWN_CELL * part) ** rounds
    taken += ofCell / (pixels * factor * factor) - part * taken
  })
  return taken
}

/**
 * What the map takes of a light that lies anywhere in one of its smallest cells, about the light, as level and bowl
 * (2r² − 1, r = 1 at the edge) of a disc: a parabola, by the mean of the spline through one cell over the places in it,
 * 1 at the light and 0.36 at three quarters of a cell.
 */
export function humpOfSky({ pixels }: RefinedSky, discPx: number): { level: number; bowl: number } {
  const fall = Math.min((HUMP_FALL * discPx * discPx) / pixels, 1) / 2
  return { level: 1 - fall, bowl: -fall }
}

interface Cells {
  columns: number
  rows: number
  /** NaN where no pixel counts. */
  value: Float64Array
  error: Float64Array
}

function measureCells(scene: Scene, columns: number, rows: number): Cells {
  const { width, height } = scene
  const value = new Float64Array(columns * rows)
  const error = new Float64Array(columns * rows)
  const seen = new Float32Array((Math.ceil(width / columns) + 1) * (Math.ceil(height / rows) + 1))
  const sums = scene.memory.floats(3)
  for (let r = 0; r < rows; r++) {
    const y0 = Math.floor((r * height) / rows)
    const y1 = Math.floor(((r + 1) * height) / rows)
    for (let c = 0; c < columns; c++) {
      const x0 = Math.floor((c * width) / columns)
      const x1 = Math.floor(((c + 1) * width) / columns)
      const cell = r * columns + c
      const noise = scene.skyNoise(scene.indexAt((x0 + x1) / 2, (y0 + y1) / 2))
      value[cell] = levelOf(scene, x0, y0, x1, y1, noise, sums, seen)
      const enough = sums[2] > 0.3 * (y1 - y0) * (x1 - x0)
      if (!enough) value[cell] = Number.NaN
      error[cell] = enough ? (HUBER_LOSS * noise) / Math.sqrt(sums[2]) : Number.POSITIVE_INFINITY
    }
  }
  return { columns, rows, value, error }
}

/** Robust level of the residual in a cell; `sums[2]` is left with the number of its usable pixels. */
function levelOf(
  scene: Scene,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  noise: number,
  sums: Float32Array,
  seen: Float32Array,
): number {
  const { width, residual, usable, memory } = scene
  const first = y0 * width + x0
  let level = 0
  for (let round = 0; round < HUBER_ROUNDS; round++) {
    memory.kernels.huber(
      residual.byteOffset + 4 * first,
      usable.byteOffset + first,
      width,
      x1 - x0,
      y1 - y0,
      level,
      HUBER_SIGMA * noise,
      sums.byteOffset,
    )
    if (sums[1] < LEAST_INSIDE * sums[2]) return medianOf(scene, x0, y0, x1, y1, seen)
    const step = sums[0] / sums[1]
    level += step
    if (Math.abs(step) < (0.1 * noise) / Math.sqrt(sums[2])) break
  }
  return level
}

function medianOf(
  { width, residual, usable }: Scene,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  seen: Float32Array,
): number {
  let count = 0
  for (let y = y0; y < y1; y++) {
    for (let k = y * width + x0; k < y * width + x1; k++) if (usable[k]) seen[count++] = residual[k]
  }
  return medianInPlace(seen, count)
}

/** What is left of the cells after `grid`, merged factor × factor by the median; holes become 0. */
function mergeCells(cells: Cells, grid: Float64Array, columns: number, rows: number, factor: number): Cells {
  const merged: Cells = {
    columns: columns / factor,
    rows: rows / factor,
    value: new Float64Array((columns * rows) / (factor * factor)),
    error: new Float64Array((columns * rows) / (factor * factor)),
  }
  const seen = new Float64Array(factor * factor)
  for (let r = 0; r < merged.rows; r++) {
    for (let c = 0; c < merged.columns; c++) {
      let count = 0
      let precision = 0
      for (let b = 0; b < factor; b++) {
        for (let a = 0; a < factor; a++) {
          const cell = (r * factor + b) * columns + c * factor + a
          if (Number.isNaN(cells.value[cell])) continue
          seen[count++] = cells.value[cell] - grid[cell]
          precision += 1 / cells.error[cell] ** 2
        }
      }
      const at = r * merged.columns + c
      merged.value[at] = count > 0 ? medianInPlace(seen, count) : 0
      merged.error[at] = count > 0 ? (factor > 1 ? 1.2 : 1) / Math.sqrt(precision) : Number.POSITIVE_INFINITY
    }
  }
  return merged
}

/** Pull each cell towards zero as far as noise explains it, and no farther than before. @returns the part that is left of each */
function shrink({ columns, rows, value, error }: Cells, before?: Float64Array): Float64Array {
  const belief = new Float64Array(value.length)
  // One wild cell (a star not yet found) must not vouch for its neighbours.
  const power = value.map((v, i) => (v / error[i]) ** 2)
  const capped = power.map(p => Math.min(p, 25))
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const at = r * columns + c
      const { sum, count } = sumAround(capped, columns, rows, c, r)
      const common = sum / count
      // Mean of `count` squares of noise: 1 ± √(2/count); what is above two of these is structure.
      const lee = Math.max(0, 1 - (1 + 2 * Math.sqrt(2 / count)) / common)
      const own = Math.max(0, 1 - GARROTE_SIGMA ** 2 / power[at])
      belief[at] = Math.max(lee, own, before?.[at] ?? 0)
      value[at] *= belief[at]
    }
  }
  return belief
}

function sumAround(values: Float64Array, columns: number, rows: number, column: number, row: number) {
  const [c0, c1] = [Math.max(0, column - LEE_REACH), Math.min(columns - 1, column + LEE_REACH)]
  const [r0, r1] = [Math.max(0, row - LEE_REACH), Math.min(rows - 1, row + LEE_REACH)]
  let sum = 0
  for (let r = r0; r <= r1; r++) {
    for (let k = r * columns + c0; k <= r * columns + c1; k++) sum += values[k]
  }
  return { sum, count: (r1 - r0 + 1) * (c1 - c0 + 1) }
}
