import type { Detections, Frame } from '#shared/image/frame.ts'
import { random } from '#shared/numeric/random.ts'

/**
 * Frames with known truth for these tests, written apart from the code under test: Moffat stars integrated over pixels
 * by plain subsampling, Poisson and read noise.
 */
export interface Sky {
  width: number
  height: number
  fwhmPx: number
  beta: number
  skyAdu: number
  gain: number
  readNoise: number
  seed: number
}

export interface TrueStar {
  x: number
  y: number
  flux: number
}

const SUBSAMPLES = 5

/** Unit-flux circular Moffat over the pixel at offset (dx, dy). */
export function moffatOnPixel(dx: number, dy: number, fwhmPx: number, beta: number): number {
  const alpha = fwhmPx / 2 / Math.sqrt(2 ** (1 / beta) - 1)
  let sum = 0
  for (let j = 0; j < SUBSAMPLES; j++) {
    for (let i = 0; i < SUBSAMPLES; i++) {
      const u = dx + (i + 0.5) / SUBSAMPLES - 0.5
      const v = dy + (j + 0.5) / SUBSAMPLES - 0.5
      sum += (1 + (u * u + v * v) / (alpha * alpha)) ** -beta
    }
  }
  return ((sum / SUBSAMPLES ** 2) * (beta - 1)) / (Math.PI * alpha * alpha)
}

/** Draw stars and noise. */
export function renderFrame(sky: Sky, stars: TrueStar[]): Frame {
  const { width, height, gain } = sky
  const light = new Float64Array(width * height).fill(sky.skyAdu)
  const reach = Math.ceil(10 * sky.fwhmPx)
  for (const star of stars) {
    for (let y = Math.max(0, Math.round(star.y) - reach); y <= Math.min(height - 1, Math.round(star.y) + reach); y++) {
      for (let x = Math.max(0, Math.round(star.x) - reach); x <= Math.min(width - 1, Math.round(star.x) + reach); x++) {
        light[y * width + x] += star.flux * moffatOnPixel(x - star.x, y - star.y, sky.fwhmPx, sky.beta)
      }
    }
  }
  const draw = random(sky.seed)
  const pixels = Float32Array.from(light, adu => (draw.poisson(adu * gain) + sky.readNoise * draw.normal()) / gain)
  return {
    width,
    height,
    pixels,
    mask: new Uint8Array(width * height),
    detector: { gainElectronsPerAdu: gain, readNoiseElectrons: sky.readNoise, saturationAdu: 1e6, pedestalAdu: 0 },
  }
}

/** Stars on a jittered lattice, far enough apart to be isolated, fluxes from `faint` to `bright` evenly in log. */
export function latticeStars(sky: Sky, spacingPx: number, faint: number, bright: number): TrueStar[] {
  const draw = random(`${sky.seed} lattice`)
  const stars: TrueStar[] = []
  for (let y = spacingPx; y < sky.height - spacingPx / 2; y += spacingPx) {
    for (let x = spacingPx; x < sky.width - spacingPx / 2; x += spacingPx) {
      stars.push({
        x: x + draw.uniform() * 4 - 2,
        y: y + draw.uniform() * 4 - 2,
        flux: faint * (bright / faint) ** draw.uniform(),
      })
    }
  }
  return stars
}

/** Detections near the truth, as a source finder would leave them. */
export function detectionsNear(sky: Sky, stars: TrueStar[], offsetPx = 0.2): Detections {
  const draw = random(`${sky.seed} detections`)
  const sorted = stars.toSorted((a, b) => b.flux - a.flux)
  const column = (of: (star: TrueStar) => number) => Float64Array.from(sorted, of)
  const error = (star: TrueStar) => fluxLimit(sky, star.flux)
  return {
    x: column(star => star.x + offsetPx * draw.normal()),
    y: column(star => star.y + offsetPx * draw.normal()),
    xErr: column(() => offsetPx),
    yErr: column(() => offsetPx),
    flux: column(star => star.flux),
    fluxErr: column(error),
    peak: column(star => star.flux * moffatOnPixel(0, 0, sky.fwhmPx, sky.beta)),
    significance: column(star => star.flux / error(star)),
    fwhm: column(() => sky.fwhmPx * 1.05),
    elongation: column(() => 1),
    flags: new Int32Array(sorted.length),
  }
}

/**
 * Cramér–Rao bound of the flux of an isolated star with unknown position, known sky: flux and position are not
 * correlated for a symmetric profile, so it is (Σ P²/V)^−½ with V the variance of the pixel.
 */
export function fluxLimit(sky: Sky, flux: number): number {
  const reach = Math.ceil(3 * sky.fwhmPx)
  let information = 0
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const p = moffatOnPixel(x, y, sky.fwhmPx, sky.beta)
      information += (p * p) / ((sky.skyAdu + flux * p) / sky.gain + (sky.readNoise / sky.gain) ** 2)
    }
  }
  return 1 / Math.sqrt(information)
}
