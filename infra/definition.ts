/**
 * The state machine in Amazon States Language (JSONPath). Every Retry and Catch comes from the table of errors, so that
 * what a stage throws and what the machine does cannot drift apart.
 *
 *     Standardise ─▶ Solve ─▶ Measure ─▶ Calibrate ─▶ Record ─▶ Done
 *          │           │         │           │           │
 *          ├───────────┴─────────┴───────────┴── the frame is at fault ──▶ NoteRejected ──▶ Rejected (succeeds)
 *          ├───────────┴─────────┴───────────┴──────── anything else ────▶ NoteFailed ────▶ Failed (fails)
 *          └── the same bytes were already brought to an end ────────────▶ NoteDuplicate ─▶ Duplicate (succeeds)
 */
import { errorNames, type Stage } from '#shared/errors.ts'
import { handlers } from './handlers.ts'

export const stages = ['standardise', 'solve', 'measure', 'calibrate', 'record'] as const satisfies readonly Stage[]
export const taskNames = [...stages, 'outcome'] as const
export type TaskName = (typeof taskNames)[number]

/** The state that each stage leads to when it ends well. */
const after: Record<(typeof stages)[number], string> = {
  standardise: 'IsDuplicate',
  solve: 'Measure',
  measure: 'Calibrate',
  calibrate: 'Record',
  record: 'Done',
}

type State = Record<string, unknown> & { Type: string }

export interface Definition {
  Comment: string
  StartAt: string
  TimeoutSeconds: number
  States: Record<string, State>
}

/** A backstop beyond every retry of every stage, not a limit to be met. */
const LONGEST_RUN_SECONDS = 12 * 3600

/**
 * The definition of the machine.
 *
 * @param arns ARN of the function of each task
 */
export function definition(arns: Record<TaskName, string>): Definition {
  const states: Record<string, State> = {}
  for (const stage of stages) {
    states[title(stage)] = stageTask(stage, arns[stage], after[stage])
    if (errorNames(stage, 'reject').length > 0) states[`${title(stage)}Rejected`] = ended(stage, 'rejected')
    states[`${title(stage)}Failed`] = ended(stage, 'failed')
  }
  return {
    Comment: 'From a frame as it came from the camera to a calibrated point of a light curve',
    StartAt: 'Standardise',
    TimeoutSeconds: LONGEST_RUN_SECONDS,
    States: {
      ...states,
      IsDuplicate: {
        Type: 'Choice',
        Choices: [{ Variable: '$.duplicateOf', IsNull: true, Next: 'Solve' }],
        Default: 'StandardiseDuplicate',
      },
      StandardiseDuplicate: duplicate(),
      NoteRejected: outcomeTask(arns.outcome, 'Rejected'),
      NoteDuplicate: outcomeTask(arns.outcome, 'Duplicate'),
      NoteFailed: outcomeTask(arns.outcome, 'Failed'),
      Done: { Type: 'Succeed' },
      Rejected: { Type: 'Succeed' },
      Duplicate: { Type: 'Succeed' },
      Failed: { Type: 'Fail', ErrorPath: '$.error.name', CausePath: '$.error.reason' },
    },
  }
}

function stageTask(stage: (typeof stages)[number], arn: string, next: string): State {
  const rejections = errorNames(stage, 'reject')
  const failed = { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: `${title(stage)}Failed` }
  const rejected = { ErrorEquals: rejections, ResultPath: '$.error', Next: `${title(stage)}Rejected` }
  return {
    ...invoke(stage, arn),
    Retry: [...lambdaRetry, ...outsideRetry(stage)],
    Catch: rejections.length > 0 ? [rejected, failed] : [failed],
    Next: next,
  }
}

/**
 * The task that writes how a frame ended, and answers with the error in words. What it cannot write is told by the
 * failed execution and its alarm.
 */
function outcomeTask(arn: string, next: string): State {
  return {
    ...invoke('outcome', arn),
    Retry: [...lambdaRetry, ...outsideRetry('record')],
    Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.unrecorded', Next: 'Failed' }],
    Next: next,
  }
}

function invoke(task: TaskName, arn: string): State {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: { FunctionName: arn, Payload: { 'execution.$': '$$.Execution.Name', 'input.$': '$' } },
    OutputPath: '$.Payload',
    TimeoutSeconds: handlers[task].timeoutSeconds + 30,
  }
}

/** The input of the outcome task (FrameEnded of events/stages.ts) for a stage that ended in an error. */
function ended(stage: Stage, outcome: 'rejected' | 'failed'): State {
  return {
    Type: 'Pass',
    Parameters: {
      outcome,
      stage,
      'frame.$': '$',
      // the error as it was caught: a time-out has no Cause to point at
      error: { 'name.$': '$.error.Error', 'reason.$': 'States.JsonToString($.error)' },
    },
    Next: outcome === 'rejected' ? 'NoteRejected' : 'NoteFailed',
  }
}

/** The input of the outcome task for a frame whose bytes another execution brought to an end. */
function duplicate(): State {
  return {
    Type: 'Pass',
    Parameters: {
      outcome: 'duplicate',
      stage: 'standardise',
      'frame.$': '$',
      error: {
        name: 'Duplicate',
        'reason.$': "States.Format('The same bytes were already processed by {}.', $.duplicateOf)",
      },
    },
    Next: 'NoteDuplicate',
  }
}

/** What Lambda itself throws when it is busy or stumbles, and what a function that ran out of something looks like. */
export const lambdaRetry = [
  {
    ErrorEquals: [
      'Lambda.TooManyRequestsException',
      'Lambda.ServiceException',
      'Lambda.AWSLambdaException',
      'Lambda.SdkClientException',
      'Lambda.ClientExecutionTimeoutException',
    ],
    IntervalSeconds: 2,
    BackoffRate: 2,
    MaxAttempts: 6,
    MaxDelaySeconds: 60,
    JitterStrategy: 'FULL',
  },
  {
    // out of memory or time: once more may help (a cold cache is warm now), more often would not
    ErrorEquals: ['States.Timeout', 'Lambda.Unknown', 'Runtime.ExitError', 'Sandbox.Timedout', 'TimeoutError'],
    IntervalSeconds: 5,
    MaxAttempts: 1,
  },
]

/** What a stage needs from outside and did not get, by the table of errors. */
export function outsideRetry(stage: Stage) {
  const names = errorNames(stage, 'retry')
  return names.length === 0
    ? []
    : [
        {
          ErrorEquals: names,
          IntervalSeconds: 10,
          BackoffRate: 2,
          MaxAttempts: 4,
          MaxDelaySeconds: 120,
          JitterStrategy: 'FULL',
        },
      ]
}

function title(stage: Stage): string {
  return stage[0].toUpperCase() + stage.slice(1)
}
