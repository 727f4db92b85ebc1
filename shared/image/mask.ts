import { markBadColumns } from './bad-columns.ts'
import { markCosmicRays } from './cosmic-rays.ts'
import { type Detector, MASK } from './frame.ts'

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
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i]
    if (value < saturationAdu && value > Number.NEGATIVE_INFINITY) continue
    mask[i] = Number.isFinite(value) ? MASK.saturated : MASK.bad
  }
  growTrails(mask, width, height, 1, width)
  growTrails(mask, height, width, width, 1)
  markBadColumns(pixels, mask, width, height, skySigmaAdu)
  markCosmicRays(pixels, mask, width, height, detector, skySigmaAdu)
  return mask
}

/** Lengthen runs of saturated pixels along one axis; `lineStep` goes from line to line, `step` along a line. */
function growTrails(mask: Uint8Array, lines: number, length: number, lineStep: number, step: number): void {
  for (let line = 0; line < lines; line++) {
    const base = line * lineStep
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
}
