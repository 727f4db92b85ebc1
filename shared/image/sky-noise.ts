import { MAD_TO_SIGMA, medianInPlace } from '#shared/numeric/robust.ts'

/** Side of a cell: small enough for the sky to be one level, large enough for its variance to 6 %. */
export const CELL_PX = 33
const BLOCK_PX = 3
const BLOCKS = (CELL_PX / BLOCK_PX) ** 2
const MIN_BLOCKS = 24
const CONTRASTS = 6 // of the nine values of a block, those that neither level nor slope of the sky enter
const UNLIT = 2 // blocks brighter or darker than the cell's median by more of their own σ hold a star or a defect
const CLIP = 3
const CLIPPED_SHARE = 0.97334 // variance that a normal keeps when clipped at ± 3 σ

/** Level and noise of the sky in each cell of a frame; NaN where a cell holds too little of it. */
export interface SkyCells {
  across: number
  down: number
  /** ADU. */
  level: Float64Array
  /** Variance of a pixel, ADU². */
  variance: Float64Array
  /** Independent values behind each variance. */
  count: Float64Array
}

/**
 * Measure the sky cell by cell. Each block of 3 × 3 pixels gives its mean and six contrasts that are orthogonal to it,
 * to its slopes and to each other, each with the variance of one pixel: of nine values of noise six are kept, nothing of
 * a sloping sky enters, and blocks can be chosen by their mean without a bias of their contrasts.
 *
 * @param pixels row-major ADU; blocks with a NaN or a pixel at or above `ceilingAdu` are left out
 */
export function skyCells(pixels: Float32Array, width: number, height: number, ceilingAdu: number): SkyCells {
  const across = Math.ceil(width / CELL_PX)
  const down = Math.ceil(height / CELL_PX)
  const sky: SkyCells = {
    across,
    down,
    level: new Float64Array(across * down).fill(Number.NaN),
    variance: new Float64Array(across * down).fill(Number.NaN),
    count: new Float64Array(across * down),
  }
  const means = new Float32Array(BLOCKS)
  const sorted = new Float32Array(BLOCKS)
  const contrasts = new Float32Array(CONTRASTS * BLOCKS)
  const places = { x: new Uint8Array(BLOCKS), y: new Uint8Array(BLOCKS) }
  for (let cell = 0; cell < across * down; cell++) {
    const left = (cell % across) * CELL_PX
    const top = Math.floor(cell / across) * CELL_PX
    const right = Math.min(left + CELL_PX, width) - BLOCK_PX
    const bottom = Math.min(top + CELL_PX, height) - BLOCK_PX
    let n = 0
    for (let y = top; y <= bottom; y += BLOCK_PX)
      for (let i = y * width + left; i <= y * width + right; i += BLOCK_PX) {
        const sum = takeBlock(pixels, i, width, contrasts, CONTRASTS * n)
        // One comparison refuses NaN too; the mean of a block with one saturated pixel is far from the sky's.
        if (!(sum < 9 * ceilingAdu)) continue
        means[n] = sum / 9
        places.x[n] = (i - y * width - left) / BLOCK_PX
        places.y[n++] = (y - top) / BLOCK_PX
      }
    if (n < MIN_BLOCKS) continue
    sorted.set(means)
    const level = medianInPlace(sorted, n)
    for (const along of [places.x, places.y]) takeSlope(means, along, n, sorted)
    for (let k = 0; k < n; k++) sorted[k] = Math.abs(means[k] - level)
    const blockSigma = MAD_TO_SIGMA * medianInPlace(sorted, n)
    let kept = 0
    for (let k = 0; k < n; k++) {
      if (Math.abs(means[k] - level) > UNLIT * blockSigma) continue
      contrasts.copyWithin(CONTRASTS * kept++, CONTRASTS * k, CONTRASTS * (k + 1))
    }
    const clipped = clippedVariance(contrasts, CONTRASTS * kept, 3 * blockSigma)
    sky.level[cell] = level
    sky.variance[cell] = clipped.variance
    sky.count[cell] = clipped.count
  }
  return sky
}

const BLOCKS_ALONG = CELL_PX / BLOCK_PX
const OUTER_BLOCKS = 4 // of the eleven along a side, those that tell the slope

/** Take the slope along one axis off the blocks' means: their median on one side against that on the other. */
function takeSlope(means: Float32Array, along: Uint8Array, n: number, scratch: Float32Array): void {
  const side = (from: number, to: number) => {
    let count = 0
    for (let k = 0; k < n; k++) if (along[k] >= from && along[k] < to) scratch[count++] = means[k]
    return medianInPlace(scratch, count)
  }
  const low = side(0, OUTER_BLOCKS)
  const high = side(BLOCKS_ALONG - OUTER_BLOCKS, BLOCKS_ALONG)
  const perBlock = (high - low) / (BLOCKS_ALONG - OUTER_BLOCKS)
  if (!Number.isFinite(perBlock)) return // the cell is cut by the frame's edge
  for (let k = 0; k < n; k++) means[k] -= perBlock * (along[k] - (BLOCKS_ALONG - 1) / 2)
}

const SLOPE = 1 / Math.SQRT2 // of the difference of the outer two of three values, so that it has their variance
const BEND = 1 / Math.sqrt(6) // of [1, −2, 1]
const SUM = 1 / Math.sqrt(3)

/** The sum of a block of 3 × 3 pixels; its six contrasts go to `out`: products of [1,1,1], [1,0,−1] and [1,−2,1]. */
function takeBlock(p: Float32Array, i: number, width: number, out: Float32Array, at: number): number {
  const [j, k] = [i + width, i + 2 * width]
  const sums0 = p[i] + p[i + 1] + p[i + 2]
  const sums1 = p[j] + p[j + 1] + p[j + 2]
  const sums2 = p[k] + p[k + 1] + p[k + 2]
  const slope0 = p[i] - p[i + 2]
  const slope1 = p[j] - p[j + 2]
  const slope2 = p[k] - p[k + 2]
  const bend0 = sums0 - 3 * p[i + 1]
  const bend1 = sums1 - 3 * p[j + 1]
  const bend2 = sums2 - 3 * p[k + 1]
  out[at] = (slope0 - slope2) * SLOPE * SLOPE
  out[at + 1] = (bend0 + bend1 + bend2) * BEND * SUM
  out[at + 2] = (sums0 - 2 * sums1 + sums2) * SUM * BEND
  out[at + 3] = (bend0 - bend2) * BEND * SLOPE
  out[at + 4] = (slope0 - 2 * slope1 + slope2) * SLOPE * BEND
  out[at + 5] = (bend0 - 2 * bend1 + bend2) * BEND * BEND
  return sums0 + sums1 + sums2
}

/**
 * Variance about zero of the first n values, outliers clipped.
 * @param sigma a first guess
 */
export function clippedVariance(values: Float32Array, n: number, sigma: number): { variance: number; count: number } {
  let variance = sigma * sigma
  let count = 0
  for (let round = 0; round < 4; round++) {
    const limit = CLIP * CLIP * variance
    let squares = 0
    count = 0
    for (let i = 0; i < n; i++) {
      const square = values[i] * values[i]
      if (square > limit) continue
      squares += square
      count++
    }
    variance = count > 0 ? squares / count / CLIPPED_SHARE : 0
  }
  return { variance, count }
}
