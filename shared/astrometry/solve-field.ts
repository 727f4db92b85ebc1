import { PointGrid } from '#shared/numeric/point-grid.ts'
import { median } from '#shared/numeric/robust.ts'
import { gnomonic } from '#shared/sky/projection.ts'
import { pixelScaleDeg, skyToPixel } from '#shared/sky/wcs.ts'
import type { BlindHypothesis } from './blind-search.ts'
import type { FieldDetections, FieldStars } from './pair-stars.ts'
import { matchPatterns, STARS_PER_DETECTION } from './pattern-match.ts'
import { onOwnPixels, onSquarePixels } from './pixel-aspect.ts'
import { type Refined, refine } from './refine.ts'

/** What is known of where a frame points. */
export interface FieldHint {
  raDeg: number
  decDeg: number
  /** Farthest that the centre of the frame may lie from there, degrees. */
  radiusDeg: number
  /** Range of pixel scales, arcsec. */
  lowScaleArcsec: number
  highScaleArcsec: number
  /** Height of a pixel over its width. */
  pixelAspect: number
  /** Radius around the hint within which the reference stars are complete, degrees. */
  starsRadiusDeg: number
}

export interface FieldSolution extends Refined {
  /** ln of the odds that the stars stand where they do because of the solution, not by chance. */
  logOdds: number
  /** Bright reference stars looked for in the final check, and found. */
  expected: number
  found: number
  medianResidualMas: number
  medianResidualPx: number
  /** What the pattern was found with. */
  rung: string
}

export interface Unsolved {
  /** What was tried, in words. */
  tried: string
  /** Hypotheses whose odds were asked for. */
  tested: number
}

/** Odds of a thousand million to one: no false solution was ever seen there (Lang et al. 2010). */
export const ACCEPTED_LOG_ODDS = Math.log(1e9)
/** What a solution needs where the whole sky was searched. */
export const BLIND_LOG_ODDS = Math.log(1e13)
const FEWEST_MATCHED = 6
const LOOSEST_PX = 2 // typical residual beyond which stars are not where the solution says
const MOST_HYPOTHESES = 40 // refinements of hypotheses before giving up

/**
 * Find where a frame points: pattern match, refinement, verification. Nothing is returned that does not reach the
 * odds of acceptance in a check of its own, on the refined solution.
 *
 * @param stars brightest first, at the epoch of the frame
 * @param width,height of the frame, pixel
 */
export function solveField(
  detections: FieldDetections,
  stars: FieldStars,
  hint: FieldHint,
  width: number,
  height: number,
): FieldSolution | Unsolved {
  const count = stars.raDeg.length
  const sky = { xi: new Float64Array(count), eta: new Float64Array(count) }
  for (let k = 0; k < count; k++) {
    ;[sky.xi[k], sky.eta[k]] = gnomonic(stars.raDeg[k], stars.decDeg[k], hint.raDeg, hint.decDeg)
  }
  const pattern = onSquarePixels({ x: detections.x, y: detections.y, width, height }, hint.pixelAspect)
  const options = {
    lowScaleDeg: hint.lowScaleArcsec / 3600,
    highScaleDeg: hint.highScaleArcsec / 3600,
    skyAreaDeg2: Math.PI * hint.starsRadiusDeg ** 2,
    mostOffsetDeg: hint.radiusDeg,
  }
  let hypotheses = 0
  const tally = { tested: 0 }
  for (const found of matchPatterns(pattern, sky, options, tally)) {
    hypotheses++
    const map = onOwnPixels(found.map, hint.pixelAspect)
    const refined = refine(map, hint.raDeg, hint.decDeg, detections, stars, width, height)
    const solution = refined && judge(refined, detections, stars, width, height, found.rung)
    if (solution && isTrusted(solution, hint)) return solution
    if (hypotheses >= MOST_HYPOTHESES) break
  }
  const scales = `${hint.lowScaleArcsec.toPrecision(3)} to ${hint.highScaleArcsec.toPrecision(3)} arcsec per pixel`
  const tried = `${detections.x.length} detections against ${count} stars, ${scales}, ${hypotheses} hypotheses`
  return { tried, tested: tally.tested }
}

/**
 * A hypothesis of the blind search, refined and checked as every other, but against the odds that a search over the
 * whole sky asks for: it looks at thousands of times more places.
 *
 * @param hypothesis of positions on square pixels
 * @param stars brightest first, at the epoch of the frame, wherever the hypothesis lets it reach
 * @param hint range of pixel scales, and aspect, to accept
 */
