/**
 * Processor seconds of background, detection and centroids beside SExtractor on the same frames, and of the solve with
 * the fit. Both take turns, so that a busy moment of the machine hits both.
 *
 *     node bench/solve-speed.ts [--frames DIR] [--names typical-1,crowded-1] [--rounds 5] [--work DIR] [--out FILE]
 *
 * DIR holds frames of the simulator. SExtractor (`source-extractor`) is run as the peers' bench runs it: a pass at 8 σ
 * that tells the seeing, which CPCS finds out for itself, and one at 1 σ with the filter of that seeing.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { importTiles } from '#cli/tiles.ts'
import { solve } from '#functions/solve/solve.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { FolderStore, MemoryStore } from '#shared/folder-store.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { detectWithShape } from '#shared/image/detection.ts'
import { decodeFrame } from '#shared/image/frame-file.ts'
import { median } from '#shared/numeric/robust.ts'
import { silent } from '#shared/store.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'
import { ready } from './trial.ts'

const work = join(import.meta.dirname, 'work')
const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: join(work, 'frames') },
    names: { type: 'string', default: 'typical-1,crowded-1' },
    rounds: { type: 'string', default: '5' },
    work: { type: 'string', default: join(work, 'speed') },
    out: { type: 'string', default: resultsFile },
    child: { type: 'string' },
  },
})

/** Processor seconds of the steps, each round; the first is that of a process that has done nothing before. */
interface Rounds {
  detection: number[]
  search: number[]
}
const CHILD_ROUNDS = 4

if (values.child) await child(values.child)
else await compare()

async function compare(): Promise<void> {
  const rows: string[][] = []
  for (const name of values.names.split(',')) {
    const folder = join(values.work, name)
    mkdirSync(folder, { recursive: true })
    const { image, output } = await ready(join(values.frames, name, 'frame.fits'))
    writeFileSync(join(folder, 'standard.fits'), image)
    writeFileSync(join(folder, 'input.json'), JSON.stringify(output))
    if (!existsSync(join(folder, 'catalogues')))
      await importTiles('gaia_dr3', [join(values.frames, name, 'gaia.csv')], join(folder, 'catalogues'))
    const theirs: number[] = []
    const first: Rounds = { detection: [], search: [] }
    const later: Rounds = { detection: [], search: [] }
    for (let round = 0; round < Number(values.rounds); round++) {
      const text = execFileSync(process.execPath, [import.meta.filename, '--child', folder], { encoding: 'utf8' })
      const { detection, search } = JSON.parse(text) as Rounds
      first.detection.push(detection[0])
      first.search.push(search[0])
      later.detection.push(detection[CHILD_ROUNDS - 1])
      later.search.push(search[CHILD_ROUNDS - 1])
      theirs.push(sextractor(join(values.frames, name), folder))
    }
    const bar = median(theirs)
    rows.push([
      name,
      figure(bar, 2),
      figure(median(first.detection), 2),
      figure(median(first.detection) / bar, 2),
      figure(median(later.detection), 2),
      figure(median(later.detection) / bar, 2),
      figure(median(first.search), 2),
      figure(median(later.search), 2),
    ])
  }
  writeSection(
    'detection speed',
    [
      '## Detection and solve: processor seconds',
      '',
      `Written by \`node bench/solve-speed.ts\`; median of ${values.rounds} rounds in turns with SExtractor on the same frames,`,
      `${machineInWords()}, beside whatever else ran on the machine. Ours: background, detection, centroids from the frame`,
      `in memory; theirs from the file, both passes. "First" is the first frame of a process, "later" the ${CHILD_ROUNDS}th.`,
      'The search runs from the detections to the solution with the fit, the header told its pointing and scale, tiles',
      'read from files.',
      '',
      ...table(
        [
          'frame',
          'SExtractor',
          'detection, first',
          'ratio',
          'detection, later',
          'ratio',
          'search + fit, first',
          'later',
        ],
        rows,
      ),
    ],
    values.out,
  )
}

