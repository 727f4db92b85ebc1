// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Fn::Sub writes its variables so
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '#local/cloud/project-root.ts'
import type { Template } from '#local/cloud/template.ts'

/** A folder of its own inside the project (bundles there find its packages) and outside of what git sees. */
export function scratchFolder(): string {
  mkdirSync(join(projectRoot, '.cpcs'), { recursive: true })
  return mkdtempSync(join(projectRoot, '.cpcs', 'test-'))
}

/** Write an assembly as the CDK does: manifest, template, assets. Functions are given as the text of their module. */
export function writeAssembly(template: Template, functions: Record<string, string>): string {
  const folder = scratchFolder()
  const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value))
  const files = Object.fromEntries(
    Object.entries(functions).map(([hash, text]) => {
      mkdirSync(join(folder, `asset.${hash}`))
      writeFileSync(join(folder, `asset.${hash}`, 'index.mjs'), text)
      return [hash, { source: { path: `asset.${hash}`, packaging: 'zip' } }]
    }),
  )
  write('manifest.json', {
    artifacts: { Small: { type: 'aws:cloudformation:stack', properties: { templateFile: 'Small.template.json' } } },
  })
  write('Small.template.json', template)
  write('Small.assets.json', { files })
  return folder
}

const GetAtt = (id: string, name = 'Arn') => ({ 'Fn::GetAtt': [id, name] })
const Ref = (id: string) => ({ Ref: id })

const lambda = (hash: string, more: object = {}) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Code: { S3Bucket: { 'Fn::Sub': 'assets-${AWS::AccountId}-${AWS::Region}' }, S3Key: `${hash}.zip` },
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Role: GetAtt('Role'),
    MemorySize: 128,
    Timeout: 10,
    ...more,
  },
})

/** What every run of the small machine gets: `do` tells the worker what to do. */
const definition = {
  StartAt: 'Work',
  States: {
    Work: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Parameters: { FunctionName: '<worker>', Payload: { 'execution.$': '$$.Execution.Name', 'input.$': '$' } },
      ResultSelector: { 'answer.$': '$.Payload' },
      ResultPath: '$.work',
      Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 30, MaxAttempts: 2, BackoffRate: 2 }],
      Catch: [
        { ErrorEquals: ['Rejected'], ResultPath: '$.error', Next: 'Told' },
        { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Broken' },
      ],
      Next: 'IsPoint',
    },
    Told: {
      Type: 'Pass',
      Parameters: { 'cause.$': 'States.StringToJson($.error.Cause)', 'whole.$': 'States.JsonToString($.error)' },
      End: true,
    },
    Broken: { Type: 'Fail', ErrorPath: '$.error.Error', CausePath: '$.error.Cause' },
    IsPoint: {
      Type: 'Choice',
      Choices: [{ Variable: '$.point', IsPresent: false, Next: 'Done' }],
      Default: 'Store',
    },
    Store: {
      Type: 'Task',
      Resource: 'arn:aws:states:::dynamodb:putItem',
      Parameters: {
        TableName: '<table>',
        Item: { pk: { 'S.$': '$.point' }, sk: { S: 'POINT' }, night: { S: '20260301' } },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
      ResultPath: null,
      Catch: [{ ErrorEquals: ['DynamoDB.ConditionalCheckFailedException'], ResultPath: '$.error', Next: 'Done' }],
      Next: 'Tell',
    },
    Tell: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sns:publish',
      Parameters: {
        TopicArn: '<topic>',
        'Message.$': '$',
        MessageAttributes: { band: { DataType: 'String', 'StringValue.$': '$.band' } },
      },
      ResultPath: null,
      Next: 'Done',
    },
    Done: { Type: 'Succeed' },
  },
}

/** The definition as the CDK writes it: JSON text cut where references stand. */
export function definitionString(machine: unknown = definition): unknown {
  const places: Record<string, unknown> = {
    '<worker>': GetAtt('Worker'),
    '<table>': Ref('Table'),
    '<topic>': Ref('Topic'),
  }
  const parts = JSON.stringify(machine).split(/(<worker>|<table>|<topic>)/)
  return { 'Fn::Join': ['', parts.map(part => places[part] ?? part)] }
}

