import { flagMask } from '#shared/flags.ts'
import { takeRows } from '#shared/numeric/table.ts'
import type { Background, Noise } from './background.ts'
import { type Centroid, windowedCentroid } from './centroid.ts'
import { type Candidates, SaturatedBlobs } from './deblend.ts'
import { type Detections, type Frame, MASK } from './frame.ts'
import { gaussianKernel, type Kernel } from './matched-filter.ts'
import { Blends, type Patch } from './patches.ts'
import { FWHM_PER_SIGMA, type Moments, type StarShape, windowedMoments } from './star-shape.ts'

const SHARP_EXCESS = 2 // a peak pixel this many times what its neighbours tell of a star is a hot pixel
const LEAST_WINDOW_SIGMA = 1.1 // pixel: under a narrower window the pixels themselves bend the centroid
const THIN = 0.45 // minor axis relative to the stars' below which a source is a cosmic-ray track
const THIN_FROM_SIGMA = 8

/**
 * Position, flux, size and flags of each candidate, its neighbours' light taken away; hot pixels and cosmic-ray tracks
 * are left out.
 *
 * @param signal background-subtracted pixels, ADU, holes filled
 * @param usable 1 where a pixel counts
 * @returns rows in no order that callers may rely on
 */
export function measureSources(
  frame: Frame,
  background: Background,
  candidates: Candidates,
  signal: Float32Array,
  usable: Uint8Array,
  shape: StarShape,
): Detections {
  const { width, height } = frame
  const { noise } = background
  const gain = frame.detector.gainElectronsPerAdu
  const sigma = shape.fwhmPx / FWHM_PER_SIGMA
  const kernel = gaussianKernel(shape, 1)
  const cubes = kernel.weight.reduce((sum, weight) => sum + weight ** 3, 0) / kernel.squares ** 2
  const blobs = new SaturatedBlobs(frame)
  const kept = starLike(frame, candidates, blobs, kernel, signal, noise)
  const startX = Float64Array.from(kept, k => blobs.centreAt(candidates.pixel[k])?.x ?? candidates.pixel[k] % width)
  const startY = Float64Array.from(
    kept,
    k => blobs.centreAt(candidates.pixel[k])?.y ?? Math.floor(candidates.pixel[k] / width),
  )
  const matched = Float64Array.from(kept, k => candidates.flux[k])
  const blends = new Blends(startX.slice(), startY.slice(), matched, shape)
  const image = { width, height, signal }
  const window = Math.max(sigma, LEAST_WINDOW_SIGMA)
  const patch = emptyPatch(2 * Math.ceil(4 * window + 3) + 1)
  const centroid: Centroid = { x: 0, y: 0, xErr: 0, yErr: 0, sum: 0 }
  const table = emptyDetections(kept.length)
  const mostStep = Math.max(1, 0.5 * shape.fwhmPx)
  const rows: number[] = []
  // Twice, so that neighbours are taken away from where they were found to be.
  for (const round of [1, 2]) {
    for (let n = 0; n < kept.length; n++) {
      if (round === 1 && blends.isAlone(n)) continue
      blends.cut(n, image, patch)
      const { side, left, low } = patch
      windowedCentroid(
        patch.signal,
        noise.at(left + (side >> 1), low + (side >> 1)),
        side,
        side,
        gain,
        blends.x[n] - left,
        blends.y[n] - low,
        window,
        centroid,
      )
      centroid.x += left
      centroid.y += low
      const wandered = !(Math.hypot(centroid.x - startX[n], centroid.y - startY[n]) < mostStep)
      if (!wandered) blends.move(n, centroid.x, centroid.y)
      if (round === 1) continue
      table.x[n] = blends.x[n]
      table.y[n] = blends.y[n]
      const guess = shape.fwhmPx / Math.max(2, candidates.significance[kept[n]])
      table.xErr[n] = wandered ? guess : centroid.xErr
      table.yErr[n] = wandered ? guess : centroid.yErr
      const axes = axesOf(
        windowedMoments(patch.signal, side, side, table.x[n] - left, table.y[n] - low, window * window),
      )
      const isBlob = blobs.centreAt(candidates.pixel[kept[n]]) !== undefined
      const sure = candidates.significance[kept[n]] > THIN_FROM_SIGMA
      if (sure && !isBlob && axes.minor < (THIN * sigma) ** 2 / shape.elongation) continue
      table.fwhm[n] = FWHM_PER_SIGMA * (axes.major * axes.minor) ** 0.25
      table.elongation[n] = axes.minor > 0 ? Math.sqrt(axes.major / axes.minor) : Number.NaN
      table.flux[n] = blends.flux[n]
      table.fluxErr[n] = Math.sqrt(candidates.fluxVariance[kept[n]] + (Math.max(0, blends.flux[n]) * cubes) / gain)
      table.significance[n] = candidates.significance[kept[n]]
      const around = lookAround(frame, signal, usable, table.x[n], table.y[n], shape.fwhmPx)
      table.peak[n] = around.peak
      table.flags[n] = around.flags
      const inside = table.x[n] > -0.5 && table.y[n] > -0.5 && table.x[n] < width - 0.5 && table.y[n] < height - 0.5
      if (inside && table.flux[n] > 0) rows.push(n)
    }
  }
  return takeRows(table, rows)
}

