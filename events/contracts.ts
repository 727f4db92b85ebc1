import type { z } from 'zod'
import { CameraFrame } from './camera.ts'
import { Notice } from './notice.ts'
import { Point } from './point.ts'
import { Fields } from './prefetch.ts'
import {
  CalibrateOutput,
  FrameEnded,
  FrameEndedOutput,
  FrameReceived,
  MeasureOutput,
  RecordOutput,
  Report,
  SolveOutput,
  StandardiseOutput,
} from './stages.ts'

/** A contract, under the name of its JSON Schema in `schemas/` and with the examples in `examples/` that keep it. */
export interface Contract {
  schema: z.ZodType
  version: string
  examples: string[]
}

/** Everything that others rely on. What one stage puts out, the next takes in. */
export const contracts: Record<string, Contract> = {
  'frame-received': { schema: FrameReceived, version: '1.0.0', examples: ['frame-received'] },
  'standardise-output': { schema: StandardiseOutput, version: '1.0.0', examples: ['standardise-output'] },
  'solve-output': { schema: SolveOutput, version: '1.0.0', examples: ['solve-output'] },
  'measure-output': { schema: MeasureOutput, version: '1.0.0', examples: ['measure-output'] },
  'calibrate-output': { schema: CalibrateOutput, version: '1.0.0', examples: ['calibrate-output'] },
  'record-output': { schema: RecordOutput, version: '1.0.0', examples: ['record-output'] },
  'frame-ended': { schema: FrameEnded, version: '1.0.0', examples: ['frame-ended'] },
  'frame-ended-output': { schema: FrameEndedOutput, version: '1.0.0', examples: ['frame-ended-output'] },
  'camera-frame': { schema: CameraFrame, version: '1.0.0', examples: ['camera-frame'] },
  fields: { schema: Fields, version: '1.0.0', examples: ['fields'] },
  points: { schema: Point.array(), version: '1.0.0', examples: ['points'] },
  report: { schema: Report, version: '1.0.0', examples: ['report', 'report-rejected'] },
  notice: { schema: Notice, version: '1.0.0', examples: ['notice', 'notice-limit'] },
}
