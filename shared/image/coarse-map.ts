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
  /** Second derivatives along y, per column of the mesh. */
  readonly #bendY: Float64Array
  readonly #intervals: Intervals
  readonly #across: Float64Array
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
    this.#bendY = new Float64Array(columns * rows)
    const line = new Float64Array(rows)
    for (let c = 0; c < columns; c++) {
      for (let r = 0; r < rows; r++) line[r] = grid[r * columns + c]
      const bends = naturalSpline(line)
      for (let r = 0; r < rows; r++) this.#bendY[r * columns + c] = bends[r]
    }
    this.#intervals = intervals(columns, width / columns, width)
    this.#across = new Float64Array(columns)
  }

  /** Write line y of the map, from place `at` on. */
  line(y: number, into: Float32Array, at = 0): void {
    const columns = this.columns
    const grid = this.grid
    const bendY = this.#bendY
    const across = this.#across
    const weights = this.#weights
    const r = splineWeights(((y + 0.5) * this.rows) / this.height - 0.5, this.rows, weights)
    const next = Math.min(r + 1, this.rows - 1)
    for (let c = 0; c < columns; c++) {
      across[c] =
        weights[0] * grid[r * columns + c] +
        weights[1] * grid[next * columns + c] +
        weights[2] * bendY[r * columns + c] +
        weights[3] * bendY[next * columns + c]
    }
    drawRow(across, naturalSpline(across), this.#intervals, this.#floor, into, at)
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
    const endSlope = slope + 2 * square + 3 * cube
    for (let x = starts[c]; x < starts[c + 1]; x++) {
      const t = part[x]
      let value = values[c] + t * (slope + t * (square + t * cube))
      if (t < 0) value = values[c] + t * slope
      else if (t > 1) value = values[d] + (t - 1) * endSlope
      map[at + x] = value < floor ? floor : value
    }
  }
}

/** Second derivatives at equidistant nodes (step 1) of the natural cubic spline through the values. */
function naturalSpline(values: Float64Array): Float64Array {
  const n = values.length
  const bends = new Float64Array(n)
  if (n < 3) return bends
  const factor = new Float64Array(n)
  for (let i = 1; i < n - 1; i++) {
    const pivot = 4 - factor[i - 1]
    factor[i] = 1 / pivot
    bends[i] = (6 * (values[i + 1] - 2 * values[i] + values[i - 1]) - bends[i - 1]) / pivot
  }
  for (let i = n - 2; i > 0; i--) bends[i] -= factor[i] * bends[i + 1]
  return bends
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
