import { ChangeMessageVisibilityCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { Emulators } from './emulators.ts'

/** The queues of the cloud by ARN, seen from inside. */
export class Queues {
  readonly #emulators: Emulators
  readonly #sqs: SQSClient

  constructor(emulators: Emulators, sqs: SQSClient) {
    this.#emulators = emulators
    this.#sqs = sqs
  }

  send(arn: string, body: string): void {
    this.#emulators.fauxqs.sendMessage(nameOf(arn), body)
  }

  /** How many messages it holds, seen by a receiver or not. */
  count(arn: string): number {
    const { ready, delayed, inflight } = this.#messages(arn)
    return ready.length + delayed.length + inflight.length
  }

  /**
   * Let messages in flight be seen at once: after a kill they have no receiver any more that could delete them.
   */
  async showAgain(arn: string): Promise<void> {
    const QueueUrl = this.#emulators.queueUrl(nameOf(arn))
    for (const { receiptHandle: ReceiptHandle } of this.#messages(arn).inflight) {
      const show = new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 })
      await this.#sqs.send(show).catch(error => {
        if (error.name !== 'MessageNotInflight') throw error // its time was over just now
      })
    }
  }

  #messages(arn: string) {
    return this.#emulators.fauxqs.inspectQueue(nameOf(arn))?.messages ?? { ready: [], delayed: [], inflight: [] }
  }
}

function nameOf(arn: string): string {
  return arn.split(':').at(-1)!
}
