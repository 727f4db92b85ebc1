import type { MeasuredFrame } from './measure-stars.ts'
import { LocalPsf } from './psf.ts'
import type { Scene } from './scene.ts'

/** A square of pixels cut out of a frame; place (0, 0) of the stamp is (x0, y0) of the frame. */
export interface Stamp {
  x0: number
  y0: number
  side: number
  /** ADU. */
  value: Float64Array
  /** ADU²; Infinity where a pixel does not count. */
  variance: Float64Array
}

/**
 * What is left of a scene around a place, with its noise.
 *
 * @param reach pixels on each side of the middle one
 * @param withSky whether the sky level stays in it
 */
export function cutStamp(scene: Scene, x: number, y: number, reach: number, withSky = false): Stamp {
  const side = 2 * reach + 1
  const x0 = Math.round(x) - reach
  const y0 = Math.round(y) - reach
  const value = new Float64Array(side * side)
  const variance = new Float64Array(side * side).fill(Number.POSITIVE_INFINITY)
  for (let j = Math.max(0, -y0); j < Math.min(side, scene.height - y0); j++) {
    for (let i = Math.max(0, -x0); i < Math.min(side, scene.width - x0); i++) {
      const p = (y0 + j) * scene.width + x0 + i
      if (!scene.usable[p]) continue
      value[j * side + i] = scene.residual[p] + (withSky ? scene.sky[p] : 0)
      variance[j * side + i] = scene.variance(p)
    }
  }
  return { x0, y0, side, value, variance }
}

/** Put the light of stars back into a stamp, as it was drawn. */
export function addLight({ stars, psf }: Pick<MeasuredFrame, 'stars' | 'psf'>, stamp: Stamp, which: number[]): void {
  const { x0, y0, side, value } = stamp
  const light = new Float64Array(side * side)
  const local = new LocalPsf(psf)
  for (const star of which) {
    local.moveTo(stars.homeX[star], stars.homeY[star])
    local.values(stars.x[star], stars.y[star], x0, y0, side, side, light)
    for (let k = 0; k < light.length; k++) {
      const far = Math.hypot(x0 + (k % side) - stars.x[star], y0 + Math.floor(k / side) - stars.y[star])
      if (far <= stars.radius[star]) value[k] += stars.flux[star] * light[k]
    }
  }
}
