/** The pole of the direct cubic B-spline filter (Unser 1999, table 1). */
const POLE = Math.sqrt(3) - 2
/** Samples after which the pole's powers are below double precision: enough to start the recursion. */
const HORIZON = 28

/**
 * Turn samples into coefficients of the cubic B-spline that goes through them, in place (Unser 1999, "Splines: a perfect
 * fit for signal and image processing", box 2), with mirrored edges.
 *
 * @param table width × height, row-major
 */
export function splineCoefficients(table: Float64Array, width: number, height: number): void {
  const line = new Float64Array(Math.max(width, height))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) line[x] = table[y * width + x]
    filterLine(line, width)
    for (let x = 0; x < width; x++) table[y * width + x] = line[x]
  }
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) line[y] = table[y * width + x]
    filterLine(line, height)
    for (let y = 0; y < height; y++) table[y * width + x] = line[y]
  }
}

function filterLine(line: Float64Array, n: number): void {
  if (n < 2) return
  const reach = Math.min(n, HORIZON)
  let first = line[0]
  let power = POLE
  for (let i = 1; i < reach; i++) {
    first += power * line[i]
    power *= POLE
  }
  line[0] = first
  for (let i = 1; i < n; i++) line[i] += POLE * line[i - 1]
  line[n - 1] = (POLE / (POLE * POLE - 1)) * (line[n - 1] + POLE * line[n - 2])
  for (let i = n - 2; i >= 0; i--) line[i] = POLE * (line[i + 1] - line[i])
  for (let i = 0; i < n; i++) line[i] *= 6
}

/** Weights of the four coefficients i−1 … i+2 around a place i + t, 0 ≤ t < 1, written into `out`. */
export function splineWeights(t: number, out: Float64Array): void {
  const s = 1 - t
  out[0] = (s * s * s) / 6
  out[1] = 2 / 3 - t * t * (1 - t / 2)
  out[2] = 2 / 3 - s * s * (1 - s / 2)
  out[3] = (t * t * t) / 6
}

/** The same for the first derivative by the place. */
export function splineSlopes(t: number, out: Float64Array): void {
  const s = 1 - t
  out[0] = (-s * s) / 2
  out[1] = t * (1.5 * t - 2)
  out[2] = -s * (1.5 * s - 2)
  out[3] = (t * t) / 2
}

/** The same for the second derivative. */
export function splineCurvatures(t: number, out: Float64Array): void {
  out[0] = 1 - t
  out[1] = 3 * t - 2
  out[2] = 1 - 3 * t
  out[3] = t
}
