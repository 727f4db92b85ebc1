import type { CameraBand, CameraFrame } from '#events/camera.ts'
import type { CalibrateInput } from '#events/stages.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import { isNewerVersion, PIPELINE_VERSION } from '#shared/version.ts'
import type { CalibrationFit } from './calibration-fit.ts'
import { drifts } from './camera-drift.ts'
import { intrinsicScatter } from './intrinsic-scatter.ts'
import type { SlopePrior } from './york-line.ts'

/** Frames farther away in time say little: filters age, cameras are cleaned, optics re-coated. */
const WINDOW_DAYS = 400
/** Colour terms of one camera differ from frame to frame by at least this: airmass, water vapour. */
const LEAST_FRAME_SCATTER = 0.005
/** With fewer frames their own scatter is not known yet; this is assumed, mag per mag. */
const FEW_FRAMES = 5
const ASSUMED_FRAME_SCATTER = 0.015
const CLIP = 5
/** A zero point is unusual where it lies off the camera's median by more than both (science: BHTOM #289, AutoPHOT #8). */
const UNUSUAL_MAG = 0.5
const UNUSUAL_SIGMA = 5

/** The camera whose memory a frame shares: telescope, camera and filter by the names that inbox and header give. */
export type CameraId = Pick<CameraFrame, 'telescope' | 'camera' | 'filterName'>

/** What earlier and later frames of a camera say of its colour term in one band. */
export interface ColourTermMemory extends SlopePrior {
  /** How many frames. */
  frames: number
  colourRange: [number, number]
  colourSpread: number
}

/** What a camera is known for, without the frame in hand. */
export interface CameraMemory {
  colourTerm(survey: string, band: string, colour: string): ColourTermMemory | undefined
  /** Median and robust scatter of its zero points for one second; undefined for fewer than {@link FEW_FRAMES} frames. */
  zeroPoint(survey: string, band: string, colour: string): { median: number; sigma: number } | undefined
  /** Whether its zero point or colour term moves steadily with time. */
  drifts(survey: string, band: string, colour: string): boolean
  /** How many frames were calibrated to a band of a survey without ambiguity, and how many in all. */
  chosen(survey: string, band: string): number
  frames: number
}

/** A camera that nothing is known of. */
export const noMemory: CameraMemory = {
  colourTerm: () => undefined,
  zeroPoint: () => undefined,
  drifts: () => false,
  chosen: () => 0,
  frames: 0,
}

/**
 * The memory of a camera for one of its frames. It does not depend on the order in which the frames came, and the frame
 * itself does not enter: processed again, it is not told of itself.
 *
 * @param frames of the camera; of a frame's several versions the newest counts
 */
export function recall(
  frames: readonly CameraFrame[],
  { frameId, mjdUtcMid }: Pick<CameraFrame, 'frameId' | 'mjdUtcMid'>,
): CameraMemory {
  const newest = new Map<string, CameraFrame>()
  for (const frame of frames) {
    const known = newest.get(frame.frameId)
    if (!known || isNewerVersion(frame.pipelineVersion, known.pipelineVersion)) newest.set(frame.frameId, frame)
  }
  const others = [...newest.values()]
    .filter(frame => frame.frameId !== frameId && Math.abs(frame.mjdUtcMid - mjdUtcMid) <= WINDOW_DAYS)
    .sort((a, b) => a.mjdUtcMid - b.mjdUtcMid || (a.frameId < b.frameId ? -1 : 1))
  const inBand = (survey: string, band: string, colour: string) =>
    others.flatMap(frame => frame.bands.filter(b => b.survey === survey && b.band === band && b.colour === colour))
  return {
    frames: others.length,
    colourTerm: (survey, band, colour) => meanColourTerm(inBand(survey, band, colour)),
    zeroPoint: (survey, band, colour) => usualZeroPoint(inBand(survey, band, colour)),
    drifts: (survey, band, colour) => drifts(others, survey, band, colour),
    chosen: (survey, band) => others.filter(frame => frame.survey === survey && frame.band === band).length,
  }
}

/**
 * Mean of the frames' colour terms, each with its own error and all with what they scatter beyond; the error is that of
 * a further frame's colour term, not of the mean.
 */
