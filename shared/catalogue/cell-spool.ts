import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { ReferenceStars } from './reference.ts'

/** Stars put down on disk by cell, so that those of one cell can be taken up together: a sort of more than memory holds. */
export class CellSpool {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cpcs-import-'))
  readonly #file = openSync(join(this.#folder, 'stars'), 'w+')
  readonly #pieces = new Map<number, { at: number; length: number }[]>()
  #end = 0

  /** Put stars of a cell down. */
  add(cell: number, stars: ReferenceStars): void {
    const bytes = serialize(stars)
    writeSync(this.#file, bytes, 0, bytes.length, this.#end)
    const pieces = this.#pieces.get(cell) ?? []
    pieces.push({ at: this.#end, length: bytes.length })
    this.#pieces.set(cell, pieces)
    this.#end += bytes.length
  }

  /** Cells that have stars, ascending. */
  get cells(): number[] {
    return [...this.#pieces.keys()].sort((a, b) => a - b)
  }

  /** The stars of a cell, piece by piece in the order in which they came. */
  read(cell: number): ReferenceStars[] {
    return (this.#pieces.get(cell) ?? []).map(({ at, length }) => {
      const bytes = new Uint8Array(length)
      readSync(this.#file, bytes, 0, length, at)
      return deserialize(bytes) as ReferenceStars
    })
  }

  close(): void {
    closeSync(this.#file)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
