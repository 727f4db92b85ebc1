import type { StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import type { CalibrationFit } from './calibration-fit.ts'
import { chooseCalibrators, GRADE, type MatchedSurvey, WORST_INSTRUMENTAL_ERR } from './calibrators.ts'
import type { ColourTermMemory } from './camera.ts'
import { coloursOf, withRemembered } from './colours.ts'
import { type FrameSize, fitPositionTerm, type PositionTerm, positionTermAt } from './position-term.ts'
import { type Line, robustLine } from './robust-line.ts'
import { type StandardBand, type StandardMagnitudes, standardMagnitudes, withinLimits } from './standard-bands.ts'
import type { LineData, SlopePrior } from './york-line.ts'

/** Fewer stars than this cannot tell a colour term from their own errors. */
const MIN_STARS_FOR_COLOUR = 8
/** Nor can stars whose colours spread less, mag. */
const MIN_COLOUR_SPREAD = 0.1
/** A colour term with a larger error says nothing. */
const WORST_COLOUR_TERM_ERR = 0.3
/** A colour term that differs by so many σ from what the camera had before is another filter's. */
const ANOTHER_FILTER_SIGMA = 4
const MIN_STARS = 3
/** 2.5 / ln 10 */
const MAG_PER_RELATIVE_FLUX = 1.0857362047581296
/** Fits worse than this are no calibration (BHTOM's limits: scatter 1.5 mag, half the stars outliers). */
const WORST_SCATTER = 1
const LEAST_USED = 0.5
/** Position term and line are fitted in turn so often. */
const POSITION_TURNS = 2

/** Size of a frame, and what of its stars' light is extrapolated. */
export interface FrameLight extends FrameSize {
  /** Part of a star's light that lies beyond the table of the PSF, 0 where it is not told: its error is its own size. */
  lightOutside?: number
}

/**
 * Fit zero point, colour term and, where many stars ask for it, a position term of one band.
 *
 * Steps, from many stars to few: the frame's own colour term together with that of earlier frames of the camera, as far
 * as they agree; the earlier frames' alone; none.
 *
 * @returns undefined where the stars are too few or do not agree at all
 */
export function fitCandidate(
  catalogue: StarCatalogue,
  grades: Uint8Array,
  matched: MatchedSurvey,
  standard: StandardBand,
  frame: FrameLight,
  memory?: ColourTermMemory,
): CalibrationFit | undefined {
  const magnitudes = standardMagnitudes(matched.stars, standard, matched.rowOf)
  const inBand: number[] = []
  const withColour: number[] = []
  for (let i = 0; i < grades.length; i++) {
    if (grades[i] === GRADE.none || !matched.clean[i] || !Number.isFinite(magnitudes.mag[i])) continue
    inBand.push(i)
    if (Number.isFinite(magnitudes.colour[i])) withColour.push(i)
  }
  const from = { catalogue, matched, magnitudes, standard, frame }
  const stars = chooseCalibrators(withColour, grades, catalogue)
  const alone = stars.length >= MIN_STARS_FOR_COLOUR ? fitSample(stars, true, from) : undefined
  const own = alone && { slope: alone.line.slope, error: alone.line.slopeError, intrinsic: alone.line.usualIntrinsic }
  const contradictsMemory = memory !== undefined && own !== undefined && areDifferent(own, memory)
  if (memory && !contradictsMemory) {
    const helped = fitSample(stars, true, from, memory)
    if (helped) return { ...helped, own, ownColours: alone?.colours, memory, colourTermFrom: own ? 'both' : 'memory' }
  }
  if (alone) return { ...alone, own, ownColours: alone.colours, memory, contradictsMemory }
  const without = fitSample(chooseCalibrators(inBand, grades, catalogue), false, from)
  return without && { ...without, memory }
}

function areDifferent(own: SlopePrior, memory: SlopePrior): boolean {
  return Math.abs(own.slope - memory.slope) > ANOTHER_FILTER_SIGMA * Math.hypot(own.error, memory.error)
}

interface Ingredients {
  catalogue: StarCatalogue
  matched: MatchedSurvey
  magnitudes: StandardMagnitudes
  standard: StandardBand
  frame: FrameLight
}

/**
 * Fit twice: the errors of the second fit are those that the stars should have by what catalogue and frame say together of
 * their brightness. Errors from measured fluxes give stars that came out too bright more weight than those that came out
 * too faint, and errors from the catalogue do the same to stars that are too bright there.
 */
function fitSample(
  all: number[],
  withSlope: boolean,
  from: Ingredients,
  memory?: ColourTermMemory,
): CalibrationFit | undefined {
  const first = robustLine(lineData(from, all, withSlope), withSlope, memory)
  if (!first) return undefined
  const expected = expectedRelativeErr(from, all, first)
  const sample: number[] = []
  const relative: number[] = []
  for (let k = 0; k < all.length; k++) {
    if (!(expected[k] * MAG_PER_RELATIVE_FLUX < WORST_INSTRUMENTAL_ERR) || !isInReach(all[k], first, from)) continue
    sample.push(all[k])
    relative.push(expected[k])
  }
  const data = lineData(from, sample, withSlope)
  for (let j = 0; j < sample.length; j++) {
    data.varY[j] += (MAG_PER_RELATIVE_FLUX * relative[j]) ** 2 - from.catalogue.magInstErr[sample[j]] ** 2
    // Relative to its variance v, a flux fitted with its position is too bright by v (it is the highest around), and the
    // logarithm of a noisy flux too faint by v / 2.
    data.y[j] -= (MAG_PER_RELATIVE_FLUX * relative[j] ** 2) / 2
  }
  const flat = robustLine(data, withSlope, memory, first)
  if (!flat || !isUsable(flat, sample.length, withSlope)) return undefined
  const { line, position } = withPosition(flat, data, sample, withSlope, from, memory)
  const { matched, magnitudes, standard, frame } = from
  const used: number[] = []
  for (let k = 0; k < sample.length; k++) if (line.used[k]) used.push(magnitudes.colour[sample[k]])
  const colours = coloursOf(used)
  if (withSlope && !memory && !(colours.spread > MIN_COLOUR_SPREAD)) return undefined
  return {
    standard,
    matched,
    magnitudes,
    line: { ...line, atPivotError: Math.hypot(line.atPivotError, sharedErr(line, data.varY, sample, from)) },
    hasColourTerm: withSlope,
    colourTermFrom: withSlope ? 'frame' : 'none',
    contradictsMemory: false,
    position,
    sample: Int32Array.from(sample),
    variance: data.varY,
    colours: memory ? withRemembered(colours, memory) : colours,
    fluxScaleErr: MAG_PER_RELATIVE_FLUX * (frame.lightOutside ?? 0),
  }
}

/** What the stars carried over from Gaia bring into the mean by their common relation, 1 σ, mag. */
function sharedErr({ used, intrinsic }: Line, variance: Float64Array, sample: number[], from: Ingredients): number {
  const { matched, standard } = from
  const errors = matched.stars.sharedErr?.[standard.transformation?.base ?? standard.band]
  if (!errors) return 0
  let [shared, weights] = [0, 0]
  for (let k = 0; k < sample.length; k++) {
    if (!used[k]) continue
    const weight = 1 / (variance[k] + intrinsic ** 2)
    shared += weight * errors[matched.rowOf[sample[k]]]
    weights += weight
  }
  return shared / weights
}

/** Whether a star lies within the limits of the survey, by its magnitude in the frame and a first calibration. */
function isInReach(star: number, { atPivot, slope, pivot }: Line, from: Ingredients): boolean {
  const { catalogue, matched, magnitudes, standard } = from
  const term = slope === 0 ? 0 : slope * (magnitudes.colour[star] - pivot)
  return withinLimits(matched.stars, standard, matched.rowOf[star], catalogue.magInst[star] + atPivot + term)
}

function isUsable(line: Line, stars: number, withSlope: boolean): boolean {
  if (line.count < MIN_STARS || line.count < LEAST_USED * stars || line.scatter > WORST_SCATTER) return false
  return !withSlope || line.slopeError < WORST_COLOUR_TERM_ERR
}

/** Line and position term together, each fitted to what the other leaves; the line as it was where none is asked for. */
function withPosition(
  flat: Line,
  data: LineData,
  sample: number[],
  withSlope: boolean,
  { catalogue, frame }: Ingredients,
  memory?: ColourTermMemory,
): { line: Line; position?: PositionTerm } {
  const [x, y] = [catalogue.x, catalogue.y].map(column => Float64Array.from(sample, i => column[i]))
  let line = flat
  let position: PositionTerm | undefined
  for (let turn = 0; turn < POSITION_TURNS; turn++) {
    const { slope, pivot, atPivot } = line
    const colourTerm = (k: number) => (slope === 0 ? 0 : slope * (data.x[k] - pivot))
    const residual = data.y.map((value, k) => value - atPivot - colourTerm(k))
    const variance = data.varY.map((value, k) => value + slope * (slope * data.varX[k] - 2 * data.covXY[k]))
    const found = fitPositionTerm(residual, variance, line.used, x, y, frame)
    if (!found) break
    const corrected = data.y.map((value, k) => value - positionTermAt(found, x[k], y[k]).value)
    const next = robustLine({ ...data, y: corrected }, withSlope, memory, line)
    if (!next) break
    line = next
    position = found
  }
  return { line, position }
}

/**
 * Error over flux that each star should have by its magnitude: the mean of what catalogue and frame say, by their errors.
 * The noise of that mean is independent of their difference, which is what the fit asks for: no cut and no weight by it
 * favours stars that came out too bright or too faint.
 */
function expectedRelativeErr({ catalogue, magnitudes }: Ingredients, sample: number[], line: Line) {
  const expected = new Float64Array(sample.length)
  for (let k = 0; k < sample.length; k++) {
    const i = sample[k]
    const term = line.slope === 0 ? 0 : line.slope * (magnitudes.colour[i] - line.pivot)
    const byCatalogue = magnitudes.mag[i] - line.atPivot - term
    const relativeErr = (mag: number) => catalogue.fluxErr[i] * 10 ** (0.4 * mag)
    const inFrame = (MAG_PER_RELATIVE_FLUX * relativeErr(byCatalogue)) ** 2
    const inCatalogue = magnitudes.varMag[i] + line.intrinsic ** 2
    const difference = catalogue.magInst[i] - byCatalogue
    expected[k] = relativeErr(byCatalogue + (difference * inCatalogue) / (inCatalogue + inFrame))
  }
  return expected
}

function lineData({ catalogue, magnitudes }: Ingredients, sample: number[], withSlope: boolean): LineData {
  const n = sample.length
  const data: LineData = {
    x: new Float64Array(n),
    y: new Float64Array(n),
    varX: new Float64Array(n),
    varY: new Float64Array(n),
    covXY: new Float64Array(n),
  }
  for (let k = 0; k < n; k++) {
    const i = sample[k]
    data.y[k] = magnitudes.mag[i] - catalogue.magInst[i]
    data.varY[k] = magnitudes.varMag[i] + catalogue.magInstErr[i] ** 2
    if (!withSlope) continue
    data.x[k] = magnitudes.colour[i]
    data.varX[k] = magnitudes.varColour[i]
    data.covXY[k] = magnitudes.covariance[i]
  }
  return data
}
