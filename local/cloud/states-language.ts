import type { StateMachineDefinition } from 'aws-local-stepfunctions'
import { RefusedTemplate } from './refused-template.ts'

/** A state of the Amazon States Language, as far as it is looked at here. */
export interface State {
  Type: string
  Resource?: string
  Parameters?: unknown
  TimeoutSeconds?: number
  Retry?: Retrier[]
  Catch?: { ResultPath?: string | null }[]
  Choices?: Record<string, unknown>[]
  Branches?: Machine[]
  Iterator?: Machine
  ItemProcessor?: Machine & { ProcessorConfig?: { Mode?: string } }
  [field: string]: unknown
}

export interface Machine {
  StartAt: string
  States: Record<string, State>
  TimeoutSeconds?: number
  [field: string]: unknown
}

interface Retrier {
  IntervalSeconds?: number
  MaxDelaySeconds?: number
}

/** Fields that the interpreter ignores or gets wrong without a word, and what AWS would do. */
const UNMODELLED: Readonly<Record<string, string>> = {
  QueryLanguage: 'JSONata is not interpreted here; write the state in JSONPath',
  Assign: 'variables are not interpreted here; pass values on in the output',
  Arguments: 'it belongs to JSONata, which is not interpreted here',
  Output: 'it belongs to JSONata, which is not interpreted here',
  ItemReader: 'items are not read from objects here; let a task list them',
  ItemBatcher: 'items are not batched here',
  ResultWriter: 'results are not written to objects here',
  ToleratedFailureCount: 'tolerated failures of a Map are not modelled',
  ToleratedFailureCountPath: 'tolerated failures of a Map are not modelled',
  ToleratedFailurePercentage: 'tolerated failures of a Map are not modelled',
  ToleratedFailurePercentagePath: 'tolerated failures of a Map are not modelled',
  HeartbeatSeconds: 'heartbeats are not modelled',
  HeartbeatSecondsPath: 'heartbeats are not modelled',
  Credentials: 'roles of other accounts are not modelled',
}

/** Limits of Step Functions on definitions. */
const MAX_DEFINITION_BYTES = 1024 * 1024
const MAX_STATE_NAME = 80

/** Service integrations that {@link ./integrations.ts} has. */
export const INTEGRATIONS = [
  'lambda:invoke',
  'dynamodb:getItem',
  'dynamodb:putItem',
  'dynamodb:updateItem',
  'dynamodb:deleteItem',
  'sns:publish',
  'sqs:sendMessage',
] as const

export type Integration = (typeof INTEGRATIONS)[number]

/** The context object has these paths here; `$$.State`, above all, it has not. */
const CONTEXT_PATHS = ['$$.Execution', '$$.StateMachine']

/**
 * Check a definition against what the interpreter does as AWS does.
 *
 * @param where logical id of the state machine
 * @throws {RefusedTemplate} naming state and field
 */
export function checkDefinition(where: string, machine: Machine): void {
  const bytes = Buffer.byteLength(JSON.stringify(machine))
  if (bytes > MAX_DEFINITION_BYTES) throw new RefusedTemplate(where, `AWS takes no definition of ${bytes} bytes`)
  checkStates(where, machine, false)
}

function checkStates(where: string, machine: Machine, nested: boolean): void {
  checkFields(where, machine)
  for (const [name, state] of Object.entries(machine.States)) {
    const place = `${where}, state ${name}`
    if (name.length > MAX_STATE_NAME) throw new RefusedTemplate(place, `AWS takes no name of ${name.length} characters`)
    checkFields(place, state)
    if (state.Type === 'Task') checkResource(place, state.Resource ?? '')
    if (state.Type === 'Pass' && 'Result' in state && !state.Result) {
      throw new RefusedTemplate(place, 'an empty Result is ignored by the interpreter; use Parameters')
    }
    checkPaths(place, withoutStates(state), nested)
    if (state.ItemProcessor?.ProcessorConfig?.Mode === 'DISTRIBUTED') {
      throw new RefusedTemplate(place, 'a distributed Map is not modelled')
    }
    for (const inner of innerMachines(state)) checkStates(place, inner, true)
  }
}

function checkFields(place: string, fields: Record<string, unknown>): void {
  for (const [field, tells] of Object.entries(UNMODELLED)) {
    if (!(field in fields)) continue
    if (field === 'QueryLanguage' && fields[field] === 'JSONPath') continue
    throw new RefusedTemplate(place, `${field}: ${tells}`)
  }
}

function checkResource(place: string, resource: string): void {
  if (/^arn:aws:lambda:[^:]+:\d+:function:[\w-]+$/.test(resource)) return
  const integration = /^arn:aws:states:::(.+)$/.exec(resource)?.[1]
  if ((INTEGRATIONS as readonly string[]).includes(integration ?? '')) return
  const pattern = /\.(sync(:2)?|waitForTaskToken)$/.exec(resource)?.[0]
  const tells = pattern
    ? `${pattern} is not modelled`
    : `there is no such integration; there are ${INTEGRATIONS.join(', ')}`
  throw new RefusedTemplate(place, `Resource ${resource}: ${tells}`)
}

