import type { PointGrid } from '#shared/numeric/point-grid.ts'
import { type LinearMap, toPixel } from './similarity.ts'

/** Share of the stars that both lists are not expected to have in common. */
const DISTRACTORS = 0.5
/** A hypothesis this far below even odds is given up. */
const HOPELESS = -9

export interface Sky {
  /** Reference stars in the tangent plane, degrees, brightest first. */
  xi: Float64Array
  eta: Float64Array
}

export interface Verification {
  logOdds: number
  /** Reference stars with a detection at their place. */
  matched: number
  /** Reference stars that were looked for. */
  tested: number
}

/**
 * How much likelier the bright reference stars' places are under a hypothesis than by chance (Lang et al. 2010, §2.3):
 * each star is either found at a detection, with a normal error, or it is a distractor. Each detection counts once. The
 * best sum over the brightest so many stars is taken, so that a catalogue deeper than the frame does no harm.
 *
 * @param detections grid of pixel positions, brightest first; the first `rows` of them count
 * @param errorPx 1 σ of a predicted place at a distance from the trusted centre (x, y), pixel
 * @param without reference stars that made the hypothesis, and must not witness for it
 */
export function verify(
  map: LinearMap,
  sky: Sky,
  detections: PointGrid,
  rows: number,
  width: number,
  height: number,
  mostStars: number,
  errorPx: (x: number, y: number) => number,
  without: ArrayLike<number> = [],
): Verification {
  const used = new Set<number>()
  const area = width * height
  let sum = 0
  let best: Verification = { logOdds: Number.NEGATIVE_INFINITY, matched: 0, tested: 0 }
  let matched = 0
  let tested = 0
  for (let star = 0; star < sky.xi.length && tested < mostStars; star++) {
    const [x, y] = toPixel(map, sky.xi[star], sky.eta[star])
    if (!(x >= 0 && y >= 0 && x < width && y < height)) continue
    if (Array.prototype.includes.call(without, star)) continue
    tested++
    const sigma = errorPx(x, y)
    const found = detections.nearest(x, y, 4 * sigma, rows)
    if (found >= 0 && !used.has(found)) {
      used.add(found)
      const square = (detections.x[found] - x) ** 2 + (detections.y[found] - y) ** 2
      const density = area / (rows * 2 * Math.PI * sigma * sigma)
      sum += Math.log((1 - DISTRACTORS) * density * Math.exp(-square / (2 * sigma * sigma)) + DISTRACTORS)
      matched++
    } else {
      sum += Math.log(DISTRACTORS)
    }
    if (sum > best.logOdds) best = { logOdds: sum, matched, tested }
    if (sum < HOPELESS) break
  }
  return best
}
