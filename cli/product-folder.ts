import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FolderStore, makeFolder } from '#shared/folder-store.ts'
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

/** Everything that the stages and the command leave in the folder of a frame. */
const PRODUCTS = [
  ...[
    'frame.fits',
    'frame.json',
    'detections.fits',
    'wcs.json',
    'attempts.json',
    'stars.fits',
    'forced.json',
    'residual.fits',
    'psf.json',
    'psf.png',
    'survey-stars.fits',
    'injection.json',
    'injection.png',
  ],
  ...[
    'preview.png',
    'catalogue.fits',
    'catalogue.ecsv',
    'calibration.json',
    'calibration.png',
    'candidates.png',
    'points.json',
    'camera.json',
    'report.json',
  ],
]

/** Whether a file is what a product of that name in the folder would take the place of, also by a link. */
export async function wouldReplace(folder: string, path: string): Promise<boolean> {
  const own = await stat(path)
  const products = await Promise.all(PRODUCTS.map(name => stat(join(folder, name)).catch(() => undefined)))
  return products.some(product => product?.ino === own.ino && product.dev === own.dev)
}

/**
 * Make the folder of a frame ready: it is there, it can be written, and nothing that an earlier frame left stands beside
 * this one's report.
 *
 * @throws {Error} of the system, or {CpcsError} StoreUnavailable, where it cannot hold the products
 */
export async function prepareProducts(folder: string): Promise<void> {
  await makeFolder(folder)
  // tried, not asked: to the superuser every folder passes for writable
  await new FolderStore(folder).put('report.json', new Uint8Array(0))
  for (const name of PRODUCTS) await rm(join(folder, name), { force: true })
}
