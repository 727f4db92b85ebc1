import { CpcsError } from '#shared/errors.ts'
import type { ObjectStore } from '#shared/store.ts'
import type { WebAnswer, WebClient } from './web-client.ts'

/**
 * Files below an address as object store, to be read only: a HATS catalogue on a web server, or in a public bucket,
 * which is read as anybody may, without a name.
 */
export class WebStore implements ObjectStore {
  readonly #base: string
  readonly #web: WebClient

  /** @param base http:// or https:// address, or s3://BUCKET/PREFIX of a bucket open to the public */
  constructor(base: string, web: WebClient) {
    this.#base = webAddress(base).replace(/\/*$/, '/')
    this.#web = web
  }

  async get(key: string): Promise<Uint8Array> {
    const answer = await this.#ask(key)
    if (answer.status !== 200) throw this.#refused(key, answer)
    return answer.body
  }

  async range(key: string, start: number, end: number): Promise<Uint8Array> {
    if (end <= start) return new Uint8Array(0)
    const answer = await this.#ask(key, { headers: { range: `bytes=${start}-${end - 1}` } })
    if (answer.status === 416) return new Uint8Array(0)
    // a server that knows no ranges sends everything
    if (answer.status === 200) return answer.body.subarray(start, end)
    if (answer.status !== 206) throw this.#refused(key, answer)
    const told = /^bytes (\d+)-(\d+)\//.exec(answer.headers.get('content-range') ?? '')
    const [first, last] = told ? [Number(told[1]), Number(told[2])] : [start, start + answer.body.length - 1]
    // a cache on the way may give what somebody else had asked for
    if (first !== start || last >= end || last - first + 1 !== answer.body.length)
      throw new Error(
        `${this.#base}${key} sent ${answer.body.length} bytes as ${first} to ${last}, asked for ${start} to ${end - 1}`,
      )
    return answer.body
  }

  async size(key: string): Promise<number | undefined> {
    const answer = await this.#ask(key, { method: 'HEAD' })
    if (isMissing(answer)) return undefined
    if (answer.status !== 200) throw this.#refused(key, answer)
    const length = answer.headers.get('content-length')
    return length === null ? (await this.get(key)).length : Number(length)
  }

  async put(): Promise<boolean> {
    throw new Error(`${this.#base} is read only`)
  }

  /** Names in one folder: from the listing of a bucket, or from the page that web servers make of a folder. */
  async list(prefix: string): Promise<string[]> {
    const bucket = /^(https:\/\/[^/]+\.s3[.-][^/]*amazonaws\.com\/)(.*)$/.exec(this.#base)
    if (bucket) return this.#listBucket(bucket[1], bucket[2], prefix)
    const answer = await this.#ask(prefix)
    if (isMissing(answer)) return []
    if (answer.status !== 200) throw this.#refused(prefix, answer)
    const names = [...new TextDecoder().decode(answer.body).matchAll(/href="(?:\.\/)?([^"/?#]+)"/g)].map(
      ([, name]) => name,
    )
    return names.map(name => prefix + decodeURIComponent(name)).sort()
  }

  async #listBucket(address: string, base: string, prefix: string): Promise<string[]> {
    const keys: string[] = []
    let token: string | undefined
    do {
      const query = new URLSearchParams({ 'list-type': '2', prefix: base + prefix })
      if (token) query.set('continuation-token', token)
      const answer = await this.#web.ask(`${address}?${query}`)
      if (answer.status !== 200) throw this.#refused(prefix, answer)
      const text = new TextDecoder().decode(answer.body)
      for (const [, key] of text.matchAll(/<Key>([^<]+)<\/Key>/g)) keys.push(key.slice(base.length))
      token = /<NextContinuationToken>([^<]+)</.exec(text)?.[1]
    } while (token)
    return keys.sort()
  }

  #ask(key: string, request: Parameters<WebClient['ask']>[1] = {}): Promise<WebAnswer> {
    const path = key.split('/').map(part => encodeURIComponent(part).replaceAll('%3D', '='))
    return this.#web.ask(this.#base + path.join('/'), request)
  }

  #refused(key: string, answer: WebAnswer): Error {
    if (isMissing(answer)) return new CpcsError('ObjectMissing', { key: this.#base + key })
    return new Error(`${this.#base}${key} answered ${answer.status}`)
  }
}

/** Buckets that may not be listed say "forbidden" of what is not there. */
function isMissing({ status }: WebAnswer): boolean {
  return status === 404 || status === 410 || status === 403
}

function webAddress(base: string): string {
  const bucket = /^s3:\/\/([^/]+)\/?(.*)$/.exec(base)
  return bucket ? `https://${bucket[1]}.s3.amazonaws.com/${bucket[2]}` : base
}
