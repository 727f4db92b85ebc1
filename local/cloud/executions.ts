import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { availableParallelism } from 'node:os'
import type { StateMachineDefinition } from 'aws-local-stepfunctions'
import { isExecutionName } from './execution-names.ts'
import { type IntegrationDeps, MAX_STATE_BYTES, runTask } from './integrations.ts'
import { interpret, validate } from './interpretation.ts'
import { Journal } from './journal.ts'
import { RefusedTemplate } from './refused-template.ts'
import { ACCOUNT, REGION } from './resource-types.ts'
import type { Run, RunRecord } from './runs.ts'
import { checkDefinition, type Machine, prepareDefinition, tasksOf } from './states-language.ts'

/** An error of the Step Functions API; `name` is its type. */
export class StatesApiError extends Error {
  constructor(type: string, message: string) {
    super(message)
    this.name = type
  }
}

/** A state machine of the template. */
export interface MachineDescription {
  name: string
  arn: string
  definition: Machine
}

interface Prepared extends MachineDescription {
  prepared: StateMachineDefinition
  tasks: { name: string; resource: string }[]
  usesInput: boolean
}

export interface ExecutionOptions {
  machines: MachineDescription[]
  integrations: IntegrationDeps
  /** Folder that keeps the runs. */
  folder?: string
  retryScale: number
  /** Runs at once; later ones wait for their turn, as RUNNING. Absent: as many as processors, at least two. */
  concurrency?: number
}

export interface RunEvent {
  run: Run
  record: RunRecord
}

/**
 * Executions of the state machines: the rules of StartExecution on names, the way through the states on the
 * interpreter, the history, and taking up after a kill what had not come to its end.
 */
export class Executions {
  readonly events = new EventEmitter<{ record: [RunEvent] }>()
  readonly #machines: Map<string, Prepared>
  readonly #integrations: IntegrationDeps
  readonly #journal: Journal
  readonly #runs = new Map<string, Run>()
  readonly #concurrency: number
  readonly #waiting: (() => Promise<void>)[] = []
  readonly #aborts = new Map<string, () => void>()
  #active = 0
  #stopped = false

