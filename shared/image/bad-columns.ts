import { median, medianInPlace } from '#shared/numeric/robust.ts'
import { MASK } from './frame.ts'

const SEGMENT_ROWS = 32
const SIGNIFICANT = 8 // times the error of a segment's median
const MIN_SEGMENTS = 4 // a star's spike is shorter
const MIN_SIGMA_SHARE = 0.4 // a column off by less than this share of the noise spoils no star

/**
 * Mark columns that are dark or bright against their neighbours over at least 128 rows, from where the defect begins to
 * where it ends (to within a segment of 32 rows). Adds `bad` to the mask.
 */
export function markBadColumns(
  pixels: Float32Array,
  mask: Uint8Array,
  width: number,
  height: number,
  skySigmaAdu: number,
): void {
  const segments = Math.floor(height / SEGMENT_ROWS)
  if (segments < MIN_SEGMENTS || width < 16) return
  const levels = segmentMedians(pixels, mask, width, segments)
  const error = (1.2533 * skySigmaAdu) / Math.sqrt(SEGMENT_ROWS)
  const limit = Math.max(SIGNIFICANT * error, MIN_SIGMA_SHARE * skySigmaAdu)
  const off = new Int8Array(segments)
  for (let x = 0; x < width; x++) {
    for (let s = 0; s < segments; s++) {
      const difference = levels[s * width + x] - neighbours(levels, width, s, x)
      off[s] = difference > limit ? 1 : difference < -limit ? -1 : 0
    }
    markRuns(mask, width, height, x, off)
  }
}

function segmentMedians(pixels: Float32Array, mask: Uint8Array, width: number, segments: number): Float32Array {
  const levels = new Float32Array(segments * width)
  const column = new Float32Array(SEGMENT_ROWS)
  for (let s = 0; s < segments; s++)
    for (let x = 0; x < width; x++) {
      let n = 0
      for (let y = s * SEGMENT_ROWS; y < (s + 1) * SEGMENT_ROWS; y++)
        if (mask[y * width + x] === 0) column[n++] = pixels[y * width + x]
      levels[s * width + x] = n >= SEGMENT_ROWS / 2 ? medianInPlace(column, n) : Number.NaN
    }
  return levels
}

const OFFSETS = [-4, -3, -2, 2, 3, 4] as const // not the nearest: a bad column's charge may touch them

function neighbours(levels: Float32Array, width: number, segment: number, x: number): number {
  return median(OFFSETS.flatMap(dx => (x + dx >= 0 && x + dx < width ? levels[segment * width + x + dx] : [])))
}

function markRuns(mask: Uint8Array, width: number, height: number, x: number, off: Int8Array): void {
  for (let start = 0; start < off.length; ) {
    let end = start + 1
    while (end < off.length && off[end] === off[start]) end++
    if (off[start] !== 0 && end - start >= MIN_SEGMENTS) {
      // The defect may begin inside the segment before, and runs through the rows left over behind the last one.
      const from = Math.max(0, (start - 1) * SEGMENT_ROWS)
      const to = end === off.length ? height : Math.min(height, (end + 1) * SEGMENT_ROWS)
      for (let y = from; y < to; y++) mask[y * width + x] |= MASK.bad
    }
    start = end
  }
}
