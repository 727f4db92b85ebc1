import { median, medianInPlace, selectInPlace } from '#shared/numeric/robust.ts'
import { bicubicMap } from './coarse-map.ts'
import type { Background, Frame } from './frame.ts'

export interface BackgroundOptions {
  /** Side of a cell, pixel; 64 for large frames, 32 for small ones or where the sky is structured. */
  cellPx?: number
}

const CLIP_SIGMA = 3
const CLIP_ROUNDS = 5
const GOOD_FRACTION = 0.5 // a cell with fewer good pixels borrows from its neighbours (SExtractor: BACK_MINGOODFRAC)
const SKEW_LIMIT = 0.3 // |mean − median| / σ beyond which a cell is crowded and the mode estimate fails (Da Costa 1992)
const STRUCTURE_LIMIT = 3 // fine cells that scatter this much more than their noise tell of nebulosity

/**
 * Sky level and noise of a frame, on a mesh of clipped cells (Bertin & Arnouts 1996, §3): mode estimate per cell, 3×3
 * median over the mesh, natural bicubic spline between the centres. Masked pixels do not count. Where the sky is
 * structured (nebulae) finer cells are taken. The noise is that of second differences of pixels two columns apart where that
 * is less than the plain scatter, so that structure inside a cell does not pass for noise.
 *
 * Where no pixel is good, level and noise are NaN.
 */
export function estimateBackground(frame: Frame, options: BackgroundOptions = {}): Background {
  const mesh = options.cellPx ? measureMesh(frame, options.cellPx) : chooseMesh(frame)
  fillHoles(mesh.level, mesh.columns, mesh.rows)
  fillHoles(mesh.rms, mesh.columns, mesh.rows)
  const levels = medianFilter(mesh.level, mesh.columns, mesh.rows)
  const noises = medianFilter(mesh.rms, mesh.columns, mesh.rows)
  return {
    level: bicubicMap(levels, mesh.columns, mesh.rows, frame.width, frame.height),
    rms: bicubicMap(noises, mesh.columns, mesh.rows, frame.width, frame.height, lowest(noises) / 2),
    medianLevel: median(levels),
    medianRms: median(noises),
  }
}

interface Mesh {
  columns: number
  rows: number
  level: Float64Array
  rms: Float64Array
}

function chooseMesh(frame: Frame): Mesh {
  // An even number of cells, so that four make a wide one.
  const fine = measureMesh(frame, 32, 2)
  const { columns, rows } = fine
  if (columns < 12 || rows < 12) return fine
  const smooth = medianFilter(fine.level, columns, rows, 2)
  const excess = new Float64Array(columns * rows)
  // A median of n pixels has an error of 1.25 σ/√n; the stars in a cell about double it.
  for (let i = 0; i < excess.length; i++) excess[i] = Math.abs(fine.level[i] - smooth[i]) / (fine.rms[i] / 32)
  return median(excess) > STRUCTURE_LIMIT ? fine : merged(fine)
}

/** Cells twice as wide: the middle of each four. */
function merged({ columns, rows, level, rms }: Mesh): Mesh {
  const halfColumns = columns >> 1
  const halfRows = rows >> 1
  const wide = {
    columns: halfColumns,
    rows: halfRows,
    level: new Float64Array(halfColumns * halfRows),
    rms: new Float64Array(halfColumns * halfRows),
  }
  for (let y = 0; y < halfRows; y++) {
    for (let x = 0; x < halfColumns; x++) {
      const first = 2 * y * columns + 2 * x
      const four = [first, first + 1, first + columns, first + columns + 1]
      wide.level[y * halfColumns + x] = median(four.map(cell => level[cell]))
      wide.rms[y * halfColumns + x] = median(four.map(cell => rms[cell]))
    }
  }
  return wide
}

