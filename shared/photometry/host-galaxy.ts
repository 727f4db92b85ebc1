import { forcedEquations, lightOf, SKY_TERMS, solveForced } from './forced-fit.ts'
import { fitGalaxy, type GalaxyFit } from './galaxy-model.ts'
import type { ExpectedStars } from './known-stars.ts'
import type { MeasuredFrame } from './measure-stars.ts'
import { LocalPsf } from './psf.ts'
import { starsWithin } from './scene-stars.ts'
import { addLight, cutStamp, type Stamp } from './stamp.ts'

/** A fit this significant, and far from the centre of the galaxy, is a star; anything else is part of the galaxy. */
const STAR_SIGMA = 30
/** How far the pieces of a galaxy may lie from the target, FWHM, and how many betray one. */
const PIECES_FWHM = 6
const LEAST_PIECES = 3
/** Together they are wider than stars by this many errors. */
const WIDE_SIGMA = 1.5
/** The target's coordinates are right where its light is this near, FWHM. */
const AGREE_FWHM = 0.2
/** A star of a survey this near is the same, FWHM. */
const KNOWN_FWHM = 0.6
/** The target must be this far from the centre, FWHM: no profile could tell it from the nucleus. */
const LEAST_OFFSET_FWHM = 1.2
/** The galaxy is modelled as far beyond the target as this, FWHM. */
const BEYOND_FWHM = 9
/** A pixel counts no more than this many of its variances when models are compared. */
const MOST_SQUARE = 16
/** Cells of the sky map count as parameters of what they describe, FWHM (see measureStars). */
const SKY_CELL_FWHM = 4
/** Empty places on the galaxy: this far from the target, FWHM, and at about its distance from the centre. */
const EMPTY_FROM_FWHM = 1.6
const EMPTY_STEP_FWHM = 1
const EMPTY_DISTANCE = [0.5, 1.5]
const LEAST_EMPTY = 6

export interface HostFit {
  flux: number
  fluxErr: number
}

/**
 * Flux of a target on a galaxy, fitted together with the galaxy as a whole (see {@link fitGalaxy}). What the galaxy has
 * beside its smooth light (clumps, arms) shows in the fluxes of empty places on it, whose scatter is part of the error.
 *
 * @param given place by the target's coordinates, 0-based pixel
 * @param seen place and flux by a fit without the galaxy (flux 0 where the place is held). A galaxy's light pulls a free
 *   place: it is held at the coordinates where they agree
 * @param own stars of the scene that are the target itself
 * @returns undefined where stars describe the light better than a galaxy does, or the target lies on its centre
 */
export function measureOnHost(
  measured: MeasuredFrame,
  given: { x: number; y: number },
  seen: { x: number; y: number; guess: number },
  own: number[],
  expected?: ExpectedStars,
): HostFit | undefined {
  const { stars, scene, psf } = measured
  const agree = Math.hypot(given.x - seen.x, given.y - seen.y) < AGREE_FWHM * psf.fwhmPx
  const target = agree ? { ...given, guess: 0 } : seen
  const pieces = galaxyPieces(measured, target, own, expected)
  if (pieces.length < LEAST_PIECES || !areWide(measured, pieces)) return undefined
  const nucleus = pieces.reduce((best, piece) => (stars.flux[piece] > stars.flux[best] ? piece : best))
  const centre = { x: stars.x[nucleus], y: stars.y[nucleus] }
  const reachPx = Math.hypot(centre.x - target.x, centre.y - target.y) + BEYOND_FWHM * psf.fwhmPx
  const stamp = cutStamp(scene, centre.x, centre.y, Math.ceil(reachPx) + 1, true)
  const leftByStars = stamp.value.map((_, k) => scene.residual[frameIndex(scene.width, stamp, k)])
  addLight(measured, stamp, [...own, ...pieces])
  const local = new LocalPsf(psf)
  local.moveTo(target.x, target.y)
  const light = lightOf(stamp, local, target.x, target.y)
  const options = { reachPx, scalePx: psf.fwhmPx, free: target.guess > 0 }
  const galaxy = fitGalaxy(stamp, light, { ...centre, e1: 0, e2: 0 }, options)
  if (!galaxy) return undefined
  if (Math.hypot(galaxy.shape.x - target.x, galaxy.shape.y - target.y) < LEAST_OFFSET_FWHM * psf.fwhmPx)
    return undefined
  const left = stamp.value.map((value, k) => value - galaxy.light[k] - galaxy.flux * light.value[k])
  const asGalaxy = sumOfSquares(stamp, k => left[k])
  const asStars = sumOfSquares(stamp, k => (Number.isNaN(galaxy.light[k]) ? Number.NaN : leftByStars[k]))
  const cells = (Math.PI * reachPx * reachPx) / (SKY_CELL_FWHM * psf.fwhmPx) ** 2
  const price = Math.log(galaxy.freedom) * (galaxy.parameters + 4 - 3 * pieces.length - cells)
  if (asGalaxy + price > asStars) return undefined
  const scatter = scatterOnGalaxy({ ...stamp, value: left }, galaxy, local, target)
  return { flux: galaxy.flux, fluxErr: galaxy.fluxErr * Math.max(1, scatter) }
}

