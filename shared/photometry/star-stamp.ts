import { PROFILE_ERROR, type Scene } from './scene.ts'
import { STAMP_PLANES } from './stamp-kernels.ts'
import type { StampPsf } from './stamp-psf.ts'

/** Pixels farther than this from the model lose their weight (a smooth cut: a Gaussian pixel keeps all of it). */
const CLIP_SIGMA = 5

/** One star of the group being fitted: its pixels and the PSF at its place. Everything per pixel is done by kernels. */
export class StarStamp {
  /** Radius of the stamp, and how far the local table is made, pixel. */
  radius = 0
  tableRadius = 0
  x0 = 0
  y0 = 0
  w = 0
  h = 0
  /** Own normal equations of a star of unit flux: ff, fx, fy, xx, xy, yy, and right side f, x, y. */
  readonly own = new Float64Array(9)
  readonly #scene: Scene
  readonly #psf: StampPsf
  readonly #table: Float32Array
  readonly #planes: Float32Array
  readonly #planeBytes: number
  #stride = 0
  /** What was sampled last. */
  #sampled = { x: Number.NaN, y: Number.NaN, radius: Number.NaN }
  /** The part of the stamp that was weighed: first column (a multiple of four) and row, and size. */
  readonly #part = { column: 0, row: 0, w: 0, h: 0 }

  constructor(scene: Scene, psf: StampPsf) {
    this.#scene = scene
    this.#psf = psf
    const side = psf.side
    this.#table = scene.memory.floats(psf.tableLength).fill(0)
    this.#planes = scene.memory.floats(STAMP_PLANES * side * side).fill(0)
    this.#planeBytes = 4 * side * side
  }

  /** Take the PSF at a place of the frame, out to a radius. */
  moveTo(x: number, y: number, radius: number): void {
    this.tableRadius = radius
    this.#sampled.radius = Number.NaN
    this.#psf.mixAt(x, y, radius, this.#table)
  }

