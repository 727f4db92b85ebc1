import { estimateBackground } from '#shared/image/background.ts'
import type { Detections, Frame } from '#shared/image/frame.ts'
import { type Random, random } from '#shared/numeric/random.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import { surroundingsByRegion } from './empty-places.ts'
import { measureTarget } from './forced.ts'
import { expectedStars, type KnownStars } from './known-stars.ts'
import { type MeasuredFrame, measureStars } from './measure-stars.ts'
import { PlaceIndex } from './place-index.ts'
import { LocalPsf, type Psf } from './psf.ts'
import type { Scene } from './scene.ts'

/** Injected stars keep this distance from each other and from the stars of the frame, FWHM: blends are another matter. */
const APART_FWHM = 7
const FROM_STARS_FWHM = 1.5
const FROM_EDGE_FWHM = 4
/** Places tried for each star that is wanted. */
const TRIES = 60
/** Magnitudes of the injected stars about the 3 σ limit of their places: brightest and faintest. */
const BRIGHTEST_MAG = -1.5
const FAINTEST_MAG = 1
/** Bins of the recovery curve, mag. */
const BIN_MAG = 0.25
export const DETECTION_SIGMA = 3
export const SURE_SIGMA = 5

/** Stars put into a frame and looked for: one entry per star. Fluxes in ADU. */
export interface Injection {
  x: Float64Array
  y: Float64Array
  /** Flux at the place and its error before anything was put there. */
  emptyFlux: Float64Array
  emptyErr: Float64Array
  injected: Float64Array
  found: Float64Array
  foundErr: Float64Array
}

export interface RecoveryBin {
  /** Middle of the bin, mag fainter than the 3 σ limit stated for the place. */
  offsetMag: number
  injected: number
  recovered3Sigma: number
  recovered5Sigma: number
}

/** What injected stars tell of the limits that are stated. */
export interface InjectionSummary {
  stars: number
  /** Median over the places of the stated limits, ADU. */
  limit3SigmaAdu: number
  limit5SigmaAdu: number
  /** Scatter of fluxes of the empty places over their errors, and their middle. */
  emptyScatter: number
  emptyBias: number
  /** The same of the injected stars' fluxes less what was injected. */
  fluxScatter: number
  fluxBias: number
  /** By how much fainter than the stated limit half of the stars are recovered, mag, and the error of that; null where
   * too few were injected. */
  half3SigmaMag: number | null
  half3SigmaErr: number | null
  half5SigmaMag: number | null
  half5SigmaErr: number | null
  recovery: RecoveryBin[]
}

/**
 * Put stars into a frame where none stand, about as bright as the limit that is stated for their places, measure the
 * frame anew from its pixels, and look whether they are found where they were put.
 *
 * @param detections of the frame as it is
 * @param wanted how many; fewer where they do not fit
 * @param seed the frame's identity: same frame, same stars
 */
export function injectStars(
  measured: MeasuredFrame,
  frame: Frame,
  detections: Detections,
  known: KnownStars | undefined,
  wanted: number,
  seed: string,
): Injection {
  const draw = random(`${seed} injection`)
  const places = choosePlaces(measured, wanted, draw)
  const before = measureAt(measured, places, known)
  const kept = places.filter((_, i) => before[i] !== undefined)
  const empty = before.filter(result => result !== undefined)
  const span = FAINTEST_MAG - BRIGHTEST_MAG
  const injected = empty.map(({ fluxErr }) => {
    return DETECTION_SIGMA * fluxErr * 10 ** (-0.4 * (BRIGHTEST_MAG + span * draw.uniform()))
  })
  const withStars = addStars(frame, measured.psf, kept, injected, draw)
  const again = measureStars(withStars, estimateBackground(withStars).level, detections, known)
  const after = measureAt(again, kept, known)
  return {
    x: Float64Array.from(kept, place => place.x),
    y: Float64Array.from(kept, place => place.y),
    emptyFlux: Float64Array.from(empty, ({ flux }) => flux),
    emptyErr: Float64Array.from(empty, ({ fluxErr }) => fluxErr),
    injected: Float64Array.from(injected),
    found: Float64Array.from(after, result => result?.flux ?? Number.NaN),
    foundErr: Float64Array.from(after, result => result?.fluxErr ?? Number.NaN),
  }
}

