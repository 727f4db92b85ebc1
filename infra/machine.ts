import { Aws, type CfnParameter, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import type { Buckets } from './buckets.ts'
import type { HandlerCode } from './bundle.ts'
import { definition, type TaskName, taskNames } from './definition.ts'
import { Handler } from './handler.ts'

interface MachineProps {
  code: HandlerCode
  buckets: Buckets
  table: ITable
  topic: ITopic
  /** Surveys whose missing tiles are fetched. */
  upstreams: CfnParameter
}

/** The state machine that takes a frame from stage to stage, and the functions that do the work. */
export class Machine extends Construct {
  readonly machine: StateMachine
  readonly handlers: Record<TaskName, Handler>

  constructor(scope: Construct, id: string, { code, buckets, table, topic, upstreams }: MachineProps) {
    super(scope, id)
    const { inbox, products, tiles } = buckets

    const stage = (name: TaskName) =>
      new Handler(this, name, code)
        .reads(products, 'products/', 'PRODUCTS_BUCKET', 'A stage reads what earlier stages made of the frame.')
        .writes(products, 'products/', 'PRODUCTS_BUCKET', 'A stage writes the products of the frame in hand.')
        .uses(table, ['UpdateItem'], ['FRAME#'])

    const withTiles = (handler: Handler) =>
      handler
        .reads(tiles, '', 'TILES_BUCKET', 'Which tiles are needed depends on where the frame points.')
        .writes(tiles, '', 'TILES_BUCKET', 'A tile that was missing is kept for the next frame.')
        .knows('TILES_UPSTREAMS', upstreams.valueAsString)

    const withTargets = (handler: Handler) => handler.queries(table, 'cell').queries(table, 'listing')

    this.handlers = {
      standardise: stage('standardise')
        .reads(inbox, '', 'INBOX_BUCKET', 'The frame to be read may lie anywhere in the inbox.')
        .reads(products, 'profiles/', 'PRODUCTS_BUCKET', 'An operator may put a profile there for each telescope.')
        .uses(table, ['Query'], ['FRAME#']),
      solve: withTargets(withTiles(stage('solve'))),
      measure: withTargets(withTiles(stage('measure'))),
      calibrate: withTiles(stage('calibrate')).uses(table, ['Query'], ['CAMERA#', 'OBJ#']),
      record: stage('record')
        .uses(table, ['GetItem'], ['FRAME#', 'OBJ#'])
        .uses(table, ['Query', 'PutItem', 'UpdateItem'], ['OBJ#'])
        .uses(table, ['PutItem'], ['CAMERA#'])
        .publishes(topic, 'NOTICES_TOPIC_ARN'),
      outcome: stage('outcome').uses(table, ['GetItem'], ['FRAME#']),
    }

    const arns = Object.fromEntries(taskNames.map(name => [name, this.handlers[name].function.functionArn]))
    this.machine = new StateMachine(this, 'Frames', {
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromString(
        Stack.of(this).toJsonString(definition(arns as Record<TaskName, string>)),
      ),
      tracingEnabled: true,
      logs: {
        level: LogLevel.ALL,
        includeExecutionData: true, // small pointers and numbers only
        destination: new LogGroup(this, 'Logs', {
          // the prefix keeps the account's log resource policy from growing with every machine
          logGroupName: `/aws/vendedlogs/states/${Aws.STACK_NAME}-frames`,
          retention: RetentionDays.SIX_MONTHS,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      },
    })
    this.machine.addToRolePolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: Object.values(arns) }),
    )
    Validations.of(this.machine).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'Log delivery and X-Ray know no narrower resource for a state machine.',
    })
  }
}
