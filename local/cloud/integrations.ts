import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns'
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { FunctionError, FunctionLost, type LambdaFunction } from './functions.ts'
import type { Integration } from './states-language.ts'
import type { Properties } from './template.ts'

export interface IntegrationDeps {
  dynamodb: DynamoDBClient
  sns: SNSClient
  sqs: SQSClient
  /** A function by its ARN or name. */
  function(arnOrName: string): LambdaFunction | undefined
}

/** Most that may pass between states, bytes of UTF-8. */
export const MAX_STATE_BYTES = 256 * 1024

/** An error as a state machine sees it: `name` is its Error, `message` its Cause. */
export class TaskError extends Error {
  /** Read by the interpreter: whether Retry and Catch may match. */
  readonly isRetryable: boolean
  readonly isCatchable: boolean

  constructor(error: string, cause: string, { terminal = false } = {}) {
    super(cause)
    this.name = error
    this.isRetryable = !terminal
    this.isCatchable = !terminal
  }
}

/**
 * Do what a task state's resource says, as Step Functions does it.
 *
 * @param state name of the state
 * @param parameters its input after Parameters
 * @throws {TaskError}
 */
export async function runTask(
  deps: IntegrationDeps,
  state: string,
  resource: string,
  parameters: unknown,
): Promise<unknown> {
  limit(state, 'input', parameters)
  const integration = /^arn:aws:states:::(.+)$/.exec(resource)?.[1] as Integration | undefined
  const result =
    integration === undefined
      ? await invoke(deps, resource, parameters)
      : await services[integration](deps, (parameters ?? {}) as Properties)
  limit(state, 'result', result)
  return result
}

/** @throws {TaskError} States.DataLimitExceeded */
export function limit(state: string, what: string, value: unknown): void {
  if (withinLimit(value)) return
  const words = `The state/task '${state}' returned or got a ${what} with a size exceeding the maximum number of bytes service limit.`
  throw new TaskError('States.DataLimitExceeded', words, { terminal: true })
}

/** Whether a value may pass between states: its JSON is at most {@link MAX_STATE_BYTES} long, as on AWS. */
export function withinLimit(value: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(value) ?? '') <= MAX_STATE_BYTES
}

type Service = (deps: IntegrationDeps, parameters: Properties) => Promise<unknown>

const services: Record<Integration, Service> = {
  'lambda:invoke': async (deps, { FunctionName, Payload }) => ({
    ExecutedVersion: '$LATEST',
    Payload: await invoke(deps, FunctionName, Payload ?? {}),
    SdkHttpMetadata: { HttpStatusCode: 200 },
    StatusCode: 200,
  }),
  'dynamodb:getItem': ({ dynamodb }, input) => answer('DynamoDB', dynamodb.send(new GetItemCommand(input as never))),
  'dynamodb:putItem': ({ dynamodb }, input) => answer('DynamoDB', dynamodb.send(new PutItemCommand(input as never))),
  'dynamodb:updateItem': ({ dynamodb }, input) =>
    answer('DynamoDB', dynamodb.send(new UpdateItemCommand(input as never))),
  'dynamodb:deleteItem': ({ dynamodb }, input) =>
    answer('DynamoDB', dynamodb.send(new DeleteItemCommand(input as never))),
  'sns:publish': ({ sns }, input) =>
    answer('SNS', sns.send(new PublishCommand({ ...input, Message: asText(input.Message) }))),
  'sqs:sendMessage': ({ sqs }, { QueueUrl, MessageBody, ...input }) =>
    answer('SQS', sqs.send(new SendMessageCommand({ ...input, QueueUrl, MessageBody: asText(MessageBody) }))),
}

function asText(value: unknown): string | undefined {
  return value === undefined || typeof value === 'string' ? value : JSON.stringify(value)
}

async function answer(service: string, sending: Promise<{ $metadata: { httpStatusCode?: number } }>): Promise<unknown> {
  try {
    const { $metadata, ...result } = await sending
    return { ...result, SdkHttpMetadata: { HttpStatusCode: $metadata.httpStatusCode } }
  } catch (error) {
    const { name, message } = error as Error
    throw new TaskError(`${service}.${name}`, message)
  }
}

async function invoke(deps: IntegrationDeps, arnOrName: string, payload: unknown): Promise<unknown> {
  const target = deps.function(arnOrName)
  if (target === undefined) {
    throw new TaskError('Lambda.ResourceNotFoundException', `Function not found: ${arnOrName}`)
  }
  try {
    return await target.invoke(payload)
  } catch (error) {
    if (error instanceof FunctionError) throw new TaskError(error.name, JSON.stringify(error.failure))
    if (error instanceof FunctionLost) {
      // A time-out has a name of its own; whatever else ends the process Step Functions does not tell apart.
      const name = error.name === 'Sandbox.Timedout' ? error.name : 'Lambda.Unknown'
      throw new TaskError(name, JSON.stringify(error.failure))
    }
    throw new TaskError(`Lambda.${(error as Error).name}`, (error as Error).message)
  }
}
