import type { StandardHeader } from '#events/frame.ts'
import type { ScaleRange } from '#shared/astrometry/blind-search.ts'
import type { FieldDetections, FieldStars } from '#shared/astrometry/pair-stars.ts'
import { squareSize } from '#shared/astrometry/pixel-aspect.ts'
import type { QuadSky } from '#shared/astrometry/quad-index.ts'
import { type FieldSolution, isSolved, solveField } from '#shared/astrometry/solve-field.ts'
import type { ReferenceStars, SurveyId, Tiles } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { CpcsError } from '#shared/errors.ts'
import { propagate } from '#shared/sky/epoch.ts'
import { julianEpoch } from '#shared/sky/time.ts'
import type { Log } from '#shared/store.ts'
import { solveBlind } from './blind.ts'
import { aspectsOf, type Rung } from './search.ts'

/** What the ladder stands on. */
export interface LadderDeps {
  tiles: Tiles
  log: Log
  /** The index of the whole sky that was built of a survey; absent where frames of unknown place are not searched. */
  quads?: (survey: SurveyId) => Promise<QuadSky | undefined>
  /** Range that an operator gives in place of the header's scale, arcseconds per pixel. */
  scaleArcsec?: ScaleRange
  /** The one survey that positions are taken from; absent where the best that is here is. */
  survey?: SurveyId
  /** Forget what the header and the registry say of the place, and search the whole sky. */
  blind?: boolean
}

/** Surveys that positions are taken from, best first. */
export const ASTROMETRIC_SURVEYS: readonly SurveyId[] = ['gaia_dr3', 'gaia_dr2', 'urat1', 'ucac4', 'tycho2', 'usnob1']
export const MIN_STARS = 6
const STARS_PER_DETECTION = 4 // how much deeper than the frame the reference stars are read
const LEAST_STARS = 3000
const MOST_STARS = 40_000
const UNKNOWN_ERROR_MAS = 60 // of catalogue positions without errors (Tycho-2, ESA SP-1200)
const WIDEST_CONE_DEG = 20

/** A solution, and how it was come by. */
export interface Found {
  solution: FieldSolution
  withHint: boolean
  survey: SurveyId
}

/** One thing that was tried in vain, as `attempts.json` tells it. */
export interface Attempt {
  survey: SurveyId
  /** Where: degrees, or the whole sky. */
  place: { raDeg: number; decDeg: number; radiusDeg: number } | 'everywhere'
  lowScaleArcsec: number
  highScaleArcsec: number
  /** Height of a pixel over its width. */
  pixelAspect: number
  /** What was compared, in words. */
  tried: string
  /** Hypotheses whose odds were asked for. */
  tested: number
}

/**
 * Find a field near the places that are known of, then anywhere.
 *
 * @param giveUp told all that was tried in vain, before the error is thrown; answers what else may be wrong, in words
 * @throws {CpcsError} NoPointing nothing tells where to look; NoReferenceStars the catalogues are empty there;
 *   NoPatternMatch no rung reached the odds; TilesUnavailable
 */
