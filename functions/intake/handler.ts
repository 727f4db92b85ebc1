import { batchHandler } from '#shared/aws/batch-handler.ts'
import { fromEnvironment } from '#shared/aws/configuration.ts'
import { bucketNamed, table } from '#shared/aws/deps.ts'
import { log } from '#shared/aws/logger.ts'
import { startExecution } from '#shared/aws/start-execution.ts'
import { Frames } from '#shared/lightcurve/frames.ts'
import { arrivalsIn } from './arrivals.ts'
import { takeIn } from './intake.ts'

export const handler = batchHandler(async body => {
  const inbox = bucketNamed('INBOX_BUCKET')
  const machine = fromEnvironment('MACHINE_ARN')
  const frames = new Frames(table())
  for (const arrival of arrivalsIn(body)) {
    await takeIn(arrival, {
      digest: key => inbox.digest(key),
      start: (execution, frame) => startExecution(machine, execution, frame),
      frames,
      log,
    })
  }
})
