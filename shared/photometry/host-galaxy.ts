import { splineCoefficients } from '#shared/numeric/bspline.ts'
import { linearLeastSquares } from '#shared/numeric/linear.ts'
import { median } from '#shared/numeric/robust.ts'
import type { MeasuredFrame } from './measure-stars.ts'
import { LocalPsf } from './psf.ts'
import { tableValue } from './psf-finish.ts'

/** A fit this significant, and far from the centre of the galaxy, is a star; anything else is part of the galaxy. */
const STAR_SIGMA = 30
/** How far the pieces of a galaxy may lie from the target, FWHM, and how many betray one. */
const PIECES_FWHM = 5
const LEAST_PIECES = 3
/** Together they are wider than stars by this many errors. */
const WIDE_SIGMA = 3
/** The target must be this far from the centre, FWHM: its own mirror image must not lie on it. */
const LEAST_OFFSET_FWHM = 1.2
/** Pixels of the fit, FWHM. */
const FIT_FWHM = 2.5
/** The mirror image has to take away this part of the light's variance around the target, else there is no symmetry. */
const LEAST_GAIN = 0.6

export interface HostFit {
  flux: number
  fluxErr: number
}

/**
 * Flux of a target on a galaxy: the galaxy is taken away by its own image turned by half a turn about its centre, which
 * needs no model of its profile. What is not symmetric stays, and its scatter at empty places around the target is the
 * error.
 *
 * @param star the target among the scene's stars, as fitted
 * @returns undefined where there is no galaxy, no symmetry, or the target lies on its centre
 */
export function measureOnHost(measured: MeasuredFrame, star: number): HostFit | undefined {
  const { stars, psf } = measured
  const pieces = galaxyPieces(measured, star)
  if (pieces.length < LEAST_PIECES || !areWide(measured, pieces)) return undefined
  const nucleus = pieces.reduce((best, piece) => (stars.flux[piece] > stars.flux[best] ? piece : best))
  const target = { x: stars.x[star], y: stars.y[star] }
  const stamp = cutOut(measured, star, pieces, { x: stars.x[nucleus], y: stars.y[nucleus] })
  const centre = findCentre(stamp, { x: stars.x[nucleus], y: stars.y[nucleus] }, target, psf.fwhmPx)
  if (Math.hypot(centre.x - target.x, centre.y - target.y) < LEAST_OFFSET_FWHM * psf.fwhmPx) return undefined
  const turned = subtractTurned(stamp, centre)
  if (!symmetryHelps(stamp, turned, target, psf.fwhmPx)) return undefined
  return fitOnStamp(measured, turned, star, target)
}

/** Fits that share the light of one galaxy with the target: within reach, and not bright stars by themselves. */
function galaxyPieces({ stars, psf }: MeasuredFrame, star: number): number[] {
  const pieces: number[] = []
  for (const other of stars.byFlux()) {
    if (other === star) continue
    const distance = Math.hypot(stars.x[other] - stars.x[star], stars.y[other] - stars.y[star])
    if (distance > PIECES_FWHM * psf.fwhmPx) continue
    if (stars.flux[other] < STAR_SIGMA * stars.fluxErr[other]) pieces.push(other)
  }
  return pieces
}

function areWide({ stars }: MeasuredFrame, pieces: number[]): boolean {
  let sum = 0
  for (const piece of pieces) sum += stars.sharp[piece] / stars.sharpErr[piece]
  return sum > WIDE_SIGMA * Math.sqrt(pieces.length)
}

/** Square pixels around a galaxy; place (0, 0) of the stamp is (x0, y0) of the frame. */
interface Stamp {
  x0: number
  y0: number
  side: number
  value: Float64Array
  /** Variance; Infinity where a pixel does not count. */
  variance: Float64Array
}

