import type { StandardHeader } from '#events/frame.ts'
import type { SolveInput, SolveOutput } from '#events/stages.ts'
import type { FieldDetections, FieldStars } from '#shared/astrometry/pair-stars.ts'
import type { QuadSky } from '#shared/astrometry/quad-index.ts'
import { type FieldSolution, isSolved, solveField } from '#shared/astrometry/solve-field.ts'
import type { ReferenceStars, SurveyId, Tiles } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { CpcsError } from '#shared/errors.ts'
import { flagMask } from '#shared/flags.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { detectWithShape } from '#shared/image/detection.ts'
import type { Detections } from '#shared/image/frame.ts'
import { decodeFrame, encodeFrame } from '#shared/image/frame-file.ts'
import type { TargetRegistry } from '#shared/lightcurve/targets.ts'
import { propagate } from '#shared/sky/epoch.ts'
import { julianEpoch } from '#shared/sky/time.ts'
import { parity, pixelScaleDeg, pixelToSky, rotationDeg, wcsCards } from '#shared/sky/wcs.ts'
import type { Log, ObjectStore } from '#shared/store.ts'
import { solveBlind } from './blind.ts'
import { encodeDetections } from './detections-table.ts'
import { type Rung, searchLadder } from './search.ts'

export interface SolveDeps {
  store: ObjectStore
  tiles: Tiles
  targets: TargetRegistry
  log: Log
  /** The index of the whole sky that was built of a survey; absent where frames of unknown place are not searched. */
  quads?: (survey: SurveyId) => Promise<QuadSky | undefined>
  /** Forget what the header and the registry say of the place, and search the whole sky. */
  blind?: boolean
}

/** Surveys that positions are taken from, best first. */
const ASTROMETRIC_SURVEYS: readonly SurveyId[] = ['gaia_dr3', 'gaia_dr2', 'urat1', 'ucac4', 'tycho2', 'usnob1']
const MIN_STARS = 6
const SURE_SIGMA = 5.5 // detections from here on are no noise, whatever the size of the frame
const STARS_PER_DETECTION = 4 // how much deeper than the frame the reference stars are read
const LEAST_STARS = 3000
const MOST_STARS = 40_000
const UNKNOWN_ERROR_MAS = 60 // of catalogue positions without errors (Tycho-2, ESA SP-1200)
const WIDEST_CONE_DEG = 20
const NOT_CLEAN = flagMask('blended', 'saturated', 'nearEdge', 'maskedPixels', 'cosmicRay')

/**
 * Find where a frame points: detect stars, match their pattern to the reference catalogue at the frame's epoch, fit
 * TAN-SIP. Writes `detections.fits`, found or not, then `wcs.json` (the solution, its statistics and covariance), and
 * gives `frame.fits` its coordinates. Where nothing is found, `attempts.json` lists what was tried.
 *
 * @throws {CpcsError} TooFewStars fewer than six sure detections; NoPointing neither header nor registry tells where
 *   to look; NoReferenceStars the catalogues are empty there; NoPatternMatch no rung of the ladder reached the odds;
 *   TilesUnavailable
 */
export async function solve(input: SolveInput, deps: SolveDeps): Promise<SolveOutput> {
  const { store, targets, log } = deps
  const { frame, header } = decodeFrame(await store.get(input.image))
  const sky = estimateBackground(frame)
  const { detections, shape } = detectWithShape(frame, sky)
  const keys = { solution: `${input.products}/wcs.json`, detections: `${input.products}/detections.fits` }
  await store.put(keys.detections, encodeDetections(detections), { contentType: 'application/fits' })
  const sure = surest(detections)
  log.info('sources are detected', { detections: detections.x.length, sure: sure.x.length, fwhmPx: shape.fwhmPx })
  if (sure.x.length < MIN_STARS) throw new CpcsError('TooFewStars', { found: sure.x.length, needed: MIN_STARS })

  // What the caller holds of the header wins over the file's copy: hints may have been added on the way.
  const hinted = { ...header, ...input.header }
  const ladder = deps.blind ? [] : searchLadder(hinted, await targets.candidates(hinted.object))
  const { solution, withHint, survey } = await find(ladder, sure, hinted, deps, attempts => {
    const text = JSON.stringify({ attempts }, null, 2)
    return store.put(`${input.products}/attempts.json`, new TextEncoder().encode(text), {
      contentType: 'application/json',
    })
  })

  await store.put(keys.solution, encodeSolution(solution, survey), { contentType: 'application/json' })
  // the frame keeps its key and gains its coordinates: pixels and standard header are the same bytes
  const cards = wcsCards(solution.wcs, frame.width, frame.height)
  await store.put(input.image, encodeFrame(frame, header, { cards }), { contentType: 'application/fits' })
  const flags = input.header.flags | (withHint ? 0 : flagMask('solvedWithoutHint'))
  return {
    ...input,
    header: { ...input.header, flags },
    wcs: summarise(solution, survey, withHint, hinted),
    ...keys,
    seeingPx: shape.fwhmPx,
  }
}

