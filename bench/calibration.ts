/**
 * The calibration alone, on frames of known truth: zero points, colour terms, errors, the choice of survey and band, and
 * how all of it stands wrong catalogues, a filter without a name and a repetition.
 *
 *     node bench/calibration.ts --simulator DIR [--presets …] [--bands g,r,i,z] [--seeds 1-2] [--frames DIR] [--work DIR]
 *
 * With --made only frames whose products are there already are judged.
 * Frames are simulated into --frames and taken through the stages before the calibration once; the products are kept in
 * --work. Writes its section of `bench/RESULTS.md`.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { calibrationSection } from './calibration-results.ts'
import { judge, type Verdict } from './calibration-trials.ts'
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
    seeds: { type: 'string', default: '1-2' },
    more: { type: 'string', default: 'sparse:1-5,v1490cyg:1-5' },
    frames: { type: 'string', default: join(root, 'bench', 'work', 'frames') },
    work: { type: 'string', default: join(root, 'bench', 'work', 'calibration') },
    python: { type: 'string', default: '/usr/bin/python3' },
    out: { type: 'string', default: resultsFile },
    made: { type: 'boolean', default: false },
  },
})

const verdicts: Verdict[] = []
for (const [preset, band, seed] of wanted()) {
  if (values.made && !existsSync(join(values.work, frameName(preset, band, seed), 'state.json'))) continue
  const frame = await measuredFrame(preset, band, seed, values)
  if (!frame) continue
  const verdict = await judge(frame, seed === 1)
  verdicts.push(verdict)
  console.log(JSON.stringify(verdict))
}
writeSection('calibration', calibrationSection(verdicts, machineInWords()), values.out)

/** All frames, without repetition: presets × bands × seeds, and more seeds of some presets. */
function wanted(): [preset: string, band: string, seed: number][] {
  const lists = [
    ...values.presets.split(',').map(preset => [preset, values.seeds]),
    ...values.more
      .split(',')
      .filter(Boolean)
      .map(part => part.split(':')),
  ]
  const all = lists.flatMap(([preset, seeds]) =>
    values.bands.split(',').flatMap(band => range(seeds).map(seed => `${preset} ${band} ${seed}`)),
  )
  return [...new Set(all)].map(name => {
    const [preset, band, seed] = name.split(' ')
    return [preset, band, Number(seed)]
  })
}

function range(text: string): number[] {
  const [first, last = first] = text.split('-').map(Number)
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