/** Everything but the other stars: what is left, the sky, the galaxy's pieces and the target. */
function cutOut(measured: MeasuredFrame, star: number, pieces: number[], near: { x: number; y: number }): Stamp {
  const { scene, stars, psf } = measured
  const distance = Math.hypot(near.x - stars.x[star], near.y - stars.y[star])
  const reach = Math.ceil(distance + 6 * psf.fwhmPx)
  const side = 2 * reach + 1
  const x0 = Math.round(near.x) - reach
  const y0 = Math.round(near.y) - reach
  const value = new Float64Array(side * side)
  const variance = new Float64Array(side * side).fill(Number.POSITIVE_INFINITY)
  for (let j = 0; j < side; j++) {
    for (let i = 0; i < side; i++) {
      const x = x0 + i
      const y = y0 + j
      if (x < 0 || y < 0 || x >= scene.width || y >= scene.height) continue
      const k = y * scene.width + x
      if (!scene.usable[k]) continue
      value[j * side + i] = scene.residual[k] + scene.sky[k]
      variance[j * side + i] = scene.variance(k)
    }
  }
  const light = new Float64Array(side * side)
  const local = new LocalPsf(psf)
  for (const other of [star, ...pieces]) {
    local.moveTo(stars.homeX[other], stars.homeY[other])
    local.values(stars.x[other], stars.y[other], x0, y0, side, side, light)
    for (let k = 0; k < light.length; k++) {
      const far = Math.hypot(x0 + (k % side) - stars.x[other], y0 + Math.floor(k / side) - stars.y[other])
      if (far <= stars.radius[other]) value[k] += stars.flux[other] * light[k]
    }
  }
  return { x0, y0, side, value, variance }
}

/** Difference of a stamp and itself turned by 180° about a place of the frame. */
function subtractTurned(stamp: Stamp, centre: { x: number; y: number }): Stamp {
  const { x0, y0, side, value, variance } = stamp
  const spline = splineOf(stamp)
  const difference = new Float64Array(side * side)
  const noise = new Float64Array(side * side).fill(Number.POSITIVE_INFINITY)
  for (let j = 0; j < side; j++) {
    for (let i = 0; i < side; i++) {
      const u = 2 * (centre.x - x0) - i
      const v = 2 * (centre.y - y0) - j
      if (u < 2 || v < 2 || u > side - 4 || v > side - 4) continue
      const k = j * side + i
      const other = variance[Math.round(v) * side + Math.round(u)]
      difference[k] = value[k] - tableValue(spline, side, u, v)
      noise[k] = variance[k] + other
    }
  }
  return { x0, y0, side, value: difference, variance: noise }
}

function splineOf({ side, value, variance }: Stamp): Float64Array {
  const known = value.filter((_, k) => Number.isFinite(variance[k]))
  const fill = median(known)
  const spline = Float64Array.from(value, (v, k) => (Number.isFinite(variance[k]) ? v : fill))
  splineCoefficients(spline, side, side)
  return spline
}

/** Centre about which the light is most symmetric, by a shrinking search from a first guess; the target is left out. */
function findCentre(
  stamp: Stamp,
  guess: { x: number; y: number },
  target: { x: number; y: number },
  fwhmPx: number,
): { x: number; y: number } {
  const spline = splineOf(stamp)
  const asymmetry = (x: number, y: number) => {
    const reach = 3 * fwhmPx
    let sum = 0
    let count = 0
    for (let j = Math.ceil(y - reach); j <= y + reach; j++) {
      for (let i = Math.ceil(x - reach); i <= x + reach; i++) {
        if (Math.hypot(i - x, j - y) > reach) continue
        if (Math.hypot(i - target.x, j - target.y) < 1.5 * fwhmPx) continue
        if (Math.hypot(2 * x - i - target.x, 2 * y - j - target.y) < 1.5 * fwhmPx) continue
        const k = (j - stamp.y0) * stamp.side + i - stamp.x0
        if (!Number.isFinite(stamp.variance[k])) continue
        const turned = tableValue(spline, stamp.side, 2 * x - i - stamp.x0, 2 * y - j - stamp.y0)
        sum += (stamp.value[k] - turned) ** 2 / stamp.variance[k]
        count++
      }
    }
    return count > 20 ? sum / count : Number.POSITIVE_INFINITY
  }
  let best = { ...guess }
  let least = asymmetry(best.x, best.y)
  for (const step of [1, 0.5, 0.25, 0.1, 0.05]) {
    for (let round = 0; round < 8; round++) {
      const before = least
      const from = best
      for (const [dx, dy] of [
        [step, 0],
        [-step, 0],
        [0, step],
        [0, -step],
        [step, step],
        [-step, -step],
        [step, -step],
        [-step, step],
      ]) {
        const value = asymmetry(from.x + dx, from.y + dy)
        if (value < least) {
          least = value
          best = { x: from.x + dx, y: from.y + dy }
        }
      }
      if (least === before) break
    }
  }
  return best
}

