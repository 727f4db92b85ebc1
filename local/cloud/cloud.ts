/**
 * The cloud on one machine: the synthesised template of the stack, its state machine and its bundles, unchanged, on
 * emulators from npm, in one process. What it models and what it refuses is in README.md.
 */
import { EventEmitter } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readAssembly } from './assembly.ts'
import { type Clients, connect, environmentFor } from './clients.ts'
import { createResources } from './create-resources.ts'
import { startEmulators } from './emulators.ts'
import { type Delivery, pollQueue } from './event-source.ts'
import { Executions, type RunEvent } from './executions.ts'
import { functionUrlIds, functionUrlsOf, lambdaFunctions, machinesOf, mappingsOf } from './from-template.ts'
import { functionUrl } from './function-url.ts'
import type { LambdaFunction, LogLine } from './functions.ts'
import { type Listener, listen } from './listener.ts'
import { releaseLock, takeLock } from './lock.ts'
import { Notifications } from './notifications.ts'
import { Queues } from './queues.ts'
import type { Run } from './runs.ts'
import { LOCAL_PREFIX, runsEndpoint } from './runs-endpoint.ts'
import { checkResources, resolveStack } from './stack.ts'
import { statesEndpoint } from './states-endpoint.ts'

export interface CloudOptions {
  /** Folder of the synthesised assembly (`cdk.out`), as {@link ./synthesise.ts} makes it. */
  assembly: string
  /** Stack to run; needed only where the assembly has several. */
  stack?: string
  /** Values of template parameters. */
  parameters?: Record<string, string>
  /** Folder that keeps objects, messages, items and runs over restarts, also hard ones. Absent: memory. */
  stateFolder?: string
  /** Fixed ports; absent ones are chosen freely. */
  ports?: { url?: number; aws?: number; dynamodb?: number; states?: number }
  /** Called with a line for people at each step of starting. */
  progress?: (line: string) => void
  /** Factor on the seconds between retries of a state: 1 as on AWS, 0 for tests. */
  retryScale?: number
  /** Visibility timeout of the queues that feed functions, instead of the template's: for tests. */
  visibilitySeconds?: number
  /** Runs of state machines at once. Absent: as many as processors, at least two. */
  concurrency?: number
  faults?: Partial<Faults>
}

/** What goes wrong on purpose; may be changed while the cloud runs. */
export interface Faults {
  /** How often each batch of queue messages is delivered to its function, at once. */
  deliveries: number
}

export interface CloudEvents {
  /** Something happened in a run: it started, entered or left a state, failed, ended. */
  run: [RunEvent]
  /** A function printed a line. */
  log: [LogLine]
  /** A function had messages from a queue. */
  delivery: [Delivery]
}

export interface Cloud {
  /** The Function URL of the stack (the first, where it has several), without closing slash. */
  readonly url: string
  /** Outputs of the stack by name. */
  readonly outputs: Readonly<Record<string, string>>
  readonly clients: Clients
  /** Environment variables that make any AWS SDK or command-line client in another process talk to this cloud. */
  readonly environment: Readonly<Record<string, string>>
  readonly events: EventEmitter<CloudEvents>
  readonly faults: Faults
  /** Functions by physical name. */
  readonly functions: ReadonlyMap<string, LambdaFunction>
  /** Physical name of a resource by its logical id, or by the beginning of it where that is unique. */
  physicalName(logicalId: string): string
  /** All runs, the newest first. */
  runs(): Run[]
  /** A run by its name. */
  run(name: string): Run | undefined
  /** Take up a run that ended badly, from the state in which it ended. */
  redrive(name: string): Run
  /** Resolves when nothing is under way: no notification, no message that a function waits for, no run. */
  settled(): Promise<void>
  stop(): Promise<void>
}

