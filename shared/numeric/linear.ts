/**
 * Factor a symmetric positive definite matrix in place into L Lᵀ (Cholesky; Golub & Van Loan 4.2.5).
 *
 * @param a n×n, row-major; the lower triangle is read and overwritten by L
 * @returns false where the matrix is not positive definite to working precision (a is then undefined)
 */
export function choleskyInPlace(a: Float64Array, n: number): boolean {
  for (let j = 0; j < n; j++) {
    let diagonal = a[j * n + j]
    const before = diagonal
    for (let k = 0; k < j; k++) diagonal -= a[j * n + k] * a[j * n + k]
    if (!(diagonal > before * 1e-14)) return false
    const root = Math.sqrt(diagonal)
    a[j * n + j] = root
    for (let i = j + 1; i < n; i++) {
      let sum = a[i * n + j]
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k]
      a[i * n + j] = sum / root
    }
  }
  return true
}

/** Solve L Lᵀ x = b in place of b, with L from {@link choleskyInPlace}. */
export function choleskySolve(l: Float64Array, n: number, b: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = b[i]
    for (let k = 0; k < i; k++) sum -= l[i * n + k] * b[k]
    b[i] = sum / l[i * n + i]
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i]
    for (let k = i + 1; k < n; k++) sum -= l[k * n + i] * b[k]
    b[i] = sum / l[i * n + i]
  }
}

/** The inverse (full symmetric n×n) of the matrix whose Cholesky factor is L. */
export function choleskyInverse(l: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n)
  const column = new Float64Array(n)
  for (let j = 0; j < n; j++) {
    column.fill(0)
    column[j] = 1
    choleskySolve(l, n, column)
    for (let i = 0; i < n; i++) inverse[i * n + j] = column[i]
  }
  return inverse
}

/**
 * The diagonal of the inverse of the matrix whose Cholesky factor is L: sums of squares down the columns of L⁻¹.
 *
 * @param l is overwritten by L⁻¹
 */
export function choleskyInverseDiagonal(l: Float64Array, n: number, out: Float64Array): void {
  for (let j = 0; j < n; j++) {
    l[j * n + j] = 1 / l[j * n + j]
    let squares = l[j * n + j] * l[j * n + j]
    for (let i = j + 1; i < n; i++) {
      let sum = 0
      for (let k = j; k < i; k++) sum -= l[i * n + k] * l[k * n + j]
      l[i * n + j] = sum / l[i * n + i]
      squares += l[i * n + j] * l[i * n + j]
    }
    out[j] = squares
  }
}

export interface LinearFit {
  /** Coefficients, one per column. */
  coefficients: Float64Array
  /** Their covariance, n×n, for weights that are inverse variances. */
  covariance: Float64Array
}

/**
 * Weighted linear least squares through scaled normal equations: minimise Σ wᵢ (yᵢ − Σ aᵢⱼ xⱼ)².
 *
 * @param design rows × columns, row-major
 * @param y one value per row
 * @param weights one per row, inverse variance; 0 leaves the row out
 * @returns undefined where the columns are not independent
 */
export function linearLeastSquares(
  design: Float64Array,
  columns: number,
  y: Float64Array,
  weights: Float64Array,
): LinearFit | undefined {
  const fit = linearLeastSquaresOfMany(design, columns, [y], weights)
  return fit && { coefficients: fit.coefficients[0], covariance: fit.covariance }
}

/**
 * {@link linearLeastSquares} of several quantities that have the columns and the weights in common: one decomposition.
 *
 * @param stride values of a row in the design, of which the first `columns` count
 */
export function linearLeastSquaresOfMany(
  design: Float64Array,
  columns: number,
  ys: Float64Array[],
  weights: Float64Array,
  stride = columns,
): { coefficients: Float64Array[]; covariance: Float64Array } | undefined {
  const normal = normalMatrix(design, columns, weights, stride)
  // Scaling each column to unit diagonal keeps the condition of a polynomial basis from eating digits.
  const scale = new Float64Array(columns)
  for (let i = 0; i < columns; i++) {
    if (!(normal[i * columns + i] > 0)) return undefined
    scale[i] = 1 / Math.sqrt(normal[i * columns + i])
  }
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j <= i; j++) normal[i * columns + j] *= scale[i] * scale[j]
  }
  if (!choleskyInPlace(normal, columns)) return undefined
  const coefficients = ys.map(y => {
    const right = rightSide(design, columns, y, weights, stride)
    multiplyInPlace(right, scale)
    choleskySolve(normal, columns, right)
    return multiplyInPlace(right, scale)
  })
  const covariance = choleskyInverse(normal, columns)
  for (let i = 0; i < columns; i++) for (let j = 0; j < columns; j++) covariance[i * columns + j] *= scale[i] * scale[j]
  return { coefficients, covariance }
}

/** Lower triangle of Σ wᵢ aᵢⱼ aᵢₖ. */
function normalMatrix(design: Float64Array, columns: number, weights: Float64Array, stride: number): Float64Array {
  const normal = new Float64Array(columns * columns)
  for (let r = 0, row = 0; r < weights.length; r++, row += stride) {
    const w = weights[r]
    if (!(w > 0)) continue
    for (let i = 0; i < columns; i++) {
      const wa = w * design[row + i]
      const line = i * columns
      for (let j = 0; j <= i; j++) normal[line + j] += wa * design[row + j]
    }
  }
  return normal
}

/** Σ wᵢ aᵢⱼ yᵢ. */
function rightSide(
  design: Float64Array,
  columns: number,
  y: Float64Array,
  weights: Float64Array,
  stride: number,
): Float64Array {
  const right = new Float64Array(columns)
  for (let r = 0, row = 0; r < weights.length; r++, row += stride) {
    const wy = weights[r] * y[r]
    if (!(weights[r] > 0)) continue
    for (let i = 0; i < columns; i++) right[i] += wy * design[row + i]
  }
  return right
}

function multiplyInPlace(values: Float64Array, factors: Float64Array): Float64Array {
  for (let i = 0; i < values.length; i++) values[i] *= factors[i]
  return values
}
