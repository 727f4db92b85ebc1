import { CalibrateInput, CalibrateOutput } from '#events/stages.ts'
import { stageHandler } from '#shared/aws/stage-handler.ts'
import { calibrate } from './calibrate.ts'

export const handler = stageHandler(
  { stage: 'calibrate', input: CalibrateInput, output: CalibrateOutput },
  (input, { store, tiles, log, cameras, points }) => calibrate(input, { store, tiles, log, cameras, points }),
)
