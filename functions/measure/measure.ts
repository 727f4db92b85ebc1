import type { MeasureInput, MeasureOutput } from '#events/stages.ts'
import type { SurveyId, Tiles } from '#shared/catalogue/reference.ts'
import { CpcsError } from '#shared/errors.ts'
import type { Card } from '#shared/fits/header.ts'
import { hasFlag } from '#shared/flags.ts'
import { cutOffInWords, findCutOff, MOST_MEASURED_CUT } from '#shared/image/cut-off-sky.ts'
import { type Frame, MASK } from '#shared/image/frame.ts'
import { decodeFrame, encodeFrame } from '#shared/image/frame-file.ts'
import { photonTransfer } from '#shared/image/noise.ts'
import { drawPreview, ringRadius } from '#shared/image/preview.ts'
import type { TargetRegistry } from '#shared/lightcurve/targets.ts'
import { encodeStars } from '#shared/photometry/catalogue-file.ts'
import { cleanlinessOf } from '#shared/photometry/cleanliness.ts'
import { type KnownSolution, makeCatalogue } from '#shared/photometry/make-catalogue.ts'
import { measureStars } from '#shared/photometry/measure-stars.ts'
import { drawPsf } from '#shared/photometry/psf-picture.ts'
import { lightOutside, PSF_KIND, summarisePsf } from '#shared/photometry/psf-summary.ts'
import { readDetections, readSky } from '#shared/photometry/read-detections.ts'
import { ScenePlanes } from '#shared/photometry/scene-planes.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { pixelToSky } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import type { Log, ObjectStore } from '#shared/store.ts'
import { checkLimits } from './injection.ts'
import { knownStars } from './known-stars.ts'
import { measureSurvey } from './survey-stars.ts'
import { measureTargets } from './targets.ts'

export interface MeasureDeps {
  store: ObjectStore
  targets: TargetRegistry
  /** Where Gaia tells of neighbours that the frame does not part; without it the frame stands for itself. */
  tiles?: Tiles
  log: Log
  /** How many stars to put into the frame as a check of its limits; none by default. */
  inject?: number
  /** Survey whose every star on the frame is measured at its place; none by default. */
  forced?: SurveyId
}

/**
 * Measure every star of a frame and every registered target in its field: PSF photometry in groups, aperture
 * photometry, forced photometry of the targets; and leave the frame without its stars.
 *
 * Writes `stars.fits`, `forced.json`, `residual.fits`, `psf.json`, `psf.png` and `preview.png` below the frame's products.
 *
 * @throws {CpcsError} SkyCutOff most pixels have the value at which the sky was cut off; TooFewPsfStars fewer
 *   than three stars fit to learn the PSF from; StoreUnavailable, ObjectMissing
 */
