/**
 * What was loaded last, up to so many bytes; what was not used for longest is forgotten first. Who asks for something
 * that is being loaded waits for it: concurrent misses load once. What could not be loaded is not kept.
 */
export class ByteCache<T> {
  readonly #maxBytes: number
  readonly #bytesOf: (value: T) => number
  /** In order of use, the last one last. */
  readonly #kept = new Map<string, { value: T; bytes: number }>()
  readonly #loading = new Map<string, Promise<T>>()
  #bytes = 0

  constructor(maxBytes: number, bytesOf: (value: T) => number) {
    this.#maxBytes = maxBytes
    this.#bytesOf = bytesOf
  }

  /** Bytes kept now. */
  get bytes(): number {
    return this.#bytes
  }

  /** The value of a key, loaded where it is not kept. @throws what `load` throws */
  async get(key: string, load: () => Promise<T>): Promise<T> {
    const kept = this.#kept.get(key)
    if (kept) {
      this.#kept.delete(key)
      this.#kept.set(key, kept)
      return kept.value
    }
    const loading = this.#loading.get(key) ?? this.#load(key, load)
    return loading
  }

  #load(key: string, load: () => Promise<T>): Promise<T> {
    const loading = load()
      .then(value => {
        this.#keep(key, value)
        return value
      })
      .finally(() => this.#loading.delete(key))
    this.#loading.set(key, loading)
    return loading
  }

  #keep(key: string, value: T): void {
    const bytes = this.#bytesOf(value)
    this.#kept.set(key, { value, bytes })
    this.#bytes += bytes
    for (const [oldest, { bytes: freed }] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break
      this.#kept.delete(oldest)
      this.#bytes -= freed
    }
  }
}
