import { CpcsError } from '#shared/errors.ts'
import { splineCoefficients } from '#shared/numeric/bspline.ts'
import type { Scatter } from './empty-scatter.ts'
import { moffatElongation, moffatFwhm, type StarPixels } from './moffat.ts'
import { LocalPsf, moffatTable, nodePlace, type Psf } from './psf.ts'
import { centreTables, envelopeOf } from './psf-finish.ts'
import type { Sample } from './psf-sample.ts'
import { type CoreShape, fitShape, scaledPlace, shapeAt } from './psf-shape.ts'
import { doubtAt, letSkyVary } from './psf-sky.ts'
import { refineTables } from './psf-tables.ts'
import type { Scene } from './scene.ts'
import type { SceneStars } from './scene-stars.ts'

/** Table nodes across a FWHM: a cubic spline then follows the profile to better than 1e-3 of its peak. */
const NODES_PER_FWHM = 6
/** Places per side of the frame at which the PSF is tabulated: between them a quadratic is followed to 1e-3. */
const NODES_PER_SIDE = 9
/** Up to here quadratic tables follow coma: frames with 0.037 are measured at the bound, those with 0.053 were not. */
const STRONG_COMA_FWHM = 0.045

/**
 * Whether tables shall follow coma in more than quadratic terms: where it is strong, and pixels are as fine as the tables'
 * nodes, so that every star tells of every node.
 */
function followsComa({ comaFwhm, oversampling }: Psf): boolean {
  return oversampling === 1 && comaFwhm > STRONG_COMA_FWHM
}
/** So many do for a rough PSF. */
const ROUGH_NODES_PER_SIDE = 5
/** The table reaches this far, FWHM; beyond, the analytic wing carries a part in a hundred or less. */
const TABLE_FWHM = 4
const LARGEST_TABLE_PX = 45
/** However narrow a star is, its light falls on two pixels or more: guesses below leave too few of them to fit. */
const NARROWEST_PX = 1.2
/** Pixels within this many FWHM shape the analytic core. */
const CORE_FWHM = 2.5
/** Rounds of refining the residual tables; more would fit the noise of the stars. A rough PSF needs fewer. */
const ROUNDS = 6
const ROUGH_ROUNDS = 3
export const LEAST_PSF_STARS = 3

/** What the stars of a scene are drawn with, and how much empty places scatter beyond their noise. */
interface Drawn {
  psf: Psf
  scatter: Scatter
}

/**
 * Build the PSF of a frame from chosen stars of a scene in which their neighbours are drawn (and thereby subtracted).
 *
 * First the analytic core is fitted. What it leaves is then put into a residual table whose nodes change over the frame
 * as a polynomial, under a prior that pulls each node to the analytic core where stars do not say otherwise; so three
 * faint stars give the analytic PSF and hundreds the empirical one. The stars' fluxes and places are refitted meanwhile.
 *
 * @param chosen indices into the scene's stars
 * @param width first guess of the FWHM, pixel
 * @param drawn where it is missing no stars are drawn, and the result is a rough PSF
 * @throws {CpcsError} TooFewPsfStars where fewer than three stars can be used
 */
export function buildPsf(scene: Scene, stars: SceneStars, chosen: Int32Array, width: number, drawn?: Drawn): Psf {
  const fwhmPx = Math.max(width, NARROWEST_PX)
  const doubt = (star: number) => (drawn ? doubtAt(scene, drawn.scatter, stars.x[star], stars.y[star]) : 0)
  const cores = Array.from(chosen, star => {
    const pixels = starPixels(scene, stars, star, CORE_FWHM * fwhmPx, drawn?.psf)
    const more = doubt(star)
    return { ...pixels, sigma: pixels.sigma.map(sigma => Math.sqrt(sigma * sigma + more)) }
  })
  const at = (star: number) => scaledPlace(scene, stars.x[star], stars.y[star])
  const x = Float64Array.from(chosen, star => at(star).x)
  const y = Float64Array.from(chosen, star => at(star).y)
  const guess = drawn?.psf.wings[Math.floor(drawn.psf.wings.length / 2)]
  const shape = fitShape(cores, x, y, fwhmPx, guess, drawn && followsComa(drawn.psf))
  if (!shape) throw new CpcsError('TooFewPsfStars', { found: chosen.length, needed: LEAST_PSF_STARS })
  const psf = analyticPsf(scene, shape, drawn ? NODES_PER_SIDE : ROUGH_NODES_PER_SIDE)
  const samples = shape.kept.map(k => sampleStar(scene, stars, chosen[k], psf.radiusPx, doubt(chosen[k]), drawn?.psf))
  if (drawn) letSkyVary(samples, scene, psf.fwhmPx, shape.tableOrder)
  refineTables(psf, shape, samples, scene, drawn ? ROUNDS : ROUGH_ROUNDS)
  centreTables(psf)
  return psf
}

