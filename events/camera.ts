import { z } from 'zod'
import { FrameId } from './frame.ts'

/** What a frame tells of its camera in one band of one survey, from its own stars alone. */
const CameraBand = z.object({
  survey: z.string(),
  band: z.string(),
  /** The colour that the colour term multiplies, 'g-r'. */
  colour: z.string(),
  colourTerm: z.number(),
  colourTermError: z.number(),
  /** Middle 96 % of the colours of the stars, and half the middle 68 %. */
  colourRange: z.tuple([z.number(), z.number()]),
  colourSpread: z.number(),
  /** Zero point at colour 0 for an exposure of one second; null where the exposure time is unknown. */
  zeroPointOneSecond: z.number().nullable(),
  zeroPointError: z.number(),
  /** Scatter of its stars beyond their errors, mag. */
  intrinsicScatter: z.number(),
  stars: z.int(),
})

/** What a frame adds to the memory of its camera. A new version of the pipeline adds a new one; the old one is kept. */
export const CameraFrame = z.object({
  /** Telescope, camera and filter by the names that inbox and header give. */
  telescope: z.string(),
  camera: z.string().nullable(),
  filterName: z.string().nullable(),
  frameId: FrameId,
  pipelineVersion: z.string(),
  mjdUtcMid: z.number(),
  airmass: z.number().nullable(),
  /** Survey and band that were chosen, where they were not ambiguous. */
  survey: z.string().nullable(),
  band: z.string().nullable(),
  bands: z.array(CameraBand),
})

export type CameraBand = z.infer<typeof CameraBand>
export type CameraFrame = z.infer<typeof CameraFrame>
