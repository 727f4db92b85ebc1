import { linearLeastSquares } from '#shared/numeric/linear.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import { PlaceIndex } from './place-index.ts'
import { LocalPsf, type Psf } from './psf.ts'
import type { Scene } from './scene.ts'
import type { SceneStars } from './scene-stars.ts'

/** Stars of a survey as they stand on the frame. */
export interface KnownStars {
  /** Place at the epoch of the frame, 0-based pixel. */
  x: Float64Array
  y: Float64Array
  /** 1 σ of that place by the survey, mean of both axes, pixel. */
  errorPx: Float64Array
  /** Magnitude in the survey's widest band, and a colour (NaN where it has none). */
  mag: Float64Array
  colour: Float64Array
}

/** A fitted star within this many FWHM of a known one is that star. */
const SAME_FWHM = 0.6
/** Known stars closer than this, FWHM, to a fitted one are looked at. */
const NEAR_FWHM = 1.6
/** Light in the neighbour's profile, in its errors, from which on a star is worth drawing. */
const LEAST_BIAS_SIGMA = 0.3
/** Brighter than the fitted star by this factor, it would have been seen. */
const MOST_RATIO = 1.5
/**
 * A known star that lies this many errors off the fitted one, and should have less than this part of the light that no
 * other known star accounts for, is not that star but a companion of one that the survey has missed.
 */
const OTHER_SIGMA = 3
const OTHER_PART = 0.5
/** Stars this significant tell how the survey's magnitudes become fluxes, and how many at least. */
const SURE_SIGMA = 10
const LEAST_PAIRS = 20
/** More of them, the brightest, tell that no better than stars vary. */
const MOST_PAIRS = 2000
/** No expectation is better than this, mag: stars vary. */
const LEAST_SCATTER_MAG = 0.1

/**
 * Enter stars that a survey knows beside fitted ones and that the frame alone does not tell apart: their light would be
 * counted as their neighbour's. They stand at the survey's place with the flux that its magnitude lets expect (zero
 * point and colour terms from the frame's own stars), which the fit may correct within the error of that expectation.
 * They are marked `held` and are no measurements.
 *
 * @returns how many were entered
 */
export function enterKnown(scene: Scene, stars: SceneStars, psf: Psf, known: KnownStars): number {
  const { order, index, pairs, unmatched } = pairUp(scene, stars, psf, known)
  const expected = expectation(stars, known, order, pairs)
  if (!expected) return 0
  const local = new LocalPsf(psf)
  let entered = 0
  const beside = new PlaceIndex(NEAR_FWHM * psf.fwhmPx)
  for (const i of unmatched) beside.add(known.x, known.y, i)
  const others = order.filter((i, k) => {
    const star = pairs[k]
    if (star < 0 || stars.held[star] || !standsElsewhere(stars, star, known, i)) return false
    let left = stars.flux[star]
    beside.visit(stars.x[star], stars.y[star], other => {
      left -= expected(other).flux
    })
    return expected(i).flux < OTHER_PART * left
  })
  for (const i of [...unmatched, ...others]) {
    const { flux, error } = expected(i)
    if (!isWorthDrawing(stars, psf, known, i, flux, index)) continue
    const star = stars.add(known.x[i], known.y[i])
    if (star < 0) break
    stars.held[star] = 1
    stars.priorFlux[star] = flux
    stars.priorErr[star] = error
    stars.fluxErr[star] = error
    const least = Math.min(2.3 * psf.fwhmPx, psf.radiusPx)
    const radius = scene.drawnRadius(psf, flux, known.x[i], known.y[i], least)
    local.moveTo(known.x[i], known.y[i], radius)
    scene.redraw(local, stars, star, known.x[i], known.y[i], flux, radius)
    entered++
  }
  return entered
}

/** Stars of a survey as they should look on the frame: place, and flux with its error, ADU. */
export interface ExpectedStars {
  x: Float64Array
  y: Float64Array
  flux: Float64Array
  fluxErr: Float64Array
}

/** What a survey lets expect of its stars on a frame; undefined where too few stars tie its magnitudes to fluxes. */
export function expectedStars(scene: Scene, stars: SceneStars, psf: Psf, known: KnownStars): ExpectedStars | undefined {
  const { order, pairs } = pairUp(scene, stars, psf, known)
  const expected = expectation(stars, known, order, pairs)
  if (!expected) return undefined
  const flux = order.map(i => expected(i))
  return {
    x: Float64Array.from(order, i => known.x[i]),
    y: Float64Array.from(order, i => known.y[i]),
    flux: Float64Array.from(flux, ({ flux }) => flux),
    fluxErr: Float64Array.from(flux, ({ error }) => error),
  }
}

/** The known stars that lie on the frame, brightest first, and which fitted stars they are. */
function pairUp(scene: Scene, stars: SceneStars, psf: Psf, known: KnownStars) {
  const order = brightnessOrder(scene, known)
  const index = new PlaceIndex(NEAR_FWHM * psf.fwhmPx)
  for (const star of stars.byFlux()) index.add(stars.x, stars.y, star)
  return { order, index, ...pair(stars, psf, known, order, index) }
}

/** The known stars on the frame, brightest first. They do not change while a frame is measured, so it is told once. */
function brightnessOrder(scene: Scene, known: KnownStars): number[] {
  const told = orders.get(known)
  if (told) return told
  const order = Array.from(known.x.keys())
    .filter(i => isOnFrame(scene, known.x[i], known.y[i]) && Number.isFinite(known.mag[i]))
    .sort((a, b) => known.mag[a] - known.mag[b] || a - b)
  orders.set(known, order)
  return order
}
const orders = new WeakMap<KnownStars, number[]>()

