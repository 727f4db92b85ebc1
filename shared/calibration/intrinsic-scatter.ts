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

/**
 * The scatter of highest likelihood that, added to their errors, explains some residuals; 0 where the errors do. Precise
 * residuals count for more, as a median would not let them.
 *
 * @param variances one per residual
 */
export function intrinsicScatter(residuals: Float64Array, variances: Float64Array): number {
  return solve(intrinsic => {
    const added = intrinsic * intrinsic
    let sum = 0
    for (let i = 0; i < residuals.length; i++) {
      const total = variances[i] + added
      sum += ((residuals[i] * residuals[i]) / total - 1) / total
    }
    return sum
  })
}

/** Root of a function that falls with the scatter, by false position (Illinois); 0 where it is negative from the start. */
function solve(falling: (intrinsic: number) => number): number {
  let low = 0
  let above = falling(low)
  if (!(above > 0)) return 0
  let high = 0.01
  let below = falling(high)
  while (below > 0 && high < 20) {
    low = high
    above = below
    high *= 2
    below = falling(high)
  }
  let side = 0
  for (let turn = 0; turn < 40 && high - low > 1e-6; turn++) {
    // false position crawls where the function falls steeply at first: every third step halves
    const middle =
      turn % 3 === 2 || !(below < above) ? (low + high) / 2 : (low * below - high * above) / (below - above)
    const value = falling(middle)
    if (value > 0) {
      low = middle
      above = value
      if (side === 1) below /= 2
      side = 1
    } else {
      high = middle
      below = value
      if (side === -1) above /= 2
      side = -1
    }
  }
  return high
}
