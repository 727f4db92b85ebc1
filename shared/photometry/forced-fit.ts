import { choleskyInPlace, choleskyInverse, choleskySolve } from '#shared/numeric/linear.ts'
import type { LocalPsf } from './psf.ts'
import type { Stamp } from './stamp.ts'

/** Pixels within this many FWHM tell a star from the sky under it. */
export const FORCED_REACH_FWHM = 3
/** Pixels farther than this from the model lose their weight. */
const CLIP_SIGMA = 5
/** Sky under a star: level, two slopes, bowl, two saddles; orthogonal on the disc (Zernike). */
export const SKY_TERMS = 6
/** Variance of a term that is not there, ADU²: too small to matter, and not 0. */
const NO_VARIANCE = 1e-9
/** The sky under a target may be wilder than around it, by these factors of variance, each with its odds beforehand. */
const WILDER = [1, 3, 10, 30, 100, 300]
const oddsOf = (factor: number) => (factor === 1 ? 1 : 0.5 / Math.sqrt(factor))
/** Where the surroundings are flat, such factors are of this part of the sky's noise. */
const FLAT_PART = 0.03

/** How much the sky varies under a disc of the fit, ADU²: the variance of each of its terms; 0 on a flat sky. */
export type SkyPrior = Float64Array

/** A star fitted beside the one that is asked for, as it is drawn. */
export interface Neighbour {
  x: number
  y: number
  flux: number
  /** Whether its place is known from elsewhere. */
  held: boolean
  /** Flux that a catalogue lets expect, and its error, ADU; NaN where none does. */
  priorFlux: number
  priorErr: number
}

export interface ForcedFit {
  flux: number
  fluxErr: number
  /** Flux that the fit would see in one ADU more of sky in every pixel, and in a bowl of it: little where the sky is free. */
  ofLevel: number
  ofBowl: number
  /** How far the star lies from where it was drawn, pixel; 0 where the place is held. */
  dx: number
  dy: number
  /** Steps of the neighbours' fluxes and places, in their order. */
  neighbours: Step[]
}

export interface Step {
  flux: number
  dx: number
  dy: number
}

/** The normal equations of a fit, without the prior of the sky. */
export interface ForcedEquations {
  n: number
  normal: Float64Array
  right: Float64Array
  /** Whether the place is free: columns are flux, (x, y,) sky, neighbours. */
  free: boolean
  /** First column of each neighbour, and whether two more of its place follow. */
  neighbours: { column: number; free: boolean }[]
  pixels: number
}

/**
 * Equations of the flux at a place, of its neighbours' and of the sky under it, all at once.
 *
 * @param stamp the frame without sky and neighbours, the star itself still in it; at least the reach of the fit
 * @param local PSF at the place
 * @param guess flux about which a free place is fitted, ADU; 0 holds the place
 */
export function forcedEquations(
  stamp: Stamp,
  local: LocalPsf,
  { x, y }: { x: number; y: number },
  { neighbours = [], guess = 0 }: { neighbours?: Neighbour[]; guess?: number } = {},
): ForcedEquations {
  const { x0, y0, side, value, variance } = stamp
  const reach = FORCED_REACH_FWHM * local.psf.fwhmPx
  const columns: Float64Array[] = []
  const own = lightOf(stamp, local, x, y)
  columns.push(own.value)
  if (guess > 0) columns.push(times(own.slopeX, guess), times(own.slopeY, guess))
  columns.push(...skyTerms(stamp, x, y, reach))
  const layout = neighbours.map(({ x, y, flux, held }) => {
    const light = lightOf(stamp, local, x, y)
    const column = columns.push(light.value) - 1
    const free = !held && flux > 0
    if (free) columns.push(times(light.slopeX, flux), times(light.slopeY, flux))
    return { column, free }
  })
  const n = columns.length
  const normal = new Float64Array(n * n)
  const right = new Float64Array(n)
  neighbours.forEach(({ flux, priorFlux, priorErr }, i) => {
    if (!(priorErr > 0)) return
    const { column } = layout[i]
    normal[column * n + column] += priorErr ** -2
    right[column] += (priorFlux - flux) * priorErr ** -2
  })
  let pixels = 0
  for (let k = 0; k < value.length; k++) {
    if (!Number.isFinite(variance[k])) continue
    const u = x0 + (k % side) - x
    const v = y0 + Math.floor(k / side) - y
    if (u * u + v * v > reach * reach) continue
    const left = value[k] - guess * own.value[k]
    const square = (left * left) / (variance[k] * CLIP_SIGMA * CLIP_SIGMA)
    // Where no star has been drawn yet, a bright pixel is what is asked for.
    const weight = 1 / (variance[k] * (guess > 0 ? 1 + square ** 4 : 1))
    pixels++
    for (let a = 0; a < n; a++) {
      const wa = weight * columns[a][k]
      right[a] += wa * value[k]
      for (let b = 0; b <= a; b++) normal[a * n + b] += wa * columns[b][k]
    }
  }
  return { n, normal, right, free: guess > 0, neighbours: layout, pixels }
}

/**
 * Flux at a place on a sky that may have level, slope and bend as far as a prior says (empirical Bayes). On a flat sky
 * this is the PSF fit with the least error, in a nebula the sky stays free, and the error is true in both.
 *
 * @returns the fit, and the logarithm of the evidence for the prior but for a constant; undefined where too few pixels
 *   are usable
 */
