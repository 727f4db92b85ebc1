/** What happened in a run, one record each, in order: the history that the pages, the API and the journal share. */
export type RunRecord =
  | { type: 'started'; at: number; name: string; machine: string; input: string; resumed?: boolean; redriven?: boolean }
  | { type: 'entered'; at: number; state: string; kind: string; input: unknown; index?: number }
  | { type: 'scheduled'; at: number; state: string; resource: string; parameters: unknown }
  | { type: 'succeeded'; at: number; state: string; resource: string; output: unknown }
  | { type: 'left'; at: number; state: string; kind: string; output: unknown; index?: number }
  | { type: 'failed'; at: number; state: string; kind: string; error: string; cause: string; index?: number }
  | { type: 'retried'; at: number; state: string; attempt: number; index?: number }
  | { type: 'caught'; at: number; state: string; index?: number }
  | { type: 'ended'; at: number; status: EndStatus; output?: unknown; error?: string; cause?: string }

export type EndStatus = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED'
export type RunStatus = 'RUNNING' | EndStatus

/** One execution of a state machine. */
export interface Run {
  name: string
  /** Name of the state machine. */
  machine: string
  arn: string
  status: RunStatus
  /** Milliseconds since 1970. */
  startedAt: number
  endedAt?: number
  input: unknown
  output?: unknown
  error?: string
  cause?: string
  redriveCount: number
  records: RunRecord[]
}

/** A visit of a run to a state, as people look at it. */
export interface Visit {
  state: string
  kind: string
  index?: number
  enteredAt: number
  leftAt?: number
  input: unknown
  output?: unknown
  /** How often it was tried. */
  attempts: number
  error?: string
  cause?: string
}

/** The way of a run through its states. */
export function visitsOf(run: Run): Visit[] {
  const visits: Visit[] = []
  const open = (state: string, index?: number) =>
    visits.findLast(visit => visit.state === state && visit.index === index && visit.leftAt === undefined)
  for (const record of run.records) {
    if (record.type === 'entered') {
      const { state, kind, index, at, input } = record
      visits.push({ state, kind, index, enteredAt: at, input, attempts: 1 })
      continue
    }
    if (record.type === 'started' || record.type === 'ended') continue
    const visit = open(record.state, 'index' in record ? record.index : undefined)
    if (visit === undefined) continue
    if (record.type === 'left') Object.assign(visit, { leftAt: record.at, output: record.output })
    if (record.type === 'retried') visit.attempts++
    if (record.type === 'failed') Object.assign(visit, { error: record.error, cause: record.cause })
  }
  return visits
}

/** A run without its history: a row of a list. */
export function summaryOf({ records: _, ...run }: Run): Omit<Run, 'records'> {
  return run
}
