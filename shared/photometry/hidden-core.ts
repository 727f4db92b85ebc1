import type { MeasuredFrame } from './measure-stars.ts'
import type { LocalPsf } from './psf.ts'

/** Flux that is told by the outermost wings alone is wrong by this part: scatter of saturated stars about the truth of simulated frames. */
const WING_ERROR = 0.04

/**
 * Relative error of the flux of a star whose core is saturated: its wings alone are measured, and what the PSF puts there
 * stands for the rest. The farther out they begin the less they tell of it; and the PSF's wings are no better known than
 * the noise of the stars that it was learnt from allows.
 *
 * @param local PSF at the place
 * @param x,y place of the star, 0-based pixel
 * @returns 0 where every pixel is usable; Infinity where none is
 */
export function hiddenCoreError(
  { scene, stars, psf, psfStars }: MeasuredFrame,
  local: LocalPsf,
  x: number,
  y: number,
): number {
  const reach = Math.ceil(psf.radiusPx)
  const side = 2 * reach + 1
  const [x0, y0] = [Math.round(x) - reach, Math.round(y) - reach]
  const light = new Float64Array(side * side)
  local.values(x, y, x0, y0, side, side, light)
  let all = 0
  let seen = 0
  let pixels = 0
  for (let k = 0; k < light.length; k++) {
    const i = x0 + (k % side)
    const j = y0 + Math.floor(k / side)
    all += light[k]
    if (i < 0 || j < 0 || i >= scene.width || j >= scene.height || !scene.usable[j * scene.width + i]) continue
    seen += light[k]
    pixels++
  }
  if (!(seen > 0)) return Number.POSITIVE_INFINITY
  let square = 0
  for (const star of psfStars) if (!stars.dropped[star]) square += stars.flux[star] ** 2
  const ofWings = scene.skyNoise(scene.indexAt(x, y)) * Math.sqrt(pixels / square)
  const hidden = 1 - seen / all
  return hidden * Math.hypot(WING_ERROR * hidden, (ofWings * all) / seen)
}
