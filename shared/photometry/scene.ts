import { flagMask } from '#shared/flags.ts'
import type { CoarseMap } from '#shared/image/coarse-map.ts'
import type { Frame } from '#shared/image/frame.ts'
import { MASK } from '#shared/image/frame.ts'
import { madSigma } from '#shared/numeric/robust.ts'
import type { KernelMemory } from './kernel-memory.ts'
import { type LocalPsf, lightRadius, type Psf, wingAt } from './psf.ts'
import { drawMap, type Flaws, markUsable, ScenePlanes } from './scene-planes.ts'
import type { SceneStars } from './scene-stars.ts'

/** A pixel of this fraction of the star's light may be wrong by the PSF model; enters weights and χ. */
export const PROFILE_ERROR = 0.005
/** Light below this part of the sky noise in one pixel is not drawn. */
const DRAWN_LEVEL = 0.03
/** About so many pixels tell the noise of the sky to half a per cent. */
const NOISE_PIXELS = 150_000
/** Wings are drawn no farther than this, pixel. */
const WING_LIMIT = 300

/** Side of the largest stamp that is drawn: 2 · (largest table radius) + 1, pixel. */
const SCRATCH_SIDE = 2 * 64 + 1

/**
 * A frame taken apart: pixels = sky + stars + residual. Stars are drawn into it and taken out of it; `residual` is
 * always what is left, so neighbours are subtracted wherever one looks.
 */
export class Scene {
  readonly width: number
  readonly height: number
  readonly planes: ScenePlanes
  readonly memory: KernelMemory
  readonly data: Float32Array
  readonly residual: Float32Array
  readonly sky: Float32Array
  /** Bytes from a pixel of `data` to that of `residual`, and from there to that of `sky`. */
  readonly planeBytes: number
  /** 1 where a pixel takes part in fits. */
  readonly usable: Uint8Array
  readonly mask: Uint8Array
  readonly saturationAdu: number
  /** Variance of a pixel, ADU²: base + perAdu · (sky + starlight), never below the floor. */
  noise: { base: number; perAdu: number; floor: number }
  readonly #scratch: Float64Array
  readonly #flaws: Flaws

  /**
   * @param frame its pixels move into the planes, unless they were read into them
   * @param sky level, ADU, of every pixel, or line by line
   */
  constructor(frame: Frame, sky: Float32Array | CoarseMap, planes = new ScenePlanes(frame.width, frame.height)) {
    this.width = frame.width
    this.height = frame.height
    this.planes = planes
    this.memory = planes.memory
    this.data = planes.pixels
    this.residual = planes.residual
    this.sky = planes.sky
    this.planeBytes = planes.planeBytes
    this.usable = planes.usable
    this.mask = planes.mask
    if (frame.pixels !== planes.pixels) planes.take(frame)
    if (sky instanceof Float32Array) this.sky.set(sky)
    else drawMap(this.memory, sky, y => this.sky.byteOffset + 4 * y * this.width)
    this.#flaws = markUsable(frame, planes)
    this.saturationAdu = frame.detector.saturationAdu
    const { gainElectronsPerAdu: gain, readNoiseElectrons, pedestalAdu } = frame.detector
    const readout = (readNoiseElectrons / gain) ** 2 + 1 / 12
    this.noise = { base: readout - pedestalAdu / gain, perAdu: 1 / gain, floor: readout }
    this.#scratch = new Float64Array(SCRATCH_SIDE * SCRATCH_SIDE)
    this.clear()
    this.#scaleNoise()
  }

  /** Take every star out: the residual is the frame without its sky. */
  clear(): void {
    const { data, planeBytes, usable, memory } = this
    memory.kernels.takeSky(data.byteOffset, planeBytes, usable.byteOffset, data.length)
  }