/** Detections for the match: those that are no noise, brightest first. */
function surest(detections: Detections): FieldDetections {
  const rows = Array.from(detections.x.keys()).filter(i => detections.significance[i] >= SURE_SIGMA)
  return {
    x: Float64Array.from(rows, i => detections.x[i]),
    y: Float64Array.from(rows, i => detections.y[i]),
    errorPx: Float64Array.from(rows, i => (detections.xErr[i] + detections.yErr[i]) / 2),
    mag: Float64Array.from(rows, i => -2.5 * Math.log10(detections.flux[i])),
    clean: Uint8Array.from(rows, i => ((detections.flags[i] & NOT_CLEAN) === 0 ? 1 : 0)),
  }
}

interface Found {
  solution: FieldSolution
  withHint: boolean
  survey: SurveyId
}

/** One thing that was tried in vain, as `attempts.json` tells it. */
interface Attempt {
  survey: SurveyId
  /** Where: degrees, or the whole sky. */
  place: { raDeg: number; decDeg: number; radiusDeg: number } | 'everywhere'
  lowScaleArcsec: number
  highScaleArcsec: number
  /** What was compared, in words. */
  tried: string
}

/** Near the places that are known of, then anywhere; tells what was tried where it gives up. */
async function find(
  ladder: Rung[],
  detections: FieldDetections,
  header: StandardHeader,
  deps: SolveDeps,
  giveUp: (attempts: Attempt[]) => Promise<unknown>,
): Promise<Found> {
  const present = await deps.tiles.surveys()
  const usable = ASTROMETRIC_SURVEYS.filter(id => present.includes(id))
  const attempts: Attempt[] = []
  const near = await climb(ladder, usable, detections, header, deps, attempts)
  if ('solution' in near) return near
  const anywhere = await searchSky(usable, detections, header, deps, attempts)
  if (anywhere) return anywhere

  await giveUp(attempts)
  const found = attempts.at(-1)?.tried ?? 'nothing was tried'
  if (ladder.length === 0) {
    if (attempts.length === 0) throw new CpcsError('NoPointing')
    throw new CpcsError('NoPatternMatch', { raDeg: 'any', decDeg: 'any', radiusDeg: 180, found })
  }
  const { raDeg, decDeg, radiusDeg } = ladder[0]
  const place = { raDeg: raDeg.toFixed(4), decDeg: decDeg.toFixed(4) }
  if (near.mostStars < MIN_STARS) throw new CpcsError('NoReferenceStars', { found: near.mostStars, ...place })
  throw new CpcsError('NoPatternMatch', { ...place, radiusDeg: radiusDeg.toFixed(2), found })
}

async function climb(
  ladder: Rung[],
  usable: SurveyId[],
  detections: FieldDetections,
  header: StandardHeader,
  { tiles, log }: SolveDeps,
  attempts: Attempt[],
): Promise<Found | { mostStars: number }> {
  let mostStars = 0
  for (const rung of ladder) {
    const { raDeg, decDeg, radiusDeg, lowScaleArcsec, highScaleArcsec } = rung
    for (const survey of usable) {
      const reference = await referenceStars(survey, rung, detections.x.length, header, tiles)
      const count = reference.stars.raDeg.length
      mostStars = Math.max(mostStars, count)
      let tried = `${count} reference stars`
      if (count >= MIN_STARS) {
        const hint = { ...rung, starsRadiusDeg: reference.radiusDeg }
        const result = solveField(detections, reference.stars, hint, header.widthPx, header.heightPx)
        if (isSolved(result)) {
          log.info('the field is solved', { survey, pattern: result.rung, logOdds: result.logOdds })
          return { solution: result, withHint: rung.fromHeader, survey }
        }
        tried = result.tried
      }
      attempts.push({ survey, place: { raDeg, decDeg, radiusDeg }, lowScaleArcsec, highScaleArcsec, tried })
      log.info('no match on this rung', { survey, tried, radiusDeg })
    }
  }
  return { mostStars }
}