export async function measure(
  input: MeasureInput,
  { store, targets, tiles, log, inject, forced: survey }: MeasureDeps,
): Promise<MeasureOutput> {
  let planes: ScenePlanes | undefined
  const { frame, header, cards } = decodeFrame(await store.get(input.image), (width, height) => {
    planes = new ScenePlanes(width, height)
    return planes
  })
  if (hasFlag(input.header.flags, 'skyCutOff')) refuseBuriedSky(frame)
  const solution = await readSolution(store, input.solution)
  const { wcs } = solution
  const found = await store.get(input.detections)
  const detections = readDetections(found)
  const { width, height } = frame
  const cone = fieldCone(wcs, width, height)
  const known = tiles && (await knownStars(tiles, cone, wcs, input.header))
  const measured = measureStars(frame, readSky(found, width, height), detections, known, planes)
  const { psf, scene } = measured
  const inField = await targets.inCone(cone)
  const { forced, unmeasured } = measureTargets(measured, wcs, inField, known, log)
  const stars = makeCatalogue(measured, solution, known)
  log.info('stars are measured', { detections: detections.x.length, stars: stars.id.length, psfStars: psf.stars })

  const keys = {
    catalogue: `${input.products}/stars.fits`,
    forced: `${input.products}/forced.json`,
    residual: `${input.products}/residual.fits`,
    psf: `${input.products}/psf.json`,
    psfPicture: `${input.products}/psf.png`,
    preview: `${input.products}/preview.png`,
  }
  await store.put(keys.catalogue, encodeStars(stars, header.pixelUnit), { contentType: 'application/fits' })
  await store.put(keys.forced, json(forced), { contentType: 'application/json' })
  await store.put(keys.psf, json(summarisePsf(psf, measured.growth)), { contentType: 'application/json' })
  const rings = Array.from(stars.x, (x, i) => {
    return { x, y: stars.y[i], r: ringRadius(psf.fwhmPx, stars.flux[i] / stars.fluxErr[i]) }
  })
  const caption = [header.telescope, header.filterName, header.dateObsUtc].filter(Boolean).join(' · ')
  const preview = drawPreview(frame, { stars: rings, targets: forced, north: { cd: wcs.cd } }, { caption })
  await store.put(keys.preview, preview, { contentType: 'image/png' })

  const surveyStars = `${input.products}/survey-stars.fits`
  if (survey && tiles) {
    const table = await measureSurvey(measured, survey, tiles, { cone, wcs, header: input.header, known })
    await store.put(surveyStars, table, { contentType: 'application/fits' })
  }
  const injection = inject
    ? await checkLimits({ frame, measured, detections, known }, inject, input.frameId, input.products, { store, log })
    : undefined

  // The pixels of the frame are gone from here on.
  await store.put(keys.psfPicture, drawPsf(psf), { contentType: 'image/png' })
  const { frame: everywhere, onStars } = cleanlinessOf(scene, measured.stars, psf)
  scene.removeStars()
  const content: Card = { keyword: 'CONTENT', value: 'residual', comment: 'the frame without its stars' }
  const residual = encodeFrame(frame, header, { cards: [...cards, content], room: scene.planes.spare() })
  await store.put(keys.residual, residual, { contentType: 'application/fits' })

  return {
    ...input,
    psf: {
      kind: PSF_KIND,
      stars: psf.stars,
      fwhmPx: psf.fwhmPx,
      elongation: psf.elongation,
      order: psf.order,
      chi: psf.chi,
      lightOutside: lightOutside(psf),
      cleanliness: { frame: finite(everywhere), onStars: finite(onStars) },
    },
    stars: stars.id.length,
    catalogue: keys.catalogue,
    forced: keys.forced,
    ...(unmeasured.length > 0 && { unmeasured }),
    residual: keys.residual,
    ...(survey && tiles && { surveyStars }),
    ...(injection && { injection }),
  }
}

/** Stars that stick out of a cut at or above the sky have lost an unknown part of their light. */
function refuseBuriedSky({ pixels, mask, width, height, detector }: Frame): void {
  const seen = pixels.map((value, i) => (mask[i] & MASK.bad ? Number.NaN : value))
  const { skyAdu, skyVariance } = photonTransfer(seen, width, height, detector.saturationAdu)
  const cutOff = findCutOff(seen, skyAdu, Math.sqrt(skyVariance))
  if (cutOff && cutOff.share > MOST_MEASURED_CUT) throw new CpcsError('SkyCutOff', { found: cutOffInWords(cutOff) })
}

async function readSolution(store: ObjectStore, key: string): Promise<KnownSolution> {
  const text = new TextDecoder().decode(await store.get(key))
  return JSON.parse(text) as KnownSolution
}

/** The cone around the frame. */
function fieldCone(wcs: Wcs, width: number, height: number): { raDeg: number; decDeg: number; radiusDeg: number } {
  const [raDeg, decDeg] = pixelToSky(wcs, (width - 1) / 2, (height - 1) / 2)
  const corners = [0, width - 1].flatMap(x => [0, height - 1].map(y => pixelToSky(wcs, x, y)))
  const radiusDeg = Math.max(...corners.map(([ra, dec]) => separationDeg(raDeg, decDeg, ra, dec)))
  return { raDeg, decDeg, radiusDeg }
}

/** JSON knows no NaN. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
