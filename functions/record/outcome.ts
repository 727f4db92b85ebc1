import type { FrameEnded, FrameEndedOutput, Report } from '#events/stages.ts'
import { type Frames, secondsPerStage } from '#shared/lightcurve/frames.ts'
import { endedReport, type FrameState } from '#shared/lightcurve/report.ts'
import type { Log, ObjectStore } from '#shared/store.ts'

export interface OutcomeDeps {
  store: ObjectStore
  frames: Frames
  log: Log
  execution: string
  /** The time now, ISO 8601 UTC. */
  now: () => string
}

/**
 * Write how a frame ended that did not come to its points: into its row, and as `report.json` beside what earlier
 * stages made of it. A duplicate leaves the report of its original alone.
 *
 * @throws {CpcsError} StoreUnavailable, TableUnavailable
 */
export async function recordOutcome(ended: FrameEnded, deps: OutcomeDeps): Promise<FrameEndedOutput> {
  const { frames, log, execution, now } = deps
  const { frame, outcome, stage } = ended
  const error = { name: ended.error.name, reason: reasonOf(ended.error.reason) }

  await frames.ended(frame, execution, now(), { outcome, stage, error: error.name, reason: error.reason })
  if (outcome !== 'duplicate') await writeReport({ ...ended, outcome, error }, deps)
  log.info('ended early', { outcome, stage, ...error })
  return { frameId: frame.frameId, outcome, stage, error }
}

/**
 * The sentence for people in what a state machine caught: `{ Error, Cause }`, whose Cause is Lambda's
 * `{ errorType, errorMessage, trace }` as JSON, or a bare message, or absent.
 */
export function reasonOf(caught: string): string {
  const { Error: name, Cause: cause } = fieldsOf(caught)
  const { errorMessage } = fieldsOf(cause ?? caught)
  if (typeof errorMessage === 'string') return errorMessage
  if (typeof cause === 'string' && cause !== '') return cause
  if (name === 'States.Timeout' || name === 'Sandbox.Timedout') return 'The stage did not end in time.'
  return typeof name === 'string' ? `${name}, and nothing more is known.` : caught
}

/** The fields of a JSON object in a text; none where it is no such text. */
function fieldsOf(text: unknown): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(String(text))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

type EndedEarly = FrameEnded & { outcome: 'rejected' | 'failed' }

async function writeReport({ frame, outcome, stage, error }: EndedEarly, deps: OutcomeDeps): Promise<void> {
  const { store, frames, execution } = deps
  const run = await frames.run(frame.frameId, execution)
  const told = { name: error.name, message: error.reason }
  const report: Report = await endedReport(outcome, stage, told, frame as FrameState, store, secondsPerStage(run ?? {}))
  const bytes = new TextEncoder().encode(JSON.stringify(report, null, 2))
  // a run that fails does not hide what an earlier run of the same frame reported
  const ifAbsent = outcome === 'failed'
  await store.put(`products/${frame.frameId}/report.json`, bytes, { contentType: 'application/json', ifAbsent })
}
