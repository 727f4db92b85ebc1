import { averageForced, FORCED_REACH_FWHM, forcedEquations, type Neighbour, type SkyPrior } from './forced-fit.ts'
import type { MeasuredFrame } from './measure-stars.ts'
import type { LocalPsf } from './psf.ts'
import { addLight, cutStamp } from './stamp.ts'

/**
 * Error that the flux at a place would have if the star there were not: that of the sky, of the stars around and of the
 * read noise, without the photons of its own light and without what the PSF leaves of it. Limits are made of it.
 *
 * @param local PSF at the place, 0-based pixel
 * @param own stars of the scene that are the star itself
 * @param neighbours what is fitted beside it
 * @returns ADU; undefined where too few pixels are usable
 */
export function errorWithoutStar(
  { scene, stars, psf }: MeasuredFrame,
  local: LocalPsf,
  place: { x: number; y: number },
  own: number[],
  neighbours: Neighbour[],
  prior: SkyPrior,
): number | undefined {
  const stamp = cutStamp(scene, place.x, place.y, Math.ceil(FORCED_REACH_FWHM * psf.fwhmPx))
  const light = { ...stamp, value: new Float64Array(stamp.value.length) }
  addLight({ stars, psf }, light, own)
  const variance = stamp.variance.map((value, k) => {
    if (!Number.isFinite(value)) return value
    const index = (stamp.y0 + Math.floor(k / stamp.side)) * scene.width + stamp.x0 + (k % stamp.side)
    return scene.variance(index, light.value[k])
  })
  const equations = forcedEquations({ ...stamp, variance }, local, place, { neighbours })
  return averageForced(equations, prior, scene.skyNoise(scene.indexAt(place.x, place.y)))?.fluxErr
}