interface Place {
  x: number
  y: number
}

function choosePlaces({ scene, stars, psf }: MeasuredFrame, wanted: number, draw: Random): Place[] {
  const edge = FROM_EDGE_FWHM * psf.fwhmPx
  const apart = new PlaceIndex(APART_FWHM * psf.fwhmPx)
  const fromStars = new PlaceIndex(FROM_STARS_FWHM * psf.fwhmPx)
  for (const star of stars.byFlux()) fromStars.add(stars.x, stars.y, star)
  const x = new Float64Array(wanted)
  const y = new Float64Array(wanted)
  let count = 0
  for (let tries = 0; tries < TRIES * wanted && count < wanted; tries++) {
    const atX = edge + (scene.width - 1 - 2 * edge) * draw.uniform()
    const atY = edge + (scene.height - 1 - 2 * edge) * draw.uniform()
    if (!isUsable(scene, atX, atY, psf.fwhmPx)) continue
    if (apart.nearestTo(atX, atY, x, y) < APART_FWHM * psf.fwhmPx) continue
    if (fromStars.nearestTo(atX, atY, stars.x, stars.y) < FROM_STARS_FWHM * psf.fwhmPx) continue
    x[count] = atX
    y[count] = atY
    apart.add(x, y, count)
    count++
  }
  return Array.from({ length: count }, (_, i) => ({ x: x[i], y: y[i] }))
}

/** Whether no pixel of the core is masked. */
function isUsable({ usable, width }: Scene, x: number, y: number, radius: number): boolean {
  for (let j = Math.ceil(y - radius); j <= y + radius; j++) {
    for (let i = Math.ceil(x - radius); i <= x + radius; i++) if (!usable[j * width + i]) return false
  }
  return true
}

function measureAt(measured: MeasuredFrame, places: Place[], known?: KnownStars) {
  const { scene, stars, psf } = measured
  const expected = known && expectedStars(scene, stars, psf, known)
  const around = surroundingsByRegion(measured, expected)
  return places.map(({ x, y }) =>
    measureTarget(measured, { name: 'injected', raDeg: Number.NaN, decDeg: Number.NaN }, x, y, { expected, around }),
  )
}

/** A copy of the frame with stars in it, their photons' noise included. */
function addStars(frame: Frame, psf: Psf, places: Place[], fluxes: number[], draw: Random): Frame {
  const pixels = Float32Array.from(frame.pixels)
  const { gainElectronsPerAdu: gain } = frame.detector
  const local = new LocalPsf(psf)
  const reach = Math.ceil(psf.radiusPx)
  const side = 2 * reach + 1
  const light = new Float64Array(side * side)
  places.forEach(({ x, y }, star) => {
    const x0 = Math.round(x) - reach
    const y0 = Math.round(y) - reach
    local.moveTo(x, y)
    local.values(x, y, x0, y0, side, side, light)
    for (let j = 0; j < side; j++) {
      for (let i = 0; i < side; i++) {
        if (x0 + i < 0 || y0 + j < 0 || x0 + i >= frame.width || y0 + j >= frame.height) continue
        const electrons = Math.max(light[j * side + i], 0) * fluxes[star] * gain
        pixels[(y0 + j) * frame.width + x0 + i] += draw.poisson(electrons) / gain
      }
    }
  })
  return { ...frame, pixels }
}

