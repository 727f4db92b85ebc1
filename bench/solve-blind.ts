/**
 * Blind solving of simulated frames amid a sky of two million other stars.
 *
 *     node bench/solve-blind.ts --prepare [--frames DIR] [--seeds 1000-1199] [--work DIR]      catalogue and index
 *     node bench/solve-blind.ts --run 1000-1049 [--frames DIR] [--work DIR]                    one part of the frames
 *     node bench/solve-blind.ts --report [--work DIR] [--out FILE]                             the section
 *
 * DIR of --frames holds `solve-<seed>` of the simulator (preset solve). Of the header's place nothing is left, and the
 * scale it tells is wrong by up to 30 per cent.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { indexSurvey } from '#shared/astrometry/index-survey.ts'
import { openQuadSky } from '#shared/astrometry/quad-index.ts'
import { importStars, readPublished } from '#shared/catalogue/import.ts'
import { combineStars } from '#shared/catalogue/reference-columns.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { random } from '#shared/numeric/random.ts'
import { median, quantile } from '#shared/numeric/robust.ts'
import { keep, kept } from './kept.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'
import { offBy, ready, truePlaces, trySolve } from './trial.ts'
import { starsOf, virtualSky } from './virtual-sky.ts'

const work = join(import.meta.dirname, 'work')
const { values } = parseArgs({
  options: {
    prepare: { type: 'boolean' },
    run: { type: 'string' },
    report: { type: 'boolean' },
    frames: { type: 'string', default: join(work, 'frames') },
    seeds: { type: 'string', default: '1000-1199' },
    work: { type: 'string', default: join(work, 'blind') },
    out: { type: 'string', default: resultsFile },
  },
})

const OTHER_STARS = 2_050_000
const WRONG_PX = 1 // a solution that puts half of the stars farther off than this is wrong
const SCALE_ERROR = 0.3
const MODES = ['scale told, up to 30 % wrong', 'scale not told'] as const
const catalogues = new FolderStore(join(values.work, 'catalogues'))
const results = join(values.work, 'blind.jsonl')

interface Trial {
  seed: number
  mode: (typeof MODES)[number]
  toldOverTrue: number | null
  solved: boolean
  offPx: number | null
  matched?: number
  seconds: number
  cpuSeconds: number
}

if (values.prepare) await prepare()
if (values.run) await run(values.run)
if (values.report) report()

function seedsOf(range: string): number[] {
  const [first, last = first] = range.split('-').map(Number)
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

async function prepare(): Promise<void> {
  mkdirSync(values.work, { recursive: true })
  const others = starsOf(virtualSky('others', OTHER_STARS, [0, 360, -90, 90]))
  others.id = others.id.map((_, i) => String(1e12 + i))
  const parts = [others]
  for (const seed of seedsOf(values.seeds)) {
    const stars = await readPublished(
      new Uint8Array(readFileSync(join(values.frames, `solve-${seed}`, 'gaia.csv'))),
      'gaia_dr3',
    )
    // the simulator counts the stars of each frame anew
    stars.id = stars.id.map((_, i) => String(1e7 * seed + i))
    parts.push(stars)
  }
  const rows = (count: number) => Array.from({ length: count }, (_, i) => i)
  const all = combineStars(
    parts.map(stars => ({ stars, rows: rows(stars.count) })),
    'gaia_dr3',
  )
  const { total } = await importStars(catalogues, '', all)
  console.log(`${total} stars imported`)
  const bands = await indexSurvey(catalogues, 'gaia_dr3', ({ order, stars, quads, bytes }) =>
    console.log(`order ${order}: ${stars} stars, ${quads} figures, ${(bytes / 1e6).toFixed(1)} MB`),
  )
  keep(join(values.work, 'index.jsonl'), { total, bands })
}

async function run(range: string): Promise<void> {
  const tiles = openTiles(catalogues)
  const sky = await openQuadSky(catalogues, 'gaia_dr3')
  const quads = async () => sky
  // the index is in memory before the clock runs
  for (const order of sky?.orders ?? []) for (const cell of sky?.pieces(order) ?? []) await sky?.piece(order, cell)
  const seeds = seedsOf(range)
  // and the machine's code is warm: the first frame is solved once more than it counts
  const first = await ready(join(values.frames, `solve-${seeds[0]}`, 'frame.fits'))
  await trySolve(first, { pointing: null, object: null }, { tiles, quads, blind: true })
  for (const seed of seeds) {
    const folder = join(values.frames, `solve-${seed}`)
    const frame = await ready(join(folder, 'frame.fits'))
    const { params } = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as { params: { scale: number } }
    const toldOverTrue = 1 - SCALE_ERROR + 2 * SCALE_ERROR * random(`scale ${seed}`).uniform()
    for (const mode of MODES) {
      const told = mode === 'scale not told' ? null : toldOverTrue
      const header = { pointing: null, object: null, pixelScaleArcsec: told === null ? null : told * params.scale }
      const { solved, wcs, matched, seconds, cpuSeconds } = await trySolve(frame, header, { tiles, quads })
      const offPx = wcs ? offBy(wcs, truePlaces(folder)) : null
      keep(results, { seed, mode, toldOverTrue: told, solved, offPx, matched, seconds, cpuSeconds } satisfies Trial)
    }
  }
}

function report(): void {
  const trials = kept<Trial>(results, ({ seed, mode }) => `${seed} ${mode}`)
  const [{ total }] = kept<{ total: number }>(join(values.work, 'index.jsonl'), () => 0)
  const measured = trials.filter(trial => Number.isFinite(trial.cpuSeconds)).length
  const rows = MODES.map(mode => {
    const part = trials.filter(trial => trial.mode === mode)
    const seconds = part.map(trial => trial.cpuSeconds).filter(Number.isFinite)
    const wrong = part.filter(trial => trial.offPx !== null && trial.offPx > WRONG_PX)
    const off = part.flatMap(trial => (trial.offPx === null ? [] : [trial.offPx]))
    return [
      mode,
      String(part.length),
      String(part.filter(trial => trial.solved).length),
      String(wrong.length),
      figure(median(off), 3),
      figure(Math.max(...off), 3),
      figure(median(seconds), 2),
      figure(quantile(seconds, 0.9), 2),
      figure(Math.max(...seconds), 2),
      figure(median(part.map(trial => trial.seconds)), 2),
    ]
  })
  writeSection(
    'blind',
    [
      '## Frames whose place is unknown',
      '',
      'Written by `node bench/solve-blind.ts --prepare`, `--run` and `--report`; measured on',
      `${machineInWords()}. Frames of 1024 × 1024 pixels and 10′, some 400 stars, no place in the header and no target, from an`,
      `index of ${(total / 1e6).toFixed(2)} million stars: ${(OTHER_STARS / 1e6).toFixed(2)} million others over the whole sky and the frames' own. Seconds of`,
      'the whole solve stage (background, detection, search, fit, files in memory), the index loaded: of the',
      `processor in the ${measured} trials where it was taken, and of the clock on a machine busy with other things.`,
      '',
      ...table(
        [
          'header',
          'frames',
          'solved',
          'wrong',
          'off by px (median)',
          'px (most)',
          'CPU s (median)',
          'CPU s (90 %)',
          'CPU s (most)',
          'wall s (median)',
        ],
        rows,
      ),
    ],
    values.out,
  )
}
