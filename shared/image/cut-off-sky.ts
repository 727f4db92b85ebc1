const SAMPLE = 60_000 // pixels that tell
const LEAST_SHARE = 0.01 // of the pixels at the lowest value: the sky is cut off 2.3 σ below its level, or higher
const STRAY = 0.01 // share of the pixels below the value: defects
const ISLANDS = 0.02 // of the pixels that are brighter end at one at the value: stars and spikes, not what a blank region leaves
const MOST_SIGMA = 3.5 // the value lies that far below the sky at most: else it is that of blank or dead pixels

/** A sky that was cut off: the value that all darker pixels were given, and their share. */
export interface CutOff {
  valueAdu: number
  share: number
}

/** Share of the pixels at or below the cut beyond which stars are all that is left. */
export const MOST_CUT = 0.9
/** And beyond which no flux is right any more: at two thirds zero points are a fifth of a magnitude off. */
export const MOST_MEASURED_CUT = 0.6

/**
 * Whether the darker part of the sky's noise is missing, as where a dark frame was taken off and what fell below zero was
 * set to zero: pixels pile up at one value, hardly any are below, and it lies within the noise of the sky. Pixels whose
 * neighbour has that value too do not count, so that blank borders are not taken for it. A sky without any noise was cut
 * off above it, where only stars stick out.
 *
 * @param skyAdu,skySigmaAdu level and noise of the sky
 */
export function findCutOff(pixels: Float32Array, skyAdu: number, skySigmaAdu: number): CutOff | undefined {
  const stride = Math.max(1, Math.floor(pixels.length / SAMPLE) | 1)
  const valueAdu = commonestBelow(pixels, stride, skyAdu)
  if (!(skyAdu - valueAdu <= MOST_SIGMA * skySigmaAdu)) return undefined
  let all = 0
  let below = 0
  let alone = 0
  let next = Number.POSITIVE_INFINITY
  for (let i = 0; i + 1 < pixels.length; i += stride) {
    const value = pixels[i]
    if (!Number.isFinite(value)) continue
    all++
    if (value < valueAdu) below++
    else if (value > valueAdu) next = Math.min(next, value)
    else if (pixels[i + 1] !== valueAdu) alone++
  }
  if (below > STRAY * all) return undefined
  if (skySigmaAdu === 0) return starsAlone(pixels, stride, valueAdu)
  if (!(alone > LEAST_SHARE * all)) return undefined
  // A pile: more than what lies in the quarter σ above, or in the next step of coarse counts.
  const limit = Math.max(valueAdu + skySigmaAdu / 4, next)
  let above = 0
  let at = 0
  for (let i = 0; i + 1 < pixels.length; i += stride) {
    if (pixels[i] === valueAdu) at++
    else if (pixels[i] > valueAdu && pixels[i] <= limit) above++
  }
  return alone > above ? { valueAdu, share: at / all } : undefined
}

/** The cut above the sky: all is at the value but small islands. */
function starsAlone(pixels: Float32Array, stride: number, valueAdu: number): CutOff | undefined {
  let all = 0
  let brighter = 0
  let ends = 0
  for (let i = 0; i + 1 < pixels.length; i += stride) {
    if (!Number.isFinite(pixels[i])) continue
    all++
    if (!(pixels[i] > valueAdu)) continue
    brighter++
    if (pixels[i + 1] === valueAdu) ends++
  }
  return ends > ISLANDS * brighter ? { valueAdu, share: (all - brighter) / all } : undefined
}

/** The commonest value at or below the sky, of the pixels at hand. */
function commonestBelow(pixels: Float32Array, stride: number, skyAdu: number): number {
  const counts = new Map<number, number>()
  let commonest = Number.NaN
  let most = 0
  for (let i = 0; i < pixels.length; i += stride) {
    const value = pixels[i]
    if (!(value <= skyAdu)) continue
    const count = (counts.get(value) ?? 0) + 1
    counts.set(value, count)
    if (count > most) {
      most = count
      commonest = value
    }
  }
  return commonest
}

/** How much of a sky is lost, for a reader. */
export function cutOffInWords({ valueAdu, share }: CutOff): string {
  return `${Math.floor(100 * share)} % of the pixels have the lowest value, ${valueAdu}`
}
