import { CreateTableCommand, DescribeTableCommand, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import { CreateBucketCommand, HeadBucketCommand } from '@aws-sdk/client-s3'
import { CreateTopicCommand, SubscribeCommand } from '@aws-sdk/client-sns'
import { CreateQueueCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import type { Clients } from './clients.ts'
import { RefusedTemplate } from './refused-template.ts'
import type { Stack } from './stack.ts'
import type { Properties, Resolved } from './template.ts'

export interface CreateOptions {
  /** Visibility timeout of the queues that feed functions, instead of the template's. */
  visibilitySeconds?: number
  fedQueues: string[]
  queueUrl(name: string): string
}

/**
 * Create buckets, queues, topics, subscriptions and tables in the emulators; what a kept state has already stays.
 *
 * @returns whether the buckets are new
 * @throws {RefusedTemplate} a kept table has other keys than the template; a subscription that is no queue
 */
export async function createResources(
  stack: Stack,
  clients: Clients,
  options: CreateOptions,
): Promise<{ fresh: boolean }> {
  const created = await Promise.all(
    stack.ofType('AWS::S3::Bucket').map(({ logicalId }) => createBucket(clients, stack.physical(logicalId))),
  )
  for (const queue of stack.ofType('AWS::SQS::Queue')) await createQueue(stack, clients, queue, options)
  for (const { logicalId, properties } of stack.ofType('AWS::SNS::Topic')) {
    await clients.sns.send(new CreateTopicCommand({ Name: stack.physical(logicalId) }))
    for (const subscription of properties.Subscription ?? []) {
      await subscribe(clients, logicalId, { ...subscription, TopicArn: stack.arn(logicalId) })
    }
  }
  for (const { logicalId, properties } of stack.ofType('AWS::SNS::Subscription')) {
    await subscribe(clients, logicalId, properties)
  }
  const tables = stack.ofType('AWS::DynamoDB::GlobalTable', 'AWS::DynamoDB::Table')
  await Promise.all(tables.map(table => createTable(stack, clients, table)))
  return { fresh: created.every(Boolean) }
}

async function createBucket({ s3 }: Clients, Bucket: string): Promise<boolean> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket }))
    return false
  } catch {
    await s3.send(new CreateBucketCommand({ Bucket }))
    return true
  }
}

async function createQueue(
  stack: Stack,
  { sqs }: Clients,
  { logicalId, properties }: Resolved,
  { visibilitySeconds, fedQueues, queueUrl }: CreateOptions,
): Promise<void> {
  const QueueName = stack.physical(logicalId)
  const QueueUrl = queueUrl(QueueName)
  const told = {
    ...properties,
    ...(fedQueues.includes(QueueUrl) && visibilitySeconds !== undefined && { VisibilityTimeout: visibilitySeconds }),
  } as Record<string, unknown>
  const names = [
    'DelaySeconds',
    'MaximumMessageSize',
    'MessageRetentionPeriod',
    'ReceiveMessageWaitTimeSeconds',
    'RedrivePolicy',
    'VisibilityTimeout',
  ]
  const Attributes = Object.fromEntries(
    names
      .filter(name => told[name] !== undefined)
      .map(name => [name, typeof told[name] === 'object' ? JSON.stringify(told[name]) : String(told[name])]),
  )
  // Attributes apart: a kept queue may have been made with others.
  await sqs.send(new CreateQueueCommand({ QueueName }))
  if (Object.keys(Attributes).length > 0) await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }))
}

async function subscribe({ sns }: Clients, where: string, properties: Properties): Promise<void> {
  const { Protocol, TopicArn, Endpoint, FilterPolicy, FilterPolicyScope, RawMessageDelivery } = properties
  if (Protocol !== 'sqs') throw new RefusedTemplate(where, `subscriptions by ${Protocol} are not modelled; by sqs are`)
  await sns.send(
    new SubscribeCommand({
      Protocol,
      TopicArn,
      Endpoint,
      Attributes: {
        ...(FilterPolicy && { FilterPolicy: JSON.stringify(FilterPolicy) }),
        ...(FilterPolicyScope && { FilterPolicyScope }),
        ...(RawMessageDelivery !== undefined && { RawMessageDelivery: String(RawMessageDelivery) }),
      },
    }),
  )
}

async function createTable(stack: Stack, { dynamodb }: Clients, { logicalId, properties }: Resolved): Promise<void> {
  const TableName = stack.physical(logicalId)
  const indexes = ((properties.GlobalSecondaryIndexes ?? []) as Properties[]).map(
    ({ IndexName, KeySchema, Projection }) => ({ IndexName, KeySchema, Projection }),
  )
  const wanted = shapeOf(properties.KeySchema, indexes)
  try {
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }))
    if (shapeOf(Table!.KeySchema, Table!.GlobalSecondaryIndexes) === wanted) return
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error
    await dynamodb.send(
      new CreateTableCommand({
        TableName,
        KeySchema: properties.KeySchema,
        AttributeDefinitions: properties.AttributeDefinitions,
        ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes as never }),
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    await waitUntilTableExists({ client: dynamodb, maxWaitTime: 5, minDelay: 0.01, maxDelay: 0.1 } as never, {
      TableName,
    })
    return
  }
  throw new RefusedTemplate(
    logicalId,
    'the kept state has this table with other keys or indexes; use a new state folder',
  )
}

/** Keys of a table and its indexes as one text, to compare. */
function shapeOf(keys: unknown, indexes: unknown): string {
  const list = (indexes ?? []) as { IndexName?: string; KeySchema?: unknown }[]
  const named = list.map(({ IndexName, KeySchema }) => `${IndexName} ${JSON.stringify(KeySchema)}`).sort()
  return [JSON.stringify(keys), ...named].join('\n')
}
