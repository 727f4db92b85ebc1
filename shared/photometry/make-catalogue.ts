import { type FitCovariance, solutionErrorMas } from '#shared/astrometry/sip-fit.ts'
import { hasFlag } from '#shared/flags.ts'
import { pixelScaleDeg, pixelToSky } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { apertureTie } from './aperture.ts'
import { hiddenCompanions } from './hidden-companions.ts'
import { hiddenCoreError } from './hidden-core.ts'
import type { KnownStars } from './known-stars.ts'
import type { MeasuredFrame } from './measure-stars.ts'
import { LocalPsf, type Psf } from './psf.ts'
import { takenBySky } from './residual-sky.ts'
import { tieToSurvey } from './sky-tie.ts'
import type { StarCatalogue } from './star-catalogue.ts'

/** Radius of the catalogue's aperture, FWHM: near the best signal-to-noise for seeing-limited stars. */
const APERTURE_FWHM = 1
/** What flat field and PSF leave in a bright star's flux however many photons it has. */
const RELATIVE_FLOOR = 0.002
const MAG_PER_RELATIVE = 2.5 / Math.LN10
const MAS_PER_DEG = 3.6e6

/** A solution of the frame's place, and how well it is known. */
export interface KnownSolution {
  wcs: Wcs
  covariance: FitCovariance
}

/**
 * The catalogue of a measured frame, brightest first; stars without flux, those that only stand for a survey's, and pieces of
 * galaxies are left out. Where the survey knows enough of them, they are tied to the sky by its stars, else by the solution alone. The
 * errors of positions on the sky are those of the star's fit, of the tie, and of what all positions scatter by besides.
 *
 * @param known the survey's stars where the solution puts them
 */
export function makeCatalogue(
  measured: MeasuredFrame,
  { wcs, covariance }: KnownSolution,
  known?: KnownStars,
): StarCatalogue {
  const { scene, stars, psf } = measured
  const order = stars
    .byFlux()
    .filter(star => !stars.held[star] && !stars.piece[star] && stars.flux[star] > 0 && stars.fluxErr[star] > 0)
  const catalogue = emptyCatalogue(order.length)
  const radius = APERTURE_FWHM * psf.fwhmPx
  const tie = apertureTie(measured, radius)
  const frame = { width: scene.width, height: scene.height, fwhmPx: psf.fwhmPx, scaleDeg: pixelScaleDeg(wcs) }
  const errorPx = (star: number) => (trueErrors(measured, star).inflation * (stars.xErr[star] + stars.yErr[star])) / 2
  const alone = Float64Array.from(order, star => trueErrors(measured, star).fluxErr)
  const companions = hiddenCompanions(scene, stars, psf, order, alone)
  const onSky = known && tieToSurvey(stars, known, errorPx, frame)
  const floorPx = onSky?.floorPx ?? 0
  const [c11, c12, c21, c22] = wcs.cd.map(value => value * MAS_PER_DEG)
  const local = new LocalPsf(psf)
  order.forEach((star, row) => {
    const flux = stars.flux[star]
    const { inflation } = trueErrors(measured, star)
    const hidden = coreError(measured, local, star)
    const fluxErr = Math.hypot(companions[row] * alone[row], relativeError(psf) * flux, hidden * flux)
    const [dx, dy] = onSky?.shiftAt(stars.x[star], stars.y[star]) ?? [0, 0]
    const [raDeg, decDeg] = pixelToSky(wcs, stars.x[star] + dx, stars.y[star] + dy)
    const xErr = Math.hypot(stars.xErr[star] * inflation, floorPx)
    const yErr = Math.hypot(stars.yErr[star] * inflation, floorPx)
    const aperture = measured.apertures.measure(stars, star, radius)
    catalogue.id[row] = row + 1
    catalogue.x[row] = stars.x[star]
    catalogue.y[row] = stars.y[star]
    catalogue.raDeg[row] = raDeg
    catalogue.decDeg[row] = decDeg
    const ofSolution = solutionErrorMas(onSky?.covariance ?? covariance, stars.x[star], stars.y[star])
    catalogue.raErrMas[row] = Math.hypot(c11 * xErr, c12 * yErr, ofSolution)
    catalogue.decErrMas[row] = Math.hypot(c21 * xErr, c22 * yErr, ofSolution)
    catalogue.flux[row] = flux
    catalogue.fluxErr[row] = fluxErr
    catalogue.magInst[row] = magnitude(flux)
    catalogue.magInstErr[row] = (MAG_PER_RELATIVE * fluxErr) / flux
    catalogue.magAper[row] = magnitude(aperture.flux / (tie * aperture.enclosed))
    catalogue.magAperErr[row] =
      aperture.flux > 0 ? MAG_PER_RELATIVE * Math.hypot(aperture.fluxErr / aperture.flux, hidden) : Number.NaN
    catalogue.chi[row] = stars.chi[star]
    catalogue.sharp[row] = stars.sharp[star]
    catalogue.sky[row] = scene.sky[scene.indexAt(stars.x[star], stars.y[star])]
    catalogue.flags[row] = stars.flags[star]
  })
  return catalogue
}

