import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CalibrateInput } from '#events/stages.ts'
import { calibrate, matchScale } from '#functions/calibrate/calibrate.ts'
import { calibrateFrame } from '#shared/calibration/calibrate-frame.ts'
import { type CalibrationFit, toCandidate, totalZeroPoint, zeroPointAt } from '#shared/calibration/calibration-fit.ts'
import type { Force } from '#shared/calibration/choose.ts'
import { neighbours } from '#shared/calibration/neighbours.ts'
import type { Cone, ReferenceStars, SurveyId, Tiles } from '#shared/catalogue/reference.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { FolderStore, MemoryStore } from '#shared/folder-store.ts'
import { linearLeastSquares } from '#shared/numeric/linear.ts'
import { random } from '#shared/numeric/random.ts'
import { decodeStars } from '#shared/photometry/catalogue-file.ts'
import type { StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { silent } from '#shared/store.ts'
import type { MeasuredFrame } from './measured-frames.ts'
import { readTrueStars, type TrueStars, vignettingMag } from './survey-truth.ts'

/** How far a fit is off the truth, in magnitudes, and the error it claims. */
export interface Deviation {
  survey: string
  stars: number
  /** Zero point at the pivot colour. */
  pivot: number
  pivotError: number
  /** Zero point at colour 0 and colour term; for Pan-STARRS alone, whose colours the truth is made of. */
  zero?: number
  zeroError?: number
  term?: number
  termError?: number
}

/** Everything that is asked of one frame. */
export interface Verdict {
  name: string
  preset: string
  band: string
  seed: number
  /** Survey and band that were chosen; how with the true header, with none, and with spoilt catalogues. */
  choice: Record<'header' | 'nameless' | 'spoilt' | 'namelessSpoilt', string>
  plain: Deviation[]
  spoilt: Deviation[]
  /** Asked of some frames only. */
  forcedIsAutomatic?: boolean
  sameBytes?: boolean
}

const WRONG_PART = 0.1
const VARIABLE_MAG = 0.35

/**
 * Calibrate a frame in all the ways that are asked about.
 *
 * @param whole also run the whole stage three times, to see whether its products are the same
 */
export async function judge(frame: MeasuredFrame, whole: boolean): Promise<Verdict> {
  const tiles = openTiles(new FolderStore(frame.catalogues))
  const stars = decodeStars(new Uint8Array(readFileSync(join(frame.products, frame.input.catalogue))))
  const truth = readTrueStars(frame.frame)
  const surveys = await around(frame.input, tiles)
  const spoilt = surveys.map(list => spoil(list, frame.name))
  const run = (available: ReferenceStars[], header: string | null) =>
    calibrateFrame(stars, available, matchScale(frame.input), header, {})
  const [plain, dirty] = [surveys, spoilt].map(available => run(available, frame.band))
  const [nameless, dirtyNameless] = [surveys, spoilt].map(available => run(available, null))
  const told = ({ choice }: typeof plain) =>
    choice.chosen
      ? `${choice.chosen.standard.survey} ${choice.chosen.standard.band}${choice.ambiguous ? ' ambiguous' : ''}`
      : 'none'
  const deviations = ({ choice }: typeof plain) =>
    choice.ranked
      .map(({ fit }) => fit)
      .filter(({ standard }) => standard.standsFor === frame.band || standard.band === 'G')
      .map(fit => deviation(fit, frame, stars, truth))
  return {
    name: frame.name,
    preset: frame.preset,
    band: frame.band,
    seed: frame.seed,
    choice: { header: told(plain), nameless: told(nameless), spoilt: told(dirty), namelessSpoilt: told(dirtyNameless) },
    plain: deviations(plain),
    spoilt: deviations(dirty),
    ...(whole ? await repeated(frame, tiles) : {}),
  }
}

/** Whether forcing the band that was chosen gives the same calibration to the bit, and a repetition the same bytes. */
async function repeated(frame: MeasuredFrame, tiles: Tiles) {
  const first = await products(frame, tiles)
  const again = await products(frame, openTiles(new FolderStore(frame.catalogues)))
  const { chosen } = JSON.parse(first.get('calibration.json')!) as { chosen: { survey: SurveyId; band: string } | null }
  const forced = chosen ? await products(frame, tiles, chosen) : first
  const fitOf = (files: Map<string, string>) => {
    const { chosen, fit, candidates, plot } = JSON.parse(files.get('calibration.json')!)
    return JSON.stringify([chosen, fit, candidates, plot, files.get('catalogue.ecsv')])
  }
  return {
    forcedIsAutomatic: fitOf(forced) === fitOf(first),
    sameBytes: [...first].every(([name, bytes]) => again.get(name) === bytes),
  }
}

/** The products of the calibrate stage, by name, bytes as text. */
async function products(frame: MeasuredFrame, tiles: Tiles, force?: Force): Promise<Map<string, string>> {
  const before = new FolderStore(frame.products)
  const made = new Map<string, string>()
  const store = Object.assign(new MemoryStore(), {
    get: (key: string) => before.get(key),
    async put(key: string, bytes: Uint8Array) {
      made.set(key.split('/').at(-1)!, Buffer.from(bytes).toString('latin1'))
      return true
    },
  })
  await calibrate(frame.input, { store, tiles, log: silent, force })
  return made
}

/** 10 % of the stars variable, each survey having caught them at another time, and 10 % with another star's magnitudes. */
function spoil(stars: ReferenceStars, seed: string): ReferenceStars {
  const draw = random(`${seed} ${stars.survey}`)
  const from = Int32Array.from({ length: stars.count }, (_, i) =>
    draw.uniform() < WRONG_PART ? draw.integer(stars.count) : i,
  )
  const offset = Float64Array.from({ length: stars.count }, () =>
    draw.uniform() < WRONG_PART ? VARIABLE_MAG * draw.normal() : 0,
  )
  const moved = (columns: Record<string, Float64Array>, add: boolean) =>
    Object.fromEntries(
      Object.entries(columns).map(([band, values]) => [
        band,
        values.map((_, i) => values[from[i]] + (add ? offset[i] : 0)),
      ]),
    )
  return { ...stars, mag: moved(stars.mag, true), magErr: moved(stars.magErr, false) }
}

/** Zero point and colour term against the line that the same stars, with the same weights, have without any error. */
function deviation(fit: CalibrationFit, frame: MeasuredFrame, stars: StarCatalogue, truth: TrueStars): Deviation {
  const { standard, line } = fit
  const row = toCandidate(fit, 0)
  const zeroPoint = frame.truth.zp_adu - meanVignetting(fit, frame, stars)
  const found = { survey: standard.survey, stars: line.count, pivotError: totalZeroPoint(fit, line.pivot).error }
  const term = frame.truth.params.colour_term
  if (standard.survey === 'ps1' && fit.hasColourTerm)
    return {
      ...found,
      pivot: line.atPivot - zeroPoint + term * line.pivot,
      zero: row.zeroPoint - zeroPoint,
      zeroError: row.zeroPointError,
      term: row.colourTerm + term,
      termError: row.colourTermError,
    }
  return { ...found, pivot: zeroPointAt(fit, line.pivot).value - trueAtPivot(fit, zeroPoint, stars, truth) }
}

/** What the simulator's vignetting takes from the mean star of a fit, mag: the zero point of a fit is that star's. */
function meanVignetting({ sample, variance, line }: CalibrationFit, { truth }: MeasuredFrame, { x, y }: StarCatalogue) {
  let [sum, weights] = [0, 0]
  sample.forEach((star, k) => {
    if (!line.used[k]) return
    const weight = 1 / (variance[k] + line.intrinsic ** 2)
    sum += weight * vignettingMag(truth.params, x[star], y[star])
    weights += weight
  })
  return sum / weights
}

function trueAtPivot(fit: CalibrationFit, zeroPoint: number, stars: StarCatalogue, truth: TrueStars): number {
  const { standard, line, sample, variance } = fit
  // its tenths of arcseconds are pixels here: a plane is a small piece of sky
  const places = neighbours(scaled(truth.x), scaled(truth.y))
  const [x, y, weights]: number[][] = [[], [], []]
  sample.forEach((star, k) => {
    const index = line.used[k]
      ? places.nearest(stars.x[star] / PIXELS_PER_DEG, stars.y[star] / PIXELS_PER_DEG, 1.5 / PIXELS_PER_DEG)
      : -1
    if (index < 0) return
    const mag = truth.mag(standard.survey, standard.band, index)
    const colour = standard.colour
      ? truth.mag(standard.survey, standard.colour[0], index) - truth.mag(standard.survey, standard.colour[1], index)
      : 0
    if (!Number.isFinite(mag + colour)) return
    x.push(1, colour - line.pivot)
    y.push(mag - truth.natural[index] + zeroPoint)
    weights.push(1 / (variance[k] + line.intrinsic ** 2))
  })
  if (!fit.hasColourTerm) {
    const sum = weights.reduce((a, b) => a + b, 0)
    return y.reduce((total, value, i) => total + (value * weights[i]) / sum, 0)
  }
  const line0 = linearLeastSquares(Float64Array.from(x), 2, Float64Array.from(y), Float64Array.from(weights))
  return line0 ? line0.coefficients[0] : Number.NaN
}

const PIXELS_PER_DEG = 36_000
function scaled(pixels: Float64Array): Float64Array {
  return pixels.map(value => value / PIXELS_PER_DEG)
}

/** The stars of every survey around a frame. */
export async function around({ wcs }: CalibrateInput, tiles: Tiles): Promise<ReferenceStars[]> {
  const radiusDeg = Math.max(0.35, Math.hypot(wcs.fieldWidthDeg, wcs.fieldHeightDeg) / 2 + 0.006)
  const cone: Cone = { raDeg: wcs.raDeg, decDeg: wcs.decDeg, radiusDeg }
  const lists = await Promise.all((await tiles.surveys()).map(survey => tiles.cone(survey, cone, { limit: 40_000 })))
  return lists.filter(({ count }) => count > 0)
}
