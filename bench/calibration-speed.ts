/**
 * How long the calibration of one frame takes: tiles, the fits of all candidates, pictures and files.
 *
 *     node bench/calibration-speed.ts --work DIR --frame NAME [--repeat 15] [--out FILE]
 *
 * DIR is the work folder of `bench/calibration.ts`, NAME one of its frames. Writes its section of `bench/RESULTS.md`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { CalibrateInput } from '#events/stages.ts'
import { calibrate, matchScale } from '#functions/calibrate/calibrate.ts'
import { calibrateFrame, calibrationTitle, candidateRows, plotData } from '#shared/calibration/calibrate-frame.ts'
import { drawCalibration } from '#shared/calibration/plot.ts'
import { drawCandidates } from '#shared/calibration/plot-candidates.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { FolderStore, MemoryStore } from '#shared/folder-store.ts'
import { median } from '#shared/numeric/robust.ts'
import { decodeStars } from '#shared/photometry/catalogue-file.ts'
import { silent } from '#shared/store.ts'
import { around } from './calibration-trials.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'

const { values } = parseArgs({
  options: {
    work: { type: 'string', default: join(import.meta.dirname, 'work', 'calibration') },
    frame: { type: 'string', default: 'typical-1' },
    repeat: { type: 'string', default: '15' },
    out: { type: 'string', default: resultsFile },
  },
})
const folder = join(values.work, values.frame)
const input = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as CalibrateInput
const before = new FolderStore(join(folder, 'products'))
const store = Object.assign(new MemoryStore(), { get: (key: string) => before.get(key) })
const stars = decodeStars(await before.get(input.catalogue))
const openAgain = () => openTiles(new FolderStore(join(folder, 'catalogues')))
const tiles = openAgain()

/** Median milliseconds after two runs that warm the code. */
async function timed(work: () => unknown): Promise<number> {
  const times: number[] = []
  for (let turn = 0; turn < Number(values.repeat) + 2; turn++) {
    const start = performance.now()
    await work()
    if (turn >= 2) times.push(performance.now() - start)
  }
  return median(times)
}

const start = performance.now()
await calibrate(input, { store, tiles: openAgain(), log: silent })
const first = performance.now() - start
const surveys = await around(input, tiles)
const run = () => calibrateFrame(stars, surveys, matchScale(input), input.header.band)
const result = run()
const parts: [string, number][] = [
  ['tiles of all surveys, read from the folder', await timed(() => around(input, openAgain()))],
  ['tiles of all surveys, in memory', await timed(() => around(input, tiles))],
  [`match, all ${result.candidates.length} fits, choice`, await timed(run)],
  [
    'both pictures',
    await timed(() => [
      drawCalibration(plotData(result.choice.chosen!, stars, calibrationTitle(result.choice.chosen!))),
      drawCandidates(candidateRows(result, stars), ''),
    ]),
  ],
  [
    'the whole stage, tiles read from the folder',
    await timed(() => calibrate(input, { store, tiles: openAgain(), log: silent })),
  ],
  ['the whole stage, tiles in memory', await timed(() => calibrate(input, { store, tiles, log: silent }))],
]
const counts = surveys.map(({ survey, count }) => `${survey} ${count}`).join(', ')
writeSection(
  'calibration speed',
  [
    '## Calibration: time',
    '',
    `Written by \`node bench/calibration-speed.ts\` on ${machineInWords()}: frame ${values.frame}, ${stars.id.length} stars, rows around it: ${counts}.`,
    `Medians of ${values.repeat} runs; the first run of a fresh process, code not yet compiled and tiles not yet read, takes ${figure(first / 1000, 2)} s.`,
    '',
    ...table(
      ['part', 'milliseconds'],
      parts.map(([name, ms]) => [name, figure(ms, 0)]),
    ),
  ],
  values.out,
)