export async function findField(
  ladder: Rung[],
  detections: FieldDetections,
  header: StandardHeader,
  deps: LadderDeps,
  giveUp: (attempts: Attempt[]) => Promise<string>,
): Promise<Found> {
  const present = await deps.tiles.surveys()
  const wanted = deps.survey ? [deps.survey] : ASTROMETRIC_SURVEYS
  const usable = wanted.filter(id => present.includes(id))
  const attempts: Attempt[] = []
  let mostStars = 0
  for (const aspect of aspectsOf(header)) {
    const rungs = ladder.filter(({ pixelAspect }) => pixelAspect === aspect)
    const near = await climb(rungs, usable, detections, header, deps, attempts)
    if ('solution' in near) return near
    const anywhere = await searchSky(aspect, usable, detections, header, deps, attempts)
    if (anywhere) return anywhere
    mostStars = Math.max(mostStars, near.mostStars)
  }

  const remark = await giveUp(attempts)
  const found = [inWords(attempts), remark].filter(Boolean).join('; ')
  if (ladder.length === 0) {
    if (attempts.length === 0) throw new CpcsError('NoPointing', { found: whyNowhere(wanted, usable, deps.blind) })
    throw new CpcsError('NoPatternMatch', { raDeg: 'any', decDeg: 'any', radiusDeg: 180, found })
  }
  const { raDeg, decDeg, radiusDeg } = ladder[0]
  const place = { raDeg: raDeg.toFixed(4), decDeg: decDeg.toFixed(4) }
  if (mostStars < MIN_STARS) {
    const catalogues = usable.join(', ') || `any catalogue of positions: ${noneHere(wanted)}`
    throw new CpcsError('NoReferenceStars', { found: mostStars, ...place, catalogues })
  }
  throw new CpcsError('NoPatternMatch', { ...place, radiusDeg: radiusDeg.toFixed(2), found })
}

function noneHere(wanted: readonly SurveyId[]): string {
  return wanted.length === 1 ? `${wanted[0]} was not imported` : `none of ${wanted.join(', ')} was imported`
}

/** Why there was no place to begin with. */
function whyNowhere(wanted: readonly SurveyId[], usable: readonly SurveyId[], blind = false): string {
  const places = blind
    ? 'what header and targets say was to be forgotten'
    : 'the header has no RA and DEC, no target is registered for it'
  return `${places}, and ${usable.length > 0 ? `${usable.join(', ')} has no index of the whole sky` : noneHere(wanted)}`
}

/** The first try, which is the likeliest, and how it ended; how many more, and what pixels were taken for. */
function inWords(attempts: Attempt[]): string {
  if (attempts.length === 0) return 'nothing was tried'
  const more = attempts.length > 1 ? [`${attempts.length - 1} more in vain, the last ${attempts.at(-1)?.tried}`] : []
  const aspects = [...new Set(attempts.map(({ pixelAspect }) => Number(pixelAspect.toPrecision(3))))]
  const shape =
    aspects.length === 1 && aspects[0] === 1
      ? 'pixels taken for square'
      : `pixels taken for ${aspects.join(', ')} times as high as wide`
  return [attempts[0].tried, ...more, shape].join('; ')
}

async function climb(
  ladder: Rung[],
  usable: SurveyId[],
  detections: FieldDetections,
  header: StandardHeader,
  { tiles, log }: LadderDeps,
  attempts: Attempt[],
): Promise<Found | { mostStars: number }> {
  let mostStars = 0
  for (const rung of ladder) {
    const { raDeg, decDeg, radiusDeg, lowScaleArcsec, highScaleArcsec, pixelAspect } = rung
    const accepted = { lowScaleArcsec, highScaleArcsec, pixelAspect }
    for (const survey of usable) {
      const reference = await referenceStars(survey, rung, detections.x.length, header, tiles)
      const count = reference.stars.raDeg.length
      mostStars = Math.max(mostStars, count)
      let tried = `${count} reference stars`
      let tested = 0
      if (count >= MIN_STARS) {
        const hint = { ...rung, starsRadiusDeg: reference.radiusDeg }
        const result = solveField(detections, reference.stars, hint, header.widthPx, header.heightPx)
        if (isSolved(result)) {
          log.info('the field is solved', { survey, pattern: result.rung, logOdds: result.logOdds })
          return { solution: result, withHint: rung.fromHeader, survey }
        }
        ;({ tried, tested } = result)
      }
      attempts.push({ survey, place: { raDeg, decDeg, radiusDeg }, ...accepted, tried, tested })
      log.info('no match on this rung', { survey, tried, radiusDeg, pixelAspect })
    }
  }
  return { mostStars }
}