/** Fits that share the light of one galaxy with the target: within reach, not bright and no stars of a survey. */
function galaxyPieces(
  { stars, psf }: MeasuredFrame,
  target: { x: number; y: number },
  own: number[],
  expected?: ExpectedStars,
): number[] {
  const pieces: number[] = []
  for (const star of starsWithin(stars, target.x, target.y, PIECES_FWHM * psf.fwhmPx)) {
    if (own.includes(star)) continue
    if (stars.flux[star] > STAR_SIGMA * stars.fluxErr[star]) continue
    if (!expected || !isKnown(expected, stars.x[star], stars.y[star], KNOWN_FWHM * psf.fwhmPx)) pieces.push(star)
  }
  return pieces
}

function isKnown({ x, y }: ExpectedStars, atX: number, atY: number, withinPx: number): boolean {
  return x.some((starX, i) => Math.abs(starX - atX) < withinPx && Math.hypot(starX - atX, y[i] - atY) < withinPx)
}

function areWide({ stars }: MeasuredFrame, pieces: number[]): boolean {
  let sum = 0
  for (const piece of pieces) sum += stars.sharp[piece] / stars.sharpErr[piece]
  return sum > WIDE_SIGMA * Math.sqrt(pieces.length)
}

function frameIndex(width: number, { x0, y0, side }: Stamp, k: number): number {
  return (y0 + Math.floor(k / side)) * width + x0 + (k % side)
}

/** Σ of squares over variances, outliers bounded, over the pixels that count and have a value. */
function sumOfSquares({ variance }: Stamp, at: (k: number) => number): number {
  let sum = 0
  for (let k = 0; k < variance.length; k++) {
    if (!Number.isFinite(variance[k])) continue
    const left = at(k)
    if (Number.isFinite(left)) sum += Math.min((left * left) / variance[k], MOST_SQUARE)
  }
  return sum
}

/** Scatter of the fluxes of empty places on the galaxy, over their errors. */
function scatterOnGalaxy(left: Stamp, { shape }: GalaxyFit, local: LocalPsf, target: { x: number; y: number }): number {
  const { fwhmPx } = local.psf
  const step = EMPTY_STEP_FWHM * fwhmPx
  const distance = Math.hypot(target.x - shape.x, target.y - shape.y)
  const [from, to] = EMPTY_DISTANCE.map(part => part * distance)
  const flat = new Float64Array(SKY_TERMS)
  const seen: number[] = []
  for (let v = -to; v <= to; v += step) {
    for (let u = -to; u <= to; u += step) {
      const r = Math.hypot(u, v)
      const place = { x: shape.x + u, y: shape.y + v }
      if (r < from || r > to || Math.hypot(place.x - target.x, place.y - target.y) < EMPTY_FROM_FWHM * fwhmPx) continue
      const fit = solveForced(forcedEquations(left, local, place), flat)
      if (fit) seen.push(fit.flux / fit.fluxErr)
    }
  }
  return seen.length < LEAST_EMPTY ? 1 : Math.sqrt(seen.reduce((sum, value) => sum + value * value, 0) / seen.length)
}
