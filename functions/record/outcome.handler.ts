import { FrameEnded, FrameEndedOutput } from '#events/stages.ts'
import { taskHandler } from '#shared/aws/task-handler.ts'
import { recordOutcome } from './outcome.ts'

export const handler = taskHandler({ input: FrameEnded, output: FrameEndedOutput }, recordOutcome)
