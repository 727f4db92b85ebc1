/** One client per service and process, made when first asked for; endpoints come from the environment alone. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { SNSClient } from '@aws-sdk/client-sns'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'

export const s3 = once(() => new S3Client({}))
export const stepFunctions = once(() => new SFNClient({}))
export const sns = once(() => new SNSClient({}))
export const dynamoDb = once(() =>
  DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } }),
)

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
