import type { Target, UnmeasuredTarget } from '#events/stages.ts'
import { flagNames } from '#shared/flags.ts'
import { measureTarget } from '#shared/photometry/forced.ts'
import { FORCED_REACH_FWHM } from '#shared/photometry/forced-fit.ts'
import { expectedStars, type KnownStars } from '#shared/photometry/known-stars.ts'
import type { MeasuredFrame } from '#shared/photometry/measure-stars.ts'
import { maskFlags } from '#shared/photometry/scene.ts'
import type { ForcedPhotometry } from '#shared/photometry/star-catalogue.ts'
import { skyToPixel } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import type { Log } from '#shared/store.ts'

/** Forced photometry of the targets on the frame, in the order of their names; and those that have none, with the reason. */
export function measureTargets(
  measured: MeasuredFrame,
  wcs: Wcs,
  targets: Target[],
  known: KnownStars | undefined,
  log: Log,
): { forced: ForcedPhotometry[]; unmeasured: UnmeasuredTarget[] } {
  const { scene, stars, psf } = measured
  const expected = known && expectedStars(scene, stars, psf, known)
  const forced: ForcedPhotometry[] = []
  const unmeasured: UnmeasuredTarget[] = []
  for (const { name, raDeg, decDeg } of targets) {
    const [x, y] = skyToPixel(wcs, raDeg, decDeg)
    if (!(x > -0.5 && y > -0.5 && x < scene.width - 0.5 && y < scene.height - 0.5)) continue
    const result = measureTarget(measured, { name, raDeg, decDeg }, x, y, { expected })
    if (result) {
      forced.push(result)
      continue
    }
    const flags = flagNames(maskFlags(scene, x, y, FORCED_REACH_FWHM * psf.fwhmPx))
    const reason = `Too few pixels around x ${(x + 1).toFixed(1)}, y ${(y + 1).toFixed(1)} can be used: no flux.`
    unmeasured.push({ name, ra: raDeg, dec: decDeg, flags, reason })
    log.warn('no usable pixel at the target', { name, x, y })
  }
  return { forced, unmeasured }
}
