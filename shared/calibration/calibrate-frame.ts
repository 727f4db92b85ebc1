import type { Candidate } from '#events/stages.ts'
import type { ReferenceStars } from '#shared/catalogue/reference.ts'
import type { StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { extendBrightEnd } from './bright-end.ts'
import { type CalibrationFit, residuals, toCandidate, totalZeroPoint } from './calibration-fit.ts'
import {
  gaiaPartners,
  gradeStars,
  type MatchedSurvey,
  type MatchScale,
  matchSurvey,
  withGaiaMotions,
} from './calibrators.ts'
import { type CameraMemory, noMemory } from './camera.ts'
import { type FrameLight, fitCandidate } from './candidate.ts'
import { type Choice, COMPARABLE, chooseBand, type Force } from './choose.ts'
import { neighbours } from './neighbours.ts'
import type { CalibrationPlotData } from './plot.ts'
import type { CandidateRow } from './plot-candidates.ts'
import type { PositionTerm } from './position-term.ts'
import { fitRelations, ownBands, type StandardBand } from './standard-bands.ts'

/** All fits of a frame and the one that was chosen. */
export interface FrameCalibration {
  choice: Choice
  /** Rows of the report, best first, and the one of the chosen fit. */
  candidates: Candidate[]
  chosen: Candidate | null
  /** The surveys as matched with the frame. */
  matched: MatchedSurvey[]
}

/**
 * Calibrate the stars of a frame to every band of every survey that covers it and choose one.
 *
 * @param available stars of each survey around the frame
 * @param headerBand band of the standard header; with 'narrow' nothing is chosen unless it is forced
 * @param memory what other frames of the camera gave
 */
export function calibrateFrame(
  catalogue: StarCatalogue,
  available: ReferenceStars[],
  scale: MatchScale & FrameLight,
  headerBand: string | null,
  force: Force = {},
  memory: CameraMemory = noMemory,
): FrameCalibration {
  const gaia = available.find(({ survey }) => survey === 'gaia_dr3')
  const observed = neighbours(catalogue.raDeg, catalogue.decDeg)
  // Gaia helps the others where they are blind: to motions, and to bright stars.
  const prepared = available.map(stars => {
    if (!gaia || stars === gaia) return stars
    const partners = gaiaPartners(stars, gaia)
    return extendBrightEnd(withGaiaMotions(stars, gaia, partners), gaia, partners)
  })
  const matched = prepared.map(stars => matchSurvey(observed, stars, scale))
  const grades = gradeStars(catalogue, matched)
  const fitTo = (standard: StandardBand) => {
    const survey = matched.find(({ stars }) => stars.survey === standard.survey)!
    const known = standard.colour && memory.colourTerm(standard.survey, standard.band, standard.colour.join('-'))
    return fitCandidate(catalogue, grades, survey, standard, scale, known)
  }
  const own = ownBands(available).flatMap(standard => fitTo(standard) ?? [])
  const fits = [...own, ...fitRelations(available, wellFitted(own), fitTo)]
  const wanted = force.survey !== undefined || force.band !== undefined
  const best = chooseBand(fits, catalogue, headerBand, force, memory)
  // A narrow filter sees a line or its gap: no broad band stands for it, however well the stars agree.
  const choice = headerBand === 'narrow' && !wanted ? { ...best, chosen: undefined, ambiguous: false } : best
  const candidates = choice.ranked.map(({ fit, score }) => toCandidate(fit, score))
  const place = choice.ranked.findIndex(({ fit }) => fit === choice.chosen)
  return { choice, candidates, chosen: place >= 0 ? candidates[place] : null, matched }
}

/** Bands with a fit of no small part of the stars: where a survey touches a corner of the frame, a relation of another is worth more. */
function wellFitted(own: CalibrationFit[]): Set<string> {
  const most = Math.max(0, ...own.map(({ line }) => line.count))
  return new Set(own.filter(({ line }) => line.count >= COMPARABLE * most).map(({ standard }) => standard.standsFor))
}

/** What the report tells of the chosen fit beyond its row. */
export function fitDetails(fit: CalibrationFit) {
  const { standard, line } = fit
  return {
    magSystem: standard.system,
    transformation: standard.transformation ?? null,
    pivotColour: fit.hasColourTerm ? line.pivot : null,
    zeroPointAtPivot: line.atPivot,
    zeroPointAtPivotError: line.atPivotError,
    fluxScaleError: fit.fluxScaleErr,
    intrinsicScatter: line.intrinsic,
    outliers: fit.sample.length - line.count,
    colourRange: fit.hasColourTerm ? fit.colours.range : null,
    medianColour: fit.hasColourTerm ? fit.colours.median : null,
    colourTermFrom: fit.colourTermFrom,
    ownColourTerm: fit.own ? { slope: fit.own.slope, error: fit.own.error } : null,
    rememberedColourTerm: fit.memory
      ? { slope: fit.memory.slope, error: fit.memory.error, frames: fit.memory.frames }
      : null,
    positionTerm: fit.position ? positionDetails(fit.position) : null,
    matchRadiusArcsec: fit.matched.matchRadiusDeg * 3600,
  }
}

/** The position term with its basis in words, so that it can be applied by others. */
function positionDetails({ order, frame, coefficients, means, covariance }: PositionTerm) {
  const terms = ['u', 'v', 'u*u', 'u*v', 'v*v'].slice(0, coefficients.length)
  const where = { u: `2 x / ${frame.widthPx - 1} - 1`, v: `2 y / ${frame.heightPx - 1} - 1` }
  const lists = [coefficients, means, covariance].map(list => Array.from(list))
  return { order, terms, ...where, coefficients: lists[0], means: lists[1], covariance: lists[2] }
}

/** The matched stars of the chosen fit, for the picture; colours that are not known are null in JSON. */
export function plotData(fit: CalibrationFit, catalogue: StarCatalogue, title: string): CalibrationPlotData {
  const { sample, magnitudes, line } = fit
  return {
    title,
    note: noteOf(fit),
    mag: Array.from(sample, i => magnitudes.mag[i]),
    colour: Array.from(sample, i => magnitudes.colour[i]),
    x: Array.from(sample, i => catalogue.x[i]),
    y: Array.from(sample, i => catalogue.y[i]),
    residual: Array.from(residuals(fit, catalogue)),
    used: Array.from(line.used, Boolean),
  }
}

/** Whose stars the colour term rests on, the position term, and the scatter that the errors do not explain, in words. */
function noteOf({ line, position, colourTermFrom }: CalibrationFit): string {
  const terms = {
    frame: [],
    memory: ['colour term of earlier frames'],
    both: ['colour term with earlier frames'],
    none: ['no colour term'],
  }[colourTermFrom]
  const plane = position ? [`position term of order ${position.order}`] : []
  return [`${(1000 * line.intrinsic).toFixed(1)} mmag beyond the errors`, ...terms, ...plane].join(', ')
}

/** All fits as the picture of candidates shows them. */
export function candidateRows({ choice, candidates }: FrameCalibration, catalogue: StarCatalogue): CandidateRow[] {
  return choice.ranked.map(({ fit }, k) => {
    const { sample, line, magnitudes, hasColourTerm } = fit
    const left = residuals(fit, catalogue)
    const kept = Array.from(sample.keys()).filter(j => line.used[j])
    const across = hasColourTerm ? magnitudes.colour : magnitudes.mag
    return {
      ...candidates[k],
      colourName: candidates[k].colour,
      chosen: fit === choice.chosen,
      x: kept.map(j => across[sample[j]]),
      residual: kept.map(j => left[j]),
    }
  })
}

/** The chosen calibration in one line. */
export function calibrationTitle(fit: CalibrationFit): string {
  const { standard, line } = fit
  const zeroPoint = totalZeroPoint(fit, 0)
  const term = fit.hasColourTerm
    ? `  C(${standard.colour!.join('-')}) ${line.slope.toFixed(4)} ± ${line.slopeError.toFixed(4)}`
    : ''
  return `${standard.survey} ${standard.band}: zero point ${zeroPoint.value.toFixed(4)} ± ${zeroPoint.error.toFixed(4)}${term}`
}
