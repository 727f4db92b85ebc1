import { madSigma } from '#shared/numeric/robust.ts'
import type { Psf } from './psf.ts'
import type { Scene, SceneStars } from './scene.ts'

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
  const { width, height, residual, usable } = scene
  const deviation = (pixel: number) => residual[pixel] / Math.sqrt(scene.variance(pixel))
  const stride = Math.max(STRIDE_PX, Math.floor(residual.length / FRAME_PIXELS) | 1)
  const all = new Float64Array(Math.ceil(residual.length / stride)).fill(Number.NaN)
  for (let k = 0, pixel = 0; pixel < residual.length; k++, pixel += stride) {
    if (usable[pixel]) all[k] = deviation(pixel)
  }
  const onStars: number[] = []
  const reach = ON_STAR_FWHM * psf.fwhmPx
  for (const star of stars.byFlux()) {
    if (stars.held[star] || !(stars.flux[star] > LEAST_SIGMA * stars.fluxErr[star])) continue
    const [x, y] = [stars.x[star], stars.y[star]]
    for (let j = Math.max(0, Math.ceil(y - reach)); j <= Math.min(height - 1, y + reach); j++) {
      for (let i = Math.max(0, Math.ceil(x - reach)); i <= Math.min(width - 1, x + reach); i++) {
        const near = (i - x) ** 2 + (j - y) ** 2 <= reach * reach
        if (near && usable[j * width + i]) onStars.push(deviation(j * width + i))
      }
    }
  }
  return { frame: madSigma(all), onStars: onStars.length < LEAST_PIXELS ? Number.NaN : madSigma(onStars) }
}
