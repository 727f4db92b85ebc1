/**
 * Accuracy and speed on frames with known truth, beside the established tools on the same frames.
 *
 *     npm run bench -- --simulator DIR [--presets typical,sparse] [--seeds 1-3] [--frames DIR] [--work DIR]
 *         [--python PATH] [--out FILE]
 *
 * DIR holds an independent simulator (`simulate.py`), its scorer (`score.py`), the bridge from our catalogue
 * (`from_cpcs.py`) and the peers' results (`peers.json`). Frames are simulated into --frames once and kept there; what CPCS
 * makes of them goes to --work. Writes its section of `bench/RESULTS.md`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Report } from '#events/stages.ts'
import { machineInWords, resultsFile, writeSection } from './page.ts'
import type { PeerFile, Row, Score, Truth } from './results.ts'
import { wholeWaySection } from './results.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    simulator: { type: 'string', default: join(root, '..', 'shared', 'bench') },
    presets: { type: 'string', default: 'typical,sparse,host,v1490cyg' },
    seeds: { type: 'string', default: '1-3' },
    frames: { type: 'string', default: join(root, 'bench', 'work', 'frames') },
    work: { type: 'string', default: join(root, 'bench', 'work', 'results') },
    python: { type: 'string', default: '/usr/bin/python3' },
    out: { type: 'string', default: resultsFile },
  },
})

const surveys = { gaia_dr3: 'gaia', ps1: 'ps1', sdss: 'sdss', des: 'des', apass: 'apass', twomass: 'twomass' }

const rows: Row[] = []
for (const preset of values.presets.split(','))
  for (const seed of seedsOf(values.seeds)) rows.push(measureFrame(preset, seed))

const peers = JSON.parse(readFileSync(join(values.simulator, 'peers.json'), 'utf8')) as PeerFile
writeSection('whole way', wholeWaySection(rows, peers, machineInWords()), values.out)
console.log(`${values.out} written`)

function measureFrame(preset: string, seed: number): Row {
  const folder = join(values.frames, `${preset}-${seed}`)
  const made = join(values.work, `${preset}-${seed}`)
  const out = join(made, 'out')
  const catalogues = join(made, 'catalogues')
  mkdirSync(made, { recursive: true })
  if (!existsSync(join(folder, 'truth.json'))) {
    mkdirSync(folder, { recursive: true })
    python('simulate.py', '--preset', preset, '--seed', String(seed), '--out', folder)
  }
  for (const [survey, file] of Object.entries(surveys))
    cpcs('tiles', 'import', survey, join(folder, `${file}.csv`), '--catalogues', catalogues)

  const truth = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as Truth
  const target = `${truth.target.ra} ${truth.target.dec} target`
  const start = performance.now()
  const run = cpcs('process', join(folder, 'frame.fits'), '--catalogues', catalogues, '--out', out, '--target', target)
  const seconds = (performance.now() - start) / 1000
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report
  const { peakMb, cpuSeconds } = run
  const row: Row = { preset, seed, truth, report, seconds, cpuSeconds, peakMb }
  if (run.status === 0) {
    python('from_cpcs.py', out, join(made, 'cpcs.csv'))
    python('score.py', folder, join(made, 'cpcs.csv'), '--json', join(made, 'score.json'), '--quiet')
    row.score = JSON.parse(readFileSync(join(made, 'score.json'), 'utf8')) as Score
  }
  console.log(`${preset} ${seed}: ${report.outcome}, ${seconds.toFixed(1)} s`)
  return row
}

function cpcs(...args: string[]): { status: number; peakMb: number; cpuSeconds: number } {
  // The child prints its own peak resident memory and processor time, so that no other process is counted.
  const watch = `process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
    process.stderr.write('\\nUSAGE ' + maxRSS + ' ' + (userCPUTime + systemCPUTime))
  })`
  const preload = `data:text/javascript,${encodeURIComponent(watch)}`
  const { status, stderr } = spawnSync(process.execPath, ['--import', preload, join(root, 'cli', 'bin.mjs'), ...args], {
    encoding: 'utf8',
  })
  if (status !== 0 && status !== 2) throw new Error(`cpcs ${args.join(' ')} ended with ${status}: ${stderr}`)
  const [, kilobytes, microseconds] = /USAGE (\d+) (\d+)/.exec(stderr) ?? []
  return { status: status ?? 1, peakMb: Number(kilobytes) / 1024, cpuSeconds: Number(microseconds) / 1e6 }
}

function python(script: string, ...args: string[]): void {
  execFileSync(values.python, [join(values.simulator, script), ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
}

function seedsOf(text: string): number[] {
  return text.split(',').flatMap(part => {
    const [first, last = first] = part.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}