export function confirmBlind(
  { map, raDeg, decDeg, rung }: BlindHypothesis,
  detections: FieldDetections,
  stars: FieldStars,
  hint: AcceptedPixels,
  width: number,
  height: number,
): FieldSolution | undefined {
  const refined = refine(onOwnPixels(map, hint.pixelAspect), raDeg, decDeg, detections, stars, width, height)
  const solution = refined && judge(refined, detections, stars, width, height, rung)
  const trusted = solution && isTrusted(solution, hint)
  return trusted && solution.logOdds >= BLIND_LOG_ODDS ? solution : undefined
}

/** Whether a result of {@link solveField} is a solution. */
export function isSolved(result: FieldSolution | Unsolved): result is FieldSolution {
  return 'wcs' in result
}

type AcceptedPixels = Pick<FieldHint, 'lowScaleArcsec' | 'highScaleArcsec' | 'pixelAspect'>

function isTrusted(solution: FieldSolution, hint: AcceptedPixels): boolean {
  if (!(solution.medianResidualPx < LOOSEST_PX)) return false
  const scale = pixelScaleDeg(solution.wcs) * 3600
  if (!(scale > hint.lowScaleArcsec && scale < hint.highScaleArcsec)) return false
  // A camera's pixels are nearly as high as they were taken for; a fit that shears is a fit to chance.
  const [c11, c12, c21, c22] = solution.wcs.cd
  const first = Math.hypot(c11, c21)
  const second = Math.hypot(c12, c22)
  if (Math.abs(Math.log(second / first / hint.pixelAspect)) > 0.1) return false
  if (Math.abs(c11 * c12 + c21 * c22) > 0.1 * first * second) return false
  return solution.logOdds >= ACCEPTED_LOG_ODDS && solution.matches.star.length >= FEWEST_MATCHED
}

/** The final check: bright reference stars against bright detections, with the errors that the solution shows. */
function judge(
  refined: Refined,
  detections: FieldDetections,
  stars: FieldStars,
  width: number,
  height: number,
  rung: string,
): FieldSolution {
  const medianResidualPx = median(refined.residualPx)
  const sigma = Math.max(0.5, medianResidualPx)
  // A catalogue deeper than the frame may have brighter stars that the frame missed: look for more than were found.
  const tests = Math.min(150, Math.max(30, STARS_PER_DETECTION * detections.x.length))
  const rows = Math.min(detections.x.length, 300)
  // Chance meets more detections in a cluster than elsewhere: the density around each place counts.
  const nearby = Math.sqrt((8 * width * height) / (rows * Math.PI))
  const grid = new PointGrid(detections.x.subarray(0, rows), detections.y.subarray(0, rows), 8)
  const gains: number[] = []
  const used = new Set<number>()
  let sum = 0
  let best = { logOdds: Number.NEGATIVE_INFINITY, expected: 0, found: 0 }
  let expected = 0
  for (let star = 0; star < stars.raDeg.length && expected < tests; star++) {
    const [x, y] = skyToPixel(refined.wcs, stars.raDeg[star], stars.decDeg[star])
    if (!(x >= 0 && y >= 0 && x < width && y < height)) continue
    expected++
    const row = grid.nearest(x, y, 4 * sigma)
    let gain = Math.log(0.5)
    if (row >= 0 && !used.has(row)) {
      used.add(row)
      const square = ((grid.x[row] - x) ** 2 + (grid.y[row] - y) ** 2) / (sigma * sigma)
      const around = Math.max(8, grid.within(x, y, nearby).length) / (Math.PI * nearby * nearby)
      gain = Math.log((0.5 * Math.exp(-square / 2)) / (around * 2 * Math.PI * sigma * sigma) + 0.5)
      gains.push(gain)
    }
    sum += gain
    if (sum > best.logOdds) best = { logOdds: sum, expected, found: gains.length }
  }
  // Six terms of the linear part were fitted to the stars: the three best witnesses cannot count.
  gains.sort((a, b) => b - a)
  const fitted = gains.slice(0, 3).reduce((total, gain) => total + gain, 0)
  const medianResidualMas = median(refined.residualMas)
  return { ...refined, ...best, logOdds: best.logOdds - fitted, medianResidualMas, medianResidualPx, rung }
}
