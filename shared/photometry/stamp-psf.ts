import { splineCurvatures, splineSlopes, splineWeights } from '#shared/numeric/bspline.ts'
import type { KernelMemory } from './kernel-memory.ts'
import { nodeWeights, type Psf } from './psf.ts'
import { SPLINE_NUMBERS } from './table-kernels.ts'

/**
 * The tables of a PSF as the kernels need them: nodes that lie a whole number of pixels apart stand side by side, so that
 * four pixels are read at once. A row of nodes is kept as `phases` pieces, one for each place of a node within a pixel.
 */
export class StampPsf {
  readonly psf: Psf
  readonly memory: KernelMemory
  /** Table after table. */
  readonly tables: Float32Array
  /** Numbers of one piece of a row, of a row, and of a table. */
  readonly pieceLength: number
  readonly rowLength: number
  readonly tableLength: number
  readonly #weights: Float32Array
  readonly numbers: Float32Array
  /** Place for the Laplacian of a stamp, and for sums. */
  readonly bends: Float32Array
  readonly sums: Float32Array
  readonly side: number

  constructor(memory: KernelMemory, psf: Psf) {
    this.psf = psf
    this.memory = memory
    const size = 2 * psf.half + 1
    const phases = psf.oversampling
    this.pieceLength = 4 * Math.ceil(Math.ceil(size / phases) / 4) + 4
    this.rowLength = phases * this.pieceLength
    this.tableLength = size * this.rowLength
    const nodes = psf.nodesX * psf.nodesY
    // Kernels write sixteen numbers at a time.
    this.tables = memory.floats(nodes * this.tableLength + 16).fill(0)
    this.layOut(psf.tables, nodes, this.tables)
    this.side = 4 * Math.ceil((2 * Math.ceil(psf.radiusPx) + 2) / 4)
    this.#weights = memory.floats(4)
    this.numbers = memory.floats(SPLINE_NUMBERS)
    this.bends = memory.floats(this.side * this.side)
    this.sums = memory.floats(12)
  }

  /** Lay tables, node after node, out for the kernels; what lies between the pieces of a row stays as it is. */
  layOut(plain: Float32Array | Float64Array, count: number, out: Float32Array): void {
    const { pieceLength, rowLength } = this
    const { oversampling: phases, half } = this.psf
    const size = 2 * half + 1
    for (let row = 0; row < count * size; row++) {
      for (let phase = 0; phase < phases; phase++) {
        let at = row * rowLength + phase * pieceLength
        for (let i = phase; i < size; i += phases) out[at++] = plain[row * size + i]
      }
    }
  }

  /** Write the tables back into those of the PSF. */
  store(): void {
    const { psf, tables, pieceLength, rowLength } = this
    const phases = psf.oversampling
    const size = 2 * psf.half + 1
    for (let row = 0; row < psf.nodesX * psf.nodesY * size; row++) {
      for (let phase = 0; phase < phases; phase++) {
        let at = row * rowLength + phase * pieceLength
        for (let i = phase; i < size; i += phases) psf.tables[row * size + i] = tables[at++]
      }
    }
  }

  /**
   * The table that belongs to a place of the frame (0-based pixel).
   *
   * @param radius how far from the star it will be sampled, pixel; the rest of the table is not made
   */
  mixAt(x: number, y: number, radius: number, out: Float32Array): void {
    const { psf, rowLength, pieceLength, tableLength } = this
    const { node, weight } = nodeWeights(psf, x, y)
    this.#weights.set(weight)
    const os = psf.oversampling
    const reach = Math.min(psf.half, Math.ceil((radius + 1) * os) + 2)
    const firstRow = psf.half - reach
    const firstColumn = 4 * Math.floor(firstRow / os / 4)
    const columns = Math.min(Math.floor((psf.half + reach) / os) + 1, pieceLength) - firstColumn
    const first = 4 * (firstRow * rowLength + firstColumn)
    const base = this.tables.byteOffset + first
    const step = 4 * tableLength
    this.memory.kernels.mix(
      base + node[0] * step,
      base + node[1] * step,
      base + node[2] * step,
      base + node[3] * step,
      this.#weights.byteOffset,
      out.byteOffset + first,
      2 * reach + 1,
      4 * rowLength,
      os,
      4 * pieceLength,
      4 * columns,
    )
  }

  /**
   * Sample a mixed table for a star at (x, y) on the pixels from (x0, y0) on: profile and slopes into three planes of
   * `out`, or the Laplacian into one. The pixels must lie within the table.
   *
   * @param stride numbers from row to row of the stamp, a multiple of four
   */
  sample(
    kernel: 'sample' | 'laplacian',
    table: Float32Array,
    x: number,
    y: number,
    x0: number,
    y0: number,
    stride: number,
    h: number,
    out: Float32Array,
    planeBytes: number,
  ): void {
    const { psf, rowLength, pieceLength, numbers } = this
    const os = psf.oversampling
    const u = (x0 - x) * os + psf.half
    const v = (y0 - y) * os + psf.half
    const column = Math.floor(u) - 1
    const row = Math.floor(v) - 1
    fillNumbers(u - column - 1, v - row - 1, os, numbers)
    const start = (tap: number) => {
      const at = column + tap
      return 4 * ((at % os) * pieceLength + Math.floor(at / os))
    }
    this.memory.kernels[kernel](
      table.byteOffset + 4 * row * rowLength,
      start(0),
      start(1),
      start(2),
      start(3),
      4 * rowLength,
      4 * os * rowLength,
      numbers.byteOffset,
      out.byteOffset,
      planeBytes,
      4 * stride,
      h,
    )
  }
}

const four = new Float64Array(4)

/** Weights by x of values, slopes and bends, then those by y; derivatives are by the star's place, in pixels. */
function fillNumbers(u: number, v: number, oversampling: number, numbers: Float32Array): void {
  const square = oversampling * oversampling
  for (let axis = 0; axis < 2; axis++) {
    const t = axis === 0 ? u : v
    const at = 12 * axis
    splineWeights(t, four)
    for (let k = 0; k < 4; k++) numbers[at + k] = four[k]
    splineSlopes(t, four)
    for (let k = 0; k < 4; k++) numbers[at + 4 + k] = -oversampling * four[k]
    splineCurvatures(t, four)
    for (let k = 0; k < 4; k++) numbers[at + 8 + k] = square * four[k]
  }
}
