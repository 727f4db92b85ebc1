import type { Point } from '#events/point.ts'
import { flagMask } from '#shared/flags.ts'
import { type CalibrationFit, zeroPointAt } from './calibration-fit.ts'

/** Points of an object farther away in time say nothing of its colour, days. */
export const COLOUR_WINDOW_DAYS = 3
/** An object drifts at least so fast between the exposures of two bands, mag per day: a supernova past its peak. */
const LEAST_DRIFT_MAG_PER_DAY = 0.05
/** So fast may an object be that no earlier point tells of: novae and young supernovae rise by a magnitude a day. */
const UNKNOWN_DRIFT_MAG_PER_DAY = 1
/** Points closer in time than this tell their errors rather than a drift, days. */
const LEAST_BASELINE_DAYS = 0.1
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
 * colour = (blue − red) / (1 − blue term + red term), all in the natural system. What the object may have changed by between
 * the two exposures, at the steepest rate that its points show, is part of the error.
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
  const drift = driftMagPerDay(points, fit, now) * apart
  const error = Math.hypot(blue.error, red.error, drift) / Math.abs(denominator)
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

/**
 * The steepest change of an object per day, from one of its points to the next in the same band of the survey, this frame's
 * among them.
 */
function driftMagPerDay(points: readonly Point[], { standard }: CalibrationFit, now: Natural): number {
  const curves = new Map<string, { mjdUtcMid: number; mag: number }[]>()
  for (const { survey, band, detected, magNatural, mjdUtcMid } of points) {
    if (survey !== standard.survey || !detected || magNatural === null) continue
    curves.set(band, [...(curves.get(band) ?? []), { mjdUtcMid, mag: magNatural }])
  }
  const own = curves.get(standard.band)
  if (own && Number.isFinite(now.natural)) own.push({ mjdUtcMid: now.mjdUtcMid, mag: now.natural })

  let steepest = Number.NaN
  for (const curve of curves.values()) {
    curve.sort((a, b) => a.mjdUtcMid - b.mjdUtcMid)
    for (let i = 1, from = 0; i < curve.length; i++) {
      const days = curve[i].mjdUtcMid - curve[from].mjdUtcMid
      if (days < LEAST_BASELINE_DAYS) continue
      const rate = Math.abs(curve[i].mag - curve[from].mag) / days
      steepest = Number.isNaN(steepest) ? rate : Math.max(steepest, rate)
      from = i
    }
  }
  return Number.isNaN(steepest) ? UNKNOWN_DRIFT_MAG_PER_DAY : Math.max(LEAST_DRIFT_MAG_PER_DAY, steepest)
}