/** A stack with one of each thing that the local cloud models. */
export function smallTemplate(): Template {
  return {
    Parameters: {
      Stage: { Type: 'String', Default: 'test' },
      BootstrapVersion: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/cdk-bootstrap/version' },
    },
    Mappings: { Sizes: { test: { batch: 10 } } },
    Conditions: { IsTest: { 'Fn::Equals': [Ref('Stage'), 'test'] }, IsNot: { 'Fn::Not': [{ Condition: 'IsTest' }] } },
    Resources: {
      Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {} } },
      Alarm: { Type: 'AWS::CloudWatch::Alarm', Properties: { AlarmActions: [Ref('Topic')] } },
      Absent: { Type: 'AWS::SQS::Queue', Condition: 'IsNot' },
      Inbox: {
        Type: 'AWS::S3::Bucket',
        Properties: {
          BucketName: { 'Fn::Sub': 'small-${Stage}-inbox' },
          VersioningConfiguration: { Status: 'Enabled' },
          NotificationConfiguration: {
            QueueConfigurations: [
              {
                Event: 's3:ObjectCreated:*',
                Queue: GetAtt('Arrivals'),
                Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: 'in/' }] } },
              },
            ],
          },
        },
      },
      DeadLetters: { Type: 'AWS::SQS::Queue' },
      Arrivals: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          VisibilityTimeout: 60,
          RedrivePolicy: { deadLetterTargetArn: GetAtt('DeadLetters'), maxReceiveCount: 2 },
        },
      },
      Intake: lambda('aaaa', { Environment: { Variables: { MACHINE_ARN: Ref('Machine') } } }),
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          EventSourceArn: GetAtt('Arrivals'),
          FunctionName: Ref('Intake'),
          BatchSize: { 'Fn::FindInMap': ['Sizes', Ref('Stage'), 'batch'] },
          FunctionResponseTypes: ['ReportBatchItemFailures'],
        },
      },
      Worker: lambda('bbbb', { Timeout: 2, Environment: { Variables: { STAGE: Ref('Stage') } } }),
      Machine: {
        Type: 'AWS::StepFunctions::StateMachine',
        Properties: { DefinitionString: definitionString(), RoleArn: GetAtt('Role'), StateMachineType: 'STANDARD' },
      },
      Table: {
        Type: 'AWS::DynamoDB::GlobalTable',
        Properties: {
          AttributeDefinitions: ['pk', 'sk', 'night'].map(AttributeName => ({ AttributeName, AttributeType: 'S' })),
          BillingMode: 'PAY_PER_REQUEST',
          KeySchema: keys('pk', 'sk'),
          GlobalSecondaryIndexes: [
            { IndexName: 'night', KeySchema: keys('night', 'pk'), Projection: { ProjectionType: 'ALL' } },
          ],
          Replicas: [{ Region: Ref('AWS::Region') }],
        },
      },
      Topic: { Type: 'AWS::SNS::Topic' },
      Alerts: { Type: 'AWS::SQS::Queue' },
      Subscription: {
        Type: 'AWS::SNS::Subscription',
        Properties: {
          Protocol: 'sqs',
          TopicArn: Ref('Topic'),
          Endpoint: GetAtt('Alerts'),
          RawMessageDelivery: true,
          FilterPolicy: { band: ['r'] },
        },
      },
      Pages: lambda('cccc', { Environment: { Variables: { URL_OF_ALERTS: Ref('Alerts') } } }),
      PagesUrl: {
        Type: 'AWS::Lambda::Url',
        Properties: { AuthType: 'NONE', TargetFunctionArn: GetAtt('Pages'), Cors: { AllowOrigins: ['*'] } },
      },
    },
    Outputs: {
      Inbox: { Value: Ref('Inbox') },
      Arrivals: { Value: Ref('Arrivals') },
      DeadLetters: { Value: Ref('DeadLetters') },
      Alerts: { Value: Ref('Alerts') },
      Table: { Value: Ref('Table') },
      Topic: { Value: Ref('Topic') },
      Machine: { Value: Ref('Machine') },
      Url: { Value: GetAtt('PagesUrl', 'FunctionUrl') },
    },
  }
}

function keys(hash: string, range: string) {
  return [
    { AttributeName: hash, KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ]
}

/** The modules of the small stack's functions, by asset hash. */
export const smallFunctions: Record<string, string> = {
  aaaa: `
    import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
    const states = new SFNClient({})
    export async function handler({ Records }) {
      const batchItemFailures = []
      for (const { messageId, body } of Records) {
        const event = JSON.parse(body)
        if (event.Event === 's3:TestEvent') continue
        const { key, size, eTag, versionId } = event.Records[0].s3.object
        const name = decodeURIComponent(key.replaceAll('+', ' ')).slice(3).replaceAll(/[^\\w-]/g, '_')
        if (name === 'poison') { batchItemFailures.push({ itemIdentifier: messageId }); continue }
        const input = JSON.stringify({ do: 'ok', key, size, eTag, versionId: typeof versionId })
        await states.send(new StartExecutionCommand({ stateMachineArn: process.env.MACHINE_ARN, name, input }))
          .catch(error => { if (error.name !== 'ExecutionAlreadyExists') throw error })
      }
      return { batchItemFailures }
    }`,
  bbbb: `
    let calls = 0
    const deeds = {
      ok: ({ input }) => ({ echo: input, name: process.env.AWS_LAMBDA_FUNCTION_NAME, stage: process.env.STAGE }),
      environment: () => Object.keys(process.env).sort(),
      context: (_, context) => ({ ...context, left: context.getRemainingTimeInMillis() }),
      reject: () => { throw Object.assign(new Error('"clouds" \\\\ and\\nrain'), { name: 'Rejected' }) },
      busy: () => { if (++calls % 3 !== 0) throw Object.assign(new Error('busy'), { name: 'Busy' }); return { calls } },
      hang: () => { for (;;); },
      exit: () => process.exit(3),
      text: () => { throw 'just words' },
      big: () => 'x'.repeat(300 * 1024),
      half: () => 'x'.repeat(200 * 1024),
      hoard: async () => { for (const all = []; ; await new Promise(setImmediate)) all.push(new Float32Array(1 << 20).fill(1)) },
    }
    export const handler = async (event, context) => deeds[event.input.do](event, context)`,
  cccc: `
    export const handler = async event => {
      if (event.rawPath === '/picture') {
        return { statusCode: 200, headers: { 'content-type': 'image/png' }, body: Buffer.from([137, 80, 0, 255]).toString('base64'), isBase64Encoded: true }
      }
      if (event.rawPath === '/fails') throw new Error('no page')
      if (event.rawPath === '/bare') return { hello: 'world' }
      return { statusCode: 201, headers: { 'content-type': 'application/json' }, cookies: ['a=1'], body: JSON.stringify(event) }
    }`,
}
