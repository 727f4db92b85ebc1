import { Aws, type CfnParameter, RemovalPolicy, Stack, TimeZone, Validations } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler'
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets'
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import type { Buckets } from './buckets.ts'
import type { HandlerCode } from './bundle.ts'
import { Handler } from './handler.ts'
import { prefetchDefinition } from './prefetch-definition.ts'

interface PrefetchProps {
  code: HandlerCode
  buckets: Buckets
  /** Surveys that are fetched for fields that name none. */
  upstreams: CfnParameter
}

/** Once a day, the tiles of the operator's list of fields are fetched before their frames come. */
export class Prefetch extends Construct {
  readonly machine: StateMachine
  readonly handler: Handler

  constructor(scope: Construct, id: string, { code, buckets, upstreams }: PrefetchProps) {
    super(scope, id)
    const { tiles } = buckets
    this.handler = new Handler(this, 'prefetch', code)
      .reads(tiles, '', 'TILES_BUCKET', 'The list of fields, and which of their tiles are held.')
      .writes(tiles, 'fetched/', 'TILES_BUCKET', 'Tiles that were missing, and their index.')
      .knows('TILES_UPSTREAMS', upstreams.valueAsString)
    const { functionArn } = this.handler.function
    this.machine = new StateMachine(this, 'Fields', {
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromString(Stack.of(this).toJsonString(prefetchDefinition(functionArn))),
      tracingEnabled: true,
      logs: {
        level: LogLevel.ALL,
        includeExecutionData: true, // numbers of cells only
        destination: new LogGroup(this, 'Logs', {
          logGroupName: `/aws/vendedlogs/states/${Aws.STACK_NAME}-fields`,
          retention: RetentionDays.SIX_MONTHS,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      },
    })
    this.machine.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] }))
    Validations.of(this.machine).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'Log delivery and X-Ray know no narrower resource for a state machine.',
    })
    new Schedule(this, 'Daily', {
      description: 'Fetch the tiles of the fields of fields.json.',
      schedule: ScheduleExpression.cron({ hour: '12', minute: '0', timeZone: TimeZone.ETC_UTC }),
      target: new StepFunctionsStartExecution(this.machine, { input: ScheduleTargetInput.fromObject({}) }),
    })
  }
}
