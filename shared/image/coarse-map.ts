import { lineKernels, type Pieces } from './line-kernels.ts'

/**
 * A map with one value per pixel from values at the centres of equal cells: natural cubic spline along the columns of
 * the mesh, then along its rows (as SExtractor's background). Outside the outermost centres the spline runs on
 * straight. Drawn line by line.
 */
export class CoarseMap {
  /** Values at the centres of the cells, row-major, and cells each way. */
  readonly grid: Float64Array
  readonly columns: number
  readonly rows: number
  /** Pixels of a line, and lines. */
  readonly width: number
  readonly height: number
  /** No pixel of the map falls below it. */
  readonly floor: number
  /** Second derivatives along y, along x, and along both of each value of the mesh. */
  readonly #bendY: Float64Array
  readonly #bendX: Float64Array
  readonly #bendXY: Float64Array
  /** Of a row of the map: a straight line before the first node, a cubic between each two, a straight line behind the last. */
  readonly pieces: Pieces
  /** Values and second derivatives of the spline across one line. */
  readonly #across: Float64Array
  readonly #bends: Float64Array
  readonly #weights = new Float64Array(4)

  /**
   * @param grid columns × rows values, row-major; cell (0, 0) covers the first width/columns × height/rows pixels
   * @param floor no pixel of the map falls below it
   */
  constructor(
    grid: Float64Array,
    columns: number,
    rows: number,
    width: number,
    height: number,
    floor = Number.NEGATIVE_INFINITY,
  ) {
    this.grid = grid
    this.columns = columns
    this.rows = rows
    this.width = width
    this.height = height
    this.floor = floor
    this.#bendY = bendsAlong(grid, columns, rows, 'y')
    // Bends are linear in the values, so those of a line lie between the bends of the mesh as its values do.
    this.#bendX = bendsAlong(grid, columns, rows, 'x')
    this.#bendXY = bendsAlong(this.#bendY, columns, rows, 'x')
    this.pieces = piecesOf(columns, width / columns, width)
    this.#across = new Float64Array(columns)
    this.#bends = new Float64Array(columns)
  }

  /** Line y of the map; it lies where the kernels of lines work, until they draw the next one. */
  line(y: number): Float32Array {
    const kernels = lineKernels()
    this.cubics(y, kernels.cubics())
    return kernels.draw(this.pieces, this.floor)
  }

  /** Coefficients of the pieces of line y: value, slope, square and cube of each, four numbers for each piece. */
  cubics(y: number, into: Float32Array): void {
    const { columns, rows } = this
    const r = splineWeights(((y + 0.5) * rows) / this.height - 0.5, rows, this.#weights)
    const lower = r * columns
    const upper = Math.min(r + 1, rows - 1) * columns
    between(this.grid, this.#bendY, lower, upper, this.#weights, this.#across)
    between(this.#bendX, this.#bendXY, lower, upper, this.#weights, this.#bends)
    writeCubics(this.#across, this.#bends, into)
  }

  /** The whole map. */
  whole(): Float32Array {
    const map = new Float32Array(this.width * this.height)
    for (let y = 0; y < this.height; y++) map.set(this.line(y), y * this.width)
    return map
  }
}

function piecesOf(nodes: number, step: number, width: number): Pieces {
  const starts = new Int32Array(nodes + 2)
  const part = new Float64Array(width)
  let last = 0
  for (let x = 0; x < width; x++) {
    const place = (x + 0.5) / step - 0.5
    const node = Math.min(nodes - 1, Math.max(0, Math.floor(place)))
    const piece = place < 0 ? 0 : node + 1
    while (last < piece) starts[++last] = x
    part[x] = place - node
  }
  while (last < nodes + 1) starts[++last] = width
  return { starts, part }
}

/** The spline along y through columns of the mesh, between the rows that start at `lower` and `upper`. */
function between(
  values: Float64Array,
  bends: Float64Array,
  lower: number,
  upper: number,
  [value, nextValue, bend, nextBend]: Float64Array,
  out: Float64Array,
): void {
  for (let c = 0; c < out.length; c++) {
    out[c] =
      value * values[lower + c] + nextValue * values[upper + c] + bend * bends[lower + c] + nextBend * bends[upper + c]
  }
}

/** Pieces of the natural cubic spline through values at steps of 1, from its second derivatives. */
function writeCubics(values: Float64Array, bends: Float64Array, into: Float32Array): void {
  const last = values.length - 1
  let slope = 0
  for (let c = 0, at = 4; c < last; c++, at += 4) {
    slope = values[c + 1] - values[c] - bends[c] / 3 - bends[c + 1] / 6
    into[at] = values[c]
    into[at + 1] = slope
    into[at + 2] = bends[c] / 2
    into[at + 3] = (bends[c + 1] - bends[c]) / 6
  }
  into[0] = values[0]
  into[1] = last > 0 ? into[5] : 0
  const end = 4 * (last + 1)
  into[end] = values[last]
  into[end + 1] = last > 0 ? slope + (bends[last - 1] + bends[last]) / 2 : 0
  into[2] = into[3] = into[end + 2] = into[end + 3] = 0
}

/** Second derivatives at the nodes of the natural cubic splines (steps of 1) along each column or row of a mesh. */
function bendsAlong(grid: Float64Array, columns: number, rows: number, axis: 'x' | 'y'): Float64Array {
  const bends = new Float64Array(columns * rows)
  const [n, step, lines, apart] = axis === 'x' ? [columns, 1, rows, columns] : [rows, columns, columns, 1]
  if (n < 3) return bends
  const factor = new Float64Array(n)
  for (let i = 1; i < n - 1; i++) factor[i] = 1 / (4 - factor[i - 1])
  for (let line = 0; line < lines; line++) naturalSpline(grid, bends, factor, line * apart, step)
  return bends
}

/** One line of the mesh, from `first` on: the tridiagonal equations, whose pivots are 1 / `factor`. */
function naturalSpline(grid: Float64Array, bends: Float64Array, factor: Float64Array, first: number, step: number) {
  const n = factor.length
  for (let i = 1, k = first + step; i < n - 1; i++, k += step) {
    bends[k] = (6 * (grid[k + step] - 2 * grid[k] + grid[k - step]) - bends[k - step]) * factor[i]
  }
  for (let i = n - 2, k = first + i * step; i > 0; i--, k -= step) bends[k] -= factor[i] * bends[k + step]
}

/** Writes the weights of value, next value, bend, next bend at a place in units of nodes; returns the lower node. */
function splineWeights(place: number, nodes: number, into: Float64Array): number {
  const lower = Math.max(0, Math.min(nodes - 2, Math.floor(place)))
  const b = nodes < 2 ? 0 : place - lower
  const a = 1 - b
  into[0] = a
  into[1] = b
  if (b < 0) {
    // straight on with the slope at the first node
    into[2] = -b / 3
    into[3] = -b / 6
  } else if (b > 1) {
    into[2] = (b - 1) / 6
    into[3] = (b - 1) / 3
  } else {
    into[2] = (a * a * a - a) / 6
    into[3] = (b * b * b - b) / 6
  }
  return lower
}
