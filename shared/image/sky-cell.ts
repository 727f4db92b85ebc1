import { normalQuantile, selectInPlace } from '#shared/numeric/robust.ts'
import { MOST_CUT } from './cut-off-sky.ts'
import type { Frame } from './frame.ts'
import { BINS, type SkyHistograms, STEP_BINS } from './sky-histograms.ts'

const CLIP_SIGMA = 3
const CLIP_ROUNDS = 5
const NORMAL_CUT = 0.98658 // what a normal cut at ±3 σ has left of its scatter
const SKEW_LIMIT = 0.3 // |mean − median| / σ beyond which a cell is crowded and the mode estimate fails (Da Costa 1992)
const SAMPLE = 255 // pixels that tell where the histogram lies
const BINS_PER_SIGMA = 16
const SECOND_DIFFERENCE = Math.sqrt(6) // a second difference of independent pixels has six times their variance
const ROUNDING_NOISE = 1 / Math.sqrt(12) // of a value that is written in steps of 1
const CUT_BELOW = 0.01 // share of the pixels that lie below the middle of a sky that is cut off there
const FLOAT32_ROUNDING = 2 ** -22 // of the difference of two pixels, relative to them
const FINEST_COUNT = 1024 // counts in the noise of a pixel, beyond which bins hold enough of them
const TELLING = 64 // pixels of a sample that tell what a count is worth
const FEWEST = 8

/** Sky of one cell of a frame; NaN where too few pixels are good. */
export interface SkyCell {
  level: number
  rms: number
}

const sample = new Float32Array(SAMPLE)

/**
 * Level and noise of the sky in a cell: mode and scatter after clipping, 2.5 median − 1.5 mean where the cell is not
 * crowded, else the median (Bertin & Arnouts 1996, §3). The noise is that of second differences of pixels two columns
 * apart where that is less, so that structure inside the cell does not pass for noise.
 *
 * All is told by two histograms with steps of σ/16, or of so many counts where pixels are counts, in whatever unit: the
 * pixels are passed over once, however many rounds of clipping there are.
 *
 * @param histograms holds the lines of the cell
 * @param goodShare least part of the pixels that has to be good
 */
export function measureSkyCell(
  histograms: SkyHistograms,
  x0: number,
  x1: number,
  goodShare: number,
  into: SkyCell,
): void {
  into.level = into.rms = Number.NaN
  const { frame, y0, y1, levels } = histograms
  const sampled = takeSample(frame, x0, x1, y0, y1)
  if (sampled < FEWEST) return
  const middle = selectInPlace(sample, sampled >> 1, sampled)
  // Stars only brighten: the lower half, which now stands in front, tells the noise of the sky.
  const below = middle - selectInPlace(sample, Math.floor(sampled * 0.158655), sampled >> 1)
  // Where a third of the pixels are alike, their steps are coarser than the noise, or the sky was cut off at its middle.
  const leastStep = below > 0 ? 0 : stepFrom(middle, sampled)
  const rough = below || leastStep || 1
  const count = latticeOf(middle, Math.min(sampled, TELLING), rough)
  const step = count > 0 ? count * Math.max(1, Math.round(rough / BINS_PER_SIGMA / count)) : rough / BINS_PER_SIGMA
  // bins of counts begin between two of them
  const start = middle - count / 2 - (BINS / 2) * step
  const perStepBin = BINS_PER_SIGMA / (SECOND_DIFFERENCE * rough)
  const { good, steps } = histograms.count(x0, x1, { start, perBin: 1 / step, perStepBin })
  if (good < FEWEST || good < goodShare * (x1 - x0) * histograms.lines) return
  if (below === 0 && cutOffSky(middle, sampled, into)) return
  const sigma = clippedMode(levels, start, step, middle, rough, into)
  const ofSteps = steps < FEWEST ? Number.NaN : differenceSigma(histograms.steps, 1 / perStepBin, sigma)
  into.rms = Math.max(ofSteps < sigma ? ofSteps : sigma, leastStep * ROUNDING_NOISE)
}

/**
 * Level and noise of a sky whose darker half is not there, as where a dark frame was taken off and what fell below zero
 * was set to zero: the quantiles above the cut are those of the whole. The level is the mean of what is left.
 *
 * @returns false where the sky is not cut off, or too little is left of it
 */
function cutOffSky(cut: number, sampled: number, into: SkyCell): boolean {
  let below = 0
  let atCut = 0
  for (let i = 0; i < sampled; i++) {
    if (sample[i] < cut) below++
    else if (sample[i] === cut) atCut++
  }
  const share = (below + atCut) / sampled
  if (below > CUT_BELOW * sampled || share > MOST_CUT) return false
  const [low, high] = [share + 0.2 * (1 - share), share + 0.6 * (1 - share)]
  const from = selectInPlace(sample, Math.floor(low * sampled), sampled)
  const to = selectInPlace(sample, Math.floor(high * sampled), sampled)
  const sigma = (to - from) / (normalQuantile(high) - normalQuantile(low))
  if (!(sigma > 0)) return false
  const mean = from - normalQuantile(low) * sigma - cut
  const density = Math.exp(-((mean / sigma) ** 2) / 2) / Math.sqrt(2 * Math.PI)
  into.level = cut + mean * (1 - share) + sigma * density
  into.rms = sigma
  return true
}

