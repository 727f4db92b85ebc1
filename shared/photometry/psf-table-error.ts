import { median } from '#shared/numeric/robust.ts'
import type { Psf } from './psf.ts'
import type { NodeBlocks, ResidualTables } from './psf-residual.ts'
import { FIT_FWHM, type Sample } from './psf-sample.ts'
import { legendreTerms, scaledPlace, termCount } from './psf-shape.ts'
import type { Scene } from './scene.ts'

/**
 * Relative error of fluxes by what is not known of the tables, at a place against the mean of all places, which the zero
 * point takes. A table that has δ too much at a node has it too much in the sum that is brought to 1, and in a fit with
 * weights w too much by wPδ / ΣwP²; the weights are those of a PSF star of middle flux.
 */
export function tableError(
  psf: Psf,
  order: number,
  used: Sample[],
  residual: ResidualTables,
  blocks: NodeBlocks,
  scene: Scene,
): number {
  const sky = scene.skyNoise(scene.indexAt(psf.width / 2, psf.height / 2)) ** 2
  const photons = median(used.map(sample => sample.flux)) * scene.noise.perAdu
  const weights = fluxWeights(psf, sky, photons)
  return Math.sqrt(residual.varianceOf(weights, blocks, momentsOf(order, used, scene)))
}

/** Mean products of the polynomial terms at the stars, each less its mean. */
function momentsOf(order: number, used: Sample[], scene: Scene): Float64Array {
  const terms = termCount(order)
  const moments = new Float64Array(terms * terms)
  const places = used.map(({ x0, y0 }) => {
    const { x, y } = scaledPlace(scene, x0, y0)
    const place = new Float64Array(terms)
    legendreTerms(order, x, y, place)
    return place
  })
  const mean = Float64Array.from({ length: terms }, (_, i) => places.reduce((sum, p) => sum + p[i], 0) / places.length)
  for (const place of places) {
    for (let k = 0; k < moments.length; k++) {
      const [i, j] = [Math.floor(k / terms), k % terms]
      moments[k] += ((place[i] - mean[i]) * (place[j] - mean[j])) / places.length
    }
  }
  return moments
}

/** By how much a flux that is fitted falls with each node of the table. */
function fluxWeights(psf: Psf, sky: number, photons: number): Float32Array {
  const size = 2 * psf.half + 1
  const middle = Math.floor((psf.nodesX * psf.nodesY) / 2)
  const table = psf.tables.subarray(middle * size * size, (middle + 1) * size * size)
  const fit = new Float64Array(size * size)
  let square = 0
  for (let k = 0; k < fit.length; k++) {
    const far = Math.hypot((k % size) - psf.half, Math.floor(k / size) - psf.half) / psf.oversampling
    if (far > FIT_FWHM * psf.fwhmPx) continue
    fit[k] = table[k] / (sky + photons * Math.max(table[k], 0))
    square += fit[k] * table[k]
  }
  // There are oversampling² nodes to a pixel; in the quotient of the fit that cancels.
  const perNode = psf.oversampling ** -2
  return Float32Array.from(fit, value => perNode - value / square)
}
