import { splineCurvatures, splineSlopes, splineWeights } from '#shared/numeric/bspline.ts'
import { type Moffat, moffatPixel } from './moffat.ts'

/**
 * The point-spread function of a frame: what a star of unit flux adds to a pixel, as a smooth function of the pixel's
 * offset from the star, different at each place of the frame.
 *
 * It is kept as tables of cubic B-spline coefficients at the nodes of a grid over the frame; between nodes the tables
 * mix bilinearly. Each table is the pixel-integrated Moffat core plus an empirical residual, normalised to unit total
 * flux (with the analytic wing beyond the table) and centred on its own light (see psf-finish.ts), so that positions go
 * smoothly about the frame, also under coma. There they part from the centroids of detections, which see the core alone.
 */
export interface Psf {
  /** Table nodes per pixel, a whole number. */
  oversampling: number
  /** Table nodes from the centre to the edge; a table has (2·half + 1)² nodes. */
  half: number
  /** Out to here the table holds; the analytic wing goes on, pixel. */
  radiusPx: number
  /** Size of the frame, and nodes along each axis; the outermost lie on its edges. */
  width: number
  height: number
  nodesX: number
  nodesY: number
  /** Spline coefficients, node after node, row-major. */
  tables: Float32Array
  /** Wing of each node: a Moffat times `wingFactor`. */
  wings: Moffat[]
  wingFactor: Float64Array
  /** At the middle of the frame. */
  fwhmPx: number
  elongation: number
  beta: number
  /** Order in x, y of its change over the frame. */
  order: number
  /** Stars it was built from. */
  stars: number
  /** Root of the reduced χ² of those stars, median. */
  chi: number
  /** Largest value over directions at whole pixels from the centre, unit flux: bounds the light beyond a radius. */
  envelope: Float64Array
  /** Relative error of its width at a place; a flux that it fits is wrong by the same part. */
  widthErr: number
  /** Relative error of fluxes at a place by what is not known of the tables. */
  tableErr: number
  /** Relative error of fluxes by what stars differ from the PSF beyond their noise. */
  misfitErr: number
  /** How far coma parts the centre of all light from that of the core, FWHM, where it does most. */
  comaFwhm: number
  /** Σ P² over pixels at the middle of the frame: 1 / noise-equivalent area. */
  sharpness: number
}

/** The PSF at one place of the frame, ready to be sampled on pixels. Scratch memory lives here: one for each user. */
export class LocalPsf {
  readonly psf: Psf
  readonly #size: number
  readonly #table: Float64Array
  readonly #column: Float64Array
  readonly #columnSlope: Float64Array
  readonly #wx = new Float64Array(4)
  readonly #wy = new Float64Array(4)
  readonly #sx = new Float64Array(4)
  readonly #sy = new Float64Array(4)

  constructor(psf: Psf) {
    this.psf = psf
    this.#size = 2 * psf.half + 1
    this.#table = new Float64Array(this.#size * this.#size)
    this.#column = new Float64Array(this.#size)
    this.#columnSlope = new Float64Array(this.#size)
  }

  /**
   * Take the shape that belongs to a place of the frame (0-based pixel).
   *
   * @param radius how far from the star it will be sampled, pixel; the rest of the table is not made
   */
  moveTo(x: number, y: number, radius = this.psf.radiusPx): void {
    const { psf } = this
    const place = nodeWeights(psf, x, y)
    const length = this.#size * this.#size
    const t0 = psf.tables.subarray(place.node[0] * length, (place.node[0] + 1) * length)
    const t1 = psf.tables.subarray(place.node[1] * length, (place.node[1] + 1) * length)
    const t2 = psf.tables.subarray(place.node[2] * length, (place.node[2] + 1) * length)
    const t3 = psf.tables.subarray(place.node[3] * length, (place.node[3] + 1) * length)
    const [w0, w1, w2, w3] = place.weight
    const table = this.#table
    const size = this.#size
    const reach = Math.min(psf.half, Math.ceil((radius + 1) * psf.oversampling) + 2)
    const single = psf.nodesX * psf.nodesY === 1
    for (let j = psf.half - reach; j <= psf.half + reach; j++) {
      const from = j * size + psf.half - reach
      const to = from + 2 * reach
      if (single) for (let i = from; i <= to; i++) table[i] = t0[i]
      else for (let i = from; i <= to; i++) table[i] = w0 * t0[i] + w1 * t1[i] + w2 * t2[i] + w3 * t3[i]
    }
  }

