import { flagMask, hasFlag } from '#shared/flags.ts'
import { lookAround, type Surroundings } from './empty-places.ts'
import {
  averageForced,
  FORCED_REACH_FWHM,
  type ForcedFit,
  forcedEquations,
  lightOf,
  type Neighbour,
} from './forced-fit.ts'
import { hiddenCoreError } from './hidden-core.ts'
import { measureOnHost } from './host-galaxy.ts'
import type { ExpectedStars } from './known-stars.ts'
import { relativeError } from './make-catalogue.ts'
import { type MeasuredFrame, POOR_CHI } from './measure-stars.ts'
import { errorWithoutStar } from './place-error.ts'
import { LocalPsf } from './psf.ts'
import { humpOfSky, takenBySky } from './residual-sky.ts'
import { maskFlags } from './scene.ts'
import { starsWithin } from './scene-stars.ts'
import { addLight, cutStamp, type Stamp } from './stamp.ts'
import type { ForcedPhotometry } from './star-catalogue.ts'
import { ITSELF_FWHM, targetNeighbours } from './target-neighbours.ts'

/** A star within this many FWHM of the target, and this significant, is the target. */
const SAME_FWHM = 0.5
const SURE_SIGMA = 10
/** So significant, its own photons are no part of a limit. */
const SEEN_SIGMA = 3
/** Rounds of the fit: neighbours and a free place are linearised anew in each. */
const ROUNDS = 3
/** Longest step of a place in one round, FWHM. */
const MAX_STEP_FWHM = 0.3
/** The scatter of some hundred empty places is not believed below this part of their errors. */
const LEAST_RATIO = 0.8
/** χ is judged within this many FWHM. */
const CORE_FWHM = 1.2

export interface ForcedOptions {
  expected?: ExpectedStars
  around?: (x: number, y: number) => Surroundings
  /** Hold the place also where a star is seen: the places of a survey are better than those of one frame. */
  held?: boolean
}

/**
 * Flux at the place of a target, seen or not. Where a significant star stands there, its place is fitted (coordinates are
 * never exact, and a wrong place loses flux). Else the place is held. Stars around are fitted with it, also those that
 * only a survey parts from it; the sky under it is as free as it varies around, or a galaxy (see {@link measureOnHost}).
 * Negative fluxes stay. What the map of the sky has taken of a place without a star is given back. The error contains what
 * fluxes of empty places around scatter, and what the PSF is not known by; that of a star that is seen has beside it the
 * error of its place without it (`emptyErr`), of which limits are made. The scene is left as it was found.
 *
 * @param x,y place on the frame, 0-based pixel
 * @param options.expected what a survey lets expect of the stars on the frame
 * @param options.around what is known of the surroundings of a place; without it, they are looked at
 * @returns fluxes and errors in ADU, the place in 0-based pixels; undefined where no usable pixel tells anything
 */
export function measureTarget(
  measured: MeasuredFrame,
  target: { name: string; raDeg: number; decDeg: number },
  x: number,
  y: number,
  { expected, around, held = false }: ForcedOptions = {},
): ForcedPhotometry | undefined {
  const { scene, stars, psf } = measured
  const own = starsAt(measured, x, y)
  const star = held ? undefined : own.find(i => !stars.held[i] && stars.flux[i] > SURE_SIGMA * stars.fluxErr[i])
  const place =
    star === undefined ? { x, y, guess: 0 } : { x: stars.x[star], y: stars.y[star], guess: stars.flux[star] }
  const local = new LocalPsf(psf)
  local.moveTo(place.x, place.y)
  const lookAtPlace = (atX: number, atY: number) => lookAround(measured, local, atX, atY, expected)
  const { prior, ratio, fluxErr: emptyErr } = (around ?? lookAtPlace)(place.x, place.y)
  const beside = targetNeighbours(measured, { x, y }, place, own, expected)

  const fit = fitInRounds(measured, local, place, own, beside, prior)
  if (!fit) return undefined
  const host = measureOnHost(measured, { x, y }, fit.place, own, expected)
  const { flux, fluxErr } = host ?? fit
  // Empty places may scatter less than the fit claims, too: a free sky is dear where it is flat. Not so on a galaxy.
  const scatter = Math.max(ratio, host ? 1 : LEAST_RATIO)
  const excess = Number.isFinite(emptyErr) ? (scatter ** 2 - 1) * emptyErr ** 2 : 0
  const flags =
    maskFlags(scene, fit.place.x, fit.place.y, 1.5 * psf.fwhmPx) |
    (star === undefined ? flagMask('forcedPosition') : stars.flags[star]) |
    (beside.neighbours.length > 0 ? flagMask('blended') : 0) |
    // A galaxy's own fit describes what the star's leaves.
    (!host && fit.chi > POOR_CHI ? flagMask('poorFit') : 0)
  // A galaxy's own fit knows no map of the sky.
  const ofNoStar = host ? 1 : 1 - fluxInSky(measured, fit)
  // What a star of the scene stands for was not there when the map was drawn.
  const kept = own.length > 0 ? 1 : ofNoStar
  const isSeen = own.length > 0 && flux > SEEN_SIGMA * fluxErr
  const dark = isSeen ? errorWithoutStar(measured, local, fit.place, own, beside.neighbours, prior) : undefined
  // On a galaxy the star's own photons are what they are in its fit without one.
  const photons = dark === undefined ? 0 : Math.max(fit.fluxErr ** 2 - dark ** 2, 0)
  const hidden = hasFlag(flags, 'saturated') ? hiddenCoreError(measured, local, fit.place.x, fit.place.y) : 0
  return {
    ...target,
    x: fit.place.x,
    y: fit.place.y,
    flux: flux / kept,
    fluxErr: Math.sqrt(fluxErr ** 2 + excess + (relativeError(psf) ** 2 + hidden ** 2) * flux ** 2) / kept,
    ...(dark !== undefined && { emptyErr: Math.sqrt(Math.max(fluxErr ** 2 - photons, dark ** 2) + excess) / ofNoStar }),
    skyAdu: scene.sky[scene.indexAt(x, y)],
    chi: fit.chi,
    flags,
  }
}