function checkPaths(place: string, value: unknown, nested: boolean): void {
  if (typeof value === 'string') {
    for (const [path] of value.matchAll(/\$\$?[.[][^\s,()]*|\$\$?/g)) checkPath(place, path, nested)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const isPath = key.endsWith('.$') || key.endsWith('Path') || key === 'Variable'
      if (typeof item !== 'string' || isPath) checkPaths(place, item, nested)
    }
  }
}

function checkPath(place: string, path: string, nested: boolean): void {
  if (/\.\.|\*|\[\?|\[[^\]'"]*[:,][^\]]*\]/.test(path)) {
    throw new RefusedTemplate(
      place,
      `the path ${path} may stand for several values, which the interpreter gives unlike AWS`,
    )
  }
  if (!path.startsWith('$$')) return
  const inMap = /^\$\$\.Map\.Item\.(Index|Value)/.test(path) && !nested
  if (!inMap && !CONTEXT_PATHS.some(known => path === known || path.startsWith(`${known}.`))) {
    throw new RefusedTemplate(place, `${path} of the context object is not modelled`)
  }
  if (nested && /^\$\$\.Execution(\.(Input|StartTime).*)?$/.test(path)) {
    throw new RefusedTemplate(place, `${path} inside a Map or Parallel is not modelled`)
  }
}

/**
 * The same machine for the interpreter: what it does otherwise than AWS is written out.
 *
 * @param retryScale factor on the seconds between retries; 1 as on AWS, 0 for tests
 */
export function prepareDefinition(machine: Machine, retryScale: number): StateMachineDefinition {
  const prepare = (inner: Machine): Machine => ({
    ...inner,
    States: Object.fromEntries(Object.entries(inner.States).map(([name, state]) => [name, prepareState(state)])),
  })
  const prepareState = (state: State): State => ({
    ...withoutWholeResultPath(state),
    ...(state.Type === 'Task' &&
      !('TimeoutSecondsPath' in state) && { TimeoutSeconds: state.TimeoutSeconds ?? NO_TIMEOUT }),
    ...(state.Retry && { Retry: state.Retry.map(retrier => scaled(retrier, retryScale)) }),
    ...(state.Catch && { Catch: state.Catch.map(withoutWholeResultPath) }),
    ...(state.Choices && { Choices: state.Choices.map(positive) }),
    ...(state.Branches && { Branches: state.Branches.map(prepare) }),
    ...(state.Iterator && { Iterator: prepare(state.Iterator) }),
    ...(state.ItemProcessor && { ItemProcessor: prepare(state.ItemProcessor) }),
  })
  return prepare(machine) as unknown as StateMachineDefinition
}

/** AWS waits 99,999,999 s for a task that names no time-out, the interpreter 60 s. A timer holds 24 days at most. */
const NO_TIMEOUT = 1_000_000

function scaled(retrier: Retrier, scale: number): Retrier {
  return {
    ...retrier,
    IntervalSeconds: (retrier.IntervalSeconds ?? 1) * scale,
    ...(retrier.MaxDelaySeconds !== undefined && { MaxDelaySeconds: retrier.MaxDelaySeconds * scale }),
  }
}

/** `ResultPath: "$"` is the default; the interpreter would take it for a field named `$`. */
function withoutWholeResultPath<T extends { ResultPath?: string | null } | State>(state: T): T {
  if (state.ResultPath !== '$') return state
  const { ResultPath: _, ...rest } = state
  return rest as T
}

/** `IsPresent: false` and its like never match in the interpreter: written as the negation they stand for. */
function positive(rule: Record<string, unknown>): Record<string, unknown> {
  const { Next, And, Or, Not, ...test } = rule
  const next = Next === undefined ? {} : { Next }
  if (And) return { And: (And as Record<string, unknown>[]).map(positive), ...next }
  if (Or) return { Or: (Or as Record<string, unknown>[]).map(positive), ...next }
  if (Not) return { Not: positive(Not as Record<string, unknown>), ...next }
  const negative = Object.entries(test).find(([operator, value]) => /^Is[A-Z]/.test(operator) && value === false)
  return negative ? { Not: { ...test, [negative[0]]: true }, ...next } : rule
}

/** Names and resources of all tasks, inner machines included. */
export function tasksOf(machine: Machine): { name: string; resource: string }[] {
  return Object.entries(machine.States).flatMap(([name, state]) => [
    ...(state.Type === 'Task' ? [{ name, resource: state.Resource ?? '' }] : []),
    ...innerMachines(state).flatMap(tasksOf),
  ])
}

function innerMachines(state: State): Machine[] {
  return [...(state.Branches ?? []), ...[state.Iterator, state.ItemProcessor].filter(inner => inner !== undefined)]
}

function withoutStates(state: State): object {
  const { Branches: _b, Iterator: _i, ItemProcessor: _p, ...own } = state
  return own
}
