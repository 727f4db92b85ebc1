import { MASK } from './frame.ts'

const BLOCK_PX = 8
/** Where more neighbours than this are alike anyhow, a block of one value tells nothing: pixels in steps beyond the noise. */
const MOST_ALIKE = 0.5

/**
 * Mask what is plainly dead: areas of one and the same value, as a quadrant that was not read out, lost rows or padding.
 * Found by blocks of 8 × 8 pixels, then followed to where the value ends. The noise makes 64 equal pixels in no frame whose
 * neighbours are mostly different.
 *
 * @param pixels row-major, any unit
 * @returns how many pixels were masked
 */
export function markDeadAreas(pixels: Float32Array, mask: Uint8Array, width: number, height: number): number {
  const seeds: number[] = []
  let pairs = 0
  let alike = 0
  for (let y = 0; y + BLOCK_PX <= height; y += BLOCK_PX) {
    for (let x = 0; x + BLOCK_PX <= width; x += BLOCK_PX) {
      const first = y * width + x
      if (mask[first] === 0 && isConstant(pixels, first, width)) {
        seeds.push(first)
        continue
      }
      pairs++
      if (pixels[first] === pixels[first + 1]) alike++
    }
  }
  if (seeds.length === 0 || alike > MOST_ALIKE * pairs) return 0
  return flood(seeds, pixels, mask, width, height)
}

function isConstant(pixels: Float32Array, first: number, width: number): boolean {
  const value = pixels[first]
  for (let row = first; row < first + BLOCK_PX * width; row += width)
    for (let i = row; i < row + BLOCK_PX; i++) if (pixels[i] !== value) return false
  return true
}

/** Mask from each seed all that is connected by sides and has its value. */
function flood(seeds: number[], pixels: Float32Array, mask: Uint8Array, width: number, height: number): number {
  const open = seeds
  let masked = 0
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (mask[at] !== 0) continue
    mask[at] = MASK.bad
    masked++
    const value = pixels[at]
    const column = at % width
    if (column > 0 && pixels[at - 1] === value) open.push(at - 1)
    if (column < width - 1 && pixels[at + 1] === value) open.push(at + 1)
    if (at >= width && pixels[at - width] === value) open.push(at - width)
    if (at < width * (height - 1) && pixels[at + width] === value) open.push(at + width)
  }
  return masked
}
