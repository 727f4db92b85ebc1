import { z } from 'zod'
import { FrameId, ObjectRef, Provenance, StandardHeader } from './frame.ts'
import { ColourTermFrom } from './point.ts'

/** A target to be measured whether or not it is seen. */
export const Target = z.object({ name: z.string(), raDeg: z.number(), decDeg: z.number() })

/** What the intake starts an execution with. Canonical: no receive time, no event id. */
export const FrameReceived = z.object({
  frameId: FrameId,
  raw: ObjectRef,
  telescope: z.string(),
  night: z.string(),
})

export const StandardiseInput = FrameReceived
export const StandardiseOutput = FrameReceived.extend({
  /** Prefix of all products of the frame in the products bucket: `products/<frameId>`. */
  products: z.string(),
  header: StandardHeader,
  /** Key of the standardised FITS: physical pixel values, standard header, mask extension. */
  image: z.string(),
  /** Execution that already brought the same bytes to an end, else null. */
  duplicateOf: z.string().nullable(),
})

const WcsSummary = z.object({
  raDeg: z.number(),
  decDeg: z.number(),
  pixelScaleArcsec: z.number(),
  rotationDeg: z.number(),
  parity: z.union([z.literal(1), z.literal(-1)]),
  fieldWidthDeg: z.number(),
  fieldHeightDeg: z.number(),
  matchedStars: z.int(),
  /** Median over matched stars of the distance to the reference position. */
  medianResidualMas: z.number(),
  medianResidualPx: z.number(),
  sipOrder: z.int(),
  survey: z.string(),
  logOdds: z.number(),
  withHint: z.boolean(),
})

export const SolveInput = StandardiseOutput
export const SolveOutput = StandardiseOutput.extend({
  wcs: WcsSummary,
  /** Key of `wcs.json`: the full solution (shared/sky/wcs-type.ts). */
  solution: z.string(),
  /** Key of the detections: FITS table. */
  detections: z.string(),
  seeingPx: z.number(),
})

export const MeasureInput = SolveOutput
/** A target on the frame that has no flux there, and why. */
export const UnmeasuredTarget = z.object({
  name: z.string(),
  ra: z.number(),
  dec: z.number(),
  /** Names of quality flags of its place. */
  flags: z.array(z.string()),
  reason: z.string(),
})

export const MeasureOutput = SolveOutput.extend({
  psf: z.object({
    kind: z.string(),
    stars: z.int(),
    fwhmPx: z.number(),
    elongation: z.number(),
    order: z.int(),
    chi: z.number(),
    /** Part of a star's light beyond the PSF's table, extrapolated by its wing. */
    lightOutside: z.number().optional(),
    /** Robust scatter of the subtracted frame over its expected noise, everywhere and on bright stars; 1 is noise alone. */
    cleanliness: z.object({ frame: z.number().nullable(), onStars: z.number().nullable() }).optional(),
  }),
  stars: z.int(),
  /** Key of the instrumental catalogue: FITS table with the columns of shared/photometry/star-catalogue.ts. */
  catalogue: z.string(),
  /** Key of the forced photometry of the targets, JSON (shared/photometry/forced.ts). */
  forced: z.string(),
  /** Targets on the frame that are not among those; absent where there is none. */
  unmeasured: z.array(UnmeasuredTarget).optional(),
  residual: z.string(),
  /** Key of the forced photometry of a survey's stars, FITS table; only where that was asked for. */
  surveyStars: z.string().optional(),
  /** Key of what stars put into the frame tell of its limits, JSON; only where that was asked for. */
  injection: z.string().optional(),
})

export const Candidate = z.object({
  survey: z.string(),
  band: z.string(),
  colour: z.string(),
  zeroPoint: z.number(),
  zeroPointError: z.number(),
  colourTerm: z.number(),
  colourTermError: z.number(),
  /** Whose stars the colour term rests on: the frame's, those of earlier frames of its camera, or both. */
  colourTermFrom: ColourTermFrom.optional(),
  /** Colour at which zero point and colour term are independent; null without a colour term. */
  pivotColour: z.number().nullable().optional(),
  /** Scatter of the stars beyond their errors, mag. */
  intrinsicScatter: z.number().optional(),
  /** Order of the polynomial in x and y; 0 for none. */
  positionOrder: z.int().optional(),
  /** Robust scatter of the residuals about the fit, mag. */
  scatter: z.number(),
  stars: z.int(),
  score: z.number(),
})

export const TargetResult = z.object({
  name: z.string(),
  ra: z.number(),
  dec: z.number(),
  band: z.string(),
  survey: z.string(),
  mag: z.number().nullable(),
  magErr: z.number().nullable(),
  magErrRandom: z.number().nullable(),
  magErrZeroPoint: z.number().nullable(),
  flux: z.number(),
  fluxErr: z.number(),
  /** Unit of the frame's pixels; null where nobody tells it. */
  fluxUnit: z.string().nullish(),
  detected: z.boolean(),
  limit3Sigma: z.number().nullable(),
  limit5Sigma: z.number().nullable(),
  flags: z.int(),
})

