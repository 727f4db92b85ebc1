import { type LineData, variance, type Weights, type York } from './york-line.ts'

/**
 * What is expected of outliers before the points are looked at: their part, worth so many points, and how far they lie, mag,
 * worth so many outliers. Two to five stars in a hundred vary or are mismatched; variables differ by a few tenths.
 */
export const OUTLIERS = {
  part: 0.05,
  points: 10,
  spread: 0.3,
  outliers: 3,
  leastSpread: 0.1,
  leastPart: 0.001,
  mostPart: 0.6,
} as const
/** A point so far off, mag, beyond {@link CLIP} σ, is another star altogether: it tells nothing of the others' spread. */
const FAR = 1
const CLIP = 5

/** Of what the points are a mixture. */
export interface Mixture {
  /** Scatter of the ordinary points beyond their errors, and of the outliers beyond that. */
  intrinsic: number
  spread: number
  /** Part of the points that are outliers. */
  part: number
}

/** What each point is by the mixture. */
export interface Shares extends Weights {
  /** Chance that it is an ordinary one. */
  ordinary: Float64Array
}

/** Room for what `n` points are. */
export function emptyShares(n: number): Shares {
  return { ordinary: new Float64Array(n), added: new Float64Array(n), information: new Float64Array(n) }
}

/**
 * Chance of each point to be an ordinary one, and what weight and information follow from it.
 *
 * @param fitted parameters of the line: the points lie closer to the line that was fitted to them than to the true one
 * @returns the parts, scatter and spread that suit the points best by these chances (scatter: one step of Fisher's scoring)
 */
export function share(
  data: LineData,
  { slope, intercept }: Pick<York, 'slope' | 'intercept'>,
  { intrinsic, spread, part }: Mixture,
  fitted: number,
  { ordinary, added, information }: Shares,
): Mixture {
  const oddsBefore = part / (1 - part)
  let [ordinaries, squares, variances, curvature, outliers, far, points] = [0, 0, 0, 0, 0, 0, 0]
  for (let i = 0; i < ordinary.length; i++) {
    const errors = variance(data, i, slope)
    const narrow = errors + intrinsic * intrinsic
    const wide = narrow + spread * spread
    const residual = data.y[i] - intercept - (slope === 0 ? 0 : slope * data.x[i])
    const square = residual * residual
    if (square > FAR * FAR && Math.abs(residual) > FAR + CLIP * Math.sqrt(narrow)) {
      ordinary[i] = 0
      added[i] = Number.POSITIVE_INFINITY
      information[i] = 0
      continue
    }
    const [inner, outer] = [1 / narrow, 1 / wide]
    const odds = oddsBefore * Math.sqrt(narrow * outer) * Math.exp(0.5 * square * (inner - outer))
    const chance = 1 / (1 + odds)
    const weight = chance * inner + (1 - chance) * outer
    ordinary[i] = chance
    added[i] = 1 / weight - errors
    // − d²/dx² of ln(mixture): the mean of the parts' weights less the variance of their scores
    information[i] = 1 - (chance * (1 - chance) * square * (inner - outer) ** 2) / weight
    const precise = chance * inner * inner
    ordinaries += chance
    squares += precise * square
    variances += precise * narrow
    curvature += precise
    outliers += 1 - chance
    far += (1 - chance) * (square - narrow)
    points++
  }
  const freedom = ordinaries / Math.max(1, ordinaries - fitted)
  const excess = curvature > 0 ? (freedom * squares - variances) / curvature : 0
  const before = OUTLIERS
  const spreadSquared = (far + before.outliers * before.spread ** 2) / (outliers + before.outliers)
  return {
    intrinsic: Math.sqrt(Math.max(0, intrinsic * intrinsic + excess)),
    part: (outliers + before.part * before.points) / (points + before.points),
    spread: Math.sqrt(Math.max(before.leastSpread ** 2, spreadSquared)),
  }
}

/** The slowest step of a mixture is taken to shrink by this factor. */
const SLOWEST = 0.95

/** Where three steps that shrink by one factor are going to (Aitken): faint points are told from outliers but slowly. */
export function extrapolated([first, second, third]: Mixture[]): Mixture {
  const limit = (a: number, b: number, c: number) => {
    const shrinks = Math.max(0, Math.min(SLOWEST, (c - b) / (b - a) || 0))
    return c + ((c - b) * shrinks) / (1 - shrinks)
  }
  const variance = (of: 'intrinsic' | 'spread') => limit(first[of] ** 2, second[of] ** 2, third[of] ** 2)
  return {
    intrinsic: Math.sqrt(Math.max(0, variance('intrinsic'))),
    spread: Math.sqrt(Math.max(OUTLIERS.leastSpread ** 2, variance('spread'))),
    part: Math.max(OUTLIERS.leastPart, Math.min(OUTLIERS.mostPart, limit(first.part, second.part, third.part))),
  }
}

/** Sum of some values. */
export function sum(values: Float64Array | Uint8Array): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]
  return total
}
