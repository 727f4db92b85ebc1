import { choleskyInPlace, choleskyInverse, choleskySolve } from '#shared/numeric/linear.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import {
  averageForced,
  FORCED_REACH_FWHM,
  type ForcedEquations,
  forcedEquations,
  SKY_TERMS,
  type SkyPrior,
} from './forced-fit.ts'
import type { ExpectedStars } from './known-stars.ts'
import type { MeasuredFrame } from './measure-stars.ts'
import { LocalPsf } from './psf.ts'
import type { Scene } from './scene.ts'
import { cutStamp } from './stamp.ts'
import { targetNeighbours } from './target-neighbours.ts'

/** Empty places are looked for from here on, FWHM, on a grid of this step; no farther than a part of the frame that is alike. */
const FROM_FWHM = 4
const STEP_FWHM = 2
const TO_FWHM = 60
/** So many tell what the sky does here; fewer than the least tell nothing. */
const MOST_PLACES = 150
const LEAST_PLACES = 20
/** A place is empty where no pixel of its core has more starlight than this part of the sky's noise. */
const EMPTY_LEVEL = 0.7
/** Part of the core's pixels that may be masked. */
const MASKED_PART = 0.2
/** Fluxes farther off are stars that were not found, not errors. */
const TAIL_SIGMA = 4.5

/** What empty places around a position tell of the sky and of the errors there. */
export interface Surroundings {
  places: number
  /** Variance of the terms of the sky under a fit, beyond what noise makes, ADU². */
  prior: SkyPrior
  /** Error of the flux of an empty place, as claimed by the fit, ADU. */
  fluxErr: number
  /** Scatter of their fluxes over that error; 1 where there are too few. */
  ratio: number
  /** Their middle flux, ADU: light of stars too faint to be found, or sky badly told. */
  bias: number
}

/** What of a measured frame places are measured on. */
type Field = Pick<MeasuredFrame, 'scene' | 'stars' | 'psf'>

/**
 * Look at the empty places around a position: how the sky under them varies, and how their fluxes scatter. They are
 * measured as a target is, the stars beside them fitted too, those among them that only a survey knows.
 *
 * @param local PSF at the position
 * @param expected what a survey lets expect of the stars on the frame
 */
export function lookAround(
  field: Field,
  local: LocalPsf,
  x: number,
  y: number,
  expected?: ExpectedStars,
): Surroundings {
  const { scene } = field
  const { fwhmPx } = local.psf
  const reach = Math.ceil(FORCED_REACH_FWHM * fwhmPx)
  const near = expected && expectedWithin(expected, x, y, (TO_FWHM + FORCED_REACH_FWHM) * Math.SQRT2 * fwhmPx)
  const equations = emptyPlaces(scene, fwhmPx, x, y).map(place => {
    const { neighbours } = targetNeighbours(field, place, place, [], near)
    return forcedEquations(cutStamp(scene, place.x, place.y, reach), local, place, { neighbours })
  })
  const prior = learnSky(equations)
  const noise = scene.skyNoise(scene.indexAt(x, y))
  const fluxes: number[] = []
  const errors: number[] = []
  for (const each of equations) {
    const fit = averageForced(each, prior, noise)
    if (!fit) continue
    fluxes.push(fit.flux)
    errors.push(fit.fluxErr)
  }
  if (fluxes.length < LEAST_PLACES) return { places: fluxes.length, prior, fluxErr: Number.NaN, ratio: 1, bias: 0 }
  const bias = median(fluxes)
  const off = fluxes.map((flux, i) => (flux - bias) / errors[i])
  return { places: fluxes.length, prior, fluxErr: median(errors), ratio: spread(off), bias }
}

/** Side of the regions that share one look around where many places are measured, FWHM. */
const REGION_FWHM = 40

/** The same for many places of a frame: each region of it is looked at once, from its middle. */
export function surroundingsByRegion(field: Field, expected?: ExpectedStars): (x: number, y: number) => Surroundings {
  const { scene, psf } = field
  const side = REGION_FWHM * psf.fwhmPx
  const columns = Math.max(1, Math.round(scene.width / side))
  const rows = Math.max(1, Math.round(scene.height / side))
  const seen = new Map<number, Surroundings>()
  const local = new LocalPsf(psf)
  const cell = (at: number, length: number, cells: number) =>
    Math.min(cells - 1, Math.max(0, Math.floor((at / length) * cells)))
  return (x, y) => {
    const c = cell(x, scene.width, columns)
    const r = cell(y, scene.height, rows)
    const key = r * columns + c
    let found = seen.get(key)
    if (!found) {
      const [middleX, middleY] = [((c + 0.5) * scene.width) / columns, ((r + 0.5) * scene.height) / rows]
      local.moveTo(middleX, middleY)
      found = lookAround(field, local, middleX, middleY, expected)
      seen.set(key, found)
    }
    return found
  }
}

