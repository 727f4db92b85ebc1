import type { TargetResult } from '#events/stages.ts'
import { flagMask } from '#shared/flags.ts'
import type { ForcedPhotometry, StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { type CalibrationFit, zeroPointAt } from './candidate.ts'
import { type StandardMagnitudes, standardMagnitudes } from './standard-bands.ts'

/** 2.5 / ln 10: relative error of a flux to an error in magnitudes. */
const MAG_PER_RELATIVE_FLUX = 1.0857362047581296
/** A target is seen at this significance (ZTF forced photometry guide, arXiv 2305.16279). */
const DETECTION_SIGMA = 3
/** Results beyond are no magnitudes of the sky, but signs that something went wrong. */
const PLAUSIBLE_MAG = 35
const PLAUSIBLE_ERR = 2
const FEW_CALIBRATORS = 10
/** A catalogue star within this distance is the target itself; one farther away lends it no colour. */
const SAME_OBJECT_DEG = 0.6 / 3600

/** The colour that enters the colour term of one star. */
interface StarColour {
  colour: number
  /** 1 σ of the colour, mag. */
  error: number
  from: 'catalogue' | 'assumed' | 'none'
  flags: number
}

/** A target's result, and what of it only points carry. */
export interface CalibratedTarget extends TargetResult {
  /** Magnitude without the colour term. */
  magNatural: number | null
  targetColour: number | null
  targetColourFrom: StarColour['from']
}

/** Flags that hold for every magnitude of a frame calibrated by this fit. */
export function calibrationFlags(fit: CalibrationFit, ambiguous: boolean): number {
  return (
    (fit.line.count < FEW_CALIBRATORS ? flagMask('fewCalibrators') : 0) |
    (fit.hasColourTerm ? 0 : flagMask('noColourTerm')) |
    (ambiguous ? flagMask('bandAmbiguous') : 0)
  )
}

/**
 * Calibrated magnitudes and errors of all stars: m = m_inst + zeroPoint + C·colour. Where the catalogue does not know
 * a star's colour the median of the calibrators enters, and what colours usually differ by goes into the error.
 */
export function calibrateStars(
  catalogue: StarCatalogue,
  fit: CalibrationFit,
): { mag: Float64Array; magErr: Float64Array; flags: Int32Array } {
  const n = catalogue.id.length
  const mag = new Float64Array(n).fill(Number.NaN)
  const magErr = new Float64Array(n).fill(Number.NaN)
  const flags = Int32Array.from(catalogue.flags)
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(catalogue.magInst[i])) continue
    const star = colourOf(fit, fit.magnitudes, fit.matched.rowOf[i])
    const zeroPoint = zeroPointOf(fit, star)
    const value = catalogue.magInst[i] + zeroPoint.value
    const error = Math.hypot(catalogue.magInstErr[i], zeroPoint.error)
    if (!isPlausible(value, error)) continue
    mag[i] = value
    magErr[i] = error
    flags[i] |= star.flags
  }
  return { mag, magErr, flags }
}

/**
 * Calibrate forced photometry: magnitude where it is detected, limits always, at the target's own noise.
 *
 * @param frameFlags flags of the frame and of the calibration
 */
export function calibrateTargets(
  targets: ForcedPhotometry[],
  fit: CalibrationFit,
  frameFlags: number,
): CalibratedTarget[] {
  const { matched, standard } = fit
  return targets.map(target => {
    const row = matched.places.nearest(target.raDeg, target.decDeg, Math.min(matched.matchRadiusDeg, SAME_OBJECT_DEG))
    const star = colourOf(fit, standardMagnitudes(matched.stars, standard, [row]), row)
    const zeroPoint = zeroPointOf(fit, star)
    const instrumental = -2.5 * Math.log10(target.flux)
    const magErrRandom = (MAG_PER_RELATIVE_FLUX * target.fluxErr) / target.flux
    const mag = instrumental + zeroPoint.value
    const magErr = Math.hypot(magErrRandom, zeroPoint.error)
    const detected = target.flux >= DETECTION_SIGMA * target.fluxErr && isPlausible(mag, magErr)
    const limit = (sigmas: number) => {
      const value = zeroPoint.value - 2.5 * Math.log10(sigmas * target.fluxErr)
      return target.fluxErr > 0 && Math.abs(value) < PLAUSIBLE_MAG ? value : null
    }
    return {
      name: target.name,
      ra: target.raDeg,
      dec: target.decDeg,
      band: standard.band,
      survey: standard.survey,
      mag: detected ? mag : null,
      magErr: detected ? magErr : null,
      magErrRandom: detected ? magErrRandom : null,
      magErrZeroPoint: detected ? zeroPoint.error : null,
      magNatural: detected ? instrumental + zeroPointAt(fit, 0).value : null,
      flux: target.flux,
      fluxErr: target.fluxErr,
      detected,
      limit3Sigma: limit(3),
      limit5Sigma: limit(5),
      flags: target.flags | frameFlags | star.flags,
      targetColour: star.from === 'none' ? null : star.colour,
      targetColourFrom: star.from,
    }
  })
}

/** Forced photometry of a frame that no survey calibrates: fluxes alone. */
export function uncalibratedTargets(targets: ForcedPhotometry[], band: string, frameFlags: number): CalibratedTarget[] {
  return targets.map(target => ({
    name: target.name,
    ra: target.raDeg,
    dec: target.decDeg,
    band,
    survey: 'none',
    mag: null,
    magErr: null,
    magErrRandom: null,
    magErrZeroPoint: null,
    magNatural: null,
    flux: target.flux,
    fluxErr: target.fluxErr,
    detected: target.flux >= DETECTION_SIGMA * target.fluxErr,
    limit3Sigma: null,
    limit5Sigma: null,
    flags: target.flags | frameFlags,
    targetColour: null,
    targetColourFrom: 'none',
  }))
}

function colourOf(fit: CalibrationFit, magnitudes: StandardMagnitudes, row: number) {
  const { hasColourTerm, medianColour, colourSpread, colourRange } = fit
  if (!hasColourTerm) return { colour: Number.NaN, error: 0, from: 'none', flags: 0 } satisfies StarColour
  const colour = row >= 0 ? magnitudes.colour[row] : Number.NaN
  if (!Number.isFinite(colour))
    return {
      colour: medianColour,
      error: colourSpread,
      from: 'assumed',
      flags: flagMask('colourAssumed'),
    } satisfies StarColour
  const outside = colour < colourRange[0] || colour > colourRange[1]
  return {
    colour,
    error: Math.sqrt(magnitudes.varColour[row]),
    from: 'catalogue',
    flags: outside ? flagMask('colourExtrapolated') : 0,
  } satisfies StarColour
}

/**
 * Zero point with colour term for a star, its error including that of the star's colour. Without a colour term the
 * scatter of the calibrators about the fit is what the star's own colour may do.
 */
function zeroPointOf(fit: CalibrationFit, { colour, error, from }: StarColour): { value: number; error: number } {
  const { value, error: fitError } = zeroPointAt(fit, from === 'none' ? 0 : colour)
  const ofColour = fit.hasColourTerm ? fit.line.slope * error : fit.line.intrinsic
  return { value, error: Math.hypot(fitError, ofColour) }
}

function isPlausible(mag: number, magErr: number): boolean {
  return Math.abs(mag) < PLAUSIBLE_MAG && magErr < PLAUSIBLE_ERR
}
