import { Aws, Duration } from 'aws-cdk-lib'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import type { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3'
import { Queue, QueueEncryption, QueuePolicy } from 'aws-cdk-lib/aws-sqs'
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import type { HandlerCode } from './bundle.ts'
import { Handler } from './handler.ts'
import { handlers } from './handlers.ts'

interface IntakeProps {
  code: HandlerCode
  inbox: Bucket
  table: ITable
  machine: IStateMachine
}

/** How many messages are worked on at once: the knob to turn down when a night floods in. */
const MAX_CONCURRENCY = 10

/** From the inbox to the machine: every new object becomes a message, every message a run. */
export class Intake extends Construct {
  readonly queue: Queue
  readonly deadLetters: Queue
  readonly handler: Handler

  constructor(scope: Construct, id: string, { code, inbox, table, machine }: IntakeProps) {
    super(scope, id)
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    })
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      // AWS asks for six times the timeout of the function: a message must not come back while it is worked on
      visibilityTimeout: Duration.seconds(6 * handlers.intake.timeoutSeconds),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    })
    this.#notify(inbox)

    this.handler = new Handler(this, 'intake', code)
      .reads(inbox, '', 'INBOX_BUCKET', 'The intake reads every object of the inbox, whatever its telescope and name.')
      .uses(table, ['PutItem', 'UpdateItem'], ['FRAME#', 'NIGHTS'])
      .starts(machine, 'MACHINE_ARN')
    this.handler.function.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: 5,
        maxConcurrency: MAX_CONCURRENCY,
        reportBatchItemFailures: true,
      }),
    )
  }

  /**
   * Every object created in the inbox becomes a message, whatever its key: a file that is no FITS gets an outcome too.
   * Written into the bucket itself, since the CDK's own way adds a function with rights on every bucket. The policy
   * names the account and not the bucket, as bucket and policy would else need each other to exist first.
   */
  #notify(inbox: Bucket): void {
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    )
    const bucket = inbox.node.defaultChild as CfnBucket
    bucket.notificationConfiguration = {
      queueConfigurations: [{ event: 's3:ObjectCreated:*', queue: this.queue.queueArn }],
    }
    const policy = this.queue.node.findAll().find(child => child instanceof QueuePolicy)
    if (!policy) throw new Error('The queue has no policy: S3 could not send to it.')
    bucket.node.addDependency(policy)
  }
}
