import { flagMask } from '#shared/flags.ts'
import { takeRows } from '#shared/numeric/table.ts'
import type { Background, Noise } from './background.ts'
import { type Centroid, windowedCentroid } from './centroid.ts'
import { type Candidates, SaturatedBlobs } from './deblend.ts'
import { type Detections, type Frame, MASK } from './frame.ts'
import { gaussianKernel, type Kernel } from './matched-filter.ts'
import { Blends, type Patch } from './patches.ts'
import { FWHM_PER_SIGMA, type Moments, type StarShape, windowedMoments } from './star-shape.ts'
import { MOST_SIDE, type SignalPlane } from './window-kernels.ts'

const SHARP_EXCESS = 2 // a peak pixel this many times what its neighbours tell of a star is a hot pixel
const HOT_SIGMA = 5 // and so far beyond that
const LEAST_WINDOW_SIGMA = 1.1 // pixel: under a narrower window the pixels themselves bend the centroid
const THIN = 0.45 // minor axis relative to the stars' below which a source is a cosmic-ray track
const THIN_FROM_SIGMA = 8
const NEAR_EDGE = flagMask('nearEdge')
const SATURATED = flagMask('saturated')
const COSMIC_RAY = flagMask('cosmicRay')
const MASKED = flagMask('maskedPixels')

/**
 * Position, flux, size and flags of each candidate, its neighbours' light taken away; hot pixels and cosmic-ray tracks
 * are left out.
 *
 * @param plane background-subtracted pixels, ADU, holes filled
 * @param usable 1 where a pixel counts
 * @returns rows in no order that callers may rely on
 */
export function measureSources(
  frame: Frame,
  background: Background,
  candidates: Candidates,
  plane: SignalPlane,
  usable: Uint8Array,
  shape: StarShape,
): Detections {
  const meter = new SourceMeter(frame, background.noise, candidates, plane, usable, shape)
  // Twice, so that neighbours are taken away from where they were found to be.
  meter.placeBlended()
  return takeRows(meter.table, meter.measureAll())
}

/** Measures candidates one by one; the numbers of a row of the table are those of a candidate that is like a star. */
class SourceMeter {
  readonly table: Detections
  readonly #frame: Frame
  readonly #noise: Noise
  readonly #candidates: Candidates
  readonly #usable: Uint8Array
  readonly #shape: StarShape
  readonly #sigma: number
  readonly #cubes: number
  readonly #isBlob: boolean[]
  readonly #kept: number[]
  readonly #startX: Float64Array
  readonly #startY: Float64Array
  readonly #blends: Blends
  readonly #plane: SignalPlane
  readonly #whole: Patch
  readonly #window: number
  readonly #patch: Patch
  readonly #centroid: Centroid = { x: 0, y: 0, xErr: 0, yErr: 0, sum: 0 }

