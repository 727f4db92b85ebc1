import { RecordInput, RecordOutput } from '#events/stages.ts'
import { taskHandler } from '#shared/aws/task-handler.ts'
import { record } from './record.ts'

export const handler = taskHandler({ input: RecordInput, output: RecordOutput }, record)
