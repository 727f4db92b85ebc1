import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { REGION } from './resource-types.ts'

/** Clients that talk to the local cloud. */
export interface Clients {
  s3: S3Client
  sqs: SQSClient
  sns: SNSClient
  dynamodb: DynamoDBClient
  sfn: SFNClient
}

/** The variables that send any AWS SDK to the local cloud; nothing else tells a function that it is not on AWS. */
export function environmentFor(aws: string, dynamodb: string, states: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: aws,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL_SFN: states,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  }
}

/** Clients for the endpoints of such an environment. */
export function connect(environment: Record<string, string>): Clients {
  const common = {
    region: REGION,
    credentials: { accessKeyId: environment.AWS_ACCESS_KEY_ID, secretAccessKey: environment.AWS_SECRET_ACCESS_KEY },
  }
  const at = (endpoint: string) => ({ ...common, endpoint })
  return {
    s3: new S3Client({ ...at(environment.AWS_ENDPOINT_URL), forcePathStyle: true }),
    sqs: new SQSClient({ ...at(environment.AWS_ENDPOINT_URL) }),
    sns: new SNSClient(at(environment.AWS_ENDPOINT_URL)),
    dynamodb: new DynamoDBClient(at(environment.AWS_ENDPOINT_URL_DYNAMODB)),
    sfn: new SFNClient(at(environment.AWS_ENDPOINT_URL_SFN)),
  }
}
