/**
 * One execution environment of a Lambda function, in a worker thread: loads the bundle once, then answers invocations
 * one at a time, with what the Lambda runtime would answer.
 */
import { existsSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { compiledFolder } from './project-root.ts'

/** Handed over when the environment starts. */
export interface EnvironmentData {
  /** Folder of the bundle. */
  code: string
  /** `file.export`, as the template says. */
  handler: string
  name: string
  arn: string
  memoryMiB: number
}

export interface Invocation {
  requestId: string
  /** The event as JSON. */
  event: string
  deadlineMs: number
}

/** What a failed function answers. */
export interface FunctionFailure {
  errorType: string
  errorMessage: string
  trace: string[]
}

export type Reply =
  | { kind: 'ready' }
  | { kind: 'broken'; failure: FunctionFailure }
  | { kind: 'done'; requestId: string; payload: string }
  | { kind: 'failed'; requestId: string; failure: FunctionFailure }

/** Largest answer of a synchronous invocation, bytes. */
const MAX_ANSWER_BYTES = 6 * 1024 * 1024

const data = workerData as EnvironmentData
const post = (reply: Reply) => parentPort!.postMessage(reply)

// A bundle has the whole SDK in it; kept compiled, it loads with a fifth less work.
enableCompileCache(compiledFolder)

try {
  const handler = await loadHandler()
  parentPort!.on('message', (invocation: Invocation) => void answer(handler, invocation))
  post({ kind: 'ready' })
  setImmediate(flushCompileCache)
} catch (error) {
  post({ kind: 'broken', failure: failureOf(error) })
}

type Handler = (event: unknown, context: object) => unknown

async function loadHandler(): Promise<Handler> {
  const dot = data.handler.lastIndexOf('.')
  const [file, name] = [data.handler.slice(0, dot), data.handler.slice(dot + 1)]
  const path = ['.mjs', '.js', '.cjs'].map(extension => join(data.code, file + extension)).find(existsSync)
  if (path === undefined) throw named('Runtime.ImportModuleError', `Error: Cannot find module '${file}'`)
  const module = (await import(pathToFileURL(path).href)) as Record<string, unknown> & {
    default?: Record<string, unknown>
  }
  const handler = module[name] ?? module.default?.[name]
  if (typeof handler !== 'function')
    throw named('Runtime.HandlerNotFound', `${data.handler} is undefined or not exported`)
  return handler as Handler
}

async function answer(handler: Handler, { requestId, event, deadlineMs }: Invocation): Promise<void> {
  try {
    const result = await handler(JSON.parse(event), {
      callbackWaitsForEmptyEventLoop: true,
      functionName: data.name,
      functionVersion: '$LATEST',
      invokedFunctionArn: data.arn,
      memoryLimitInMB: String(data.memoryMiB),
      awsRequestId: requestId,
      logGroupName: `/aws/lambda/${data.name}`,
      logStreamName: 'local',
      getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
    })
    const payload = JSON.stringify(result) ?? 'null'
    const size = Buffer.byteLength(payload)
    if (size > MAX_ANSWER_BYTES) {
      throw named(
        'Function.ResponseSizeTooLarge',
        `Response payload size (${size} bytes) exceeded maximum allowed payload size (${MAX_ANSWER_BYTES} bytes).`,
      )
    }
    post({ kind: 'done', requestId, payload })
  } catch (error) {
    post({ kind: 'failed', requestId, failure: failureOf(error) })
  }
}

function failureOf(thrown: unknown): FunctionFailure {
  if (thrown instanceof Error) {
    return { errorType: thrown.name, errorMessage: thrown.message, trace: (thrown.stack ?? '').split('\n') }
  }
  return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] }
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}
