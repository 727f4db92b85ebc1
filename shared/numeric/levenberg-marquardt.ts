import { choleskyInPlace, choleskyInverse, choleskySolve } from './linear.ts'

/**
 * Fill `residuals` (data − model, in units of the error) and `jacobian` (d model / d parameter over the error, row-major,
 * rows × parameters). Returns false where the parameters make no model; the step is then shortened.
 */
export type Evaluate = (parameters: Float64Array, residuals: Float64Array, jacobian: Float64Array) => boolean

export interface NonlinearFit {
  parameters: Float64Array
  /** Inverse of the normal matrix, n×n. */
  covariance: Float64Array
  chiSquared: number
  iterations: number
  converged: boolean
}

/**
 * Nonlinear least squares (Levenberg 1944, Marquardt 1963; damping scaled by the diagonal after Moré 1978).
 *
 * @param start first guess, kept untouched
 * @param rows number of residuals
 * @param tolerance converged when χ² falls by less than this fraction
 * @returns undefined where the start itself makes no model or the normal matrix is singular
 */
export function levenbergMarquardt(
  evaluate: Evaluate,
  start: Float64Array,
  rows: number,
  { iterations = 30, tolerance = 1e-5 } = {},
): NonlinearFit | undefined {
  const n = start.length
  let parameters = Float64Array.from(start)
  let residuals = new Float64Array(rows)
  let jacobian = new Float64Array(rows * n)
  let trialResiduals = new Float64Array(rows)
  let trialJacobian = new Float64Array(rows * n)
  if (!evaluate(parameters, residuals, jacobian)) return undefined
  let chiSquared = sumOfSquares(residuals)
  const normal = new Float64Array(n * n)
  const damped = new Float64Array(n * n)
  const gradient = new Float64Array(n)
  const step = new Float64Array(n)
  let damping = 1e-3
  let converged = false
  let done = 0
  while (done < iterations && !converged && damping < 1e8) {
    done++
    accumulate(jacobian, residuals, rows, n, normal, gradient)
    let accepted = false
    while (!accepted && damping < 1e8) {
      damped.set(normal)
      for (let i = 0; i < n; i++) damped[i * n + i] *= 1 + damping
      step.set(gradient)
      if (choleskyInPlace(damped, n)) {
        choleskySolve(damped, n, step)
        const trial = parameters.map((value, i) => value + step[i])
        if (evaluate(trial, trialResiduals, trialJacobian)) {
          const trialChi = sumOfSquares(trialResiduals)
          if (trialChi <= chiSquared) {
            converged = chiSquared - trialChi <= tolerance * chiSquared
            chiSquared = trialChi
            parameters = trial
            ;[residuals, trialResiduals] = [trialResiduals, residuals]
            ;[jacobian, trialJacobian] = [trialJacobian, jacobian]
            accepted = true
          }
        }
      }
      damping = accepted ? Math.max(damping / 10, 1e-9) : damping * 10
    }
  }
  accumulate(jacobian, residuals, rows, n, normal, gradient)
  if (!choleskyInPlace(normal, n)) return undefined
  return { parameters, covariance: choleskyInverse(normal, n), chiSquared, iterations: done, converged }
}

function accumulate(
  jacobian: Float64Array,
  residuals: Float64Array,
  rows: number,
  n: number,
  normal: Float64Array,
  gradient: Float64Array,
): void {
  normal.fill(0)
  gradient.fill(0)
  for (let r = 0; r < rows; r++) {
    const row = r * n
    for (let i = 0; i < n; i++) {
      const a = jacobian[row + i]
      if (a === 0) continue
      gradient[i] += a * residuals[r]
      for (let j = 0; j <= i; j++) normal[i * n + j] += a * jacobian[row + j]
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) normal[j * n + i] = normal[i * n + j]
}

function sumOfSquares(values: Float64Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return sum
}
