/**
 * What a large catalogue costs: importing five million rows of Gaia as CSV, and cones of 0.3° from it.
 *
 *     node bench/catalogue.ts [--rows 5000000] [--work DIR]
 *
 * The table is simulated, in the archive's columns, over 400 square degrees. The import runs in a process of its own,
 * as `cpcs tiles import`, which tells its peak of resident memory. Cones are read from the folder with an empty memory
 * (every object opened anew) and again with what was kept. Writes its section of `bench/RESULTS.md`.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Cone } from '#shared/catalogue/reference.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { random } from '#shared/numeric/random.ts'
import { figure, machineInWords, table, writeSection } from './page.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '5000000' },
    work: { type: 'string', default: join(tmpdir(), 'cpcs-bench-catalogue') },
  },
})
const rows = Number(values.rows)
const CENTRE = { raDeg: 150, decDeg: 20, halfWidthDeg: 10 }
const CONES = 30

/** A folder that counts what is read of it. */
class CountingStore extends FolderStore {
  bytes = 0
  reads = 0

  override async get(key: string): Promise<Uint8Array> {
    return this.#count(await super.get(key))
  }

  override async range(key: string, start: number, end: number): Promise<Uint8Array> {
    return this.#count(await super.range(key, start, end))
  }

  #count(bytes: Uint8Array): Uint8Array {
    this.bytes += bytes.length
    this.reads++
    return bytes
  }
}

mkdirSync(values.work, { recursive: true })
const csv = join(values.work, `gaia-${rows}.csv`)
if (!existsSync(csv)) simulate(csv)
const folder = join(values.work, 'catalogues')
rmSync(folder, { recursive: true, force: true })
const imported = importTable()
const cones = await measureCones()
rmSync(folder, { recursive: true, force: true })

writeSection('catalogue', [
  '## A large catalogue',
  '',
  `${rows.toLocaleString('en')} rows of Gaia, simulated over 400 square degrees, as CSV of ${megabytes(statSync(csv).size)}; ${machineInWords()}.`,
  `\`node bench/catalogue.ts\`; times are of one run beside other work on the machine; cones of 0.3° at ${CONES} places, ${figure(cones.stars, 0)} stars each in the median.`,
  '',
  ...table(
    ['what', 'median', 'worst'],
    [
      ['import, s', figure(imported.seconds, 0), ''],
      ['import, peak of resident memory, MB', figure(imported.peakMb, 0), ''],
      ['cone, nothing in memory, ms', ...cones.coldMs],
      ['cone, nothing in memory, bytes read', ...cones.bytes],
      ['cone, nothing in memory, objects and ranges read', ...cones.reads],
      ['cone, again, ms', ...cones.warmMs],
    ],
  ),
])
console.log('bench/RESULTS.md written')

function simulate(path: string): void {
  const draw = random('a large catalogue')
  const out = openSync(path, 'w')
  const names =
    'source_id,ra,ra_error,dec,dec_error,parallax,pmra,pmra_error,pmdec,ref_epoch,phot_g_mean_mag,phot_bp_mean_mag,phot_rp_mean_mag,ruwe,phot_variable_flag'
  let lines = [names]
  for (let i = 0; i < rows; i++) {
    const dec = CENTRE.decDeg + CENTRE.halfWidthDeg * (2 * draw.uniform() - 1)
    const ra = CENTRE.raDeg + (CENTRE.halfWidthDeg * (2 * draw.uniform() - 1)) / Math.cos((dec * Math.PI) / 180)
    const g = 20.5 + Math.log10(draw.uniform() + 1e-9) / 0.3
    const colour = 0.4 + draw.uniform()
    const motions = `${(10 * draw.normal()).toFixed(3)},0.05,${(10 * draw.normal()).toFixed(3)}`
    lines.push(
      `${4000000000000000000n + BigInt(i)},${ra.toFixed(8)},0.05,${dec.toFixed(8)},0.05,${draw.uniform().toFixed(3)},${motions},2016.0,${g.toFixed(4)},${(g + colour).toFixed(4)},${(g - colour).toFixed(4)},1.02,NOT_AVAILABLE`,
    )
    if (lines.length < 20_000 && i < rows - 1) continue
    writeSync(out, `${lines.join('\n')}\n`)
    lines = []
  }
  closeSync(out)
}

function importTable(): { seconds: number; peakMb: number } {
  const watch = `process.on('exit', () => process.stderr.write('\\nPEAK ' + process.resourceUsage().maxRSS))`
  const command = join(import.meta.dirname, '..', 'cli', 'bin.mjs')
  const args = ['--import', `data:text/javascript,${encodeURIComponent(watch)}`, command]
  const start = performance.now()
  const { status, stderr } = spawnSync(
    process.execPath,
    [...args, 'tiles', 'import', 'gaia_dr3', csv, '--catalogues', folder],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`the import ended with status ${status}: ${stderr}`)
  return { seconds: (performance.now() - start) / 1000, peakMb: Number(/PEAK (\d+)/.exec(stderr)?.[1]) / 1024 }
}

async function measureCones() {
  const draw = random('cones')
  const found = {
    cold: [] as number[],
    warm: [] as number[],
    bytes: [] as number[],
    reads: [] as number[],
    stars: [] as number[],
  }
  for (let i = 0; i < CONES + 3; i++) {
    const within = CENTRE.halfWidthDeg - 1
    const cone: Cone = {
      raDeg: CENTRE.raDeg + within * (2 * draw.uniform() - 1),
      decDeg: CENTRE.decDeg + within * (2 * draw.uniform() - 1),
      radiusDeg: 0.3,
    }
    const store = new CountingStore(folder)
    const tiles = openTiles(store)
    const start = performance.now()
    const { count } = await tiles.cone('gaia_dr3', cone)
    const cold = performance.now() - start
    const { bytes, reads } = store
    const again = performance.now()
    await tiles.cone('gaia_dr3', cone)
    const warm = performance.now() - again
    if (i < 3) continue // while the code is being compiled
    found.cold.push(cold)
    found.warm.push(warm)
    found.bytes.push(bytes)
    found.reads.push(reads)
    found.stars.push(count)
  }
  return {
    coldMs: medianAndWorst(found.cold, value => figure(value, 0)),
    warmMs: medianAndWorst(found.warm, value => figure(value, 1)),
    bytes: medianAndWorst(found.bytes, megabytes),
    reads: medianAndWorst(found.reads, value => figure(value, 0)),
    stars: median(found.stars),
  }
}

function medianAndWorst(samples: number[], print: (value: number) => string): string[] {
  return [print(median(samples)), print(Math.max(...samples))]
}

function median(samples: number[]): number {
  return [...samples].sort((a, b) => a - b)[samples.length >> 1]
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`
}
