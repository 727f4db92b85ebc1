import { medianInPlace } from '#shared/numeric/robust.ts'
import { type Detector, MASK } from './frame.ts'
import { flanksOfStars, lowerFlanks, neighbourOffsets, ringMedian } from './star-flanks.ts'

const SIGNIFICANCE = 6 // of the Laplacian, σ of the pixel
const GROWN_SIGNIFICANCE = 2.5 // beside a hit that is certain
const SHARPER_THAN_A_STAR = 5 // Laplacian over fine structure (van Dokkum 2001, section 3.2: 5 for undersampled frames)
const HALF_A_STAR = 0.5 // a hit has less than half the flanks that the sharpest stars of the frame have
const FLANKS_UNLIKE_STAR = 2.5 // σ by which the flanks must fall short of a star's
const ROUNDS = 3 // a second and third look finds what lay behind the edge of a thick hit
const MARGIN = 4 // pixels that the tests look at around a candidate

/**
 * Mark cosmic-ray hits and hot pixels by their edges: the Laplacian of the frame, against the noise and against the
 * fine structure that every star has and no hit (van Dokkum 2001, PASP 113, 1420). In undersampled frames that is not
 * enough: a hit must also lack the flanks that the frame's own stars have on both axes. The full tests run only at
 * pixels whose Laplacian stands out, so that the cost is one pass over the frame. Adds `cosmicRay` to the mask.
 *
 * @param pixels bad pixels and hits are filled while the search runs, and have their values back at its end
 * @param skySigmaAdu noise of a sky pixel, ADU
 */
export function markCosmicRays(
  pixels: Float32Array,
  mask: Uint8Array,
  width: number,
  height: number,
  detector: Detector,
  skySigmaAdu: number,
): void {
  if (!(skySigmaAdu > 0)) return
  const work = new Filled(pixels)
  fillBad(work, mask, width)
  findHits(work, mask, width, height, detector, skySigmaAdu)
  work.restore()
}

/** Pixels of a frame that have other values for a while: a copy of the frame would cost more than the search. */
class Filled {
  readonly pixels: Float32Array
  readonly #before = new Map<number, number>()

  constructor(pixels: Float32Array) {
    this.pixels = pixels
  }

