import type { StandardHeader } from '#events/frame.ts'
import type { SolveInput, SolveOutput } from '#events/stages.ts'
import type { FieldDetections, FieldStars } from '#shared/astrometry/pair-stars.ts'
import { type FieldSolution, isSolved, solveField } from '#shared/astrometry/solve-field.ts'
import type { ReferenceStars, SurveyId, Tiles } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { CpcsError } from '#shared/errors.ts'
import { encodeTables, type FitsColumn } from '#shared/fits/table.ts'
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
import { type Rung, searchLadder } from './search.ts'

export interface SolveDeps {
  store: ObjectStore
  tiles: Tiles
  targets: TargetRegistry
  log: Log
}

/** Surveys that positions are taken from, best first. */
const ASTROMETRIC_SURVEYS: readonly SurveyId[] = ['gaia_dr3', 'tycho2']
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
 * gives `frame.fits` its coordinates.
 *
 * @throws {CpcsError} TooFewStars fewer than six sure detections; NoPointing neither header nor registry tells where
 *   to look; NoReferenceStars the catalogues are empty there; NoPatternMatch no rung of the ladder reached the odds;
 *   TilesUnavailable
 */
export async function solve(input: SolveInput, { store, tiles, targets, log }: SolveDeps): Promise<SolveOutput> {
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
  const ladder = searchLadder(hinted, await targets.candidates(hinted.object))
  if (ladder.length === 0) throw new CpcsError('NoPointing')
  const { solution, rung, survey } = await climb(ladder, sure, hinted, tiles, log)

  await store.put(keys.solution, encodeSolution(solution, survey), { contentType: 'application/json' })
  // the frame keeps its key and gains its coordinates: pixels and standard header are the same bytes
  const cards = wcsCards(solution.wcs, frame.width, frame.height)
  await store.put(input.image, encodeFrame(frame, header, { cards }), { contentType: 'application/fits' })
  const flags = input.header.flags | (rung.fromHeader ? 0 : flagMask('solvedWithoutHint'))
  return {
    ...input,
    header: { ...input.header, flags },
    wcs: summarise(solution, survey, rung, hinted),
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
  rung: Rung
  survey: SurveyId
}

async function climb(
  ladder: Rung[],
  detections: FieldDetections,
  header: StandardHeader,
  tiles: Tiles,
  log: Log,
): Promise<Found> {
  const present = await tiles.surveys()
  const usable = ASTROMETRIC_SURVEYS.filter(id => present.includes(id))
  let mostStars = 0
  let tried = 'nothing was tried'
  for (const rung of ladder) {
    for (const survey of usable) {
      const { stars, radiusDeg } = await referenceStars(survey, rung, detections.x.length, header, tiles)
      mostStars = Math.max(mostStars, stars.raDeg.length)
      if (stars.raDeg.length < MIN_STARS) continue
      const hint = { ...rung, starsRadiusDeg: radiusDeg }
      const result = solveField(detections, stars, hint, header.widthPx, header.heightPx)
      if (isSolved(result)) {
        log.info('the field is solved', { survey, pattern: result.rung, logOdds: result.logOdds })
        return { solution: result, rung, survey }
      }
      tried = result.tried
      log.info('no match on this rung', { survey, tried, radiusDeg: rung.radiusDeg })
    }
  }
  const { raDeg, decDeg, radiusDeg } = ladder[0]
  const place = { raDeg: raDeg.toFixed(4), decDeg: decDeg.toFixed(4) }
  if (mostStars < MIN_STARS) throw new CpcsError('NoReferenceStars', { found: mostStars, ...place })
  throw new CpcsError('NoPatternMatch', { ...place, radiusDeg: radiusDeg.toFixed(2), found: tried })
}

/** Reference stars wherever the frame may reach on a rung, where they stood at its epoch, brightest first. */
async function referenceStars(
  survey: SurveyId,
  rung: Rung,
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

function summarise(solution: FieldSolution, survey: SurveyId, rung: Rung, header: StandardHeader): SolveOutput['wcs'] {
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
    withHint: rung.fromHeader,
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

const DETECTION_COLUMNS: Record<keyof Detections, { unit: string; description: string }> = {
  x: { unit: 'pix', description: 'Position along the rows, FITS convention: the first pixel has its centre at 1' },
  y: { unit: 'pix', description: 'Position along the columns, FITS convention' },
  xErr: { unit: 'pix', description: 'Error of x, 1 sigma' },
  yErr: { unit: 'pix', description: 'Error of y, 1 sigma' },
  flux: { unit: 'adu', description: 'Flux by the matched filter' },
  fluxErr: { unit: 'adu', description: 'Error of flux, 1 sigma' },
  peak: { unit: 'adu', description: 'Highest pixel above the sky' },
  significance: { unit: '', description: 'Significance of the matched filter at the peak, sigma' },
  fwhm: { unit: 'pix', description: 'Full width at half maximum, from windowed moments' },
  elongation: { unit: '', description: 'Major over minor axis' },
  flags: { unit: '', description: 'Quality flags, bits of the flag table' },
}

function encodeDetections(detections: Detections): Uint8Array {
  const columns: FitsColumn[] = (Object.keys(DETECTION_COLUMNS) as (keyof Detections)[]).map(name => ({
    name,
    ...DETECTION_COLUMNS[name],
    data: name === 'x' || name === 'y' ? detections[name].map(value => value + 1) : detections[name],
  }))
  return encodeTables([{ name: 'DETECTIONS', columns }])
}
