import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { RunRecord } from './runs.ts'

/** Runs kept as JSON lines, one file each, the first line telling of the start; a killed process loses nothing that was written. */
export class Journal {
  #folder: string | undefined
  #files = new Map<string, number>()

  /** @param folder where the files lie; without it nothing is kept */
  constructor(folder: string | undefined) {
    this.#folder = folder
    if (folder) mkdirSync(folder, { recursive: true })
  }

  /** Append a line to the journal of a run. */
  append(name: string, line: RunRecord): void {
    if (this.#folder === undefined) return
    let file = this.#files.get(name)
    if (file === undefined) {
      file = openSync(join(this.#folder, fileName(name)), 'a')
      this.#files.set(name, file)
    }
    writeSync(file, `${JSON.stringify(line)}\n`)
  }

  /** Nothing more will come for this run. */
  close(name: string): void {
    const file = this.#files.get(name)
    if (file !== undefined) closeSync(file)
    this.#files.delete(name)
  }

  closeAll(): void {
    for (const name of [...this.#files.keys()]) this.close(name)
  }

  /** The lines of every run. */
  *read(): Generator<RunRecord[]> {
    if (this.#folder === undefined) return
    for (const file of readdirSync(this.#folder).filter(name => name.endsWith('.jsonl'))) {
      const lines = readFileSync(join(this.#folder, file), 'utf8').split('\n').filter(Boolean)
      const records = lines.map(parsed).filter(line => line !== undefined)
      if (records.length > 0) yield records
    }
  }
}

/** A line, or undefined for one that the killed process did not finish. */
function parsed(line: string): RunRecord | undefined {
  try {
    return JSON.parse(line) as RunRecord
  } catch {
    return undefined
  }
}

function fileName(name: string): string {
  const plain = /^[\w-][\w.-]*$/.test(name) ? name : createHash('sha256').update(name).digest('hex')
  return `${plain}.jsonl`
}
