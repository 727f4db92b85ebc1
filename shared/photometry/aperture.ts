import { intrinsicScatter } from '#shared/numeric/intrinsic-scatter.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import type { MeasuredFrame } from './measure-stars.ts'
import { LocalPsf, type Psf } from './psf.ts'
import type { Scene, SceneStars } from './scene.ts'

/** Radius of the catalogue's aperture, FWHM: near the best signal-to-noise for seeing-limited stars. */
export const APERTURE_FWHM = 1

/**
 * Area that a circle of radius r around the origin has in common with the rectangle x0 … x1, y0 … y1, exactly: sum of
 * the parts in each quadrant, each a difference of corner areas.
 */
export function circleOverlap(x0: number, y0: number, x1: number, y1: number, r: number): number {
  return corner(x1, y1, r) - corner(x0, y1, r) - corner(x1, y0, r) + corner(x0, y0, r)
}

/** Share of a pixel of side 1, its centre (dx, dy) from the middle of a circle of radius r, that lies in the circle. */
function pixelShare(dx: number, dy: number, r: number): number {
  const distance = Math.sqrt(dx * dx + dy * dy)
  if (distance + HALF_DIAGONAL <= r) return 1
  if (distance - HALF_DIAGONAL >= r) return 0
  return circleOverlap(dx - 0.5, dy - 0.5, dx + 0.5, dy + 0.5, r)
}
const HALF_DIAGONAL = Math.SQRT1_2 + 1e-12

/** Area of the circle within 0 … x, 0 … y, signed with the quadrant. */
function corner(x: number, y: number, r: number): number {
  const sign = Math.sign(x) * Math.sign(y)
  const a = Math.min(Math.abs(x), r)
  const b = Math.min(Math.abs(y), r)
  if (a * a + b * b <= r * r) return sign * a * b
  // The rectangle's corner sticks out: up to `from` the top is the limit, from there on the circle is.
  const from = Math.sqrt(r * r - b * b)
  return sign * (from * b + primitive(a, r) - primitive(from, r))
}

/** ∫ √(r² − t²) dt. */
function primitive(t: number, r: number): number {
  return (t * Math.sqrt(Math.max(r * r - t * t, 0)) + r * r * Math.asin(Math.min(t / r, 1))) / 2
}

export interface Aperture {
  flux: number
  fluxErr: number
  /** Part of the star's light that the PSF at its place, on these pixels, puts into the circle. */
  enclosed: number
  /** False where pixels of it are masked or off the frame. */
  whole: boolean
}

/**
 * Flux within a circle around a star, its neighbours and the sky subtracted: what is left plus the star's own drawn
 * light, each pixel with its exact share. Masked pixels are filled from the fitted star.
 *
 * @param radius pixel
 */
export function measureAperture(
  scene: Scene,
  local: LocalPsf,
  stars: SceneStars,
  star: number,
  radius: number,
): Aperture {
  const x = stars.x[star]
  const y = stars.y[star]
  const x0 = Math.floor(x - radius + 0.5)
  const y0 = Math.floor(y - radius + 0.5)
  const w = Math.ceil(x + radius - 0.5) - x0 + 1
  const h = Math.ceil(y + radius - 0.5) - y0 + 1
  if (ownLight.length < w * h) ownLight = new Float64Array(w * h)
  local.moveTo(stars.homeX[star], stars.homeY[star], radius + 1)
  local.values(x, y, x0, y0, w, h, ownLight)
  let flux = 0
  let variance = 0
  let filled = 0
  let enclosed = 0
  let whole = true
  for (let j = 0; j < h; j++) {
    for (let i = 0; i < w; i++) {
      const dx = x0 + i - x
      const dy = y0 + j - y
      const share = pixelShare(dx, dy, radius)
      if (share <= 0) continue
      enclosed += share * ownLight[j * w + i]
      const own = stars.flux[star] * ownLight[j * w + i]
      const inside = x0 + i >= 0 && y0 + j >= 0 && x0 + i < scene.width && y0 + j < scene.height
      const k = (y0 + j) * scene.width + x0 + i
      if (!inside || !scene.usable[k]) {
        flux += share * own
        filled += share * own
        whole = false
        continue
      }
      flux += share * (own + scene.residual[k])
      variance += share * scene.variance(k)
    }
  }
  // What was filled in is as uncertain as the fit.
  const ofFilled = filled === 0 ? 0 : (filled * stars.fluxErr[star]) / stars.flux[star]
  return { flux, fluxErr: Math.sqrt(variance + ofFilled * ofFilled), enclosed, whole }
}
let ownLight = new Float64Array(0)