/** Recovery curve and what it says of the stated limits. */
export function summariseInjection(injection: Injection): InjectionSummary {
  const { emptyFlux, emptyErr, injected, found, foundErr } = injection
  const stars = injected.length
  const significance = found.map((flux, i) => flux / foundErr[i])
  const empty = emptyFlux.map((flux, i) => flux / emptyErr[i])
  const off = found.map((flux, i) => (flux - injected[i]) / foundErr[i]).filter(Number.isFinite)
  const half3 = halfRecovered(injected, emptyErr, significance, DETECTION_SIGMA)
  const half5 = halfRecovered(injected, emptyErr, significance, SURE_SIGMA)
  return {
    stars,
    limit3SigmaAdu: DETECTION_SIGMA * median(emptyErr),
    limit5SigmaAdu: SURE_SIGMA * median(emptyErr),
    emptyScatter: madSigma(empty, 0),
    emptyBias: median(empty),
    fluxScatter: madSigma(off, 0),
    fluxBias: median(off),
    half3SigmaMag: half3?.mag ?? null,
    half3SigmaErr: half3?.error ?? null,
    half5SigmaMag: half5?.mag ?? null,
    half5SigmaErr: half5?.error ?? null,
    recovery: binned(injected, emptyErr, significance),
  }
}

function binned(injected: Float64Array, emptyErr: Float64Array, significance: Float64Array): RecoveryBin[] {
  const bins = Math.round((FAINTEST_MAG - BRIGHTEST_MAG) / BIN_MAG)
  const found: RecoveryBin[] = Array.from({ length: bins }, (_, bin) => ({
    offsetMag: BRIGHTEST_MAG + (bin + 0.5) * BIN_MAG,
    injected: 0,
    recovered3Sigma: 0,
    recovered5Sigma: 0,
  }))
  for (let i = 0; i < injected.length; i++) {
    const offset = -2.5 * Math.log10(injected[i] / (DETECTION_SIGMA * emptyErr[i]))
    const bin = found[Math.min(bins - 1, Math.max(0, Math.floor((offset - BRIGHTEST_MAG) / BIN_MAG)))]
    bin.injected++
    if (significance[i] >= DETECTION_SIGMA) bin.recovered3Sigma++
    if (significance[i] >= SURE_SIGMA) bin.recovered5Sigma++
  }
  return found
}

/**
 * Where half of the stars are recovered: a logistic curve in the flux over the stated limit, fitted by Newton's method to
 * the yes and no of each star.
 *
 * @returns how much fainter than the stated limit that is, mag; undefined where the stars do not tell
 */
export function halfRecovered(
  injected: ArrayLike<number>,
  error: ArrayLike<number>,
  significance: ArrayLike<number>,
  sigmas: number,
): { mag: number; error: number } | undefined {
  let slope = 4
  let offset = -4
  for (let round = 0; round < 50; round++) {
    // Normal equations of the likelihood's two slopes; a faint prior keeps a perfect step from running away.
    let [g0, g1, h00, h01, h11] = [0, -(slope - 4) / 100, 1e-9, 0, 1 / 100]
    for (let i = 0; i < injected.length; i++) {
      const s = injected[i] / (sigmas * error[i])
      if (!Number.isFinite(s)) continue
      const chance = 1 / (1 + Math.exp(-(offset + slope * s)))
      const left = (significance[i] >= sigmas ? 1 : 0) - chance
      const weight = chance * (1 - chance)
      g0 += left
      g1 += left * s
      h00 += weight
      h01 += weight * s
      h11 += weight * s * s
    }
    const determinant = h00 * h11 - h01 * h01
    if (!(determinant > 1e-9)) return undefined
    const stepOffset = (h11 * g0 - h01 * g1) / determinant
    const stepSlope = (h00 * g1 - h01 * g0) / determinant
    const damp = Math.min(1, 4 / Math.max(Math.abs(stepOffset), Math.abs(stepSlope)))
    offset += damp * stepOffset
    slope += damp * stepSlope
    if (Math.abs(stepOffset) + Math.abs(stepSlope) > 1e-6) continue
    const half = -offset / slope
    if (!(half > 0.1 && half < 10)) return undefined
    // Variance of −offset/slope by the covariance of both.
    const variance = (h11 + 2 * half * -h01 + half * half * h00) / (determinant * slope * slope)
    return { mag: -2.5 * Math.log10(half), error: (2.5 / Math.LN10) * (Math.sqrt(variance) / half) }
  }
  return undefined
}
