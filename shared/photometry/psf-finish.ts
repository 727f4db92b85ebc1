import { splineCoefficients, splineWeights } from '#shared/numeric/bspline.ts'
import { LocalPsf, type Psf } from './psf.ts'

/** Value of a table at node coordinates (u, v), 0 beyond its edge. */
export function tableValue(table: Float32Array | Float64Array, size: number, u: number, v: number): number {
  const iu = Math.floor(u)
  const iv = Math.floor(v)
  if (iu < 1 || iv < 1 || iu + 2 >= size || iv + 2 >= size) return 0
  splineWeights(u - iu, weightsX)
  splineWeights(v - iv, weightsY)
  let sum = 0
  for (let b = 0; b < 4; b++) {
    const row = (iv - 1 + b) * size + iu - 1
    for (let a = 0; a < 4; a++) sum += weightsX[a] * weightsY[b] * table[row + a]
  }
  return sum
}
const weightsX = new Float64Array(4)
const weightsY = new Float64Array(4)

/**
 * Shift every table so that its windowed centroid (Gaussian window of the PSF's FWHM) lies at the origin. The solution
 * of the sky was fitted to windowed centroids; PSF positions then mean the same, also where coma pulls the two apart.
 */
export function centreTables(psf: Psf): void {
  const size = 2 * psf.half + 1
  const length = size * size
  for (let node = 0; node < psf.nodesX * psf.nodesY; node++) {
    const table = psf.tables.subarray(node * length, (node + 1) * length)
    const centre = windowedCentre(psf, table)
    const shifted = new Float64Array(length)
    for (let j = 0; j < size; j++) {
      for (let i = 0; i < size; i++) {
        const moved = tableValue(table, size, i + centre.x * psf.oversampling, j + centre.y * psf.oversampling)
        // At the rim the spline has no support; the wing there is flat enough to stay.
        const rim = i < 3 || j < 3 || i >= size - 3 || j >= size - 3
        shifted[j * size + i] = rim ? table[j * size + i] : moved
      }
    }
    splineCoefficients(shifted, size, size)
    table.set(shifted)
  }
  envelopeOf(psf)
}

/** Windowed centroid of a table, pixel from its origin (Bertin & Arnouts: steps of twice the weighted mean). */
export function windowedCentre(psf: Psf, table: Float32Array): { x: number; y: number } {
  const size = 2 * psf.half + 1
  const sigma = psf.fwhmPx / 2.355
  const reach = Math.min(Math.ceil(4 * sigma * psf.oversampling), psf.half - 2)
  let x = 0
  let y = 0
  for (let round = 0; round < 12; round++) {
    let sum = 0
    let sumX = 0
    let sumY = 0
    for (let j = -reach; j <= reach; j++) {
      for (let i = -reach; i <= reach; i++) {
        const dx = i / psf.oversampling - x
        const dy = j / psf.oversampling - y
        const value = tableValue(table, size, i + psf.half, j + psf.half)
        const weight = value * Math.exp(-(dx * dx + dy * dy) / (2 * sigma * sigma))
        sum += weight
        sumX += weight * dx
        sumY += weight * dy
      }
    }
    const stepX = (2 * sumX) / sum
    const stepY = (2 * sumY) / sum
    x += stepX
    y += stepY
    if (Math.hypot(stepX, stepY) < 1e-5) break
  }
  return { x, y }
}

/** Fill envelope and sharpness from the PSF at the middle of the frame. */
export function envelopeOf(psf: Psf): void {
  const reach = Math.ceil(psf.radiusPx)
  const side = 2 * reach + 1
  const values = new Float64Array(side * side)
  const local = new LocalPsf(psf)
  const x = Math.round(psf.width / 2)
  const y = Math.round(psf.height / 2)
  local.moveTo(x, y)
  local.values(x, y, x - reach, y - reach, side, side, values)
  const envelope = new Float64Array(reach + 1)
  let sharpness = 0
  for (let j = -reach; j <= reach; j++) {
    for (let i = -reach; i <= reach; i++) {
      const value = values[(j + reach) * side + i + reach]
      sharpness += value * value
      const r = Math.floor(Math.hypot(i, j))
      if (r <= reach) envelope[r] = Math.max(envelope[r], value)
    }
  }
  for (let r = reach - 1; r >= 0; r--) envelope[r] = Math.max(envelope[r], envelope[r + 1])
  psf.envelope = envelope
  psf.sharpness = sharpness
}