function expectedWithin(expected: ExpectedStars, x: number, y: number, withinPx: number): ExpectedStars {
  const near = Array.from(expected.x.keys()).filter(i => {
    return Math.abs(expected.x[i] - x) < withinPx && Math.abs(expected.y[i] - y) < withinPx
  })
  const column = (values: Float64Array) => Float64Array.from(near, i => values[i])
  return {
    x: column(expected.x),
    y: column(expected.y),
    flux: column(expected.flux),
    fluxErr: column(expected.fluxErr),
  }
}

/** Root mean square of what lies within the reach of noise. */
function spread(values: number[]): number {
  const limit = TAIL_SIGMA * madSigma(values, 0)
  const kept = values.filter(value => Math.abs(value) <= limit)
  return Math.sqrt(kept.reduce((sum, value) => sum + value * value, 0) / kept.length)
}

interface Place {
  x: number
  y: number
}

/** Empty places on a grid around a position, nearest first. */
export function emptyPlaces(scene: Scene, fwhmPx: number, x: number, y: number): Place[] {
  const step = STEP_FWHM * fwhmPx
  const most = Math.floor(TO_FWHM / STEP_FWHM)
  const grid: Place[] = []
  for (let j = -most; j <= most; j++) for (let i = -most; i <= most; i++) grid.push({ x: i * step, y: j * step })
  grid.sort((a, b) => a.x ** 2 + a.y ** 2 - b.x ** 2 - b.y ** 2)
  const found: Place[] = []
  for (const { x: dx, y: dy } of grid) {
    if (found.length === MOST_PLACES) break
    if (Math.hypot(dx, dy) < FROM_FWHM * fwhmPx) continue
    if (isEmpty(scene, x + dx, y + dy, fwhmPx)) found.push({ x: x + dx, y: y + dy })
  }
  return found
}

/** Whether no star is drawn on the core of a place, and its pixels can be used. */
export function isEmpty(scene: Scene, x: number, y: number, fwhmPx: number): boolean {
  const margin = FORCED_REACH_FWHM * fwhmPx
  if (x < margin || y < margin || x > scene.width - 1 - margin || y > scene.height - 1 - margin) return false
  const level = EMPTY_LEVEL * scene.skyNoise(scene.indexAt(x, y))
  let masked = 0
  let count = 0
  for (let j = Math.ceil(y - fwhmPx); j <= y + fwhmPx; j++) {
    for (let i = Math.ceil(x - fwhmPx); i <= x + fwhmPx; i++) {
      const p = j * scene.width + i
      count++
      if (!scene.usable[p]) masked++
      else if (Math.abs(scene.data[p] - scene.residual[p] - scene.sky[p]) > level) return false
    }
  }
  return masked <= MASKED_PART * count
}

/** Variance of the sky's terms over the places, less what the noise of their pixels makes. */
function learnSky(places: ForcedEquations[]): SkyPrior {
  const prior: SkyPrior = new Float64Array(SKY_TERMS)
  const seen: number[][] = Array.from({ length: SKY_TERMS }, () => [])
  const noise: number[][] = Array.from({ length: SKY_TERMS }, () => [])
  for (const place of places) {
    const sky = skyAlone(place)
    if (!sky) continue
    for (let term = 0; term < SKY_TERMS; term++) {
      seen[term].push(sky.coefficients[term])
      noise[term].push(sky.variance[term])
    }
  }
  if (seen[0].length < LEAST_PLACES) return prior
  // Slopes, and saddles, are the same thing in two directions.
  for (const alike of [[0], [1, 2], [3], [4, 5]]) {
    const values = alike.flatMap(term => seen[term])
    const expected = median(alike.flatMap(term => noise[term]))
    const scatter = madSigma(values, 0) ** 2
    // A variance of n values is known to √(2/n) (the median's to 1.6 times that): less is no structure.
    const excess = scatter - expected
    const doubt = 1.6 * Math.sqrt(2 / values.length) * expected
    for (const term of alike) prior[term] = excess > doubt ? excess : 0
  }
  return prior
}

/** The terms of the sky at a place where no star is asked for. */
function skyAlone({ n, normal, right }: ForcedEquations) {
  const matrix = new Float64Array(SKY_TERMS * SKY_TERMS)
  const coefficients = right.slice(1, 1 + SKY_TERMS)
  for (let i = 0; i < SKY_TERMS; i++) {
    for (let j = 0; j <= i; j++) matrix[i * SKY_TERMS + j] = normal[(i + 1) * n + j + 1]
  }
  if (!choleskyInPlace(matrix, SKY_TERMS)) return undefined
  choleskySolve(matrix, SKY_TERMS, coefficients)
  const inverse = choleskyInverse(matrix, SKY_TERMS)
  return { coefficients, variance: coefficients.map((_, i) => inverse[i * (SKY_TERMS + 1)]) }
}
