import { type Equations, levenbergMarquardt, type NonlinearFit } from '#shared/numeric/levenberg-marquardt.ts'
import { KernelMemory } from './kernel-memory.ts'
import { MOFFAT_NUMBERS, MOFFAT_SUMS, MOFFAT_TERMS } from './moffat-kernel.ts'

/**
 * An elliptical Moffat profile (Moffat 1969): I = f (β−1)/π √(ab−c²) (1 + a dx² + b dy² + 2c dx dy)^−β, of unit total
 * flux where f is 1. Lengths in pixels.
 */
export interface Moffat {
  a: number
  b: number
  c: number
  beta: number
}

/** Nodes and weights of Gauss-Legendre quadrature over one pixel, −½ … ½ (Abramowitz & Stegun 25.4.30). */
const quadrature: Record<number, { node: number[]; weight: number[] }> = {
  2: { node: [-0.2886751345948129, 0.2886751345948129], weight: [0.5, 0.5] },
  3: {
    node: [-0.3872983346207417, 0, 0.3872983346207417],
    weight: [0.2777777777777778, 0.4444444444444444, 0.2777777777777778],
  },
  5: {
    node: [-0.453089922969332, -0.2692346550528416, 0, 0.2692346550528416, 0.453089922969332],
    weight: [0.1184634425280945, 0.2393143352496832, 0.2844444444444444, 0.2393143352496832, 0.1184634425280945],
  },
}

/** Nodes per axis that integrate the profile over a pixel to about 1e-4 of its peak. */
function nodesFor(fwhmPx: number): number {
  if (fwhmPx < 2.2) return 5
  return fwhmPx < 4 ? 3 : 2
}

/** Beyond this many FWHM the profile is so even over a pixel that the coarsest quadrature does. */
const EVEN_FWHM = 1

/** Geometric mean of the widths at half maximum, pixel. */
export function moffatFwhm({ a, b, c, beta }: Moffat): number {
  return 2 * Math.sqrt((2 ** (1 / beta) - 1) / Math.sqrt(a * b - c * c))
}

/** Major over minor axis, ≥ 1. */
export function moffatElongation({ a, b, c }: Moffat): number {
  const half = (a + b) / 2
  const root = Math.hypot((a - b) / 2, c)
  return Math.sqrt((half + root) / Math.max(half - root, 1e-12))
}

/** Unit-flux profile integrated over the pixel whose centre lies (dx, dy) from the star. */
export function moffatPixel(m: Moffat, dx: number, dy: number, fwhmPx: number): number {
  const even = dx * dx + dy * dy > (EVEN_FWHM * fwhmPx) ** 2
  const { node, weight } = quadrature[even ? 2 : nodesFor(fwhmPx)]
  let sum = 0
  for (let j = 0; j < node.length; j++) {
    const v = dy + node[j]
    for (let i = 0; i < node.length; i++) {
      const u = dx + node[i]
      sum += weight[i] * weight[j] * (1 + m.a * u * u + m.b * v * v + 2 * m.c * u * v) ** -m.beta
    }
  }
  return (sum * (m.beta - 1) * Math.sqrt(m.a * m.b - m.c * m.c)) / Math.PI
}

/** Pixels of one star: place relative to the nearest whole pixel, sky- and neighbour-free ADU, and errors. */
export interface StarPixels {
  dx: Float64Array
  dy: Float64Array
  value: Float64Array
  sigma: Float64Array
}

export interface MoffatFit extends Moffat {
  flux: number
  x: number
  y: number
  fit: NonlinearFit
}

/**
 * Fit flux, place, shape and, unless it is given, β of one star.
 *
 * @param fwhmPx about the width
 * @param guess where to begin; a round one of the width where it is missing
 * @param free whether β is fitted, or held at the guess
 * @returns undefined where no Moffat fits
 */
export function fitMoffat(
  pixels: StarPixels,
  fwhmPx: number,
  guess: Moffat = roundMoffat(fwhmPx),
  free = true,
): MoffatFit | undefined {
  let flux = 0
  for (let i = 0; i < pixels.value.length; i++) flux += pixels.value[i]
  if (!(flux > 0)) return undefined
  const start = Float64Array.of(flux, 0, 0, guess.a, guess.b, guess.c)
  // ln β, so that steps scale with it and it stays positive
  const first = free ? Float64Array.of(...start, Math.log(guess.beta)) : start
  const equations = moffatEquations(pixels, fwhmPx, free ? undefined : guess.beta)
  const fit = levenbergMarquardt(equations, first, { iterations: 25, tolerance: 1e-4 })
  if (!fit) return undefined
  const [f, x, y, a, b, c] = fit.parameters
  return { flux: f, x, y, a, b, c, beta: free ? Math.exp(fit.parameters[6]) : guess.beta, fit }
}