/** Ways a frame ends. */
export const Outcome = z.enum(['calibrated', 'limit', 'uncalibrated', 'rejected', 'failed', 'duplicate'])

export const CalibrateInput = MeasureOutput
export const CalibrateOutput = MeasureOutput.extend({
  outcome: Outcome,
  calibration: z.object({ chosen: Candidate.nullable(), ambiguous: z.boolean() }),
  /** Key of `calibration.json`: chosen and all candidates. */
  calibrationReport: z.string(),
  /** Key of the points, JSON: an array of Point (events/point.ts). */
  points: z.string(),
  /** Key of what the frame adds to its camera's memory, JSON (events/camera.ts); null where it adds nothing. */
  camera: z.string().nullable().optional(),
})

export const RecordInput = CalibrateOutput
export const RecordOutput = z.object({ frameId: FrameId, outcome: Outcome, points: z.int(), newPoints: z.int() })

/** What the record-outcome task gets when a frame ends before its points are recorded. */
export const FrameEnded = z.object({
  outcome: Outcome.extract(['rejected', 'failed', 'duplicate']),
  frame: FrameReceived.loose(),
  stage: z.string(),
  error: z.object({ name: z.string(), reason: z.string() }),
})

/** What it answers with: the error in words. */
export const FrameEndedOutput = FrameEnded.pick({ outcome: true, stage: true, error: true }).extend({
  frameId: FrameId,
})

/** What stars put into a frame tell of the limits stated for it (shared/photometry/injection.ts). */
export const Recovery = z.object({
  stars: z.int(),
  /** Stated limits, median over the places: flux, and magnitude without a colour term where the frame is calibrated. */
  limit3SigmaAdu: z.number(),
  limit5SigmaAdu: z.number(),
  limit3Sigma: z.number().nullable(),
  limit5Sigma: z.number().nullable(),
  /** Fluxes of the places before anything was put there, over their errors: scatter and middle. */
  emptyScatter: z.number(),
  emptyBias: z.number(),
  /** Fluxes found less those put in, over their errors: scatter and middle. */
  fluxScatter: z.number(),
  fluxBias: z.number(),
  /** By how much fainter than the stated limits half of the stars are recovered, mag, and its error. */
  half3SigmaMag: z.number().nullable(),
  half3SigmaErr: z.number().nullable(),
  half5SigmaMag: z.number().nullable(),
  half5SigmaErr: z.number().nullable(),
  /** In bins of how much fainter than the 3 sigma limit of its place a star was. */
  recovery: z.array(
    z.object({ offsetMag: z.number(), injected: z.int(), recovered3Sigma: z.int(), recovered5Sigma: z.int() }),
  ),
})

/** `report.json` of `cpcs process`, also kept with the products of every frame. */
export const Report = z.object({
  frameId: FrameId.optional(),
  /** How the frame ended; `standardised` or `solved` where it was to go no further. */
  outcome: z.enum([...Outcome.options, 'standardised', 'solved']),
  frame: StandardHeader.optional(),
  provenance: z.record(z.string(), Provenance).optional(),
  wcs: WcsSummary.optional(),
  psf: MeasureOutput.shape.psf.optional(),
  calibration: z
    .object({
      chosen: Candidate.nullable(),
      ambiguous: z.boolean(),
      /** Whether the stars speak against the band of the header. */
      contradictsHeader: z.boolean().optional(),
      candidates: z.array(Candidate),
    })
    .optional(),
  targets: z.array(TargetResult).optional(),
  /** Targets on the frame without a result; absent where there is none. */
  unmeasured: z.array(UnmeasuredTarget).optional(),
  /** Only where stars were put into the frame. */
  injection: Recovery.optional(),
  flags: z.array(z.string()).optional(),
  secondsPerStage: z.record(z.string(), z.number()).optional(),
  stage: z.string().optional(),
  error: z.string().optional(),
  reason: z.string().optional(),
  version: z.string(),
})

export type Target = z.infer<typeof Target>
export type FrameReceived = z.infer<typeof FrameReceived>
export type StandardiseInput = z.infer<typeof StandardiseInput>
export type StandardiseOutput = z.infer<typeof StandardiseOutput>
export type SolveInput = z.infer<typeof SolveInput>
export type SolveOutput = z.infer<typeof SolveOutput>
export type MeasureInput = z.infer<typeof MeasureInput>
export type UnmeasuredTarget = z.infer<typeof UnmeasuredTarget>
export type MeasureOutput = z.infer<typeof MeasureOutput>
export type CalibrateInput = z.infer<typeof CalibrateInput>
export type CalibrateOutput = z.infer<typeof CalibrateOutput>
export type RecordInput = z.infer<typeof RecordInput>
export type RecordOutput = z.infer<typeof RecordOutput>
export type FrameEnded = z.infer<typeof FrameEnded>
export type FrameEndedOutput = z.infer<typeof FrameEndedOutput>
export type Candidate = z.infer<typeof Candidate>
export type TargetResult = z.infer<typeof TargetResult>
export type Outcome = z.infer<typeof Outcome>
export type Recovery = z.infer<typeof Recovery>
export type Report = z.infer<typeof Report>
