import type { StandardHeader } from '#events/frame.ts'
import { type ScaleRange, searchBlind } from '#shared/astrometry/blind-search.ts'
import type { FieldDetections, FieldStars } from '#shared/astrometry/pair-stars.ts'
import type { QuadSky } from '#shared/astrometry/quad-index.ts'
import { scaleOf } from '#shared/astrometry/similarity.ts'
import { confirmBlind, type FieldSolution } from '#shared/astrometry/solve-field.ts'

/** How wrong a header's scale may be before it is no help at all. */
const SCALE_TRUST = 0.3
/** Every camera that a field of the index's sizes can have. */
const ANY_SCALE: ScaleRange = { low: 0.05, high: 120 }
const MOST_HYPOTHESES = 25 // that are refined, of a range of scales

export interface BlindTrial {
  scale: ScaleRange
  hypotheses: number
}

export interface BlindResult {
  solution?: FieldSolution
  trials: BlindTrial[]
}

/**
 * Search the whole sky for a frame: first about the scale that the header tells, then at any.
 *
 * @param starsAround reference stars at the frame's epoch, brightest first, in a cone that holds the frame
 */
export async function solveBlind(
  sky: QuadSky,
  detections: FieldDetections,
  { widthPx, heightPx, pixelScaleArcsec }: StandardHeader,
  starsAround: (place: { raDeg: number; decDeg: number; scaleArcsec: number }) => Promise<FieldStars>,
): Promise<BlindResult> {
  const frame = { x: detections.x, y: detections.y, width: widthPx, height: heightPx }
  const told = pixelScaleArcsec
    ? [{ low: pixelScaleArcsec * (1 - SCALE_TRUST), high: pixelScaleArcsec * (1 + SCALE_TRUST) }]
    : []
  const trials: BlindTrial[] = []
  for (const scale of [...told, ANY_SCALE]) {
    const trial = { scale, hypotheses: 0 }
    trials.push(trial)
    for await (const hypothesis of searchBlind(frame, sky, scale)) {
      trial.hypotheses++
      const stars = await starsAround({ ...hypothesis, scaleArcsec: scaleOf(hypothesis.map) * 3600 })
      const solution = confirmBlind(hypothesis, detections, stars, scale, widthPx, heightPx)
      if (solution) return { solution, trials }
      if (trial.hypotheses >= MOST_HYPOTHESES) break
    }
  }
  return { trials }
}
