import { createHash } from 'node:crypto'
import { CpcsError } from './errors.ts'
import type { ObjectStore, PutOptions } from './store.ts'

/**
 * A store whose objects are taken only if they still are the bytes that are meant. Between the intake and the first
 * stage a telescope may overwrite its file: the new bytes must not go by the identity of the old.
 */
export class ObjectsByDigest implements ObjectStore {
  readonly #store: ObjectStore
  readonly #sha256: string

  /** @param sha256 of the object that is meant, lower-case hexadecimal */
  constructor(store: ObjectStore, sha256: string) {
    this.#store = store
    this.#sha256 = sha256
  }

  /** @throws {CpcsError} ObjectReplaced, and what the store throws */
  async get(key: string): Promise<Uint8Array> {
    const bytes = await this.#store.get(key)
    if (createHash('sha256').update(bytes).digest('hex') !== this.#sha256)
      throw new CpcsError('ObjectReplaced', { key })
    return bytes
  }

  /** @throws {CpcsError} ObjectReplaced: a part can be judged by the whole alone */
  async range(key: string, start: number, end: number): Promise<Uint8Array> {
    return (await this.get(key)).subarray(start, end)
  }

  size(key: string): Promise<number | undefined> {
    return this.#store.size(key)
  }

  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    return this.#store.put(key, bytes, options)
  }

  list(prefix: string): Promise<string[]> {
    return this.#store.list(prefix)
  }
}
