import { z } from 'zod'
import { FrameId } from './frame.ts'

/** One point of a light curve: a detection or a limit of one object in one frame, with all that is needed to judge it. */
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
  dateObsUtc: z.string(),
  exposureSeconds: z.number(),
  filterName: z.string().nullable(),
  band: z.string(),
  survey: z.string(),
  magSystem: z.enum(['AB', 'Vega', 'instrumental']),
  detected: z.boolean(),
  mag: z.number().nullable(),
  magErr: z.number().nullable(),
  magErrRandom: z.number().nullable(),
  magErrZeroPoint: z.number().nullable(),
  /** Magnitude without the colour term. */
  magNatural: z.number().nullable(),
  flux: z.number(),
  fluxErr: z.number(),
  limit3Sigma: z.number().nullable(),
  limit5Sigma: z.number().nullable(),
  zeroPoint: z.number().nullable(),
  zeroPointError: z.number().nullable(),
  colourTerm: z.number().nullable(),
  colourTermError: z.number().nullable(),
  colour: z.string().nullable(),
  /** The target's colour that entered, and where it came from. */
  targetColour: z.number().nullable(),
  targetColourFrom: z.enum(['catalogue', 'points', 'assumed', 'none']),
  calibrators: z.int(),
  fwhmPx: z.number(),
  airmass: z.number().nullable(),
  wcsResidualMas: z.number(),
  flags: z.int(),
})

export type Point = z.infer<typeof Point>