  /**
   * Variance of a pixel from the model (sky and stars drawn on it), ADU²; never from its own noisy value.
   * @param without starlight that is drawn there and left out, ADU
   */
  variance(index: number, without = 0): number {
    const model = this.data[index] - this.residual[index] - without
    const light = model - this.sky[index]
    const { base, perAdu, floor } = this.noise
    const variance = base + perAdu * (light > 0 ? model : this.sky[index])
    return Math.max(variance, floor) + (light > 0 ? (PROFILE_ERROR * light) ** 2 : 0)
  }

  /** Noise of an empty sky pixel at a place, ADU. */
  skyNoise(index: number): number {
    const { base, perAdu, floor } = this.noise
    return Math.sqrt(Math.max(base + perAdu * this.sky[index], floor))
  }

  /** Pixel index nearest to a position, clamped to the frame. */
  indexAt(x: number, y: number): number {
    const i = Math.min(Math.max(Math.round(x), 0), this.width - 1)
    const j = Math.min(Math.max(Math.round(y), 0), this.height - 1)
    return j * this.width + i
  }

  /** Whether pixels near a place may be masked or saturated; false where all are sound. */
  isFlawed(x: number, y: number, radius: number): boolean {
    return this.#flaws.near(x, y, radius)
  }

  /** Draw a star anew with other values. `local` must stand at the star's home. */
  redraw(local: LocalPsf, stars: SceneStars, star: number, x: number, y: number, flux: number, radius: number): void {
    if (stars.flux[star] !== 0) this.#add(local, stars.x[star], stars.y[star], stars.flux[star], stars.radius[star])
    if (flux !== 0) this.#add(local, x, y, -flux, radius)
    stars.x[star] = x
    stars.y[star] = y
    stars.flux[star] = flux
    stars.radius[star] = radius
  }

  /** Radius out to which a star of the flux is worth drawing. */
  drawnRadius(psf: Psf, flux: number, x: number, y: number, least: number): number {
    const level = DRAWN_LEVEL * this.skyNoise(this.indexAt(x, y))
    return Math.max(least, lightRadius(psf, Math.abs(flux), level))
  }

  /** Bring the wings beyond the table up to date with the fluxes. */
  drawWings(psf: Psf, stars: SceneStars): void {
    for (let i = 0; i < stars.count; i++) {
      const wanted = stars.dropped[i] ? 0 : Math.max(stars.flux[i], 0)
      const change = wanted - stars.wingFlux[i]
      if (Math.abs(change) <= 0.005 * wanted) continue
      const level = DRAWN_LEVEL * this.skyNoise(this.indexAt(stars.x[i], stars.y[i]))
      const brightest = Math.max(wanted, stars.wingFlux[i])
      if (brightest * psf.envelope[psf.envelope.length - 1] < level && stars.wingFlux[i] === 0) continue
      this.#addWing(psf, stars.x[i], stars.y[i], -change, level)
      stars.wingFlux[i] = wanted
    }
  }

  /** Add a map (ADU) to the sky and take it out of the residual. */
  raiseSky(map: CoarseMap): void {
    const { width, residual, planeBytes, memory } = this
    const mark = memory.mark()
    const change = memory.floats(width + 3).byteOffset
    drawMap(
      memory,
      map,
      () => change,
      y => {
        memory.kernels.raise(residual.byteOffset + 4 * y * width, planeBytes, change, width)
      },
    )
    memory.release(mark)
  }

  /** Put the sky and what is left of each pixel in the place of `data`: the frame without its stars. */
  removeStars(): void {
    const { data, planeBytes, usable, memory } = this
    memory.kernels.putTogether(data.byteOffset, planeBytes, usable.byteOffset, data.length)
  }

