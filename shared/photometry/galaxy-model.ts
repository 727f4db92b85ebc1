import { splineWeights } from '#shared/numeric/bspline.ts'
import { choleskyInPlace, choleskyInverse, choleskySolve } from '#shared/numeric/linear.ts'
import type { StarLight } from './forced-fit.ts'
import type { Stamp } from './stamp.ts'

/** Knots of the profile: step in ½ ln(1 + (ρ/w)²), which is even in ρ at the centre and logarithmic far out. */
const KNOT_STEP = 0.35
/** Pixels farther than this from the model lose their weight: clumps of star formation, stars not found. */
const CLIP_SIGMA = 4
/** Smallest steps of the search for the galaxy's shape: pixel, ellipticity. */
const LEAST_STEP = { px: 0.02, ellipticity: 0.008 }

/** Ellipses of one galaxy: centre on the frame (0-based pixel) and shear, |e| = (a − b) / (a + b). */
export interface GalaxyShape {
  x: number
  y: number
  e1: number
  e2: number
}

export interface GalaxyFit {
  shape: GalaxyShape
  flux: number
  fluxErr: number
  /** How far the star lies from where its light was drawn, pixel. */
  dx: number
  dy: number
  /** Σ of squares over variances, and degrees of freedom. */
  chiSquared: number
  freedom: number
  parameters: number
  /** Galaxy and sky on the stamp, without the star; NaN where the model does not reach. */
  light: Float64Array
}

/**
 * Galaxy and star at once: the galaxy's light is any smooth function on concentric similar ellipses (a spline of free
 * height, so no law of profile is assumed), on a slope of sky, with a second harmonic where it pays, for isophotes that
 * turn or get rounder inwards and for arms. All that is linear but the shape, which a shrinking search finds
 * (variable projection, Golub & Pereyra 1973). A model fitted to a whole galaxy adds little noise under the star.
 *
 * @param reachPx pixels within it of the centre take part
 * @param scalePx core of the profile's coordinate, about the FWHM of the seeing
 * @param free whether the star's place is fitted too
 * @returns undefined where the pixels do not determine it
 */
export function fitGalaxy(
  stamp: Stamp,
  star: StarLight,
  guess: GalaxyShape,
  { reachPx, scalePx, free }: { reachPx: number; scalePx: number; free: boolean },
): GalaxyFit | undefined {
  const weight = stamp.variance.map(variance => 1 / variance)
  const problem: Problem = { stamp, star, reachPx, scalePx, free, weight, harmonics: 0 }
  let shape = searchShape(problem, guess)
  clip(problem, shape)
  shape = searchShape(problem, shape)
  clip(problem, shape)
  const plain = solveFor(problem, shape)
  const twisted = solveFor({ ...problem, harmonics: 1 }, shape)
  if (!plain) return undefined
  const price = twisted ? (twisted.n - plain.n) * Math.log(plain.pixels) : 0
  const better = twisted && plain.chiSquared - twisted.chiSquared > price
  return better ? report({ ...problem, harmonics: 1 }, shape, twisted) : report(problem, shape, plain)
}

interface Problem {
  stamp: Stamp
  star: StarLight
  reachPx: number
  scalePx: number
  free: boolean
  weight: Float64Array
  /** 0: ellipses alone; 1: with the second harmonic of their angle. */
  harmonics: number
}

interface Solution {
  n: number
  coefficients: Float64Array
  fluxVariance: number
  chiSquared: number
  pixels: number
}

/** Columns that are not 0 at one pixel. */
const MOST_NONZERO = 5 + 4 * 3
const index = new Int32Array(MOST_NONZERO)
const entry = new Float64Array(MOST_NONZERO)
const spline = new Float64Array(4)

function knotsOf({ reachPx, scalePx }: Problem): number {
  // Pixels at the reach along the minor axis lie at larger ρ: the last knots serve those.
  return Math.ceil((0.5 * Math.log1p(((1.7 * reachPx) / scalePx) ** 2)) / KNOT_STEP) + 4
}

function columnsOf(problem: Problem): number {
  return (problem.free ? 3 : 1) + 2 + knotsOf(problem) * (1 + 2 * problem.harmonics)
}

/** The row of the design at pixel k into `index` and `entry`; returns how many entries it has, 0 beyond the reach. */
function rowAt(problem: Problem, shape: GalaxyShape, k: number, knots: number): number {
  const { stamp, star, reachPx, scalePx, free, harmonics } = problem
  const dx = stamp.x0 + (k % stamp.side) - shape.x
  const dy = stamp.y0 + Math.floor(k / stamp.side) - shape.y
  if (dx * dx + dy * dy > reachPx * reachPx) return 0
  const { e1, e2 } = shape
  const norm = 1 / Math.sqrt(1 - e1 * e1 - e2 * e2)
  const u = ((1 - e1) * dx - e2 * dy) * norm
  const v = ((1 + e1) * dy - e2 * dx) * norm
  const square = u * u + v * v
  const t = (0.5 * Math.log1p(square / (scalePx * scalePx))) / KNOT_STEP
  const first = Math.min(Math.floor(t), knots - 4)
  splineWeights(t - first, spline)
  index[0] = 0
  entry[0] = star.value[k]
  let c = 1
  if (free) {
    index[1] = 1
    entry[1] = star.slopeX[k]
    index[2] = 2
    entry[2] = star.slopeY[k]
    c = 3
  }
  index[c] = c
  entry[c++] = dx / reachPx
  index[c] = c
  entry[c++] = dy / reachPx
  // Columns rise from entry to entry, which fills one triangle of the normal matrix.
  const profile = c
  const fade = 1 / (square + scalePx * scalePx)
  for (let part = 0; part <= 2 * harmonics; part++) {
    const angle = part === 0 ? 1 : fade * (part === 1 ? u * u - v * v : 2 * u * v)
    for (let a = 0; a < 4; a++) {
      index[c] = profile + part * knots + first + a
      entry[c++] = spline[a] * angle
    }
  }
  return c
}

