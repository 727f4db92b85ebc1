import { z } from 'zod'
import { FrameId } from './frame.ts'

/** Whose stars a colour term rests on: the frame's, those of earlier frames of its camera, or both. */
export const ColourTermFrom = z.enum(['frame', 'memory', 'both', 'none'])

/**
 * One point of a light curve: a detection or a limit of one object in one frame, with all that is needed to judge it; or,
 * where no pixel at the object could be used, the reason why there is neither.
 */
export const Point = z.object({
  /** `<objectId>-<frameId, 16 digits>-<band>`: the same frame and object give the same id for ever. */
  pointId: z.string(),
  objectId: z.string(),
  frameId: FrameId,
  execution: z.string(),
  pipelineVersion: z.string(),
  telescope: z.string(),
  raDeg: z.number(),
  decDeg: z.number(),
  mjdUtcMid: z.number(),
  /** The same as barycentric Julian date in TDB and heliocentric Julian date in UTC, for the target's place. */
  bjdTdbMid: z.number().optional(),
  hjdUtcMid: z.number().optional(),
  dateObsUtc: z.string(),
  exposureSeconds: z.number(),
  filterName: z.string().nullable(),
  /** The camera as the header names it. */
  camera: z.string().nullable().optional(),
  band: z.string(),
  survey: z.string(),
  magSystem: z.enum(['AB', 'Vega', 'instrumental']),
  detected: z.boolean(),
  mag: z.number().nullable(),
  magErr: z.number().nullable(),
  magErrRandom: z.number().nullable(),
  magErrZeroPoint: z.number().nullable(),
  /** Magnitude in the camera's natural system (no colour term; a star of colour 0 has the same in both), and its error. */
  magNatural: z.number().nullable(),
  magNaturalErr: z.number().nullable().optional(),
  /** PSF flux and its 1 sigma, in `fluxUnit`; null where there is none, and `reason` tells why. */
  flux: z.number().nullable(),
  fluxErr: z.number().nullable(),
  /** Unit of the frame's pixels ('adu', 'electron', a scaled physical one); null where nobody tells it. */
  fluxUnit: z.string().nullish(),
  reason: z.string().optional(),
  limit3Sigma: z.number().nullable(),
  limit5Sigma: z.number().nullable(),
  zeroPoint: z.number().nullable(),
  zeroPointError: z.number().nullable(),
  colourTerm: z.number().nullable(),
  colourTermError: z.number().nullable(),
  colour: z.string().nullable(),
  colourTermFrom: ColourTermFrom.optional(),
  /** Colour at which zero point and colour term are independent. */
  pivotColour: z.number().nullable().optional(),
  /** Scatter of the calibrating stars beyond their errors, mag. */
  intrinsicScatter: z.number().nullable().optional(),
  /** The target's colour that entered, its error, and where it came from. */
  targetColour: z.number().nullable(),
  targetColourErr: z.number().nullable().optional(),
  targetColourFrom: z.enum(['catalogue', 'points', 'assumed', 'none']),
  calibrators: z.int(),
  fwhmPx: z.number(),
  elongation: z.number().optional(),
  /** Sky at the target, `fluxUnit` per pixel. */
  skyAdu: z.number().optional(),
  airmass: z.number().nullable(),
  /** Null where the place of the observatory is not known. */
  moonSeparationDeg: z.number().nullable().optional(),
  moonAltitudeDeg: z.number().nullable().optional(),
  moonIllumination: z.number().nullable().optional(),
  sunAltitudeDeg: z.number().nullable().optional(),
  wcsResidualMas: z.number(),
  wcsStars: z.int().optional(),
  flags: z.int(),
})

export type Point = z.infer<typeof Point>

/** A point with light in it: a detection or a limit. */
export type MeasuredPoint = Point & { flux: number; fluxErr: number }

export function isMeasured(point: Point): point is MeasuredPoint {
  return point.flux !== null
}