function meanColourTerm(bands: CameraBand[]): ColourTermMemory | undefined {
  if (bands.length === 0) return undefined
  const terms = Float64Array.from(bands, band => band.colourTerm)
  const variances = Float64Array.from(bands, band => band.colourTermError ** 2)
  let mean = median(terms)
  let scatter = 0
  let weight = 0
  for (let turn = 0; turn < 10; turn++) {
    scatter = frameScatter(terms, variances, mean)
    let sum = 0
    weight = 0
    for (let i = 0; i < terms.length; i++) {
      const total = variances[i] + scatter ** 2
      if ((terms[i] - mean) ** 2 > CLIP ** 2 * total) continue
      sum += terms[i] / total
      weight += 1 / total
    }
    if (weight === 0) return undefined
    mean = sum / weight
  }
  return {
    slope: mean,
    error: Math.hypot(1 / Math.sqrt(weight), scatter),
    frames: bands.length,
    colourRange: [Math.min(...bands.map(b => b.colourRange[0])), Math.max(...bands.map(b => b.colourRange[1]))],
    colourSpread: median(bands.map(b => b.colourSpread)),
    intrinsic: meanScatter(bands),
  }
}

/** Root of the mean square, weighted by stars: frames whose stars are few or faint often show no scatter at all. */
function meanScatter(bands: CameraBand[]): number {
  let [sum, weight] = [0, 0]
  for (const { intrinsicScatter, stars } of bands) {
    sum += stars * intrinsicScatter ** 2
    weight += stars
  }
  return weight > 0 ? Math.sqrt(sum / weight) : 0
}

function frameScatter(terms: Float64Array, variances: Float64Array, mean: number): number {
  if (terms.length < FEW_FRAMES) return ASSUMED_FRAME_SCATTER
  const limit = (i: number) => CLIP * Math.sqrt(variances[i] + ASSUMED_FRAME_SCATTER ** 2)
  const kept = terms.map((term, i) => Math.max(-limit(i), Math.min(limit(i), term - mean)))
  return Math.max(LEAST_FRAME_SCATTER, intrinsicScatter(kept, variances))
}

function usualZeroPoint(bands: CameraBand[]): { median: number; sigma: number } | undefined {
  const values = bands.flatMap(band => band.zeroPointOneSecond ?? [])
  return values.length < FEW_FRAMES ? undefined : { median: median(values), sigma: madSigma(values) }
}

/** Whether a zero point for one second is beyond what the camera usually has: clouds, dew, another gain or filter. */
export function isUnusual(zeroPointOneSecond: number, usual: { median: number; sigma: number }): boolean {
  return Math.abs(zeroPointOneSecond - usual.median) > Math.max(UNUSUAL_MAG, UNUSUAL_SIGMA * usual.sigma)
}

/** Zero point of an exposure of one second; null where the exposure time is unknown. */
export function toOneSecond(zeroPoint: number, exposureSeconds: number): number | null {
  return exposureSeconds > 0 ? zeroPoint - 2.5 * Math.log10(exposureSeconds) : null
}

/** The camera of a frame. */
export function cameraOf({ telescope, header }: Pick<CalibrateInput, 'telescope' | 'header'>): CameraId {
  return { telescope, camera: header.instrument, filterName: header.filterName }
}

/**
 * What a frame tells of its camera: its own colour terms and zero points in the band that was chosen, for every survey
 * that has it. Nothing that the memory had told it enters.
 *
 * @returns null where nothing was calibrated or no colour term measured
 */
export function cameraFrame(
  input: CalibrateInput,
  fits: readonly CalibrationFit[],
  chosen: CalibrationFit | undefined,
  ambiguous: boolean,
): CameraFrame | null {
  const { header, frameId } = input
  const bands = fits
    .filter(fit => fit.own && fit.standard.colour && fit.standard.standsFor === chosen?.standard.standsFor)
    .map((fit): CameraBand => {
      const { standard, own, line } = fit
      return {
        survey: standard.survey,
        band: standard.band,
        colour: standard.colour!.join('-'),
        colourTerm: own!.slope,
        colourTermError: own!.error,
        colourRange: fit.ownColours!.range,
        colourSpread: fit.ownColours!.spread,
        zeroPointOneSecond: toOneSecond(line.atPivot - own!.slope * line.pivot, header.exposureSeconds),
        zeroPointError: Math.hypot(line.atPivotError, own!.error * line.pivot),
        intrinsicScatter: own!.intrinsic ?? line.usualIntrinsic,
        stars: line.count,
      }
    })
  if (!chosen || bands.length === 0) return null
  return {
    ...cameraOf(input),
    frameId,
    pipelineVersion: PIPELINE_VERSION,
    mjdUtcMid: header.mjdUtcMid,
    airmass: header.airmass,
    survey: ambiguous ? null : chosen.standard.survey,
    band: ambiguous ? null : chosen.standard.band,
    bands,
  }
}
