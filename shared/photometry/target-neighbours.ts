import type { Neighbour } from './forced-fit.ts'
import type { ExpectedStars } from './known-stars.ts'
import type { MeasuredFrame } from './measure-stars.ts'
import { starsWithin } from './scene-stars.ts'

/** Stars within this many FWHM of the target are fitted together with it; the nearest ones, no more than so many. */
const TOGETHER_FWHM = 2
const MOST_TOGETHER = 12
/** A known star this near a fitted one is that star, FWHM. */
const SAME_FWHM = 0.6
/** A known star this near the target is the target, FWHM, or where the target's coordinates are off by more, within that. */
export const ITSELF_FWHM = 0.2
const ITSELF_FACTOR = 1.5
/** Light below this part of the sky's noise in a pixel is not worth a parameter. */
const LEAST_LIGHT = 0.1

export interface Neighbourhood {
  neighbours: Neighbour[]
  /** Those of them that are drawn in the scene. */
  drawn: number[]
}

/**
 * The stars that share the light of a target: those that the frame shows, and those that only a survey knows.
 *
 * @param given place of the target by its coordinates
 * @param seen place where it is fitted
 * @param own stars of the scene that are the target
 */
export function targetNeighbours(
  measured: Pick<MeasuredFrame, 'scene' | 'stars' | 'psf'>,
  given: { x: number; y: number },
  seen: { x: number; y: number },
  own: number[],
  expected?: ExpectedStars,
): Neighbourhood {
  const { stars, psf } = measured
  const within = TOGETHER_FWHM * psf.fwhmPx
  const distance = (star: number) => Math.hypot(stars.x[star] - seen.x, stars.y[star] - seen.y)
  const drawn = starsWithin(stars, seen.x, seen.y, within)
    .filter(star => !own.includes(star))
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, MOST_TOGETHER)
  const neighbours = drawn.map(star => ({
    x: stars.x[star],
    y: stars.y[star],
    flux: stars.flux[star],
    held: stars.held[star] === 1,
    priorFlux: stars.priorFlux[star],
    priorErr: stars.priorErr[star],
  }))
  if (!expected) return { neighbours, drawn }
  const unseen = unseenStars(measured, given, seen, own, expected).slice(0, MOST_TOGETHER - drawn.length)
  return { neighbours: [...neighbours, ...unseen], drawn }
}

/** Known stars around the target that no star of the scene stands for; they begin undrawn. */
function unseenStars(
  { stars, scene, psf }: Pick<MeasuredFrame, 'scene' | 'stars' | 'psf'>,
  given: { x: number; y: number },
  seen: { x: number; y: number },
  own: number[],
  expected: ExpectedStars,
): Neighbour[] {
  const offset = Math.hypot(given.x - seen.x, given.y - seen.y)
  const itself = Math.max(ITSELF_FWHM * psf.fwhmPx, ITSELF_FACTOR * offset)
  const level = (LEAST_LIGHT * scene.skyNoise(scene.indexAt(seen.x, seen.y))) / psf.envelope[0]
  const others = starsWithin(stars, seen.x, seen.y, 2 * TOGETHER_FWHM * psf.fwhmPx).filter(star => !own.includes(star))
  const found: Neighbour[] = []
  for (let i = 0; i < expected.x.length; i++) {
    const x = expected.x[i]
    const y = expected.y[i]
    if (Math.abs(x - seen.x) > TOGETHER_FWHM * psf.fwhmPx) continue
    const distance = Math.hypot(x - seen.x, y - seen.y)
    if (distance > TOGETHER_FWHM * psf.fwhmPx || distance < itself || expected.flux[i] < level) continue
    const stands = others.some(star => Math.hypot(stars.x[star] - x, stars.y[star] - y) < SAME_FWHM * psf.fwhmPx)
    if (stands) continue
    found.push({ x, y, flux: 0, held: true, priorFlux: expected.flux[i], priorErr: expected.fluxErr[i] })
  }
  return found
}
