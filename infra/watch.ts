import { Aws, Duration } from 'aws-cdk-lib'
import { ComparisonOperator, Dashboard, GraphWidget, type Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import type { Api } from './api.ts'
import type { Intake } from './intake.ts'
import type { Machine } from './machine.ts'
import type { Prefetch } from './prefetch.ts'

interface WatchProps {
  intake: Intake
  machine: Machine
  prefetch: Prefetch
  api: Api
}

const period = Duration.minutes(5)

/**
 * What an operator is told of, and the one page that shows the state of the service. A frame that is rejected is no
 * alarm: its owner is told. The functions of the stages therefore have none of their own, since Lambda counts every
 * rejection as an error; what is a defect of ours fails the execution.
 */
export class Watch extends Construct {
  constructor(scope: Construct, id: string, { intake, machine, prefetch, api }: WatchProps) {
    super(scope, id)
    const { queue, deadLetters, handler } = intake
    const frames = machine.machine
    const sum = { period, statistic: 'Sum' }
    const most = { period, statistic: 'Maximum' }

    const operators = new Topic(this, 'Operators', { displayName: 'CPCS operators', enforceSSL: true })
    // a policy of its own takes the place of the one that lets the alarms of the account in
    operators.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [operators.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    )
    const alarm = (name: string, metric: Metric, tells: string, threshold = 1) =>
      metric
        .createAlarm(this, name, {
          alarmDescription: tells,
          threshold,
          evaluationPeriods: 1,
          comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
          treatMissingData: TreatMissingData.NOT_BREACHING,
        })
        .addAlarmAction(new SnsAction(operators))

    alarm('DeadLetters', deadLetters.metricApproximateNumberOfMessagesVisible(most), 'Files could not be taken in.')
    alarm('OldestMessage', queue.metricApproximateAgeOfOldestMessage(most), 'Files wait to be taken in.', 900)
    alarm('FramesFailed', frames.metricFailed(sum), 'A frame ended in a defect of ours.')
    alarm('TilesMissing', prefetch.machine.metricFailed(sum), 'Tiles of the listed fields could not be fetched.')
    alarm('FramesTimedOut', frames.metricTimedOut(sum), 'A frame was not brought to an end in time.')
    alarm('FramesThrottled', frames.metricThrottled(sum), 'Step Functions held frames back.')
    alarm('IntakeErrors', handler.function.metricErrors(sum), 'The intake stumbled.')
    alarm('ApiErrors', api.handler.function.metricErrors(sum), 'The pages stumbled.')
    for (const { name, function: stage } of [handler, ...Object.values(machine.handlers)])
      alarm(`Throttled-${name}`, stage.metricThrottles(sum), `Lambda held ${name} back.`, 10)

    const functions = Object.values(machine.handlers).map(each => each.function)
    new Dashboard(this, 'Dashboard', {
      widgets: [
        [
          graph('Frames', [
            frames.metricStarted(sum),
            frames.metricSucceeded(sum),
            frames.metricFailed(sum),
            frames.metricTimedOut(sum),
          ]),
          graph('Waiting', [
            queue.metricApproximateNumberOfMessagesVisible(most),
            deadLetters.metricApproximateNumberOfMessagesVisible(most),
            queue.metricApproximateAgeOfOldestMessage(most),
          ]),
        ],
        [
          graph(
            'Errors and rejections by stage',
            functions.map(each => each.metricErrors(sum)),
          ),
          graph(
            'Duration by stage',
            functions.map(each => each.metricDuration({ period, statistic: 'p90' })),
          ),
        ],
      ],
    })
  }
}

function graph(title: string, left: Metric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 12 })
}
