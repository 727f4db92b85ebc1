import { MAD_TO_SIGMA, madSigma, median, medianInPlace } from '#shared/numeric/robust.ts'

/** Residuals beyond so many σ (errors and intrinsic scatter) leave the fit. */
const CLIP = 5
const ROUNDS = 30
/** Turns of York's iteration while the set of points still changes, and in the end. */
const FEW_TURNS = 1
const MOST_TURNS = 50
/** Of fewer points than this all are asked for their scatter. */
const FEW = 40
/** Residuals beyond so many σ do not pull the scatter further, and the mean square that a normal then has. */
const HUBER = 2
const HUBER_MEAN_SQUARE = 0.9205

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

/** So many points show their own scatter to a fifth. */
const ENOUGH_FOR_SCATTER = 15
/** So far, relative to its square, may a scatter lie off the one that is known. */
const KNOWN_TO = 0.5

export interface Line {
  /** Weighted mean of x of the used points: there intercept and slope are independent. */
  pivot: number
  /** Value at the pivot, and its 1 σ. */
  atPivot: number
  atPivotError: number
  /** 0 and 0 where no slope was fitted. */
  slope: number
  slopeError: number
  /** Scatter in y beyond the errors: of highest likelihood, so that what is left of outliers widens the errors. */
  intrinsic: number
  /** The same with far residuals drawn in: what a further, ordinary point scatters by. */
  usualIntrinsic: number
  /** Robust scatter of the residuals of the used points. */
  scatter: number
  /** 1 where the point was used. */
  used: Uint8Array
  count: number
}

/**
 * Straight line through points with errors in both coordinates, correlated, and intrinsic scatter, outliers left out.
 *
 * Starts from least absolute deviations; then York et al. 2004 (Am. J. Phys. 72, 367) with the intrinsic scatter added
 * to the error of y, the scatter from the median of the residuals, and clipping at
 * {@link CLIP} σ, until the set of used points stands. York's weights contain the slope, so that errors in x do not
 * flatten it.
 *
 * @param withSlope false: the mean alone
 * @param prior counts like one more measurement of the slope: with it a single point is enough
 * @param start a line through nearly the same points: the deviations need not be asked again
 * @returns undefined where there is no point (fewer than 3 with a slope and no prior) or where all x are the same
 */
export function robustLine(
  data: LineData,
  withSlope: boolean,
  prior?: SlopePrior,
  start?: Pick<Line, 'slope' | 'pivot' | 'atPivot'>,
): Line | undefined {
  const n = data.y.length
  const needed = withSlope && !prior ? 3 : 1
  if (n < needed) return undefined
  const used = new Uint8Array(n).fill(1)
  let { slope, intercept } = startOf(data, withSlope, prior, start)
  let intrinsic = 0
  let line: York | undefined
  for (let round = 0; round < ROUNDS; round++) {
    intrinsic = medianIntrinsic(data, used, slope, intercept)
    const changed = clip(data, used, slope, intercept, intrinsic)
    if (count(used) < needed) return undefined
    line = york(data, used, intrinsic, withSlope, slope, prior, FEW_TURNS)
    if (!line) return undefined
    const settled = !changed && Math.abs(line.slope - slope) < 1e-6 && Math.abs(line.intercept - intercept) < 1e-6
    slope = line.slope
    intercept = line.intercept
    if (settled && round > 0) break
  }
  if (!line) return undefined
  // The errors come from the likelihood of all used points: what is left of outliers among them widens the errors.
  const known = count(used) < ENOUGH_FOR_SCATTER ? (prior?.intrinsic ?? 0) : 0
  const own = huberIntrinsic(data, used, slope, intercept)
  const usualIntrinsic = prior?.intrinsic ? withKnown(own, prior.intrinsic, data, used, slope) : own
  intrinsic = Math.max(known, likelyIntrinsic(data, used, slope, intercept))
  line = york(data, used, intrinsic, withSlope, slope, prior)
  if (!line) return undefined
  const residuals = residualsOf(data, line.slope, line.intercept).filter((_, i) => used[i])
  return {
    pivot: line.pivot,
    atPivot: line.intercept + line.slope * line.pivot,
    atPivotError: line.atPivotError,
    slope: line.slope,
    slopeError: line.slopeError,
    intrinsic,
    usualIntrinsic,
    scatter: residuals.length > 2 ? madSigma(residuals, 0) : Math.sqrt(median(data.varY)),
    used,
    count: count(used),
  }
}

