import { median, medianInPlace } from '#shared/numeric/robust.ts'
import { MASK } from './frame.ts'

const SEGMENT_ROWS = 32
const SIGNIFICANT = 8 // times the error of a segment's median
const MIN_SEGMENTS = 4 // a star's spike is shorter
const ONE_SIDED_ROWS = 26 // of 32: a good column is so one-sided in 2 of 10 000 segments
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
  const suspects = suspectColumns(pixels, width, segments)
  const error = (1.2533 * skySigmaAdu) / Math.sqrt(SEGMENT_ROWS)
  const limit = Math.max(SIGNIFICANT * error, MIN_SIGMA_SHARE * skySigmaAdu)
  const off = new Int8Array(segments)
  for (const x of suspects) {
    for (let s = 0; s < segments; s++) {
      const level = segmentMedian(pixels, mask, width, s, x)
      const around = median(
        OFFSETS.filter(dx => x + dx >= 0 && x + dx < width).map(dx => segmentMedian(pixels, mask, width, s, x + dx)),
      )
      off[s] = level - around > limit ? 1 : level - around < -limit ? -1 : 0
    }
    markRuns(mask, width, height, x, off)
  }
}

/**
 * Columns in which several segments lie nearly always on one side of the columns two away: a count of signs, so cheap
 * that the medians are needed for a handful of columns only.
 */
function suspectColumns(pixels: Float32Array, width: number, segments: number): number[] {
  const lower = new Uint8Array(width)
  const suspicious = new Uint16Array(width)
  for (let s = 0; s < segments; s++) {
    lower.fill(0)
    for (let y = s * SEGMENT_ROWS; y < (s + 1) * SEGMENT_ROWS; y++) {
      const row = y * width
      for (let x = 2; x < width - 2; x++)
        if (2 * pixels[row + x] < pixels[row + x - 2] + pixels[row + x + 2]) lower[x]++
    }
    for (let x = 2; x < width - 2; x++)
      if (lower[x] >= ONE_SIDED_ROWS || lower[x] <= SEGMENT_ROWS - ONE_SIDED_ROWS) suspicious[x]++
  }
  return Array.from(suspicious.keys()).filter(x => suspicious[x] >= MIN_SEGMENTS - 1)
}

const column = new Float32Array(SEGMENT_ROWS)

function segmentMedian(pixels: Float32Array, mask: Uint8Array, width: number, segment: number, x: number): number {
  let n = 0
  for (let y = segment * SEGMENT_ROWS; y < (segment + 1) * SEGMENT_ROWS; y++)
    if (mask[y * width + x] === 0) column[n++] = pixels[y * width + x]
  return n >= SEGMENT_ROWS / 2 ? medianInPlace(column, n) : Number.NaN
}

const OFFSETS = [-4, -3, -2, 2, 3, 4] as const // not the nearest: a bad column's charge may touch them

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
