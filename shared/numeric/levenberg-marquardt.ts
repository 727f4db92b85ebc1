import { choleskyInPlace, choleskyInverse, choleskySolve } from './linear.ts'

/**
 * Fill the normal matrix (n×n, its lower triangle) and the gradient JᵀR of a model at some parameters, residuals being
 * data − model in units of the error. Returns χ², or undefined where the parameters make no model; the step is then
 * shortened.
 */
export type Equations = (parameters: Float64Array, normal: Float64Array, gradient: Float64Array) => number | undefined

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
 * @param tolerance converged when χ² falls by less than this fraction
 * @returns undefined where the start itself makes no model or the normal matrix is singular
 */
export function levenbergMarquardt(
  equations: Equations,
  start: Float64Array,
  { iterations = 30, tolerance = 1e-5 } = {},
): NonlinearFit | undefined {
  const n = start.length
  let parameters = Float64Array.from(start)
  let [normal, gradient] = [new Float64Array(n * n), new Float64Array(n)]
  let [trialNormal, trialGradient] = [new Float64Array(n * n), new Float64Array(n)]
  const first = equations(parameters, normal, gradient)
  if (first === undefined) return undefined
  let chiSquared = first
  const damped = new Float64Array(n * n)
  const step = new Float64Array(n)
  let damping = 1e-3
  let converged = false
  let done = 0
  while (done < iterations && !converged && damping < 1e8) {
    done++
    let accepted = false
    while (!accepted && damping < 1e8) {
      damped.set(normal)
      for (let i = 0; i < n; i++) damped[i * n + i] *= 1 + damping
      step.set(gradient)
      if (choleskyInPlace(damped, n)) {
        choleskySolve(damped, n, step)
        const trial = parameters.map((value, i) => value + step[i])
        const trialChi = equations(trial, trialNormal, trialGradient)
        if (trialChi !== undefined && trialChi <= chiSquared) {
          converged = chiSquared - trialChi <= tolerance * chiSquared
          chiSquared = trialChi
          parameters = trial
          ;[normal, trialNormal] = [trialNormal, normal]
          ;[gradient, trialGradient] = [trialGradient, gradient]
          accepted = true
        }
      }
      damping = accepted ? Math.max(damping / 10, 1e-9) : damping * 10
    }
  }
  if (!choleskyInPlace(normal, n)) return undefined
  return { parameters, covariance: choleskyInverse(normal, n), chiSquared, iterations: done, converged }
}
