import type { Candidate } from '#events/stages.ts'
import { quantile } from '#shared/numeric/robust.ts'
import type { StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { chooseCalibrators, GRADE, type MatchedSurvey, WORST_INSTRUMENTAL_ERR } from './calibrators.ts'
import { type Line, robustLine } from './robust-line.ts'
import { type StandardBand, type StandardMagnitudes, standardMagnitudes } from './standard-bands.ts'

/** Fewer stars than this cannot tell a colour term from their own errors. */
const MIN_STARS_FOR_COLOUR = 8
/** Nor can stars whose colours spread less, mag. */
const MIN_COLOUR_SPREAD = 0.1
/** A colour term with a larger error says nothing. */
const WORST_COLOUR_TERM_ERR = 0.3
const MIN_STARS = 3
/** 2.5 / ln 10 */
const MAG_PER_RELATIVE_FLUX = 1.0857362047581296
/** Fits worse than this are no calibration (BHTOM's limits: scatter 1.5 mag, half the stars outliers). */
const WORST_SCATTER = 1
const LEAST_USED = 0.5

/**
 * A frame calibrated to one band of one survey: m_std = m_inst + zeroPoint + colourTerm·colour, with
 * m_inst = −2.5 log10(flux / ADU). `zeroPoint` holds at colour 0; the fit itself is kept at its pivot colour, where
 * zero point and colour term are independent.
 */
export interface CalibrationFit {
  standard: StandardBand
  matched: MatchedSurvey
  magnitudes: StandardMagnitudes
  line: Line
  hasColourTerm: boolean
  /** Stars of the frame in the sample, one per point of the line. */
  sample: Int32Array
  /** Variance of catalogue minus instrumental magnitude of each of them, without intrinsic scatter, mag². */
  variance: Float64Array
  /** Middle 96 % of the colours of the used stars. */
  colourRange: [number, number]
  medianColour: number
  /** Half the middle 68 % of the colours. */
  colourSpread: number
}

/** Fit zero point and colour term of one band; undefined where the stars are too few or do not agree at all. */
export function fitCandidate(
  catalogue: StarCatalogue,
  grades: Uint8Array,
  matched: MatchedSurvey,
  standard: StandardBand,
): CalibrationFit | undefined {
  const magnitudes = standardMagnitudes(matched.stars, standard, matched.rowOf)
  const inBand: number[] = []
  const withColour: number[] = []
  for (let i = 0; i < grades.length; i++) {
    const row = matched.rowOf[i]
    if (grades[i] === GRADE.none || !matched.clean[i] || !Number.isFinite(magnitudes.mag[row])) continue
    inBand.push(i)
    if (Number.isFinite(magnitudes.colour[row])) withColour.push(i)
  }
  const from = { catalogue, matched, magnitudes, standard }
  const coloured =
    withColour.length >= MIN_STARS_FOR_COLOUR
      ? fitSample(chooseCalibrators(withColour, grades, catalogue), true, from)
      : undefined
  return coloured ?? fitSample(chooseCalibrators(inBand, grades, catalogue), false, from)
}

interface Ingredients {
  catalogue: StarCatalogue
  matched: MatchedSurvey
  magnitudes: StandardMagnitudes
  standard: StandardBand
}

/**
 * Fit twice: the errors of the second fit are those that the stars should have by their catalogue magnitudes. Errors
 * in magnitudes from measured fluxes give stars that came out too bright more weight than those that came out too faint.
 */
function fitSample(all: number[], withSlope: boolean, from: Ingredients): CalibrationFit | undefined {
  const first = robustLine(lineData(from, all, withSlope), withSlope)
  if (!first) return undefined
  const expected = expectedRelativeErr(from, all, first)
  const places = Array.from(all.keys()).filter(k => expected[k] * MAG_PER_RELATIVE_FLUX < WORST_INSTRUMENTAL_ERR)
  const sample = places.map(k => all[k])
  const data = lineData(from, sample, withSlope)
  places.forEach((k, j) => {
    const { [k]: relative } = expected
    data.varY[j] += (MAG_PER_RELATIVE_FLUX * relative) ** 2 - from.catalogue.magInstErr[all[k]] ** 2
    // Relative to its variance v, a flux fitted with its position is too bright by v (it is the highest around), and the
    // logarithm of a noisy flux too faint by v / 2.
    data.y[j] -= (MAG_PER_RELATIVE_FLUX * relative ** 2) / 2
  })
  const line = robustLine(data, withSlope)
  if (!line || line.count < MIN_STARS || line.count < LEAST_USED * sample.length || line.scatter > WORST_SCATTER)
    return undefined
  if (withSlope && !(line.slopeError < WORST_COLOUR_TERM_ERR)) return undefined
  const { matched, magnitudes, standard } = from
  const used = sample.filter((_, k) => line.used[k]).map(i => magnitudes.colour[matched.rowOf[i]])
  const [low, low16, middle, high84, high] = [0.02, 0.16, 0.5, 0.84, 0.98].map(q => quantile(used, q))
  if (withSlope && !(high84 - low16 > 2 * MIN_COLOUR_SPREAD)) return undefined
  return {
    standard,
    matched,
    magnitudes,
    line,
    hasColourTerm: withSlope,
    sample: Int32Array.from(sample),
    variance: data.varY,
    colourRange: [low, high],
    medianColour: middle,
    colourSpread: (high84 - low16) / 2,
  }
}

/** Error over flux that each star should have, by its magnitude in the catalogue and a first calibration. */
function expectedRelativeErr({ catalogue, matched, magnitudes }: Ingredients, sample: number[], line: Line) {
  return Float64Array.from(sample, i => {
    const row = matched.rowOf[i]
    const term = line.slope === 0 ? 0 : line.slope * (magnitudes.colour[row] - line.pivot)
    return catalogue.fluxErr[i] * 10 ** (0.4 * (magnitudes.mag[row] - line.atPivot - term))
  })
}

function lineData({ catalogue, matched, magnitudes }: Ingredients, sample: number[], withSlope: boolean) {
  const pick = (of: (i: number, row: number) => number) => Float64Array.from(sample, i => of(i, matched.rowOf[i]))
  const none = new Float64Array(sample.length)
  return {
    x: withSlope ? pick((_, row) => magnitudes.colour[row]) : none,
    y: pick((i, row) => magnitudes.mag[row] - catalogue.magInst[i]),
    varX: withSlope ? pick((_, row) => magnitudes.varColour[row]) : none,
    varY: pick((i, row) => magnitudes.varMag[row] + catalogue.magInstErr[i] ** 2),
    covXY: withSlope ? pick((_, row) => magnitudes.covariance[row]) : none,
  }
}

/** 'g-r', or '' where no colour term was fitted. */
export function colourName({ standard, hasColourTerm }: CalibrationFit): string {
  return hasColourTerm && standard.colour ? standard.colour.join('-') : ''
}

/** Zero point of a star of the given colour, colour term included, and its 1 σ, mag. */
export function zeroPointAt({ line, hasColourTerm }: CalibrationFit, colour: number): { value: number; error: number } {
  if (!hasColourTerm) return { value: line.atPivot, error: line.atPivotError }
  const distance = colour - line.pivot
  return {
    value: line.atPivot + line.slope * distance,
    error: Math.hypot(line.atPivotError, line.slopeError * distance),
  }
}

/** Catalogue minus calibrated magnitude of each star of the sample. */
export function residuals(fit: CalibrationFit, catalogue: StarCatalogue): Float64Array {
  const { sample, matched, magnitudes } = fit
  return Float64Array.from(sample, i => {
    const row = matched.rowOf[i]
    return magnitudes.mag[row] - catalogue.magInst[i] - zeroPointAt(fit, magnitudes.colour[row]).value
  })
}

/** The row of the report. */
export function toCandidate(fit: CalibrationFit, score: number): Candidate {
  const { standard, line } = fit
  const atZero = zeroPointAt(fit, 0)
  return {
    survey: standard.survey,
    band: standard.band,
    colour: colourName(fit),
    zeroPoint: atZero.value,
    zeroPointError: atZero.error,
    colourTerm: line.slope,
    colourTermError: line.slopeError,
    scatter: line.scatter,
    stars: line.count,
    score,
  }
}
