/**
 * Accuracy and speed on frames with known truth, beside the established tools on the same frames.
 *
 *     npm run bench -- --simulator DIR [--presets typical,sparse] [--seeds 1-3] [--frames DIR] [--work DIR]
 *         [--python PATH] [--out FILE] [--write]
 *
 * DIR holds an independent simulator (`simulate.py`), its scorer (`score.py`), the bridge from our catalogue
 * (`from_cpcs.py`) and the peers' results (`peers.json`). Frames are simulated into --frames once and kept there; what CPCS
 * makes of them goes to --work, where the figures of each frame are kept, so that a long run can be done in parts; --write
 * measures nothing and writes the section of `bench/RESULTS.md` from what was kept.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Report } from '#events/stages.ts'
import { decodeStars } from '#shared/photometry/catalogue-file.ts'
import { keep, kept } from './kept.ts'
import { machineInWords, resultsFile, writeSection } from './page.ts'
import { bars, type PeerFile, type Row, type Score, type Truth, wholeWaySection } from './results.ts'
import { biasOfAll, readTruth, seedsOf } from './truth.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    simulator: { type: 'string', default: join(root, '..', 'shared', 'bench') },
    presets: { type: 'string', default: Object.keys(bars).join(',') },
    seeds: { type: 'string', default: '1-5' },
    frames: { type: 'string', default: join(root, 'bench', 'work', 'frames') },
    work: { type: 'string', default: join(root, 'bench', 'work', 'results') },
    python: { type: 'string', default: '/usr/bin/python3' },
    out: { type: 'string', default: resultsFile },
    write: { type: 'boolean', default: false },
  },
})

const surveys = { gaia_dr3: 'gaia', ps1: 'ps1', sdss: 'sdss', des: 'des', apass: 'apass', twomass: 'twomass' }

const figures = join(values.work, 'frames.jsonl')
const frameOf = ({ preset, seed }: Row) => `${preset} ${seed}`

if (!values.write)
  for (const preset of values.presets.split(','))
    for (const seed of seedsOf(values.seeds)) keep(figures, measureFrame(preset, seed))

const order = Object.keys(bars)
const rows = kept<Row>(figures, frameOf).sort(
  (a, b) => order.indexOf(a.preset) - order.indexOf(b.preset) || a.seed - b.seed,
)
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
  const { peakMb, cpuSeconds, cpuPerStage } = run
  const row: Row = { preset, seed, truth, report: slim(report), seconds, cpuSeconds, cpuPerStage, peakMb }
  if (run.status === 0) row.stars = starsOf(join(out, 'catalogue.ecsv'))
  if (run.status === 0) {
    python('from_cpcs.py', out, join(made, 'cpcs.csv'))
    python('score.py', folder, join(made, 'cpcs.csv'), '--json', join(made, 'score.json'), '--quiet')
    row.score = JSON.parse(readFileSync(join(made, 'score.json'), 'utf8')) as Score
    row.biasOfAll = biasOfAll(readTruth(folder), decodeStars(new Uint8Array(readFileSync(join(out, 'stars.fits')))))
  }
  console.log(`${preset} ${seed}: ${report.outcome}, ${seconds.toFixed(1)} s`)
  return row
}

/** The report without its long lists. */
function slim({ provenance: _, frame: __, ...report }: Report): Report {
  return report
}

/** Rows of an ECSV table: lines that are neither comment nor the names of the columns. */
function starsOf(file: string): number {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter(line => line !== '' && !line.startsWith('#')).length - 1
}

interface Usage {
  status: number
  peakMb: number
  cpuSeconds: number
  cpuPerStage: Record<string, number>
}

function cpcs(...args: string[]): Usage {
  // The child prints its own peak resident memory and processor time, so that no other process is counted.
  const watch = `process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
    const stages = performance.getEntriesByType('measure').map(({ name, detail }) => [name, detail.cpuSeconds])
    const cpuPerStage = Object.fromEntries(stages)
    const usage = { peakMb: maxRSS / 1024, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, cpuPerStage }
    process.stderr.write('\\nUSAGE ' + JSON.stringify(usage))
  })`
  const preload = `data:text/javascript,${encodeURIComponent(watch)}`
  const { status, stderr } = spawnSync(process.execPath, ['--import', preload, join(root, 'cli', 'bin.mjs'), ...args], {
    encoding: 'utf8',
  })
  if (status !== 0 && status !== 2) throw new Error(`cpcs ${args.join(' ')} ended with ${status}: ${stderr}`)
  const [, usage] = /USAGE (.*)/.exec(stderr) ?? []
  return { status: status ?? 1, ...(JSON.parse(usage) as Omit<Usage, 'status'>) }
}

function python(script: string, ...args: string[]): void {
  execFileSync(values.python, [join(values.simulator, script), ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
}
