/**
 * A map with one value per pixel from values at the centres of equal cells: natural cubic spline along the columns of
 * the mesh, then along its rows (as SExtractor's background). Outside the outermost centres the spline runs on
 * straight.
 *
 * @param grid columns × rows values, row-major; cell (0, 0) covers the first width/columns × height/rows pixels
 * @param floor no pixel of the map falls below it
 */
export function bicubicMap(
  grid: Float64Array,
  columns: number,
  rows: number,
  width: number,
  height: number,
  floor = Number.NEGATIVE_INFINITY,
): Float32Array {
  const map = new Float32Array(width * height)
  const stepX = width / columns
  const stepY = height / rows
  const bendY = new Float64Array(columns * rows) // second derivatives along y, per column of the mesh
  const line = new Float64Array(rows)
  for (let c = 0; c < columns; c++) {
    for (let r = 0; r < rows; r++) line[r] = grid[r * columns + c]
    const bends = naturalSpline(line)
    for (let r = 0; r < rows; r++) bendY[r * columns + c] = bends[r]
  }
  // Weights of the two nodes and their second derivatives for each pixel column.
  const node = new Int32Array(width)
  const weights = new Float64Array(4 * width)
  for (let x = 0; x < width; x++) node[x] = splineWeights((x + 0.5) / stepX - 0.5, columns, weights, 4 * x)
  const across = new Float64Array(columns)
  const ofRow = new Float64Array(4)
  for (let y = 0; y < height; y++) {
    const r = splineWeights((y + 0.5) / stepY - 0.5, rows, ofRow, 0)
    const next = Math.min(r + 1, rows - 1)
    for (let c = 0; c < columns; c++) {
      across[c] =
        ofRow[0] * grid[r * columns + c] +
        ofRow[1] * grid[next * columns + c] +
        ofRow[2] * bendY[r * columns + c] +
        ofRow[3] * bendY[next * columns + c]
    }
    const bends = naturalSpline(across)
    for (let x = 0; x < width; x++) {
      const c = node[x]
      const d = c + 1 < columns ? c + 1 : c
      const k = 4 * x
      const value =
        weights[k] * across[c] + weights[k + 1] * across[d] + weights[k + 2] * bends[c] + weights[k + 3] * bends[d]
      map[y * width + x] = Math.max(value, floor)
    }
  }
  return map
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
function splineWeights(place: number, nodes: number, into: Float64Array, at: number): number {
  const lower = Math.max(0, Math.min(nodes - 2, Math.floor(place)))
  const b = nodes < 2 ? 0 : place - lower
  const a = 1 - b
  into[at] = a
  into[at + 1] = b
  if (b < 0) {
    // straight on with the slope at the first node
    into[at + 2] = -b / 3
    into[at + 3] = -b / 6
  } else if (b > 1) {
    into[at + 2] = (b - 1) / 6
    into[at + 3] = (b - 1) / 3
  } else {
    into[at + 2] = (a * a * a - a) / 6
    into[at + 3] = (b * b * b - b) / 6
  }
  return lower
}