async function searchSky(
  pixelAspect: number,
  usable: SurveyId[],
  detections: FieldDetections,
  header: StandardHeader,
  { tiles, quads, log, scaleArcsec }: LadderDeps,
  attempts: Attempt[],
): Promise<Found | undefined> {
  for (const survey of usable) {
    const sky = await quads?.(survey)
    if (!sky) continue
    // an index may outlive the tiles that it was built of
    const bare: string[] = []
    const { solution, trials } = await solveBlind(sky, detections, header, scaleArcsec, pixelAspect, async place => {
      // the place is that of a star in the frame: its far corner may be a diagonal away
      const radiusDeg = halfDiagonalDeg(header, place.scaleArcsec, pixelAspect)
      const pixels = { lowScaleArcsec: place.scaleArcsec, highScaleArcsec: place.scaleArcsec, pixelAspect }
      const rung = { ...place, radiusDeg, ...pixels }
      const { stars } = await referenceStars(survey, rung, detections.x.length, header, tiles)
      if (stars.raDeg.length < MIN_STARS) bare.push(`RA ${place.raDeg.toFixed(4)} Dec ${place.decDeg.toFixed(4)}`)
      return stars
    })
    const without = bare.length > 0 ? `, ${bare.length} of them where the tiles hold no stars (${bare[0]})` : ''
    for (const { scale, tested, hypotheses } of solution ? [] : trials) {
      const tried = `${detections.x.length} detections in the index of the whole sky, ${hypotheses} hypotheses${without}`
      const { low, high } = scale
      const pixels = { lowScaleArcsec: low, highScaleArcsec: high, pixelAspect }
      attempts.push({ survey, place: 'everywhere', ...pixels, tried, tested })
    }
    if (!solution) continue
    log.info('the field is found in the index of the sky', { survey, logOdds: solution.logOdds })
    return { solution, withHint: false, survey }
  }
  return undefined
}

/** Reference stars wherever the frame may reach on a rung, where they stood at its epoch, brightest first. */
async function referenceStars(
  survey: SurveyId,
  rung: Omit<Rung, 'fromHeader'>,
  detections: number,
  header: StandardHeader,
  tiles: Tiles,
): Promise<{ stars: FieldStars; radiusDeg: number }> {
  const { widthPx, heightPx, mjdUtcMid } = header
  const halfField = halfDiagonalDeg(header, rung.highScaleArcsec, rung.pixelAspect)
  const radiusDeg = Math.min(WIDEST_CONE_DEG, rung.radiusDeg + halfField)
  const fieldArea = widthPx * heightPx * (rung.lowScaleArcsec / 3600) ** 2
  const wanted = Math.ceil((STARS_PER_DETECTION * detections * Math.PI * radiusDeg ** 2) / fieldArea)
  const limit = Math.min(MOST_STARS, Math.max(LEAST_STARS, wanted))
  const { raDeg, decDeg } = rung
  const stars = await tiles.cone(survey, { raDeg, decDeg, radiusDeg }, { limit })
  return { stars: atEpoch(stars, julianEpoch(mjdUtcMid)), radiusDeg }
}

function halfDiagonalDeg({ widthPx, heightPx }: StandardHeader, scaleArcsec: number, pixelAspect: number): number {
  const { width, height } = squareSize(widthPx, heightPx, pixelAspect)
  return (Math.hypot(width, height) / 2) * (scaleArcsec / 3600)
}

function atEpoch(stars: ReferenceStars, epochYear: number): FieldStars {
  const places = propagate(stars, epochYear)
  const mag = stars.mag[surveys[stars.survey].mainBand]
  const order = Array.from({ length: stars.count }, (_, i) => i)
    .filter(i => Number.isFinite(mag[i]))
    .sort((a, b) => mag[a] - mag[b] || places.decDeg[a] - places.decDeg[b])
  return {
    raDeg: Float64Array.from(order, i => places.raDeg[i]),
    decDeg: Float64Array.from(order, i => places.decDeg[i]),
    errorMas: Float64Array.from(order, i => (places.raErrMas[i] + places.decErrMas[i]) / 2 || UNKNOWN_ERROR_MAS),
    mag: Float64Array.from(order, i => mag[i]),
  }
}
