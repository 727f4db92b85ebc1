import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  type KeySchemaElement,
} from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { indexes } from '#infra/indexes.ts'
import { startEmulators } from '#local/cloud/emulators.ts'
import { NoticeTopic } from '#shared/alert/publish.ts'
import { Cameras } from '#shared/lightcurve/cameras.ts'
import { Frames } from '#shared/lightcurve/frames.ts'
import { Objects } from '#shared/lightcurve/objects.ts'
import { Points } from '#shared/lightcurve/points.ts'
import { Table } from '#shared/lightcurve/table.ts'

/** A message of the topic, as a subscriber's queue holds it. */
export interface Told {
  notice: { id: string; event_name: string; alert_type: string }
  attributes: Record<string, { Type: string; Value: string }>
}

/** An example of `events/examples/`. */
export function example<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'events', 'examples', `${name}.json`), 'utf8'))
}

/** Emulators of the table, as the stack has it, and of a topic with one subscriber. */
export async function startEmulated() {
  const emulators = await startEmulators({ onObjectChange() {} })
  const common = { region: 'us-east-1', credentials: { accessKeyId: 'none', secretAccessKey: 'none' } }
  const at = { ...common, endpoint: emulators.endpoint }
  const plain = new DynamoDBClient({ ...common, endpoint: emulators.dynamodbEndpoint })
  const sns = new SNSClient(at)
  const sqs = new SQSClient(at)

  await plain.send(new CreateTableCommand(tableDescription()))
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'notices' }))
  await sqs.send(new CreateQueueCommand({ QueueName: 'subscriber' }))
  const Endpoint = 'arn:aws:sqs:us-east-1:000000000000:subscriber'
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }))
  const QueueUrl = emulators.queueUrl('subscriber')

  const table = new Table(
    DynamoDBDocumentClient.from(plain, { marshallOptions: { removeUndefinedValues: true } }),
    NAME,
  )
  return {
    table,
    cameras: new Cameras(table),
    frames: new Frames(table),
    objects: new Objects(table),
    points: new Points(table),
    notices: new NoticeTopic(sns, TopicArn!),
    s3: new S3Client({ ...at, forcePathStyle: true }),
    /** All that the subscriber was told since it last looked. */
    async told(): Promise<Told[]> {
      const told: Told[] = []
      for (;;) {
        const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
        if (!Messages?.length) return told
        for (const { Body, ReceiptHandle } of Messages) {
          const { Message, MessageAttributes } = JSON.parse(Body!)
          told.push({ notice: JSON.parse(Message), attributes: MessageAttributes })
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
        }
      }
    },
    async stop() {
      for (const client of [plain, sns, sqs]) client.destroy()
      await emulators.stop()
    },
  }
}

export type Emulated = Awaited<ReturnType<typeof startEmulated>>

const NAME = 'light-curves'

/** The table as infra/ describes it; a test of the stack holds the template to the same. */
function tableDescription(): CreateTableCommandInput {
  const keys = (prefix: string): KeySchemaElement[] => [
    { AttributeName: `${prefix}pk`, KeyType: 'HASH' },
    { AttributeName: `${prefix}sk`, KeyType: 'RANGE' },
  ]
  return {
    TableName: NAME,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: keys(''),
    AttributeDefinitions: ['', ...indexes].flatMap(prefix =>
      keys(prefix).map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' as const })),
    ),
    GlobalSecondaryIndexes: indexes.map(name => ({
      IndexName: name,
      KeySchema: keys(name),
      Projection: { ProjectionType: 'ALL' },
    })),
  }
}
