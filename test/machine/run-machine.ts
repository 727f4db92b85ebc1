import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions'
import { machineIn, templateUnderTest } from '../infra/synthesised.ts'

export const definition = machineIn(templateUnderTest())
const machine = new StateMachine(structuredClone(definition) as StateMachineDefinition) // it writes into what it gets
const tasks: string[] = Object.keys(definition.States).filter(name => definition.States[name].Type === 'Task')

/** What a task gets, as Lambda would: the payload of its state. */
export interface Call {
  execution: string
  input: Record<string, unknown>
}

export type Work = (call: Call, attempt: number) => unknown

export interface Ending {
  status: 'SUCCEEDED' | 'FAILED'
  /** The states entered, in order. */
  path: string[]
  output?: unknown
  error?: string
  cause?: string
  /** How often each task was tried. */
  attempts: Record<string, number>
}

/** An error as Step Functions sees it when a function threw: the name, and Lambda's JSON as cause. */
export function thrownByLambda(name: string, message: string): Error {
  const error = new Error(JSON.stringify({ errorType: name, errorMessage: message, trace: [`${name}: ${message}`] }))
  error.name = name
  return error
}

/**
 * Run the synthesised machine with the given work in place of its functions. A task that is not given any hands its
 * input on. Pauses between tries are left out.
 */
export async function runMachine(input: object, work: Record<string, Work> = {}): Promise<Ending> {
  const attempts: Record<string, number> = {}
  const handler = (name: string) => async (parameters: { Payload: Call }) => {
    attempts[name] = (attempts[name] ?? 0) + 1
    const result = await (work[name] ?? (call => call.input))(parameters.Payload, attempts[name])
    return { Payload: result, StatusCode: 200 }
  }
  const run = machine.run(input as never, {
    context: { Execution: { Name: 'north-20260301-abc', Input: input, StartTime: '2026-03-01T20:00:00Z' } } as never,
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(tasks.map(name => [name, handler(name)])) as never,
      retryIntervalOverrides: Object.fromEntries(tasks.map(name => [name, 0])),
    },
  })
  const settled = run.result.then(
    output => ({ status: 'SUCCEEDED', output }) as const,
    () => ({ status: 'FAILED' }) as const,
  )
  const path: string[] = []
  const last: { error?: string; cause?: string } = {}
  for await (const event of run.eventLogs) {
    if (event.type === 'StateEntered') path.push(event.state.name)
    if (event.type === 'ExecutionFailed') Object.assign(last, { error: event.Error, cause: event.Cause })
  }
  return { ...(await settled), ...last, path, attempts }
}
