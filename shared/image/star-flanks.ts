import { medianInPlace, quantile } from '#shared/numeric/robust.ts'

const STAR_PEAK = 20 // σ from which on a peak shows its flanks
const MIN_STARS = 10
const FLANKS_IF_UNKNOWN = 0.1 // a star of FWHM 1.2 pixels centred on one
const REACH = 3 // pixels that are looked at around a peak

/** The flanks of the sharpest stars, as a share of their peak above the sky, from the bright peaks of the frame. */
export function flanksOfStars(
  p: Float32Array,
  mask: Uint8Array,
  width: number,
  height: number,
  skySigma: number,
): number {
  const scratch = new Float32Array(24)
  const shares: number[] = []
  const needed = STAR_PEAK * skySigma
  for (let y = REACH + 1; y < height - REACH - 1; y++)
    for (let x = REACH + 1; x < width - REACH - 1; x++) {
      const i = y * width + x
      const c = p[i]
      // Few pixels pass the first comparison, so that it is a branch that the processor guesses right.
      if (c - p[i - 3] < needed || c - p[i + 3 * width] < needed || c < p[i - 1] || c < p[i + 1]) continue
      if (mask[i] !== 0 || neighbourOffsets(width).some(offset => p[i + offset] > c)) continue
      const sky = ringMedian(p, width, i, scratch)
      if (c - sky < needed) continue
      const share = (lowerFlanks(p, width, i) - sky) / (c - sky)
      if (share > FLANKS_IF_UNKNOWN / 2) shares.push(share)
    }
  return shares.length < MIN_STARS ? FLANKS_IF_UNKNOWN : quantile(shares, 0.05)
}

/** From a pixel to the eight around it. */
export const neighbourOffsets = (width: number) => [
  ...[-width - 1, -width, -width + 1],
  ...[-1, 1],
  ...[width - 1, width, width + 1],
]

/** Median of the 24 pixels three rows or columns away. */
export function ringMedian(p: Float32Array, width: number, i: number, scratch: Float32Array): number {
  let n = 0
  for (let k = -3; k <= 3; k++) {
    scratch[n++] = p[i - 3 * width + k]
    scratch[n++] = p[i + 3 * width + k]
  }
  for (let k = -2; k <= 2; k++) {
    scratch[n++] = p[i + k * width - 3]
    scratch[n++] = p[i + k * width + 3]
  }
  return medianInPlace(scratch, n)
}

/** Mean of the two neighbours above and below, or left and right, whichever is lower: a star shines on both axes. */
export function lowerFlanks(p: Float32Array, width: number, i: number): number {
  return Math.min(p[i - 1] + p[i + 1], p[i - width] + p[i + width]) / 2
}