/** Stars of the scene that are the target itself, brightest first. */
function starsAt({ stars, psf }: MeasuredFrame, x: number, y: number): number[] {
  return starsWithin(stars, x, y, SAME_FWHM * psf.fwhmPx).filter(star => {
    // What was entered from a survey beside the target is a neighbour; at the target's place it is the target.
    return !stars.held[star] || Math.hypot(stars.x[star] - x, stars.y[star] - y) < ITSELF_FWHM * psf.fwhmPx
  })
}

/** Part of a place's flux that the fit misses because the map of the sky has taken of it, as a hump of the map's cells. */
function fluxInSky({ refinedSky, scene, psf }: MeasuredFrame, { place, ofLevel, ofBowl }: PlaceFit): number {
  const { level, bowl } = humpOfSky(refinedSky, FORCED_REACH_FWHM * psf.fwhmPx)
  return takenBySky(refinedSky, place.x / scene.width, place.y / scene.height) * (level * ofLevel + bowl * ofBowl)
}

interface PlaceFit extends Pick<ForcedFit, 'flux' | 'fluxErr' | 'ofLevel' | 'ofBowl'> {
  place: { x: number; y: number; guess: number }
  chi: number
}

/** Fit the target with its neighbours, drawing them anew in each round. */
function fitInRounds(
  measured: MeasuredFrame,
  local: LocalPsf,
  start: { x: number; y: number; guess: number },
  own: number[],
  { neighbours, drawn }: ReturnType<typeof targetNeighbours>,
  prior: Float64Array,
): PlaceFit | undefined {
  const { scene, psf } = measured
  const reach = Math.ceil(FORCED_REACH_FWHM * psf.fwhmPx)
  const whole = cutStamp(scene, start.x, start.y, reach)
  addLight(measured, whole, [...own, ...drawn])
  const noise = scene.skyNoise(scene.indexAt(start.x, start.y))
  let place = start
  let beside = neighbours
  let fit: ForcedFit | undefined
  for (let round = 0; round < ROUNDS; round++) {
    const stamp = without(whole, local, beside)
    fit = averageForced(forcedEquations(stamp, local, place, { neighbours: beside, guess: place.guess }), prior, noise)
    if (!fit) return undefined
    const stride = MAX_STEP_FWHM * psf.fwhmPx
    const step = (by: number) => Math.min(Math.max(by, -stride), stride)
    if (place.guess > 0 && fit.flux > 0) {
      place = { x: place.x + step(fit.dx), y: place.y + step(fit.dy), guess: fit.flux }
    }
    if (beside.length === 0 && Math.hypot(fit.dx, fit.dy) < 0.01) break
    beside = beside.map((neighbour, i) => {
      const by = fit!.neighbours[i]
      const flux = neighbour.held ? neighbour.flux + by.flux : Math.max(neighbour.flux + by.flux, 0)
      return { ...neighbour, flux, x: neighbour.x + step(by.dx), y: neighbour.y + step(by.dy) }
    })
  }
  if (!fit) return undefined
  const left = without(whole, local, [...beside, { ...place, flux: fit.flux }])
  const { flux, fluxErr, ofLevel, ofBowl } = fit
  return { flux, fluxErr, ofLevel, ofBowl, place, chi: chiOf(left, place, CORE_FWHM * psf.fwhmPx) }
}

/** A stamp with stars taken out of it. */
function without(stamp: Stamp, local: LocalPsf, stars: Pick<Neighbour, 'x' | 'y' | 'flux'>[]): Stamp {
  const value = Float64Array.from(stamp.value)
  for (const { x, y, flux } of stars) {
    const light = lightOf(stamp, local, x, y).value
    for (let k = 0; k < value.length; k++) value[k] -= flux * light[k]
  }
  return { ...stamp, value }
}

/** Root of the mean square of what is left in the core, in errors. */
function chiOf({ x0, y0, side, value, variance }: Stamp, { x, y }: { x: number; y: number }, radius: number): number {
  let sum = 0
  let count = 0
  for (let k = 0; k < value.length; k++) {
    if (!Number.isFinite(variance[k])) continue
    if (Math.hypot(x0 + (k % side) - x, y0 + Math.floor(k / side) - y) > radius) continue
    sum += (value[k] * value[k]) / variance[k]
    count++
  }
  return count > 0 ? Math.sqrt(sum / count) : Number.NaN
}