/** Whether the light around the target (not under it) is evener with the turned image taken away. */
function symmetryHelps(stamp: Stamp, turned: Stamp, target: { x: number; y: number }, fwhmPx: number): boolean {
  const before: number[] = []
  const after: number[] = []
  for (let k = 0; k < stamp.value.length; k++) {
    const r = Math.hypot(stamp.x0 + (k % stamp.side) - target.x, stamp.y0 + Math.floor(k / stamp.side) - target.y)
    if (r < 1.5 * fwhmPx || r > 3 * fwhmPx || !Number.isFinite(turned.variance[k])) continue
    before.push(stamp.value[k])
    after.push(turned.value[k])
  }
  if (before.length < 40) return false
  return meanSquare(after) < LEAST_GAIN * meanSquare(before)
}

function meanSquare(values: number[]): number {
  const middle = median(values)
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length
}

/** Flux of the target on the difference, with a plane under it; error from there and from empty places around. */
function fitOnStamp(
  { stars, psf }: MeasuredFrame,
  turned: Stamp,
  star: number,
  target: { x: number; y: number },
): HostFit | undefined {
  const local = new LocalPsf(psf)
  local.moveTo(stars.homeX[star], stars.homeY[star])
  const fit = fluxAt(turned, local, target.x, target.y)
  if (!fit) return undefined
  const light = new Float64Array(turned.side * turned.side)
  local.values(target.x, target.y, turned.x0, turned.y0, turned.side, turned.side, light)
  const empty: Stamp = { ...turned, value: turned.value.map((value, k) => value - fit.flux * light[k]) }
  const around: number[] = []
  for (const radius of [1.8, 2.6]) {
    for (let angle = 0; angle < 8; angle++) {
      const x = target.x + radius * psf.fwhmPx * Math.cos((angle * Math.PI) / 4)
      const y = target.y + radius * psf.fwhmPx * Math.sin((angle * Math.PI) / 4)
      const place = fluxAt(empty, local, x, y)
      if (place) around.push(place.flux)
    }
  }
  const scatter = around.length > 6 ? 1.4826 * median(around.map(Math.abs)) : 0
  return { flux: fit.flux, fluxErr: Math.max(fit.fluxErr, scatter) }
}

function fluxAt(stamp: Stamp, local: LocalPsf, x: number, y: number): HostFit | undefined {
  const { x0, y0, side, value, variance } = stamp
  const reach = FIT_FWHM * local.psf.fwhmPx
  const light = new Float64Array(side * side)
  local.values(x, y, x0, y0, side, side, light)
  const rows: number[] = []
  const left: number[] = []
  const weights: number[] = []
  for (let k = 0; k < value.length; k++) {
    const u = (x0 + (k % side) - x) / reach
    const v = (y0 + Math.floor(k / side) - y) / reach
    if (u * u + v * v > 1 || !Number.isFinite(variance[k])) continue
    rows.push(light[k], 1, u, v)
    left.push(value[k])
    weights.push(1 / variance[k])
  }
  if (left.length < 40) return undefined
  const fit = linearLeastSquares(Float64Array.from(rows), 4, Float64Array.from(left), Float64Array.from(weights))
  return fit && { flux: fit.coefficients[0], fluxErr: Math.sqrt(fit.covariance[0]) }
}
