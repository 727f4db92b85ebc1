import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import middy from '@middy/core'
import { logger } from './logger.ts'

interface Batch {
  Records: { messageId: string; body: string }[]
}

/**
 * A Lambda handler for messages of a queue: each is worked on by itself, and only those that failed come again.
 *
 * @param work what to do with the body of one message
 */
export function batchHandler(work: (body: string) => Promise<void>) {
  return middy(async ({ Records }: Batch) => {
    const batchItemFailures: { itemIdentifier: string }[] = []
    for (const { messageId, body } of Records) {
      try {
        await work(body)
      } catch (error) {
        logger.error('a message could not be worked off, it comes again', { error: error as Error, messageId })
        batchItemFailures.push({ itemIdentifier: messageId })
      }
    }
    return { batchItemFailures }
  }).use(injectLambdaContext(logger, { resetKeys: true }))
}
