import { PrefetchInput, PrefetchOutput } from '#events/prefetch.ts'
import { taskHandler } from '#shared/aws/task-handler.ts'
import { prefetch } from './prefetch.ts'

export const handler = taskHandler({ input: PrefetchInput, output: PrefetchOutput }, prefetch)