function measureMesh(frame: Frame, cellPx: number, multiple = 1): Mesh {
  const columns = multiple * Math.max(1, Math.round(frame.width / cellPx / multiple))
  const rows = multiple * Math.max(1, Math.round(frame.height / cellPx / multiple))
  const level = new Float64Array(columns * rows)
  const rms = new Float64Array(columns * rows)
  const largest = (Math.ceil(frame.width / columns) + 1) * (Math.ceil(frame.height / rows) + 1)
  const values = new Float32Array(largest)
  const steps = new Float32Array(largest)
  for (let row = 0; row < rows; row++) {
    const y0 = Math.floor((row * frame.height) / rows)
    const y1 = Math.floor(((row + 1) * frame.height) / rows)
    for (let column = 0; column < columns; column++) {
      const x0 = Math.floor((column * frame.width) / columns)
      const x1 = Math.floor(((column + 1) * frame.width) / columns)
      const cell = row * columns + column
      const count = gather(frame, x0, x1, y0, y1, values, steps)
      if (count.values < GOOD_FRACTION * (x1 - x0) * (y1 - y0) || count.values < 8) {
        level[cell] = rms[cell] = Number.NaN
        continue
      }
      const sky = clippedMode(values, count.values)
      level[cell] = sky.mode
      const ofSteps = differenceSigma(steps, count.steps, sky.sigma)
      rms[cell] = Math.min(Number.isNaN(ofSteps) ? sky.sigma : ofSteps, sky.sigma)
    }
  }
  return { columns, rows, level, rms }
}

/** Good pixels of a cell, and second differences of those two columns apart: blind to slopes and to resampling. */
function gather(
  frame: Frame,
  x0: number,
  x1: number,
  y0: number,
  y1: number,
  values: Float32Array,
  steps: Float32Array,
): { values: number; steps: number } {
  const { width, pixels, mask } = frame
  let n = 0
  let m = 0
  for (let y = y0; y < y1; y++) {
    for (let i = y * width + x0; i < y * width + x1; i++) {
      const value = pixels[i]
      if (mask[i] !== 0 || !(Math.abs(value) < 1e30)) continue
      values[n++] = value
      if (i - y * width - x0 < 4 || mask[i - 2] !== 0 || mask[i - 4] !== 0) continue
      const step = value - 2 * pixels[i - 2] + pixels[i - 4]
      if (Math.abs(step) < 1e30) steps[m++] = step
    }
  }
  return { values: n, steps: m }
}

/**
 * Mode and scatter of sky pixels after clipping: 2.5 median − 1.5 mean where the cell is not crowded, else the median.
 * The median is interpolated inside its step, so that whole numbers with a scatter near 1 keep their fractions.
 */
function clippedMode(values: Float32Array, total: number): { mode: number; sigma: number } {
  const count = total
  const middle = selectInPlace(values, count >> 1, count)
  // Stars only brighten: the lower half tells the noise of the sky.
  const low = selectInPlace(values, Math.floor(count * 0.158655), count)
  let sigma = middle - low || 1
  let centre = middle
  let mean = middle
  let medianNow = middle
  for (let round = 0; round < CLIP_ROUNDS; round++) {
    const from = centre - CLIP_SIGMA * sigma
    const to = centre + CLIP_SIGMA * sigma
    let n = 0
    let sum = 0
    let squares = 0
    for (let i = 0; i < count; i++) {
      const value = values[i]
      if (value < from || value > to) continue
      const offset = value - middle
      n++
      sum += offset
      squares += offset * offset
    }
    if (n === 0) break
    mean = middle + sum / n
    const before = sigma
    // A normal cut at ±3 σ has 0.9866 of its scatter left.
    sigma = Math.sqrt(Math.max(squares / n - (sum / n) ** 2, 1e-12)) / 0.98658
    medianNow = medianWithin(values, count, from, to, n, centre, sigma)
    centre = medianNow
    if (Math.abs(sigma - before) < 1e-3 * sigma) break
  }
  const skewed = Math.abs(mean - medianNow) > SKEW_LIMIT * sigma
  return { mode: skewed ? medianNow : 2.5 * medianNow - 1.5 * mean, sigma }
}

