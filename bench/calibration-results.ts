import { median } from '#shared/numeric/robust.ts'
import type { Deviation, Verdict } from './calibration-trials.ts'
import { figure, table } from './page.ts'

/** The section of the calibration, from the verdicts on all frames. */
export function calibrationSection(all: Verdict[], machine: string): string[] {
  // a frame in which nothing was measured cannot be calibrated: it is counted apart
  const verdicts = all.filter(({ choice }) => choice.header !== 'none')
  const unmeasured = all.filter(({ choice }) => choice.header === 'none').map(({ name }) => name)
  const seeds = [...new Set(verdicts.map(({ seed }) => seed))].sort((a, b) => a - b)
  const chance = (fits: number) => figure(100 * Math.sqrt((0.954 * 0.046) / fits), 1)
  const presets = [...new Set(verdicts.map(({ preset }) => preset))]
  const bands = ['g', 'r', 'i', 'z'].filter(band => verdicts.some(verdict => verdict.band === band))
  return [
    '## Calibration: zero point, colour term, choice of survey and band',
    '',
    `Written by \`node bench/calibration.ts\`; ${verdicts.length} frames (presets ${presets.join(', ')}; bands ${bands.join(' ')}; seeds`,
    `${seeds[0]} to ${seeds.at(-1)}${incomplete(verdicts, presets, bands, seeds)}); measured on ${machine}. Six surveys each: Gaia DR3, Pan-STARRS, SDSS, DES, APASS, 2MASS.`,
    'Deviations are from the truth of the simulator: for Pan-STARRS its zero point and colour term, for the other surveys the line',
    'that the same stars, with the same weights, have without any error. A zero point is that of the mean star: what the',
    "simulator's vignetting takes (0.4 to 1.5 % in the corners) is counted into the truth where each star stands. `within 2σ`",
    'counts deviations within twice the claimed error: 95.4 % are expected,',
    `± ${chance(verdicts.length)} % by chance for ${verdicts.length} fits; stars and catalogues of a preset and seed are the same in all bands. \`pull\` is the root`,
    'mean square of deviation over claimed error.',
    ...(unmeasured.length > 0
      ? [`Left out, since no star came measured out of the stage before: ${unmeasured.join(', ')}.`]
      : []),
    '"Spoilt": in every survey 10 % of the stars are variable (0.35 mag) and 10 % bear another star\'s magnitudes.',
    '',
    '### Zero point at the mean colour, and colour term',
    '',
    ...table(
      [
        '',
        'fits',
        'weighted mean mmag',
        'median claimed mmag',
        'within 2σ',
        'pull',
        'spoilt: within 2σ',
        'spoilt: pull',
      ],
      zeroPoints(verdicts),
    ),
    '',
    '### Pan-STARRS zero point (at the mean colour) by preset and band',
    '',
    ...table(
      ['preset', ...bands.flatMap(band => [`${band}: weighted mean mmag`, 'pull'])],
      presets.map(preset => [
        preset,
        ...bands.flatMap(band => cell(verdicts.filter(v => v.preset === preset && v.band === band))),
      ]),
    ),
    '',
    '### Choice of survey and band',
    '',
    ...table(['', 'right', 'right but called ambiguous', 'other band, called ambiguous', 'wrong'], choices(verdicts)),
    '',
    `Without the filter's name ${sameWinner(verdicts)}.`,
    `Forced to the band it had chosen itself, ${count(verdicts, 'forcedIsAutomatic')} frames gave the same calibration and catalogue to the bit;`,
    `repeated, ${count(verdicts, 'sameBytes')} gave the same bytes of every product.`,
  ]
}

/** Which of the frames were not judged, in words; nothing where all were. */
function incomplete(verdicts: Verdict[], presets: string[], bands: string[], seeds: number[]): string {
  const missing = presets.flatMap(preset =>
    bands.flatMap(band => {
      const there = verdicts.filter(verdict => verdict.preset === preset && verdict.band === band).length
      return there < seeds.length ? `${preset} ${band} ${there} of ${seeds.length}` : []
    }),
  )
  return missing.length > 0 ? `; not all: ${missing.join(', ')}` : ''
}

interface Trial {
  off: number
  error: number
}

