import { MAD_TO_SIGMA, medianInPlace } from '#shared/numeric/robust.ts'
import { CELL_PX, clippedVariance, type SkyCells } from './sky-noise.ts'

/** Noise of pixels that starlight lifts above the sky, by level. */
export interface LitPoint {
  /** Mean level, ADU, and the mean square of its height above the sky, ADU². */
  level: number
  squaredHeight: number
  variance: number
  /** 1 σ of the variance, as far as counting tells it. */
  err: number
}

const FILTER = [1, -4, 6, -4, 1] // of pixel differences the fourth, in both directions
const FILTER_NORM = 4900 // sum of the squared weights of the two-dimensional filter
const STEP = 2 // the responses two pixels apart tell as much as all of them, which share most of their pixels
const INDEPENDENT = 1 / 1.75 // share of them that count (sum of squared correlations)
const LIT_FROM = 2 // σ of a pixel above the sky from which on light counts
const NEARLY_LIT = 0.5 // share of it that the nine inner pixels must have
const BINS_PER_DECADE = 10
const MIN_PIXELS = 30

/**
 * The noise of the pixels of stars, by level. The filter [1,−4,6,−4,1] × [1,−4,6,−4,1] sees the checkerboard in the
 * image, which optics hardly let through: a star sampled by two pixels or more leaves little but its noise, of which the
 * response has the variance of one pixel at the level that the squared weights give.
 *
 * @param sky its cells tell what is above the sky
 * @param sigma noise of a sky pixel, ADU
 */
export function litPoints(
  pixels: Float32Array,
  width: number,
  height: number,
  ceilingAdu: number,
  sky: SkyCells,
  sigma: number,
): LitPoint[] {
  const bins: { level: number[]; height: number[]; response: number[] }[] = []
  const columns = new Float32Array(width) // sums of three pixels above each other
  for (let y = 2; y < height - 2; y += STEP) {
    for (let x = 0, i = y * width; x < width; x++, i++) columns[x] = pixels[i - width] + pixels[i] + pixels[i + width]
    const row = Math.floor(y / CELL_PX) * sky.across
    for (let x = 2; x < width - 2; x += STEP) {
      const i = y * width + x
      const skyLevel = sky.level[row + Math.floor(x / CELL_PX)]
      // Light is chosen by means, of which the response knows nothing: of nine pixels first, of all 25 then.
      const nine = columns[x - 1] + columns[x] + columns[x + 1]
      if (!(nine > 9 * (skyLevel + NEARLY_LIT * LIT_FROM * sigma))) continue
      let [mean, level, response, top] = [0, 0, 0, 0]
      for (let v = -2; v <= 2; v++)
        for (let u = -2; u <= 2; u++) {
          const value = pixels[i + v * width + u]
          const weight = FILTER[v + 2] * FILTER[u + 2]
          mean += value
          level += weight * weight * value
          response += weight * value
          if (!(value <= top)) top = value
        }
      const lit = mean / 25 - skyLevel
      if (!(lit > LIT_FROM * sigma) || !(top < ceilingAdu)) continue
      const bin = (bins[Math.floor(Math.log10(lit / sigma) * BINS_PER_DECADE)] ??= {
        level: [],
        height: [],
        response: [],
      })
      bin.level.push(level / FILTER_NORM)
      bin.height.push(level / FILTER_NORM - skyLevel)
      bin.response.push(response / Math.sqrt(FILTER_NORM))
    }
  }
  return bins.flatMap(bin => {
    if (!bin || bin.level.length < MIN_PIXELS) return []
    const responses = Float32Array.from(bin.response)
    const sizes = responses.map(Math.abs)
    const { variance, count } = clippedVariance(responses, responses.length, MAD_TO_SIGMA * medianInPlace(sizes))
    const n = bin.level.length
    return [
      {
        level: bin.level.reduce((sum, value) => sum + value, 0) / n,
        squaredHeight: bin.height.reduce((sum, value) => sum + value * value, 0) / n,
        variance,
        err: variance * Math.sqrt(2 / (INDEPENDENT * count)),
      },
    ]
  })
}
