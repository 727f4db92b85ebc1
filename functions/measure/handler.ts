import { MeasureInput, MeasureOutput } from '#events/stages.ts'
import { stageHandler } from '#shared/aws/stage-handler.ts'
import { measure } from './measure.ts'

export const handler = stageHandler(
  { stage: 'measure', input: MeasureInput, output: MeasureOutput },
  (input, { store, targets, log }) => measure(input, { store, targets, log }),
)
