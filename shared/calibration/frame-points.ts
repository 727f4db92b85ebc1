import type { Point } from '#events/point.ts'
import type { CalibrateInput, Candidate } from '#events/stages.ts'
import { objectIdOf } from '#shared/object-id.ts'
import { barycentricMjdTdb, heliocentricMjdUtc } from '#shared/sky/light-time.ts'
import { moonAndSun } from '#shared/sky/moon-sun.ts'
import { MJD_ZERO_JD } from '#shared/sky/time.ts'
import { PIPELINE_VERSION } from '#shared/version.ts'
import type { CalibratedTarget } from './apply.ts'

/**
 * The light-curve points of a frame, one per target. The execution that records them writes its name into them.
 *
 * @param chosen the calibration, or null where no survey calibrates the frame
 */
export function framePoints(
  input: CalibrateInput,
  targets: CalibratedTarget[],
  chosen: Candidate | null,
  magSystem: Point['magSystem'],
): Point[] {
  const { header, frameId } = input
  return targets.map(target => {
    const objectId = objectIdOf(target.name)
    return {
      pointId: `${objectId}-${frameId.slice(0, 16)}-${target.band}`,
      objectId,
      frameId,
      execution: '',
      pipelineVersion: PIPELINE_VERSION,
      telescope: input.telescope,
      raDeg: target.ra,
      decDeg: target.dec,
      mjdUtcMid: header.mjdUtcMid,
      bjdTdbMid: barycentricMjdTdb(header.mjdUtcMid, target.ra, target.dec, header.site ?? undefined) + MJD_ZERO_JD,
      hjdUtcMid: heliocentricMjdUtc(header.mjdUtcMid, target.ra, target.dec, header.site ?? undefined) + MJD_ZERO_JD,
      dateObsUtc: header.dateObsUtc,
      exposureSeconds: header.exposureSeconds,
      filterName: header.filterName,
      camera: header.instrument,
      band: target.band,
      survey: target.survey,
      magSystem,
      detected: target.detected,
      mag: target.mag,
      magErr: target.magErr,
      magErrRandom: target.magErrRandom,
      magErrZeroPoint: target.magErrZeroPoint,
      magNatural: target.magNatural,
      magNaturalErr: target.magNaturalErr,
      flux: target.flux,
      fluxErr: target.fluxErr,
      limit3Sigma: target.limit3Sigma,
      limit5Sigma: target.limit5Sigma,
      zeroPoint: chosen?.zeroPoint ?? null,
      zeroPointError: chosen?.zeroPointError ?? null,
      colourTerm: chosen?.colour ? chosen.colourTerm : null,
      colourTermError: chosen?.colour ? chosen.colourTermError : null,
      colour: chosen?.colour || null,
      colourTermFrom: chosen?.colourTermFrom ?? 'none',
      pivotColour: chosen?.pivotColour ?? null,
      intrinsicScatter: chosen?.intrinsicScatter ?? null,
      targetColour: target.targetColour,
      targetColourErr: target.targetColourErr,
      targetColourFrom: target.targetColourFrom,
      calibrators: chosen?.stars ?? 0,
      fwhmPx: input.psf.fwhmPx,
      elongation: input.psf.elongation,
      skyAdu: target.skyAdu,
      airmass: header.airmass,
      ...moonlight(input, target),
      wcsResidualMas: input.wcs.medianResidualMas,
      wcsStars: input.wcs.matchedStars,
      flags: target.flags,
    }
  })
}

function moonlight({ header: { site, mjdUtcMid } }: CalibrateInput, { ra, dec }: CalibratedTarget) {
  const sky = site && moonAndSun(mjdUtcMid, ra, dec, site)
  return {
    moonSeparationDeg: sky?.moonSeparationDeg ?? null,
    moonAltitudeDeg: sky?.moonAltitudeDeg ?? null,
    moonIllumination: sky?.moonIllumination ?? null,
    sunAltitudeDeg: sky?.sunAltitudeDeg ?? null,
  }
}
