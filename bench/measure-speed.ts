/**
 * Processor seconds of the measure stage beside SExtractor, PSFEx and SExtractor with the PSF on the same frames. Both
 * take turns, so that a busy moment of the machine hits both.
 *
 *     node bench/measure-speed.ts [--simulator DIR] [--frames DIR] [--names typical-1,crowded-1,wide-1] [--rounds 3]
 *         [--work DIR] [--python PATH] [--out FILE]
 *
 * DIR of --simulator holds the peers' bench (`peer_sex.py`), that of --frames simulated frames. Figures are kept in --work, so
 * that frames can be timed one by one while nothing else runs.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { givenTargets } from '#cli/pipeline.ts'
import { importTiles } from '#cli/tiles.ts'
import type { MeasureInput } from '#events/stages.ts'
import { measure } from '#functions/measure/measure.ts'
import { solve } from '#functions/solve/solve.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { median } from '#shared/numeric/robust.ts'
import { silent } from '#shared/store.ts'
import { keep, kept } from './kept.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'
import type { PeerFile, Truth } from './results.ts'
import { ready } from './trial.ts'

const root = join(import.meta.dirname, '..')
const work = join(import.meta.dirname, 'work')
const { values } = parseArgs({
  options: {
    simulator: { type: 'string', default: join(root, '..', 'shared', 'bench') },
    frames: { type: 'string', default: join(work, 'frames') },
    names: { type: 'string', default: 'typical-1,crowded-1,wide-1' },
    rounds: { type: 'string', default: '3' },
    work: { type: 'string', default: join(work, 'measure-speed') },
    python: { type: 'string', default: '/usr/bin/python3' },
    out: { type: 'string', default: resultsFile },
    child: { type: 'string' },
  },
})

/** A frame's line of the table. */
interface Line {
  name: string
  cells: string[]
}

/** What one process tells: processor seconds of each time the stage ran, and what it needed at most. */
interface Told {
  cpuSeconds: number[]
  peakMb: number
  stars: number
}
const CHILD_ROUNDS = 4

if (values.child) await child(values.child)
else await compare()

async function compare(): Promise<void> {
  const figures = join(values.work, 'figures.jsonl')
  mkdirSync(values.work, { recursive: true })
  for (const name of values.names.split(',')) {
    const folder = join(values.work, name)
    await prepare(name, folder)
    const theirs: number[] = []
    const [first, later, peak]: [number[], number[], number[]] = [[], [], []]
    let stars = 0
    for (let round = 0; round < Number(values.rounds); round++) {
      // A process of one frame alone, for its memory, and one that stays.
      const alone = told(folder, 1)
      const stayed = told(folder, CHILD_ROUNDS)
      first.push(alone.cpuSeconds[0], stayed.cpuSeconds[0])
      later.push(stayed.cpuSeconds[CHILD_ROUNDS - 1])
      peak.push(alone.peakMb)
      stars = alone.stars
      theirs.push(peerSeconds(name, folder))
    }
    const bar = median(theirs)
    keep(figures, {
      name,
      cells: [
        name,
        figure(bar, 2),
        figure(median(first), 2),
        figure(median(first) / bar, 2),
        figure(median(later), 2),
        figure(median(later) / bar, 2),
        figure(stars / median(later), 0),
        figure(median(peak), 0),
      ],
    } satisfies Line)
  }
  writeSection(
    'measure speed',
    [
      '## The measure stage: processor seconds beside the peer',
      '',
      `Written by \`node bench/measure-speed.ts\`; median of ${values.rounds} rounds in turns with SExtractor, PSFEx and SExtractor`,
      `with the PSF on the same frames, ${machineInWords()}. All threads of Node are counted. "First" is the first frame`,
      'of a process, as on the command line and after a cold start of a Lambda: what it takes more than a later one is Node',
      `making machine code of the sources. "Later" is the same frame for the ${CHILD_ROUNDS}th time in one process, as in a Lambda`,
      'that stays. Memory is that of a process that measures one frame, Node itself included.',
      '',
      ...table(
        ['frame', 'peer', 'first', 'over the peer', 'later', 'over the peer', 'stars per second, later', 'peak MB'],
        kept<Line>(figures, ({ name }) => name).map(({ cells }) => cells),
      ),
    ],
    values.out,
  )
}

/** Take a frame as far as the measure stage, once. */
async function prepare(name: string, folder: string): Promise<void> {
  if (existsSync(join(folder, 'input.json'))) return
  const [frame, catalogues] = [join(values.frames, name), join(folder, 'catalogues')]
  mkdirSync(folder, { recursive: true })
  for (const [survey, file] of [
    ['gaia_dr3', 'gaia'],
    ['ps1', 'ps1'],
  ])
    await importTiles(survey, [join(frame, `${file}.csv`)], catalogues)
  const { image, output } = await ready(join(frame, 'frame.fits'))
  const store = new FolderStore(join(folder, 'products'))
  await store.put(output.image, image)
  const tiles = openTiles(new FolderStore(catalogues))
  const solved = await solve(output, { store, tiles, targets: targetsOf(frame), log: silent })
  writeFileSync(join(folder, 'input.json'), JSON.stringify({ frame, solved }))
}

function targetsOf(frame: string) {
  const { target } = JSON.parse(readFileSync(join(frame, 'truth.json'), 'utf8').replaceAll('NaN', 'null')) as Truth
  return givenTargets([{ name: 'target', raDeg: target.ra, decDeg: target.dec }])
}

function told(folder: string, times: number): Told {
  const args = [import.meta.filename, '--child', folder, '--rounds', String(times)]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Told
}

async function child(folder: string): Promise<void> {
  const { frame, solved } = JSON.parse(readFileSync(join(folder, 'input.json'), 'utf8')) as {
    frame: string
    solved: MeasureInput
  }
  const products = new FolderStore(join(folder, 'products'))
  const cpuSeconds: number[] = []
  let stars = 0
  for (let round = 0; round < Number(values.rounds); round++) {
    const written = new FolderStore(join(folder, 'written'))
    const store = {
      get: products.get.bind(products),
      range: products.range.bind(products),
      size: products.size.bind(products),
      list: products.list.bind(products),
      put: written.put.bind(written),
    }
    const before = process.cpuUsage()
    const tiles = openTiles(new FolderStore(join(folder, 'catalogues')))
    const measured = await measure(solved, { store, tiles, targets: targetsOf(frame), log: silent })
    const { user, system } = process.cpuUsage(before)
    cpuSeconds.push((user + system) / 1e6)
    stars = measured.stars
  }
  console.log(JSON.stringify({ cpuSeconds, peakMb: process.resourceUsage().maxRSS / 1024, stars } satisfies Told))
}

/** Processor seconds of the peer, its first look at the seeing among them. */
function peerSeconds(name: string, folder: string): number {
  const made = join(folder, 'peer')
  mkdirSync(made, { recursive: true })
  const args = [join(values.frames, name), join(made, 'sex'), join(made, name)]
  execFileSync(values.python, [join(values.simulator, 'peer_sex.py'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const told = JSON.parse(readFileSync(join(made, `${name}.sex.json`), 'utf8')) as {
    sex_psf: PeerFile['photometry'][string]['run']
  }
  return told.sex_psf.cpu_s
}
