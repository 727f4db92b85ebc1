/**
 * The target of each frame with known truth, beside what is claimed for it.
 *
 *     node bench/targets.ts --frames DIR [--presets typical,sparse] [--seeds 1-20] [--work DIR] [--kept] [--out FILE]
 *
 * DIR holds frames of the simulator as `<preset>-<seed>`; those that are not there are left out and counted. Every frame
 * goes the whole way by the command, with Gaia and Pan-STARRS as catalogues. What was measured before is kept in --work;
 * --kept measures nothing more and writes what is there. Writes its section of `bench/RESULTS.md`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Report } from '#events/stages.ts'
import { decodeStars } from '#shared/photometry/catalogue-file.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'
import { importSurveys, runCommand } from './run-command.ts'
import { readTruth, scaleOfTruth, seedsOf } from './truth.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: join(root, 'bench', 'work', 'frames') },
    work: { type: 'string', default: join(root, 'bench', 'work', 'targets') },
    presets: { type: 'string', default: 'typical,sparse,host,v1490cyg,crowded' },
    seeds: { type: 'string', default: '1-20' },
    kept: { type: 'boolean', default: false },
    out: { type: 'string', default: resultsFile },
  },
})

interface Row {
  preset: string
  seed: number
  /** Magnitude less truth, and the claimed error; null where the target has no magnitude. */
  off: number | null
  magErr: number | null
  /** The same of the flux alone: against the truth's, in the scale of the frame's own stars (whose error counts), as magnitudes. */
  measuredOff: number
  measuredErr: number
  /** Error that the photons allow where the neighbours are fitted too, mag. */
  bound: number
}

const rows: Row[] = []
let missing = 0
for (const preset of values.presets.split(','))
  for (const seed of seedsOf(values.seeds)) {
    const row = measure(preset, seed)
    if (row) rows.push(row)
    else missing++
  }
writeSection('targets', section(), values.out)
console.log(`${values.out} written, ${rows.length} frames, ${missing} not there`)

function measure(preset: string, seed: number): Row | undefined {
  const folder = join(values.frames, `${preset}-${seed}`)
  if (!existsSync(join(folder, 'truth.json'))) return undefined
  const made = join(values.work, `${preset}-${seed}`)
  const kept = join(made, 'row.json')
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as Row
  if (values.kept) return undefined
  mkdirSync(made, { recursive: true })
  const truth = readTruth(folder)
  const catalogues = importSurveys(folder, made)
  const out = join(made, 'out')
  const place = `${truth.target.ra} ${truth.target.dec} target`
  runCommand('process', join(folder, 'frame.fits'), '--catalogues', catalogues, '--out', out, '--target', place)
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report
  const target = report.targets?.[0]
  if (!target) throw new Error(`${preset} ${seed}: ${report.outcome}, no target: ${report.reason}`)
  const { scale, error: scaleErr } = scaleOfTruth(
    truth,
    decodeStars(new Uint8Array(readFileSync(join(out, 'stars.fits')))),
  )
  const row: Row = {
    preset,
    seed,
    off: target.mag === null ? null : target.mag - truth.target.mag_band,
    magErr: target.magErr,
    measuredOff: -2.5 * Math.log10((target.flux * scale) / truth.target.flux_adu),
    measuredErr: (2.5 / Math.LN10) * Math.hypot(target.fluxErr / target.flux, scaleErr),
    bound: (2.5 / Math.LN10) * (truth.targetBoundAdu / truth.target.flux_adu),
  }
  writeFileSync(kept, JSON.stringify(row))
  console.log(`${preset} ${seed}: ${figure(row.off, 4)} (${figure(row.magErr, 4)})`)
  return row
}

function section(): string[] {
  const presets = [...new Set(rows.map(row => row.preset))]
  const groups: [string, Row[]][] = presets.map(preset => [preset, rows.filter(row => row.preset === preset)])
  return [
    '## The target, against the truth',
    '',
    `Written by \`node bench/targets.ts\`; measured on ${machineInWords()}.`,
    'Each frame went the whole way with nothing but the position of its target, a blue transient that no catalogue has.',
    '`pull` is the root mean square of the error over the claimed one. The first columns are of the calibrated magnitude,',
    'with the colour that the calibration assumes; the later ones of the flux alone, in the scale of the stars of the frame,',
    'which is what the photometry can do, against the light that reaches the pixels (the frames are vignetted). `bound` is the median of what the photons allow with all neighbours known to be there.',
    'A star within half a FWHM of the target that no catalogue has is counted as its light: nothing on the frame parts the two.',
    '',
    ...table(
      [
        'frames',
        'n',
        'median error mag',
        'median of its size',
        'within 3 σ',
        'pull',
        'flux: median error',
        'median of its size',
        'claimed',
        'bound',
        'within 3 σ',
        'pull',
      ],
      [...groups, ['all', rows] as [string, Row[]]].map(([name, group]) => summary(name, group)),
    ),
    '',
    '### Each target',
    '',
    ...table(
      ['frame', 'error mag', 'claimed', 'in σ', 'flux: error', 'claimed', 'in σ', 'bound'],
      rows.map(row => [
        `${row.preset} ${row.seed}`,
        figure(row.off, 4),
        figure(row.magErr, 4),
        figure(ratio(row.off, row.magErr), 2),
        figure(row.measuredOff, 4),
        figure(row.measuredErr, 4),
        figure(row.measuredOff / row.measuredErr, 2),
        figure(row.bound, 4),
      ]),
    ),
  ]
}

function summary(name: string, group: Row[]): string[] {
  const off = group.flatMap(row => (row.off === null ? [] : [row.off]))
  const pulls = group.flatMap(row => ratio(row.off, row.magErr) ?? [])
  const measured = group.map(row => row.measuredOff)
  const measuredPulls = group.map(row => row.measuredOff / row.measuredErr)
  return [
    name,
    String(group.length),
    figure(median(off), 4),
    figure(median(off.map(Math.abs)), 4),
    within(pulls, group.length),
    figure(rms(pulls), 2),
    figure(median(measured), 4),
    figure(median(measured.map(Math.abs)), 4),
    figure(median(group.map(row => row.measuredErr)), 4),
    figure(median(group.map(row => row.bound)), 4),
    within(measuredPulls, group.length),
    figure(rms(measuredPulls), 2),
  ]
}

function ratio(off: number | null, error: number | null): number | undefined {
  return off === null || error === null ? undefined : off / error
}

function within(pulls: number[], of: number): string {
  return `${pulls.filter(pull => Math.abs(pull) < 3).length} of ${of}`
}

function rms(list: number[]): number {
  return Math.sqrt(list.reduce((sum, value) => sum + value * value, 0) / list.length)
}

function median(list: number[]): number {
  const sorted = list.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
