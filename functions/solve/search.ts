import type { StandardHeader } from '#events/frame.ts'
import type { Target } from '#events/stages.ts'
import type { ScaleRange } from '#shared/astrometry/blind-search.ts'
import { squareSize } from '#shared/astrometry/pixel-aspect.ts'
import type { LastSolution } from '#shared/lightcurve/frames.ts'

/** One place to look for the frame, and how far around. */
export interface Rung {
  raDeg: number
  decDeg: number
  /** Farthest that the centre of the frame may be from there, degrees. */
  radiusDeg: number
  lowScaleArcsec: number
  highScaleArcsec: number
  /** Height of a pixel over its width. */
  pixelAspect: number
  /** Whether the place came from the header. */
  fromHeader: boolean
}

/** What is known of a frame besides its header. */
export interface Hints {
  /** Targets that the frame may show. */
  targets: Target[]
  /** Where the same telescope pointed last, and its pixel scale. */
  last?: LastSolution
  /** Range that an operator gives in place of the header's scale: nothing outside it is tried. */
  scale?: ScaleRange
}

const SCALE_TRUST = 0.2 // a header's pixel scale is right to this part, or it is wrong altogether
const FIRST_RADIUS_DEG = 0.25
const LEAST_RADIUS_DEG = 0.1
const FIELDS_AROUND = 2.5 // a pointing off by two fields puts the frame's centre a little farther than that
const MOST_TARGETS = 3 // registered targets tried where the header's pointing fails
/** Pixel scales of cameras where none is known, arcsec: the usual ones first. */
const SCALE_BANDS: ScaleRange[] = [
  { low: 0.45, high: 1.1 },
  { low: 1, high: 2.5 },
  { low: 0.2, high: 0.5 },
  { low: 2.3, high: 6 },
  { low: 5.5, high: 15 },
  { low: 14, high: 60 },
]

interface Place {
  raDeg: number
  decDeg: number
  uncertaintyDeg: number
  fromHeader: boolean
}

/**
 * Where to look, likeliest first: near the header's pointing; in the whole of its uncertainty and more than two field widths; around
 * registered targets; around the telescope's last field; then the same with the scale that the telescope had last, where
 * the header tells another or none; then with the scale taken as unknown; last all of it with other shapes of pixels.
 */
export function searchLadder(header: StandardHeader, hints: Hints): Rung[] {
  return aspectsOf(header).flatMap(pixelAspect => rungsOf(header, hints, pixelAspect))
}

const COMMON_ASPECTS = [2, 1 / 2] // of cameras whose pixels are summed in pairs along one axis
const ALIKE = 0.02

/**
 * Heights of a pixel over its width, likeliest first: as told, square, and as told with the axes mistaken for each other;
 * or square, and what else is common.
 */
export function aspectsOf({ pixelAspect: told }: StandardHeader): number[] {
  if (!told) return [1, ...COMMON_ASPECTS]
  return Math.abs(Math.log(told)) < ALIKE ? [1] : [told, 1, 1 / told]
}

function rungsOf(header: StandardHeader, hints: Hints, pixelAspect: number): Rung[] {
  const { pointing } = header
  const { width, height } = squareSize(header.widthPx, header.heightPx, pixelAspect)
  const sidePx = Math.max(width, height)
  const places: Place[] = [
    ...(pointing ? [{ ...pointing, fromHeader: true }] : []),
    ...hints.targets.slice(0, pointing ? MOST_TARGETS : undefined).map(elsewhere),
  ]
  const last = hints.last ? [elsewhere(hints.last)] : []
  const known = knownScales(header, hints, pixelAspect).flatMap(scale => [
    ...places.flatMap(place => near(place, sidePx, scale)),
    ...last.flatMap(place => near({ ...place, uncertaintyDeg: FIELDS_AROUND * sideDeg(sidePx, scale) }, sidePx, scale)),
  ])
  const isGuess = pixelAspect !== 1 && pixelAspect !== header.pixelAspect
  const open = hints.scale || (isGuess && header.pixelScaleArcsec) ? [] : SCALE_BANDS
  const unknown = places.slice(0, pointing ? 1 : MOST_TARGETS).flatMap(place =>
    open.map(scale => {
      const radiusDeg = place.fromHeader
        ? Math.max(LEAST_RADIUS_DEG, place.uncertaintyDeg)
        : Math.max(0.1, 0.7 * sideDeg(sidePx, scale))
      return ring(place, radiusDeg, scale)
    }),
  )
  return [...known, ...unknown].map(ring => ({ ...ring, pixelAspect }))
}

function elsewhere({ raDeg, decDeg }: { raDeg: number; decDeg: number }): Place {
  return { raDeg, decDeg, uncertaintyDeg: FIRST_RADIUS_DEG, fromHeader: false }
}

/**
 * Ranges of scale that somebody tells, likeliest first. Of pixels that are not square the told one may be that of either
 * axis: tried one after the other, or all at once and less deeply where the shape itself is a guess.
 */
function knownScales(
  { pixelScaleArcsec: told, pixelAspect: toldAspect }: StandardHeader,
  { scale, last }: Hints,
  pixelAspect: number,
): ScaleRange[] {
  if (scale) return [scale]
  const about = (value: number) => ({ low: value * (1 - SCALE_TRUST), high: value * (1 + SCALE_TRUST) })
  const before = last?.pixelScaleArcsec
  const another = before && !(told && Math.abs(told / before - 1) < SCALE_TRUST / 2) ? [about(before)] : []
  if (!told) return another
  const axes = pixelAspect === 1 ? [1] : [1, Math.sqrt(pixelAspect), 1 / Math.sqrt(pixelAspect)]
  const ofAxes = axes.map(axis => about(told * axis))
  return [...(pixelAspect === 1 || pixelAspect === toldAspect ? ofAxes : [hullOf(ofAxes)]), ...another]
}

function hullOf(ranges: ScaleRange[]): ScaleRange {
  return { low: Math.min(...ranges.map(({ low }) => low)), high: Math.max(...ranges.map(({ high }) => high)) }
}

function sideDeg(sidePx: number, { high }: ScaleRange): number {
  return (sidePx * high) / 3600
}

/** The rungs about a place: as sure as can be; and, where the header names it, as far off as it may be. */
function near(place: Place, sidePx: number, scale: ScaleRange): Ring[] {
  const width = sideDeg(sidePx, scale) / (1 + SCALE_TRUST)
  const sure = Math.max(LEAST_RADIUS_DEG, place.uncertaintyDeg)
  const close = Math.max(Math.min(sure, FIRST_RADIUS_DEG), place.fromHeader ? 0 : 0.7 * width)
  const radii = [close, Math.max(sure, place.fromHeader ? FIELDS_AROUND * width : close)]
  return [...new Set(radii)].map(radiusDeg => ring(place, radiusDeg, scale))
}

/** A place, how far around it, and the scales there. */
type Ring = Omit<Rung, 'pixelAspect'>

function ring({ raDeg, decDeg, fromHeader }: Place, radiusDeg: number, { low, high }: ScaleRange): Ring {
  return { raDeg, decDeg, radiusDeg, lowScaleArcsec: low, highScaleArcsec: high, fromHeader }
}
