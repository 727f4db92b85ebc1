/**
 * Whether the limits that are stated are true: stars put into frames of every kind.
 *
 *     node bench/limits.ts --frames DIR [--presets typical,sparse] [--seeds 1] [--stars 300] [--work DIR] [--kept] [--out FILE]
 *
 * DIR holds frames of the simulator as `<preset>-<seed>`; those that are not there are left out. What was measured before
 * is kept in --work; --kept measures nothing more and
 * writes what is there. Writes its section of `bench/RESULTS.md`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Recovery, Report } from '#events/stages.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'
import { importSurveys, runCommand } from './run-command.ts'
import { readTruth, seedsOf } from './truth.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: join(root, 'bench', 'work', 'frames') },
    work: { type: 'string', default: join(root, 'bench', 'work', 'limits') },
    presets: {
      type: 'string',
      default: 'typical,sparse,undersampled,trailed,brightsky,host,v1490cyg,crowded,defocus,wide',
    },
    seeds: { type: 'string', default: '1' },
    stars: { type: 'string', default: '300' },
    kept: { type: 'boolean', default: false },
    out: { type: 'string', default: resultsFile },
  },
})

interface Row {
  frame: string
  recovery: Recovery
}

const rows = values.presets.split(',').flatMap(preset => seedsOf(values.seeds).flatMap(seed => measure(preset, seed)))
writeSection('limits', section(), values.out)
console.log(`${values.out} written`)

function measure(preset: string, seed: number): Row[] {
  const frame = `${preset}-${seed}`
  const folder = join(values.frames, frame)
  if (!existsSync(join(folder, 'truth.json'))) return []
  const made = join(values.work, frame)
  const kept = join(made, 'row.json')
  if (existsSync(kept)) return [JSON.parse(readFileSync(kept, 'utf8')) as Row]
  if (values.kept) return []
  mkdirSync(made, { recursive: true })
  const catalogues = importSurveys(folder, made)
  const out = join(made, 'out')
  const file = join(folder, 'frame.fits')
  const { target } = readTruth(folder)
  const place = `${target.ra} ${target.dec} target`
  runCommand('process', file, '--catalogues', catalogues, '--out', out, '--target', place, '--inject', values.stars)
  const { injection } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report
  if (!injection) throw new Error(`${frame}: nothing was injected`)
  const row: Row = { frame: `${preset} ${seed}`, recovery: injection }
  writeFileSync(kept, JSON.stringify(row))
  console.log(frame, figure(injection.half3SigmaMag, 3), figure(injection.emptyScatter, 3))
  return [row]
}

function section(): string[] {
  return [
    '## Limits, against stars put into the frames',
    '',
    `Written by \`node bench/limits.ts\`; measured on ${machineInWords()}.`,
    'Stars between 1.5 mag brighter and 1 mag fainter than the 3 σ limit stated for their places are put into the pixels with',
    'their photons’ noise, at random places away from other stars; the frame is measured anew. `half` is how much fainter than',
    'the stated limit the magnitude is at which half of them are recovered (with the error of that), `empty` the robust scatter',
    'of the fluxes of the same places before, over their errors, and their middle; `found` the same of flux found less flux put in.',
    '',
    ...table(
      [
        'frame',
        'stars',
        '3 σ limit mag',
        'half at 3 σ mag',
        '5 σ limit mag',
        'half at 5 σ mag',
        'empty: scatter',
        'middle',
        'found: scatter',
        'middle',
      ],
      rows.map(({ frame, recovery: r }) => [
        frame,
        String(r.stars),
        figure(r.limit3Sigma, 2),
        `${figure(r.half3SigmaMag, 3)} ± ${figure(r.half3SigmaErr, 3)}`,
        figure(r.limit5Sigma, 2),
        `${figure(r.half5SigmaMag, 3)} ± ${figure(r.half5SigmaErr, 3)}`,
        figure(r.emptyScatter, 2),
        figure(r.emptyBias, 2),
        figure(r.fluxScatter, 2),
        figure(r.fluxBias, 2),
      ]),
    ),
  ]
}
