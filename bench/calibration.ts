/**
 * The calibration alone, on frames of known truth: zero points, colour terms, errors, the choice of survey and band, and
 * how all of it stands wrong catalogues, a filter without a name and a repetition.
 *
 *     node bench/calibration.ts --simulator DIR [--presets …] [--bands g,r,i,z] [--seeds 1-5] [--frames DIR] [--work DIR]
 *     node bench/calibration.ts --write [--work DIR]
 *
 * Frames are simulated into --frames and taken through the stages before the calibration once; the products are kept in
 * --work, so that a change of the calibration alone is judged again within minutes. With --made only frames whose products
 * are there already are judged. What is found is kept as well (`verdicts.jsonl`; a frame judged again replaces what was said
 * of it), so that the table can be made in parts; --write writes the section of `bench/RESULTS.md`.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { calibrationSection } from './calibration-results.ts'
import { judge, type Verdict } from './calibration-trials.ts'
import { keep, kept } from './kept.ts'
import { frameName, measuredFrame } from './measured-frames.ts'
import { machineInWords, resultsFile, writeSection } from './page.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    simulator: { type: 'string', default: join(root, '..', 'shared', 'bench') },
    presets: {
      type: 'string',
      default: 'typical,sparse,host,v1490cyg,undersampled,defocus,brightsky,trailed,crowded,wide',
    },
    bands: { type: 'string', default: 'g,r,i,z' },
    seeds: { type: 'string', default: '1-5' },
    frames: { type: 'string', default: join(root, 'bench', 'work', 'frames') },
    work: { type: 'string', default: join(root, 'bench', 'work', 'calibration') },
    python: { type: 'string', default: '/usr/bin/python3' },
    out: { type: 'string', default: resultsFile },
    made: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})

const file = join(values.work, 'verdicts.jsonl')
if (values.write) {
  const verdicts = kept<Verdict>(file, ({ name }) => name)
  writeSection('calibration', calibrationSection(verdicts, machineInWords()), values.out)
} else
  for (const preset of values.presets.split(','))
    for (const band of values.bands.split(','))
      for (const seed of range(values.seeds)) await judgeFrame(preset, band, seed)

async function judgeFrame(preset: string, band: string, seed: number): Promise<void> {
  if (values.made && !existsSync(join(values.work, frameName(preset, band, seed), 'state.json'))) return
  const frame = await measuredFrame(preset, band, seed, values)
  if (!frame) return
  const verdict = await judge(frame, seed === 1)
  keep(file, verdict)
  console.log(`${verdict.name}: ${verdict.choice.header}`)
}

function range(text: string): number[] {
  const [first, last = first] = text.split('-').map(Number)
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
