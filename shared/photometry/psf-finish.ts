import { FWHM_PER_SIGMA } from '#shared/image/star-shape.ts'
import { splineCoefficients, splineWeights } from '#shared/numeric/bspline.ts'
import { linearLeastSquares } from '#shared/numeric/linear.ts'
import { LocalPsf, nodePlace, type Psf } from './psf.ts'
import { legendreTerms, scaledPlace, termCount } from './psf-shape.ts'

/** Width (σ) of a Gaussian window as wide as the core, and of one that takes in most of the light, FWHM. */
const CORE_WINDOW_FWHM = 1 / FWHM_PER_SIGMA
const LIGHT_WINDOW_FWHM = 1
/**
 * Nodes per pixel up to which centres are those of the light. Of narrower stars it falls on few pixels: the centre of the
 * core is as good there, and real exposures repeat better with it.
 */
const MOST_NODES_FOR_LIGHT = 2

/**
 * Shift every table so that the centre of its light (of the core, where stars are narrow) lies at the origin: that is what
 * PSF positions mean.
 *
 * Under coma the centre of the core goes about the frame as no cubic of a solution of the sky does. The centre of all light
 * follows the optics, but far from the core there is noise. What parts the two is therefore taken from all nodes together,
 * as optics let it go: odd powers of the distance from the axis, and what a tilt adds.
 */
export function centreTables(psf: Psf): void {
  const size = 2 * psf.half + 1
  const length = size * size
  const nodes = psf.nodesX * psf.nodesY
  const values = new Float64Array(length)
  const cores: Place[] = []
  const lights: Place[] = []
  for (let node = 0; node < nodes; node++) {
    tableValues(tableOf(psf, node), size, 0, 0, values)
    cores.push(windowedCentre(psf, values, CORE_WINDOW_FWHM * psf.fwhmPx))
    lights.push(windowedCentre(psf, values, LIGHT_WINDOW_FWHM * psf.fwhmPx))
  }
  const apart = (axis: 'x' | 'y') =>
    smoothOverNodes(
      psf,
      Float64Array.from(lights, (at, k) => at[axis] - cores[k][axis]),
    )
  const [apartX, apartY] = [apart('x'), apart('y')]
  psf.comaFwhm = Math.max(...apartX.map((x, k) => Math.hypot(x, apartY[k]))) / psf.fwhmPx
  const part = psf.oversampling <= MOST_NODES_FOR_LIGHT ? 1 : 0
  for (let node = 0; node < nodes; node++) {
    const table = tableOf(psf, node)
    const { x, y } = cores[node]
    tableValues(
      table,
      size,
      (x + part * apartX[node]) * psf.oversampling,
      (y + part * apartY[node]) * psf.oversampling,
      values,
    )
    splineCoefficients(values, size, size)
    table.set(values)
  }
  envelopeOf(psf)
}

interface Place {
  x: number
  y: number
}

function tableOf(psf: Psf, node: number): Float32Array {
  const length = (2 * psf.half + 1) ** 2
  return psf.tables.subarray(node * length, (node + 1) * length)
}

const CUBIC = 3

/** A quantity of the nodes, smoothed by a cubic and x r⁴, y r⁴; where they are few by a plane. */
function smoothOverNodes(psf: Psf, quantity: Float64Array): Float64Array {
  const isFew = quantity.length < 2 * (termCount(CUBIC) + 2)
  const order = isFew ? 1 : CUBIC
  const count = termCount(order)
  const terms = isFew ? count : count + 2
  const design = new Float64Array(quantity.length * terms)
  for (let node = 0; node < quantity.length; node++) {
    const place = nodePlace(psf, node)
    const { x, y } = scaledPlace(psf, place.x, place.y)
    legendreTerms(order, x, y, design.subarray(node * terms, node * terms + count))
    if (!isFew) design.set([x * (x * x + y * y) ** 2, y * (x * x + y * y) ** 2], node * terms + count)
  }
  const fit = linearLeastSquares(design, terms, quantity, new Float64Array(quantity.length).fill(1))
  if (!fit) return quantity
  return quantity.map((_, node) => {
    let sum = 0
    for (let k = 0; k < terms; k++) sum += fit.coefficients[k] * design[node * terms + k]
    return sum
  })
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
 * @param values at the table's nodes
 * @param sigma of the window, pixel
 */
function windowedCentre({ half, oversampling }: Psf, values: Float64Array, sigma: number): Place {
  const size = 2 * half + 1
  const reach = Math.min(Math.ceil(4 * sigma * oversampling), half - 3)
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