/** A round Moffat of a width, with the β of good seeing. */
function roundMoffat(fwhmPx: number): Moffat {
  const beta = 3
  const scale = (4 * (2 ** (1 / beta) - 1)) / (fwhmPx * fwhmPx)
  return { a: scale, b: scale, c: 0, beta }
}

/** Where the kernel of the fits works; it keeps nothing from fit to fit. */
let memory: KernelMemory | undefined

/** The equations of a fit: pixels near the middle are integrated finely, the others coarsely. */
function moffatEquations(pixels: StarPixels, fwhmPx: number, held: number | undefined): Equations {
  memory ??= new KernelMemory(FIT_BYTES)
  const mark = memory.mark()
  const even = (EVEN_FWHM * fwhmPx) ** 2
  const isEven = (k: number) => pixels.dx[k] ** 2 + pixels.dy[k] ** 2 > even
  const parts = [
    { pixels: listPixels(memory, pixels, k => !isEven(k)), nodes: listNodes(memory, nodesFor(fwhmPx)) },
    { pixels: listPixels(memory, pixels, isEven), nodes: listNodes(memory, 2) },
  ]
  const numbers = memory.floats(MOFFAT_NUMBERS.length)
  const sums = memory.floats(MOFFAT_SUMS)
  const { kernels } = memory
  memory.release(mark)
  return (p, normal, gradient) => {
    const [flux, x, y, a, b, c] = p
    const beta = held ?? Math.exp(p[6])
    const determinant = a * b - c * c
    if (!(determinant > 0 && a > 0 && beta > 1.05 && beta < 60)) return undefined
    const norm = ((beta - 1) / Math.PI) * Math.sqrt(determinant)
    numbers.set([x, y, a, b, 2 * c, beta, norm, flux * norm])
    numbers.set([b / (2 * determinant), a / (2 * determinant), -c / determinant, 1 / (beta - 1)], 8)
    normal.fill(0)
    gradient.fill(0)
    let chiSquared = 0
    for (const { pixels, nodes } of parts) {
      kernels.moffat(
        pixels.byteOffset,
        pixels.byteLength / 4,
        numbers.byteOffset,
        nodes.byteOffset,
        nodes.byteLength,
        sums.byteOffset,
      )
      chiSquared += addSums(sums, normal, gradient)
    }
    return chiSquared
  }
}
/** Enough for the lists of the widest star. */
const FIT_BYTES = 4e6

/** Add the sums of the kernel to the equations of the first few parameters; returns χ². */
function addSums(sums: Float32Array, normal: Float64Array, gradient: Float64Array): number {
  const n = gradient.length
  for (let i = 0, at = 0; i < n; i++) for (let j = 0; j <= i; j++) normal[i * n + j] += sums[at++]
  const right = MOFFAT_SUMS - 1 - MOFFAT_TERMS
  for (let i = 0; i < n; i++) gradient[i] += sums[right + i]
  return sums[MOFFAT_SUMS - 1]
}

/** Four lists one after the other: offset by x and y, value and one over the error. */
function listPixels(room: KernelMemory, { dx, dy, value, sigma }: StarPixels, wanted: (k: number) => boolean) {
  const chosen: number[] = []
  for (let k = 0; k < value.length; k++) if (wanted(k)) chosen.push(k)
  const length = 4 * Math.ceil(chosen.length / 4)
  const lists = room.floats(4 * length).fill(0)
  chosen.forEach((k, i) => {
    lists[i] = dx[k]
    lists[length + i] = dy[k]
    lists[2 * length + i] = value[k] / sigma[k]
    lists[3 * length + i] = 1 / sigma[k]
  })
  return lists
}

/** Offset by x and y, and weight, of each node of a quadrature. */
function listNodes(room: KernelMemory, perAxis: number): Float32Array {
  const { node, weight } = quadrature[perAxis]
  const list = node.flatMap((v, j) => node.flatMap((u, i) => [u, v, weight[i] * weight[j]]))
  const nodes = room.floats(list.length)
  nodes.set(list)
  return nodes
}
