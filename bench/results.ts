import type { Report } from '#events/stages.ts'
import { figure as number, table } from './page.ts'
import type { BinBias } from './truth.ts'

/** What the simulator tells of a frame, as far as it is used here. */
export interface Truth {
  zp_adu: number
  params: { band: string; colour_term: number; dialect: string; nx: number; ny: number; vign: number }
  target: { ra: number; dec: number; mag_band: number }
}

interface Accuracy {
  n: number
  ratio: number
  bias_sig: number
  pull: number
  out5: number
}

/** What the scorer says of a catalogue; null where a figure rests on too few stars. */
export interface Score {
  bins: { snr: string; iso?: { n: number; sigma_mag: number; bias_mag: number } }[]
  completeness_snr5: number
  completeness_snr10: number
  purity_snr5: number
  iso_7_100: Accuracy | null
  iso_100_1000: Accuracy | null
  crowd_7_100: Accuracy | null
  astrom?: { n: number; sig_mas: number; ratio: number; crlb_mas: number; sky_sig_mas: number; sky_rms_mas: number }
}

export interface PeerFile {
  photometry: Record<string, { peer: string; score: Score; run: { cpu_s: number; peak_mb: number } }>
  end_to_end_astrometry: Record<string, Record<string, { sig_mas: number }>>
}

/** One frame, processed and scored. */
export interface Row {
  preset: string
  seed: number
  truth: Truth
  report: Report
  score?: Score
  /** Errors of the magnitudes of all stars, isolated or not. */
  biasOfAll?: BinBias[]
  /** Wall clock and processor time of the whole command, Node's start included. */
  seconds: number
  cpuSeconds: number
  cpuPerStage: Record<string, number>
  peakMb: number
  /** Rows of the catalogue. */
  stars?: number
}

/** What the photometry of a preset is held to, where it is: highest ratios, and seconds of processor for `measure`. */
interface Bars {
  faint: number
  bright?: number
  blended?: number
  measureSeconds?: number
}

export const bars: Record<string, Bars> = {
  typical: { faint: 1.07, bright: 1.15, blended: 1.05, measureSeconds: 2 },
  sparse: { faint: 1.07 },
  undersampled: { faint: 1.07, bright: 1.15 },
  trailed: { faint: 1.07, bright: 1.3 },
  defocus: { faint: 1.2, bright: 1.6 },
  brightsky: { faint: 1.07, bright: 1.3 },
  host: { faint: 1.07, bright: 1.3 },
  v1490cyg: { faint: 3 },
  crowded: { faint: 1.15, bright: 1.3, blended: 1.05, measureSeconds: 3.65 },
  wide: { faint: 1.07, bright: 1.6, measureSeconds: 4.1 },
}

const peerNames: Record<string, string> = { sex_psf: 'SExtractor + PSFEx', iraf: 'DAOPHOT', pu_epsf: 'photutils ePSF' }

