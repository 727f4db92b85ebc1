import type { SurveyId } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { median } from '#shared/numeric/robust.ts'
import type { StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { type CalibrationFit, residuals } from './calibration-fit.ts'
import { type CameraMemory, noMemory } from './camera.ts'
import { intrinsicScatter } from './intrinsic-scatter.ts'

/** Candidates with fewer stars than this part of the richest are compared by what they miss. */
export const COMPARABLE = 0.25
const MIN_COMMON = 8
/** More stars than these do not add: the noise of the catalogues alone moves n·ln σ² by √(2n) from band to band. */
const WITNESSES = 25
/** A filter is expected to differ from its standard band by so much colour term. */
const EXPECTED_COLOUR_TERM = 0.15
/** Price of a star that a candidate lacks, in units of −2 ln likelihood. */
const MISSING_STAR = 2
/** Fewer stars than this are no witnesses against a header. */
const LEAST_WITNESSES = 8
/** Scores closer than this do not tell bands apart. */
const DECISIVE = 6
/** Zero points of the same band are weighed against each other in this unit, mag. */
const ZERO_POINT_UNIT = 0.005
/** Colour by which a target may differ unknown to us, mag: a large colour term costs so much of it. */
const UNKNOWN_COLOUR = 0.1
/** Relations of different authors to one band lie so far apart, mag: a survey's own band is preferred by that. */
const RELATION_TIE = 0.025
const LARGEST_DEVIATION = 5
/** Price of a band that the header does not name and that is transformed, or that no filter wheel holds. */
const UNLIKELY = 8
const NO_FILTERS = ['BP', 'RP']

/** How likely a header that names a band is to mean each band, beside itself. */
const RELATED: Record<string, string[]> = {
  U: ['u'],
  B: ['g'],
  V: ['g'],
  R: ['r'],
  I: ['i'],
  u: ['U'],
  g: ['V', 'B'],
  r: ['R'],
  i: ['I'],
  z: ['I'],
  y: ['z'],
  clear: ['V', 'r', 'R', 'g'],
}
const PRIOR = { same: 0.9, related: 0.3, other: 0.02 }

export interface Choice {
  /** Fits with their scores, best first; the chosen one is not always the best (see {@link chooseBand}). */
  ranked: { fit: CalibrationFit; score: number }[]
  chosen?: CalibrationFit
  ambiguous: boolean
  /** Whether the stars speak against the band of the header. */
  contradictsHeader: boolean
}

export interface Force {
  survey?: SurveyId
  band?: string
}

/**
 * Choose survey and band from the fits (lower scores are better).
 *
 * Bands: n·ln(s² + σ²) on the stars that the comparable candidates have in common, s their scatter beyond the errors
 * and σ one error for all, the best survey speaking for each band, + ln n per parameter, − 2 ln of the header's prior, + (C / {@link EXPECTED_COLOUR_TERM})².
 * A fit with a colour term cannot tell g from r by its scatter alone, since r = g − (g − r): the size of the colour
 * term can. Surveys of the same band: error and tie of their zero point and size of the colour term. Where bands are
 * closer than {@link DECISIVE}, or the stars fewer than {@link LEAST_WITNESSES}, the header decides; where it says
 * nothing the band with the smallest colour term is taken and the choice called ambiguous, as it is where no colour term
 * could be fitted. What earlier frames of the camera were calibrated to counts like the header, by
 * Laplace's rule of succession, so that the frames of a night do not wander between surveys that are equally good.
 *
 * @param headerBand band of the standard header, or null
 * @param force only fits of this survey or band may be chosen; the fits themselves are the same
 */
export function chooseBand(
  fits: CalibrationFit[],
  catalogue: StarCatalogue,
  headerBand: string | null,
  force: Force = {},
  memory: CameraMemory = noMemory,
): Choice {
  const likelihoods = commonLikelihoods(fits, catalogue)
  const bands = new Map<string, { score: number; price: number }>()
  const before = (fit: CalibrationFit) => memory.chosen(fit.standard.survey, fit.standard.band)
  const ofBand = Map.groupBy(fits, fit => fit.standard.standsFor)
  const bandBefore = (band: string) => ofBand.get(band)!.reduce((sum, fit) => sum + before(fit), 0)
  const prices = fits.map(fit => surveyPrice(fit) + unfamiliarity(before(fit), bandBefore(fit.standard.standsFor)))
  fits.forEach((fit, i) => {
    const { standsFor } = fit.standard
    const unfamiliar = unfamiliarity(bandBefore(standsFor), memory.frames)
    const score = likelihoods[i] + parameters(fit) + prior(headerBand, fit) + colourPrice(fit) + unfamiliar
    const known = bands.get(standsFor)
    bands.set(standsFor, {
      score: Math.min(score, known?.score ?? Number.POSITIVE_INFINITY),
      price: Math.min(prices[i], known?.price ?? Number.POSITIVE_INFINITY),
    })
  })
  const ranked = fits
    .map((fit, i) => {
      const band = bands.get(fit.standard.standsFor)!
      return { fit, score: band.score + prices[i] - band.price }
    })
    .sort((a, b) => a.score - b.score || order(a.fit, b.fit))

  const allowed = ranked.filter(({ fit }) => isAllowed(fit, force))
  const best = allowed[0]
  if (!best) return { ranked, ambiguous: false, contradictsHeader: false }
  const named = headerBand === null ? undefined : allowed.find(({ fit }) => fit.standard.standsFor === headerBand)
  const few = Math.max(...fits.map(({ line }) => line.count)) < LEAST_WITNESSES
  if (named && (few || named.score - best.score < DECISIVE))
    return { ranked, chosen: named.fit, ambiguous: named !== best, contradictsHeader: false }
  const contenders = allowed.filter(
    ({ fit, score }, i) =>
      score - best.score < DECISIVE &&
      allowed.findIndex(other => other.fit.standard.standsFor === fit.standard.standsFor) === i,
  )
  const closest = contenders.reduce((a, b) => (Math.abs(b.fit.line.slope) < Math.abs(a.fit.line.slope) ? b : a))
  if (named === undefined && isBlind(closest.fit, headerBand) && force.survey === undefined && force.band === undefined)
    return { ranked, ambiguous: false, contradictsHeader: false }
  return {
    ranked,
    chosen: closest.fit,
    // few stars that cannot be calibrated to the band of the header tell nothing of the others, nor do stars of one colour
    ambiguous:
      (contenders.length > 1 || ((few || !closest.fit.hasColourTerm) && bandsOf(allowed) > 1)) &&
      force.band === undefined,
    contradictsHeader: named !== undefined,
  }
}

/**
 * Whether a fit says nothing of its band: too few stars for a colour term, and a header that names a band far from it, in
 * which no fit was possible. A V frame whose three stars have no V magnitude is not calibrated to z. The surveys of last
 * resort claim no standard band, and say what they are.
 */
function isBlind({ hasColourTerm, standard }: CalibrationFit, headerBand: string | null): boolean {
  if (surveys[standard.survey].lastResort) return false
  if (hasColourTerm || headerBand === null || !(headerBand in RELATED)) return false
  return headerBand !== standard.standsFor && !RELATED[headerBand].includes(standard.standsFor)
}

function bandsOf(ranked: Choice['ranked']): number {
  return new Set(ranked.map(({ fit }) => fit.standard.standsFor)).size
}

function isAllowed({ standard }: CalibrationFit, { survey, band }: Force): boolean {
  if (survey !== undefined && standard.survey !== survey) return false
  return band === undefined || standard.band === band || (standard.standsFor === band && !hasOwn(standard.survey, band))
}

function hasOwn(survey: SurveyId, band: string): boolean {
  return band in surveys[survey].bands
}

/** n·ln(s² + σ²) of each fit on the common stars, n at most {@link WITNESSES}: −2 ln likelihood but for a constant. */
function commonLikelihoods(fits: CalibrationFit[], catalogue: StarCatalogue): number[] {
  const most = Math.max(0, ...fits.map(({ sample }) => sample.length))
  let comparable = fits.filter(({ sample }) => sample.length >= COMPARABLE * most)
  let common = inCommon(comparable)
  // One poor survey must not shrink the comparison to nothing: leave out the poorest until enough is common.
  while (common.size < MIN_COMMON && comparable.length > 1) {
    const poorest = Math.min(...comparable.map(({ sample }) => sample.length))
    const kept = comparable.filter(({ sample }) => sample.length > poorest)
    comparable = kept.length > 0 ? kept : comparable.slice(0, 1)
    common = inCommon(comparable)
  }
  const variances = comparable.map(fit => starVariances(fit).filter((_, k) => common.has(fit.sample[k])))
  // One error for all candidates: a survey must not win a band because its own errors are small.
  const error = median(variances.map(list => list.length / list.reduce((sum, value) => sum + 1 / value, 0)))
  const weights = variances[0]?.map(value => 1 / value) ?? new Float64Array(0)
  const witnesses = Math.min(WITNESSES, squaredSum(weights))
  return fits.map(fit => {
    const own = comparable.includes(fit) ? common : new Set(fit.sample)
    const scatter = scatterOn(fit, catalogue, own)
    return witnesses * Math.log(scatter ** 2 + error) + MISSING_STAR * Math.max(0, common.size - own.size)
  })
}

/** (Σw)² / Σw²: how many equal stars are worth as much. */
function squaredSum(weights: Float64Array): number {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return sum === 0 ? 0 : sum ** 2 / weights.reduce((total, weight) => total + weight * weight, 0)
}

function inCommon(fits: CalibrationFit[]): Set<number> {
  const [first, ...others] = fits.map(({ sample }) => new Set(sample))
  if (!first) return new Set()
  return new Set([...first].filter(star => others.every(other => other.has(star))))
}

/** Scatter of some stars about a fit beyond their errors; outliers count as {@link LARGEST_DEVIATION} σ. */
function scatterOn(fit: CalibrationFit, catalogue: StarCatalogue, stars: Set<number>): number {
  const variances = starVariances(fit)
  const all = residuals(fit, catalogue)
  const places = Array.from(fit.sample.keys()).filter(k => stars.has(fit.sample[k]))
  return intrinsicScatter(
    Float64Array.from(places, k => {
      const most = LARGEST_DEVIATION * Math.sqrt(variances[k] + fit.line.intrinsic ** 2)
      return Math.max(-most, Math.min(most, all[k]))
    }),
    Float64Array.from(places, k => variances[k]),
  )
}

/** Variance of each star of the sample about the line, errors of magnitude and colour together. */
function starVariances({ sample, magnitudes, line: { slope }, variance }: CalibrationFit): Float64Array {
  const result = new Float64Array(sample.length)
  for (let k = 0; k < result.length; k++) {
    const i = sample[k]
    const colour = slope === 0 ? 0 : slope * (slope * magnitudes.varColour[i] - 2 * magnitudes.covariance[i])
    result[k] = Math.max(variance[k] + colour, 1e-6)
  }
  return result
}

/** −2 ln of the chance of what happened in n of N frames to happen again (Laplace). */
function unfamiliarity(n: number, all: number): number {
  return all === 0 ? 0 : -2 * Math.log((n + 1) / (all + 2))
}

function parameters({ hasColourTerm, line }: CalibrationFit): number {
  return (hasColourTerm ? 3 : 2) * Math.log(Math.max(2, line.count))
}

function colourPrice({ line }: CalibrationFit): number {
  return (line.slope / EXPECTED_COLOUR_TERM) ** 2
}

/** What speaks against a survey among those of the same band. */
function surveyPrice({ standard, line, hasColourTerm }: CalibrationFit): number {
  const { systematicMag } = surveys[standard.survey]
  // without a colour term the unknown one costs as much as the expected one
  const term = hasColourTerm ? line.slope : EXPECTED_COLOUR_TERM
  const tie = standard.transformation ? RELATION_TIE : 0
  const variance = line.atPivotError ** 2 + systematicMag ** 2 + tie ** 2 + (UNKNOWN_COLOUR * term) ** 2
  return variance / ZERO_POINT_UNIT ** 2
}

function prior(headerBand: string | null, { standard: { standsFor, transformation } }: CalibrationFit): number {
  // A transformed band is the same measurement as its base: it stands back unless it was asked for.
  const unlikely = headerBand !== standsFor && (transformation || NO_FILTERS.includes(standsFor))
  return (unlikely ? UNLIKELY : 0) + headerPrior(headerBand, standsFor)
}

function headerPrior(headerBand: string | null, standsFor: string): number {
  if (headerBand === null || !(headerBand in RELATED || headerBand === standsFor)) return 0
  const probability =
    headerBand === standsFor ? PRIOR.same : RELATED[headerBand]?.includes(standsFor) ? PRIOR.related : PRIOR.other
  return -2 * Math.log(probability)
}

/** The order of the survey table, then of the bands' names: ties end the same way everywhere. */
function order(a: CalibrationFit, b: CalibrationFit): number {
  const place = (fit: CalibrationFit) => Object.keys(surveys).indexOf(fit.standard.survey)
  return place(a) - place(b) || (a.standard.band < b.standard.band ? -1 : 1)
}
