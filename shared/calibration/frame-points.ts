import type { Point } from '#events/point.ts'
import type { CalibrateInput, Candidate } from '#events/stages.ts'
import { objectIdOf } from '#shared/object-id.ts'
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
      dateObsUtc: header.dateObsUtc,
      exposureSeconds: header.exposureSeconds,
      filterName: header.filterName,
      band: target.band,
      survey: target.survey,
      magSystem,
      detected: target.detected,
      mag: target.mag,
      magErr: target.magErr,
      magErrRandom: target.magErrRandom,
      magErrZeroPoint: target.magErrZeroPoint,
      magNatural: target.magNatural,
      flux: target.flux,
      fluxErr: target.fluxErr,
      limit3Sigma: target.limit3Sigma,
      limit5Sigma: target.limit5Sigma,
      zeroPoint: chosen?.zeroPoint ?? null,
      zeroPointError: chosen?.zeroPointError ?? null,
      colourTerm: chosen?.colour ? chosen.colourTerm : null,
      colourTermError: chosen?.colour ? chosen.colourTermError : null,
      colour: chosen?.colour || null,
      targetColour: target.targetColour,
      targetColourFrom: target.targetColourFrom,
      calibrators: chosen?.stars ?? 0,
      fwhmPx: input.psf.fwhmPx,
      airmass: header.airmass,
      wcsResidualMas: input.wcs.medianResidualMas,
      flags: target.flags,
    }
  })
}
