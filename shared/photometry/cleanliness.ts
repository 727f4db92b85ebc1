import { madSigma } from '#shared/numeric/robust.ts'
import type { Psf } from './psf.ts'
import type { Scene } from './scene.ts'
import type { SceneStars } from './scene-stars.ts'

/** Stars of this significance would be seen in the subtracted frame if they were taken out badly. */
const LEAST_SIGMA = 20
/** Pixels within this many FWHM of such a star are on it; pixels of the whole frame are taken at least this far apart. */
const ON_STAR_FWHM = 1
const STRIDE_PX = 7
/** About so many pixels of the whole frame tell its scatter to half a per cent. */
const FRAME_PIXELS = 100_000
const LEAST_PIXELS = 100

/** Robust scatter of the subtracted frame's pixels over the noise that is expected of them; 1 where only noise is left. */
export interface Cleanliness {
  /** Everywhere; NaN where no pixel is usable. */
  frame: number
  /** Within a FWHM of stars above 20 σ; NaN where they have fewer than a hundred pixels. */
  onStars: number
}

/** How clean a frame is with its stars subtracted. */
export function cleanlinessOf(scene: Scene, stars: SceneStars, psf: Psf): Cleanliness {
  return { frame: madSigma(everywhere(scene)), onStars: onStars(scene, stars, ON_STAR_FWHM * psf.fwhmPx) }
}

/** Residual of every so many pixels over its noise; NaN where one is not usable. */
function everywhere(scene: Scene): Float64Array {
  const { residual, usable } = scene
  const stride = Math.max(STRIDE_PX, Math.floor(residual.length / FRAME_PIXELS) | 1)
  const all = new Float64Array(Math.ceil(residual.length / stride)).fill(Number.NaN)
  for (let k = 0, pixel = 0; pixel < residual.length; k++, pixel += stride) {
    if (usable[pixel]) all[k] = residual[pixel] / Math.sqrt(scene.variance(pixel))
  }
  return all
}

/** Scatter of that around stars that would be seen if they were taken out badly. */
function onStars(scene: Scene, stars: SceneStars, reach: number): number {
  const { width, height, residual, usable } = scene
  const chosen = stars
    .byFlux()
    .filter(star => !stars.held[star] && stars.flux[star] > LEAST_SIGMA * stars.fluxErr[star])
  const seen = new Float64Array(chosen.length * (2 * Math.ceil(reach) + 1) ** 2)
  let count = 0
  for (const star of chosen) {
    const [x, y] = [stars.x[star], stars.y[star]]
    const right = Math.min(width - 1, x + reach)
    const top = Math.min(height - 1, y + reach)
    for (let j = Math.max(0, Math.ceil(y - reach)); j <= top; j++) {
      for (let i = Math.max(0, Math.ceil(x - reach)); i <= right; i++) {
        const pixel = j * width + i
        if ((i - x) * (i - x) + (j - y) * (j - y) > reach * reach || !usable[pixel]) continue
        seen[count++] = residual[pixel] / Math.sqrt(scene.variance(pixel))
      }
    }
  }
  return count < LEAST_PIXELS ? Number.NaN : madSigma(seen.subarray(0, count))
}
