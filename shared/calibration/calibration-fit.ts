import type { Candidate } from '#events/stages.ts'
import type { StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import type { MatchedSurvey } from './calibrators.ts'
import type { ColourTermMemory } from './camera.ts'
import type { Colours } from './colours.ts'
import { type PositionTerm, positionTermAt } from './position-term.ts'
import type { Line } from './robust-line.ts'
import type { StandardBand, StandardMagnitudes } from './standard-bands.ts'
import type { SlopePrior } from './york-line.ts'

/**
 * A frame calibrated to one band of one survey: m_std = m_inst + zeroPoint + colourTerm·colour + position term, with
 * m_inst = −2.5 log10(flux / ADU). `zeroPoint` holds at colour 0; the fit itself is kept at its pivot colour, where
 * zero point and colour term are independent.
 */
export interface CalibrationFit {
  standard: StandardBand
  matched: MatchedSurvey
  /** One entry per star of the frame. */
  magnitudes: StandardMagnitudes
  line: Line
  hasColourTerm: boolean
  /** Whose stars the colour term rests on: this frame's, those of earlier frames of the camera, or both. */
  colourTermFrom: 'frame' | 'memory' | 'both' | 'none'
  /** The colour term that this frame's own stars give, where they give one, and the colours of those stars. */
  own?: SlopePrior
  ownColours?: Colours
  /** What earlier frames of the camera say of it. */
  memory?: ColourTermMemory
  /** Whether the two contradict each other; the memory was then left aside. */
  contradictsMemory: boolean
  position?: PositionTerm
  /** Stars of the frame in the sample, one per point of the line. */
  sample: Int32Array
  /** Variance of catalogue minus instrumental magnitude of each of them, without intrinsic scatter, mag². */
  variance: Float64Array
  /** Colours of the stars that the colour term rests on. */
  colours: Colours
  /**
   * How well the fluxes of the frame are on the scale of total light, mag. It is part of the error of the zero point as a
   * number, not of magnitudes: target and calibrating stars share the scale.
   */
  fluxScaleErr: number
}

/** 'g-r', or '' where no colour term was fitted. */
export function colourName({ standard, hasColourTerm }: CalibrationFit): string {
  return hasColourTerm && standard.colour ? standard.colour.join('-') : ''
}

/**
 * Zero point of a star, colour and position term included, and the 1 σ that it has in a magnitude, mag.
 *
 * @param x,y where the star stands, 0-based pixel; without them the mean of the frame
 */
export function zeroPointAt(
  { line, hasColourTerm, position }: CalibrationFit,
  colour: number,
  x?: number,
  y?: number,
): { value: number; error: number } {
  const here = position && x !== undefined && y !== undefined ? positionTermAt(position, x, y) : { value: 0, error: 0 }
  const distance = hasColourTerm ? colour - line.pivot : 0
  return {
    value: line.atPivot + line.slope * distance + here.value,
    error: Math.hypot(line.atPivotError, line.slopeError * distance, here.error),
  }
}

/** Zero point of the mean star of a colour as a number for total fluxes, and its 1 σ, mag. */
export function totalZeroPoint(fit: CalibrationFit, colour: number): { value: number; error: number } {
  const { value, error } = zeroPointAt(fit, colour)
  return { value, error: Math.hypot(error, fit.fluxScaleErr) }
}

/** Catalogue minus calibrated magnitude of each star of the sample. */
export function residuals(fit: CalibrationFit, catalogue: StarCatalogue): Float64Array {
  const { sample, magnitudes, line, hasColourTerm, position } = fit
  const left = new Float64Array(sample.length)
  for (let k = 0; k < sample.length; k++) {
    const i = sample[k]
    const colourTerm = hasColourTerm ? line.slope * (magnitudes.colour[i] - line.pivot) : 0
    left[k] = magnitudes.mag[i] - catalogue.magInst[i] - line.atPivot - colourTerm
    if (position) left[k] -= positionTermAt(position, catalogue.x[i], catalogue.y[i]).value
  }
  return left
}

/** The row of the report. */
export function toCandidate(fit: CalibrationFit, score: number): Candidate {
  const { standard, line } = fit
  const atZero = totalZeroPoint(fit, 0)
  return {
    survey: standard.survey,
    band: standard.band,
    colour: colourName(fit),
    zeroPoint: atZero.value,
    zeroPointError: atZero.error,
    colourTerm: line.slope,
    colourTermError: line.slopeError,
    colourTermFrom: fit.colourTermFrom,
    pivotColour: fit.hasColourTerm ? line.pivot : null,
    intrinsicScatter: line.intrinsic,
    positionOrder: fit.position?.order ?? 0,
    scatter: line.scatter,
    stars: line.count,
    score,
  }
}
