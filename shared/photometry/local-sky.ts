import { choleskyInPlace, choleskyInverse, choleskySolve } from '#shared/numeric/linear.ts'
import type { LocalPsf } from './psf.ts'
import type { Scene, SceneStars } from './scene.ts'

/** Pixels within this many FWHM tell star and sky apart. */
const REACH_FWHM = 3
/** Terms of the sky surface by its order: none, level, plane, paraboloid. */
const TERMS = [0, 1, 3, 6]
/** How strict the choice is: times the k·ln n of the Bayesian information criterion (Schwarz 1978). */
const STRICTNESS = 1.5

/** Below this significance of the surroundings no surface could win. */
const SCREEN_SIGMA = 2.5

export interface LocalSkyFit {
  /** −1 where the sky map stands, else the order of the surface that was added. */
  order: number
  flux: number
  fluxErr: number
  x: number
  y: number
  xErr: number
  yErr: number
  /** Level of the added surface under the star, ADU. */
  skyAdu: number
}

/**
 * Fit one star together with a surface of sky under it (level, plane or paraboloid), where what is left around the star
 * asks for one: on galaxies, in nebulae, in halos. Neighbours stay as drawn. The order with the best information
 * criterion is taken, none on a flat sky; the error then contains what the surface costs.
 *
 * @param held whether the position stays
 * @returns the fit, not drawn; undefined where the pixels do not determine it
 */
export function fitWithLocalSky(
  scene: Scene,
  local: LocalPsf,
  stars: SceneStars,
  star: number,
  held: boolean,
): LocalSkyFit | undefined {
  if (!asksForSurface(scene, local, stars.x[star], stars.y[star])) return plain(stars, star)
  const first = held ? 1 : 3
  const equations = gather(scene, local, stars, star, held)
  if (equations.pixels < 30) return undefined
  const penalty = STRICTNESS * Math.log(equations.pixels)
  let best: Solution | undefined
  let bestGain = Number.NEGATIVE_INFINITY
  let order = -1
  for (let k = 0; k < TERMS.length; k++) {
    const solution = solve(equations, first + TERMS[k])
    if (!solution) continue
    const gain = solution.gain - penalty * TERMS[k]
    if (gain > bestGain) {
      best = solution
      bestGain = gain
      order = k - 1
    }
  }
  if (!best) return undefined
  const error = (i: number) => Math.sqrt(best.covariance[i * best.n + i])
  return {
    order,
    flux: stars.flux[star] + best.step[0],
    fluxErr: error(0),
    x: stars.x[star] + (held ? 0 : best.step[1]),
    y: stars.y[star] + (held ? 0 : best.step[2]),
    xErr: held ? Number.NaN : error(1),
    yErr: held ? Number.NaN : error(2),
    skyAdu: order >= 0 ? best.step[first] : 0,
  }
}

/** The star as it stands, on the sky map alone. */
function plain({ flux, fluxErr, x, y, xErr, yErr }: SceneStars, star: number): LocalSkyFit {
  return {
    order: -1,
    flux: flux[star],
    fluxErr: fluxErr[star],
    x: x[star],
    y: y[star],
    xErr: xErr[star],
    yErr: yErr[star],
    skyAdu: 0,
  }
}

/** Whether what is left around a place has level, slope or bend beyond noise: most stars need no further look. */
function asksForSurface(scene: Scene, local: LocalPsf, x: number, y: number): boolean {
  const reach = Math.min(REACH_FWHM * local.psf.fwhmPx, local.psf.radiusPx)
  const inner = local.psf.fwhmPx ** 2
  const x1 = Math.min(scene.width - 1, Math.floor(x + reach))
  const y1 = Math.min(scene.height - 1, Math.floor(y + reach))
  let level = 0
  let slopeX = 0
  let slopeY = 0
  let bend = 0
  let cross = 0
  let count = 0
  for (let j = Math.max(0, Math.ceil(y - reach)); j <= y1; j++) {
    for (let i = Math.max(0, Math.ceil(x - reach)); i <= x1; i++) {
      const u = i - x
      const v = j - y
      const square = u * u + v * v
      const p = j * scene.width + i
      // The star itself has eaten what lies under its core.
      if (square > reach * reach || square < inner || !scene.usable[p]) continue
      const left = scene.residual[p]
      level += left
      slopeX += left * u
      slopeY += left * v
      bend += left * (u * u - v * v)
      cross += left * u * v
      count++
    }
  }
  if (count < 30) return false
  const noise = scene.skyNoise(scene.indexAt(x, y)) * Math.sqrt(count)
  const radius = reach / Math.SQRT2
  const strongest = Math.max(
    Math.abs(level),
    (Math.SQRT2 * Math.max(Math.abs(slopeX), Math.abs(slopeY))) / radius,
    Math.max(Math.abs(bend), 2 * Math.abs(cross)) / (radius * radius),
  )
  return strongest > SCREEN_SIGMA * noise
}

