import { choleskyInPlace, choleskyInverse, choleskySolve } from '#shared/numeric/linear.ts'
import { PROFILE_ERROR, type Scene } from './scene.ts'
import type { SceneStars } from './scene-stars.ts'
import { SKY_COLUMNS, SKY_SUMS } from './sky-kernels.ts'
import type { StampPsf } from './stamp-psf.ts'

/** Pixels within this many FWHM tell star and sky apart. */
const REACH_FWHM = 3
/** Terms of the sky surface by its order: none, level, plane, paraboloid. */
const TERMS = [0, 1, 3, 6]
/** How strict the choice is: times the k·ln n of the Bayesian information criterion (Schwarz 1978). */
const STRICTNESS = 1.5

/** Below this significance of the surroundings no surface could win. */
const SCREEN_SIGMA = 2.5

/** Fewer pixels tell nothing. */
const LEAST_PIXELS = 30

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
 * Fits one star together with a surface of sky under it (level, plane or paraboloid), where what is left around the star
 * asks for one: on galaxies, in nebulae, in halos. Neighbours stay as drawn. The order with the best information
 * criterion is taken, none on a flat sky; the error then contains what the surface costs.
 */
export class LocalSky {
  readonly #scene: Scene
  readonly #psf: StampPsf
  readonly #reach: number
  readonly #table: Float32Array
  readonly #planes: Float32Array
  readonly #sums: Float32Array

  /** @param psf in the memory of the scene */
  constructor(scene: Scene, psf: StampPsf) {
    this.#scene = scene
    this.#psf = psf
    this.#reach = Math.min(REACH_FWHM * psf.psf.fwhmPx, psf.psf.radiusPx)
    this.#table = scene.memory.floats(psf.tableLength).fill(0)
    this.#planes = scene.memory.floats(3 * psf.side * psf.side).fill(0)
    this.#sums = scene.memory.floats(SKY_SUMS)
  }

  /** The fit, not drawn; undefined where the pixels do not determine it. */
  fit(stars: SceneStars, star: number): LocalSkyFit | undefined {
    if (!this.#asksForSurface(stars.x[star], stars.y[star])) return plain(stars, star)
    return chooseSurface(this.#gather(stars, star), stars, star)
  }

  /** Whether what is left around a place has level, slope or bend beyond noise: most stars need no further look. */
  #asksForSurface(x: number, y: number): boolean {
    const scene = this.#scene
    const { x0, y0, w, h } = this.#boxAround(x, y)
    const first = y0 * scene.width + x0
    // The star itself has eaten what lies under its core.
    scene.memory.kernels.surroundings(
      scene.residual.byteOffset + 4 * first,
      scene.usable.byteOffset + first,
      scene.width,
      w,
      h,
      x0 - x,
      y0 - y,
      this.#psf.psf.fwhmPx ** 2,
      this.#reach * this.#reach,
      this.#sums.byteOffset,
    )
    const [level, slopeX, slopeY, bend, cross, count] = this.#sums
    if (count < LEAST_PIXELS) return false
    const noise = scene.skyNoise(scene.indexAt(x, y)) * Math.sqrt(count)
    const radius = this.#reach / Math.SQRT2
    const strongest = Math.max(
      Math.abs(level),
      (Math.SQRT2 * Math.max(Math.abs(slopeX), Math.abs(slopeY))) / radius,
      Math.max(Math.abs(bend), 2 * Math.abs(cross)) / (radius * radius),
    )
    return strongest > SCREEN_SIGMA * noise
  }

  #boxAround(x: number, y: number): { x0: number; y0: number; w: number; h: number } {
    const { width, height } = this.#scene
    const x0 = Math.max(0, Math.ceil(x - this.#reach))
    const y0 = Math.max(0, Math.ceil(y - this.#reach))
    const w = Math.max(0, Math.min(width - 1, Math.floor(x + this.#reach)) - x0 + 1)
    const h = Math.max(0, Math.min(height - 1, Math.floor(y + this.#reach)) - y0 + 1)
    return { x0, y0, w, h }
  }

  /** Normal equations with all columns: flux, x, y, 1, u, v, u², uv, v². */
  #gather(stars: SceneStars, star: number): Equations {
    const scene = this.#scene
    const [x, y] = [stars.x[star], stars.y[star]]
    const { x0, y0, w, h } = this.#boxAround(x, y)
    const stride = 4 * Math.ceil(w / 4)
    const planeBytes = 4 * this.#psf.side ** 2
    this.#psf.mixAt(stars.homeX[star], stars.homeY[star], this.#reach, this.#table)
    this.#psf.sample('sample', this.#table, x, y, x0, y0, stride, h, this.#planes, planeBytes)
    const first = y0 * scene.width + x0
    const { base, perAdu, floor } = scene.noise
    scene.memory.kernels.skyEquations(
      scene.data.byteOffset + 4 * first,
      scene.planeBytes,
      scene.usable.byteOffset + first,
      scene.width,
      this.#planes.byteOffset,
      planeBytes,
      4 * stride,
      w,
      h,
      x0 - x,
      y0 - y,
      1 / this.#reach,
      base,
      perAdu,
      floor,
      PROFILE_ERROR,
      this.#sums.byteOffset,
    )
    const flux = Math.max(stars.flux[star], 2 * scene.skyNoise(scene.indexAt(x, y)))
    return equationsFrom(this.#sums, flux)
  }
}

/** The equations of a star of so much flux. */
function equationsFrom(sums: Float32Array, flux: number): Equations {
  const n = SKY_COLUMNS
  const normal = new Float64Array(n * n)
  const right = new Float64Array(n)
  const scale = (column: number) => (column === 1 || column === 2 ? flux : 1)
  for (let i = 0, at = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) normal[i * n + j] = sums[at++] * scale(i) * scale(j)
    right[i] = sums[(n * (n + 1)) / 2 + i] * scale(i)
  }
  return { n, normal, right, pixels: sums[SKY_SUMS - 1] }
}

/** The surface with the best information criterion. */
function chooseSurface(equations: Equations, stars: SceneStars, star: number): LocalSkyFit | undefined {
  const first = 3 // flux and place
  if (equations.pixels < LEAST_PIXELS) return undefined
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
    x: stars.x[star] + best.step[1],
    y: stars.y[star] + best.step[2],
    xErr: error(1),
    yErr: error(2),
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

interface Equations {
  n: number
  normal: Float64Array
  right: Float64Array
  pixels: number
}

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
