import { CpcsError } from '#shared/errors.ts'
import { flagMask } from '#shared/flags.ts'
import type { CoarseMap } from '#shared/image/coarse-map.ts'
import type { Detections, Frame } from '#shared/image/frame.ts'
import { Apertures, type GrowthCurve, growthCurve } from './aperture.ts'
import type { Scatter } from './empty-scatter.ts'
import { SceneFitter } from './fit-scene.ts'
import { markPieces } from './galaxy-pieces.ts'
import { enterKnown, type KnownStars } from './known-stars.ts'
import { LocalSky } from './local-sky.ts'
import { LocalPsf, type Psf } from './psf.ts'
import { buildPsf, LEAST_PSF_STARS } from './psf-build.ts'
import { choosePsfStars, seeingOf } from './psf-stars.ts'
import { scatterWithTail } from './residual-search.ts'
import { type RefinedSky, refineSky } from './residual-sky.ts'
import { maskFlags, Scene } from './scene.ts'
import type { ScenePlanes } from './scene-planes.ts'
import { SceneStars } from './scene-stars.ts'
import type { StampPsf } from './stamp-psf.ts'

/** Smallest cells of the sky under the stars, in FWHM and pixel. */
const SKY_CELL_FWHM = 4
const LEAST_SKY_CELL_PX = 16

/** A core that is fitted worse than this is no star. */
export const POOR_CHI = 3

/** Stars for the rough PSF, with which the neighbours of the others are subtracted. */
const ROUGH_STARS = 80

/** A frame taken apart into sky, stars and residual. */
export interface MeasuredFrame {
  scene: Scene
  stars: SceneStars
  psf: Psf
  psfStars: Int32Array
  apertures: Apertures
  growth: GrowthCurve
  fitter: SceneFitter
  /** Factor by which fluxes of empty places scatter beyond their errors, at a place of the frame. */
  scatter: Scatter
  /** How far the map of the sky follows its cells. */
  refinedSky: RefinedSky
}

/**
 * PSF photometry of all stars of a frame: learn the PSF, fit all stars, refine sky and PSF on what is left, look for
 * hidden neighbours, fit again.
 *
 * @param sky first estimate of the sky level, ADU, of every pixel or line by line
 * @param known stars of a survey on the frame: those that the frame cannot tell from a neighbour are drawn from it
 * @param planes where the frame was read into, if it was read for this
 * @throws {CpcsError} TooFewPsfStars fewer than three stars fit to learn the PSF from
 */
export function measureStars(
  frame: Frame,
  sky: Float32Array | CoarseMap,
  detections: Detections,
  known?: KnownStars,
  planes?: ScenePlanes,
): MeasuredFrame {
  const scene = new Scene(frame, sky, planes)
  const mark = scene.memory.mark()
  const fwhmPx = seeingOf(detections)
  const stars = enterDetections(scene, detections, fwhmPx)
  const psfStars = choosePsfStars(detections, scene, fwhmPx)
  if (psfStars.length < LEAST_PSF_STARS) {
    throw new CpcsError('TooFewPsfStars', { found: psfStars.length, needed: LEAST_PSF_STARS })
  }
  const first = buildPsf(scene, stars, psfStars.subarray(0, ROUGH_STARS), fwhmPx)
  const rough = new SceneFitter(scene, stars, first)
  const cellPx = Math.max(SKY_CELL_FWHM * first.fwhmPx, LEAST_SKY_CELL_PX)
  rough.start(rankOf(detections))
  rough.sweep(1, false)
  let refined = refineSky(scene, cellPx)
  rough.sweep(1, true, 'about')
  const came = stars.count
  const gone = rough.prune()
  rough.addHidden(psfStars)
  if (known) enterKnown(scene, stars, first, known)
  rough.resweep([...gone, ...newcomers(stars, came)], 1, 'none')
  refined = refineSky(scene, cellPx, refined)

  const kept = psfStars.filter(star => !stars.dropped[star])
  const drawn = { psf: first, scatter: rough.scatter }
  const psf = kept.length < LEAST_PSF_STARS ? first : buildPsf(scene, stars, kept, first.fwhmPx, drawn)
  // The rough fitter's memory is that of the next one.
  scene.memory.release(mark)
  const fitter = new SceneFitter(scene, stars, psf)
  fitter.redrawAll()
  fitter.sweep(2, true, 'about')
  const found = stars.count
  const dropped = fitter.prune()
  fitter.addHidden()
  if (known) enterKnown(scene, stars, psf, known)
  fitter.resweep([...dropped, ...newcomers(stars, found)], 2, 'none')
  refined = refineSky(scene, cellPx, refined)
  fitter.sweep(2, true, 'exact')
  const last = stars.count
  const lost = fitter.prune()
  if (known) enterKnown(scene, stars, psf, known)
  fitter.resweep([...lost, ...newcomers(stars, last)])
  markPieces(scene, stars, psf, known)
  settleOnLocalSky(scene, stars, fitter.tables)
  flagStars(scene, stars, psf)
  const apertures = new Apertures(scene, fitter.tables)
  return {
    scene,
    stars,
    psf,
    psfStars,
    fitter,
    apertures,
    growth: growthCurve(apertures, psf, stars, psfStars),
    scatter: scatterWithTail(scene, psf),
    refinedSky: refined,
  }
}

