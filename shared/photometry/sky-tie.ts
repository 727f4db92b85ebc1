import { errorBesides } from '#shared/astrometry/position-floor.ts'
import { type FitCovariance, fitBestOrder, type Pairs, toPlane } from '#shared/astrometry/sip-fit.ts'
import { flagMask } from '#shared/flags.ts'
import { PointGrid } from '#shared/numeric/point-grid.ts'
import type { KnownStars } from './known-stars.ts'
import type { SceneStars } from './scene-stars.ts'

/** Only such stars make the tie. */
const SPOILT = flagMask('blended', 'saturated', 'nearEdge', 'maskedPixels', 'cosmicRay', 'poorFit', 'fitNotConverged')
const LEAST_SIGNIFICANCE = 7
/** More stars than this, the brightest, tell a smooth surface no better for the time they take. */
const MOST_STARS = 4000
/** With fewer, the solution of the frame is as good. */
const FEWEST_STARS = 20
/** A fitted star is the known one within this many FWHM, and a pixel at least. */
const SAME_FWHM = 0.3
/** Bounds of the error that all positions share, pixel. */
const FLOOR_PX = [0.0005, 0.5] as const
/** The brightest stars tell it: of fainter ones it would be what their neighbours and the sky under them do. */
const FLOOR_STARS = { share: 0.1, fewest: 30 }
/** Fit and floor have settled after so many rounds. */
const ROUNDS = 4

/** How positions of the PSF stand to the solution of the frame. */
export interface SkyTie {
  /** What a place of the PSF has to be moved by, pixel, before the solution leads it to the sky. */
  shiftAt: (x: number, y: number) => [dx: number, dy: number]
  /** Of that shift. */
  covariance: FitCovariance
  /** 1 σ per axis that positions scatter by besides the errors of their fits, pixel. */
  floorPx: number
}

/**
 * Tie the places of the PSF to the sky by the survey's stars themselves. The solution of a frame was fitted to windowed
 * centroids; under coma these and the PSF part by a few hundredths of a pixel, more in the corners, and what no polynomial of
 * the solution follows is an error that all stars have, however bright.
 *
 * @param known the survey's stars where the solution puts them
 * @param errorPx 1 σ of a fitted place, mean of both axes
 * @param frame its size and seeing in pixels, scaleDeg in degrees per pixel
 * @returns undefined where too few stars are alone and known
 */
export function tieToSurvey(
  stars: SceneStars,
  known: KnownStars,
  errorPx: (star: number) => number,
  frame: { width: number; height: number; fwhmPx: number; scaleDeg: number },
): SkyTie | undefined {
  const { width, height, fwhmPx, scaleDeg } = frame
  const grid = new PointGrid(known.x, known.y, Math.max(8, fwhmPx))
  const reach = Math.max(1, SAME_FWHM * fwhmPx)
  const rows: { star: number; at: number }[] = []
  for (const star of stars.byFlux()) {
    if (rows.length === MOST_STARS) break
    const { flux, fluxErr, flags, held, x, y } = stars
    if (held[star] || flags[star] & SPOILT || !(flux[star] > LEAST_SIGNIFICANCE * fluxErr[star])) continue
    const at = grid.nearest(x[star], y[star], reach)
    if (at >= 0) rows.push({ star, at })
  }
  if (rows.length < FEWEST_STARS) return undefined

  const column = (value: (row: (typeof rows)[number]) => number) => Float64Array.from(rows, value)
  const alone: Pairs = {
    x: column(({ star }) => stars.x[star]),
    y: column(({ star }) => stars.y[star]),
    xi: column(({ star, at }) => (known.x[at] - stars.x[star]) * scaleDeg),
    eta: column(({ star, at }) => (known.y[at] - stars.y[star]) * scaleDeg),
    errorDeg: column(({ star, at }) => Math.hypot(errorPx(star), known.errorPx[at]) * scaleDeg),
  }
  const [least, most] = FLOOR_PX.map(px => px * scaleDeg)
  let floor = least
  let fit: ReturnType<typeof fitBestOrder>
  for (let round = 0; round < ROUNDS; round++) {
    const errorDeg = alone.errorDeg.map(error => Math.hypot(error, floor))
    fit = fitBestOrder({ ...alone, errorDeg }, width, height)
    if (!fit) return undefined
    floor = errorBesides(alone, fit, FLOOR_STARS, least, most)
  }
  const last = fit
  if (!last) return undefined
  return {
    shiftAt: (x, y) => {
      const [xi, eta] = toPlane(last, x, y)
      return [xi / scaleDeg, eta / scaleDeg]
    },
    covariance: last,
    floorPx: floor / scaleDeg,
  }
}