/** The section of the whole way, from the measured rows and the peers' results on the same frames. */
export function wholeWaySection(rows: Row[], peers: PeerFile, machine: string): string[] {
  const command = 'npm run bench -- --simulator ../shared/bench'
  return [
    '## Frames with known truth: the whole way and the photometry',
    '',
    `Written by \`${command}\` (see \`bench/run.ts\` for the presets and seeds); measured on ${machine}.`,
    'Nothing but the frame, the catalogues as tiles and the position of the target is handed in.',
    '`ratio` is the robust scatter over the Cramér–Rao bound (1.0 is what the photons allow), `pull` the error over the claimed one.',
    'The peers measured the same frames; their zero points were set to the truth.',
    'CPCS lets Gaia tell it of neighbours that the frame does not part, which the bound for blended stars does not know of:',
    'there a ratio below 1 is possible.',
    '',
    '### The whole way: solution, zero point, target',
    '',
    ...table(
      [
        'frame',
        'dialect',
        'outcome',
        'matched',
        'sky σ mas',
        'band',
        'zero point − truth',
        'claimed error',
        'colour term − truth',
        'claimed error',
        'target − truth',
        'claimed σ',
        'in σ',
        'peak MB',
      ],
      rows.map(wholeWay),
    ),
    '',
    '### Photometry against its bars: means over the seeds',
    '',
    'Bars of the ratios are those in brackets; pulls of isolated stars shall be 1.0 ± 0.1 (bright: ± 0.25), of blended ones',
    '0.9 to 1.3; their bias at most 0.6 σ and beyond 5 σ at most 1 %. What misses its bar stands in **bold**.',
    'The trend is the largest step of the median magnitude error between bins of S/N from 20 to 1000, its error in brackets:',
    'of isolated stars, and of all stars. Where stars are crowded, the fainter ones of those that count as isolated have less',
    'light beside them than a place taken at random, which is what the sky is told from: they alone seem too faint.',
    '',
    ...table(
      [
        'preset',
        'seeds',
        'iso 7–100 ratio',
        'pull',
        'SExtractor + PSFEx',
        'DAOPHOT',
        'iso 100–1000 ratio',
        'pull',
        'SExtractor + PSFEx',
        'DAOPHOT',
        'blended ratio',
        'bias σ',
        '> 5 σ',
        'pull',
        'SExtractor + PSFEx pull',
        'trend mmag',
        'of all stars',
      ],
      Object.keys(bars).flatMap(preset => means(preset, rows, peers)),
    ),
    '',
    '### Photometry, beside the peers',
    '',
    ...table(
      [
        'frame',
        'tool',
        'compl. S/N>5',
        'S/N>10',
        'purity',
        'iso 7–100 ratio',
        'pull',
        'iso 100–1000 ratio',
        'pull',
        'blended ratio',
        'bias σ',
        'pull',
        'centroid ratio',
        'CPU s',
      ],
      rows.flatMap(row => [photometry(row), ...peerRows(row, peers)]),
    ),
    '',
    '### Processor time, stage by stage, and memory',
    '',
    'Seconds of processor, all threads of Node counted. The peer is SExtractor, PSFEx and SExtractor again with the PSF; its',
    'figure is from `peers.json`, taken on a quiet machine; beside other work processor time grows, by a third or so on two busy',
    'cores. Memory is that of the whole process from the raw header to the catalogue, Node itself included.',
    '',
    ...table(
      [
        'frame',
        'standardise',
        'solve',
        'measure',
        'calibrate',
        'measure over the peer',
        'stars',
        'stars per second of measure',
        'peak MB',
        'over the frame as float32',
      ],
      rows.map(row => usage(row, peers)),
    ),
  ]
}

function usage(row: Row, { photometry }: PeerFile): string[] {
  const { preset, seed, cpuPerStage, stars, peakMb, truth } = row
  const peer = photometry[`${preset}.${seed}.sex_psf`]?.run.cpu_s
  const frameMb = (4 * truth.params.nx * truth.params.ny) / 2 ** 20
  return [
    `${preset} ${seed}`,
    ...['standardise', 'solve', 'measure', 'calibrate'].map(stage => number(cpuPerStage[stage], 2)),
    number(cpuPerStage.measure / peer, 2),
    number(stars, 0),
    number(stars && stars / cpuPerStage.measure, 0),
    number(peakMb, 0),
    number(peakMb / frameMb, 1),
  ]
}

/** One line of means over the seeds of a preset; figures beyond their bar are bold. */
function means(preset: string, all: Row[], { photometry }: PeerFile): string[][] {
  const rows = all.filter(row => row.preset === preset && row.score)
  if (rows.length === 0) return []
  const bar = bars[preset]
  const ours = (group: Group, of: keyof Accuracy) => mean(rows.map(({ score }) => score?.[group]?.[of]))
  const theirs = (peer: string, group: Group, of: keyof Accuracy) =>
    number(mean(rows.map(({ seed }) => photometry[`${preset}.${seed}.${peer}`]?.score?.[group]?.[of])), 2)
  const held = (value: number, digits: number, least: number, most: number) =>
    value < least || value > most ? `**${number(value, digits)}**` : number(value, digits)
  const ratio = (group: Group, most = Number.POSITIVE_INFINITY) =>
    held(ours(group, 'ratio'), 3, 0, most) + (Number.isFinite(most) ? ` (${most})` : '')
  return [
    [
      preset,
      String(rows.length),
      ratio('iso_7_100', bar.faint),
      held(ours('iso_7_100', 'pull'), 2, 0.9, 1.1),
      theirs('sex_psf', 'iso_7_100', 'ratio'),
      theirs('iraf', 'iso_7_100', 'ratio'),
      ratio('iso_100_1000', bar.bright),
      held(ours('iso_100_1000', 'pull'), 2, 0.75, 1.25),
      theirs('sex_psf', 'iso_100_1000', 'ratio'),
      theirs('iraf', 'iso_100_1000', 'ratio'),
      ratio('crowd_7_100', bar.blended),
      held(ours('crowd_7_100', 'bias_sig'), 2, -0.6, 0.6),
      held(ours('crowd_7_100', 'out5'), 3, 0, 0.01),
      held(ours('crowd_7_100', 'pull'), 2, 0.9, 1.3),
      theirs('sex_psf', 'crowd_7_100', 'pull'),
      trend(rows.map(isolatedBias)),
      trend(rows.map(({ biasOfAll = [] }) => biasOfAll)),
    ],
  ]
}

