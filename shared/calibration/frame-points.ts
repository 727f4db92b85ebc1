import type { Point } from '#events/point.ts'
import type { CalibrateInput, Candidate, UnmeasuredTarget } from '#events/stages.ts'
import { flagMask, isFlag } from '#shared/flags.ts'
import { objectIdOf } from '#shared/object-id.ts'
import { barycentricMjdTdb, heliocentricMjdUtc } from '#shared/sky/light-time.ts'
import { moonAndSun } from '#shared/sky/moon-sun.ts'
import { MJD_ZERO_JD } from '#shared/sky/time.ts'
import { PIPELINE_VERSION } from '#shared/version.ts'
import type { CalibratedTarget } from './apply.ts'

/** A target as it enters a light curve: with its flux, or with the reason why there is none. */
type Entry = Omit<CalibratedTarget, 'flux' | 'fluxErr' | 'skyAdu'> &
  Pick<Point, 'flux' | 'fluxErr' | 'skyAdu' | 'reason'>

/**
 * The light-curve points of a frame, one per target, those without a flux last. The execution that records them writes its
 * name into them.
 *
 * @param chosen the calibration, or null where no survey calibrates the frame
 */
export function framePoints(
  input: CalibrateInput,
  calibrated: CalibratedTarget[],
  chosen: Candidate | null,
  magSystem: Point['magSystem'],
): Point[] {
  const { header, frameId } = input
  const band = chosen?.band ?? header.band ?? 'unknown'
  const nothing = (input.unmeasured ?? []).map(target =>
    withoutFlux(target, band, chosen?.survey ?? 'none', header.flags),
  )
  return [...calibrated, ...nothing].map((target: Entry) => {
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
      fluxUnit: header.pixelUnit ?? null,
      ...(target.reason !== undefined && { reason: target.reason }),
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

function withoutFlux(
  { name, ra, dec, flags, reason }: UnmeasuredTarget,
  band: string,
  survey: string,
  frameFlags: number,
): Entry {
  return {
    ...{ name, ra, dec, band, survey, reason, detected: false, flux: null, fluxErr: null },
    ...{ mag: null, magErr: null, magErrRandom: null, magErrZeroPoint: null, magNatural: null, magNaturalErr: null },
    ...{ limit3Sigma: null, limit5Sigma: null, targetColour: null, targetColourErr: null, targetColourFrom: 'none' },
    flags: flagMask(...flags.filter(isFlag)) | frameFlags,
  }
}

function moonlight({ header: { site, mjdUtcMid } }: CalibrateInput, { ra, dec }: Entry) {
  const sky = site && moonAndSun(mjdUtcMid, ra, dec, site)
  return {
    moonSeparationDeg: sky?.moonSeparationDeg ?? null,
    moonAltitudeDeg: sky?.moonAltitudeDeg ?? null,
    moonIllumination: sky?.moonIllumination ?? null,
    sunAltitudeDeg: sky?.sunAltitudeDeg ?? null,
  }
}