  fill(i: number, value: number): void {
    if (!this.#before.has(i)) this.#before.set(i, this.pixels[i])
    this.pixels[i] = value
  }

  restore(): void {
    for (const [i, value] of this.#before) this.pixels[i] = value
  }
}

function findHits(
  filled: Filled,
  mask: Uint8Array,
  width: number,
  height: number,
  detector: Detector,
  skySigmaAdu: number,
): void {
  const work = filled.pixels
  const flanks = flanksOfStars(work, mask, width, height, skySigmaAdu)
  const tests = sharpness(work, width, detector, skySigmaAdu, flanks)
  let candidates = standingOut(work, mask, width, height, SIGNIFICANCE * skySigmaAdu)
  for (let round = 0; round < ROUNDS && candidates.length > 0; round++) {
    const hits = candidates.filter(i => tests.isHit(i, SIGNIFICANCE))
    const grown = hits.flatMap(i =>
      neighbourOffsets(width)
        .map(offset => i + offset)
        .filter(j => mask[j] === 0 && inside(j, width, height) && tests.isHit(j, GROWN_SIGNIFICANCE)),
    )
    const found = [...new Set([...hits, ...grown])]
    for (const i of found) mask[i] |= MASK.cosmicRay
    for (const i of found) filled.fill(i, medianOfGood(work, mask, width, i))
    const around = found.flatMap(i => neighbourOffsets(width).map(offset => i + offset))
    candidates = [...new Set(around)].filter(i => mask[i] === 0 && inside(i, width, height))
  }
}

function inside(i: number, width: number, height: number): boolean {
  const x = i % width
  const y = (i - x) / width
  return x >= MARGIN && x < width - MARGIN && y >= MARGIN && y < height - MARGIN
}

/** Fill bad pixels from the left and right, lost rows from the nearest one that is there, so that edges raise no alarm. */
function fillBad(filled: Filled, mask: Uint8Array, width: number): void {
  const lost: number[] = []
  const rows = mask.length / width
  const isLost = new Uint8Array(rows)
  for (let row = 0; row < rows; row++) {
    if (fillRow(filled, mask, row * width, width)) continue
    isLost[row] = 1
    lost.push(row)
  }
  for (const row of lost) {
    // What is farther from all that is good is never looked at.
    const nearest = nearestRows.map(step => row + step).find(other => isLost[other] === 0)
    if (nearest === undefined) continue
    for (let x = 0; x < width; x++) filled.fill(row * width + x, filled.pixels[nearest * width + x])
  }
}
const nearestRows = Array.from({ length: MARGIN }, (_, k) => [-k - 1, k + 1]).flat()

/** Fill the bad pixels of a row; false where it has no others. */
function fillRow(filled: Filled, mask: Uint8Array, row: number, width: number): boolean {
  const isBad = (i: number) => (mask[i] & MASK.bad) !== 0
  for (let i = row; i < row + width; i++) {
    if (!isBad(i)) continue
    let end = i + 1
    while (end < row + width && isBad(end)) end++
    if (end - i === width) return false
    const sides = [i - 1, end].filter(j => j >= row && j < row + width).map(j => filled.pixels[j])
    const value = sides.reduce((sum, side) => sum + side, 0) / sides.length
    for (let j = i; j < end; j++) filled.fill(j, value)
    i = end - 1
  }
  return true
}

/** Pixels whose Laplacian exceeds a limit and which lie away from edges and saturated pixels. */
function standingOut(p: Float32Array, mask: Uint8Array, width: number, height: number, limit: number): number[] {
  const found: number[] = []
  for (let y = MARGIN; y < height - MARGIN; y++)
    for (let x = MARGIN; x < width - MARGIN; x++) {
      const i = y * width + x
      // The Laplacian cannot exceed the contrast to the mean of the lower neighbours: a cheap refusal for most.
      const c = p[i]
      if (4 * c - p[i - 1] - p[i + 1] - p[i - width] - p[i + width] < 2 * limit) continue
      if (mask[i] === 0 && laplacian(p, width, i) > limit && !nearSaturated(mask, width, i)) found.push(i)
    }
  return found
}

function nearSaturated(mask: Uint8Array, width: number, i: number): boolean {
  for (let dy = -2; dy <= 2; dy++)
    for (let dx = -2; dx <= 2; dx++) if (mask[i + dy * width + dx] & MASK.saturated) return true
  return false
}

/**
 * Positive Laplacian of the frame doubled in both directions and put together again (van Dokkum 2001, eq. 5 to 9),
 * scaled so that a lone pixel gives its height.
 */
function laplacian(p: Float32Array, width: number, i: number): number {
  const twice = 2 * p[i]
  const [n, s, w, e] = [p[i - width], p[i + width], p[i - 1], p[i + 1]]
  return (
    (Math.max(0, twice - n - w) +
      Math.max(0, twice - n - e) +
      Math.max(0, twice - s - w) +
      Math.max(0, twice - s - e)) /
    8
  )
}

function sharpness(p: Float32Array, width: number, detector: Detector, skySigma: number, starFlanks: number) {
  const window = new Float32Array(49)
  const medians = new Float32Array(49)
  const { gainElectronsPerAdu: gain, readNoiseElectrons, pedestalAdu } = detector
  const readVariance = (readNoiseElectrons / gain) ** 2

  function medianOf(i: number, half: number): number {
    let n = 0
    for (let dy = -half; dy <= half; dy++) for (let dx = -half; dx <= half; dx++) window[n++] = p[i + dy * width + dx]
    return medianInPlace(window, n)
  }

  function median3Smoothed7(i: number): number {
    let n = 0
    for (let dy = -3; dy <= 3; dy++) for (let dx = -3; dx <= 3; dx++) medians[n++] = medianOf(i + dy * width + dx, 1)
    return medianInPlace(medians, n)
  }

  function isHit(i: number, significance: number): boolean {
    const level = medianOf(i, 2)
    const noise = Math.max(Math.sqrt(Math.max(level - pedestalAdu, 0) / gain + readVariance), 0.5 * skySigma)
    const peak = laplacian(p, width, i)
    if (peak < significance * noise) return false
    let n = 0
    for (let dy = -2; dy <= 2; dy++)
      for (let dx = -2; dx <= 2; dx++) window[n++] = laplacian(p, width, i + dy * width + dx)
    const contrast = peak - medianInPlace(window, n)
    if (contrast < significance * noise) return false
    const sky = ringMedian(p, width, i, window)
    const height = p[i] - sky
    const flanks = lowerFlanks(p, width, i) - sky
    const short = starFlanks * height - flanks
    if (flanks > HALF_A_STAR * starFlanks * height || short < FLANKS_UNLIKE_STAR * noise * Math.SQRT1_2) return false
    const fine = Math.max(medianOf(i, 1) - median3Smoothed7(i), 0.01 * noise)
    return contrast > SHARPER_THAN_A_STAR * fine
  }

  return { isHit }
}

function medianOfGood(p: Float32Array, mask: Uint8Array, width: number, i: number): number {
  const good: number[] = []
  for (let dy = -2; dy <= 2; dy++)
    for (let dx = -2; dx <= 2; dx++) {
      const j = i + dy * width + dx
      if (mask[j] === 0) good.push(p[j])
    }
  return good.length > 0 ? medianInPlace(Float32Array.from(good)) : p[i]
}