  constructor(
    frame: Frame,
    noise: Noise,
    candidates: Candidates,
    plane: SignalPlane,
    usable: Uint8Array,
    shape: StarShape,
  ) {
    const kernel = gaussianKernel(shape, 1)
    const blobs = new SaturatedBlobs(frame)
    const kept = starLike(frame, candidates, blobs, kernel, plane.signal, noise)
    const blobCentres = kept.map(k => blobs.centreAt(candidates.pixel[k]))
    const start = kept.map((k, n) => blobCentres[n] ?? placeOf(candidates.pixel[k], frame.width))
    this.#frame = frame
    this.#noise = noise
    this.#candidates = candidates
    this.#usable = usable
    this.#shape = shape
    this.#sigma = shape.fwhmPx / FWHM_PER_SIGMA
    this.#cubes = kernel.weight.reduce((sum, weight) => sum + weight ** 3, 0) / kernel.squares ** 2
    this.#isBlob = blobCentres.map(centre => centre !== undefined)
    this.#kept = kept
    this.#startX = Float64Array.from(start, ({ x }) => x)
    this.#startY = Float64Array.from(start, ({ y }) => y)
    const matched = Float64Array.from(kept, k => candidates.flux[k])
    this.#blends = new Blends(this.#startX.slice(), this.#startY.slice(), matched, shape)
    this.#plane = plane
    this.#whole = { width: plane.width, height: plane.height, left: 0, low: 0, signal: plane.signal }
    this.#window = Math.max(this.#sigma, LEAST_WINDOW_SIGMA)
    const side = Math.min(MOST_SIDE, 2 * Math.ceil(4 * this.#window + 3) + 1)
    this.#patch = { width: side, height: side, left: 0, low: 0, signal: plane.patch(side) }
    this.table = emptyDetections(kept.length)
  }

  /** Move the stars that have neighbours to where their own light is. */
  placeBlended(): void {
    for (let n = 0; n < this.#kept.length; n++) if (!this.#blends.isAlone(n)) this.#place(n, this.#around(n))
  }

  /** Fill the rows of all; returns those that are sources. */
  measureAll(): number[] {
    const rows: number[] = []
    for (let n = 0; n < this.#kept.length; n++) if (this.#measure(n)) rows.push(n)
    return rows
  }

  /** The star's surroundings without its neighbours' light: a copy, or the frame itself where nothing is to be taken away. */
  #around(n: number): Patch {
    const { width, height } = this.#plane
    const reach = this.#patch.width >> 1
    const x = Math.round(this.#blends.x[n])
    const y = Math.round(this.#blends.y[n])
    const isInside = x >= reach && y >= reach && x < width - reach && y < height - reach
    if (isInside && this.#blends.isAlone(n)) return this.#whole
    this.#blends.cut(n, this.#plane, this.#patch)
    return this.#patch
  }

  /** Windowed centroid of a star, where it is taken to be from here on; false where it has wandered off. */
  #place(n: number, patch: Patch): boolean {
    const centroid = this.#centroid
    const { left, low } = patch
    const x = this.#blends.x[n]
    const y = this.#blends.y[n]
    const { gainElectronsPerAdu } = this.#frame.detector
    const noise = { rms: this.#noise.at(Math.round(x), Math.round(y)), gainElectronsPerAdu }
    windowedCentroid(this.#plane, patch, noise, x - left, y - low, this.#window, centroid)
    const off = Math.hypot(centroid.x + left - this.#startX[n], centroid.y + low - this.#startY[n])
    if (!(off < Math.max(1, 0.5 * this.#shape.fwhmPx))) return false
    this.#blends.move(n, centroid.x + left, centroid.y + low)
    return true
  }

  #measure(n: number): boolean {
    const { table } = this
    const k = this.#kept[n]
    const { significance, fluxVariance } = this.#candidates
    const patch = this.#around(n)
    const stays = this.#place(n, patch)
    const x = this.#blends.x[n]
    const y = this.#blends.y[n]
    const flux = this.#blends.flux[n]
    const guess = this.#shape.fwhmPx / Math.max(2, significance[k])
    table.x[n] = x
    table.y[n] = y
    table.xErr[n] = stays ? this.#centroid.xErr : guess
    table.yErr[n] = stays ? this.#centroid.yErr : guess
    const { width, height, left, low, signal } = patch
    const { major, minor } = axesOf(windowedMoments(signal, width, height, x - left, y - low, this.#window ** 2))
    const sure = significance[k] > THIN_FROM_SIGMA
    if (sure && !this.#isBlob[n] && minor < (THIN * this.#sigma) ** 2 / this.#shape.elongation) return false
    table.fwhm[n] = FWHM_PER_SIGMA * (major * minor) ** 0.25
    table.elongation[n] = minor > 0 ? Math.sqrt(major / minor) : Number.NaN
    table.flux[n] = flux
    const photons = (Math.max(0, flux) * this.#cubes) / this.#frame.detector.gainElectronsPerAdu
    table.fluxErr[n] = Math.sqrt(fluxVariance[k] + photons)
    table.significance[n] = significance[k]
    const around = lookAround(this.#frame, this.#plane.signal, this.#usable, x, y, this.#shape.fwhmPx)
    table.peak[n] = around.peak
    table.flags[n] = around.flags
    const inside = x > -0.5 && y > -0.5 && x < this.#plane.width - 0.5 && y < this.#plane.height - 0.5
    return inside && flux > 0
  }
}

function placeOf(pixel: number, width: number): { x: number; y: number } {
  return { x: pixel % width, y: Math.floor(pixel / width) }
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
  const excess = value - told
  return value > SHARP_EXCESS * told && excess > HOT_SIGMA * Math.sqrt(variance)
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
  let marks = 0
  for (let v = Math.max(0, row - reach); v <= Math.min(height - 1, row + reach); v++) {
    for (let u = Math.max(0, column - reach); u <= Math.min(width - 1, column + reach); u++) {
      const r2 = (u - x) ** 2 + (v - y) ** 2
      if (r2 > fwhm * fwhm) continue
      const i = v * width + u
      marks |= mask[i]
      if (usable[i] === 1 && r2 <= 4 && signal[i] > peak) peak = signal[i]
    }
  }
  const isNearEdge = x < fwhm - 0.5 || y < fwhm - 0.5 || x > width - 0.5 - fwhm || y > height - 0.5 - fwhm
  const flags =
    (isNearEdge ? NEAR_EDGE : 0) |
    (marks & MASK.saturated ? SATURATED : 0) |
    (marks & MASK.cosmicRay ? COSMIC_RAY : 0) |
    (marks & MASK.bad ? MASKED : 0)
  return { peak: Number.isFinite(peak) ? peak : Number.NaN, flags }
}
