import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { CpcsError } from './errors.ts'
import type { ObjectStore, PutOptions } from './store.ts'

/** A folder as object store: keys are paths below it; an object appears by rename, so never half written. */
export class FolderStore implements ObjectStore {
  readonly root: string

  constructor(root: string) {
    this.root = resolve(root)
  }

  async get(key: string): Promise<Uint8Array> {
    return readFile(this.#path(key)).catch(rethrowMissing(key))
  }

  async range(key: string, start: number, end: number): Promise<Uint8Array> {
    const file = await open(this.#path(key)).catch(rethrowMissing(key))
    try {
      const bytes = new Uint8Array(end - start)
      const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
      return bytes.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  }

  async size(key: string): Promise<number | undefined> {
    const found = await stat(this.#path(key)).catch(nothingThere)
    return found?.isFile() ? found.size : undefined
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<boolean> {
    const path = this.#path(key)
    const draft = `${path}.${randomBytes(6).toString('hex')}.part`
    await makeFolder(dirname(path)).catch(rethrow)
    try {
      await writeFile(draft, bytes)
      if (options.ifAbsent) await link(draft, path)
      else await rename(draft, path)
      return true
    } catch (error) {
      if (options.ifAbsent && (error as NodeJS.ErrnoException).code === 'EEXIST') return false
      return rethrow(error as Error)
    } finally {
      await rm(draft, { force: true })
    }
  }

  async list(prefix: string): Promise<string[]> {
    // the prefix may end within a name
    const folder = this.#path(prefix.slice(0, prefix.lastIndexOf('/') + 1))
    const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(nothingThere)
    return (names ?? [])
      .filter(entry => entry.isFile() && !entry.name.endsWith('.part'))
      .map(entry => relative(this.root, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter(key => key.startsWith(prefix))
      .sort()
  }

  #path(key: string): string {
    return join(this.root, ...key.split('/'))
  }
}

/** Objects in memory, for tests and short-lived work. */
export class MemoryStore implements ObjectStore {
  readonly #objects = new Map<string, Uint8Array>()

  async get(key: string): Promise<Uint8Array> {
    return new Uint8Array(this.#held(key))
  }

  async range(key: string, start: number, end: number): Promise<Uint8Array> {
    return new Uint8Array(this.#held(key).subarray(start, end))
  }

  async size(key: string): Promise<number | undefined> {
    return this.#objects.get(key)?.length
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<boolean> {
    if (options.ifAbsent && this.#objects.has(key)) return false
    this.#objects.set(key, bytes)
    return true
  }

  async list(prefix: string): Promise<string[]> {
    return [...this.#objects.keys()].filter(key => key.startsWith(prefix)).sort()
  }

  #held(key: string): Uint8Array {
    const bytes = this.#objects.get(key)
    if (!bytes) throw new CpcsError('ObjectMissing', { key })
    return bytes
  }
}

/**
 * Make a folder and those that it lies in. Node's own `recursive` asks for ever where the system says that a parent which
 * is there is not (a folder below /proc).
 *
 * @throws {Error} of the system
 */
export async function makeFolder(path: string): Promise<void> {
  const make = () => mkdir(path).catch(unlessThere(path))
  try {
    await make()
  } catch (error) {
    const parent = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error
    await makeFolder(parent)
    await make()
  }
}

function unlessThere(path: string) {
  return async (error: NodeJS.ErrnoException): Promise<void> => {
    const there = error.code === 'EEXIST' && (await stat(path)).isDirectory()
    if (!there) throw error
  }
}

/** For what may be absent; any other refusal of the system is an outage, not an empty folder. */
function nothingThere(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw new CpcsError('StoreUnavailable', { cause: error.message }, { cause: error })
}

function rethrowMissing(key: string) {
  return (error: NodeJS.ErrnoException): never => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new CpcsError('ObjectMissing', { key })
    return rethrow(error)
  }
}

function rethrow(error: Error): never {
  throw new CpcsError('StoreUnavailable', { cause: error.message }, { cause: error })
}
