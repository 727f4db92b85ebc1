/**
 * Detection and astrometry on simulated frames with known truth, beside the peers.
 *
 *     node bench/astrometry.ts [--presets …] [--seeds 1-5] [--frames DIR] [--simulator DIR] [--work DIR] [--kept FILE]
 *         [--out FILE]
 *     node bench/astrometry.ts --report [--kept FILE] [--out FILE]
 *
 * Each frame is standardised, solved and measured, its target registered. Its detections, with the sky positions that the
 * solution gives them, and its catalogue, whose positions are those of the PSF fit, go to the simulator's scorer.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { importTiles } from '#cli/tiles.ts'
import { measure } from '#functions/measure/measure.ts'
import { solve } from '#functions/solve/solve.ts'
import type { Tiles } from '#shared/catalogue/reference.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { CpcsError } from '#shared/errors.ts'
import { decodeTable } from '#shared/fits/table.ts'
import { FolderStore, MemoryStore } from '#shared/folder-store.ts'
import { PointGrid } from '#shared/numeric/point-grid.ts'
import { madSigma } from '#shared/numeric/robust.ts'
import { decodeStars } from '#shared/photometry/catalogue-file.ts'
import type { StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { DEGREE, MAS_PER_DEGREE, wrap180 } from '#shared/sky/angles.ts'
import { pixelToSky } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { silent } from '#shared/store.ts'
import { keep, kept } from './kept.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'
import type { PeerFile, Score } from './results.ts'
import { ready } from './trial.ts'
import { type FrameTruth, readTruth } from './truth.ts'

const work = join(import.meta.dirname, 'work')
const PRESETS = 'typical,sparse,crowded,wide,undersampled,defocus,brightsky,host,v1490cyg,trailed'
const { values } = parseArgs({
  options: {
    presets: { type: 'string', default: PRESETS },
    seeds: { type: 'string', default: '1-5' },
    frames: { type: 'string', default: join(work, 'frames') },
    simulator: { type: 'string', default: join(import.meta.dirname, '..', '..', 'shared', 'bench') },
    python: { type: 'string', default: '/usr/bin/python3' },
    work: { type: 'string', default: join(work, 'astrometry') },
    kept: { type: 'string', default: join(work, 'astrometry.jsonl') },
    report: { type: 'boolean' },
    out: { type: 'string', default: resultsFile },
  },
})

interface Measured {
  preset: string
  seed: number
  solved: boolean
  matched?: number
  /** Of the detections in the solution, and of the catalogue. */
  score?: Score
  catalogue?: Score
  /** Errors of the catalogue's right ascensions and declinations over what is claimed of them, by signal-to-noise. */
  pulls?: number[][]
}

/** Lower ends of the ranges of signal-to-noise in which pulls are told. */
const PULL_BINS = [7, 20, 50, 150, Number.POSITIVE_INFINITY]

if (!values.report) for (const preset of values.presets.split(',')) await measurePreset(preset)
report()

async function measurePreset(preset: string): Promise<void> {
  const [first, last = first] = values.seeds.split('-').map(Number)
  for (let seed = first; seed <= last; seed++) {
    const folder = join(values.frames, `${preset}-${seed}`)
    const made = join(values.work, `${preset}-${seed}`)
    mkdirSync(made, { recursive: true })
    if (!existsSync(join(made, 'catalogues')))
      await importTiles('gaia_dr3', [join(folder, 'gaia.csv')], join(made, 'catalogues'))
    const tiles = openTiles(new FolderStore(join(made, 'catalogues')))
    keep(values.kept, { preset, seed, ...(await measureFrame(folder, made, tiles)) } satisfies Measured)
  }
}

async function measureFrame(folder: string, made: string, tiles: Tiles): Promise<Omit<Measured, 'preset' | 'seed'>> {
  const truth = readTruth(folder)
  const registered = [{ name: 'target', raDeg: truth.target.ra, decDeg: truth.target.dec }]
  const targets = { inCone: async () => registered, candidates: async () => registered }
  const store = new MemoryStore()
  const { image, output } = await ready(join(folder, 'frame.fits'))
  await store.put(output.image, image)
  const deps = { store, targets, tiles, log: silent }
  try {
    const solved = await solve(output, deps)
    const { wcs } = JSON.parse(new TextDecoder().decode(await store.get(solved.solution))) as { wcs: Wcs }
    const detections = await store.get(solved.detections)
    const stars = decodeStars(await store.get((await measure(solved, deps)).catalogue))
    return {
      solved: true,
      matched: solved.wcs.matchedStars,
      score: score(folder, join(made, 'detections'), ofDetections(detections, wcs)),
      catalogue: score(folder, join(made, 'catalogue'), ofCatalogue(stars)),
      pulls: pullsOf(stars, truth),
    }
  } catch (error) {
    if (!(error instanceof CpcsError) || error.policy !== 'reject') throw error
    return { solved: false }
  }
}

function score(folder: string, name: string, lines: string[]): Score {
  writeFileSync(`${name}.csv`, ['x,y,ra,dec,flux,flux_err,mag_inst', ...lines].join('\n'))
  const scorer = join(values.simulator, 'score.py')
  execFileSync(values.python, [scorer, folder, `${name}.csv`, '--json', `${name}.json`, '--quiet'])
  return JSON.parse(readFileSync(`${name}.json`, 'utf8')) as Score
}

