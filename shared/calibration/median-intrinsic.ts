import { MAD_TO_SIGMA, median, medianInPlace } from '#shared/numeric/robust.ts'
import { type LineData, residualsOf, variance, type York } from './york-line.ts'

/** Of fewer points than this all are asked for their scatter. */
const FEW = 40

/**
 * The scatter s that brings the median absolute standardised residual to that of a normal, however wrong nearly half of the
 * points are: half of the 1.4826² r² / (v + s²) lie above 1 where half of the 1.4826² r² − v lie above s². The better half of
 * the points is asked, where a small scatter can be seen.
 */
export function medianIntrinsic(data: LineData, { slope, intercept }: Pick<York, 'slope' | 'intercept'>): number {
  const residuals = residualsOf(data, slope, intercept)
  const variances = residuals.map((_, i) => variance(data, i, slope))
  const limit = variances.length > FEW ? median(variances) : Number.POSITIVE_INFINITY
  const beyond = new Float64Array(variances.length)
  let n = 0
  for (let i = 0; i < variances.length; i++)
    if (variances[i] <= limit) beyond[n++] = MAD_TO_SIGMA ** 2 * residuals[i] ** 2 - variances[i]
  return Math.sqrt(Math.max(0, medianInPlace(beyond, n)))
}
