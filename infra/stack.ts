import { CfnOutput, CfnParameter, Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { Api } from './api.ts'
import { Buckets } from './buckets.ts'
import type { HandlerCode } from './bundle.ts'
import { Intake } from './intake.ts'
import { LightCurves } from './light-curves.ts'
import { Machine } from './machine.ts'
import { Notices } from './notices.ts'
import { Prefetch } from './prefetch.ts'
import { Watch } from './watch.ts'

/** Feature flags of the CDK that the stack relies on. */
export const featureFlags = {
  '@aws-cdk/core:checkSecretUsage': true,
  '@aws-cdk/aws-iam:minimizePolicies': true,
  '@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy': true,
  '@aws-cdk/aws-s3:createDefaultLoggingPolicy': true,
}

/** CPCS: frames put into the inbox come out as points of light curves and as notices. */
export class CpcsStack extends Stack {
  constructor(scope: Construct, id: string, { code, ...props }: StackProps & { code: HandlerCode }) {
    super(scope, id, {
      description: 'CPCS: frames of robotic telescopes in, calibrated light curves out',
      ...props,
    })
    const buckets = new Buckets(this, 'Buckets')
    const { table } = new LightCurves(this, 'LightCurves')
    const notices = new Notices(this, 'Notices')
    const upstreams = new CfnParameter(this, 'TilesUpstreams', {
      default: '',
      description: 'Surveys whose missing tiles are fetched from public services, separated by commas; none by default',
    })
    const machine = new Machine(this, 'Machine', { code, buckets, table, topic: notices.topic, upstreams })
    const prefetch = new Prefetch(this, 'Prefetch', { code, buckets, upstreams })
    const intake = new Intake(this, 'Intake', { code, inbox: buckets.inbox, table, machine: machine.machine })
    const api = new Api(this, 'Api', { code, inbox: buckets.inbox, products: buckets.products, table })
    new Watch(this, 'Watch', { intake, machine, prefetch, api })

    const outputs = {
      InboxBucket: buckets.inbox.bucketName,
      ProductsBucket: buckets.products.bucketName,
      TilesBucket: buckets.tiles.bucketName,
      TableName: table.tableName,
      NoticesTopicArn: notices.topic.topicArn,
      MachineArn: machine.machine.stateMachineArn,
      PrefetchMachineArn: prefetch.machine.stateMachineArn,
      ApiUrl: api.url,
    }
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value })
  }
}
