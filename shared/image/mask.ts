import { markBadColumns } from './bad-columns.ts'
import { markCosmicRays } from './cosmic-rays.ts'
import { type Detector, MASK } from './frame.ts'
import { markHotPixels } from './hot-pixels.ts'

const TRAIL_PX = 5 // a run of this many saturated pixels is a bleed trail or a wide core
const TRAIL_GROWTH_PX = 2 // the pixels at its ends hold what ran over

/**
 * The mask of a frame: NaN, saturated pixels and the ends of their trails, bad columns, cosmic rays and hot pixels.
 * Cautious: what is not clearly bad stays.
 *
 * @param pixels row-major ADU
 * @param skySigmaAdu noise of a sky pixel, ADU
 */
export function buildMask(
  pixels: Float32Array,
  width: number,
  height: number,
  detector: Detector,
  skySigmaAdu: number,
): Uint8Array {
  const mask = new Uint8Array(pixels.length)
  const { saturationAdu } = detector
  const saturated: number[] = []
  const columns = new Set<number>()
  const rows = new Set<number>()
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i]
    if (value < saturationAdu && value > Number.NEGATIVE_INFINITY) continue
    mask[i] = Number.isFinite(value) ? MASK.saturated : MASK.bad
    if (mask[i] === MASK.bad) continue
    saturated.push(i)
    columns.add(i % width)
    rows.add(Math.floor(i / width))
  }
  markHotPixels(pixels, mask, width, height, saturated, skySigmaAdu)
  for (const y of rows) growTrails(mask, y * width, width, 1)
  for (const x of columns) growTrails(mask, x, height, width)
  markBadColumns(pixels, mask, width, height, skySigmaAdu)
  markCosmicRays(pixels, mask, width, height, detector, skySigmaAdu)
  return mask
}

/** Lengthen the runs of saturated pixels along a row or column that begins at `base`; `step` goes from pixel to pixel. */
function growTrails(mask: Uint8Array, base: number, length: number, step: number): void {
  let run = 0
  for (let k = 0; k <= length; k++) {
    if (k < length && mask[base + k * step] & MASK.saturated) {
      run++
      continue
    }
    if (run >= TRAIL_PX) {
      const first = k - run
      for (let g = 1; g <= TRAIL_GROWTH_PX; g++) {
        if (first - g >= 0) mask[base + (first - g) * step] |= MASK.saturated
        if (k + g - 1 < length) mask[base + (k + g - 1) * step] |= MASK.saturated
      }
      k += TRAIL_GROWTH_PX - 1
    }
    run = 0
  }
}