/** Candidates that are no hot pixels, brightest first; a saturated blob goes to its brightest peak alone. */
function starLike(
  frame: Frame,
  candidates: Candidates,
  blobs: SaturatedBlobs,
  kernel: Kernel,
  signal: Float32Array,
  noise: Noise,
): number[] {
  const { width, height } = frame
  const gain = frame.detector.gainElectronsPerAdu
  const order = Array.from(candidates.pixel.keys()).sort(
    (a, b) => candidates.flux[b] - candidates.flux[a] || candidates.pixel[a] - candidates.pixel[b],
  )
  const blobSeen = new Set<number>()
  return order.filter(k => {
    const pixel = candidates.pixel[k]
    const blob = blobs.at(pixel)
    if (blob > 0) {
      const isFirst = !blobSeen.has(blob)
      blobSeen.add(blob)
      return isFirst
    }
    const x = pixel % width
    return !isHotPixel(kernel, signal, noise, width, height, gain, x, (pixel - x) / width)
  })
}

function emptyPatch(side: number): Patch {
  const size = side * side
  return { side, left: 0, low: 0, signal: new Float32Array(size) }
}

/** Variances along both axes of a source, pixel²; NaN where it has no size. */
function axesOf(moments: Moments | undefined): { major: number; minor: number } {
  if (!moments) return { major: Number.NaN, minor: Number.NaN }
  const middle = (moments.xx + moments.yy) / 2
  const spread = Math.hypot((moments.xx - moments.yy) / 2, moments.xy)
  return { major: middle + spread, minor: middle - spread }
}

function emptyDetections(count: number): Detections {
  const column = () => new Float64Array(count)
  return {
    x: column(),
    y: column(),
    xErr: column(),
    yErr: column(),
    flux: column(),
    fluxErr: column(),
    peak: column(),
    significance: column(),
    fwhm: column(),
    elongation: column(),
    flags: new Int32Array(count),
  }
}

/**
 * Whether the highest pixel near a peak holds far more than the star that the pixels around it tell of: no optics make
 * such a source.
 */
function isHotPixel(
  kernel: Kernel,
  signal: Float32Array,
  noise: Noise,
  width: number,
  height: number,
  gain: number,
  px: number,
  py: number,
): boolean {
  let highest = py * width + px
  for (let v = Math.max(0, py - 1); v <= Math.min(height - 1, py + 1); v++) {
    for (let u = Math.max(0, px - 1); u <= Math.min(width - 1, px + 1); u++) {
      if (signal[v * width + u] > signal[highest]) highest = v * width + u
    }
  }
  const x0 = highest % width
  const y0 = (highest - x0) / width
  let sum = 0
  let squares = 0
  let centre = 0
  for (let k = 0; k < kernel.weight.length; k++) {
    const weight = kernel.weight[k]
    if (kernel.dx[k] === 0 && kernel.dy[k] === 0) {
      centre = weight
      continue
    }
    const x = x0 + kernel.dx[k]
    const y = y0 + kernel.dy[k]
    if (x < 0 || y < 0 || x >= width || y >= height) continue
    sum += weight * signal[y * width + x]
    squares += weight * weight
  }
  const told = centre * Math.max(0, sum / squares)
  const variance = noise.at(x0, y0) ** 2 * (1 + (centre * centre) / squares) + told / gain
  const value = signal[highest]
  return value > SHARP_EXCESS * told && value - told > 5 * Math.sqrt(variance)
}

function lookAround(
  frame: Frame,
  signal: Float32Array,
  usable: Uint8Array,
  x: number,
  y: number,
  fwhm: number,
): { peak: number; flags: number } {
  const { width, height, mask } = frame
  const reach = Math.ceil(fwhm)
  const column = Math.round(x)
  const row = Math.round(y)
  let peak = Number.NEGATIVE_INFINITY
  let found = 0
  if (x < fwhm - 0.5 || y < fwhm - 0.5 || x > width - 0.5 - fwhm || y > height - 0.5 - fwhm)
    found |= flagMask('nearEdge')
  for (let v = Math.max(0, row - reach); v <= Math.min(height - 1, row + reach); v++) {
    for (let u = Math.max(0, column - reach); u <= Math.min(width - 1, column + reach); u++) {
      const r2 = (u - x) ** 2 + (v - y) ** 2
      if (r2 > fwhm * fwhm) continue
      const i = v * width + u
      if (mask[i] & MASK.saturated) found |= flagMask('saturated')
      if (mask[i] & MASK.cosmicRay) found |= flagMask('cosmicRay')
      if (mask[i] & MASK.bad) found |= flagMask('maskedPixels')
      if (usable[i] === 1 && r2 <= 4 && signal[i] > peak) peak = signal[i]
    }
  }
  return { peak: Number.isFinite(peak) ? peak : Number.NaN, flags: found }
}
