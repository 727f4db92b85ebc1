import type { Run, RunRecord } from './runs.ts'

/** An event of GetExecutionHistory. */
export type HistoryEvent = Record<string, unknown> & {
  id: number
  previousEventId: number
  type: string
  timestamp: number
}

/**
 * The history of a run as the API of Step Functions tells it. Events of parallel iterations follow each other in time;
 * `previousEventId` is the event before, which is the same for machines without Map and Parallel.
 */
export function historyOf(run: Run): HistoryEvent[] {
  return run.records.flatMap(translate).map((event, index) => ({ ...event, id: index + 1, previousEventId: index }))
}

type Untold = Record<string, unknown> & { type: string; timestamp: number }

function translate(record: RunRecord): Untold[] {
  const timestamp = record.at / 1000
  const details = { truncated: false }
  switch (record.type) {
    case 'started':
      if (record.resumed) return []
      if (record.redriven) return [{ type: 'ExecutionRedriven', timestamp, executionRedrivenEventDetails: {} }]
      return [
        {
          type: 'ExecutionStarted',
          timestamp,
          executionStartedEventDetails: { input: record.input, inputDetails: details },
        },
      ]
    case 'entered': {
      const entered = { name: record.state, input: text(record.input), inputDetails: details }
      return [{ type: `${record.kind}StateEntered`, timestamp, stateEnteredEventDetails: entered }]
    }
    case 'scheduled': {
      const service = serviceOf(record.resource)
      const scheduled = { ...service, region: 'local', parameters: text(record.parameters) }
      return [
        { type: 'TaskScheduled', timestamp, taskScheduledEventDetails: scheduled },
        { type: 'TaskStarted', timestamp, taskStartedEventDetails: service },
      ]
    }
    case 'succeeded': {
      const succeeded = { ...serviceOf(record.resource), output: text(record.output), outputDetails: details }
      return [{ type: 'TaskSucceeded', timestamp, taskSucceededEventDetails: succeeded }]
    }
    case 'failed':
      if (record.kind !== 'Task') return []
      return [
        {
          type: 'TaskFailed',
          timestamp,
          taskFailedEventDetails: {
            resourceType: 'lambda',
            resource: 'invoke',
            error: record.error,
            cause: record.cause,
          },
        },
      ]
    case 'left': {
      const exited = { name: record.state, output: text(record.output), outputDetails: details }
      return [{ type: `${record.kind}StateExited`, timestamp, stateExitedEventDetails: exited }]
    }
    case 'ended':
      return [ended(record, timestamp)]
    default:
      return []
  }
}

function ended(record: Extract<RunRecord, { type: 'ended' }>, timestamp: number): Untold {
  const { error, cause } = record
  switch (record.status) {
    case 'SUCCEEDED':
      return {
        type: 'ExecutionSucceeded',
        timestamp,
        executionSucceededEventDetails: { output: text(record.output), outputDetails: { truncated: false } },
      }
    case 'FAILED':
      return { type: 'ExecutionFailed', timestamp, executionFailedEventDetails: { error, cause } }
    case 'TIMED_OUT':
      return { type: 'ExecutionTimedOut', timestamp, executionTimedOutEventDetails: { error, cause } }
    case 'ABORTED':
      return { type: 'ExecutionAborted', timestamp, executionAbortedEventDetails: { error, cause } }
  }
}

function serviceOf(resource: string): { resourceType: string; resource: string } {
  const [resourceType, action] = (/^arn:aws:states:::(.+)$/.exec(resource)?.[1] ?? 'lambda:invoke').split(':')
  return { resourceType, resource: action }
}

function text(value: unknown): string {
  return JSON.stringify(value ?? null)
}
