import type { Report } from '#events/stages.ts'
import { figure as number, table } from './page.ts'

/** What the simulator tells of a frame, as far as it is used here. */
export interface Truth {
  zp_adu: number
  params: { band: string; colour_term: number; dialect: string; nx: number; ny: number }
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
  /** Wall clock and processor time of the whole command, Node's start included. */
  seconds: number
  cpuSeconds: number
  peakMb: number
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
    'The peers measured the same frames; their zero points were set to the truth, and their time is that of the photometry alone,',
    'while ours is that of the whole way from the raw header to the calibrated catalogue, Node starting up included.',
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
        'seconds',
        'peak MB',
      ],
      rows.map(wholeWay),
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
    '### Seconds per stage',
    '',
    ...table(
      ['frame', 'standardise', 'solve', 'measure', 'calibrate'],
      rows.map(({ preset, seed, report: { secondsPerStage = {} } }) => [
        `${preset} ${seed}`,
        ...['standardise', 'solve', 'measure', 'calibrate'].map(stage => number(secondsPerStage[stage], 2)),
      ]),
    ),
  ]
}

function wholeWay({ preset, seed, truth, report, score, seconds, peakMb }: Row): string[] {
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
    number(seconds, 1),
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
