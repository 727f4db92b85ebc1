import { splineCoefficients, splineWeights } from '#shared/numeric/bspline.ts'
import { LocalPsf, type Psf } from './psf.ts'

/**
 * Width (σ) of the Gaussian window in which a star's centre is that of its light, FWHM. Under coma the centre of the core
 * goes about the frame as no cubic of a solution of the sky does; the centre of all light follows the optics, but the wings
 * are noise. Through this window centres keep to a cubic three times as well as through one as wide as the core.
 */
const WINDOW_FWHM = 1

/** Shift every table so that its centre of light (windowed) lies at the origin: that is what PSF positions mean. */
export function centreTables(psf: Psf): void {
  const size = 2 * psf.half + 1
  const length = size * size
  const values = new Float64Array(length)
  for (let node = 0; node < psf.nodesX * psf.nodesY; node++) {
    const table = psf.tables.subarray(node * length, (node + 1) * length)
    const centre = windowedCentre(psf, table, values)
    tableValues(table, size, centre.x * psf.oversampling, centre.y * psf.oversampling, values)
    splineCoefficients(values, size, size)
    table.set(values)
  }
  envelopeOf(psf)
}

/** Values of a table's spline `u`, `v` nodes beside each of its nodes. At the rim the coefficients stay: it is flat. */
function tableValues(table: Float32Array, size: number, u: number, v: number, out: Float64Array): void {
  const iu = Math.floor(u)
  const iv = Math.floor(v)
  splineWeights(u - iu, weightsX)
  splineWeights(v - iv, weightsY)
  const rim = 3 + Math.max(Math.abs(iu), Math.abs(iv))
  out.set(table)
  for (let j = rim; j < size - rim; j++) {
    const row = j * size
    weighNodes(table, size, (iv - 1) * size + iu - 1, out, row + rim, row + size - rim)
  }
}
const weightsX = new Float64Array(4)
const weightsY = new Float64Array(4)

/** Part of a row: the 4 × 4 nodes by their weights, whose first lies `shift` places from each. */
function weighNodes(
  table: Float32Array,
  size: number,
  shift: number,
  out: Float64Array,
  from: number,
  to: number,
): void {
  const [w0, w1, w2, w3] = weightsX
  for (let at = from; at < to; at++) {
    let sum = 0
    for (let b = 0, k = at + shift; b < 4; b++, k += size) {
      sum += weightsY[b] * (w0 * table[k] + w1 * table[k + 1] + w2 * table[k + 2] + w3 * table[k + 3])
    }
    out[at] = sum
  }
}

/**
 * Windowed centroid of a table, pixel from its origin (Bertin & Arnouts: steps of twice the weighted mean).
 *
 * @param values room for as many numbers as the table has
 */
function windowedCentre(psf: Psf, table: Float32Array, values: Float64Array): { x: number; y: number } {
  const { half, oversampling } = psf
  const size = 2 * half + 1
  const sigma = WINDOW_FWHM * psf.fwhmPx
  const reach = Math.min(Math.ceil(4 * sigma * oversampling), half - 3)
  tableValues(table, size, 0, 0, values)
  const [offsetX, offsetY, windowX, windowY] = [0, 1, 2, 3].map(() => new Float64Array(2 * reach + 1))
  const sums = new Float64Array(3)
  let x = 0
  let y = 0
  for (let round = 0; round < 12; round++) {
    window(x, oversampling, sigma, offsetX, windowX)
    window(y, oversampling, sigma, offsetY, windowY)
    sums.fill(0)
    for (let j = 0; j <= 2 * reach; j++) {
      const first = (half - reach + j) * size + half - reach
      sumWindowed(values, first, offsetX, windowX, offsetY[j], windowY[j], sums)
    }
    const stepX = (2 * sums[1]) / sums[0]
    const stepY = (2 * sums[2]) / sums[0]
    x += stepX
    y += stepY
    if (Math.hypot(stepX, stepY) < 1e-5) break
  }
  return { x, y }
}

/** Offsets of the nodes along an axis from a place, pixel, and a Gaussian of them. */
function window(place: number, oversampling: number, sigma: number, offset: Float64Array, weight: Float64Array): void {
  const reach = (offset.length - 1) / 2
  for (let k = 0; k < offset.length; k++) {
    offset[k] = (k - reach) / oversampling - place
    weight[k] = Math.exp(-(offset[k] * offset[k]) / (2 * sigma * sigma))
  }
}

/** Add one row of values, weighted by the windows: their sum, and that of their offsets by x and y. */
function sumWindowed(
  values: Float64Array,
  first: number,
  offsetX: Float64Array,
  windowX: Float64Array,
  offsetY: number,
  windowY: number,
  sums: Float64Array,
): void {
  let row = 0
  let rowX = 0
  for (let i = 0; i < offsetX.length; i++) {
    const weighted = windowX[i] * values[first + i]
    row += weighted
    rowX += weighted * offsetX[i]
  }
  sums[0] += windowY * row
  sums[1] += windowY * rowX
  sums[2] += windowY * row * offsetY
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
