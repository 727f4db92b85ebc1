import { FolderStore } from '#shared/folder-store.ts'
import type { ObjectStore, PutOptions } from '#shared/store.ts'

/** A folder that holds the products of one frame: the keys' prefix `products/<frameId>/` is not repeated on disk. */
export class ProductFolder implements ObjectStore {
  readonly #folder: FolderStore
  readonly #prefix: string

  constructor(folder: string, frameId: string) {
    this.#folder = new FolderStore(folder)
    this.#prefix = `products/${frameId}/`
  }

  get(key: string): Promise<Uint8Array> {
    return this.#folder.get(this.#strip(key))
  }

  range(key: string, start: number, end: number): Promise<Uint8Array> {
    return this.#folder.range(this.#strip(key), start, end)
  }

  size(key: string): Promise<number | undefined> {
    return this.#folder.size(this.#strip(key))
  }

  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean> {
    return this.#folder.put(this.#strip(key), bytes, options)
  }

  async list(prefix: string): Promise<string[]> {
    const names = await this.#folder.list(this.#strip(prefix))
    return names.map(name => this.#prefix + name)
  }

  #strip(key: string): string {
    return key.startsWith(this.#prefix) ? key.slice(this.#prefix.length) : key
  }
}
