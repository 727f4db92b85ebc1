import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Results of a long measurement, a line of JSON each, so that it can be run in parts. */
export function keep(file: string, result: unknown): void {
  mkdirSync(dirname(file), { recursive: true })
  appendFileSync(file, `${JSON.stringify(result)}\n`)
}

/**
 * What was kept, the last of those that share a key.
 *
 * @throws {Error} nothing was kept
 */
export function kept<T>(file: string, key: (result: T) => string | number): T[] {
  if (!existsSync(file)) throw new Error(`${file} is not there: run the measurement first`)
  const byKey = new Map<string | number, T>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue
    const result = JSON.parse(line) as T
    byKey.set(key(result), result)
  }
  return [...byKey.values()]
}
