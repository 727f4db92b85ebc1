import { linearLeastSquares } from '#shared/numeric/linear.ts'
import { madSigma } from '#shared/numeric/robust.ts'
import type { Scatter } from './empty-scatter.ts'
import type { Sample } from './psf-sample.ts'
import { legendreTerms, scaledPlace, termCount } from './psf-shape.ts'
import type { Scene } from './scene.ts'

/** From here on, FWHM, the ring around a star tells how well its sky is known. */
const RING_FWHM = 2.5
/** Wings change over the frame by polynomials of this order at most. */
const WING_ORDER = 2
/** Rounds of leaving out stars whose rings do not follow the others, and from which σ on they do not. */
const ROUNDS = 3
const CLIP_SIGMA = 3

/**
 * Variance of a pixel beyond its noise, ADU², for what as many pixels as a star has tell together. Under a nebula, and where
 * stars are crowded, neighbouring pixels are off together; empty places tell by how much.
 */
export function doubtAt(scene: Scene, scatter: Scatter, x: number, y: number): number {
  return (scatter(x, y) ** 2 - 1) * scene.skyNoise(scene.indexAt(x, y)) ** 2
}

/**
 * Let the level of the sky under each PSF star be as uncertain as the levels of the rings around them scatter beyond their
 * noise: the map of the sky follows a nebula only so far. What is brighter in proportion to its star, smoothly over the
 * frame, is a wing, and no fault of the sky.
 *
 * @param order of the PSF's change over the frame
 */
export function letSkyVary(samples: Sample[], scene: Scene, fwhmPx: number, order: number): void {
  const wingOrder = Math.min(order, WING_ORDER)
  const terms = termCount(wingOrder)
  const design = new Float64Array(samples.length * terms)
  const level = new Float64Array(samples.length)
  /** Error of the level, ADU: the unit of `level`. */
  const unit = new Float64Array(samples.length)
  samples.forEach(({ dx, dy, value, flux, x0, y0 }, star) => {
    let sum = 0
    let count = 0
    for (let k = 0; k < value.length; k++) {
      if (dx[k] * dx[k] + dy[k] * dy[k] < (RING_FWHM * fwhmPx) ** 2) continue
      sum += value[k]
      count++
    }
    unit[star] = scene.skyNoise(scene.indexAt(x0, y0)) / Math.sqrt(Math.max(count, 1))
    level[star] = sum / Math.max(count, 1) / unit[star]
    const place = scaledPlace(scene, x0, y0)
    const row = design.subarray(star * terms, (star + 1) * terms)
    legendreTerms(wingOrder, place.x, place.y, row)
    for (let term = 0; term < terms; term++) row[term] *= flux / unit[star]
  })
  const excess = Math.max(scatterAround(design, terms, level) ** 2 - 1, 0)
  samples.forEach((sample, star) => {
    sample.skyVariance = excess * unit[star] ** 2
  })
}

/** Robust scatter of values about a linear model. */
function scatterAround(design: Float64Array, terms: number, values: Float64Array): number {
  const count = values.length
  const weights = new Float64Array(count).fill(1)
  let scatter = madSigma(values, 0)
  if (count <= 2 * terms) return scatter
  for (let round = 0; round < ROUNDS; round++) {
    const fit = linearLeastSquares(design, terms, values, weights)
    if (!fit) return scatter
    const off = values.map((value, star) => {
      let model = 0
      for (let term = 0; term < terms; term++) model += fit.coefficients[term] * design[star * terms + term]
      return value - model
    })
    scatter = madSigma(off, 0) * Math.sqrt(count / (count - terms))
    for (let star = 0; star < count; star++) weights[star] = 1 / (1 + (off[star] / (CLIP_SIGMA * scatter)) ** 4)
  }
  return scatter
}
