import { madSigma, median } from '#shared/numeric/robust.ts'
import { medianIntrinsic } from './intrinsic-scatter.ts'
import { emptyShares, extrapolated, type Mixture, OUTLIERS, type Shares, share, sum } from './outlier-mixture.ts'
import { type LineData, residualsOf, type SlopePrior, variance, type York, york } from './york-line.ts'

/** Rounds until parts, scatter and line stand, and turns of York's iteration in each. */
const ROUNDS = 60
const TURNS = 1
/** Line and scatter stand where a round moves them by less than this, mag. */
const SETTLED = 1e-5

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
  /** Scatter in y of the ordinary points beyond their errors. */
  intrinsic: number
  /** The same together with what is known of it: what a further, ordinary point scatters by. */
  usualIntrinsic: number
  /** Robust scatter of the residuals of the used points. */
  scatter: number
  /** 1 where the point is more likely an ordinary one than an outlier. */
  used: Uint8Array
  count: number
}

/**
 * Straight line through points with errors in both coordinates, correlated, and intrinsic scatter, some of them outliers.
 *
 * The points are a mixture (Hogg, Bovy & Lang 2010, arXiv 1008.4686, §3): ordinary ones, whose residual has the variance v of
 * their errors and the intrinsic scatter, and outliers, whose residual has a wider spread besides. Each point counts by the
 * chance that it is the one or the other (expectation–maximisation), so that no border is drawn between them. The line is
 * that of York et al. 2004 (Am. J. Phys. 72, 367), whose weights contain the slope: errors in x do not flatten it. Starts
 * from least absolute deviations. The errors of the line are those of the mixture's information.
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
  const fitted = withSlope && !prior ? 2 : 1
  const needed = withSlope && !prior ? 3 : 1
  if (n < needed) return undefined
  let line: Pick<York, 'slope' | 'intercept'> = startOf(data, withSlope, prior, start)
  let mixture: Mixture = {
    intrinsic: medianIntrinsic(data, line),
    part: OUTLIERS.part,
    spread: OUTLIERS.spread,
  }
  const shares = emptyShares(n)
  const steps: Mixture[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const suited = share(data, line, mixture, fitted, shares)
    const next = york(data, shares, withSlope, line.slope, prior, TURNS)
    if (!next) return undefined
    const settled =
      Math.abs(next.slope - line.slope) < SETTLED &&
      Math.abs(next.intercept - line.intercept) < SETTLED &&
      Math.abs(suited.intrinsic - mixture.intrinsic) < SETTLED
    line = next
    steps.push(suited)
    mixture = steps.length === 3 ? extrapolated(steps.splice(0)) : suited
    if (settled) break
  }
  const own = mixture.intrinsic
  const usualIntrinsic = prior?.intrinsic ? withKnown(own, prior.intrinsic, data, shares, line.slope) : own
  const known = sum(shares.ordinary) < ENOUGH_FOR_SCATTER ? (prior?.intrinsic ?? 0) : 0
  mixture = { ...mixture, intrinsic: Math.max(known, own) }
  share(data, line, mixture, fitted, shares)
  const best = york(data, shares, withSlope, line.slope, prior)
  if (!best) return undefined
  const used = Uint8Array.from(shares.ordinary, chance => (chance >= 0.5 ? 1 : 0))
  const count = sum(used)
  if (count < needed) return undefined
  const residuals = residualsOf(data, best.slope, best.intercept).filter((_, i) => used[i])
  return {
    pivot: best.pivot,
    atPivot: best.intercept + best.slope * best.pivot,
    atPivotError: best.atPivotError,
    slope: best.slope,
    slopeError: best.slopeError,
    intrinsic: mixture.intrinsic,
    usualIntrinsic,
    scatter: residuals.length > 2 ? madSigma(residuals, 0) : Math.sqrt(median(data.varY)),
    used,
    count,
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

/**
 * Mean of the scatter (squared) that the used points show and the one that is known, each weighted by how well it is: of the
 * first by the points' errors, where these are large it is often found to be 0; the second differs from one set of points to
 * the next by {@link KNOWN_TO}.
 */
function withKnown(own: number, known: number, data: LineData, { ordinary }: Shares, slope: number): number {
  let information = 0
  const added = (own * own + known * known) / 2
  for (let i = 0; i < ordinary.length; i++) information += (0.5 * ordinary[i]) / (variance(data, i, slope) + added) ** 2
  const before = 1 / (KNOWN_TO * known * known) ** 2
  return Math.sqrt((information * own * own + before * known * known) / (information + before))
}
