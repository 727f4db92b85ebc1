/**
 * Solutions of what cannot be solved: noise, and fields of another sky. None may be accepted.
 *
 *     node bench/solve-false.ts --trials 0-999 [--kept FILE] [--stars 2000000]      one part of the run, added to FILE
 *     node bench/solve-false.ts --report [--kept FILE] [--earlier FILE] [--out FILE]      the section, from all parts
 *
 * A trial is what the solve stage does after the detection: the whole ladder, its hints and the index of the whole sky
 * behind them, over a virtual sky of two million stars with a dense band and clusters.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { StandardHeader } from '#events/frame.ts'
import { type Attempt, findField, type LadderDeps } from '#functions/solve/ladder.ts'
import { searchLadder } from '#functions/solve/search.ts'
import { writeQuads } from '#shared/astrometry/index-survey.ts'
import type { FieldDetections } from '#shared/astrometry/pair-stars.ts'
import { openQuadSky, QUAD_ORDERS } from '#shared/astrometry/quad-index.ts'
import { CpcsError } from '#shared/errors.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { type Random, random } from '#shared/numeric/random.ts'
import { median, quantile } from '#shared/numeric/robust.ts'
import { gnomonic } from '#shared/sky/projection.ts'
import { silent } from '#shared/store.ts'
import { keep, kept } from './kept.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'
import { tilesOf, type VirtualSky, virtualSky } from './virtual-sky.ts'

const work = join(import.meta.dirname, 'work')
const { values } = parseArgs({
  options: {
    trials: { type: 'string' },
    stars: { type: 'string', default: '2000000' },
    kept: { type: 'string', default: join(work, 'solve-false.jsonl') },
    index: { type: 'string', default: join(work, 'virtual-sky') },
    /** Trials of the ladder before it tried pixels that are not square. */
    earlier: { type: 'string' },
    report: { type: 'boolean' },
    out: { type: 'string', default: resultsFile },
  },
})

const SIDE = 1024 // of the frames, pixel
const MJD = 57388.5 // 2016.0: stars stand where the catalogue says
const KINDS = [
  'noise',
  'noise with a cluster',
  'hot columns and trails',
  'foreign sky',
  'foreign sky, crowded',
] as const
type Kind = (typeof KINDS)[number]
const MODES = ['pointing and scale', 'pointing, scale unknown', 'nothing known: blind'] as const
type Mode = (typeof MODES)[number]

interface Trial {
  seed: number
  kind: Kind
  mode: Mode
  stars: number
  fieldDeg: number
  rungs: number
  /** Hypotheses whose odds were asked for, where nothing was accepted. */
  tested?: number
  accepted: boolean
  /** Best log-odds of a solution that was accepted. */
  logOdds?: number
  seconds: number
}

if (values.report) report()
else await run()

async function run(): Promise<void> {
  const [first, last] = (values.trials ?? '').split('-').map(Number)
  if (!(last >= first)) throw new Error('write --trials FIRST-LAST')
  const sky = virtualSky(1, Number(values.stars))
  const foreign = virtualSky('foreign', Number(values.stars))
  const store = new FolderStore(values.index)
  if (!(await openQuadSky(store, 'gaia_dr3'))) await writeQuads(store, 'gaia_dr3', sky, QUAD_ORDERS)
  const quads = await openQuadSky(store, 'gaia_dr3')
  const deps: LadderDeps = { tiles: tilesOf(sky), log: silent, quads: async () => quads }
  const elsewhere = tilesOf(foreign)
  for (let seed = first; seed <= last; seed++) {
    const trial = await attempt(seed, sky, deps, elsewhere)
    keep(values.kept, trial)
  }
}

async function attempt(
  seed: number,
  sky: VirtualSky,
  deps: LadderDeps,
  elsewhere: LadderDeps['tiles'],
): Promise<Trial> {
  const draw = random(`false ${seed}`)
  const kind = KINDS[seed % KINDS.length]
  const mode = MODES[Math.floor(seed / KINDS.length) % MODES.length]
  const fieldDeg = 0.2 * 10 ** draw.uniform() // 12 arcminutes to 2 degrees
  const scaleArcsec = (fieldDeg * 3600) / SIDE
  const place = {
    raDeg: sky.lowRaDeg + (sky.highRaDeg - sky.lowRaDeg) * draw.uniform(),
    decDeg: sky.lowDecDeg + (sky.highDecDeg - sky.lowDecDeg) * draw.uniform(),
  }
  const detections = await drawDetections(kind, draw, elsewhere, place, fieldDeg)
  const header = {
    widthPx: SIDE,
    heightPx: SIDE,
    mjdUtcMid: MJD,
    object: null,
    pixelScaleArcsec: mode === 'pointing and scale' ? scaleArcsec * (0.95 + 0.1 * draw.uniform()) : null,
    pointing: mode === 'nothing known: blind' ? null : { ...place, uncertaintyDeg: 0.05 + 0.3 * draw.uniform() },
  } as StandardHeader
  const ladder = searchLadder(header, { targets: [] })
  const trial = { seed, kind, mode, stars: detections.x.length, fieldDeg, rungs: ladder.length }
  const start = process.cpuUsage()
  const seconds = () => {
    const { user, system } = process.cpuUsage(start)
    return Number(((user + system) / 1e6).toFixed(3))
  }
  let tested = 0
  const count = async (attempts: Attempt[]) => {
    tested = attempts.reduce((sum, attempt) => sum + attempt.tested, 0)
    return ''
  }
  try {
    const { solution } = await findField(ladder, detections, header, deps, count)
    return { ...trial, accepted: true, logOdds: solution.logOdds, seconds: seconds() }
  } catch (error) {
    if (!(error instanceof CpcsError) || error.policy !== 'reject') throw error
    return { ...trial, tested, accepted: false, seconds: seconds() }
  }
}

