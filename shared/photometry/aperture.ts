import { median } from '#shared/numeric/robust.ts'
import type { MeasuredFrame } from './measure-stars.ts'
import { LocalPsf, type Psf } from './psf.ts'
import type { Scene, SceneStars } from './scene.ts'

/**
 * Area that a circle of radius r around the origin has in common with the rectangle x0 … x1, y0 … y1, exactly: sum of
 * the parts in each quadrant, each a difference of corner areas.
 */
export function circleOverlap(x0: number, y0: number, x1: number, y1: number, r: number): number {
  return corner(x1, y1, r) - corner(x0, y1, r) - corner(x1, y0, r) + corner(x0, y0, r)
}

/**
 * Share of each pixel of a rectangle, row-major into `out`, that lies in a circle around (x, y), its first pixel being
 * (x0, y0): the same exactly, with what belongs to a row or column of corners worked out once.
 */
function pixelShares(
  x: number,
  y: number,
  x0: number,
  y0: number,
  w: number,
  h: number,
  r: number,
  out: Float64Array,
): void {
  if (above.length <= w) above = new Float64Array(2 * w + 2)
  if (ofColumn.length <= w) ofColumn = new Float64Array(2 * w + 2)
  for (let i = 0; i <= w; i++) ofColumn[i] = primitive(Math.min(Math.abs(x0 - 0.5 + i - x), r), r)
  for (let j = 0; j <= h; j++) {
    const v = y0 - 0.5 + j - y
    const b = Math.min(Math.abs(v), r)
    const from = Math.sqrt(r * r - b * b)
    const upTo = from * b - primitive(from, r)
    let left = 0
    for (let i = 0; i <= w; i++) {
      const u = x0 - 0.5 + i - x
      const a = Math.min(Math.abs(u), r)
      const area = a * a + b * b <= r * r ? a * b : upTo + ofColumn[i]
      const corner = u * v < 0 ? -area : area
      if (i > 0 && j > 0) out[(j - 1) * w + i - 1] = corner - left - above[i] + above[i - 1]
      if (i > 0) above[i - 1] = left
      left = corner
    }
    above[w] = left
  }
}
/** Corner areas of the row above; primitives of the columns of corners. */
let above = new Float64Array(0)
let ofColumn = new Float64Array(0)

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
  if (ownLight.length < w * h) {
    ownLight = new Float64Array(w * h)
    shares = new Float64Array(w * h)
  }
  pixelShares(x, y, x0, y0, w, h, radius, shares)
  local.moveTo(stars.homeX[star], stars.homeY[star], radius + 1)
  local.values(x, y, x0, y0, w, h, ownLight)
  let flux = 0
  let variance = 0
  let filled = 0
  let enclosed = 0
  let whole = true
  for (let j = 0; j < h; j++) {
    for (let i = 0; i < w; i++) {
      const share = shares[j * w + i]
      if (share < LEAST_SHARE) continue
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
let shares = new Float64Array(0)
/** Differences of areas leave such crumbs of pixels that lie outside. */
const LEAST_SHARE = 1e-9

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
  const local = new LocalPsf(psf)
  const parts: number[] = []
  for (const star of psfStars) {
    if (stars.dropped[star] || !(stars.flux[star] > 0)) continue
    const { flux, enclosed, whole } = measureAperture(scene, local, stars, star, radiusPx)
    if (whole) parts.push(flux / (enclosed * stars.flux[star]))
  }
  return parts.length > 0 ? median(parts) : 1
}
