import { MeasureInput, MeasureOutput } from '#events/stages.ts'
import { stageHandler } from '#shared/aws/stage-handler.ts'
import { measure } from './measure.ts'

export const handler = stageHandler(
  { stage: 'measure', input: MeasureInput, output: MeasureOutput },
  (input, { store, tiles, targets, log }) => measure(input, { store, tiles, targets, log }),
)
