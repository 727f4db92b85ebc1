import { medianInPlace } from '#shared/numeric/robust.ts'
import { MASK } from './frame.ts'
import { flanksOfStars, neighbourOffsets, ringMedian } from './star-flanks.ts'

const WIDEST = 4 // pixels along an axis: what is longer is the core of a star, or its trail
const HALF_A_STAR = 0.5 // what a camera makes has less than half the flanks of the frame's sharpest stars
const DEAD_SIGMA = 6 // below the lowest of its neighbours
const RING_REACH = 3

/**
 * Mark what no optics can make: saturated pixels, alone or few together, around which no star's light falls off; and
 * pixels far darker than all their neighbours. Saturated ones lose that mark, so that nothing takes them for a star's
 * core, and become `bad`, as the dark ones do.
 *
 * @param saturated the saturated pixels of the mask
 * @param skySigmaAdu noise of a sky pixel, ADU
 */
export function markHotPixels(
  pixels: Float32Array,
  mask: Uint8Array,
  width: number,
  height: number,
  saturated: readonly number[],
  skySigmaAdu: number,
): void {
  if (!(skySigmaAdu > 0) || Math.min(width, height) <= 2 * RING_REACH) return
  markDead(pixels, mask, width, height, DEAD_SIGMA * skySigmaAdu)
  if (saturated.length === 0) return
  const flanks = flanksOfStars(pixels, mask, width, height, skySigmaAdu)
  const offsets = neighbourOffsets(width)
  const seen = new Set<number>()
  const blob: number[] = []
  const ring: number[] = []
  const scratch = new Float32Array(8 * WIDEST * WIDEST)
  const hot: number[] = []
  for (const start of saturated) {
    if (seen.has(start)) continue
    flood(start, mask, width, offsets, seen, blob, ring)
    if (!isSmall(blob, width) || ring.length === 0 || ring.length > scratch.length) continue
    for (let k = 0; k < ring.length; k++) scratch[k] = pixels[ring[k]]
    const around = medianInPlace(scratch, ring.length)
    const sky = ringMedian(pixels, width, inside(blob[0], width, height), scratch)
    const lowest = blob.reduce((least, i) => Math.min(least, pixels[i]), Number.POSITIVE_INFINITY)
    if (around - sky < HALF_A_STAR * stepDown(flanks, blob.length) * (lowest - sky)) hot.push(...blob)
  }
  for (const i of hot) mask[i] = (mask[i] & ~MASK.saturated) | MASK.bad
}

/**
 * What a star has left of its light one pixel farther out, at the edge of a core of so many pixels: of a Gaussian the
 * power 2 r + 1 of what is left one pixel from its middle, r being the radius of the core's outermost pixels.
 */
function stepDown(flanks: number, corePixels: number): number {
  return flanks ** Math.max(1, 2 * Math.sqrt(corePixels / Math.PI))
}

/** The saturated pixels that touch one, and those beside, above and below them that are not saturated. */
function flood(
  start: number,
  mask: Uint8Array,
  width: number,
  offsets: readonly number[],
  seen: Set<number>,
  blob: number[],
  ring: number[],
): void {
  blob.length = ring.length = 0
  blob.push(start)
  seen.add(start)
  for (let k = 0; k < blob.length; k++)
    for (const offset of offsets) {
      const i = blob[k] + offset
      // beyond the edge: of the mask, or of its row
      if (i < 0 || i >= mask.length || Math.abs((i % width) - (blob[k] % width)) > 1) continue
      if ((mask[i] & MASK.saturated) === 0) {
        if (Math.abs(offset) === 1 || Math.abs(offset) === width) ring.push(i)
      } else if (!seen.has(i)) {
        seen.add(i)
        blob.push(i)
      }
    }
}

/** The pixel, or the nearest to it whose ring lies on the frame. */
function inside(i: number, width: number, height: number): number {
  const within = (value: number, size: number) => Math.min(size - 1 - RING_REACH, Math.max(RING_REACH, value))
  return within(Math.floor(i / width), height) * width + within(i % width, width)
}

function isSmall(blob: readonly number[], width: number): boolean {
  if (blob.length > WIDEST * WIDEST) return false
  const columns = blob.map(i => i % width)
  const rows = blob.map(i => Math.floor(i / width))
  const [left, right] = [Math.min(...columns), Math.max(...columns)]
  const [low, high] = [Math.min(...rows), Math.max(...rows)]
  return right - left < WIDEST && high - low < WIDEST
}

/** A minimum that deep in its eight neighbours is no gap between stars: light falls off to all sides of them. */
function markDead(p: Float32Array, mask: Uint8Array, width: number, height: number, depth: number): void {
  const offsets = neighbourOffsets(width)
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x
      const limit = p[i] + depth
      if (p[i - 1] < limit || p[i + 1] < limit || p[i - width] < limit || p[i + width] < limit) continue
      if (mask[i] === 0 && offsets.every(offset => p[i + offset] > limit)) mask[i] |= MASK.bad
    }
}
