import type { StandardHeader } from '#events/frame.ts'
import type { SolveInput, SolveOutput } from '#events/stages.ts'
import type { FieldDetections } from '#shared/astrometry/pair-stars.ts'
import type { FieldSolution } from '#shared/astrometry/solve-field.ts'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import { CpcsError } from '#shared/errors.ts'
import type { Card } from '#shared/fits/header.ts'
import { flagMask } from '#shared/flags.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { detectWithShape } from '#shared/image/detection.ts'
import type { Detections, Frame } from '#shared/image/frame.ts'
import { decodeFrame, encodeFrame } from '#shared/image/frame-file.ts'
import { drawPreview, ringRadius } from '#shared/image/preview.ts'
import type { LastSolution } from '#shared/lightcurve/frames.ts'
import type { TargetRegistry } from '#shared/lightcurve/targets.ts'
import { median } from '#shared/numeric/robust.ts'
import { parity, pixelScaleDeg, pixelToSky, rotationDeg, wcsCards } from '#shared/sky/wcs.ts'
import type { ObjectStore } from '#shared/store.ts'
import { encodeDetections } from './detections-table.ts'
import { findField, type LadderDeps, MIN_STARS } from './ladder.ts'
import { searchLadder } from './search.ts'

export interface SolveDeps extends LadderDeps {
  store: ObjectStore
  targets: TargetRegistry
  /** Where a telescope's frames of a night were found last; absent where frames are not remembered. */
  lastSolution?: (telescope: string, night: string) => Promise<LastSolution | undefined>
}

const SURE_SIGMA = 5.5 // detections from here on are no noise, whatever the size of the frame
const NOT_CLEAN = flagMask('blended', 'saturated', 'nearEdge', 'maskedPixels', 'cosmicRay')

/**
 * Find where a frame points: detect stars, match their pattern to the reference catalogue at the frame's epoch, fit
 * TAN-SIP. Writes `detections.fits`, found or not, then `wcs.json` (the solution, its statistics and covariance), and
 * gives `frame.fits` its coordinates. Where nothing is found, `attempts.json` lists what was tried and
 * `preview.png` shows the detections.
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
  await store.put(keys.detections, encodeDetections(detections, sky.levels, header.pixelUnit), {
    contentType: 'application/fits',
  })
  const sure = surest(detections)
  log.info('sources are detected', { detections: detections.x.length, sure: sure.x.length, fwhmPx: shape.fwhmPx })
  const preview = `${input.products}/preview.png`
  const mark = () => store.put(preview, drawDetections(frame, sure, shape.fwhmPx), { contentType: 'image/png' })
  if (sure.x.length < MIN_STARS) {
    await mark()
    throw new CpcsError('TooFewStars', { found: sure.x.length, needed: MIN_STARS })
  }

  // What the caller holds of the header wins over the file's copy: hints may have been added on the way.
  const hinted = { ...header, ...input.header }
  const ladder = deps.blind
    ? []
    : searchLadder(hinted, {
        targets: await targets.candidates(hinted.object),
        last: await deps.lastSolution?.(input.telescope, input.night),
        scale: deps.scaleArcsec,
      })
  const { solution, withHint, survey } = await findField(ladder, sure, hinted, deps, async attempts => {
    const text = JSON.stringify({ attempts }, null, 2)
    await store.put(`${input.products}/attempts.json`, new TextEncoder().encode(text), {
      contentType: 'application/json',
    })
    await mark()
    return drawnOut(detections)
  })

  await store.put(keys.solution, encodeSolution(solution, survey), { contentType: 'application/json' })
  // the frame keeps its key and gains its coordinates: pixels and standard header are the same bytes
  const found = summarise(solution, survey, withHint, hinted)
  const cards = [...centreCards(found), ...wcsCards(solution.wcs, frame.width, frame.height)]
  await store.put(input.image, encodeFrame(frame, header, { cards }), { contentType: 'application/fits' })
  const flags = input.header.flags | (withHint ? 0 : flagMask('solvedWithoutHint'))
  return {
    ...input,
    header: { ...input.header, flags },
    wcs: found,
    ...keys,
    seeingPx: shape.fwhmPx,
  }
}

/** The place of a solved frame as other programs look for it; what the header told stays under keywords of its own. */
function centreCards({ raDeg, decDeg }: SolveOutput['wcs']): Card[] {
  const comment = '[deg] centre of the frame as solved'
  return [
    { keyword: 'RA', value: raDeg, comment },
    { keyword: 'DEC', value: decDeg, comment },
  ]
}

/** What was taken for a star, for the eye to judge. */
function drawDetections(frame: Frame, { x, y, mag }: FieldDetections, fwhmPx: number): Uint8Array {
  const faintest = mag.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
  const ring = (i: number) => ringRadius(fwhmPx, SURE_SIGMA * 10 ** (0.4 * (faintest - mag[i])))
  const stars = Array.from(x, (_, i) => ({ x: x[i], y: y[i], r: ring(i) }))
  return drawPreview(frame, { stars }, { caption: `not solved: ${x.length} detections` })
}

const DRAWN_OUT = 2.5 // major over minor axis beyond which no seeing or focus makes stars
const SHOWS_SHAPE_SIGMA = 20

/** A word on stars that are no points, where most bright detections are so. */
function drawnOut({ significance, elongation }: Detections): string {
  const axes = elongation.filter((value, i) => significance[i] > SHOWS_SHAPE_SIGMA && Number.isFinite(value))
  const typical = median(axes)
  if (!(typical > DRAWN_OUT)) return ''
  return `the detections are drawn out, ${typical.toFixed(1)} to 1: did the telescope move while it exposed?`
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
    fieldWidthDeg: widthPx * Math.hypot(wcs.cd[0], wcs.cd[2]),
    fieldHeightDeg: heightPx * Math.hypot(wcs.cd[1], wcs.cd[3]),
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
