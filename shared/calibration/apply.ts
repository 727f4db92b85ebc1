import type { Point } from '#events/point.ts'
import type { TargetResult } from '#events/stages.ts'
import { flagMask } from '#shared/flags.ts'
import type { ForcedPhotometry, StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { colourOfUncatalogued } from './assumed-colour.ts'
import { type CalibrationFit, colourName, zeroPointAt } from './calibration-fit.ts'
import { type StandardMagnitudes, standardMagnitudes } from './standard-bands.ts'
import { colourFromPoints } from './target-colour.ts'

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
  from: Point['targetColourFrom']
  flags: number
}

/** A target's result, and what of it only points carry. */
export interface CalibratedTarget extends TargetResult {
  /** Magnitude without the colour term, and its error. */
  magNatural: number | null
  magNaturalErr: number | null
  targetColour: number | null
  targetColourErr: number | null
  targetColourFrom: Point['targetColourFrom']
  skyAdu: number
}

/** The frame that a target was measured in, and what is known of the target besides. */
export interface TargetContext {
  frameId: string
  mjdUtcMid: number
  /** Flags of the frame and of the calibration. */
  flags: number
  /** Points of a target in other frames, by its name. */
  pointsOf: (name: string) => readonly Point[]
}

/** Flags that hold for every magnitude of a frame calibrated by this fit. */
export function calibrationFlags(fit: CalibrationFit, ambiguous: boolean): number {
  return (
    (fit.line.count < FEW_CALIBRATORS ? flagMask('fewCalibrators') : 0) |
    (fit.hasColourTerm ? 0 : flagMask('noColourTerm')) |
    (ambiguous ? flagMask('bandAmbiguous') : 0) |
    (fit.contradictsMemory ? flagMask('colourTermUnusual') : 0)
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
    const star = colourOf(fit, fit.magnitudes, i)
    const zeroPoint = zeroPointOf(fit, star, catalogue.x[i], catalogue.y[i])
    const value = catalogue.magInst[i] + zeroPoint.value
    const error = Math.hypot(catalogue.magInstErr[i], zeroPoint.error)
    if (!isPlausible(value, error)) continue
    mag[i] = value
    magErr[i] = error
    flags[i] |= star.flags
  }
  return { mag, magErr, flags }
}

/** Calibrate forced photometry: magnitude where it is detected, limits always, of the noise at its place without it. */
export function calibrateTargets(
  targets: ForcedPhotometry[],
  fit: CalibrationFit,
  context: TargetContext,
): CalibratedTarget[] {
  const { matched, standard } = fit
  return targets.map(target => {
    const instrumental = -2.5 * Math.log10(target.flux)
    const magErrRandom = (MAG_PER_RELATIVE_FLUX * target.fluxErr) / target.flux
    const own = colourFromPoints(
      fit,
      { mag: instrumental, error: magErrRandom },
      context,
      context.pointsOf(target.name),
    )
    const row = matched.places.nearest(target.raDeg, target.decDeg, Math.min(matched.matchRadiusDeg, SAME_OBJECT_DEG))
    const star = own
      ? knownColour(fit, own.colour, own.error, 'points')
      : row < 0
        ? uncatalogued(fit)
        : colourOf(fit, standardMagnitudes(matched.stars, standard, [row]), 0)
    const zeroPoint = zeroPointOf(fit, star, target.x, target.y)
    const natural = zeroPointAt(fit, 0, target.x, target.y)
    const mag = instrumental + zeroPoint.value
    const magErr = Math.hypot(magErrRandom, zeroPoint.error)
    const significant = target.flux >= DETECTION_SIGMA * target.fluxErr
    const detected = significant && isPlausible(mag, magErr)
    const limit = (sigmas: number) => {
      const error = target.emptyErr ?? target.fluxErr
      const value = zeroPoint.value - 2.5 * Math.log10(sigmas * error)
      return error > 0 && Math.abs(value) < PLAUSIBLE_MAG ? value : null
    }
    const implausible = significant && !detected ? flagMask('implausible') : 0
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
      magNatural: detected ? instrumental + natural.value : null,
      magNaturalErr: detected ? Math.hypot(magErrRandom, natural.error) : null,
      flux: target.flux,
      fluxErr: target.fluxErr,
      detected,
      limit3Sigma: limit(3),
      limit5Sigma: limit(5),
      flags: target.flags | context.flags | star.flags | implausible,
      targetColour: star.from === 'none' ? null : star.colour,
      targetColourErr: star.from === 'none' ? null : star.error,
      targetColourFrom: star.from,
      skyAdu: target.skyAdu,
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
    magNaturalErr: null,
    flux: target.flux,
    fluxErr: target.fluxErr,
    detected: target.flux >= DETECTION_SIGMA * target.fluxErr,
    limit3Sigma: null,
    limit5Sigma: null,
    flags: target.flags | frameFlags,
    targetColour: null,
    targetColourErr: null,
    targetColourFrom: 'none',
    skyAdu: target.skyAdu,
  }))
}

const noColour: StarColour = { colour: Number.NaN, error: 0, from: 'none', flags: 0 }

/** The colour of one of the stars of a list: the catalogue's, else what the calibrators usually have. */
function colourOf(fit: CalibrationFit, magnitudes: StandardMagnitudes, k: number): StarColour {
  if (!fit.hasColourTerm) return noColour
  const colour = magnitudes.colour[k]
  if (Number.isFinite(colour)) return knownColour(fit, colour, Math.sqrt(magnitudes.varColour[k]), 'catalogue')
  const { median, spread } = fit.colours
  return { colour: median, error: spread, from: 'assumed', flags: flagMask('colourAssumed') }
}

/** The colour of a target where the survey has nothing. */
function uncatalogued(fit: CalibrationFit): StarColour {
  if (!fit.hasColourTerm) return noColour
  const assumed = colourOfUncatalogued(colourName(fit), fit.colours)
  return { ...assumed, from: 'assumed', flags: flagMask('colourAssumed') }
}

function knownColour(
  { colours }: CalibrationFit,
  colour: number,
  error: number,
  from: 'catalogue' | 'points',
): StarColour {
  const [low, high] = colours.range
  const outside = colour < low || colour > high
  return { colour, error, from, flags: outside ? flagMask('colourExtrapolated') : 0 }
}

/**
 * Zero point with colour term for a star. Its error includes that of the star's colour, and what stars scatter by beyond
 * their errors about the fit: the flat field under this star, its own difference from the mean star. Without a colour term
 * that scatter is what the star's colour may do as well, and the larger one counts.
 */
function zeroPointOf(
  fit: CalibrationFit,
  { colour, error, from }: StarColour,
  x: number,
  y: number,
): { value: number; error: number } {
  const { value, error: fitError } = zeroPointAt(fit, from === 'none' ? 0 : colour, x, y)
  const { slope, slopeError, intrinsic, usualIntrinsic } = fit.line
  // Both factors of the colour term are uncertain: the variance of their product has the product of their variances, too.
  const own = fit.hasColourTerm ? Math.hypot(Math.hypot(slope, slopeError) * error, usualIntrinsic) : intrinsic
  return { value, error: Math.hypot(fitError, own) }
}

function isPlausible(mag: number, magErr: number): boolean {
  return Math.abs(mag) < PLAUSIBLE_MAG && magErr < PLAUSIBLE_ERR
}
