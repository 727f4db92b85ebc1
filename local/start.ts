/**
 * `npm start`: the stack on this machine, a virtual sky over it, two telescopes that follow a new star, and the pages.
 */
import { accessSync, constants, type Stats, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseTarget } from '#cli/places.ts'
import { UsageError } from '#cli/usage.ts'
import { Board } from './show/board.ts'
import type { Check } from './show/verdict.ts'

const USAGE = `npm start                     a virtual campaign; stays up until Ctrl-C
npm start -- --once           the same, ends by itself; exit status 0 only if all went right
npm start -- FRAME.fits…      your own frames
  --catalogues DIR            reference stars for them, as "cpcs tiles import" makes them
  --target "RA DEC NAME"      measured in every frame that covers it; may be repeated
  --telescope NAME            whose frames they are
  --port PORT                 of the pages (default 4280, or a free one)
  --state DIR                 keep objects, tables and runs there over restarts`

// Of the pages, when nobody asks for another: taken neither by well-known services nor by usual development servers.
const PORT = 4280

if (!process.version.startsWith('v24.')) {
  console.error(
    `Node 24 is needed, this is ${process.version}. It comes with "npm ci"; start through npm: "npm start".`,
  )
  process.exit(1)
}
process.exit(await main())

async function main(): Promise<number> {
  const asked = await readArguments()
  if (!asked) return 64

  // Loaded only now, so that wrong usage is told at once: the cloud is large.
  const { synthesise } = await import('./cloud/synthesise.ts')
  const { startCloud } = await import('./cloud/cloud.ts')
  const begun = performance.now()
  const board = new Board()
  const progress = (line: string) => board.say(line)

  const assembly = await synthesise({ progress })
  const ports = { url: asked.port ?? (await freePort()) }
  const cloud = await startCloud({ assembly, progress, ports, stateFolder: asked.state })
  const interrupted = new Promise<'interrupted'>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'))
  })

  const show = async () => {
    if (asked.files.length > 0) return (await import('./show/own-frames.ts')).showOwnFrames(cloud, board, asked)
    if (asked.state && (await hasFrames(cloud.url))) {
      board.say(`Frames of an earlier time are in ${asked.state}: they are shown, no new ones are taken.`)
      return []
    }
    return (await import('./show/campaign-show.ts')).showCampaign(cloud, board, join('.cpcs', 'lightcurve.png'))
  }
  try {
    const checks = await Promise.race([show(), interrupted])
    if (checks === 'interrupted') return 130
    const right = checks.every(check => check.ok)
    if (checks.length > 0) tell(checks, right, (performance.now() - begun) / 1000, board)
    if (asked.once) return right ? 0 : 1
    board.say(`The pages stay up at ${board.bold(cloud.url)} until Ctrl-C.`)
    await interrupted
    return 0
  } finally {
    await cloud.stop()
  }
}

function tell(checks: Check[], right: boolean, seconds: number, board: Board): void {
  board.say()
  for (const { ok, tells } of checks) board.say(`  ${ok ? '✓' : '✗'} ${tells}`)
  board.say()
  board.say(`${right ? 'All went right' : 'Not all went right'}, in ${seconds.toFixed(0)} s.`)
}

async function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        once: { type: 'boolean', default: false },
        catalogues: { type: 'string' },
        target: { type: 'string', multiple: true, default: [] },
        telescope: { type: 'string', default: 'own' },
        port: { type: 'string' },
        state: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) throw new UsageError(USAGE)
    const { once, catalogues, telescope, state } = values
    for (const file of positionals)
      accessSync(
        readable(file, 'a frame', found => found.isFile()),
        constants.R_OK,
      )
    if (catalogues !== undefined) readable(catalogues, 'a folder of catalogues', found => found.isDirectory())
    const port = values.port === undefined ? undefined : await freePort(portOf(values.port))
    return { files: positionals, once, catalogues, telescope, port, state, targets: values.target.map(parseTarget) }
  } catch (error) {
    if (error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')) {
      console.error((error as Error).message)
      if ((error as Error).message !== USAGE) console.error(`\n${USAGE}`)
      return undefined
    }
    throw error
  }
}

/** A path that is there and is what it should be. @throws {UsageError} */
function readable(path: string, what: string, is: (found: Stats) => boolean): string {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found || !is(found)) throw new UsageError(`${path} is not ${what}${found ? '' : ': there is no such path'}`)
  return path
}

/** @throws {UsageError} */
function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new UsageError(`--port ${text}: a number from 0 to 65535 is needed`)
  return port
}

async function hasFrames(url: string): Promise<boolean> {
  const nights = (await (await fetch(`${url}/api/nights`)).json()) as unknown[]
  return nights.length > 0
}

/** The port asked for; else the usual one, or any where that is taken. @throws {UsageError} the one asked for is taken */
async function freePort(asked?: number): Promise<number> {
  const wanted = asked ?? PORT
  const probe = createServer()
  const free = await new Promise<boolean>(resolve => {
    probe.once('error', () => resolve(false))
    probe.listen(wanted, '127.0.0.1', () => resolve(true))
  })
  await new Promise(resolve => probe.close(resolve))
  if (!free && asked !== undefined)
    throw new UsageError(`port ${asked} is taken: name another, or none to get a free one`)
  return free ? wanted : 0
}