function cpuSeconds(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

async function child(folder: string): Promise<void> {
  const bytes = new Uint8Array(readFileSync(join(folder, 'standard.fits')))
  const input = JSON.parse(readFileSync(join(folder, 'input.json'), 'utf8'))
  const { frame } = decodeFrame(bytes)
  const rounds: Rounds = { detection: [], search: [] }
  for (let round = 0; round < CHILD_ROUNDS; round++) {
    const before = cpuSeconds()
    detectWithShape(frame, estimateBackground(frame))
    rounds.detection.push(cpuSeconds() - before)
  }
  for (let round = 0; round < CHILD_ROUNDS; round++) {
    const store = new MemoryStore()
    await store.put(input.image, bytes)
    // the stage says when the detections are there and when the solution is
    const at: number[] = []
    const log = { ...silent, info: () => void at.push(cpuSeconds()) }
    const targets = { inCone: async () => [], candidates: async () => [] }
    await solve(input, { store, targets, log, tiles: openTiles(new FolderStore(join(folder, 'catalogues'))) })
    rounds.search.push(at[at.length - 1] - at[0])
  }
  console.log(JSON.stringify(rounds))
}

/** Processor seconds of both passes over a simulated frame. */
function sextractor(frameFolder: string, folder: string): number {
  const { params } = JSON.parse(readFileSync(join(frameFolder, 'truth.json'), 'utf8')) as {
    params: { gain: number; sat: number; scale: number; fwhm: number }
  }
  const share = '/usr/share/source-extractor'
  const common = ['-c', `${share}/default.sex`, '-STARNNW_NAME', `${share}/default.nnw`, '-CATALOG_TYPE', 'ASCII_HEAD']
  const camera = ['-GAIN', String(params.gain), '-GAIN_KEY', 'NONE', '-SATUR_KEY', 'NONE', '-VERBOSE_TYPE', 'QUIET']
  writeFileSync(
    join(folder, 'first.param'),
    'X_IMAGE\nY_IMAGE\nFWHM_IMAGE\nFLUX_AUTO\nFLUXERR_AUTO\nFLAGS\nELONGATION\n',
  )
  writeFileSync(
    join(folder, 'second.param'),
    'XWIN_IMAGE\nYWIN_IMAGE\nFLUX_APER(2)\nFLUXERR_APER(2)\nFLUX_AUTO\nFLUXERR_AUTO\nFLAGS\n',
  )
  const image = join(frameFolder, 'frame.fits')
  const passes = [
    [
      '-PARAMETERS_NAME',
      'first.param',
      '-FILTER_NAME',
      `${share}/gauss_2.5_5x5.conv`,
      '-CATALOG_NAME',
      'first.cat',
    ].concat(['-DETECT_THRESH', '8', '-DETECT_MINAREA', '4', '-SATUR_LEVEL', String(0.9 * params.sat)]),
    ['-PARAMETERS_NAME', 'second.param', '-FILTER_NAME', `${share}/gauss_3.0_7x7.conv`, '-CATALOG_NAME', 'second.cat']
      .concat(['-DETECT_THRESH', '1.0', '-ANALYSIS_THRESH', '1.0', '-DETECT_MINAREA', '3', '-DEBLEND_NTHRESH', '64'])
      .concat(['-DEBLEND_MINCONT', '0.0005', '-BACK_SIZE', '64', '-BACK_FILTERSIZE', '3', '-BACKPHOTO_TYPE', 'LOCAL'])
      .concat(['-SATUR_LEVEL', String(0.95 * params.sat), '-PIXEL_SCALE', String(params.scale), '-SEEING_FWHM', '2.1'])
      .concat(['-MEMORY_PIXSTACK', '3000000', '-MEMORY_OBJSTACK', '30000', '-PHOT_APERTURES', '7.0,17.6']),
  ]
  let seconds = 0
  for (const pass of passes) {
    const run = spawnSync('/usr/bin/time', ['-f', '%U %S', 'source-extractor', image, ...common, ...camera, ...pass], {
      cwd: folder,
      encoding: 'utf8',
    })
    if (run.status !== 0) throw new Error(`source-extractor ended with ${run.status}: ${run.stderr}`)
    const [user, system] = run.stderr.trim().split('\n').at(-1)?.split(' ').map(Number) ?? []
    seconds += user + system
  }
  return seconds
}
