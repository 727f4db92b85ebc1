import { createHash } from 'node:crypto'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { CpcsError } from '#shared/errors.ts'
import { isOutage, statusOf } from '#shared/outage.ts'
import type { ObjectStore, PutOptions } from '#shared/store.ts'

/** A bucket as object store. */
export class S3Store implements ObjectStore {
  readonly bucket: string
  readonly #client: S3Client

  constructor(bucket: string, client: S3Client) {
    this.bucket = bucket
    this.#client = client
  }

  async get(key: string): Promise<Uint8Array> {
    return this.#read(key)
  }

  async range(key: string, start: number, end: number): Promise<Uint8Array> {
    if (end <= start) return new Uint8Array(0)
    return this.#read(key, `bytes=${start}-${end - 1}`)
  }

  async size(key: string): Promise<number | undefined> {
    try {
      const head = await this.#client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }))
      return head.ContentLength
    } catch (error) {
      if (statusOf(error) === 404) return undefined
      throw translated(error, key)
    }
  }

  async put(key: string, bytes: Uint8Array, { contentType, ifAbsent }: PutOptions = {}): Promise<boolean> {
    // asking first spares the upload; the condition decides where two writers meet
    if (ifAbsent && (await this.size(key)) !== undefined) return false
    try {
      await this.#client.send(
        new PutObjectCommand({
          Bucket: this.bucket,
          Key: key,
          Body: bytes,
          ContentType: contentType,
          IfNoneMatch: ifAbsent ? '*' : undefined,
        }),
      )
      return true
    } catch (error) {
      if (ifAbsent && (statusOf(error) === 412 || statusOf(error) === 409)) return false
      throw translated(error, key)
    }
  }

  async list(prefix: string): Promise<string[]> {
    const keys: string[] = []
    let token: string | undefined
    do {
      const page = await this.#client
        .send(new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, ContinuationToken: token }))
        .catch((error: unknown) => {
          throw translated(error, prefix)
        })
      for (const { Key } of page.Contents ?? []) if (Key) keys.push(Key)
      token = page.NextContinuationToken
    } while (token)
    return keys.sort()
  }

  /**
   * The SHA-256 of an object, read as a stream, and what tells this version of it from others; undefined where there
   * is no such object.
   *
   * @throws {CpcsError} StoreUnavailable
   */
  async digest(key: string): Promise<{ sha256: string; version: string } | undefined> {
    try {
      const { Body, VersionId, ETag } = await this.#client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }))
      const hash = createHash('sha256')
      for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk)
      return { sha256: hash.digest('hex'), version: VersionId ?? ETag ?? '' }
    } catch (error) {
      if (statusOf(error) === 404) return undefined
      throw translated(error, key)
    }
  }

  async #read(key: string, range?: string): Promise<Uint8Array> {
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key, Range: range }))
      return (await Body?.transformToByteArray()) ?? new Uint8Array(0)
    } catch (error) {
      if (statusOf(error) === 416) return new Uint8Array(0) // a range behind the end holds nothing
      throw translated(error, key)
    }
  }
}

function translated(error: unknown, key: string): unknown {
  if (statusOf(error) === 404) return new CpcsError('ObjectMissing', { key }, { cause: error })
  if (isOutage(error)) return new CpcsError('StoreUnavailable', { cause: String(error) }, { cause: error })
  return error
}
