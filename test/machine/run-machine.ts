import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions'
import { machineIn, templateUnderTest } from '../infra/synthesised.ts'

const template = templateUnderTest()
export const definition = machineIn(template)
export const prefetchDefinition = machineIn(template, 'List')
export const runMachine = runnerOf(definition)
export const runPrefetch = runnerOf(prefetchDefinition)

interface States {
  States: Record<string, { Type: string; ItemProcessor?: States }>
}

/** Names of the tasks of a definition, those within a Map too. */
function tasksOf({ States }: States): string[] {
  return Object.entries(States).flatMap(([name, { Type, ItemProcessor }]) =>
    ItemProcessor ? tasksOf(ItemProcessor) : Type === 'Task' ? [name] : [],
  )
}

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
 * What runs a synthesised machine with the given work in place of its functions. A task that is not given any hands its
 * input on. Pauses between tries are left out.
 */
function runnerOf(machineDefinition: States) {
  const machine = new StateMachine(structuredClone(machineDefinition) as unknown as StateMachineDefinition) // it writes into what it gets
  const tasks = tasksOf(machineDefinition)
  return (input: object, work: Record<string, Work> = {}) => run(machine, tasks, input, work)
}

async function run(machine: StateMachine, tasks: string[], input: object, work: Record<string, Work>): Promise<Ending> {
  const attempts: Record<string, number> = {}
  const handler = (name: string) => async (parameters: { Payload: Call }) => {
    attempts[name] = (attempts[name] ?? 0) + 1
    const result = await (work[name] ?? (call => call.input))(parameters.Payload, attempts[name])
    return { Payload: result, StatusCode: 200 }
  }
  const execution = machine.run(input as never, {
    context: { Execution: { Name: 'north-20260301-abc', Input: input, StartTime: '2026-03-01T20:00:00Z' } } as never,
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(tasks.map(name => [name, handler(name)])) as never,
      retryIntervalOverrides: Object.fromEntries(tasks.map(name => [name, 0])),
    },
  })
  const settled = execution.result.then(
    output => ({ status: 'SUCCEEDED', output }) as const,
    () => ({ status: 'FAILED' }) as const,
  )
  const path: string[] = []
  const last: { error?: string; cause?: string } = {}
  for await (const event of execution.eventLogs) {
    if (event.type === 'StateEntered') path.push(event.state.name)
    if (event.type === 'ExecutionFailed') Object.assign(last, { error: event.Error, cause: event.Cause })
  }
  return { ...(await settled), ...last, path, attempts }
}
