import type { StandardHeader } from '#events/frame.ts'
import { type ScaleRange, searchBlind } from '#shared/astrometry/blind-search.ts'
import type { FieldDetections, FieldStars } from '#shared/astrometry/pair-stars.ts'
import { onSquarePixels } from '#shared/astrometry/pixel-aspect.ts'
import type { QuadSky } from '#shared/astrometry/quad-index.ts'
import { scaleOf } from '#shared/astrometry/similarity.ts'
import { confirmBlind, type FieldSolution } from '#shared/astrometry/solve-field.ts'

/** Told scale over the true one, and the true one over it, where a header is of any help. */
const SCALE_TRUST = 1.45 // a scale told 30 % too small is the true one divided by 1.43
/** Every camera that a field of the index's sizes can have. */
const ANY_SCALE: ScaleRange = { low: 0.05, high: 120 }
const MOST_HYPOTHESES = 25 // that are refined, of a range of scales

export interface BlindTrial {
  scale: ScaleRange
  /** Hypotheses whose odds were asked for; and those of them that were worth reading reference stars for. */
  tested: number
  hypotheses: number
}

export interface BlindResult {
  solution?: FieldSolution
  trials: BlindTrial[]
}

/**
 * Search the whole sky for a frame: first about the scale that the header tells, then at any.
 *
 * @param scale range that an operator gives: nothing else is tried
 * @param pixelAspect height of a pixel over its width
 * @param starsAround reference stars at the frame's epoch, brightest first, in a cone that holds the frame
 */
export async function solveBlind(
  sky: QuadSky,
  detections: FieldDetections,
  { widthPx, heightPx, pixelScaleArcsec }: StandardHeader,
  scale: ScaleRange | undefined,
  pixelAspect: number,
  starsAround: (place: { raDeg: number; decDeg: number; scaleArcsec: number }) => Promise<FieldStars>,
): Promise<BlindResult> {
  const frame = onSquarePixels({ x: detections.x, y: detections.y, width: widthPx, height: heightPx }, pixelAspect)
  const told = pixelScaleArcsec ? [{ low: pixelScaleArcsec / SCALE_TRUST, high: pixelScaleArcsec * SCALE_TRUST }] : []
  const trials: BlindTrial[] = []
  for (const range of scale ? [scale] : [...told, ANY_SCALE]) {
    const trial = { scale: range, tested: 0, hypotheses: 0 }
    trials.push(trial)
    for await (const hypothesis of searchBlind(frame, sky, range, trial)) {
      trial.hypotheses++
      const stars = await starsAround({ ...hypothesis, scaleArcsec: scaleOf(hypothesis.map) * 3600 })
      const accepted = { lowScaleArcsec: range.low, highScaleArcsec: range.high, pixelAspect }
      const solution = confirmBlind(hypothesis, detections, stars, accepted, widthPx, heightPx)
      if (solution) return { solution, trials }
      if (trial.hypotheses >= MOST_HYPOTHESES) break
    }
  }
  return { trials }
}