interface Pairs {
  /** The fitted star that each of the known ones is, in their order; −1 where it is none. */
  pairs: Int32Array
  unmatched: number[]
}

/** Give each known star, brightest first, the nearest fitted star that is still free. */
function pair(stars: SceneStars, psf: Psf, known: KnownStars, order: number[], index: PlaceIndex): Pairs {
  const taken = new Uint8Array(stars.count)
  const found: Pairs = { pairs: new Int32Array(order.length), unmatched: [] }
  order.forEach((i, k) => {
    const nearest = index.nearestStar(known.x[i], known.y[i], stars.x, stars.y, SAME_FWHM * psf.fwhmPx, taken)
    found.pairs[k] = nearest
    if (nearest < 0) found.unmatched.push(i)
    else taken[nearest] = 1
  })
  return found
}

/** Whether the places of a known star and of a fitted one differ by more than their errors. */
function standsElsewhere({ x, y, xErr, yErr }: SceneStars, star: number, known: KnownStars, i: number): boolean {
  const distance = Math.hypot(x[star] - known.x[i], y[star] - known.y[i])
  return distance > OTHER_SIGMA * Math.hypot(xErr[star], yErr[star], known.errorPx[i])
}

/** Whether the star's light would noticeably be counted as that of a fitted star, which it does not outshine. */
function isWorthDrawing(
  stars: SceneStars,
  psf: Psf,
  known: KnownStars,
  i: number,
  flux: number,
  index: PlaceIndex,
): boolean {
  const sigma = psf.fwhmPx / 2.355
  let worth = false
  let brightest = 0
  index.visit(known.x[i], known.y[i], star => {
    if (stars.held[star]) return
    const square = (stars.x[star] - known.x[i]) ** 2 + (stars.y[star] - known.y[i]) ** 2
    if (square > (NEAR_FWHM * psf.fwhmPx) ** 2) return
    const shared = flux * Math.exp(-square / (4 * sigma * sigma))
    if (!(shared > LEAST_BIAS_SIGMA * stars.fluxErr[star])) return
    worth = true
    brightest = Math.max(brightest, stars.flux[star])
  })
  return worth && flux < MOST_RATIO * brightest
}

type Expectation = (known: number) => { flux: number; error: number }

/** Known and fitted stars that are the same and measured well, brightest first. */
function surePairs(stars: SceneStars, order: number[], pairs: Int32Array): [known: number, star: number][] {
  const { held, flags, flux, fluxErr } = stars
  const sure: [number, number][] = []
  for (let k = 0; k < pairs.length && sure.length < MOST_PAIRS; k++) {
    const star = pairs[k]
    if (star < 0 || held[star] || flags[star] !== 0 || !(flux[star] > SURE_SIGMA * fluxErr[star])) continue
    sure.push([order[k], star])
  }
  return sure
}

/** Flux, ADU, that a known star should have on this frame, and how far stars are off that. */
function expectation(
  stars: SceneStars,
  known: KnownStars,
  order: number[],
  pairs: Int32Array,
): Expectation | undefined {
  const sure = surePairs(stars, order, pairs)
  if (sure.length < LEAST_PAIRS) return undefined
  const offset = ([i, star]: [number, number]) => -2.5 * Math.log10(stars.flux[star]) - known.mag[i]
  const zero = median(sure.map(offset))
  const loose = Math.max(madSigma(sure.map(offset)), LEAST_SCATTER_MAG)
  const plain = (i: number) => asFlux(known.mag[i] + zero, 1.5 * loose)
  const coloured = sure.filter(p => Number.isFinite(known.colour[p[0]]) && Math.abs(offset(p) - zero) < 5 * loose)
  if (coloured.length < LEAST_PAIRS) return plain
  const middle = median(coloured.map(([i]) => known.colour[i]))
  const design = Float64Array.from(coloured.flatMap(([i]) => [1, ...powersOf(known.colour[i] - middle)]))
  const wanted = Float64Array.from(coloured, offset)
  const weights = new Float64Array(coloured.length).fill(1)
  const term = new Float64Array(3)
  const model = (colour: number) => term[0] + term[1] * (colour - middle) + term[2] * (colour - middle) ** 2
  let tight = loose
  for (let round = 0; round < 3; round++) {
    const fit = linearLeastSquares(design, 3, wanted, weights)
    if (!fit) return plain
    term.set(fit.coefficients)
    const left = coloured.map(([i], k) => wanted[k] - model(known.colour[i]))
    tight = Math.max(madSigma(left, 0), LEAST_SCATTER_MAG)
    left.forEach((value, k) => {
      weights[k] = Math.abs(value) < 3 * tight ? 1 : 0
    })
  }
  const colours = coloured.map(([i]) => known.colour[i]).sort((a, b) => a - b)
  const bluest = colours[Math.floor(0.01 * colours.length)]
  const reddest = colours[Math.ceil(0.99 * (colours.length - 1))]
  return i => {
    if (!Number.isFinite(known.colour[i])) return plain(i)
    return asFlux(known.mag[i] + model(Math.min(Math.max(known.colour[i], bluest), reddest)), tight)
  }
}

function powersOf(value: number): [number, number] {
  return [value, value * value]
}

function asFlux(mag: number, magErr: number): { flux: number; error: number } {
  const flux = 10 ** (-0.4 * mag)
  return { flux, error: flux * magErr * (Math.LN10 / 2.5) }
}

function isOnFrame({ width, height }: Scene, x: number, y: number): boolean {
  return x > 0 && y > 0 && x < width - 1 && y < height - 1
}
