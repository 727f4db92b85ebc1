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
  readonly #floor: number
  /** Second derivatives along y, along x, and along both of each value of the mesh. */
  readonly #bendY: Float64Array
  readonly #bendX: Float64Array
  readonly #bendXY: Float64Array
  readonly #intervals: Intervals
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
    this.#floor = floor
    this.#bendY = bendsAlong(grid, columns, rows, 'y')
    // Bends are linear in the values, so those of a line lie between the bends of the mesh as its values do.
    this.#bendX = bendsAlong(grid, columns, rows, 'x')
    this.#bendXY = bendsAlong(this.#bendY, columns, rows, 'x')
    this.#intervals = intervals(columns, width / columns, width)
    this.#across = new Float64Array(columns)
    this.#bends = new Float64Array(columns)
  }

  /** Write line y of the map, from place `at` on. */
  line(y: number, into: Float32Array, at = 0): void {
    const { columns, rows } = this
    const r = splineWeights(((y + 0.5) * rows) / this.height - 0.5, rows, this.#weights)
    const lower = r * columns
    const upper = Math.min(r + 1, rows - 1) * columns
    between(this.grid, this.#bendY, lower, upper, this.#weights, this.#across)
    between(this.#bendX, this.#bendXY, lower, upper, this.#weights, this.#bends)
    drawRow(this.#across, this.#bends, this.#intervals, this.#floor, into, at)
  }

  /** The whole map. */
  whole(): Float32Array {
    const map = new Float32Array(this.width * this.height)
    for (let y = 0; y < this.height; y++) this.line(y, map, y * this.width)
    return map
  }
}

/** Where each pixel of a row lies between the nodes: the first pixel of each interval, and its part of the way. */
interface Intervals {
  starts: Int32Array
  part: Float64Array
}

function intervals(nodes: number, step: number, width: number): Intervals {
  const count = Math.max(1, nodes - 1)
  const starts = new Int32Array(count + 1)
  const part = new Float64Array(width)
  let last = 0
  for (let x = 0; x < width; x++) {
    const place = (x + 0.5) / step - 0.5
    const lower = Math.max(0, Math.min(count - 1, Math.floor(place)))
    while (last < lower) starts[++last] = x
    part[x] = place - lower
  }
  while (last < count) starts[++last] = width
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

/** One row of the map: in each interval a cubic, before the first node and behind the last a straight line. */
function drawRow(
  values: Float64Array,
  bends: Float64Array,
  { starts, part }: Intervals,
  floor: number,
  map: Float32Array,
  at: number,
): void {
  const last = starts.length - 2
  for (let c = 0; c <= last; c++) {
    const d = Math.min(c + 1, values.length - 1)
    const cube = (bends[d] - bends[c]) / 6
    const square = bends[c] / 2
    const slope = values[d] - values[c] - bends[c] / 3 - bends[d] / 6
    let from = starts[c]
    let to = starts[c + 1]
    for (; c === 0 && from < to && part[from] < 0; from++) {
      map[at + from] = Math.max(values[c] + part[from] * slope, floor)
    }
    const endSlope = slope + 2 * square + 3 * cube
    for (; c === last && to > from && part[to - 1] > 1; to--) {
      map[at + to - 1] = Math.max(values[d] + (part[to - 1] - 1) * endSlope, floor)
    }
    cubic(values[c], slope, square, cube, floor, part, map, at, from, to)
  }
}

/** The pixels of one interval. */
function cubic(
  value: number,
  slope: number,
  square: number,
  cube: number,
  floor: number,
  part: Float64Array,
  map: Float32Array,
  at: number,
  from: number,
  to: number,
): void {
  for (let x = from; x < to; x++) {
    const t = part[x]
    const v = value + t * (slope + t * (square + t * cube))
    map[at + x] = v < floor ? floor : v
  }
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
