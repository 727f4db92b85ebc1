/** Turns until the slope stands. */
const MOST_TURNS = 50
/** Points that are hard to tell from outliers carry less; of the weights at least so much is information. */
const LEAST_INFORMATION = 0.25

/** One star: y = catalogue minus instrumental magnitude, x = colour; variances and covariance of their errors. */
export interface LineData {
  x: Float64Array
  y: Float64Array
  varX: Float64Array
  varY: Float64Array
  covXY: Float64Array
}

/** What is known of the slope before the points are looked at. */
export interface SlopePrior {
  slope: number
  /** 1 σ. */
  error: number
  /** Scatter beyond the errors that such points are known to have: few of them do not show their own. */
  intrinsic?: number
}

/** What each point weighs, and what of that tells of the line. */
export interface Weights {
  /** Variance that the weight stands for, less that of the errors; infinite where the point does not count. */
  added: Float64Array
  /** Information on the line, per that of the weight; negative where the point might as well be an outlier. */
  information: Float64Array
}

/** A line, and what of its errors is independent: the value at the pivot and the slope. */
export interface York {
  slope: number
  intercept: number
  pivot: number
  atPivotError: number
  slopeError: number
}

/**
 * Straight line through points with errors in both coordinates, correlated (York et al. 2004, Am. J. Phys. 72, 367). The
 * weights contain the slope, so that errors in x do not flatten it.
 *
 * @param withSlope false: the mean alone
 * @param start slope to begin with
 * @param prior one more equation for the slope
 * @returns undefined where no point counts, or where all x are the same
 */
export function york(
  { x, y, varX, varY, covXY }: LineData,
  { added, information }: Weights,
  withSlope: boolean,
  start: number,
  prior?: SlopePrior,
  turns = MOST_TURNS,
): York | undefined {
  const known = prior ? 1 / prior.error ** 2 : 0
  let slope = withSlope ? start : 0
  for (let turn = 0; ; turn++) {
    let sumW = 0
    let sumX = 0
    let sumY = 0
    let told = 0
    for (let i = 0; i < y.length; i++) {
      const w = 1 / (varY[i] + added[i] + slope * slope * varX[i] - 2 * slope * covXY[i])
      if (w === 0) continue
      sumW += w
      sumX += w * x[i]
      sumY += w * y[i]
      told += w * information[i]
    }
    if (!(sumW > 0)) return undefined
    const meanX = sumX / sumW
    const meanY = sumY / sumW
    const pivot = Number.isFinite(meanX) ? meanX : 0
    const atPivotError = 1 / Math.sqrt(Math.max(told, LEAST_INFORMATION * sumW))
    if (!withSlope) return { slope: 0, intercept: meanY, pivot: 0, atPivotError, slopeError: 0 }
    let above = 0
    let below = 0
    let spread = 0
    let toldOfSlope = 0
    for (let i = 0; i < y.length; i++) {
      if (added[i] === Number.POSITIVE_INFINITY) continue
      const vy = varY[i] + added[i]
      const w = 1 / (vy + slope * slope * varX[i] - 2 * slope * covXY[i])
      const u = x[i] - meanX
      const v = y[i] - meanY
      // York 2004, eq. 13: the place on the line that the point came from
      const beta = w * (u * vy + slope * v * varX[i] - (slope * u + v) * covXY[i])
      above += w * beta * v
      below += w * beta * u
      spread += w * beta * beta
      toldOfSlope += w * beta * beta * information[i]
    }
    toldOfSlope = Math.max(toldOfSlope, LEAST_INFORMATION * spread)
    // the prior is one more equation for the slope, weighted by its error
    if (prior) {
      above += prior.slope * known
      below += known
      spread += known
      toldOfSlope += known
    }
    if (!(Math.abs(below) > 0) || !(spread > 1e-12 * sumW)) return undefined
    const next = above / below
    const settled = Math.abs(next - slope) < 1e-10
    slope = next
    if (settled || turn === turns)
      return {
        slope,
        intercept: meanY - slope * meanX,
        pivot,
        atPivotError,
        slopeError: 1 / Math.sqrt(toldOfSlope),
      }
  }
}

/** What each point lies above a line. */
export function residualsOf({ x, y }: LineData, slope: number, intercept: number): Float64Array {
  const left = new Float64Array(y.length)
  for (let i = 0; i < left.length; i++) left[i] = y[i] - intercept - (slope === 0 ? 0 : slope * x[i])
  return left
}

/** Variance of a point's residual by its errors. */
export function variance({ varX, varY, covXY }: LineData, i: number, slope: number): number {
  return slope === 0 ? varY[i] : varY[i] + slope * slope * varX[i] - 2 * slope * covXY[i]
}
