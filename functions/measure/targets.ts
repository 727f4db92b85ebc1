import type { Target } from '#events/stages.ts'
import { measureTarget } from '#shared/photometry/forced.ts'
import { expectedStars, type KnownStars } from '#shared/photometry/known-stars.ts'
import type { MeasuredFrame } from '#shared/photometry/measure-stars.ts'
import type { ForcedPhotometry } from '#shared/photometry/star-catalogue.ts'
import { skyToPixel } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import type { Log } from '#shared/store.ts'

/** Forced photometry of the targets on the frame, in the order of their names. */
export function measureTargets(
  measured: MeasuredFrame,
  wcs: Wcs,
  targets: Target[],
  known: KnownStars | undefined,
  log: Log,
): ForcedPhotometry[] {
  const { scene, stars, psf } = measured
  const expected = known && expectedStars(scene, stars, psf, known)
  const forced: ForcedPhotometry[] = []
  for (const { name, raDeg, decDeg } of targets) {
    const [x, y] = skyToPixel(wcs, raDeg, decDeg)
    if (!(x > -0.5 && y > -0.5 && x < scene.width - 0.5 && y < scene.height - 0.5)) continue
    const result = measureTarget(measured, { name, raDeg, decDeg }, x, y, { expected })
    if (result) forced.push(result)
    else log.warn('no usable pixel at the target', { name, x, y })
  }
  return forced
}