  /** Profile and slopes of a star at (x, y) on the pixels within the radius. */
  sample(x: number, y: number): void {
    const last = this.#sampled
    if (last.x === x && last.y === y && last.radius === this.radius) return
    last.x = x
    last.y = y
    last.radius = this.radius
    const { width, height } = this.#scene
    this.x0 = Math.max(0, Math.ceil(x - this.radius))
    this.y0 = Math.max(0, Math.ceil(y - this.radius))
    this.w = Math.max(0, Math.min(width - 1, Math.floor(x + this.radius)) - this.x0 + 1)
    this.h = Math.max(0, Math.min(height - 1, Math.floor(y + this.radius)) - this.y0 + 1)
    this.#stride = 4 * Math.ceil(this.w / 4)
    if (this.w === 0 || this.h === 0) return
    this.#psf.sample(
      'sample',
      this.#table,
      x,
      y,
      this.x0,
      this.y0,
      this.#stride,
      this.h,
      this.#planes,
      this.#planeBytes,
    )
  }

  /** Add the profile times an amount (ADU) to the residual, within the radius of (x, y). */
  paint(x: number, y: number, amount: number): void {
    const { width, residual, memory } = this.#scene
    memory.kernels.paint(
      residual.byteOffset + 4 * (this.y0 * width + this.x0),
      4 * width,
      this.#planes.byteOffset,
      4 * this.#stride,
      this.w,
      this.h,
      this.x0 - x,
      this.y0 - y,
      this.radius * this.radius,
      amount,
    )
  }

  /**
   * Weight and residual of the pixels within a radius of (x, y), the others of the stamp get no weight; and `own`.
   *
   * @param robust whether pixels far from the model are down-weighted
   */
  weigh(x: number, y: number, radius: number, robust: boolean): void {
    const { width, data, usable, planeBytes, memory, noise } = this.#scene
    const part = this.#weighedPart(x, y, radius)
    const first = (this.y0 + part.row) * width + this.x0 + part.column
    const sums = this.#psf.sums
    memory.kernels.weigh(
      data.byteOffset + 4 * first,
      planeBytes,
      usable.byteOffset + first,
      width,
      this.#planes.byteOffset + 4 * (part.row * this.#stride + part.column),
      this.#planeBytes,
      4 * this.#stride,
      part.w,
      part.h,
      this.x0 + part.column - x,
      this.y0 + part.row - y,
      radius * radius,
      noise.base,
      noise.perAdu,
      noise.floor,
      PROFILE_ERROR,
      robust ? 1 / (CLIP_SIGMA * CLIP_SIGMA) : 0,
      sums.byteOffset,
    )
    for (let k = 0; k < 9; k++) this.own[k] = sums[k]
  }

  #weighedPart(x: number, y: number, radius: number): { column: number; row: number; w: number; h: number } {
    const part = this.#part
    part.column = 4 * Math.floor(Math.max(0, Math.ceil(x - radius) - this.x0) / 4)
    part.row = Math.max(0, Math.ceil(y - radius) - this.y0)
    part.w = Math.min(this.w, Math.floor(x + radius) - this.x0 + 1) - part.column
    part.h = Math.min(this.h, Math.floor(y + radius) - this.y0 + 1) - part.row
    return part
  }

  /**
   * Sums over the weighed pixels shared with another stamp, into `out`: rows profile, slope by x, slope by y of this one, columns
   * those of the other. False where they share none.
   */
  shareWith(other: StarStamp, out: Float64Array): boolean {
    const [here, there] = [this.#part, other.#part]
    const x0 = Math.max(this.x0 + here.column, other.x0 + there.column)
    const y0 = Math.max(this.y0 + here.row, other.y0 + there.row)
    const w = Math.min(this.x0 + here.column + here.w, other.x0 + there.column + there.w) - x0
    const h = Math.min(this.y0 + here.row + here.h, other.y0 + there.row + there.h) - y0
    if (w <= 0 || h <= 0) return false
    const sums = this.#psf.sums
    this.#scene.memory.kernels.pair(
      this.#addressOf(x0, y0),
      other.#addressOf(x0, y0),
      this.#planeBytes,
      4 * this.#stride,
      4 * other.#stride,
      w,
      h,
      sums.byteOffset,
    )
    for (let k = 0; k < 9; k++) out[k] = sums[k]
    return true
  }

  /**
   * χ over the core, and the width beyond the PSF: a profile widened by variance s adds F·s/2·∇²P (to first order), so
   * s is the residual projected on that, after its part along the flux is taken out. Pixel².
   *
   * @param core radius of the pixels that count, pixel
   */
  shape(x: number, y: number, flux: number, core: number): { chi: number; sharp: number; sharpErr: number } {
    const { bends, sums } = this.#psf
    const stride = this.#stride
    const { column, row, w, h } = this.#part
    const from = 4 * (row * stride + column)
    this.#psf.sample('laplacian', this.#table, x, y, this.x0, this.y0 + row, stride, h, bends, 0)
    this.#scene.memory.kernels.shape(
      this.#planes.byteOffset + from,
      this.#planeBytes,
      bends.byteOffset + 4 * column,
      4 * stride,
      w,
      h,
      this.x0 + column - x,
      this.y0 + row - y,
      core * core,
      sums.byteOffset,
    )
    const [count, square, vv] = sums
    const [vl, ll, rl] = [sums[3] / 2, sums[4] / 4, sums[5] / 2]
    // A core of a few pixels, the rest masked, does not tell width from flux.
    const left = ll - (vl * vl) / vv
    const free = count > 3 && left > 1e-6 * ll ? left : 0
    return {
      chi: count > 3 ? Math.sqrt(square / (count - 3)) : Number.NaN,
      sharp: free > 0 ? rl / free / flux : Number.NaN,
      sharpErr: free > 0 ? 1 / Math.sqrt(free) / flux : Number.NaN,
    }
  }

  #addressOf(x: number, y: number): number {
    return this.#planes.byteOffset + 4 * ((y - this.y0) * this.#stride + x - this.x0)
  }
}
