import type { CameraFrame } from '#events/camera.ts'
import type { CalibrateInput } from '#events/stages.ts'
import { type CalibratedTarget, calibrateTargets, calibrationFlags } from '#shared/calibration/apply.ts'
import { calibrateFrame } from '#shared/calibration/calibrate-frame.ts'
import { cameraFrame, recall } from '#shared/calibration/camera.ts'
import type { ReferenceStars, SurveyId } from '#shared/catalogue/reference.ts'
import { type Random, random } from '#shared/numeric/random.ts'
import type { ForcedPhotometry, StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { julianEpoch } from '#shared/sky/time.ts'

/** Colours g − r of the constant stars that every camera looks at. */
export const TARGET_COLOURS = [0.2, 0.7, 1.3] as const
const TARGET_R = 14.5
const MJD = 60000
const [RA, DEC] = [150, 2]

/** A telescope with its camera and one filter. */
export interface Camera {
  name: string
  /** Band of the filter, as the header names it. */
  band: string
  /** m_natural = band + term·(g − r). */
  term: number
  /** Half the width of its field, degrees. */
  halfFieldDeg: number
  /** Zero point for the exposure, and the noise of the sky in a star, ADU. */
  zeroPoint: number
  noiseAdu: number
  /** Part of its frames that were taken through clouds: 2.5 magnitudes and most of the stars lost. */
  cloudy: number
}

/** Ten cameras: colour terms from −0.2 to 0.2, all filters, wide and narrow fields, deep and shallow. */
export const tenCameras: readonly Camera[] = [
  { name: 'a', band: 'g', term: -0.2, halfFieldDeg: 0.3, zeroPoint: 25, noiseAdu: 60, cloudy: 0.3 },
  { name: 'b', band: 'r', term: 0.2, halfFieldDeg: 0.25, zeroPoint: 25.4, noiseAdu: 80, cloudy: 0.3 },
  { name: 'c', band: 'i', term: -0.12, halfFieldDeg: 0.2, zeroPoint: 24.6, noiseAdu: 80, cloudy: 0.3 },
  { name: 'd', band: 'z', term: 0.1, halfFieldDeg: 0.3, zeroPoint: 23.8, noiseAdu: 60, cloudy: 0.3 },
  { name: 'e', band: 'V', term: -0.15, halfFieldDeg: 0.25, zeroPoint: 24.5, noiseAdu: 80, cloudy: 0.3 },
  { name: 'f', band: 'R', term: 0.12, halfFieldDeg: 0.3, zeroPoint: 24.8, noiseAdu: 90, cloudy: 0.3 },
  { name: 'g', band: 'I', term: -0.08, halfFieldDeg: 0.2, zeroPoint: 24.2, noiseAdu: 70, cloudy: 0.3 },
  { name: 'h', band: 'clear', term: 0.05, halfFieldDeg: 0.15, zeroPoint: 26, noiseAdu: 120, cloudy: 0.3 },
  { name: 'i', band: 'r', term: -0.1, halfFieldDeg: 0.05, zeroPoint: 24.6, noiseAdu: 50, cloudy: 0 },
  { name: 'j', band: 'g', term: 0.15, halfFieldDeg: 0.06, zeroPoint: 24.4, noiseAdu: 50, cloudy: 0.1 },
]

/** Magnitudes of stars in every band, without error; one column per band. */
type Magnitudes = Record<string, Float64Array>

/** A field of stars, the targets first, and what surveys say of it. */
export interface Sky {
  raDeg: Float64Array
  decDeg: Float64Array
  truth: Magnitudes
  surveys: ReferenceStars[]
}

/**
 * A field with a curved stellar locus. Johnson and Sloan bands follow from Pan-STARRS by Tonry et al. 2012, every star with
 * the scatter of the relation.
 */
export function simulateSky(stars: number, seed: string): Sky {
  const draw = random(seed)
  const isTarget = (i: number) => i < TARGET_COLOURS.length
  const make = (value: (i: number) => number) => Float64Array.from({ length: stars }, (_, i) => value(i))
  const r = make(i => (isTarget(i) ? TARGET_R : Math.max(13.2, 19 + Math.log10(draw.uniform() + 1e-6) / 0.35)))
  const x = make(i =>
    isTarget(i) ? TARGET_COLOURS[i] : draw.uniform() < 0.6 ? 0.5 + 0.15 * draw.normal() : 0.9 + 0.3 * draw.normal(),
  )
  const raDeg = make(i => RA + (isTarget(i) ? 0.01 * (i - 1) : 0.7 * (draw.uniform() - 0.5)))
  const decDeg = make(i => DEC + (isTarget(i) ? 0.01 : 0.7 * (draw.uniform() - 0.5)))
  const scattered = (value: (i: number) => number, sigma: number) => make(i => value(i) + sigma * draw.normal())
  const g = make(i => r[i] + x[i])
  const iBand = scattered(k => r[k] - (0.05 + 0.3 * x[k] + 0.04 * x[k] ** 2), 0.01)
  const z = scattered(k => iBand[k] - (0.02 + 0.16 * x[k] + 0.02 * x[k] ** 2), 0.01)
  const relation = (base: Float64Array, [c0, c1, c2]: number[], sigma: number) =>
    scattered(k => base[k] + c0 + c1 * x[k] + c2 * x[k] ** 2, sigma)
  const truth: Magnitudes = {
    ...{ g, r, i: iBand, z, y: z },
    B: relation(g, [0.212, 0.556, 0.034], 0.032),
    V: relation(g, [0.005, -0.536, 0.011], 0.012),
    R: relation(r, [-0.137, -0.108, -0.029], 0.015),
    I: relation(iBand, [-0.366, -0.136, -0.018], 0.017),
    sdssG: relation(g, [0.013, 0.145, 0.019], 0.008),
    sdssR: relation(r, [-0.001, 0.004, 0.007], 0.004),
    sdssI: relation(iBand, [-0.005, 0.011, 0.01], 0.004),
    sdssZ: relation(z, [0.013, -0.039, -0.012], 0.01),
    G: make(k => r[k] + 0.1 - 0.2 * x[k] - 0.03 * x[k] ** 2),
    BP: make(k => r[k] + 0.36 + 0.44 * x[k]),
    RP: make(k => r[k] - 0.04 - 0.66 * x[k]),
  }
  const survey = (id: SurveyId, bands: Record<string, string>, floor: number, faint: number) =>
    surveyOf(id, { raDeg, decDeg, truth }, bands, floor, faint, draw)
  return {
    raDeg,
    decDeg,
    truth,
    surveys: [
      survey('gaia_dr3', { G: 'G', BP: 'BP', RP: 'RP' }, 0.003, 20),
      survey('ps1', { g: 'g', r: 'r', i: 'i', z: 'z', y: 'y' }, 0.006, 21),
      survey('sdss', { g: 'sdssG', r: 'sdssR', i: 'sdssI', z: 'sdssZ' }, 0.008, 21),
      survey('apass', { B: 'B', V: 'V', g: 'sdssG', r: 'sdssR', i: 'sdssI' }, 0.02, 17),
    ],
  }
}

function surveyOf(
  survey: SurveyId,
  { raDeg, decDeg, truth }: Omit<Sky, 'surveys'>,
  bands: Record<string, string>,
  floor: number,
  faint: number,
  draw: Random,
): ReferenceStars {
  const rows = Array.from(raDeg.keys()).filter(i => truth.r[i] < faint)
  const column = (value: (i: number) => number) => Float64Array.from(rows, value)
  const error = (i: number) => Math.hypot(floor, 0.1 * 10 ** (0.4 * (truth.r[i] - faint)))
  const entries = Object.entries(bands)
  return {
    survey,
    count: rows.length,
    id: rows.map(i => `${4_000_000_000_000 + i}`),
    raDeg: column(i => raDeg[i]),
    decDeg: column(i => decDeg[i]),
    ...{ raErrMas: column(() => 5), decErrMas: column(() => 5), pmErrMasPerYear: column(() => 0) },
    ...{ pmRaMasPerYear: column(() => 0), pmDecMasPerYear: column(() => 0), parallaxMas: column(() => 0) },
    epochYear: column(() => 2016),
    mag: Object.fromEntries(entries.map(([band, of]) => [band, column(i => truth[of][i] + error(i) * draw.normal())])),
    magErr: Object.fromEntries(entries.map(([band]) => [band, column(error)])),
    clean: new Uint8Array(rows.length).fill(1),
  }
}

/** What one frame gave for one of the constant stars. */
export interface Measurement {
  camera: string
  /** Band of the filter, and survey and band that were chosen. */
  filter: string
  chosen: string
  colour: number
  stars: number
  colourTermFrom: string
  /** Magnitude minus truth, and the error that is claimed, mag. */
  off: number
  error: number
  target: CalibratedTarget
}

/**
 * Take frames of the field with a camera, night after night, and calibrate each with what the camera remembers of the ones
 * before it. Colour terms wander by 0.003, zero points by 0.05; under every star the flat field is wrong by 0.008 mag.
 */
export function observe(sky: Sky, camera: Camera, frames: number, seed: string): Measurement[] {
  const draw = random(`${seed} ${camera.name}`)
  const memory: CameraFrame[] = []
  return Array.from({ length: frames }, (_, night) => {
    const input = inputOf(camera, night)
    const { stars, targets } = expose(sky, camera, draw)
    const scale = {
      fwhmArcsec: 2,
      residualArcsec: 0.05,
      epochYear: julianEpoch(MJD + night),
      widthPx: 1000,
      heightPx: 1000,
    }
    const before = recall(memory, { frameId: input.frameId, mjdUtcMid: input.header.mjdUtcMid })
    const { choice } = calibrateFrame(stars, sky.surveys, scale, camera.band, {}, before)
    const fit = choice.chosen
    if (!fit) return []
    const told = cameraFrame(
      input,
      choice.ranked.map(ranked => ranked.fit),
      fit,
      choice.ambiguous,
    )
    if (told) memory.push(told)
    const flags = calibrationFlags(fit, choice.ambiguous)
    const context = { frameId: input.frameId, mjdUtcMid: MJD + night, flags, pointsOf: () => [] }
    return calibrateTargets(targets, fit, context).flatMap((target, k) => {
      if (target.mag === null) return []
      const truth = sky.truth[bandOfTruth(fit.standard.survey, fit.standard.band)][k]
      return {
        ...{ camera: camera.name, filter: camera.band, chosen: `${target.survey} ${target.band}` },
        ...{ colour: TARGET_COLOURS[k], stars: fit.line.count, colourTermFrom: fit.colourTermFrom, target },
        ...{ off: target.mag - truth, error: target.magErr! },
      }
    })
  }).flat()
}

function bandOfTruth(survey: string, band: string): string {
  return ['sdss', 'apass'].includes(survey) && 'griz'.includes(band) ? `sdss${band.toUpperCase()}` : band
}

/** One exposure: the stars in the field with their noise, and the targets. */
function expose(sky: Sky, camera: Camera, draw: Random): { stars: StarCatalogue; targets: ForcedPhotometry[] } {
  const clouds = draw.uniform() < camera.cloudy ? 2.5 : 0
  const zeroPoint = camera.zeroPoint - clouds + 0.05 * draw.normal()
  const term = camera.term + 0.003 * draw.normal()
  const base = sky.truth[camera.band === 'clear' ? 'G' : camera.band]
  const measured = (i: number) => {
    const natural = base[i] + term * (sky.truth.g[i] - sky.truth.r[i]) + 0.008 * draw.normal()
    const flux = 10 ** (-0.4 * (natural - zeroPoint))
    const fluxErr = Math.hypot(camera.noiseAdu, Math.sqrt(flux))
    // a position that is fitted along finds the highest flux around
    const found = (draw.normal() ** 2 + draw.normal() ** 2) / 2
    const seen = flux > 5 * fluxErr
    return { seen, flux: flux + fluxErr * draw.normal(), raised: (found * fluxErr ** 2) / flux, fluxErr }
  }
  const targets = TARGET_COLOURS.map((_, i): ForcedPhotometry => {
    const { flux, fluxErr } = measured(i)
    return {
      ...{ name: `c${i}`, raDeg: sky.raDeg[i], decDeg: sky.decDeg[i], x: 500 + 10 * i, y: 500 },
      ...{ flux, fluxErr, skyAdu: 100, chi: 1, flags: 0 },
    }
  })
  const half = clouds > 0 ? 0.25 * camera.halfFieldDeg : camera.halfFieldDeg
  const inside = Array.from(sky.raDeg.keys()).filter(
    i => i >= TARGET_COLOURS.length && Math.abs(sky.raDeg[i] - RA) < half && Math.abs(sky.decDeg[i] - DEC) < half,
  )
  const rows = inside.map(i => ({ i, ...measured(i) })).filter(({ seen }) => seen)
  const column = (value: (row: (typeof rows)[number]) => number) => Float64Array.from(rows, value)
  const none = () => new Float64Array(rows.length).fill(Number.NaN)
  const stars: StarCatalogue = {
    id: Int32Array.from(rows.keys()),
    x: column(({ i }) => 500 + ((sky.raDeg[i] - RA) / half) * 499),
    y: column(({ i }) => 500 + ((sky.decDeg[i] - DEC) / half) * 499),
    raDeg: column(({ i }) => sky.raDeg[i]),
    decDeg: column(({ i }) => sky.decDeg[i]),
    flux: column(row => row.flux + row.raised),
    fluxErr: column(row => row.fluxErr),
    magInst: column(row => -2.5 * Math.log10(row.flux + row.raised)),
    magInstErr: column(row => (1.0857 * row.fluxErr) / (row.flux + row.raised)),
    ...{ raErrMas: none(), decErrMas: none(), magAper: none(), magAperErr: none(), mag: none(), magErr: none() },
    ...{ chi: none(), sharp: none(), sky: none(), flags: new Int32Array(rows.length) },
    sourceId: new BigInt64Array(rows.length),
  }
  return { stars, targets }
}

function inputOf(camera: Camera, night: number): CalibrateInput {
  const header = {
    ...{ mjdUtcMid: MJD + night, exposureSeconds: 60, filterName: camera.band, band: camera.band },
    ...{ instrument: `camera ${camera.name}`, airmass: 1.2 },
  }
  const frameId = `${camera.name.charCodeAt(0)}${String(night).padStart(4, '0')}`.padEnd(64, '0')
  return { telescope: camera.name, frameId, header } as CalibrateInput
}

/** Σ(off/error)²/n, and its own 1 σ for normal errors. */
export function chiSquared(list: readonly Measurement[]): { perPoint: number; error: number } {
  const sum = list.reduce((total, { off, error }) => total + (off / error) ** 2, 0)
  return { perPoint: sum / list.length, error: Math.sqrt(2 / list.length) }
}
