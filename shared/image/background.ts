import { median, medianInPlace } from '#shared/numeric/robust.ts'
import { CoarseMap } from './coarse-map.ts'
import type { Frame } from './frame.ts'
import { measureSkyCell, type SkyCell } from './sky-cell.ts'
import { SkyHistograms } from './sky-histograms.ts'

export interface BackgroundOptions {
  /** Side of a cell, pixel; 64 for large frames, 32 for small ones or where the sky is structured. */
  cellPx?: number
}

const GOOD_FRACTION = 0.5 // a cell with fewer good pixels borrows from its neighbours (SExtractor: BACK_MINGOODFRAC)
const STRUCTURE_LIMIT = 3 // fine cells that scatter this much more than their noise tell of nebulosity

/**
 * Sky level and noise of a frame, on a mesh of cells (see {@link measureSkyCell}): 3×3 median over the mesh, natural
 * bicubic spline between the centres. Masked pixels do not count. Where the sky is structured (nebulae) finer cells are
 * taken.
 *
 * Where no pixel is good, level and noise are NaN.
 */
export function estimateBackground(frame: Frame, options: BackgroundOptions = {}): Background {
  const mesh = options.cellPx ? measureMesh(frame, options.cellPx) : chooseMesh(frame)
  fillHoles(mesh.level, mesh.columns, mesh.rows)
  fillHoles(mesh.rms, mesh.columns, mesh.rows)
  const levels = medianFilter(mesh.level, mesh.columns, mesh.rows)
  const noises = medianFilter(mesh.rms, mesh.columns, mesh.rows)
  const { columns, rows } = mesh
  const { width, height } = frame
  return new Background(
    new CoarseMap(levels, columns, rows, width, height),
    new CoarseMap(noises, columns, rows, width, height, lowest(noises) / 2),
    median(levels),
    median(noises),
  )
}

const BLOCK_BITS = 3
/** Side of the blocks within which the noise is the same, from the frame's first pixel on. */
export const NOISE_BLOCK_PX = 1 << BLOCK_BITS
const HALF_BLOCK_PX = NOISE_BLOCK_PX / 2

/** Noise of the sky's pixels in blocks of 8 × 8: it changes over whole cells, and a value a pixel would be waste. */
export class Noise {
  /** Blocks of a line. */
  readonly columns: number
  /** ADU (1 σ), at the middle of each block. */
  readonly blocks: Float32Array

  constructor(map: CoarseMap) {
    const { width, height } = map
    this.columns = ((width - 1) >> BLOCK_BITS) + 1
    const lines = ((height - 1) >> BLOCK_BITS) + 1
    this.blocks = new Float32Array(this.columns * lines)
    for (let v = 0; v < lines; v++) this.#fill(v, map.line(Math.min(height - 1, (v << BLOCK_BITS) + HALF_BLOCK_PX)))
  }

  #fill(v: number, line: Float32Array): void {
    const { blocks, columns } = this
    const last = line.length - 1
    for (let u = 0; u < columns; u++) blocks[v * columns + u] = line[Math.min(last, (u << BLOCK_BITS) + HALF_BLOCK_PX)]
  }

  /** Noise of the pixel at whole coordinates, ADU. */
  at(x: number, y: number): number {
    return this.blocks[(y >> BLOCK_BITS) * this.columns + (x >> BLOCK_BITS)]
  }
}

/** Sky of a frame, in coarse cells; maps of every pixel are drawn when they are asked for, and kept. */
export class Background {
  /** Lines of the level, for whoever wants each pixel only once. */
  readonly levels: CoarseMap
  readonly #noises: CoarseMap
  /** Medians over the frame, ADU. */
  readonly medianLevel: number
  readonly medianRms: number
  #level?: Float32Array
  #noise?: Noise

  constructor(levels: CoarseMap, noises: CoarseMap, medianLevel: number, medianRms: number) {
    this.levels = levels
    this.#noises = noises
    this.medianLevel = medianLevel
    this.medianRms = medianRms
  }

  /** Sky level, ADU, one value per pixel. */
  get level(): Float32Array {
    return (this.#level ??= this.levels.whole())
  }

  /** Noise of a sky pixel, ADU (1 σ). */
  get noise(): Noise {
    return (this.#noise ??= new Noise(this.#noises))
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
  const four = new Float64Array(4)
  for (let y = 0; y < halfRows; y++) {
    for (let x = 0; x < halfColumns; x++) {
      const first = 2 * y * columns + 2 * x
      wide.level[y * halfColumns + x] = middleOfFour(level, first, columns, four)
      wide.rms[y * halfColumns + x] = middleOfFour(rms, first, columns, four)
    }
  }
  return wide
}

/** Median of the values of four cells, of those that are there; NaN where none is. */
function middleOfFour(values: Float64Array, first: number, columns: number, four: Float64Array): number {
  let n = 0
  for (let cell = first; cell <= first + columns; cell += columns) {
    if (!Number.isNaN(values[cell])) four[n++] = values[cell]
    if (!Number.isNaN(values[cell + 1])) four[n++] = values[cell + 1]
  }
  return medianInPlace(four, n)
}

function measureMesh(frame: Frame, cellPx: number, multiple = 1): Mesh {
  const columns = multiple * Math.max(1, Math.round(frame.width / cellPx / multiple))
  const rows = multiple * Math.max(1, Math.round(frame.height / cellPx / multiple))
  const level = new Float64Array(columns * rows)
  const rms = new Float64Array(columns * rows)
  const sky: SkyCell = { level: 0, rms: 0 }
  const histograms = new SkyHistograms(frame)
  for (let row = 0; row < rows; row++) {
    histograms.take(Math.floor((row * frame.height) / rows), Math.floor(((row + 1) * frame.height) / rows))
    for (let column = 0; column < columns; column++) measureCell(row, column)
  }
  return { columns, rows, level, rms }

  function measureCell(row: number, column: number): void {
    const x0 = Math.floor((column * frame.width) / columns)
    const x1 = Math.floor(((column + 1) * frame.width) / columns)
    measureSkyCell(histograms, x0, x1, GOOD_FRACTION, sky)
    level[row * columns + column] = sky.level
    rms[row * columns + column] = sky.rms
  }
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
  const wide = columns + 2 * reach
  const around = widened(grid, columns, rows, reach)
  const filtered = new Float64Array(grid.length)
  const window = new Float64Array((2 * reach + 1) ** 2)
  for (let y = 0; y < rows; y++) filterRow(y)
  return filtered

  function filterRow(y: number): void {
    for (let x = 0; x < columns; x++) {
      fillWindow(around, wide, y * wide + x, 2 * reach + 1, window)
      filtered[y * columns + x] = medianInPlace(window)
    }
  }
}

/** A grid with so many nodes more on each side. */
function widened(grid: Float64Array, columns: number, rows: number, reach: number): Float64Array {
  const wide = new Float64Array((columns + 2 * reach) * (rows + 2 * reach))
  for (let y = -reach, k = 0; y < rows + reach; y++)
    for (let x = -reach; x < columns + reach; x++) wide[k++] = beyond(grid, columns, rows, x, y)
  return wide
}

/** A square of a grid from its first value on. */
function fillWindow(grid: Float64Array, columns: number, first: number, side: number, window: Float64Array): void {
  let n = 0
  for (let v = 0; v < side; v++) for (let u = 0; u < side; u++) window[n++] = grid[first + v * columns + u]
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
