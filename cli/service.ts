import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Target } from '#events/stages.ts'
import { notUsable } from './usage.ts'

/** The service answered with an error, or not at all. */
export class ServiceError extends Error {
  override name = 'ServiceError'
}

/**
 * Put a frame into the inbox under the telescope's prefix. The service hands out a signed address for it, so that
 * nothing but the service's own address has to be known.
 *
 * @returns the key in the inbox
 * @throws {ServiceError}
 * @throws {UsageError} the file cannot be read
 */
export async function pushFrame(path: string, telescope: string, endpoint: string): Promise<string> {
  const bytes = new Uint8Array(await readFile(path).catch(notUsable(path, 'cannot be read')))
  const key = inboxKey(telescope, path, bytes)
  const { url } = (await (await ask(endpoint, 'POST', '/api/inbox', { key })).json()) as { url: string }
  const answer = await fetch(url, { method: 'PUT', body: bytes })
  if (!answer.ok) throw new ServiceError(`the inbox refused ${key}: ${answer.status} ${await answer.text()}`)
  return key
}

/**
 * The key of a frame in the inbox: below the telescope's prefix, and below a folder named after the bytes, so that frames
 * of one name from two nights never overwrite each other.
 */
export function inboxKey(telescope: string, path: string, bytes: Uint8Array): string {
  return `${telescope}/${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}/${basename(path)}`
}

/** Register a target, so that every frame that covers it is measured there. @throws {ServiceError} */
export async function registerTarget(target: Target, endpoint: string): Promise<void> {
  await ask(endpoint, 'POST', '/api/targets', target)
}

/** The light curve of an object in one of the export formats, as the bytes of a file. @throws {ServiceError} */
export async function fetchLightCurve(object: string, format: string, endpoint: string): Promise<Uint8Array> {
  const path = `/api/objects/${encodeURIComponent(object)}/lightcurve?format=${encodeURIComponent(format)}`
  return new Uint8Array(await (await ask(endpoint, 'GET', path)).arrayBuffer())
}

async function ask(endpoint: string, method: string, path: string, body?: unknown): Promise<Response> {
  const url = new URL(path, endpoint)
  const answer = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  }).catch((error: Error) => {
    throw new ServiceError(
      `${url.origin} does not answer (${error.message}): is the service up? Give its address with --endpoint`,
    )
  })
  if (!answer.ok) throw new ServiceError(`${method} ${url.pathname}: ${answer.status} ${await answer.text()}`)
  return answer
}