function startOf(
  data: LineData,
  withSlope: boolean,
  prior?: SlopePrior,
  start?: Pick<Line, 'slope' | 'pivot' | 'atPivot'>,
): { slope: number; intercept: number } {
  if (start) return { slope: start.slope, intercept: start.atPivot - start.slope * start.pivot }
  return prior ? throughMedian(data, prior.slope) : leastAbsolute(data, withSlope)
}

interface York {
  slope: number
  intercept: number
  pivot: number
  atPivotError: number
  slopeError: number
}

function york(
  { x, y, varX, varY, covXY }: LineData,
  used: Uint8Array,
  intrinsic: number,
  withSlope: boolean,
  start: number,
  prior?: SlopePrior,
  turns = MOST_TURNS,
): York | undefined {
  const known = prior ? 1 / prior.error ** 2 : 0
  const s2 = intrinsic * intrinsic
  let slope = withSlope ? start : 0
  for (let turn = 0; ; turn++) {
    let sumW = 0
    let sumX = 0
    let sumY = 0
    for (let i = 0; i < y.length; i++) {
      if (!used[i]) continue
      const w = 1 / (varY[i] + s2 + slope * slope * varX[i] - 2 * slope * covXY[i])
      sumW += w
      sumX += w * x[i]
      sumY += w * y[i]
    }
    const meanX = sumX / sumW
    const meanY = sumY / sumW
    const pivot = Number.isFinite(meanX) ? meanX : 0
    if (!withSlope) return { slope: 0, intercept: meanY, pivot: 0, atPivotError: 1 / Math.sqrt(sumW), slopeError: 0 }
    let above = 0
    let below = 0
    let spread = 0
    for (let i = 0; i < y.length; i++) {
      if (!used[i]) continue
      const vy = varY[i] + s2
      const w = 1 / (vy + slope * slope * varX[i] - 2 * slope * covXY[i])
      const u = x[i] - meanX
      const v = y[i] - meanY
      // York 2004, eq. 13: the place on the line that the point came from
      const beta = w * (u * vy + slope * v * varX[i] - (slope * u + v) * covXY[i])
      above += w * beta * v
      below += w * beta * u
      spread += w * beta * beta
    }
    // the prior is one more equation for the slope, weighted by its error
    if (prior) {
      above += prior.slope * known
      below += known
      spread += known
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
        atPivotError: 1 / Math.sqrt(sumW),
        slopeError: 1 / Math.sqrt(spread),
      }
  }
}

/** Least absolute deviations, by reweighting; points are weighted by their errors, floored so that few do not rule. */
function leastAbsolute({ x, y, varY }: LineData, withSlope: boolean): { slope: number; intercept: number } {
  const n = y.length
  let intercept = median(y)
  let slope = 0
  if (!withSlope) return { slope, intercept }
  const floor = median(varY)
  for (let turn = 0; turn < 25; turn++) {
    let [w0, wx, wxx, wy, wxy] = [0, 0, 0, 0, 0]
    for (let i = 0; i < n; i++) {
      const sigma = Math.sqrt(varY[i] + floor)
      const deviation = Math.abs(y[i] - intercept - slope * x[i]) / sigma
      const w = 1 / (sigma * sigma * Math.max(deviation, 1e-3))
      w0 += w
      wx += w * x[i]
      wxx += w * x[i] * x[i]
      wy += w * y[i]
      wxy += w * x[i] * y[i]
    }
    const determinant = w0 * wxx - wx * wx
    if (!(determinant > 1e-12 * w0 * wxx)) break
    const before = slope
    slope = (w0 * wxy - wx * wy) / determinant
    intercept = (wy - slope * wx) / w0
    // a start need not be exact
    if (Math.abs(slope - before) < 1e-4) break
  }
  return { slope, intercept }
}

/** The line of a given slope that has as many points above as below. */
function throughMedian({ x, y }: LineData, slope: number): { slope: number; intercept: number } {
  return { slope, intercept: median(y.map((value, i) => value - slope * x[i])) }
}

function residualsOf({ x, y }: LineData, slope: number, intercept: number): Float64Array {
  const left = new Float64Array(y.length)
  for (let i = 0; i < left.length; i++) left[i] = y[i] - intercept - (slope === 0 ? 0 : slope * x[i])
  return left
}

function variance({ varX, varY, covXY }: LineData, i: number, slope: number): number {
  return slope === 0 ? varY[i] : varY[i] + slope * slope * varX[i] - 2 * slope * covXY[i]
}