/** The PSF of the analytic core alone. */
export function analyticPsf(
  frame: { width: number; height: number },
  shape: CoreShape,
  nodesPerSide = NODES_PER_SIDE,
): Psf {
  const nodes = nodesPerSide ** 2
  const middle = shapeAt(shape, 0, 0)
  const fwhmPx = moffatFwhm(middle)
  const radiusPx = Math.min(Math.max(TABLE_FWHM * fwhmPx, 6), LARGEST_TABLE_PX)
  const oversampling = Math.min(Math.max(Math.ceil(NODES_PER_FWHM / fwhmPx), 1), 6)
  const half = Math.ceil((radiusPx + 1.5) * oversampling) + 2
  const length = (2 * half + 1) ** 2
  const psf: Psf = {
    oversampling,
    half,
    radiusPx,
    width: frame.width,
    height: frame.height,
    nodesX: nodesPerSide,
    nodesY: nodesPerSide,
    tables: new Float32Array(nodes * length),
    wings: [],
    wingFactor: new Float64Array(nodes).fill(1),
    fwhmPx,
    elongation: moffatElongation(middle),
    beta: shape.beta,
    order: shape.tableOrder,
    stars: shape.kept.length,
    chi: Number.NaN,
    envelope: new Float64Array(0),
    widthErr: shape.widthErr,
    tableErr: 0,
    misfitErr: 0,
    comaFwhm: 0,
    sharpness: Number.NaN,
  }
  const table = new Float64Array(length)
  for (let node = 0; node < nodes; node++) {
    const place = nodePlace(psf, node)
    const scaled = scaledPlace(frame, place.x, place.y)
    const moffat = shapeAt(shape, scaled.x, scaled.y)
    psf.wings.push(moffat)
    moffatTable(moffat, half, oversampling, fwhmPx, table)
    splineCoefficients(table, 2 * half + 1, 2 * half + 1)
    psf.tables.set(table, node * length)
  }
  envelopeOf(psf)
  return psf
}

/** Pixels of one star with its neighbours subtracted: what is left plus its own drawn light. */
function starPixels(scene: Scene, stars: SceneStars, star: number, radius: number, drawn?: Psf): StarPixels {
  const x = Math.round(stars.x[star])
  const y = Math.round(stars.y[star])
  const reach = Math.ceil(radius)
  const side = 2 * reach + 1
  const own = new Float64Array(side * side)
  if (drawn && stars.flux[star] > 0) {
    const local = new LocalPsf(drawn)
    local.moveTo(stars.homeX[star], stars.homeY[star])
    local.values(stars.x[star], stars.y[star], x - reach, y - reach, side, side, own)
  }
  const most = side * side
  const [dx, dy, value, sigma] = [0, 1, 2, 3].map(() => new Float64Array(most))
  let count = 0
  for (let j = -reach; j <= reach; j++) {
    for (let i = -reach; i <= reach; i++) {
      if (i * i + j * j > radius * radius) continue
      if (x + i < 0 || y + j < 0 || x + i >= scene.width || y + j >= scene.height) continue
      const k = (y + j) * scene.width + x + i
      if (!scene.usable[k]) continue
      const drawnHere = (x + i - stars.x[star]) ** 2 + (y + j - stars.y[star]) ** 2 <= stars.radius[star] ** 2
      const light = drawnHere ? stars.flux[star] * own[(j + reach) * side + i + reach] : 0
      // Before anything is drawn the star's own photons have to come from the pixel itself.
      const photons = light > 0 ? 0 : Math.max(scene.residual[k], 0) * scene.noise.perAdu
      dx[count] = i
      dy[count] = j
      value[count] = scene.residual[k] + light
      sigma[count++] = Math.sqrt(scene.variance(k) + photons)
    }
  }
  const cut = (list: Float64Array) => list.subarray(0, count)
  return { dx: cut(dx), dy: cut(dy), value: cut(value), sigma: cut(sigma) }
}

function sampleStar(scene: Scene, stars: SceneStars, star: number, radius: number, doubt: number, drawn?: Psf): Sample {
  const pixels = starPixels(scene, stars, star, radius, drawn)
  let flux = 0
  for (const value of pixels.value) flux += value
  return {
    ...pixels,
    star,
    x0: Math.round(stars.x[star]),
    y0: Math.round(stars.y[star]),
    x: stars.x[star],
    y: stars.y[star],
    flux: stars.flux[star] > 0 ? stars.flux[star] : Math.max(flux, 1e-6),
    chi: Number.NaN,
    doubt,
    skyVariance: 0,
    reach: Math.ceil(radius),
  }
}
