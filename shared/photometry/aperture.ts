import { median } from '#shared/numeric/robust.ts'
import type { MeasuredFrame } from './measure-stars.ts'
import type { Psf } from './psf.ts'
import { PROFILE_ERROR, type Scene } from './scene.ts'
import type { SceneStars } from './scene-stars.ts'
import type { StampPsf } from './stamp-psf.ts'

/**
 * Area that a circle of radius r around the origin has in common with the rectangle x0 … x1, y0 … y1, exactly: sum of
 * the parts in each quadrant, each a difference of corner areas.
 */
export function circleOverlap(x0: number, y0: number, x1: number, y1: number, r: number): number {
  return corner(x1, y1, r) - corner(x0, y1, r) - corner(x1, y0, r) + corner(x0, y0, r)
}

/**
 * Share of each pixel of a rectangle that lies in a circle around (x, y), its first pixel being (x0, y0): the same exactly,
 * with what belongs to a row or column of corners worked out once.
 *
 * @param out rows of `stride` numbers
 */
function pixelShares(
  x: number,
  y: number,
  x0: number,
  y0: number,
  w: number,
  h: number,
  r: number,
  out: Float32Array,
  stride: number,
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
      if (i > 0 && j > 0) out[(j - 1) * stride + i - 1] = corner - left - above[i] + above[i - 1]
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

/** Measures stars in circles around them. */
export class Apertures {
  readonly #scene: Scene
  readonly #psf: StampPsf
  readonly #table: Float32Array
  readonly #planes: Float32Array
  readonly #shares: Float32Array

  /** @param psf in the memory of the scene */
  constructor(scene: Scene, psf: StampPsf) {
    this.#scene = scene
    this.#psf = psf
    this.#table = scene.memory.floats(psf.tableLength).fill(0)
    this.#planes = scene.memory.floats(3 * psf.side * psf.side).fill(0)
    this.#shares = scene.memory.floats(psf.side * psf.side).fill(0)
  }

  /**
   * Flux within a circle around a star, its neighbours and the sky subtracted: what is left plus the star's own drawn
   * light, each pixel with its exact share. Masked pixels are filled from the fitted star.
   *
   * @param radius pixel
   */
  measure(stars: SceneStars, star: number, radius: number): Aperture {
    const { width, height, memory } = this.#scene
    const x = stars.x[star]
    const y = stars.y[star]
    const x0 = Math.floor(x - radius + 0.5)
    const y0 = Math.floor(y - radius + 0.5)
    const w = Math.ceil(x + radius - 0.5) - x0 + 1
    const h = Math.ceil(y + radius - 0.5) - y0 + 1
    const stride = 4 * Math.ceil(w / 4)
    const numbers = stride * h
    this.#shares.fill(0, 0, numbers)
    pixelShares(x, y, x0, y0, w, h, radius, this.#shares, stride)
    this.#psf.mixAt(stars.homeX[star], stars.homeY[star], radius + 1, this.#table)
    const planeBytes = 4 * this.#psf.side ** 2
    this.#psf.sample('sample', this.#table, x, y, x0, y0, stride, h, this.#planes, planeBytes)
    const { sums } = this.#psf
    memory.kernels.product(this.#shares.byteOffset, this.#planes.byteOffset, 4 * numbers, sums.byteOffset)
    const enclosed = sums[0]

    const [left, low] = [Math.max(0, -x0), Math.max(0, -y0)]
    const [right, high] = [Math.min(w, width - x0), Math.min(h, height - y0)]
    this.#sumPixels(x0, y0, left, low, right - left, high - low, stride)
    const [seen, residual, variance, missing] = sums
    const whole = missing === 0 && right - left === w && high - low === h
    const flux = stars.flux[star]
    // What was filled in is as uncertain as the fit.
    const ofFilled = whole ? 0 : (enclosed - seen) * stars.fluxErr[star]
    return {
      flux: flux * enclosed + residual,
      fluxErr: Math.sqrt(variance + ofFilled * ofFilled),
      enclosed,
      whole,
    }
  }

  /** Sums over the part of the stamp that lies on the frame. */
  #sumPixels(x0: number, y0: number, column: number, row: number, w: number, h: number, stride: number): void {
    const { width, data, usable, planeBytes, noise, memory } = this.#scene
    const first = (y0 + row) * width + x0 + column
    const at = 4 * (row * stride + column)
    memory.kernels.aperture(
      this.#shares.byteOffset + at,
      this.#planes.byteOffset + at,
      4 * stride,
      data.byteOffset + 4 * first,
      planeBytes,
      usable.byteOffset + first,
      width,
      Math.max(w, 0),
      Math.max(h, 0),
      noise.base,
      noise.perAdu,
      noise.floor,
      PROFILE_ERROR,
      this.#psf.sums.byteOffset,
    )
  }
}

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
export function growthCurve(apertures: Apertures, psf: Psf, stars: SceneStars, chosen: ArrayLike<number>): GrowthCurve {
  const steps = Math.max(2, Math.floor(psf.radiusPx / (psf.fwhmPx / 2)))
  const radiusPx = Float64Array.from({ length: steps }, (_, i) => ((i + 1) * psf.fwhmPx) / 2)
  const fraction = new Float64Array(steps)
  const error = new Float64Array(steps)
  for (let k = 0; k < steps; k++) {
    const parts: number[] = []
    for (let i = 0; i < chosen.length && parts.length < GROWTH_STARS; i++) {
      const star = chosen[i]
      if (stars.dropped[star] || !(stars.flux[star] > 0)) continue
      parts.push(apertures.measure(stars, star, radiusPx[k]).flux / stars.flux[star])
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
export function apertureTie({ apertures, stars, psfStars }: MeasuredFrame, radiusPx: number): number {
  const parts: number[] = []
  for (const star of psfStars) {
    if (stars.dropped[star] || !(stars.flux[star] > 0)) continue
    const { flux, enclosed, whole } = apertures.measure(stars, star, radiusPx)
    if (whole) parts.push(flux / (enclosed * stars.flux[star]))
  }
  return parts.length > 0 ? median(parts) : 1
}
