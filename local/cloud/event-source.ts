import { setTimeout as sleep } from 'node:timers/promises'
import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { LambdaFunction } from './functions.ts'
import { REGION } from './resource-types.ts'

/** An event source mapping of the template: a queue whose messages a function gets. */
export interface Mapping {
  queueUrl: string
  queueArn: string
  function: LambdaFunction
  batchSize: number
  reportsItemFailures: boolean
  /** Most invocations at once. */
  concurrency: number
}

export interface Delivery {
  queueArn: string
  function: string
  messageIds: string[]
  /** Messages that come back after their visibility timeout. */
  failed: string[]
  error?: Error
}

export interface EventSourceDeps {
  sqs: SQSClient
  /** How often each batch is delivered: SQS promises at least once, not once. */
  deliveries: () => number
  onDelivery(delivery: Delivery): void
}

/**
 * Poll the queue and invoke the function with what comes, until the signal says stop. Messages that the function took
 * are deleted; the others come back after their visibility timeout, and after too many receives go to the dead letters.
 */
export async function pollQueue(mapping: Mapping, deps: EventSourceDeps, signal: AbortSignal): Promise<void> {
  const pollers = Math.max(1, Math.min(mapping.concurrency, mapping.function.concurrency))
  await Promise.all(Array.from({ length: pollers }, () => pollForever(mapping, deps, signal)))
}

async function pollForever(mapping: Mapping, deps: EventSourceDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const { Messages: messages = [] } = await deps.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: mapping.queueUrl,
          MaxNumberOfMessages: Math.min(10, mapping.batchSize),
          WaitTimeSeconds: 20,
          MessageSystemAttributeNames: ['All'],
          MessageAttributeNames: ['All'],
        }),
        { abortSignal: signal },
      )
      if (messages.length > 0) await deliver(mapping, messages, deps)
    } catch (error) {
      if (signal.aborted) return
      console.error(`Polling ${mapping.queueArn}:`, error)
      await sleep(1000, undefined, { signal }).catch(() => {})
    }
  }
}

async function deliver(mapping: Mapping, messages: Message[], deps: EventSourceDeps): Promise<void> {
  const deliveries = Array.from({ length: Math.max(1, deps.deliveries()) }, (_, again) =>
    invoke(mapping, messages, again),
  )
  const results = await Promise.all(deliveries)
  const failed = new Set(results.flatMap(result => result.failed))
  const taken = messages.filter(({ MessageId }) => !failed.has(MessageId!))
  if (taken.length > 0) {
    await deps.sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: mapping.queueUrl,
        Entries: taken.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
      }),
    )
  }
  deps.onDelivery({
    queueArn: mapping.queueArn,
    function: mapping.function.description.name,
    messageIds: messages.map(({ MessageId }) => MessageId!),
    failed: [...failed],
    error: results.find(({ error }) => error !== undefined)?.error,
  })
}

async function invoke(
  mapping: Mapping,
  messages: Message[],
  again: number,
): Promise<{ failed: string[]; error?: Error }> {
  const all = messages.map(({ MessageId }) => MessageId!)
  try {
    const answer = await mapping.function.invoke({ Records: messages.map(message => record(mapping, message, again)) })
    return { failed: mapping.reportsItemFailures ? itemFailures(answer, all) : [] }
  } catch (error) {
    return { failed: all, error: error as Error }
  }
}

function record(mapping: Mapping, message: Message, again: number): object {
  const attributes = message.Attributes ?? {}
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: {
      ...attributes,
      ApproximateReceiveCount: String(Number(attributes.ApproximateReceiveCount ?? 1) + again),
    },
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, { StringValue, BinaryValue, DataType }]) => [
        name,
        {
          stringValue: StringValue,
          binaryValue: BinaryValue && Buffer.from(BinaryValue).toString('base64'),
          stringListValues: [],
          binaryListValues: [],
          dataType: DataType,
        },
      ]),
    ),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: mapping.queueArn,
    awsRegion: REGION,
  }
}

/** Ids of the messages that an answer reports as failed; all of them where the answer makes no sense, as on AWS. */
export function itemFailures(answer: unknown, all: string[]): string[] {
  if (answer === null || answer === undefined) return []
  const reported = (answer as { batchItemFailures?: unknown }).batchItemFailures
  if (reported === null || reported === undefined) return []
  if (!Array.isArray(reported)) return all
  const ids = reported.map(item => (item as { itemIdentifier?: unknown } | null)?.itemIdentifier)
  return ids.every(id => typeof id === 'string' && all.includes(id)) ? (ids as string[]) : all
}
