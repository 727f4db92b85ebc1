import type { CameraFrame } from '#events/camera.ts'
import type { Point } from '#events/point.ts'
import type { CalibrateInput, CalibrateOutput, Outcome } from '#events/stages.ts'
import {
  type CalibratedTarget,
  calibrateStars,
  calibrateTargets,
  calibrationFlags,
  uncalibratedTargets,
} from '#shared/calibration/apply.ts'
import {
  calibrateFrame,
  calibrationTitle,
  candidateRows,
  type FrameCalibration,
  fitDetails,
  plotData,
} from '#shared/calibration/calibrate-frame.ts'
import type { MatchScale } from '#shared/calibration/calibrators.ts'
import {
  type CameraId,
  type CameraMemory,
  cameraFrame,
  cameraOf,
  isUnusual,
  recall,
  toOneSecond,
} from '#shared/calibration/camera.ts'
import type { FrameLight } from '#shared/calibration/candidate.ts'
import { type CatalogueMeta, catalogueEcsv, catalogueFits } from '#shared/calibration/catalogue-files.ts'
import type { Force } from '#shared/calibration/choose.ts'
import { framePoints } from '#shared/calibration/frame-points.ts'
import { drawCalibration } from '#shared/calibration/plot.ts'
import { drawCandidates } from '#shared/calibration/plot-candidates.ts'
import { COLOUR_WINDOW_DAYS } from '#shared/calibration/target-colour.ts'
import type { Cone, ReferenceStars, SurveyId, Tiles } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { flagMask } from '#shared/flags.ts'
import { objectIdOf } from '#shared/object-id.ts'
import { decodeStars } from '#shared/photometry/catalogue-file.ts'
import type { ForcedPhotometry, StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { julianEpoch } from '#shared/sky/time.ts'
import type { Log, ObjectStore } from '#shared/store.ts'
import { PIPELINE_VERSION } from '#shared/version.ts'

/** Enough stars to match any frame with; the faintest of a crowded field are left in the tiles. */
const MOST_REFERENCE_STARS = 40_000
/** Stars just outside the frame's own, for those whose proper motion brought them in, degrees. */
const MARGIN_DEG = 20 / 3600
/** Surveys learn from each other what the frame's own few stars could not teach, degrees. */
const LEAST_RADIUS_DEG = 0.35

export interface CalibrateDeps {
  store: ObjectStore
  tiles: Tiles
  log: Log
  /** What frames told of their cameras; without it every frame stands for itself. */
  cameras?: { frames(camera: CameraId, mjdUtcMid: number): Promise<CameraFrame[]> }
  /** The points of objects, from which a target's colour follows; without them the catalogue's or an assumed one enters. */
  points?: { around(objectId: string, mjdUtc: number, days: number): Promise<Point[]> }
  /** Survey or band that the caller wants instead of the one that the frame would choose. */
  force?: Force
}

/**
 * Turn instrumental magnitudes into standard ones: match the stars with every survey that covers the field, fit zero
 * point and colour term for each band, choose one, and apply it to all stars and targets.
 *
 * @throws {CpcsError} TilesUnavailable; ObjectMissing and StoreUnavailable
 */
export async function calibrate(input: CalibrateInput, deps: CalibrateDeps): Promise<CalibrateOutput> {
  const { store, log, force } = deps
  const stars = decodeStars(await store.get(input.catalogue))
  const forced = JSON.parse(new TextDecoder().decode(await store.get(input.forced))) as ForcedPhotometry[]

  const available = await surveysAround(coneOf(stars, input), deps)
  const memory = recall((await deps.cameras?.frames(cameraOf(input), input.header.mjdUtcMid)) ?? [], frameOf(input))
  const calibration = calibrateFrame(stars, available, matchScale(input), input.header.band, force, memory)
  tellChoice(calibration, input, log)

  const calibrated = withMagnitudes(stars, calibration)
  const flags = flagsOf(calibration, input, memory, force)
  const targets = targetsOf(forced, calibration, input, flags, await ownPoints(forced, calibration, input, deps))
  const { chosen } = calibration.choice
  const points = framePoints(input, targets, calibration.chosen, chosen?.standard.system ?? 'instrumental')

  const camera = cameraFrame(
    input,
    calibration.choice.ranked.map(({ fit }) => fit),
    chosen,
    calibration.choice.ambiguous,
  )

  const meta = catalogueMeta(input, calibration)
  const report = {
    chosen: calibration.chosen,
    ambiguous: calibration.choice.ambiguous,
    contradictsHeader: calibration.choice.contradictsHeader,
    candidates: calibration.candidates,
    fit: chosen ? fitDetails(chosen) : null,
    targets,
    plot: chosen ? plotData(chosen, stars, calibrationTitle(chosen)) : null,
  }
  const { products, header } = input
  const { pixelUnit } = header
  await store.put(`${products}/catalogue.fits`, catalogueFits(calibrated, meta, pixelUnit), {
    contentType: 'application/fits',
  })
  await store.put(`${products}/catalogue.ecsv`, encoded(catalogueEcsv(calibrated, meta, pixelUnit)), {
    contentType: 'text/plain',
  })
  if (calibration.candidates.length > 0) {
    const picture = drawCandidates(candidateRows(calibration, stars), choiceInWords(calibration, input))
    await store.put(`${products}/candidates.png`, picture, { contentType: 'image/png' })
  }
  if (report.plot)
    await store.put(`${products}/calibration.png`, drawCalibration(report.plot), { contentType: 'image/png' })
  await store.put(`${products}/calibration.json`, encoded(JSON.stringify(report)), json)
  await store.put(`${products}/points.json`, encoded(JSON.stringify(points)), json)
  if (camera) await store.put(`${products}/camera.json`, encoded(JSON.stringify(camera)), json)
  return {
    ...input,
    outcome: outcomeOf(calibration, targets),
    calibration: { chosen: calibration.chosen, ambiguous: calibration.choice.ambiguous },
    calibrationReport: `${products}/calibration.json`,
    points: `${products}/points.json`,
    camera: camera ? `${products}/camera.json` : null,
  }
}

const json = { contentType: 'application/json' }

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** The part of the sky that holds all stars of the frame, and not less than surveys need to be compared. */
function coneOf({ raDeg, decDeg }: StarCatalogue, { wcs }: CalibrateInput): Cone {
  let radiusDeg = Math.hypot(wcs.fieldWidthDeg, wcs.fieldHeightDeg) / 2
  for (let i = 0; i < raDeg.length; i++) {
    const distance = separationDeg(raDeg[i], decDeg[i], wcs.raDeg, wcs.decDeg)
    if (distance > radiusDeg) radiusDeg = distance
  }
  return { raDeg: wcs.raDeg, decDeg: wcs.decDeg, radiusDeg: Math.max(radiusDeg + MARGIN_DEG, LEAST_RADIUS_DEG) }
}

/**
 * Stars of the surveys around the field. Those whose bands only rank stars are asked for where the others have none, or
 * where they are forced.
 */
async function surveysAround(cone: Cone, { tiles, log, force }: CalibrateDeps): Promise<ReferenceStars[]> {
  const ids = await tiles.surveys()
  const isStandard = (id: SurveyId) => !surveys[id].lastResort || id === force?.survey
  let available = await starsOf(ids.filter(isStandard), cone, tiles)
  if (available.length === 0)
    available = await starsOf(
      ids.filter(id => !isStandard(id)),
      cone,
      tiles,
    )
  log.info('surveys around the field', Object.fromEntries(available.map(({ survey, count }) => [survey, count])))
  return available
}

async function starsOf(ids: SurveyId[], cone: Cone, tiles: Tiles): Promise<ReferenceStars[]> {
  const available: ReferenceStars[] = []
  for (const survey of ids) {
    const stars = await tiles.cone(survey, cone, { limit: MOST_REFERENCE_STARS })
    if (stars.count > 0) available.push(stars)
  }
  return available
}

/** What the matching is told of a frame. */
export function matchScale({ wcs, psf, header }: CalibrateInput): MatchScale & FrameLight {
  return {
    widthPx: header.widthPx,
    heightPx: header.heightPx,
    fwhmArcsec: psf.fwhmPx * wcs.pixelScaleArcsec,
    residualArcsec: wcs.medianResidualMas / 1000,
    epochYear: julianEpoch(header.mjdUtcMid),
    lightOutside: psf.lightOutside,
  }
}

/** Why the chosen candidate was chosen, in one line. */
function choiceInWords({ choice, candidates, chosen }: FrameCalibration, { header }: CalibrateInput): string {
  const filter =
    header.filterName === null ? 'no filter named' : `filter ${header.filterName}, band ${header.band ?? 'unknown'}`
  const found = chosen ? `${chosen.survey} ${chosen.band}` : 'nothing chosen'
  const doubt = choice.ambiguous ? ', ambiguous' : choice.contradictsHeader ? ', against the header' : ''
  return `${candidates.length} candidates, ${filter}: ${found}${doubt}`
}

function tellChoice({ choice, candidates, chosen }: FrameCalibration, { header }: CalibrateInput, log: Log): void {
  if (!chosen) log.warn('no survey calibrates the frame', { headerBand: header.band })
  else if (choice.chosen && surveys[choice.chosen.standard.survey].lastResort)
    log.warn('no survey of a standard band has stars here', { headerBand: header.band, chosen })
  else if (choice.contradictsHeader)
    log.warn('the stars speak against the band of the header', { headerBand: header.band, chosen })
  else log.info('calibrated', { chosen, candidates: candidates.length, ambiguous: choice.ambiguous })
}

/** The catalogue with calibrated magnitudes and Gaia's identities. */
function withMagnitudes(stars: StarCatalogue, { choice, matched }: FrameCalibration): StarCatalogue {
  const gaia = matched.find(survey => survey.stars.survey === 'gaia_dr3')
  const sourceId = new BigInt64Array(stars.id.length)
  if (gaia)
    gaia.rowOf.forEach((row, i) => {
      if (row >= 0 && /^\d+$/.test(gaia.stars.id[row])) sourceId[i] = BigInt(gaia.stars.id[row])
    })
  return { ...stars, ...(choice.chosen ? calibrateStars(stars, choice.chosen) : {}), sourceId }
}

function frameOf({ frameId, header }: CalibrateInput) {
  return { frameId, mjdUtcMid: header.mjdUtcMid }
}

/** Flags that hold for every magnitude of the frame. */
function flagsOf(
  { choice, chosen }: FrameCalibration,
  { header }: CalibrateInput,
  memory: CameraMemory,
  force?: Force,
): number {
  if (!choice.chosen || !chosen) return header.flags
  const usual = memory.zeroPoint(chosen.survey, chosen.band, chosen.colour)
  const zeroPoint = toOneSecond(chosen.zeroPoint, header.exposureSeconds)
  const unusual = usual && zeroPoint !== null && isUnusual(zeroPoint, usual) ? flagMask('zeroPointUnusual') : 0
  const drifting = memory.drifts(chosen.survey, chosen.band, chosen.colour) ? flagMask('cameraDrifts') : 0
  const { standsFor, survey } = choice.chosen.standard
  const lastResort = surveys[survey].lastResort ? flagMask('noStandardBand') : 0
  const isTold = standsFor === header.band || force?.band !== undefined || lastResort !== 0
  const guessed = isTold ? 0 : flagMask('bandFromData')
  return header.flags | guessed | unusual | drifting | lastResort | calibrationFlags(choice.chosen, choice.ambiguous)
}

/** Points of the targets in other frames, where a colour can be of use. */
async function ownPoints(
  forced: ForcedPhotometry[],
  { choice: { chosen } }: FrameCalibration,
  { header }: CalibrateInput,
  { points }: CalibrateDeps,
): Promise<Map<string, Point[]>> {
  if (!points || !chosen?.hasColourTerm) return new Map()
  const found = forced.map(async ({ name }): Promise<[string, Point[]]> => {
    return [name, await points.around(objectIdOf(name), header.mjdUtcMid, COLOUR_WINDOW_DAYS)]
  })
  return new Map(await Promise.all(found))
}

function targetsOf(
  forced: ForcedPhotometry[],
  { choice: { chosen } }: FrameCalibration,
  input: CalibrateInput,
  flags: number,
  own: Map<string, Point[]>,
): CalibratedTarget[] {
  if (!chosen) return uncalibratedTargets(forced, input.header.band ?? 'unknown', flags)
  return calibrateTargets(forced, chosen, { ...frameOf(input), flags, pointsOf: name => own.get(name) ?? [] })
}

function outcomeOf({ chosen }: FrameCalibration, targets: CalibratedTarget[]): Outcome {
  if (!chosen) return 'uncalibrated'
  return targets.length > 0 && !targets.some(target => target.detected) ? 'limit' : 'calibrated'
}

function catalogueMeta(input: CalibrateInput, { chosen, choice }: FrameCalibration): CatalogueMeta {
  const { header, frameId } = input
  const frame = { frameId, dateObs: header.dateObsUtc, mjdUtcMid: header.mjdUtcMid }
  const calibration = chosen && {
    survey: chosen.survey,
    band: chosen.band,
    system: choice.chosen!.standard.system,
    zeroPoint: chosen.zeroPoint,
    zeroPointError: chosen.zeroPointError,
    colour: chosen.colour,
    colourTerm: chosen.colourTerm,
    colourTermError: chosen.colourTermError,
    calibrators: chosen.stars,
  }
  return { ...frame, ...calibration, version: PIPELINE_VERSION }
}