async function drawDetections(
  kind: Kind,
  draw: Random,
  elsewhere: LadderDeps['tiles'],
  place: { raDeg: number; decDeg: number },
  fieldDeg: number,
): Promise<FieldDetections> {
  const wanted = Math.round(20 * 50 ** draw.uniform()) // 20 to 1000
  const rows: [number, number][] = []
  if (kind.startsWith('foreign')) {
    const stars = await elsewhere.cone('gaia_dr3', { ...place, radiusDeg: fieldDeg }, { limit: 8000 })
    const perDegree = SIDE / fieldDeg
    const turn = 2 * Math.PI * draw.uniform()
    const flip = draw.uniform() < 0.5 ? 1 : -1
    const most = kind === 'foreign sky' ? wanted : 4 * wanted
    for (let k = 0; k < stars.count && rows.length < most; k++) {
      const [xi, eta] = gnomonic(stars.raDeg[k], stars.decDeg[k], place.raDeg, place.decDeg)
      const x = SIDE / 2 + perDegree * flip * (xi * Math.cos(turn) - eta * Math.sin(turn)) + 0.2 * draw.normal()
      const y = SIDE / 2 + perDegree * (xi * Math.sin(turn) + eta * Math.cos(turn)) + 0.2 * draw.normal()
      if (x >= 0 && y >= 0 && x < SIDE && y < SIDE) rows.push([x, y])
    }
  }
  const column = SIDE * draw.uniform()
  const centre = [SIDE * draw.uniform(), SIDE * draw.uniform()]
  for (let k = 0; !kind.startsWith('foreign') && k < wanted; k++) {
    if (kind === 'noise with a cluster' && k % 2 === 0)
      rows.push([centre[0] + 40 * draw.normal(), centre[1] + 40 * draw.normal()])
    else if (kind === 'hot columns and trails' && k % 3 === 0) rows.push([column, SIDE * draw.uniform()])
    else if (kind === 'hot columns and trails' && k % 3 === 1) {
      const along = draw.uniform()
      rows.push([SIDE * along, SIDE * (0.2 + 0.6 * along)])
    } else rows.push([SIDE * draw.uniform(), SIDE * draw.uniform()])
  }
  return {
    x: Float64Array.from(rows, row => row[0]),
    y: Float64Array.from(rows, row => row[1]),
    errorPx: new Float64Array(rows.length).fill(0.2),
    mag: Float64Array.from(rows, (_, k) => -12 + 2.5 * Math.log10(k + 1)),
    clean: new Uint8Array(rows.length).fill(1),
  }
}

function report(): void {
  const trials = kept<Trial>(values.kept, trial => trial.seed)
  const row = (name: string, mode: string, part: Trial[]) => [
    name,
    mode,
    String(part.length),
    String(part.filter(trial => trial.accepted).length),
    figure(median(part.map(trial => trial.stars)), 0),
    figure(median(part.map(trial => trial.seconds)), 2),
    figure(
      quantile(
        part.map(trial => trial.seconds),
        0.99,
      ),
      1,
    ),
  ]
  const tested = trials.reduce((sum, trial) => sum + (trial.tested ?? 0), 0)
  const counted = trials.filter(trial => trial.tested !== undefined).length
  writeSection(
    'false solutions',
    [
      '## What cannot be solved is not solved',
      '',
      'Written by `node bench/solve-false.ts --trials FIRST-LAST` in parts and `--report`;',
      `measured on ${machineInWords()}. Lists of detections that are noise, or fields of another sky, go through the whole`,
      'ladder as a frame does after its detection: near a pointing, around it with the scale unknown, and at last through',
      'the index of a virtual sky of two million stars with a dense band and clusters. Fields of 12′ to 2°.',
      `In ${counted} of the trials the hypotheses were counted whose odds were asked for: ${(tested / 1e6).toFixed(1)} million. None`,
      `accepted among so many bounds the rate of false ones below ${(3 / tested).toExponential(0)} (95 %).`,
      ...earlierInWords(),
      '',
      ...table(
        [
          'detections',
          'the header tells',
          'trials',
          'accepted',
          'detections (median)',
          'seconds (median)',
          'seconds (99 %)',
        ],
        [
          ...KINDS.flatMap(kind =>
            MODES.map(mode =>
              row(
                kind,
                mode,
                trials.filter(trial => trial.kind === kind && trial.mode === mode),
              ),
            ),
          ),
          row('**all**', '', trials),
        ],
      ),
    ],
    values.out,
  )
}

function earlierInWords(): string[] {
  if (!values.earlier) return []
  const trials = kept<Trial>(values.earlier, trial => trial.seed)
  const tested = trials.reduce((sum, trial) => sum + (trial.tested ?? 0), 0)
  return [
    `Before the ladder also tried pixels that are not square, ${trials.length} more trials of the same kinds asked for the`,
    `odds of ${(tested / 1e6).toFixed(1)} million hypotheses; accepted: ${trials.filter(trial => trial.accepted).length}.`,
  ]
}