  #add(local: LocalPsf, x: number, y: number, amount: number, radius: number): void {
    const x0 = Math.max(0, Math.ceil(x - radius))
    const y0 = Math.max(0, Math.ceil(y - radius))
    const w = Math.min(this.width - 1, Math.floor(x + radius)) - x0 + 1
    const h = Math.min(this.height - 1, Math.floor(y + radius)) - y0 + 1
    if (w <= 0 || h <= 0) return
    local.values(x, y, x0, y0, w, h, this.#scratch)
    const limit = radius * radius
    for (let j = 0; j < h; j++) {
      const dy = y0 + j - y
      const row = (y0 + j) * this.width + x0
      for (let i = 0; i < w; i++) {
        const dx = x0 + i - x
        if (dx * dx + dy * dy <= limit) this.residual[row + i] += amount * this.#scratch[j * w + i]
      }
    }
  }

  #addWing(psf: Psf, x: number, y: number, amount: number, level: number): void {
    const wing = wingAt(psf, x, y)
    const inner = psf.radiusPx
    let outer = inner
    while (outer < WING_LIMIT && Math.abs(amount) * Math.max(wing(outer, 0), wing(0, outer)) > level) outer += 2
    const x0 = Math.max(0, Math.ceil(x - outer))
    const x1 = Math.min(this.width - 1, Math.floor(x + outer))
    const y1 = Math.min(this.height - 1, Math.floor(y + outer))
    for (let j = Math.max(0, Math.ceil(y - outer)); j <= y1; j++) {
      for (let i = x0; i <= x1; i++) {
        const square = (i - x) ** 2 + (j - y) ** 2
        if (square > inner * inner && square <= outer * outer) {
          this.residual[j * this.width + i] += amount * wing(i - x, j - y)
        }
      }
    }
  }

  /**
   * Compare the noise that gain and read noise promise with what neighbouring sky pixels differ by, and follow the
   * pixels: a wrong gain or an unknown pedestal in the header would make every error wrong.
   */
  #scaleNoise(): void {
    const { width, height, residual, usable } = this
    const step = Math.max(1, Math.floor((width * height) / NOISE_PIXELS))
    const seen = new Float64Array(Math.ceil((width * height) / step))
    let count = 0
    for (let i = 2; i < width * height - 2; i += step) {
      const column = i % width
      if (column < 2 || column >= width - 2) continue
      if (!usable[i - 1] || !usable[i] || !usable[i + 1]) continue
      // Second differences do not see gradients; pixels on stars are left out.
      const sigma = Math.sqrt(this.variance(i))
      if (Math.abs(residual[i - 1]) + Math.abs(residual[i]) + Math.abs(residual[i + 1]) > 9 * sigma) continue
      seen[count++] = (2 * residual[i] - residual[i - 1] - residual[i + 1]) / (Math.sqrt(6) * sigma)
    }
    if (count < 100) return
    const factor = madSigma(seen.subarray(0, count), 0) ** 2
    if (!(factor > 0)) return
    const { base, perAdu, floor } = this.noise
    this.noise = { base: base * factor, perAdu: perAdu * factor, floor: floor * factor }
  }
}

/** Flags that the masked pixels within a radius of a place call for. */
export function maskFlags(scene: Scene, x: number, y: number, radius: number): number {
  let flags = 0
  if (x < radius || y < radius || x > scene.width - 1 - radius || y > scene.height - 1 - radius) {
    flags |= flagMask('nearEdge')
  }
  if (!scene.isFlawed(x, y, radius)) return flags
  const x1 = Math.min(scene.width - 1, Math.floor(x + radius))
  const y1 = Math.min(scene.height - 1, Math.floor(y + radius))
  for (let j = Math.max(0, Math.ceil(y - radius)); j <= y1; j++) {
    for (let i = Math.max(0, Math.ceil(x - radius)); i <= x1; i++) {
      if ((i - x) ** 2 + (j - y) ** 2 > radius * radius) continue
      const k = j * scene.width + i
      const bits = scene.mask[k]
      if (bits & MASK.bad) flags |= flagMask('maskedPixels')
      if (bits & MASK.cosmicRay) flags |= flagMask('cosmicRay')
      if (bits & MASK.saturated || scene.data[k] >= scene.saturationAdu) flags |= flagMask('saturated')
    }
  }
  return flags
}