/** Stars that were entered since there were `before`. */
function newcomers(stars: SceneStars, before: number): number[] {
  return Array.from({ length: stars.count - before }, (_, i) => before + i)
}

function enterDetections(scene: Scene, detections: Detections, fwhmPx: number): SceneStars {
  const count = detections.x.length
  const stars = new SceneStars(3 * count + 2000)
  const kept = flagMask('saturated', 'nearEdge', 'cosmicRay', 'maskedPixels')
  for (let i = 0; i < count; i++) {
    const x = detections.x[i]
    const y = detections.y[i]
    stars.add(x, y, (detections.flags[i] & kept) | maskFlags(scene, x, y, fwhmPx))
  }
  return stars
}

function rankOf(detections: Detections): Int32Array {
  return Int32Array.from(detections.x.keys()).sort((a, b) => detections.flux[b] - detections.flux[a] || a - b)
}

/** Stars on a galaxy or in a nebula are fitted once more with a surface of sky of their own. */
function settleOnLocalSky(scene: Scene, stars: SceneStars, tables: StampPsf): void {
  const { psf } = tables
  const local = new LocalPsf(psf)
  const sky = new LocalSky(scene, tables)
  for (const star of stars.byFlux()) {
    if (stars.held[star] || stars.flags[star] & flagMask('saturated')) continue
    const fit = sky.fit(stars, star)
    const moved = fit ? Math.hypot(fit.x - stars.x[star], fit.y - stars.y[star]) : Number.POSITIVE_INFINITY
    if (!fit || fit.order < 0 || !(fit.flux > 0) || moved > psf.fwhmPx / 2) continue
    const radius = scene.drawnRadius(psf, fit.flux, fit.x, fit.y, stars.radius[star])
    local.moveTo(stars.homeX[star], stars.homeY[star], Math.max(radius, stars.radius[star]))
    scene.redraw(local, stars, star, fit.x, fit.y, fit.flux, radius)
    stars.fluxErr[star] = Math.max(stars.fluxErr[star], fit.fluxErr)
    stars.xErr[star] = Math.max(stars.xErr[star], fit.xErr)
    stars.yErr[star] = Math.max(stars.yErr[star], fit.yErr)
  }
}

function flagStars(scene: Scene, stars: SceneStars, psf: Psf): void {
  for (const star of stars.byFlux()) {
    stars.flags[star] |= maskFlags(scene, stars.x[star], stars.y[star], 1.5 * psf.fwhmPx)
    if (stars.groupSize[star] > 1) stars.flags[star] |= flagMask('blended')
    const wide = Math.abs(stars.sharp[star]) > 5 * stars.sharpErr[star]
    if (stars.chi[star] > POOR_CHI || (wide && stars.chi[star] > 1.5)) stars.flags[star] |= flagMask('poorFit')
  }
}