async function searchSky(
  usable: SurveyId[],
  detections: FieldDetections,
  header: StandardHeader,
  { tiles, quads, log }: SolveDeps,
  attempts: Attempt[],
): Promise<Found | undefined> {
  for (const survey of usable) {
    const sky = await quads?.(survey)
    if (!sky) continue
    const { solution, trials } = await solveBlind(sky, detections, header, async ({ raDeg, decDeg, scaleArcsec }) => {
      // the place is that of a star in the frame: its far corner may be a diagonal away
      const radiusDeg = (Math.hypot(header.widthPx, header.heightPx) / 2) * (scaleArcsec / 3600)
      const rung = { raDeg, decDeg, radiusDeg, lowScaleArcsec: scaleArcsec, highScaleArcsec: scaleArcsec }
      return (await referenceStars(survey, rung, detections.x.length, header, tiles)).stars
    })
    for (const { scale, hypotheses } of solution ? [] : trials) {
      const tried = `${detections.x.length} detections in the index of the whole sky, ${hypotheses} hypotheses`
      attempts.push({ survey, place: 'everywhere', lowScaleArcsec: scale.low, highScaleArcsec: scale.high, tried })
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
  const halfField = (Math.hypot(widthPx, heightPx) / 2) * (rung.highScaleArcsec / 3600)
  const radiusDeg = Math.min(WIDEST_CONE_DEG, rung.radiusDeg + halfField)
  const fieldArea = widthPx * heightPx * (rung.lowScaleArcsec / 3600) ** 2
  const wanted = Math.ceil((STARS_PER_DETECTION * detections * Math.PI * radiusDeg ** 2) / fieldArea)
  const limit = Math.min(MOST_STARS, Math.max(LEAST_STARS, wanted))
  const { raDeg, decDeg } = rung
  const stars = await tiles.cone(survey, { raDeg, decDeg, radiusDeg }, { limit })
  return { stars: atEpoch(stars, julianEpoch(mjdUtcMid)), radiusDeg }
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

function summarise(
  solution: FieldSolution,
  survey: SurveyId,
  withHint: boolean,
  header: StandardHeader,
): SolveOutput['wcs'] {
  const { wcs } = solution
  const { widthPx, heightPx } = header
  const [raDeg, decDeg] = pixelToSky(wcs, (widthPx - 1) / 2, (heightPx - 1) / 2)
  const scaleDeg = pixelScaleDeg(wcs)
  return {
    raDeg,
    decDeg,
    pixelScaleArcsec: scaleDeg * 3600,
    rotationDeg: rotationDeg(wcs),
    parity: parity(wcs),
    fieldWidthDeg: widthPx * scaleDeg,
    fieldHeightDeg: heightPx * scaleDeg,
    matchedStars: solution.matches.star.length,
    medianResidualMas: solution.medianResidualMas,
    medianResidualPx: solution.medianResidualPx,
    sipOrder: solution.fit.order,
    survey,
    logOdds: solution.logOdds,
    withHint,
  }
}

function encodeSolution(solution: FieldSolution, survey: SurveyId): Uint8Array {
  const { wcs, fit, matches, logOdds, expected, found, medianResidualMas, medianResidualPx, rung } = solution
  const { order, centreX, centreY, radiusPx, scatter } = fit
  const document = {
    wcs,
    statistics: {
      survey,
      matchedStars: matches.star.length,
      medianResidualMas,
      medianResidualPx,
      scatter,
      logOdds,
      expectedBrightStars: expected,
      foundBrightStars: found,
      pattern: rung,
    },
    // degrees², terms in the order of powers(0, order) of pixel offsets from the centre over radiusPx, for either axis
    covariance: { order, centreX, centreY, radiusPx, covariance: Array.from(fit.covariance) },
  }
  return new TextEncoder().encode(JSON.stringify(document))
}
