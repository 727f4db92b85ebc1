import type { StandardHeader } from '#events/frame.ts'
import type { Target } from '#events/stages.ts'

/** One place to look for the frame, and how far around. */
export interface Rung {
  raDeg: number
  decDeg: number
  /** Farthest that the centre of the frame may be from there, degrees. */
  radiusDeg: number
  lowScaleArcsec: number
  highScaleArcsec: number
  /** Whether the place came from the header. */
  fromHeader: boolean
}

const SCALE_TRUST = 0.2 // a header's pixel scale is right to this part, or it is wrong altogether
const FIRST_RADIUS_DEG = 0.25
const LEAST_RADIUS_DEG = 0.1
const MOST_TARGETS = 3 // registered targets tried where the header's pointing fails
/** Pixel scales of cameras where none is known, arcsec: the usual ones first. */
const SCALE_BANDS = [
  [0.45, 1.1],
  [1, 2.5],
  [0.2, 0.5],
  [2.3, 6],
  [5.5, 15],
  [14, 60],
]

/**
 * Where to look, likeliest first: near the header's pointing; in the whole of its uncertainty and two field widths; around
 * registered targets; last with the scale taken as unknown.
 */
export function searchLadder(header: StandardHeader, targets: Target[]): Rung[] {
  const { pointing, pixelScaleArcsec } = header
  const places = [
    ...(pointing ? [{ ...pointing, fromHeader: true }] : []),
    ...targets
      .slice(0, pointing ? MOST_TARGETS : undefined)
      .map(({ raDeg, decDeg }) => ({ raDeg, decDeg, uncertaintyDeg: FIRST_RADIUS_DEG, fromHeader: false })),
  ]
  const known = pixelScaleArcsec
    ? places.flatMap(place => {
        const widthDeg = (Math.max(header.widthPx, header.heightPx) * pixelScaleArcsec) / 3600
        const scales = [pixelScaleArcsec * (1 - SCALE_TRUST), pixelScaleArcsec * (1 + SCALE_TRUST)]
        const sure = Math.max(LEAST_RADIUS_DEG, place.uncertaintyDeg)
        const near = Math.max(Math.min(sure, FIRST_RADIUS_DEG), place.fromHeader ? 0 : 0.7 * widthDeg)
        const radii = place.fromHeader ? [near, Math.max(sure, 2 * widthDeg)] : [near]
        return [...new Set(radii)].map(radiusDeg => rung(place, radiusDeg, scales))
      })
    : []
  const unknown = places.slice(0, pointing ? 1 : MOST_TARGETS).flatMap(place =>
    SCALE_BANDS.map(scales => {
      const widthDeg = (Math.max(header.widthPx, header.heightPx) * scales[1]) / 3600
      const radiusDeg = place.fromHeader
        ? Math.max(LEAST_RADIUS_DEG, place.uncertaintyDeg)
        : Math.max(0.1, 0.7 * widthDeg)
      return rung(place, radiusDeg, scales)
    }),
  )
  return [...known, ...unknown]
}

function rung(
  { raDeg, decDeg, fromHeader }: { raDeg: number; decDeg: number; fromHeader: boolean },
  radiusDeg: number,
  [lowScaleArcsec, highScaleArcsec]: number[],
): Rung {
  return { raDeg, decDeg, radiusDeg, lowScaleArcsec, highScaleArcsec, fromHeader }
}