type Group = 'iso_7_100' | 'iso_100_1000' | 'crowd_7_100'

/** What the scorer says of isolated stars. */
function isolatedBias({ score }: Row): BinBias[] {
  return (score?.bins ?? []).flatMap(({ snr, iso }) =>
    iso ? [{ snr, n: iso.n, biasMag: iso.bias_mag, sigmaMag: iso.sigma_mag }] : [],
  )
}

/**
 * Difference of the median magnitude errors between the bins of S/N 20–1000 that differ most, mmag, over all frames.
 * Frames of a preset have one noise: each counts by its number of stars, not by the scatter that its few stars happen to
 * have, which would favour the frames where they agree by chance.
 */
function trend(frames: BinBias[][]): string {
  const bins = ['20-50', '50-200', '200-1000'].flatMap(snr => {
    const seen = frames.flatMap(bins => bins.find(bin => bin.snr === snr) ?? [])
    if (seen.length === 0) return []
    const stars = seen.reduce((sum, { n }) => sum + n, 0)
    const bias = seen.reduce((sum, { n, biasMag }) => sum + n * biasMag, 0) / stars
    const variance = seen.reduce((sum, { n, sigmaMag }) => sum + n * sigmaMag ** 2, 0) / stars
    return [{ bias, error: 1.2533 * Math.sqrt(variance / stars) }]
  })
  if (bins.length < 2) return '-'
  bins.sort((a, b) => a.bias - b.bias)
  const [low, high] = [bins[0], bins[bins.length - 1]]
  const step = 1000 * (high.bias - low.bias)
  const text = `${number(step, 1)} (${number(1000 * Math.hypot(low.error, high.error), 1)})`
  return step > 2 ? `**${text}**` : text
}

function mean(values: (number | null | undefined)[]): number {
  const known = values.filter((value): value is number => typeof value === 'number')
  return known.reduce((sum, value) => sum + value, 0) / known.length
}

function wholeWay({ preset, seed, truth, report, score, peakMb }: Row): string[] {
  const chosen = report.calibration?.chosen
  const target = report.targets?.[0]
  const off = target?.mag == null ? undefined : target.mag - truth.target.mag_band
  return [
    `${preset} ${seed}`,
    truth.params.dialect,
    report.outcome === 'rejected' ? `rejected: ${report.error}` : report.outcome,
    number(report.wcs?.matchedStars, 0),
    number(score?.astrom?.sky_sig_mas, 1),
    chosen ? `${chosen.survey} ${chosen.band}` : '-',
    number(chosen && chosen.zeroPoint - truth.zp_adu, 4),
    number(chosen?.zeroPointError, 4),
    number(chosen && chosen.colourTerm + truth.params.colour_term, 4),
    number(chosen?.colourTermError, 4),
    number(off, 4),
    number(target?.magErr ?? undefined, 4),
    number(off !== undefined && target?.magErr ? off / target.magErr : undefined, 2),
    number(peakMb, 0),
  ]
}

function photometry({ preset, seed, score, cpuSeconds }: Row): string[] {
  return [`**${preset} ${seed}**`, '**CPCS**', ...figures(score), number(cpuSeconds, 1)]
}

function peerRows({ preset, seed }: Row, peers: PeerFile): string[][] {
  return Object.entries(peerNames).flatMap(([peer, title]) => {
    const found = peers.photometry[`${preset}.${seed}.${peer}`]
    return found?.score ? [['', title, ...figures(found.score), number(found.run.cpu_s, 1)]] : []
  })
}

function figures(score: Score | undefined): string[] {
  return [
    number(score?.completeness_snr5, 3),
    number(score?.completeness_snr10, 3),
    number(score?.purity_snr5, 3),
    number(score?.iso_7_100?.ratio, 3),
    number(score?.iso_7_100?.pull, 3),
    number(score?.iso_100_1000?.ratio, 3),
    number(score?.iso_100_1000?.pull, 3),
    number(score?.crowd_7_100?.ratio, 3),
    number(score?.crowd_7_100?.bias_sig, 2),
    number(score?.crowd_7_100?.pull, 2),
    number(score?.astrom?.ratio, 2),
  ]
}
