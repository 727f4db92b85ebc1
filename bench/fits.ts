/**
 * How fast and in how much memory frames are decoded and standardised, beside astropy on the same files and machine.
 *
 *     node bench/fits.ts --frames DIR [--python PATH] [--rounds 15] [--size 4096] [--out FILE]
 *
 * Ours and theirs take turns, so that a busy moment of the machine hits both; the fastest round of each counts. Reading
 * means, on both sides: from the bytes in memory to an array of physical values as 32-bit floats of the machine. Memory is
 * the peak of a process of its own above what it held before it read the file. DIR holds `typical-1` and `wide-1` of the
 * simulator, for the standardise stage.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { standardise } from '#functions/standardise/standardise.ts'
import { openFits } from '#shared/fits/file.ts'
import { decodePlane } from '#shared/fits/image.ts'
import { FolderStore, MemoryStore } from '#shared/folder-store.ts'
import { silent } from '#shared/store.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: '/usr/bin/python3' },
    rounds: { type: 'string', default: '15' },
    size: { type: 'string', default: '4096' },
    frames: { type: 'string', default: '' },
    out: { type: 'string', default: resultsFile },
    /** Only read this file, or standardise it, and tell the cost: the parent asks so of a process of its own. */
    read: { type: 'string' },
    standardise: { type: 'string' },
  },
})

if (values.read !== undefined || values.standardise !== undefined) {
  console.log(JSON.stringify(await costOf(values.read ?? values.standardise!, values.read !== undefined)))
  process.exit(0)
}

const astropy = `
import io, sys, time, warnings
import numpy as np
from astropy.io import fits
warnings.simplefilter("ignore")
folder, size = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(1)
sky = rng.normal(800, 20, (size, size)).astype("f4")
fits.PrimaryHDU(np.rint(sky).astype("u2")).writeto(folder + "/uint16.fits")
fits.PrimaryHDU(sky).writeto(folder + "/float32.fits")
counts = np.rint(sky).astype("i2")
fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(counts, compression_type="RICE_1")]).writeto(folder + "/rice.fits")
held = {name: open(f"{folder}/{name}.fits", "rb").read() for name in ("uint16", "float32", "rice")}
print("ready", flush=True)
for line in sys.stdin:
    name = line.strip()
    start = time.perf_counter()
    with fits.open(io.BytesIO(held[name])) as file:
        np.asarray(file[-1].data, dtype="f4")
    print(time.perf_counter() - start, flush=True)
`

const folder = mkdtempSync(join(tmpdir(), 'cpcs-bench-'))
const child = spawn(values.python, ['-c', astropy, folder, values.size], { stdio: ['pipe', 'pipe', 'inherit'] })
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
await lines.next()

const kinds = ['uint16', 'float32', 'rice']
const speed: string[][] = []
for (const name of kinds) {
  const bytes = readFileSync(join(folder, `${name}.fits`))
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < Number(values.rounds) + 2; round++) {
    ours.push(readOnce(bytes))
    child.stdin.write(`${name}\n`)
    theirs.push(Number((await lines.next()).value))
  }
  // the first two rounds warm up compilers and caches
  const [our, their] = [Math.min(...ours.slice(2)), Math.min(...theirs.slice(2))]
  const path = join(folder, `${name}.fits`)
  const frameBytes = 4 * Number(values.size) ** 2
  const { peakBytes } = costIn('--read', path)
  const times = [figure(our * 1000, 0), figure(their * 1000, 0), figure(our / their, 2)]
  speed.push([name, ...times, figure(peakBytes / 2 ** 20, 0), figure(peakBytes / frameBytes, 2)])
}
child.stdin.end()
rmSync(folder, { recursive: true })

const stage: string[][] = []
for (const [name, side] of [
  ['typical-1', 2048],
  ['wide-1', 4096],
] as const) {
  const runs = Array.from({ length: 3 }, () => costIn('--standardise', join(values.frames, name, 'frame.fits')))
  const peak = Math.max(...runs.map(({ peakBytes }) => peakBytes))
  const cpu = Math.min(...runs.map(({ cpuSeconds }) => cpuSeconds))
  stage.push([name, `${side}²`, figure(cpu, 2), figure(peak / 2 ** 20, 0), figure(peak / (4 * side * side), 1)])
}
writeSection(
  'frames read',
  [
    '## Reading and standardising frames',
    '',
    `Written by \`node bench/fits.ts --frames DIR\`; measured on ${machineInWords()}.`,
    'From the bytes to an array of 32-bit floats, in turns with astropy, the fastest of each; memory is the peak above what the process held before,',
    'the bytes of the file among it, which are given up as the stage does, and as multiples of the frame as 32-bit floats.',
    '',
    ...table(
      [`${values.size} × ${values.size}`, 'CPCS ms', 'astropy ms', 'ratio', 'peak MB', 'times the frame'],
      speed,
    ),
    '',
    'The whole standardise stage, with mask, cosmic rays, picture and the products kept in memory; the best of three cold starts.',
    '',
    ...table(['frame', 'size', 'processor s', 'peak MB', 'times the frame'], stage),
  ],
  values.out,
)

interface Cost {
  cpuSeconds: number
  peakBytes: number
}

/** The cost in a process of its own, which starts cold. */
function costIn(what: '--read' | '--standardise', path: string): Cost {
  return JSON.parse(execFileSync(process.execPath, [import.meta.filename, what, path], { encoding: 'utf8' })) as Cost
}

async function costOf(path: string, readOnly: boolean): Promise<Cost> {
  const before = process.memoryUsage.rss()
  const start = process.cpuUsage()
  if (readOnly) readOnce(readFileSync(path), true)
  else {
    const raw = new FolderStore(dirname(path))
    const input = { frameId: '0'.repeat(64), raw: { key: basename(path) }, telescope: 'bench', night: '2026-01-01' }
    await standardise(input, { raw, store: new MemoryStore(), log: silent })
  }
  const { user, system } = process.cpuUsage(start)
  return { cpuSeconds: (user + system) / 1e6, peakBytes: 1024 * process.resourceUsage().maxRSS - before }
}

function readOnce(bytes: Uint8Array, givenUp = false): number {
  const start = performance.now()
  const file = openFits(bytes)
  const { pixels } = decodePlane(file, file.hdus[file.hdus.length - 1], givenUp)
  if (!(pixels[0] > 0)) throw new Error('no pixels')
  return (performance.now() - start) / 1000
}