/**
 * The scatter s that brings the median absolute standardised residual to that of a normal, however wrong nearly half of the
 * points are: half of the 1.4826² r² / (v + s²) lie above 1 where half of the 1.4826² r² − v lie above s². The better half of
 * the points is asked, where a small scatter can be seen.
 */
function medianIntrinsic(data: LineData, used: Uint8Array, slope: number, intercept: number): number {
  const { residuals, variances } = ofUsed(data, used, slope, intercept)
  const limit = variances.length > FEW ? median(variances) : Number.POSITIVE_INFINITY
  const beyond = new Float64Array(variances.length)
  let n = 0
  for (let i = 0; i < variances.length; i++)
    if (variances[i] <= limit) beyond[n++] = MAD_TO_SIGMA ** 2 * residuals[i] ** 2 - variances[i]
  return Math.sqrt(Math.max(0, medianInPlace(beyond, n)))
}

/** The scatter beyond the errors of the used points, residuals beyond {@link HUBER} σ counted as if they stood there. */
function huberIntrinsic(data: LineData, used: Uint8Array, slope: number, intercept: number): number {
  const { residuals, variances } = ofUsed(data, used, slope, intercept)
  return scatterBeyond(residuals, variances, HUBER)
}

/** The scatter of highest likelihood beyond the errors of the used points. */
function likelyIntrinsic(data: LineData, used: Uint8Array, slope: number, intercept: number): number {
  const { residuals, variances } = ofUsed(data, used, slope, intercept)
  return intrinsicScatter(residuals, variances)
}

function ofUsed(data: LineData, used: Uint8Array, slope: number, intercept: number) {
  const residuals = new Float64Array(used.length)
  const variances = new Float64Array(used.length)
  let n = 0
  for (let i = 0; i < used.length; i++) {
    if (!used[i]) continue
    residuals[n] = data.y[i] - intercept - (slope === 0 ? 0 : slope * data.x[i])
    variances[n++] = variance(data, i, slope)
  }
  return { residuals: residuals.subarray(0, n), variances: variances.subarray(0, n) }
}

/**
 * Mean of the scatter (squared) that the used points show and the one that is known, each weighted by how well it is: of the
 * first by the points' errors, where these are large it is often found to be 0; the second differs from one set of points to
 * the next by {@link KNOWN_TO}.
 */
function withKnown(own: number, known: number, data: LineData, used: Uint8Array, slope: number): number {
  let information = 0
  const added = (own * own + known * known) / 2
  for (let i = 0; i < used.length; i++) if (used[i]) information += 0.5 / (variance(data, i, slope) + added) ** 2
  const before = 1 / (KNOWN_TO * known * known) ** 2
  return Math.sqrt((information * own * own + before * known * known) / (information + before))
}

/**
 * The scatter of highest likelihood that, added to their errors, explains some residuals; 0 where the errors do.
 *
 * @param variances one per residual
 */
export function intrinsicScatter(residuals: Float64Array, variances: Float64Array): number {
  return scatterBeyond(residuals, variances, Number.POSITIVE_INFINITY)
}

/**
 * Where the derivative of the likelihood by the scatter vanishes: precise points count for more, as a median would not let
 * them. Squares are cut at `clip` σ, and the mean that normal points have left by that is asked for (Huber's proposal 2).
 */
function scatterBeyond(residuals: Float64Array, variances: Float64Array, clip: number): number {
  const most = clip * clip
  const expected = Number.isFinite(clip) ? HUBER_MEAN_SQUARE : 1
  return solve(intrinsic => {
    const added = intrinsic * intrinsic
    let sum = 0
    for (let i = 0; i < residuals.length; i++) {
      const total = variances[i] + added
      const square = (residuals[i] * residuals[i]) / total
      sum += ((square < most ? square : most) - expected) / total
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

/** Decide anew which points are used; returns whether any changed. Points may come back. */
function clip(data: LineData, used: Uint8Array, slope: number, intercept: number, intrinsic: number): boolean {
  const residuals = residualsOf(data, slope, intercept)
  let changed = false
  for (let i = 0; i < used.length; i++) {
    const keep = residuals[i] ** 2 <= CLIP * CLIP * (variance(data, i, slope) + intrinsic ** 2) ? 1 : 0
    if (keep !== used[i]) changed = true
    used[i] = keep
  }
  return changed
}

function count(used: Uint8Array): number {
  let n = 0
  for (let i = 0; i < used.length; i++) n += used[i]
  return n
}