  /** @throws {RefusedTemplate} a definition that the interpreter would run unlike AWS */
  constructor(options: ExecutionOptions) {
    this.#machines = new Map(
      options.machines.map(machine => {
        checkDefinition(machine.name, machine.definition)
        checkValid(machine)
        return [
          machine.arn,
          {
            ...machine,
            prepared: prepareDefinition(machine.definition, options.retryScale),
            tasks: tasksOf(machine.definition),
            usesInput: JSON.stringify(machine.definition).includes('$$.Execution.Input'),
          },
        ]
      }),
    )
    this.#integrations = options.integrations
    this.#concurrency = options.concurrency ?? Math.max(2, availableParallelism())
    this.#journal = new Journal(options.folder)
  }

  /** All runs, the newest first. */
  list(): Run[] {
    return [...this.#runs.values()].sort((a, b) => b.startedAt - a.startedAt)
  }

  get(arn: string): Run | undefined {
    return this.#runs.get(arn)
  }

  /** How many runs have not ended. */
  get unfinished(): number {
    return this.#active + this.#waiting.length
  }

  machine(arn: string): MachineDescription | undefined {
    return this.#machines.get(arn)
  }

  /**
   * Start an execution.
   *
   * @param input JSON text
   * @returns the run: the one that runs already where name and input are the same
   * @throws {StatesApiError} StateMachineDoesNotExist, InvalidName, InvalidExecutionInput, ExecutionAlreadyExists
   */
  start(machineArn: string, input = '{}', name: string = randomUUID()): Run {
    const machine = this.#machines.get(machineArn)
    if (machine === undefined) {
      throw new StatesApiError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${machineArn}'`)
    }
    if (!isExecutionName(name)) throw new StatesApiError('InvalidName', `Invalid Name: '${name}'`)
    if (Buffer.byteLength(input) > MAX_STATE_BYTES) {
      throw new StatesApiError('InvalidExecutionInput', 'The input is longer than 262144 bytes')
    }
    const value = parsedInput(input)
    const arn = `arn:aws:states:${REGION}:${ACCOUNT}:execution:${machine.name}:${name}`
    const present = this.#runs.get(arn)
    if (present !== undefined) {
      const started = present.records.find(record => record.type === 'started')
      if (present.status === 'RUNNING' && started?.input === input) return present
      throw new StatesApiError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`)
    }
    const run: Run = {
      name,
      machine: machine.name,
      arn,
      status: 'RUNNING',
      startedAt: Date.now(),
      input: value,
      redriveCount: 0,
      records: [],
    }
    this.#runs.set(arn, run)
    this.#record(run, { type: 'started', at: run.startedAt, name, machine: machine.name, input })
    this.#enqueue(run, machine, machine.prepared, value)
    return run
  }

  /**
   * Take up a run that ended badly, from the state in which it ended.
   *
   * @throws {StatesApiError} ExecutionDoesNotExist, ExecutionNotRedrivable
   */
  redrive(arn: string): Run {
    const run = this.#runs.get(arn)
    if (run === undefined) throw new StatesApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`)
    if (run.status === 'RUNNING' || run.status === 'SUCCEEDED') {
      throw new StatesApiError('ExecutionNotRedrivable', `Execution is ${run.status} and can not be redriven`)
    }
    run.redriveCount++
    this.#resume(run, { redriven: true })
    return run
  }

  /** Abort a run. @throws {StatesApiError} ExecutionDoesNotExist */
  abort(arn: string): Run {
    const run = this.#runs.get(arn)
    if (run === undefined) throw new StatesApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`)
    if (run.status === 'RUNNING') {
      this.#record(run, { type: 'ended', at: Date.now(), status: 'ABORTED' })
      this.#aborts.get(arn)?.()
    }
    return run
  }

  /** Read the kept runs and go on with those that a killed process left unfinished. */
  resumeAll(): void {
    for (const records of this.#journal.read()) {
      const run = this.#replay(records)
      if (run === undefined) continue
      this.#runs.set(run.arn, run)
      if (run.status === 'RUNNING') this.#resume(run, { resumed: true })
    }
  }

  /** Stop; unfinished runs stay unfinished in the journal and go on at the next start. */
  stop(): void {
    this.#stopped = true
    this.#waiting.length = 0
    for (const abort of this.#aborts.values()) abort()
    this.#journal.closeAll()
  }

  #replay(records: RunRecord[]): Run | undefined {
    const first = records[0]
    if (first.type !== 'started') return undefined
    const run: Run = {
      name: first.name,
      machine: first.machine,
      arn: `arn:aws:states:${REGION}:${ACCOUNT}:execution:${first.machine}:${first.name}`,
      status: 'RUNNING',
      startedAt: first.at,
      input: JSON.parse(first.input),
      redriveCount: records.filter(record => record.type === 'started' && record.redriven).length,
      records,
    }
    for (const record of records) apply(run, record)
    return run
  }

  #resume(run: Run, how: { resumed?: boolean; redriven?: boolean }): void {
    const machine = [...this.#machines.values()].find(({ name }) => name === run.machine)
    const first = run.records[0] as Extract<RunRecord, { type: 'started' }>
    this.#record(run, { ...first, at: Date.now(), ...how })
    if (machine === undefined) {
      this.#record(run, {
        type: 'ended',
        at: Date.now(),
        status: 'ABORTED',
        cause: 'The stack no longer has its machine.',
      })
      return
    }
    const last = run.records.findLast(
      record => record.type === 'entered' && Object.hasOwn(machine.definition.States, record.state),
    ) as Extract<RunRecord, { type: 'entered' }> | undefined
    // A run that looks at its own input can only start anew: the interpreter takes the input of its first state for it.
    if (last === undefined || machine.usesInput) this.#enqueue(run, machine, machine.prepared, run.input)
    else this.#enqueue(run, machine, { ...machine.prepared, StartAt: last.state }, last.input)
  }

  #enqueue(run: Run, machine: Prepared, definition: StateMachineDefinition, input: unknown): void {
    this.#waiting.push(() => this.#perform(run, machine, definition, input))
    this.#next()
  }

  #next(): void {
    while (this.#active < this.#concurrency && this.#waiting.length > 0) {
      this.#active++
      void this.#waiting.shift()!().finally(() => {
        this.#active--
        this.#next()
      })
    }
  }

  async #perform(run: Run, machine: Prepared, definition: StateMachineDefinition, input: unknown): Promise<void> {
    if (run.status !== 'RUNNING' || this.#stopped) return
    const turn = run.redriveCount
    const { abort, done } = interpret({
      definition,
      input,
      context: {
        Execution: { Id: run.arn, Name: run.name, RedriveCount: turn, RoleArn: roleArn },
        StateMachine: { Id: machine.arn, Name: machine.name },
      },
      tasks: machine.tasks,
      runTask: (state, resource, parameters) => runTask(this.#integrations, state, resource, parameters),
      // What comes late, from a run that was aborted or has been taken up again, is not told.
      tell: record => run.status === 'RUNNING' && run.redriveCount === turn && this.#record(run, record),
    })
    this.#aborts.set(run.arn, abort)
    await done
    if (run.redriveCount === turn) this.#aborts.delete(run.arn)
  }

  #record(run: Run, record: RunRecord): void {
    if (this.#stopped) return
    run.records.push(record)
    apply(run, record)
    this.#journal.append(journalKey(run), record)
    if (record.type === 'ended') this.#journal.close(journalKey(run))
    this.events.emit('record', { run, record })
  }
}

/** @throws {RefusedTemplate} in the words of the validator */
function checkValid({ name, definition }: MachineDescription): void {
  try {
    validate(definition)
  } catch (error) {
    throw new RefusedTemplate(name, (error as Error).message)
  }
}

const roleArn = `arn:aws:iam::${ACCOUNT}:role/local`

/** Runs of different machines may have the same name. */
function journalKey(run: Run): string {
  return `${run.machine}.${run.name}`
}

/** What a record changes in the state of a run. */
function apply(run: Run, record: RunRecord): void {
  if (record.type === 'started') {
    Object.assign(run, { status: 'RUNNING', endedAt: undefined, error: undefined, cause: undefined })
  }
  if (record.type === 'ended') {
    const { status, at, output, error, cause } = record
    Object.assign(run, { status, endedAt: at, output, error, cause })
  }
}

function parsedInput(input: string): unknown {
  try {
    return JSON.parse(input)
  } catch (error) {
    throw new StatesApiError(
      'InvalidExecutionInput',
      `Invalid State Machine Execution Input: '${(error as Error).message}'`,
    )
  }
}