/**
 * What one count of the converter is worth: the greatest value that all pixels of the sample differ by whole multiples of. A
 * bin that is not a whole number of counts wide holds now one more of them, now one less.
 *
 * @returns 0 where the pixels are no counts, or where counts are so fine that nobody can tell
 */
function latticeOf(middle: number, sampled: number, rough: number): number {
  const rounding = FLOAT32_ROUNDING * (Math.abs(middle) + BINS_PER_SIGMA * rough)
  const finest = Math.max(rough / FINEST_COUNT, 64 * rounding)
  let count = 0
  let countErr = 0
  for (let i = 0; i < sampled; i++) {
    let whole = Math.abs(sample[i] - middle)
    if (!(whole > rounding && whole < BINS_PER_SIGMA * rough)) continue // a star is rounded more coarsely
    let wholeErr = rounding
    let part = count || whole
    let partErr = count ? countErr : rounding
    // Euclid's algorithm; what rounding may have left is no remainder
    for (;;) {
      const times = Math.round(whole / part)
      const rest = Math.abs(whole - times * part)
      const restErr = wholeErr + times * partErr
      if (rest <= restErr) {
        if (times * partErr > wholeErr) [part, partErr] = [whole / times, wholeErr / times]
        break
      }
      ;[whole, wholeErr, part, partErr] = [part, partErr, rest, restErr]
      if (part < finest) return 0
    }
    count = part
    countErr = partErr
  }
  return count
}

/** From a value to the nearest other one in the sample. */
function stepFrom(value: number, sampled: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < sampled; i++) if (sample[i] !== value) least = Math.min(least, Math.abs(sample[i] - value))
  return least < Number.POSITIVE_INFINITY ? least : 0
}

/** Good pixels spread over the cell. */
function takeSample({ width, pixels, mask }: Frame, x0: number, x1: number, y0: number, y1: number): number {
  const columns = x1 - x0
  const all = columns * (y1 - y0)
  // no divisor of usual widths, so that the places wander over the columns
  const stride = Math.max(1, Math.floor(all / SAMPLE) | 1)
  let taken = 0
  let line = y0 * width + x0
  for (let k = 0, column = 0; k < all && taken < SAMPLE; k += stride, column += stride) {
    while (column >= columns) {
      column -= columns
      line += width
    }
    const value = pixels[line + column]
    if (mask[line + column] === 0 && Math.abs(value) < 1e30) sample[taken++] = value
  }
  return taken
}

/** Writes the level; returns the scatter about it. */
function clippedMode(
  histogram: Int32Array,
  start: number,
  step: number,
  middle: number,
  rough: number,
  into: SkyCell,
): number {
  let sigma = rough
  let centre = middle
  let mean = middle
  for (let round = 0; round < CLIP_ROUNDS; round++) {
    const from = Math.max(0, Math.floor((centre - CLIP_SIGMA * sigma - start) / step + 0.5))
    const to = Math.min(BINS, Math.floor((centre + CLIP_SIGMA * sigma - start) / step + 0.5))
    let count = 0
    let sum = 0
    let squares = 0
    for (let bin = from; bin < to; bin++) {
      const n = histogram[bin]
      const offset = bin - BINS / 2
      count += n
      sum += n * offset
      squares += n * offset * offset
    }
    if (count === 0) break
    const before = sigma
    const average = sum / count
    mean = start + (average + BINS / 2 + 0.5) * step
    sigma = (Math.sqrt(Math.max(squares / count - average * average, 1e-12)) * step) / NORMAL_CUT
    let below = 0
    let bin = from
    while (below + histogram[bin] < count / 2) below += histogram[bin++]
    centre = start + (bin + (count / 2 - below) / histogram[bin]) * step
    if (Math.abs(sigma - before) < 1e-3 * sigma) break
  }
  const skewed = Math.abs(mean - centre) > SKEW_LIMIT * sigma
  into.level = skewed ? centre : 2.5 * centre - 1.5 * mean
  return sigma
}

/** Noise of a pixel from the clipped second differences. @param width of a bin */
function differenceSigma(stepHistogram: Int32Array, width: number, sigma: number): number {
  let scatter = sigma
  for (let round = 0; round < 6; round++) {
    const last = Math.min(STEP_BINS, Math.floor((CLIP_SIGMA * SECOND_DIFFERENCE * scatter) / width + 0.5))
    let count = 0
    let squares = 0
    for (let bin = 0; bin < last; bin++) {
      count += stepHistogram[bin]
      squares += stepHistogram[bin] * (bin + 0.5) * (bin + 0.5)
    }
    if (count === 0) return Number.NaN
    const now = (Math.sqrt(squares / count) * width) / SECOND_DIFFERENCE / NORMAL_CUT
    const settled = Math.abs(now - scatter) < 1e-3 * scatter
    scatter = now
    if (settled) break
  }
  return scatter
}