/**
 * Start the cloud.
 *
 * @throws {RefusedTemplate} the template asks for something that is not modelled; nothing is left running
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const progress = options.progress ?? (() => {})
  const assembly = readAssembly(options.assembly, options.stack)
  checkResources(assembly)

  const closers: (() => unknown)[] = []
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    if (options.stateFolder) closers.push(occupy(options.stateFolder))
    const events = new EventEmitter<CloudEvents>()
    events.setMaxListeners(0) // one for every frame that somebody waits for
    const faults: Faults = { deliveries: 1, ...options.faults }

    progress('Starting the emulators of S3, SQS, SNS and DynamoDB')
    let notifications: Notifications | undefined
    const emulators = await startEmulators({
      stateFolder: options.stateFolder,
      ports: options.ports,
      onObjectChange: change => notifications?.notify(change),
    })
    closers.push(() => emulators.stop())

    // Servers first: their addresses are values in the template.
    const states = await listen(options.ports?.states)
    closers.push(states.close)
    const urls = new Map<string, Listener>()
    for (const logicalId of functionUrlIds(assembly.template)) {
      const listener = await listen(urls.size === 0 ? options.ports?.url : undefined)
      urls.set(logicalId, listener)
      closers.push(listener.close)
    }

    const environment = environmentFor(emulators.endpoint, emulators.dynamodbEndpoint, states.url)
    const clients = connect(environment)
    closers.push(() => {
      for (const client of Object.values(clients)) client.destroy()
    })

    const queues = new Queues(emulators, clients.sqs)

    const stack = resolveStack(
      assembly,
      { queueUrl: emulators.queueUrl, functionUrl: logicalId => `${urls.get(logicalId)!.url}/` },
      options.parameters ?? {},
    )

    progress('Creating buckets, queues, topics and tables')
    notifications = new Notifications(stack, {
      s3: clients.s3,
      send: (queueArn, body) => queues.send(queueArn, body),
      stateFolder: options.stateFolder,
    })
    const functions = lambdaFunctions(stack, assembly, environment, line => events.emit('log', line))
    closers.push(() => Promise.all([...functions.values()].map(target => target.stop())))
    const findFunction = (arnOrName: string) => functions.get(arnOrName.split(':function:').at(-1)!.split(':')[0])
    const mappings = mappingsOf(stack, findFunction, emulators.queueUrl)
    const executions = new Executions({
      machines: machinesOf(stack),
      integrations: { ...clients, function: findFunction },
      folder: options.stateFolder && `${options.stateFolder}/runs`,
      retryScale: options.retryScale ?? 1,
      concurrency: options.concurrency,
    })
    closers.push(() => executions.stop())
    executions.events.on('record', event => events.emit('run', event))

    const { fresh } = await createResources(stack, clients, {
      visibilitySeconds: options.visibilitySeconds,
      fedQueues: mappings.map(({ queueUrl }) => queueUrl),
      queueUrl: emulators.queueUrl,
    })
    if (fresh) notifications.sendTestEvents()

    states.serve(statesEndpoint(executions))
    const runs = runsEndpoint(executions)
    for (const { logicalId, target, cors } of functionUrlsOf(stack, findFunction)) {
      const pages = functionUrl(target, cors)
      urls.get(logicalId)!.serve((request, response) => {
        const serve = request.url?.startsWith(LOCAL_PREFIX) ? runs : pages
        serve(request, response)
      })
    }

    for (const { queueArn } of mappings) await queues.showAgain(queueArn)
    executions.resumeAll()
    await notifications.resume()
    const polling = new AbortController()
    const pollers = mappings.map(mapping =>
      pollQueue(
        mapping,
        {
          sqs: clients.sqs,
          deliveries: () => faults.deliveries,
          onDelivery: delivery => events.emit('delivery', delivery),
        },
        polling.signal,
      ),
    )
    closers.push(() => polling.abort())
    progress('The local cloud is up')

    const busy = () =>
      notifications.open +
      executions.unfinished +
      mappings.reduce((sum, { queueArn }) => sum + queues.count(queueArn), 0)
    const byName = (name: string) => executions.list().find(run => run.name === name)

    return {
      url: [...urls.values()][0]?.url ?? '',
      outputs: stack.outputs,
      clients,
      environment,
      events,
      faults,
      functions,
      physicalName: prefix => {
        const ids = Object.keys(assembly.template.Resources).filter(logicalId => logicalId.startsWith(prefix))
        const found = ids.filter(logicalId => logicalId === prefix).concat(ids.length === 1 ? ids : [])[0]
        if (found === undefined) throw new Error(`${ids.length} resources begin with ${prefix}: ${ids.join(', ')}`)
        return stack.physical(found)
      },
      runs: () => executions.list(),
      run: byName,
      redrive: name => executions.redrive(byName(name)?.arn ?? name),
      async settled() {
        // Twice in a row: between two parts of the way something may be in neither.
        for (let quiet = 0; quiet < 2; quiet = busy() === 0 ? quiet + 1 : 0) await sleep(10)
      },
      async stop() {
        await stop()
        await Promise.all(pollers)
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Keep other clouds out of a state folder. @returns what lets them in again */
function occupy(stateFolder: string): () => void {
  mkdirSync(stateFolder, { recursive: true })
  const lock = join(stateFolder, 'lock')
  const holder = takeLock(lock)
  if (holder !== undefined) throw new Error(`The state folder ${stateFolder} is in use by process ${holder}.`)
  return () => releaseLock(lock)
}