const surveyNames = ['ps1', 'sdss', 'des', 'apass', 'gaia_dr3'] as const

function zeroPoints(verdicts: Verdict[]): string[][] {
  const of = (list: 'plain' | 'spoilt', pick: (deviation: Deviation) => Trial | undefined) =>
    verdicts.flatMap(verdict => verdict[list].flatMap(deviation => pick(deviation) ?? []))
  const row = (name: string, pick: (deviation: Deviation) => Trial | undefined, unit: number) => {
    const [plain, spoilt] = [of('plain', pick), of('spoilt', pick)]
    return [
      name,
      String(plain.length),
      `${figure(unit * mean(plain), 2)} ± ${figure(unit * meanError(plain), 2)}`,
      figure(unit * median(plain.map(({ error }) => error)), 2),
      ...inSigma(plain),
      ...inSigma(spoilt),
    ]
  }
  const pivot = (survey: string) => (d: Deviation) =>
    d.survey === survey ? { off: d.pivot, error: d.pivotError } : undefined
  return [
    ...surveyNames.map(survey =>
      row(`zero point, ${survey === 'gaia_dr3' ? 'gaia_dr3 G' : survey}`, pivot(survey), 1000),
    ),
    row(
      'zero point at colour 0, ps1',
      d => (d.zero === undefined ? undefined : { off: d.zero, error: d.zeroError! }),
      1000,
    ),
    row(
      'colour term (10⁻³), ps1',
      d => (d.term === undefined ? undefined : { off: d.term, error: d.termError! }),
      1000,
    ),
  ]
}

function inSigma(trials: Trial[]): string[] {
  if (trials.length === 0) return ['-', '-']
  const inside = trials.filter(({ off, error }) => Math.abs(off) <= 2 * error).length
  return [`${figure((100 * inside) / trials.length, 1)} %`, figure(pull(trials), 2)]
}

function cell(verdicts: Verdict[]): string[] {
  const trials = verdicts
    .flatMap(({ plain }) => plain.filter(({ survey }) => survey === 'ps1'))
    .map(d => ({ off: d.pivot, error: d.pivotError }))
  return trials.length === 0 ? ['-', '-'] : [figure(1000 * mean(trials), 2), figure(pull(trials), 2)]
}

function choices(verdicts: Verdict[]): string[][] {
  const titles = {
    header: 'with the header',
    nameless: 'filter without a name',
    spoilt: 'spoilt catalogues',
    namelessSpoilt: 'both',
  }
  return Object.entries(titles).map(([key, title]) => {
    const told = verdicts.map(verdict => ({ choice: verdict.choice[key as keyof typeof titles], band: verdict.band }))
    const counted = (right: boolean, ambiguous: boolean) =>
      told.filter(
        ({ choice, band }) => (choice.split(' ')[1] === band) === right && choice.endsWith('ambiguous') === ambiguous,
      ).length
    return [title, counted(true, false), counted(true, true), counted(false, true), counted(false, false)].map(String)
  })
}

function sameWinner(verdicts: Verdict[]): string {
  const same = verdicts.filter(({ choice }) => choice.nameless === choice.header).length
  const ambiguous = verdicts.filter(
    ({ choice }) => choice.nameless !== choice.header && choice.nameless.endsWith('ambiguous'),
  ).length
  return `${same} of ${verdicts.length} frames have the same winner, ${ambiguous} are called ambiguous, ${verdicts.length - same - ambiguous} neither`
}

function count(verdicts: Verdict[], key: 'forcedIsAutomatic' | 'sameBytes'): string {
  const asked = verdicts.filter(verdict => verdict[key] !== undefined)
  return `${asked.filter(verdict => verdict[key]).length} of ${asked.length}`
}

/** Mean weighted by the claimed errors, and its own error by them. */
function mean(trials: Trial[]): number {
  return trials.reduce((sum, { off, error }) => sum + off / error ** 2, 0) * meanError(trials) ** 2
}

function meanError(trials: Trial[]): number {
  return 1 / Math.sqrt(trials.reduce((sum, { error }) => sum + 1 / error ** 2, 0))
}

function pull(trials: Trial[]): number {
  return Math.sqrt(trials.reduce((sum, { off, error }) => sum + (off / error) ** 2, 0) / trials.length)
}