/** Median of the values within [from, to], from a histogram of steps σ/16 (or 1 where that is the step of the data). */
function medianWithin(
  values: Float32Array,
  count: number,
  from: number,
  to: number,
  inside: number,
  centre: number,
  sigma: number,
): number {
  HISTOGRAM.fill(0)
  const half = HISTOGRAM.length >> 1
  const step = sigma < 16 ? Math.max(sigma / 16, Math.fround(centre) % 1 === 0 ? 1 : 0) : sigma / 16
  const start = (step === 1 ? Math.round(centre) : centre) - (half + 0.5) * step
  for (let i = 0; i < count; i++) {
    const value = values[i]
    if (value < from || value > to) continue
    const bin = Math.floor((value - start) / step)
    HISTOGRAM[bin < 0 ? 0 : bin >= HISTOGRAM.length ? HISTOGRAM.length - 1 : bin]++
  }
  let below = 0
  let bin = 0
  while (bin < HISTOGRAM.length && below + HISTOGRAM[bin] < inside / 2) below += HISTOGRAM[bin++]
  return start + (bin + (inside / 2 - below) / HISTOGRAM[bin]) * step
}

const HISTOGRAM = new Int32Array(256)

function differenceSigma(steps: Float32Array, count: number, sigma: number): number {
  if (count < 8) return Number.NaN
  const root = Math.sqrt(6) // a second difference of independent pixels has six times their variance
  let limit = 3 * root * sigma
  let scatter = sigma
  for (let round = 0; round < 6; round++) {
    let n = 0
    let squares = 0
    for (let i = 0; i < count; i++) {
      const step = steps[i]
      if (step > limit || step < -limit) continue
      n++
      squares += step * step
    }
    if (n === 0) return Number.NaN
    const now = Math.sqrt(squares / n / 6) / 0.98658
    const settled = Math.abs(now - scatter) < 1e-3 * scatter
    scatter = now
    limit = 3 * root * scatter
    if (settled) break
  }
  return scatter
}

function fillHoles(grid: Float64Array, columns: number, rows: number): void {
  const source = grid.slice()
  for (let cell = 0; cell < grid.length; cell++) {
    if (!Number.isNaN(source[cell])) continue
    const [x, y] = [cell % columns, Math.floor(cell / columns)]
    let sum = 0
    let n = 0
    for (let reach = 1; n === 0 && reach < Math.max(columns, rows); reach++) {
      for (let v = Math.max(0, y - reach); v <= Math.min(rows - 1, y + reach); v++) {
        for (let u = Math.max(0, x - reach); u <= Math.min(columns - 1, x + reach); u++) {
          if (Number.isNaN(source[v * columns + u])) continue
          sum += source[v * columns + u]
          n++
        }
      }
    }
    grid[cell] = sum / n
  }
}

function medianFilter(grid: Float64Array, columns: number, rows: number, reach = 1): Float64Array {
  const filtered = new Float64Array(grid.length)
  const window = new Float64Array((2 * reach + 1) ** 2)
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      let n = 0
      for (let v = y - reach; v <= y + reach; v++) {
        for (let u = x - reach; u <= x + reach; u++) window[n++] = beyond(grid, columns, rows, u, v)
      }
      filtered[y * columns + x] = medianInPlace(window, n)
    }
  }
  return filtered
}

/** A node of the mesh; outside it the mirror image about the border node, so that a gradient runs on. */
function beyond(grid: Float64Array, columns: number, rows: number, x: number, y: number): number {
  const inX = Math.max(0, Math.min(columns - 1, x))
  const inY = Math.max(0, Math.min(rows - 1, y))
  const inside = grid[inY * columns + inX]
  if (inX === x && inY === y) return inside
  const mirrorX = Math.max(0, Math.min(columns - 1, 2 * inX - x))
  const mirrorY = Math.max(0, Math.min(rows - 1, 2 * inY - y))
  return 2 * inside - grid[mirrorY * columns + mirrorX]
}

function lowest(values: Float64Array): number {
  let least = Number.POSITIVE_INFINITY
  for (const value of values) if (value < least) least = value
  return Number.isFinite(least) ? least : 0
}
