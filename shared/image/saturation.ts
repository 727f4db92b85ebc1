/** Where the pixels of a camera end, as far as the pixels of one frame tell. */
export interface SaturationEstimate {
  saturationAdu: number
  how: 'plateau' | 'digital range'
  words: string
}

const BINS = 400
const SEARCHED_SHARE = 0.4 // a plateau below this share of the highest pixel would be the sky, not the end of the range
const PILE_UP = 5 // times the pixels that the falling histogram lets expect
const MIN_PILED_UP = 5
const FEW_ABOVE = 0.5 // pixels above a plateau, as a share of it: cosmic rays and blooming, no stars

/**
 * The saturation level from the histogram's upper end: a pile-up of equal values where full wells or the converter end,
 * else the range of a 12, 14 or 16-bit converter that holds all values.
 *
 * @param pixels ADU as delivered; NaN and infinities allowed
 * @param integers whether they are the camera's own counts
 */
export function estimateSaturation(pixels: Float32Array, integers: boolean): SaturationEstimate {
  let top = Number.NEGATIVE_INFINITY
  for (let i = 0; i < pixels.length; i++) if (pixels[i] > top && pixels[i] < Number.POSITIVE_INFINITY) top = pixels[i]
  const bottom = SEARCHED_SHARE * top
  const histogram = new Float64Array(BINS)
  const perAdu = BINS / (top - bottom)
  for (let i = 0; i < pixels.length; i++)
    if (pixels[i] >= bottom && pixels[i] <= top)
      histogram[Math.min(BINS - 1, Math.floor((pixels[i] - bottom) * perAdu))]++

  const plateau = findPlateau(histogram)
  if (plateau !== undefined) {
    const low = bottom + plateau / perAdu
    const high = plateau === BINS - 1 ? top : bottom + (plateau + 1) / perAdu
    const values = valuesWithin(pixels, low, high).sort()
    // The lowest twentieth of the bin are stars on their way up.
    const saturationAdu = values[Math.floor(values.length / 20)]
    return { saturationAdu, how: 'plateau', words: `${values.length} pixels pile up there` }
  }
  const range = integers ? [4095, 16_383, 65_535].find(limit => top <= limit) : undefined
  if (range)
    return {
      saturationAdu: range,
      how: 'digital range',
      words: `largest count of a ${Math.log2(range + 1)}-bit converter`,
    }
  return {
    saturationAdu: Math.max(top * 1.05, 1),
    how: 'digital range',
    words: 'just above the highest pixel: none is saturated',
  }
}

function valuesWithin(pixels: Float32Array, low: number, high: number): Float32Array {
  const values: number[] = []
  for (let i = 0; i < pixels.length; i++) if (pixels[i] >= low && pixels[i] <= high) values.push(pixels[i])
  return Float32Array.from(values)
}

/** The bin, from the top, that holds far more than the bins below it let expect and than all above it. */
function findPlateau(histogram: Float64Array): number | undefined {
  let above = 0
  for (let bin = histogram.length - 1; bin > 10; bin--) {
    const here = histogram[bin]
    let below = 0
    for (let k = 2; k <= 9; k++) below += histogram[bin - k] / 8
    if (here >= MIN_PILED_UP && here > PILE_UP * (below + 1) && above <= FEW_ABOVE * here) return bin
    above += here
  }
  return undefined
}
