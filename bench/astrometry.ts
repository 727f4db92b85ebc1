/**
 * Detection and astrometry on simulated frames with known truth, beside the peers.
 *
 *     node bench/astrometry.ts [--presets …] [--seeds 1-5] [--frames DIR] [--simulator DIR] [--work DIR] [--kept FILE]
 *         [--whole DIR] [--out FILE]
 *     node bench/astrometry.ts --report [--kept FILE] [--whole DIR] [--out FILE]
 *
 * Each frame is standardised and solved, its target registered, as in the whole way; its detections, with the sky positions that the solution gives them, go to the
 * simulator's scorer. Where DIR of --whole holds what `bench/run.ts` made (its --work), the catalogue that the whole way
 * ends in, whose positions are those of the PSF fit, stands beside.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { importTiles } from '#cli/tiles.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { decodeTable } from '#shared/fits/table.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { pixelToSky } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { keep, kept } from './kept.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'
import type { PeerFile, Score, Truth } from './results.ts'
import { ready, trySolve } from './trial.ts'

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
    whole: { type: 'string' },
    report: { type: 'boolean' },
    out: { type: 'string', default: resultsFile },
  },
})

interface Measured {
  preset: string
  seed: number
  solved: boolean
  matched?: number
  score?: Score
  cpuSeconds: number
}

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
    const { target } = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as Truth
    const { solved, wcs, matched, detections, cpuSeconds } = await trySolve(
      await ready(join(folder, 'frame.fits')),
      {},
      { tiles },
      [{ name: 'target', raDeg: target.ra, decDeg: target.dec }],
    )
    const row: Measured = { preset, seed, solved, matched, cpuSeconds }
    if (wcs && detections) {
      const list = join(made, 'detections.csv')
      writeFileSync(list, asCsv(detections, wcs))
      const json = join(made, 'score.json')
      execFileSync(values.python, [join(values.simulator, 'score.py'), folder, list, '--json', json, '--quiet'])
      row.score = JSON.parse(readFileSync(json, 'utf8')) as Score
    }
    keep(values.kept, row)
  }
}

/** The scorer's table. Positions count from 0, as they do inside the project. */
function asCsv(detections: Uint8Array, wcs: Wcs): string {
  const { columns } = decodeTable(detections)
  const column = (name: string) => columns.get(name) as Float64Array
  const [x, y, flux, fluxErr] = ['x', 'y', 'flux', 'fluxErr'].map(column)
  const lines = Array.from(x, (_, i) => {
    const [ra, dec] = pixelToSky(wcs, x[i] - 1, y[i] - 1)
    const magInst = -2.5 * Math.log10(flux[i])
    return [x[i] - 1, y[i] - 1, ra.toFixed(9), dec.toFixed(9), flux[i], fluxErr[i], magInst].join(',')
  })
  return ['x,y,ra,dec,flux,flux_err,mag_inst', ...lines].join('\n')
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
      'windowed centroids in its solution; "catalogue" is what the whole way ends in, where it was run. Centroid ratio: isolated',
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
    ],
    values.out,
  )
}

function line({ preset, seed, solved, matched, score }: Measured, peers: PeerFile): string[] {
  const file = join(values.whole ?? '', `${preset}-${seed}`, 'score.json')
  const whole = values.whole && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Score) : undefined
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
    figure(whole?.astrom?.ratio, 2),
    figure(score?.astrom?.sky_sig_mas, 1),
    figure(whole?.astrom?.sky_sig_mas, 1),
    figure(score?.astrom?.crlb_mas, 1),
    figure(peers.end_to_end_astrometry[preset]?.scamp?.sig_mas, 1),
    figure(score?.completeness_snr5, 3),
    figure(whole?.completeness_snr5, 3),
    figure(
      best(peer => peer.completeness_snr5),
      3,
    ),
    figure(score?.completeness_snr10, 3),
    figure(whole?.completeness_snr10, 3),
    figure(
      best(peer => peer.completeness_snr10),
      3,
    ),
    figure(score?.purity_snr5, 3),
    figure(whole?.purity_snr5, 3),
  ]
}
