import type { Point } from '#events/point.ts'
import { flagMask } from '#shared/flags.ts'
import { type CalibrationFit, zeroPointAt } from './candidate.ts'

/** Points of an object farther away in time say nothing of its colour, days. */
export const COLOUR_WINDOW_DAYS = 3
/** What the two bands of a colour may have drifted apart per day between their exposures: a supernova's rise, mag. */
const DRIFT_MAG_PER_DAY = 0.05
/** A colour that is known worse than this is not known, mag. */
const WORST_COLOUR_ERR = 0.3
const UNFIT = flagMask('saturated', 'nearEdge', 'maskedPixels', 'cosmicRay', 'fitNotConverged')

/** The colour of a target and its 1 σ, mag. */
export interface TargetColour {
  colour: number
  error: number
}

/** A magnitude before its colour term: m = natural + term·colour. */
interface Natural {
  natural: number
  error: number
  term: number
  mjdUtcMid: number
}

/**
 * The colour of a target from its own points: blue minus red, each from this frame where it is that band, else from the
 * point nearest in time. The points' own colour terms want the same colour, so that
 * colour = (blue − red) / (1 − blue term + red term), all in the natural system.
 *
 * @param instrumental magnitude of the target in this frame and its 1 σ, mag
 * @param points of the object; those of other surveys, of this frame, or not detected are passed over
 */
export function colourFromPoints(
  fit: CalibrationFit,
  instrumental: { mag: number; error: number },
  here: { frameId: string; mjdUtcMid: number },
  points: readonly Point[],
): TargetColour | undefined {
  const { standard, hasColourTerm, line } = fit
  if (!hasColourTerm || !standard.colour) return undefined
  const atZero = zeroPointAt(fit, 0)
  const now: Natural = {
    natural: instrumental.mag + atZero.value,
    error: Math.hypot(instrumental.error, fit.line.atPivotError),
    term: line.slope,
    mjdUtcMid: here.mjdUtcMid,
  }
  const [blue, red] = standard.colour.map(band => {
    if (band === standard.band) return Number.isFinite(now.natural) ? now : undefined
    return nearest(band, fit, here, points)
  })
  if (!blue || !red) return undefined
  const apart = Math.abs(blue.mjdUtcMid - red.mjdUtcMid)
  const denominator = 1 - blue.term + red.term
  const colour = (blue.natural - red.natural) / denominator
  const error = Math.hypot(blue.error, red.error, DRIFT_MAG_PER_DAY * apart) / Math.abs(denominator)
  return error <= WORST_COLOUR_ERR ? { colour, error } : undefined
}

function nearest(
  band: string,
  { standard }: CalibrationFit,
  { frameId, mjdUtcMid }: { frameId: string; mjdUtcMid: number },
  points: readonly Point[],
): Natural | undefined {
  const name = standard.colour!.join('-')
  const away = (point: Point) => Math.abs(point.mjdUtcMid - mjdUtcMid)
  const best = points
    .filter(p => p.survey === standard.survey && p.band === band && p.colour === name && p.frameId !== frameId)
    .filter(p => p.detected && p.magNatural !== null && p.magErrRandom !== null && (p.flags & UNFIT) === 0)
    .filter(p => away(p) <= COLOUR_WINDOW_DAYS)
    .sort((a, b) => away(a) - away(b) || (a.pointId < b.pointId ? -1 : 1))[0]
  if (!best) return undefined
  return {
    natural: best.magNatural!,
    error: best.magNaturalErr ?? best.magErr!,
    term: best.colourTerm ?? 0,
    mjdUtcMid: best.mjdUtcMid,
  }
}
