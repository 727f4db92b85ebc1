import { Validations } from 'aws-cdk-lib'
import { Capture, Match } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import { describe, expect, test } from 'vitest'
import { handlers } from '#infra/handlers.ts'
import { indexes } from '#infra/indexes.ts'
import { machineIn, stackUnderTest, templateUnderTest } from './synthesised.ts'

const template = templateUnderTest()
const resources = (type: string) => Object.values(template.findResources(type)).map(({ Properties }) => Properties)

describe('the way in', () => {
  test('every object of the inbox becomes a message, whatever its key', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      NotificationConfiguration: {
        QueueConfigurations: [{ Event: 's3:ObjectCreated:*', Filter: Match.absent(), Queue: Match.anyValue() }],
      },
    })
    template.resourceCountIs('Custom::S3BucketNotifications', 0)
  })

  test('S3 may send to the queue before the bucket asks whether it may', () => {
    const buckets = Object.values(template.findResources('AWS::S3::Bucket'))
    const inbox = buckets.find(({ Properties }) => Properties.NotificationConfiguration)
    const policies = Object.keys(template.findResources('AWS::SQS::QueuePolicy'))
    expect(inbox?.DependsOn.some((name: string) => policies.includes(name))).toBe(true)
  })

  test('a message that fails five times goes to the dead letters, which are kept for two weeks', () => {
    template.hasResourceProperties('AWS::SQS::Queue', {
      RedrivePolicy: { maxReceiveCount: 5 },
      VisibilityTimeout: 6 * handlers.intake.timeoutSeconds,
    })
    template.allResourcesProperties('AWS::SQS::Queue', { MessageRetentionPeriod: 14 * 86_400 })
  })

  test('one bad message does not bring back its batch, and a flood does not become a crowd', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 10 },
    })
  })
})

describe('what is kept', () => {
  test('buckets are encrypted, closed to the public, and not taken down with the stack', () => {
    template.allResources('AWS::S3::Bucket', { DeletionPolicy: 'Retain' })
    template.allResourcesProperties('AWS::S3::Bucket', {
      BucketEncryption: Match.anyValue(),
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    })
  })

  test.each([
    ['AWS::S3::BucketPolicy', 4],
    ['AWS::SQS::QueuePolicy', 2],
    ['AWS::SNS::TopicPolicy', 2],
  ])('every %s refuses what does not come over TLS', (type, count) => {
    const policies = resources(type)
    expect(policies).toHaveLength(count)
    for (const { PolicyDocument } of policies)
      expect(PolicyDocument.Statement).toContainEqual(
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      )
  })

  test('what a newer version of the pipeline writes over stays in the products bucket', () => {
    const versioned = resources('AWS::S3::Bucket').filter(
      bucket => bucket.VersioningConfiguration?.Status === 'Enabled',
    )
    expect(versioned.map(bucket => bucket.LoggingConfiguration.LogFilePrefix)).toEqual(['products/'])
  })

  test('the table is billed by use, can be taken back to any second of five weeks, and cannot be deleted by mistake', () => {
    template.hasResource('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        Replicas: [
          Match.objectLike({
            DeletionProtectionEnabled: true,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          }),
        ],
        GlobalSecondaryIndexes: indexes.map(name => ({
          IndexName: name,
          KeySchema: [
            { AttributeName: `${name}pk`, KeyType: 'HASH' },
            { AttributeName: `${name}sk`, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        })),
      },
    })
  })
})

describe('the functions', () => {
  test('run on Node 24 on arm64, with a log that is not kept for ever', () => {
    template.resourceCountIs('AWS::Lambda::Function', Object.keys(handlers).length)
    template.allResourcesProperties('AWS::Lambda::Function', { Runtime: 'nodejs24.x', Architectures: ['arm64'] })
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: Match.anyValue() })
  })

  test('each has a role of its own, without a managed policy', () => {
    template.allResourcesProperties('AWS::IAM::Role', { ManagedPolicyArns: Match.absent() })
    const roles = resources('AWS::Lambda::Function').map(({ Role }) => Role['Fn::GetAtt'][0])
    expect(new Set(roles).size).toBe(roles.length)
  })

  test('no right reaches further than it must: no service as a whole, no resource at large but for the logs of the machine', () => {
    const statements = resources('AWS::IAM::Policy').flatMap(policy => policy.PolicyDocument.Statement)
    for (const { Action } of statements) expect([Action].flat().join()).not.toContain('*')
    const atLarge = statements.filter(({ Resource }) => Resource === '*').flatMap(({ Action }) => Action)
    expect(atLarge.filter(action => !/^(logs|xray):/.test(action))).toEqual([])
  })

  test.each(['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:GetItem'])(
    '%s is allowed on named partitions alone',
    action => {
      const granting = resources('AWS::IAM::Policy')
        .flatMap(policy => policy.PolicyDocument.Statement)
        .filter(({ Action }) => [Action].flat().includes(action))
      expect(granting.length).toBeGreaterThan(0)
      for (const { Condition } of granting)
        expect(Condition['ForAllValues:StringLike']['dynamodb:LeadingKeys']).not.toHaveLength(0)
    },
  )

  test('the address of the pages asks for signed requests', () => {
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'AWS_IAM' })
  })
})

