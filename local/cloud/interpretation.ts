import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StateMachineDefinition } from 'aws-local-stepfunctions'
import { limit } from './integrations.ts'
import { loadInterpreter } from './interpreter.ts'
import type { EndStatus, RunRecord } from './runs.ts'

const { StateMachine } = await loadInterpreter()

/** One way through a state machine. */
export interface Interpretation {
  /** As {@link ./states-language.ts} prepares it. */
  definition: StateMachineDefinition
  input: unknown
  /** The context object, `$$`. */
  context: Record<string, unknown>
  tasks: { name: string; resource: string }[]
  /** Do a task with its resolved parameters. */
  runTask(state: string, resource: string, parameters: unknown): Promise<unknown>
  /** Hears what happens, in order; the last is the end, unless the run is aborted. */
  tell(record: RunRecord): void
}

/** @throws {Error} the definition is not valid, in the words of the validator */
export function validate(definition: unknown): void {
  new StateMachine(structuredClone(definition) as StateMachineDefinition)
}

/** Go through a state machine. */
export function interpret(way: Interpretation): { abort(): void; done: Promise<void> } {
  const machine = new StateMachine(structuredClone(way.definition), { validationOptions: { noValidate: true } })
  const { abort, result, eventLogs } = machine.run(way.input as never, {
    noThrowOnAbort: true,
    context: way.context,
    overrides: { taskResourceLocalHandlers: handlers(way) as never },
  })
  let open = true
  const end = (how: { status: EndStatus; output?: unknown; error?: string; cause?: string }) => {
    if (open) way.tell({ type: 'ended', at: Date.now(), ...how })
    open = false
  }

  const hear = (event: InterpreterEvent) => {
    const record = recordOf(event)
    if (record) way.tell(record)
    if (event.type === 'StateExited') {
      // A state's output, merged with its input, may be too long though what the task gave was not.
      try {
        limit(event.state!.name, 'output', event.state!.output)
      } catch (error) {
        end({ status: 'FAILED', error: (error as Error).name, cause: (error as Error).message })
        abort()
      }
    }
    if (event.type === 'ExecutionSucceeded') end({ status: 'SUCCEEDED', output: event.output })
    if (event.type === 'ExecutionFailed') end({ status: 'FAILED', ...errorOf(event) })
    if (event.type === 'ExecutionTimeout') {
      end({ status: 'TIMED_OUT', error: 'States.Timeout', cause: 'The execution took too long.' })
    }
  }

  const follow = async () => {
    // To the end of the events first: the result comes before the last of them is told.
    const outcome = result.then(
      () => undefined,
      (error: Error) => error,
    )
    for await (const event of eventLogs) if (open) hear(event as InterpreterEvent)
    const error = await outcome
    if (error) end({ status: 'FAILED', error: 'States.Runtime', cause: error.message })
  }
  return { abort, done: follow() }
}

function handlers({ tasks, runTask, tell }: Interpretation): Record<string, (parameters: unknown) => Promise<unknown>> {
  const handler = (state: string, resource: string) => async (parameters: unknown) => {
    await nextTurn() // the interpreter tells of entering the state a little later than it does so
    tell({ type: 'scheduled', at: Date.now(), state, resource, parameters })
    const output = await runTask(state, resource, parameters)
    tell({ type: 'succeeded', at: Date.now(), state, resource, output })
    return output
  }
  return Object.fromEntries(tasks.map(({ name, resource }) => [name, handler(name, resource)]))
}

/** An event of the interpreter, as far as it is looked at. */
interface InterpreterEvent {
  type: string
  timestamp: number
  state?: { name: string; type: string; input: unknown; output?: unknown }
  index?: number
  retry?: { attempt: number }
  output?: unknown
  Error?: string
  Cause?: unknown
}

/** What an event says of a state; undefined where it is not about one. */
function recordOf(event: InterpreterEvent): RunRecord | undefined {
  if (event.state === undefined) return undefined
  const { name: state, type: kind, input, output } = event.state
  const common = { at: event.timestamp, state, index: event.index }
  switch (event.type) {
    case 'StateEntered':
      return { type: 'entered', ...common, kind, input }
    case 'StateExited':
      return { type: 'left', ...common, kind, output }
    case 'StateFailed':
      return { type: 'failed', ...common, kind, ...errorOf(event) }
    case 'StateRetried':
      return { type: 'retried', ...common, attempt: event.retry!.attempt }
    case 'StateCaught':
      return { type: 'caught', ...common }
  }
}

function errorOf({ Error: error = 'Error', Cause: cause }: InterpreterEvent): { error: string; cause: string } {
  const words = cause instanceof Error ? cause.message : cause
  return { error, cause: typeof words === 'string' ? words : (JSON.stringify(words) ?? '') }
}