/** Best coefficients for a shape. */
function solveFor(problem: Problem, shape: GalaxyShape): Solution | undefined {
  const { stamp, weight } = problem
  const n = columnsOf(problem)
  const knots = knotsOf(problem)
  const normal = new Float64Array(n * n)
  const right = new Float64Array(n)
  let total = 0
  let pixels = 0
  for (let k = 0; k < weight.length; k++) {
    const w = weight[k]
    if (!(w > 0)) continue
    const entries = rowAt(problem, shape, k, knots)
    if (entries === 0) continue
    const value = stamp.value[k]
    total += w * value * value
    pixels++
    for (let a = 0; a < entries; a++) {
      const wa = w * entry[a]
      right[index[a]] += wa * value
      for (let b = 0; b <= a; b++) normal[index[a] * n + index[b]] += wa * entry[b]
    }
  }
  if (pixels < 3 * n) return undefined
  const scale = new Float64Array(n)
  for (let i = 0; i < n; i++) scale[i] = normal[i * n + i] > 0 ? 1 / Math.sqrt(normal[i * n + i]) : 1
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) normal[i * n + j] *= scale[i] * scale[j]
  // Knots without pixels and neighbouring knots that hardly differ stay solvable by a hair of damping.
  for (let i = 0; i < n; i++) normal[i * n + i] = 1 + 1e-6
  if (!choleskyInPlace(normal, n)) return undefined
  const coefficients = right.map((value, i) => value * scale[i])
  choleskySolve(normal, n, coefficients)
  for (let i = 0; i < n; i++) coefficients[i] *= scale[i]
  let explained = 0
  for (let i = 0; i < n; i++) explained += coefficients[i] * right[i]
  const fluxVariance = choleskyInverse(normal, n)[0] * scale[0] * scale[0]
  return { n, coefficients, fluxVariance, chiSquared: total - explained, pixels }
}

/** Shape with the least χ², from a guess, by steps along each of its four numbers that shrink. */
function searchShape(problem: Problem, guess: GalaxyShape): GalaxyShape {
  let best = guess
  let least = solveFor(problem, best)?.chiSquared ?? Number.POSITIVE_INFINITY
  let px = problem.scalePx / 4
  let ellipticity = 0.15
  while (px > LEAST_STEP.px || ellipticity > LEAST_STEP.ellipticity) {
    const from = best
    const trials: GalaxyShape[] = [
      { ...from, x: from.x + px },
      { ...from, x: from.x - px },
      { ...from, y: from.y + px },
      { ...from, y: from.y - px },
      { ...from, e1: from.e1 + ellipticity },
      { ...from, e1: from.e1 - ellipticity },
      { ...from, e2: from.e2 + ellipticity },
      { ...from, e2: from.e2 - ellipticity },
    ]
    for (const trial of trials) {
      if (Math.hypot(trial.e1, trial.e2) > 0.7 || Math.hypot(trial.x - guess.x, trial.y - guess.y) > problem.scalePx)
        continue
      const chiSquared = solveFor(problem, trial)?.chiSquared ?? Number.POSITIVE_INFINITY
      if (chiSquared < least) {
        least = chiSquared
        best = trial
      }
    }
    if (best === from) {
      px /= 2
      ellipticity /= 2
    }
  }
  return best
}

/** Take weight from pixels far from the model. */
function clip(problem: Problem, shape: GalaxyShape): void {
  const solution = solveFor(problem, shape)
  if (!solution) return
  const { stamp, weight } = problem
  const knots = knotsOf(problem)
  for (let k = 0; k < weight.length; k++) {
    if (!Number.isFinite(stamp.variance[k])) continue
    const entries = rowAt(problem, shape, k, knots)
    let left = stamp.value[k]
    for (let a = 0; a < entries; a++) left -= entry[a] * solution.coefficients[index[a]]
    const square = (left * left) / (stamp.variance[k] * CLIP_SIGMA * CLIP_SIGMA)
    weight[k] = entries > 0 ? 1 / (stamp.variance[k] * (1 + square ** 4)) : 0
  }
}

function report(problem: Problem, shape: GalaxyShape, solution: Solution): GalaxyFit {
  const { stamp, free } = problem
  const { coefficients, chiSquared, pixels, n } = solution
  const knots = knotsOf(problem)
  const light = new Float64Array(stamp.value.length).fill(Number.NaN)
  const own = free ? 3 : 1
  for (let k = 0; k < light.length; k++) {
    const entries = rowAt(problem, shape, k, knots)
    if (entries === 0) continue
    light[k] = 0
    for (let a = own; a < entries; a++) light[k] += entry[a] * coefficients[index[a]]
  }
  const flux = coefficients[0]
  return {
    shape,
    flux,
    fluxErr: Math.sqrt(solution.fluxVariance),
    dx: free ? coefficients[1] / flux : 0,
    dy: free ? coefficients[2] / flux : 0,
    chiSquared,
    freedom: pixels - n,
    parameters: n,
    light,
  }
}
