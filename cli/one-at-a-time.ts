import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { makeFolder } from '#shared/folder-store.ts'

const LOOK_AGAIN_MS = 100

/**
 * Do something while no other process does, by a file that names who is at it: who comes second waits. A process that was
 * killed leaves its file behind; it is passed over as soon as its process is gone.
 *
 * @param file made for as long as the work lasts
 * @param waiting called once with the name of the process that is waited for
 */
export async function oneAtATime<T>(
  file: string,
  work: () => Promise<T>,
  waiting: (holder: string) => void = () => {},
): Promise<T> {
  const mine = `process ${process.pid} on ${hostname()}`
  await makeFolder(dirname(file))
  for (let told = false; !(await take(file, mine)); ) {
    const holder = await readFile(file, 'utf8').catch(() => '')
    if (isGone(holder)) {
      await putAway(file, holder)
      continue
    }
    if (!told && holder !== '') {
      waiting(holder)
      told = true
    }
    await setTimeout(LOOK_AGAIN_MS)
  }
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}

/**
 * Put the file of a process that is gone away. Of several that find it only one gets it by renaming it; who comes late gets
 * that of the next holder in its place, sees so, and gives it back.
 */
async function putAway(file: string, holder: string): Promise<void> {
  const aside = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`
  const found = await rename(file, aside).then(
    () => readFile(aside, 'utf8'),
    () => undefined,
  )
  if (found === undefined) return
  if (found !== holder) await link(aside, file)
  await rm(aside, { force: true })
}

async function take(file: string, mine: string): Promise<boolean> {
  try {
    await writeFile(file, mine, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Whether the process that a file names ran on this machine and does not any more. */
function isGone(holder: string): boolean {
  const [, pid, host] = /^process (\d+) on (.*)$/.exec(holder) ?? []
  if (!pid || host !== hostname()) return false
  try {
    process.kill(Number(pid), 0) // signal 0 asks only whether it is there
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
