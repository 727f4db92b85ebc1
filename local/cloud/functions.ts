import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { Worker } from 'node:worker_threads'
import type { EnvironmentData, FunctionFailure, Invocation, Reply } from './function-worker.ts'

/** A Lambda function as the template describes it. */
export interface FunctionDescription extends EnvironmentData {
  environment: Record<string, string>
  timeoutSeconds: number
  /** Most invocations at once; absent: as many as the machine has processors, at most two. */
  concurrency?: number
}

/** A function ended in an error: what `Invoke` answers with FunctionError set. */
export class FunctionError extends Error {
  readonly failure: FunctionFailure

  constructor(failure: FunctionFailure) {
    super(failure.errorMessage)
    this.name = failure.errorType
    this.failure = failure
  }
}

/** A function did not answer: it was killed for its time or its memory, or ended its process. */
export class FunctionLost extends Error {
  readonly failure: { errorType: string; errorMessage: string }

  constructor(errorType: 'Sandbox.Timedout' | 'Runtime.ExitError', errorMessage: string) {
    super(errorMessage)
    this.name = errorType
    this.failure = { errorType, errorMessage }
  }
}

export interface LogLine {
  function: string
  line: string
}

/** Time that a bundle may take to load, as on AWS. */
const LOAD_SECONDS = 10

/** How often an environment's memory is looked at while it works. */
const MEMORY_CHECK_MS = 250

/** Largest event of a synchronous invocation, bytes. */
const MAX_EVENT_BYTES = 6 * 1024 * 1024

interface Job {
  event: string
  resolve(payload: string): void
  reject(error: Error): void
}

/** One Lambda function: a pool of execution environments, each doing one invocation at a time. */
export class LambdaFunction {
  readonly description: FunctionDescription
  #onLog: (line: LogLine) => void
  #idle: Environment[] = []
  #all = new Set<Environment>()
  #waiting: Job[] = []
  #stopped = false

  constructor(description: FunctionDescription, onLog: (line: LogLine) => void) {
    this.description = description
    this.#onLog = onLog
  }

  /** How many invocations run at once at most. */
  get concurrency(): number {
    return this.description.concurrency ?? Math.min(2, availableParallelism())
  }

  /**
   * Invoke the function.
   *
   * @param event JSON value
   * @returns its answer, a JSON value
   * @throws {FunctionError} what the function threw, {FunctionLost} where it never answered
   */
  async invoke(event: unknown): Promise<unknown> {
    const text = JSON.stringify(event) ?? 'null'
    if (Buffer.byteLength(text) > MAX_EVENT_BYTES) {
      throw Object.assign(new Error(`${Buffer.byteLength(text)} byte payload is too large for the event`), {
        name: 'RequestTooLargeException',
      })
    }
    const payload = await new Promise<string>((resolve, reject) => {
      this.#waiting.push({ event: text, resolve, reject })
      this.#next()
    })
    return JSON.parse(payload)
  }

  /** End all environments; invocations under way are lost. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('The local cloud was stopped'))
    await Promise.all([...this.#all].map(environment => environment.end()))
  }

  #next(): void {
    while (this.#waiting.length > 0 && !this.#stopped) {
      if (this.#idle.length === 0 && this.#all.size >= this.concurrency) return
      const environment = this.#idle.pop() ?? this.#start()
      const job = this.#waiting.shift()!
      environment
        .run(job.event)
        .then(job.resolve, job.reject)
        .finally(() => {
          if (environment.usable) this.#idle.push(environment)
          this.#next()
        })
    }
  }

  #start(): Environment {
    const environment = new Environment(this.description, this.#onLog, () => {
      this.#all.delete(environment)
      this.#idle = this.#idle.filter(other => other !== environment)
    })
    this.#all.add(environment)
    return environment
  }
}

/** One execution environment: a worker thread with the template's variables and nothing else of this process. */
class Environment {
  usable = true
  #description: FunctionDescription
  #worker: Worker
  #ready = Promise.withResolvers<void>()
  #current: { requestId: string; resolve(payload: string): void; reject(error: Error): void } | undefined

  constructor(description: FunctionDescription, onLog: (line: LogLine) => void, onGone: () => void) {
    const { environment, name, memoryMiB, arn, code, handler } = description
    this.#description = description
    this.#ready.promise.catch(() => {}) // told by run()
    this.#worker = new Worker(new URL('./function-worker.ts', import.meta.url), {
      workerData: { code, handler, name, arn, memoryMiB } satisfies EnvironmentData,
      env: { ...environment },
      execArgv: ['--disable-warning=ExperimentalWarning', ...(environment.NODE_OPTIONS?.split(' ') ?? [])],
      stdout: true,
      stderr: true,
    })
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) {
      createInterface(stream).on('line', line => onLog({ function: name, line }))
    }
    this.#worker.on('message', (reply: Reply) => this.#hear(reply))
    this.#worker.on('error', error => this.#lost(exitError(error)))
    this.#worker.on('exit', status => {
      this.#lost(`exit status ${status}`)
      onGone()
    })
  }

  async run(event: string): Promise<string> {
    const { timeoutSeconds } = this.#description
    await this.#within(LOAD_SECONDS, this.#ready.promise)
    const requestId = randomUUID()
    const answer = new Promise<string>((resolve, reject) => (this.#current = { requestId, resolve, reject }))
    const deadlineMs = Date.now() + timeoutSeconds * 1000
    this.#worker.postMessage({ requestId, event, deadlineMs } satisfies Invocation)
    const watch = setInterval(() => void this.#checkMemory(), MEMORY_CHECK_MS)
    try {
      return await this.#within(timeoutSeconds, answer)
    } finally {
      clearInterval(watch)
    }
  }

  /**
   * End an environment that holds more than its memory, heap and pixels together. The thread's own resource limits
   * would not do: they leave out pixels, and a heap that grows fast beyond them ends the whole process.
   */
  async #checkMemory(): Promise<void> {
    const held = await this.#worker.getHeapStatistics().catch(() => undefined)
    if (held === undefined || this.#current === undefined) return
    const heldMiB = (held.used_heap_size + held.external_memory) / 2 ** 20
    if (heldMiB <= this.#description.memoryMiB) return
    this.#lost(`signal: killed (${Math.round(heldMiB)} MiB of memory held)`)
    await this.end()
  }

  async end(): Promise<void> {
    this.usable = false
    await this.#worker.terminate()
  }

  async #within<T>(seconds: number, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const words = `RequestId: ${this.#current?.requestId ?? 'init'} Error: Task timed out after ${seconds.toFixed(2)} seconds`
        this.#current = undefined
        void this.end()
        reject(new FunctionLost('Sandbox.Timedout', words))
      }, seconds * 1000)
    })
    try {
      return await Promise.race([work, late])
    } finally {
      clearTimeout(timer)
    }
  }

  #hear(reply: Reply): void {
    if (reply.kind === 'ready') {
      this.#ready.resolve()
      return
    }
    if (reply.kind === 'broken') {
      this.#ready.reject(new FunctionError(reply.failure))
      void this.end()
      return
    }
    const current = this.#current
    if (current?.requestId !== reply.requestId) return
    this.#current = undefined
    if (reply.kind === 'done') current.resolve(reply.payload)
    else current.reject(new FunctionError(reply.failure))
  }

  #lost(why: string): void {
    this.usable = false
    const current = this.#current
    this.#current = undefined
    const words = `RequestId: ${current?.requestId ?? 'init'} Error: Runtime exited with error: ${why}`
    const error = new FunctionLost('Runtime.ExitError', words)
    current?.reject(error)
    this.#ready.reject(error)
  }
}

function exitError(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
