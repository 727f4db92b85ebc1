import { SubscribeCommand } from '@aws-sdk/client-sns'
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs'
import type { Cloud } from '#local/cloud/cloud.ts'
import { ACCOUNT, REGION } from '#local/cloud/resource-types.ts'

const QUEUE = 'subscriber'

/** A subscriber of the notices: a queue of its own behind the topic. */
export class Subscriber {
  readonly #cloud: Cloud
  readonly #queueUrl: string

  private constructor(cloud: Cloud, queueUrl: string) {
    this.#cloud = cloud
    this.#queueUrl = queueUrl
  }

  static async join(cloud: Cloud): Promise<Subscriber> {
    const { sqs, sns } = cloud.clients
    await sqs.send(new CreateQueueCommand({ QueueName: QUEUE }))
    await sns.send(
      new SubscribeCommand({
        TopicArn: cloud.outputs.NoticesTopicArn,
        Protocol: 'sqs',
        Endpoint: `arn:aws:sqs:${REGION}:${ACCOUNT}:${QUEUE}`,
        Attributes: { RawMessageDelivery: 'true' },
      }),
    )
    return new Subscriber(cloud, `${cloud.environment.AWS_ENDPOINT_URL}/${ACCOUNT}/${QUEUE}`)
  }

  /** Ids of all notices that came since the last time. */
  async ids(): Promise<string[]> {
    const { sqs } = this.#cloud.clients
    const ids: string[] = []
    while (true) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: this.#queueUrl, MaxNumberOfMessages: 10 }),
      )
      if (Messages.length === 0) return ids
      ids.push(...Messages.map(message => (JSON.parse(message.Body!) as { id: string }).id))
      const Entries = Messages.map((message, i) => ({ Id: String(i), ReceiptHandle: message.ReceiptHandle! }))
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries }))
    }
  }
}

/** Messages that nobody could work on: those in the dead-letter queues of the stack. */
export async function deadLetters(cloud: Cloud): Promise<number> {
  const { sqs } = cloud.clients
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}))
  let waiting = 0
  for (const listed of QueueUrls.filter(url => /deadletter/i.test(url))) {
    const QueueUrl = `${cloud.environment.AWS_ENDPOINT_URL}/${ACCOUNT}/${listed.split('/').at(-1)}`
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))
    waiting += Number(Attributes?.ApproximateNumberOfMessages ?? 0)
  }
  return waiting
}
