import type { CameraFrame } from '#events/camera.ts'
import { median } from '#shared/numeric/robust.ts'
import { robustLine } from './robust-line.ts'

/** With fewer nights a trend is told by chance. */
const LEAST_NIGHTS = 12
/** A drift is so many σ of the trend from none. */
const DRIFT_SIGMA = 5
/** Changes over all nights that matter: dust and ageing coatings of a zero point, mag; a filter's colour term, mag per mag. */
const LEAST_CHANGE = { zeroPoint: 0.1, colourTerm: 0.02 } as const
/** Medians of nights are exact to this; beyond, their own scatter is found. */
const EXACT = 1e-4

/**
 * Whether the zero point or the colour term of a camera in one band moves steadily with time. Frames of a night share their
 * clouds, so that nights are counted, each by its median.
 *
 * @param frames of the camera, each in one version
 */
export function drifts(frames: readonly CameraFrame[], survey: string, band: string, colour: string): boolean {
  const told = frames.flatMap(({ mjdUtcMid, bands }) =>
    bands
      .filter(own => own.survey === survey && own.band === band && own.colour === colour)
      .map(({ colourTerm, zeroPointOneSecond: zeroPoint }) => ({ mjdUtcMid, colourTerm, zeroPoint })),
  )
  return (['zeroPoint', 'colourTerm'] as const).some(quantity => {
    const nights = Map.groupBy(
      told.filter(row => row[quantity] !== null),
      ({ mjdUtcMid }) => Math.floor(mjdUtcMid),
    )
    const days = Float64Array.from(nights.keys())
    const values = Float64Array.from(nights.values(), rows => median(rows.map(row => row[quantity]!)))
    return isTrend(days, values, LEAST_CHANGE[quantity])
  })
}

function isTrend(days: Float64Array, values: Float64Array, leastChange: number): boolean {
  if (days.length < LEAST_NIGHTS) return false
  const middle = median(days)
  const x = days.map(day => day - middle)
  const zeros = new Float64Array(days.length)
  const line = robustLine({ x, y: values, varX: zeros, varY: zeros.map(() => EXACT ** 2), covXY: zeros }, true)
  if (!line) return false
  const change = Math.abs(line.slope) * (Math.max(...days) - Math.min(...days))
  return change > leastChange && Math.abs(line.slope) > DRIFT_SIGMA * line.slopeError
}