  /**
   * Values of a unit-flux star at (x, y) on the pixels x0 … x0+w−1, y0 … y0+h−1, row-major into `out`. Pixels beyond the
   * table get 0.
   */
  values(x: number, y: number, x0: number, y0: number, w: number, h: number, out: Float64Array): void {
    this.#sample(x, y, x0, y0, w, h, out, undefined, undefined)
  }

  /** The same with the derivatives by the star's x and y. */
  gradients(
    x: number,
    y: number,
    x0: number,
    y0: number,
    w: number,
    h: number,
    out: Float64Array,
    outX: Float64Array,
    outY: Float64Array,
  ): void {
    this.#sample(x, y, x0, y0, w, h, out, outX, outY)
  }

  /** Laplacian of the profile at the pixel (i, j) for a star at (x, y), per pixel². */
  laplacian(x: number, y: number, i: number, j: number): number {
    const { oversampling: os, half } = this.psf
    const size = this.#size
    const u = (i - x) * os + half
    const v = (j - y) * os + half
    const iu = Math.floor(u)
    const iv = Math.floor(v)
    if (iu < 1 || iv < 1 || iu + 2 >= size || iv + 2 >= size) return 0
    splineWeights(u - iu, this.#wx)
    splineWeights(v - iv, this.#wy)
    splineCurvatures(u - iu, this.#sx)
    splineCurvatures(v - iv, this.#sy)
    let sum = 0
    for (let b = 0; b < 4; b++) {
      for (let a = 0; a < 4; a++) {
        const weight = this.#sx[a] * this.#wy[b] + this.#wx[a] * this.#sy[b]
        sum += weight * this.#table[(iv - 1 + b) * size + iu - 1 + a]
      }
    }
    return sum * os * os
  }

  #sample(
    x: number,
    y: number,
    x0: number,
    y0: number,
    w: number,
    h: number,
    out: Float64Array,
    outX: Float64Array | undefined,
    outY: Float64Array | undefined,
  ): void {
    const { oversampling: os, half } = this.psf
    const size = this.#size
    const table = this.#table
    const column = this.#column
    const slope = this.#columnSlope
    // The table step divides the pixel, so every pixel of a star has the same place between nodes: weights once a star.
    const u0 = (x0 - x) * os + half
    const v0 = (y0 - y) * os + half
    const iu0 = Math.floor(u0)
    const iv0 = Math.floor(v0)
    splineWeights(u0 - iu0, this.#wx)
    splineWeights(v0 - iv0, this.#wy)
    const [wx0, wx1, wx2, wx3] = this.#wx
    const [wy0, wy1, wy2, wy3] = this.#wy
    const withSlopes = outX !== undefined && outY !== undefined
    if (withSlopes) {
      splineSlopes(u0 - iu0, this.#sx)
      splineSlopes(v0 - iv0, this.#sy)
    }
    const [dx0, dx1, dx2, dx3] = this.#sx
    const [dy0, dy1, dy2, dy3] = this.#sy
    const firstColumn = Math.max(0, iu0 - 1)
    const lastColumn = Math.min(size - 1, iu0 + (w - 1) * os + 2)
    for (let j = 0; j < h; j++) {
      const iv = iv0 + j * os
      const rowOut = j * w
      if (iv < 1 || iv + 2 >= size) {
        out.fill(0, rowOut, rowOut + w)
        outX?.fill(0, rowOut, rowOut + w)
        outY?.fill(0, rowOut, rowOut + w)
        continue
      }
      const r0 = (iv - 1) * size
      const r1 = r0 + size
      const r2 = r1 + size
      const r3 = r2 + size
      for (let c = firstColumn; c <= lastColumn; c++) {
        column[c] = wy0 * table[r0 + c] + wy1 * table[r1 + c] + wy2 * table[r2 + c] + wy3 * table[r3 + c]
      }
      if (withSlopes) {
        for (let c = firstColumn; c <= lastColumn; c++) {
          slope[c] = dy0 * table[r0 + c] + dy1 * table[r1 + c] + dy2 * table[r2 + c] + dy3 * table[r3 + c]
        }
      }
      let c = iu0 - 1
      for (let i = 0; i < w; i++, c += os) {
        const o = rowOut + i
        if (c < 0 || c + 3 >= size) {
          out[o] = 0
          if (withSlopes) outX[o] = outY[o] = 0
          continue
        }
        out[o] = wx0 * column[c] + wx1 * column[c + 1] + wx2 * column[c + 2] + wx3 * column[c + 3]
        if (withSlopes) {
          outX[o] = -os * (dx0 * column[c] + dx1 * column[c + 1] + dx2 * column[c + 2] + dx3 * column[c + 3])
          outY[o] = -os * (wx0 * slope[c] + wx1 * slope[c + 1] + wx2 * slope[c + 2] + wx3 * slope[c + 3])
        }
      }
    }
  }
}

const nodeScratch = { node: new Int32Array(4), weight: new Float64Array(4) }

/** The four nodes around a place of the frame and their bilinear weights; one shared answer, valid until the next call. */
export function nodeWeights(
  psf: Pick<Psf, 'width' | 'height' | 'nodesX' | 'nodesY'>,
  x: number,
  y: number,
): typeof nodeScratch {
  const { nodesX, nodesY } = psf
  const gx = Math.min(Math.max(x / Math.max(psf.width - 1, 1), 0), 1) * (nodesX - 1)
  const gy = Math.min(Math.max(y / Math.max(psf.height - 1, 1), 0), 1) * (nodesY - 1)
  const i = Math.min(Math.floor(gx), Math.max(nodesX - 2, 0))
  const j = Math.min(Math.floor(gy), Math.max(nodesY - 2, 0))
  const fx = gx - i
  const fy = gy - j
  const right = nodesX > 1 ? 1 : 0
  const up = nodesY > 1 ? nodesX : 0
  const { node, weight } = nodeScratch
  node[0] = j * nodesX + i
  node[1] = node[0] + right
  node[2] = node[0] + up
  node[3] = node[2] + right
  weight[0] = (1 - fx) * (1 - fy)
  weight[1] = fx * (1 - fy)
  weight[2] = (1 - fx) * fy
  weight[3] = fx * fy
  return nodeScratch
}

/** Place of a node on the frame, 0-based pixel. */
export function nodePlace(
  psf: Pick<Psf, 'width' | 'height' | 'nodesX' | 'nodesY'>,
  node: number,
): { x: number; y: number } {
  const along = (index: number, nodes: number, length: number) =>
    nodes > 1 ? (index * (length - 1)) / (nodes - 1) : (length - 1) / 2
  return {
    x: along(node % psf.nodesX, psf.nodesX, psf.width),
    y: along(Math.floor(node / psf.nodesX), psf.nodesY, psf.height),
  }
}

/** The wing of a star at a place of the frame: unit-flux value at an offset beyond the table, pixel. */
export function wingAt(psf: Psf, x: number, y: number): (dx: number, dy: number) => number {
  const { node, weight } = nodeWeights(psf, x, y)
  const nearest = node[weight.indexOf(Math.max(...weight))]
  const moffat = psf.wings[nearest]
  const factor = psf.wingFactor[nearest]
  const norm = (factor * (moffat.beta - 1) * Math.sqrt(moffat.a * moffat.b - moffat.c * moffat.c)) / Math.PI
  const { a, b, c, beta } = moffat
  return (dx, dy) => norm * (1 + a * dx * dx + b * dy * dy + 2 * c * dx * dy) ** -beta
}

/** Radius beyond which a star of the flux adds less than `level` ADU to any pixel; whole pixels up to the table's edge. */
export function lightRadius(psf: Psf, flux: number, level: number): number {
  const { envelope } = psf
  let r = envelope.length - 1
  while (r > 0 && flux * envelope[r] < level) r--
  return Math.min(r + 1, psf.radiusPx)
}

/** Pixel-integrated Moffat on the nodes of a table, row-major into `out`. */
export function moffatTable(m: Moffat, half: number, oversampling: number, fwhmPx: number, out: Float64Array): void {
  const size = 2 * half + 1
  for (let j = 0; j <= half; j++) {
    for (let i = 0; i < size; i++) {
      const value = moffatPixel(m, (i - half) / oversampling, (j - half) / oversampling, fwhmPx)
      out[j * size + i] = value
      // A Moffat is the same seen from the other side.
      out[(size - 1 - j) * size + size - 1 - i] = value
    }
  }
}