export function solveForced(
  equations: ForcedEquations,
  prior: SkyPrior,
): (ForcedFit & { evidence: number }) | undefined {
  const { n, free, pixels, neighbours } = equations
  if (pixels < Math.max(12, 2 * n)) return undefined
  const normal = Float64Array.from(equations.normal)
  const sky = free ? 3 : 1
  let evidence = 0
  for (let term = 0; term < SKY_TERMS; term++) {
    const variance = Math.max(prior[term], NO_VARIANCE)
    normal[(sky + term) * (n + 1)] += 1 / variance
    evidence -= 0.5 * Math.log(variance)
  }
  const scale = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    if (!(normal[i * n + i] > 0)) return undefined
    scale[i] = 1 / Math.sqrt(normal[i * n + i])
  }
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) normal[i * n + j] *= scale[i] * scale[j]
  if (!choleskyInPlace(normal, n)) return undefined
  const solution = equations.right.map((value, i) => value * scale[i])
  choleskySolve(normal, n, solution)
  for (let i = 0; i < n; i++) {
    evidence += Math.log(scale[i] / normal[i * n + i]) + 0.5 * solution[i] * scale[i] * equations.right[i]
  }
  const fluxOf = (column: number) => {
    const answer = Float64Array.from(scale, (factor, i) => {
      return factor * equations.normal[i < column ? column * n + i : i * n + column]
    })
    choleskySolve(normal, n, answer)
    return answer[0] * scale[0]
  }
  const step = (first: number, moves: boolean): Step => ({
    flux: solution[first] * scale[first],
    dx: moves ? solution[first + 1] * scale[first + 1] : 0,
    dy: moves ? solution[first + 2] * scale[first + 2] : 0,
  })
  return {
    ...step(0, free),
    fluxErr: Math.sqrt(choleskyInverse(normal, n)[0]) * scale[0],
    ofLevel: fluxOf(sky),
    ofBowl: fluxOf(sky + 3),
    neighbours: neighbours.map(neighbour => step(neighbour.column, neighbour.free)),
    evidence,
  }
}

/**
 * The same where the sky under the place may be wilder than the surroundings tell, as under the middle of a nebula: the
 * mean over how much wilder, weighted by the evidence. What is not known of the sky is in the error.
 *
 * @param skyNoise noise of a pixel of the sky, ADU
 */
export function averageForced(equations: ForcedEquations, prior: SkyPrior, skyNoise: number): ForcedFit | undefined {
  const least = (FLAT_PART * skyNoise) ** 2
  const fits = WILDER.flatMap(factor => {
    const wilder = factor === 1 ? prior : prior.map(variance => factor * Math.max(variance, least))
    const fit = solveForced(equations, wilder)
    return fit ? [{ ...fit, odds: Math.log(oddsOf(factor)) + fit.evidence }] : []
  })
  if (fits.length === 0) return undefined
  const best = Math.max(...fits.map(({ odds }) => odds))
  const weights = fits.map(({ odds }) => Math.exp(odds - best))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const mean = (of: (fit: ForcedFit) => number) => fits.reduce((sum, fit, i) => sum + weights[i] * of(fit), 0) / total
  const flux = mean(fit => fit.flux)
  const fluxErr = Math.sqrt(mean(fit => fit.fluxErr ** 2 + (fit.flux - flux) ** 2))
  const neighbours = equations.neighbours.map((_, i) => ({
    flux: mean(fit => fit.neighbours[i].flux),
    dx: mean(fit => fit.neighbours[i].dx),
    dy: mean(fit => fit.neighbours[i].dy),
  }))
  const [ofLevel, ofBowl] = [mean(fit => fit.ofLevel), mean(fit => fit.ofBowl)]
  return { flux, fluxErr, ofLevel, ofBowl, dx: mean(fit => fit.dx), dy: mean(fit => fit.dy), neighbours }
}

/** The light of a star of unit flux on a stamp, and its slopes. */
export function lightOf({ x0, y0, side }: Stamp, local: LocalPsf, x: number, y: number): StarLight {
  const value = new Float64Array(side * side)
  const slopeX = new Float64Array(side * side)
  const slopeY = new Float64Array(side * side)
  local.gradients(x, y, x0, y0, side, side, value, slopeX, slopeY)
  return { x, y, value, slopeX, slopeY }
}

/** A star's light on a stamp, of unit flux, and its derivatives by the star's place. */
export interface StarLight {
  x: number
  y: number
  value: Float64Array
  slopeX: Float64Array
  slopeY: Float64Array
}

function times(values: Float64Array, factor: number): Float64Array {
  return values.map(value => value * factor)
}

/** The terms of the sky on a stamp, 1 in size at the edge of the disc. */
export function skyTerms({ x0, y0, side }: Stamp, x: number, y: number, reach: number): Float64Array[] {
  const terms = Array.from({ length: SKY_TERMS }, () => new Float64Array(side * side))
  for (let k = 0; k < side * side; k++) {
    const u = (x0 + (k % side) - x) / reach
    const v = (y0 + Math.floor(k / side) - y) / reach
    terms[0][k] = 1
    terms[1][k] = u
    terms[2][k] = v
    terms[3][k] = 2 * (u * u + v * v) - 1
    terms[4][k] = u * u - v * v
    terms[5][k] = 2 * u * v
  }
  return terms
}