/**
 * Relative error of a flux that more photons do not lessen: flat field, what is not known of the PSF at a place, what stars
 * differ from it.
 */
export function relativeError(psf: Psf): number {
  return Math.hypot(RELATIVE_FLOOR, psf.widthErr, psf.tableErr, psf.misfitErr)
}

/** −2.5 log10 of a flux in ADU; NaN where it is not positive. */
export function magnitude(flux: number): number {
  return flux > 0 ? -2.5 * Math.log10(flux) : Number.NaN
}

/**
 * The fit's error of a star's flux with what empty places of the region scatter beyond theirs (and the ratio of both), and
 * with what the map of the sky takes in those. Beside neighbours that goes into a flux with the same weights as noise.
 */
function trueErrors(measured: MeasuredFrame, star: number): { fluxErr: number; inflation: number } {
  const { scene, stars, psf, scatter, refinedSky } = measured
  const x = stars.x[star]
  const y = stars.y[star]
  const empty = scene.skyNoise(scene.indexAt(x, y)) * Math.sqrt(stars.sharing[star] / psf.sharpness)
  const extra = (scatter(x, y) ** 2 - 1) * empty * empty
  const inflation = Math.sqrt(1 + extra / stars.fluxErr[star] ** 2)
  // In an empty place the map of the sky has followed the noise and structure that lie there; a star keeps them to itself.
  const kept = 1 - takenBySky(refinedSky, x / scene.width, y / scene.height) / psf.sharpness
  const ofSky = empty * scatter(x, y) * Math.sqrt(kept ** -2 - 1)
  return { fluxErr: Math.hypot(stars.fluxErr[star] * inflation, ofSky), inflation }
}

/** What a saturated core leaves open of a star's flux, relative; 0 of other stars. */
function coreError(measured: MeasuredFrame, local: LocalPsf, star: number): number {
  const { stars } = measured
  if (!hasFlag(stars.flags[star], 'saturated')) return 0
  local.moveTo(stars.x[star], stars.y[star])
  return hiddenCoreError(measured, local, stars.x[star], stars.y[star])
}

function emptyCatalogue(rows: number): StarCatalogue {
  const column = () => new Float64Array(rows).fill(Number.NaN)
  return {
    id: new Int32Array(rows),
    x: column(),
    y: column(),
    raDeg: column(),
    decDeg: column(),
    raErrMas: column(),
    decErrMas: column(),
    flux: column(),
    fluxErr: column(),
    magInst: column(),
    magInstErr: column(),
    magAper: column(),
    magAperErr: column(),
    mag: column(),
    magErr: column(),
    chi: column(),
    sharp: column(),
    sky: column(),
    flags: new Int32Array(rows),
    sourceId: new BigInt64Array(rows),
  }
}