describe('the machine and its watch', () => {
  test('the machine keeps the history of every run and is traced', () => {
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      StateMachineType: 'STANDARD',
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true },
      TracingConfiguration: { Enabled: true },
    })
  })

  test('its retries never outlast the machine, so that a frame ends in words and not in a time-out', () => {
    const { TimeoutSeconds, States } = machineIn(template)
    const longest = Object.values<{ Type: string; TimeoutSeconds: number; Retry: Retrier[] }>(States)
      .filter(({ Type }) => Type === 'Task')
      .map(({ TimeoutSeconds, Retry }) => worstCaseSeconds(TimeoutSeconds, Retry))
    expect(longest.reduce((sum, seconds) => sum + seconds)).toBeLessThan(TimeoutSeconds)
  })

  test('every alarm tells the operators', () => {
    const action = new Capture()
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [{ Ref: action }] })
    expect(Object.keys(template.findResources('AWS::SNS::Topic'))).toContain(action.asString())
  })

  test('alarms may publish to the operators, whose topic lets nobody in by itself', () => {
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Action: 'sns:Publish',
          }),
        ]),
      },
    })
  })

  test.each(['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionThrottled', 'ApproximateAgeOfOldestMessage'])(
    '%s raises an alarm',
    metric => template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: metric }),
  )

  test('a single dead letter raises an alarm', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    })
  })
})

describe('tiles before they are needed', () => {
  test('the machine of the fields is started once a day, by a role that may start no other', () => {
    const machines = Object.keys(template.findResources('AWS::StepFunctions::StateMachine'))
    const fields = machines.find(name => name.startsWith('Prefetch'))
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(0 12 * * ? *)',
      ScheduleExpressionTimezone: 'Etc/UTC',
      Target: Match.objectLike({ Arn: { Ref: fields } }),
    })
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: { Statement: [{ Action: 'states:StartExecution', Effect: 'Allow', Resource: { Ref: fields } }] },
    })
  })

  test('nothing is fetched unless the operator names surveys', () => {
    template.hasParameter('TilesUpstreams', { Type: 'String', Default: '' })
    const fetching = resources('AWS::Lambda::Function').filter(
      ({ Environment }) => Environment.Variables.TILES_UPSTREAMS,
    )
    expect(fetching).toHaveLength(4) // solve, measure, calibrate and the one that fetches beforehand
    for (const { Environment } of fetching)
      expect(Environment.Variables.TILES_UPSTREAMS).toEqual({ Ref: 'TilesUpstreams' })
  })

  test('its retries never outlast the machine', () => {
    const { TimeoutSeconds, States } = machineIn(template, 'List')
    const { FetchTile } = States.Fetch.ItemProcessor.States
    for (const { TimeoutSeconds: one, Retry } of [States.List, FetchTile, States.Index])
      expect(worstCaseSeconds(one, Retry)).toBeLessThan(TimeoutSeconds / 2)
  })
})

test('the rules of cdk-nag find nothing that is not acknowledged with its reason', () => {
  const { app } = stackUnderTest()
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  expect(() => app.synth()).not.toThrow()
})

interface Retrier {
  MaxAttempts: number
  IntervalSeconds: number
  BackoffRate?: number
  MaxDelaySeconds?: number
}

function worstCaseSeconds(timeoutSeconds: number, retriers: Retrier[]): number {
  return retriers.reduce((sum, { MaxAttempts, IntervalSeconds, BackoffRate = 2, MaxDelaySeconds = Infinity }) => {
    const pauses = Array.from({ length: MaxAttempts }, (_, i) => IntervalSeconds * BackoffRate ** i)
    return sum + pauses.reduce((all, pause) => all + Math.min(pause, MaxDelaySeconds) + timeoutSeconds, 0)
  }, timeoutSeconds)
}
