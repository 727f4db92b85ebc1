import { readFileSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Take a lock that is a file with the number of the process in it; one that a dead process left is taken over.
 *
 * @returns the number of the process that holds it, or undefined where it is ours now
 */
export function takeLock(file: string): number | undefined {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      return undefined
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = holderOf(file)
    if (holder !== undefined) return holder
    rmSync(file, { force: true })
  }
}

/** Give the lock back; nothing happens where there is none. */
export function releaseLock(file: string): void {
  rmSync(file, { force: true })
}

/** The living process that holds the lock; 0 while it has not yet written its number. */
function holderOf(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    if (pid !== 0) process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}