export interface GrowthCurve {
  radiusPx: Float64Array
  /** Flux within the radius over the PSF (total) flux, median of the PSF stars; 1 at infinity. */
  fraction: Float64Array
  /** Its error, from the scatter of the stars. */
  error: Float64Array
}

/** A median of more stars than this is no better than the PSF itself, for the time it takes. */
const GROWTH_STARS = 60

/** Growth curve from bright isolated stars, tied to their PSF flux, at half-FWHM steps out to the table's edge. */
export function growthCurve(scene: Scene, psf: Psf, stars: SceneStars, chosen: ArrayLike<number>): GrowthCurve {
  const steps = Math.max(2, Math.floor(psf.radiusPx / (psf.fwhmPx / 2)))
  const radiusPx = Float64Array.from({ length: steps }, (_, i) => ((i + 1) * psf.fwhmPx) / 2)
  const fraction = new Float64Array(steps)
  const error = new Float64Array(steps)
  const local = new LocalPsf(psf)
  for (let k = 0; k < steps; k++) {
    const parts: number[] = []
    for (let i = 0; i < chosen.length && parts.length < GROWTH_STARS; i++) {
      const star = chosen[i]
      if (stars.dropped[star] || !(stars.flux[star] > 0)) continue
      parts.push(measureAperture(scene, local, stars, star, radiusPx[k]).flux / stars.flux[star])
    }
    fraction[k] = median(parts)
    const spread = median(parts.map(part => Math.abs(part - fraction[k]))) * 1.4826
    error[k] = (1.2533 * spread) / Math.sqrt(Math.max(parts.length, 1))
  }
  return { radiusPx, fraction, error }
}

/**
 * What the PSF stars have in apertures over what the PSF puts there: ties aperture to PSF fluxes. The part that changes
 * over the frame, and with a star's place on its pixels, is in {@link Aperture.enclosed}.
 */
export function apertureTie({ scene, psf, stars, psfStars }: MeasuredFrame, radiusPx: number): number {
  const { ratio } = apertureRatios(scene, psf, stars, psfStars, radiusPx)
  return ratio.length > 0 ? median(ratio) : 1
}

/**
 * Relative scatter, 1 σ, of the ratios of aperture and PSF fluxes of the PSF stars beyond their noise: where the two
 * disagree the PSF is not that of the star's place. It is what of the PSF's error shows, hence a lower limit.
 */
export function apertureMisfit(
  scene: Scene,
  psf: Psf,
  stars: SceneStars,
  chosen: Int32Array,
  radiusPx: number,
): number {
  const { ratio, variance } = apertureRatios(scene, psf, stars, chosen, radiusPx)
  if (ratio.length < LEAST_FOR_MISFIT) return 0
  const centre = median(ratio)
  const limit = MISFIT_CLIP * madSigma(ratio, centre)
  const kept = ratio.flatMap((value, i) => (Math.abs(value - centre) <= limit ? [i] : []))
  return intrinsicScatter(
    Float64Array.from(kept, i => ratio[i] - centre),
    Float64Array.from(kept, i => variance[i]),
  )
}
const LEAST_FOR_MISFIT = 10
/** Ratios farther off than this many robust σ are those of stars with something beside them. */
const MISFIT_CLIP = 4

/** Aperture over PSF flux of whole PSF stars, and the variance of it: the fit uses the aperture's photons as well. */
function apertureRatios(scene: Scene, psf: Psf, stars: SceneStars, chosen: Int32Array, radiusPx: number) {
  const local = new LocalPsf(psf)
  const ratio: number[] = []
  const variance: number[] = []
  for (const star of chosen) {
    if (stars.dropped[star] || !(stars.flux[star] > 0)) continue
    const { flux, fluxErr, enclosed, whole } = measureAperture(scene, local, stars, star, radiusPx)
    if (!whole || !(flux > 0)) continue
    ratio.push(flux / (enclosed * stars.flux[star]))
    const ofAperture = (fluxErr / flux) ** 2
    const ofFit = (stars.fluxErr[star] / stars.flux[star]) ** 2
    variance.push(Math.max(ofAperture - ofFit, LEAST_OWN_NOISE * ofAperture))
  }
  return { ratio, variance }
}
/** Part of an aperture's variance that is its own at the least, however near to the best one it is. */
const LEAST_OWN_NOISE = 0.02
