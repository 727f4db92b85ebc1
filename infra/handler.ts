import { type CfnElement, Duration, Stack, Validations } from 'aws-cdk-lib'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Architecture, Function as LambdaFunction, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct, type IConstruct } from 'constructs'
import type { HandlerCode } from './bundle.ts'
import { type HandlerName, handlers } from './handlers.ts'
import type { IndexName } from './indexes.ts'

/**
 * One Lambda function with a role and a log group of its own. Each method grants one narrow right and hands over, as an
 * environment variable, the name of what it grants: nothing can be named without being granted, nor the reverse.
 */
export class Handler extends Construct {
  readonly function: LambdaFunction
  readonly name: HandlerName

  constructor(scope: Construct, name: HandlerName, code: HandlerCode) {
    super(scope, name[0].toUpperCase() + name.slice(1))
    this.name = name
    const { memoryMiB, timeoutSeconds } = handlers[name]
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    const logGroup = new LogGroup(this, 'Logs', { retention: RetentionDays.SIX_MONTHS })
    logGroup.grantWrite(role)
    this.function = new LambdaFunction(this, 'Function', {
      code: code(name),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: memoryMiB,
      timeout: Duration.seconds(timeoutSeconds),
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: 'CPCS',
      },
    })
  }

  /** May read the objects of a bucket below a prefix ('' for all), and may ask which there are. */
  reads(bucket: Bucket, prefix: string, variable: string, reason: string): this {
    return this.#objects(['s3:GetObject'], bucket, prefix, reason)
      .#allows(['s3:ListBucket'], bucket.bucketArn) // without it, S3 refuses where it should say "not there"
      .knows(variable, bucket.bucketName)
  }

  /** May write objects of a bucket below a prefix. */
  writes(bucket: Bucket, prefix: string, variable: string, reason: string): this {
    return this.#objects(['s3:PutObject'], bucket, prefix, reason).knows(variable, bucket.bucketName)
  }

  /**
   * May use items of the table whose partition key starts with one of the given words.
   *
   * @param actions short names of DynamoDB actions, such as 'PutItem'
   * @param partitions prefixes of partition keys, such as 'OBJ#'
   */
  uses(table: ITable, actions: string[], partitions: string[]): this {
    const keys = partitions.map(partition => `${partition}*`)
    return this.#allows(
      actions.map(action => `dynamodb:${action}`),
      table.tableArn,
      { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys } },
    ).knows('TABLE_NAME', table.tableName)
  }

  /** May query one index of the table. */
  queries(table: ITable, index: IndexName): this {
    return this.#allows(['dynamodb:Query'], `${table.tableArn}/index/${index}`).knows('TABLE_NAME', table.tableName)
  }

  /** May publish to a topic. */
  publishes(topic: ITopic, variable: string): this {
    return this.#allows(['sns:Publish'], topic.topicArn).knows(variable, topic.topicArn)
  }

  /** May start executions of a state machine. */
  starts(machine: IStateMachine, variable: string): this {
    return this.#allows(['states:StartExecution'], machine.stateMachineArn).knows(variable, machine.stateMachineArn)
  }

  /** May do the actions on one resource. */
  #allows(actions: string[], resource: string, conditions?: Record<string, unknown>): this {
    this.function.addToRolePolicy(new PolicyStatement({ actions, resources: [resource], conditions }))
    return this
  }

  /** Gets an environment variable. */
  knows(variable: string, value: string): this {
    this.function.addEnvironment(variable, value)
    return this
  }

  #objects(actions: string[], bucket: Bucket, prefix: string, reason: string): this {
    this.#allows(actions, bucket.arnForObjects(`${prefix}*`))
    const id = `AwsSolutions-IAM5[Resource::<${logicalId(bucket)}.Arn>/${prefix}*]`
    Validations.of(this).acknowledge({ id, reason })
    return this
  }
}

/** The name of a construct's resource in the template. */
function logicalId(construct: IConstruct): string {
  return Stack.of(construct).resolve((construct.node.defaultChild as CfnElement).logicalId) as string
}