/** The scorer's table of the detections. Its positions count from 0, as they do inside the project. */
function ofDetections(detections: Uint8Array, wcs: Wcs): string[] {
  const { columns } = decodeTable(detections)
  const column = (name: string) => columns.get(name) as Float64Array
  const [x, y, flux, fluxErr] = ['x', 'y', 'flux', 'fluxErr'].map(column)
  return Array.from(x, (_, i) => {
    const [ra, dec] = pixelToSky(wcs, x[i] - 1, y[i] - 1)
    const magInst = -2.5 * Math.log10(flux[i])
    return [x[i] - 1, y[i] - 1, ra.toFixed(9), dec.toFixed(9), flux[i], fluxErr[i], magInst].join(',')
  })
}

/** The same of the catalogue. */
function ofCatalogue({ x, y, raDeg, decDeg, flux, fluxErr, magInst }: StarCatalogue): string[] {
  return Array.from(x, (_, i) =>
    [x[i], y[i], raDeg[i].toFixed(9), decDeg[i].toFixed(9), flux[i], fluxErr[i], magInst[i]].join(','),
  )
}

/** Isolated, unsaturated stars inside the frame, by their true signal-to-noise: errors of both axes over their claim. */
function pullsOf(stars: StarCatalogue, truth: FrameTruth): number[][] {
  const grid = new PointGrid(stars.x, stars.y, 8)
  const bins = PULL_BINS.slice(1).map((): number[] => [])
  for (const { type, x, y, raDeg, decDeg, flux, bound, contamination, saturated } of truth.stars) {
    const bin = PULL_BINS.findLastIndex(least => flux / bound >= least)
    if (type === 'galaxy' || saturated || !(contamination < 0.02) || !(bound > 0) || bin < 0) continue
    const row = grid.nearest(x, y, 1.5)
    if (row < 0) continue
    const east = wrap180(stars.raDeg[row] - raDeg) * Math.cos(decDeg * DEGREE) * MAS_PER_DEGREE
    const north = (stars.decDeg[row] - decDeg) * MAS_PER_DEGREE
    bins[bin].push(east / stars.raErrMas[row], north / stars.decErrMas[row])
  }
  return bins.map(bin => bin.map(pull => Math.round(1000 * pull) / 1000))
}

function report(): void {
  const peers = JSON.parse(readFileSync(join(values.simulator, 'peers.json'), 'utf8')) as PeerFile
  const rows = kept<Measured>(values.kept, ({ preset, seed }) => `${preset} ${seed}`)
  const order = PRESETS.split(',')
  rows.sort((a, b) => order.indexOf(a.preset) - order.indexOf(b.preset) || a.seed - b.seed)
  writeSection(
    'astrometry',
    [
      '## Detection and astrometry',
      '',
      `Written by \`node bench/astrometry.ts\`; measured on ${machineInWords()}. "Detections" are those of the solve stage,`,
      'windowed centroids in its solution; "catalogue" is what `measure` makes of them. Centroid ratio: isolated',
      'stars of S/N > 50, robust scatter over the Cramér–Rao bound. sky σ: robust, offset included, mas. SCAMP and the best',
      "peer's completeness are those of seed 1 of the preset.",
      '',
      ...table(
        [
          ...[
            'frame',
            'solved',
            'matched',
            'centroid ratio',
            'of catalogue',
            'sky σ',
            'of catalogue',
            'bound',
            'SCAMP',
          ],
          ...['compl. S/N>5', 'of catalogue', 'best peer', 'compl. S/N>10', 'of catalogue', 'best peer', 'purity'],
          'of catalogue',
        ],
        rows.map(row => line(row, peers)),
      ),
      '',
      'Pulls of the positions in the catalogue, right ascension and declination together, all seeds of a preset: robust scatter',
      'about the truth over the claimed errors, of isolated stars by their true signal-to-noise.',
      '',
      ...table(
        ['preset', ...PULL_BINS.slice(0, -1).flatMap(least => [`S/N > ${least}: stars`, 'pull'])],
        order.flatMap(preset => pullLine(preset, rows)),
      ),
    ],
    values.out,
  )
}

function pullLine(preset: string, rows: Measured[]): string[][] {
  const measured = rows.filter(row => row.preset === preset && row.pulls)
  if (measured.length === 0) return []
  const bins = PULL_BINS.slice(1).map((_, bin) => measured.flatMap(row => row.pulls?.[bin] ?? []))
  return [[preset, ...bins.flatMap(bin => [String(bin.length / 2), figure(madSigma(bin, 0), 2)])]]
}

function line({ preset, seed, solved, matched, score, catalogue }: Measured, peers: PeerFile): string[] {
  const best = (what: (score: Score) => number) =>
    Math.max(
      ...Object.entries(peers.photometry)
        .filter(([key, { score }]) => key.startsWith(`${preset}.1.`) && score)
        .map(([, peer]) => what(peer.score))
        .filter(Number.isFinite),
    )
  return [
    `${preset} ${seed}`,
    solved ? 'yes' : 'no',
    figure(matched, 0),
    figure(score?.astrom?.ratio, 2),
    figure(catalogue?.astrom?.ratio, 2),
    figure(score?.astrom?.sky_sig_mas, 1),
    figure(catalogue?.astrom?.sky_sig_mas, 1),
    figure(score?.astrom?.crlb_mas, 1),
    figure(peers.end_to_end_astrometry[preset]?.scamp?.sig_mas, 1),
    figure(score?.completeness_snr5, 3),
    figure(catalogue?.completeness_snr5, 3),
    figure(
      best(peer => peer.completeness_snr5),
      3,
    ),
    figure(score?.completeness_snr10, 3),
    figure(catalogue?.completeness_snr10, 3),
    figure(
      best(peer => peer.completeness_snr10),
      3,
    ),
    figure(score?.purity_snr5, 3),
    figure(catalogue?.purity_snr5, 3),
  ]
}
