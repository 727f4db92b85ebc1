import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { FauxqsServer } from 'fauxqs'
import { REGION } from './resource-types.ts'

/** Largest object that one request may put; beyond it AWS, too, asks for a multipart upload (5 GiB there). */
const MAX_PUT_BYTES = 1 << 30

/** An object that was written, seen while it happens. */
export interface ObjectChange {
  bucket: string
  key: string
}

/** The emulators of S3, SQS, SNS (one endpoint) and DynamoDB (its own), reachable from this machine only. */
export interface Emulators {
  /** Endpoint of S3, SQS and SNS. */
  endpoint: string
  dynamodbEndpoint: string
  queueUrl(name: string): string
  fauxqs: FauxqsServer
  stop(): Promise<void>
}

export interface EmulatorOptions {
  /** Folder that keeps objects, messages and items; memory where it is absent. */
  stateFolder?: string
  ports?: { aws?: number; dynamodb?: number }
  /** Called for every object that is written, before the writer has its answer. */
  onObjectChange(change: ObjectChange): void
}

/** Start the emulators. */
export async function startEmulators(options: EmulatorOptions): Promise<Emulators> {
  const [fauxqs, dynamodb] = await Promise.all([startFauxqs(options), startDynalite(options)])
  watchObjects(fauxqs, options.onObjectChange)
  const endpoint = `http://127.0.0.1:${fauxqs.port}`
  return {
    endpoint,
    dynamodbEndpoint: `http://127.0.0.1:${(dynamodb.address() as AddressInfo).port}`,
    // Not the URL that fauxqs itself hands out: the SDK sends to the host in it, and sqs.<region>.localhost resolves nowhere.
    queueUrl: name => `${endpoint}/000000000000/${name}`,
    fauxqs,
    async stop() {
      dynamodb.closeAllConnections()
      await Promise.all([fauxqs.stop(), new Promise(resolve => dynamodb.close(resolve))])
    },
  }
}

async function startFauxqs({ stateFolder, ports }: EmulatorOptions): Promise<FauxqsServer> {
  const amend = (message: unknown) => amendFastify((message as { fastify: Fastify }).fastify)
  diagnostics.subscribe('fastify.initialization', amend)
  try {
    const { startFauxqs } = await import('fauxqs')
    return await startFauxqs({
      port: ports?.aws ?? 0,
      logger: false,
      defaultRegion: REGION,
      messageSpies: { bufferSize: 1 },
      ...(stateFolder && {
        dataDir: made(join(stateFolder, 'messages')),
        s3StorageDir: made(join(stateFolder, 'objects')),
      }),
    })
  } finally {
    diagnostics.unsubscribe('fastify.initialization', amend)
  }
}

interface Fastify {
  listen(options: { port: number; host: string }): Promise<string>
  inject(request: { method: string; url: string }): Promise<{ statusCode: number }>
  addHook(name: 'onRoute', hook: (route: { bodyLimit?: number }) => void): void
  addHook(name: 'preHandler', hook: (request: Request, reply: Reply) => Promise<unknown>): void
}

/**
 * What fauxqs lacks: objects above 11 MiB in one request, conditional puts (`If-None-Match: *`, which it ignores), and
 * being deaf to other machines.
 */
function amendFastify(fastify: Fastify): void {
  const listen = fastify.listen.bind(fastify)
  fastify.listen = options => listen({ ...options, host: '127.0.0.1' })
  fastify.addHook('onRoute', (route: { bodyLimit?: number }) => {
    route.bodyLimit = MAX_PUT_BYTES
  })

  const writing = new Map<string, Promise<void>>()
  fastify.addHook('preHandler', async (request: Request, reply: Reply) => {
    const path = request.url.split('?')[0]
    // Keys become paths of files: none may lead out of the folder.
    if (/(^|\/)\.\.(\/|$)/.test(decodeURIComponent(path))) return reply.code(400).send(INVALID_URI)
    if (request.method !== 'PUT' || request.headers['if-none-match'] !== '*') return
    // One conditional writer of a key at a time: between looking and writing no other may come.
    while (writing.has(path)) await writing.get(path)
    const done = Promise.withResolvers<void>()
    writing.set(path, done.promise)
    reply.raw.once('close', () => {
      writing.delete(path)
      done.resolve()
    })
    const present = await fastify.inject({ method: 'HEAD', url: path })
    if (present.statusCode === 200) {
      return reply.code(412).header('content-type', 'application/xml').send(PRECONDITION_FAILED)
    }
  })
}

interface Request {
  method: string
  url: string
  headers: Record<string, string | undefined>
}

interface Reply {
  raw: { once(event: 'close', listener: () => void): void }
  code(status: number): Reply
  header(name: string, value: string): Reply
  send(body: string): Reply
}

const INVALID_URI =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidURI</Code><Message>Invalid URI</Message></Error>'

const PRECONDITION_FAILED =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>PreconditionFailed</Code>' +
  '<Message>At least one of the pre-conditions you specified did not hold</Message>' +
  '<Condition>If-None-Match</Condition></Error>'

/** fauxqs sends no notifications; it tells a spy of every object instead, inside the request that writes it. */
function watchObjects({ spy }: FauxqsServer, onObjectChange: (change: ObjectChange) => void): void {
  const recorder = spy as unknown as { addMessage(message: SpyMessage): void }
  const record = recorder.addMessage.bind(recorder)
  recorder.addMessage = message => {
    record(message)
    const { service, status, bucket, key } = message
    if (service === 's3' && status === 'uploaded') onObjectChange({ bucket, key })
  }
}

interface SpyMessage {
  service: string
  status: string
  bucket: string
  key: string
}

async function startDynalite({ stateFolder, ports }: EmulatorOptions): Promise<Server> {
  const { default: dynalite } = (await import('dynalite' as string)) as { default: (options: object) => Server }
  const server = dynalite({ createTableMs: 0, ...(stateFolder && { path: made(join(stateFolder, 'items')) }) })
  server.listen(ports?.dynamodb ?? 0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function made(folder: string): string {
  mkdirSync(folder, { recursive: true })
  return folder
}
