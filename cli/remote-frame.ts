import { CpcsError } from '#shared/errors.ts'
import { isWrapped } from '#shared/fits/compressed-stream.ts'
import type { Hdu } from '#shared/fits/file.ts'
import { remoteHeaders } from '#shared/fits/remote-headers.ts'
import type { ObjectStore } from '#shared/store.ts'
import { UsageError } from './usage.ts'

/** The headers of a frame on a web server, and how little of it was fetched for them. */
export interface RemoteFrame {
  hdus: Hdu[]
  bytes: number
  fetchedBytes: number
}

const FIRST_BYTES = 64

/**
 * Fetch the headers of a frame by range requests. A server that knows no ranges, and a frame compressed as a whole, give
 * the whole file.
 *
 * @throws {UsageError} the server does not answer, or with an error
 * @throws {CpcsError} as `remoteHeaders`
 */
export async function fetchFrame(url: string): Promise<Uint8Array | RemoteFrame> {
  const start = await ask(url, `bytes=0-${FIRST_BYTES - 1}`)
  const size = Number(/\/(\d+)$/.exec(start.headers.get('content-range') ?? '')?.[1])
  const first = new Uint8Array(await start.arrayBuffer())
  if (start.status !== 206 || !(size > 0)) return first
  if (isWrapped(first)) return new Uint8Array(await (await ask(url)).arrayBuffer())
  const range = async (from: number, to: number) =>
    new Uint8Array(await (await ask(url, `bytes=${from}-${to - 1}`)).arrayBuffer())
  return headersBy(range, size, first.length)
}

/**
 * Fetch the headers of a frame in an object store by reading ranges; a frame that is compressed as a whole is read whole.
 *
 * @throws {CpcsError} ObjectMissing, StoreUnavailable; as `remoteHeaders`
 */
export async function frameInStore(store: ObjectStore, key: string): Promise<Uint8Array | RemoteFrame> {
  const size = await store.size(key)
  if (size === undefined) throw new CpcsError('ObjectMissing', { key })
  const first = await store.range(key, 0, FIRST_BYTES)
  if (isWrapped(first)) return store.get(key)
  return headersBy((from, to) => store.range(key, from, to), size, first.length)
}

async function headersBy(
  range: (from: number, to: number) => Promise<Uint8Array>,
  bytes: number,
  fetched: number,
): Promise<RemoteFrame> {
  let fetchedBytes = fetched
  const counted = async (from: number, to: number) => {
    const piece = await range(from, to)
    fetchedBytes += piece.length
    return piece
  }
  const hdus = await remoteHeaders(counted, bytes)
  return { hdus, bytes, fetchedBytes }
}

async function ask(url: string, range?: string): Promise<Response> {
  const answer = await fetch(url, { headers: range === undefined ? {} : { range } }).catch((error: Error) => {
    throw new UsageError(
      `${url} does not answer: ${error.cause instanceof Error ? error.cause.message : error.message}`,
    )
  })
  if (!answer.ok) throw new UsageError(`${url} answers ${answer.status} ${answer.statusText}`)
  return answer
}