interface Equations {
  n: number
  normal: Float64Array
  right: Float64Array
  pixels: number
}

/** Normal equations with all columns: flux, (x, y,) 1, u, v, u², uv, v². */
function gather(scene: Scene, local: LocalPsf, stars: SceneStars, star: number, held: boolean): Equations {
  const reach = Math.min(REACH_FWHM * local.psf.fwhmPx, local.psf.radiusPx)
  const x = stars.x[star]
  const y = stars.y[star]
  const x0 = Math.max(0, Math.ceil(x - reach))
  const y0 = Math.max(0, Math.ceil(y - reach))
  const w = Math.max(0, Math.min(scene.width - 1, Math.floor(x + reach)) - x0 + 1)
  const h = Math.max(0, Math.min(scene.height - 1, Math.floor(y + reach)) - y0 + 1)
  if (scratch[0].length < w * h) scratch = scratch.map(() => new Float64Array(w * h))
  const [value, slopeX, slopeY] = scratch
  local.moveTo(stars.homeX[star], stars.homeY[star])
  local.gradients(x, y, x0, y0, w, h, value, slopeX, slopeY)
  const n = (held ? 1 : 3) + TERMS[TERMS.length - 1]
  const equations = { n, normal: new Float64Array(n * n), right: new Float64Array(n), pixels: 0 }
  const row = new Float64Array(n)
  const flux = Math.max(stars.flux[star], 2 * scene.skyNoise(scene.indexAt(x, y)))
  for (let j = 0; j < h; j++) {
    for (let i = 0; i < w; i++) {
      const p = (y0 + j) * scene.width + x0 + i
      const u = (x0 + i - x) / reach
      const v = (y0 + j - y) / reach
      if (!scene.usable[p] || u * u + v * v > 1) continue
      const variance = scene.variance(p)
      const left = scene.residual[p]
      const square = (left * left) / (variance * 25)
      const weight = 1 / (variance * (1 + square ** 4))
      const k = j * w + i
      let c = 0
      row[c++] = value[k]
      if (!held) {
        row[c++] = flux * slopeX[k]
        row[c++] = flux * slopeY[k]
      }
      row[c++] = 1
      row[c++] = u
      row[c++] = v
      row[c++] = u * u
      row[c++] = u * v
      row[c] = v * v
      for (let a = 0; a < n; a++) {
        const wa = weight * row[a]
        equations.right[a] += wa * left
        for (let b = 0; b <= a; b++) equations.normal[a * n + b] += wa * row[b]
      }
      equations.pixels++
    }
  }
  return equations
}

let scratch = [0, 1, 2].map(() => new Float64Array(0))

interface Solution {
  n: number
  step: Float64Array
  covariance: Float64Array
  /** By how much χ² falls. */
  gain: number
}

/** Solve for the first n columns. */
function solve(equations: Equations, n: number): Solution | undefined {
  const matrix = new Float64Array(n * n)
  const scale = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    const diagonal = equations.normal[i * equations.n + i]
    if (!(diagonal > 0)) return undefined
    scale[i] = 1 / Math.sqrt(diagonal)
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) matrix[i * n + j] = equations.normal[i * equations.n + j] * scale[i] * scale[j]
  }
  if (!choleskyInPlace(matrix, n)) return undefined
  const step = Float64Array.from({ length: n }, (_, i) => equations.right[i] * scale[i])
  choleskySolve(matrix, n, step)
  const covariance = choleskyInverse(matrix, n)
  let gain = 0
  for (let i = 0; i < n; i++) {
    step[i] *= scale[i]
    gain += step[i] * equations.right[i]
    for (let j = 0; j < n; j++) covariance[i * n + j] *= scale[i] * scale[j]
  }
  return { n, step, covariance, gain }
}
