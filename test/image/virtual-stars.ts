import type { Frame } from '#shared/image/frame.ts'
import { type Random, random } from '#shared/numeric/random.ts'

export interface Star {
  x: number
  y: number
  /** ADU. */
  flux: number
}

export interface SkyKnobs {
  width: number
  height: number
  /** ADU. */
  sky: (x: number, y: number) => number
  gain: number
  readNoise: number
  fwhm: number
  /** Moffat exponent; Infinity for a Gaussian. */
  beta: number
  elongation: number
  seed: number
}

export const PLAIN: SkyKnobs = {
  width: 512,
  height: 512,
  sky: () => 400,
  gain: 1.5,
  readNoise: 6,
  fwhm: 3.2,
  beta: 3.5,
  elongation: 1,
  seed: 1,
}

/** A frame of stars with photon and read noise; pixels integrate the profile at 5 × 5 points. */
export function drawFrame(stars: Star[], knobs: Partial<SkyKnobs> = {}): Frame {
  const k = { ...PLAIN, ...knobs }
  const draw = random(k.seed)
  const expected = new Float64Array(k.width * k.height)
  for (let y = 0; y < k.height; y++) for (let x = 0; x < k.width; x++) expected[y * k.width + x] = k.sky(x, y)
  for (const star of stars) addStar(expected, star, k)
  const pixels = new Float32Array(expected.length)
  for (let i = 0; i < pixels.length; i++) pixels[i] = countAdu(expected[i], k, draw)
  const detector = {
    gainElectronsPerAdu: k.gain,
    readNoiseElectrons: k.readNoise,
    saturationAdu: 60_000,
    pedestalAdu: 0,
  }
  return { width: k.width, height: k.height, pixels, mask: new Uint8Array(pixels.length), detector }
}

/** A frame whose pixels are sums of so many along each axis, as a camera reads them out when it bins. */
export function binned({ width, height, pixels, detector }: Frame, across: number, down: number): Frame {
  const small = { width: Math.floor(width / across), height: Math.floor(height / down) }
  const sums = new Float32Array(small.width * small.height)
  for (let y = 0; y < small.height * down; y++)
    for (let x = 0; x < small.width * across; x++)
      sums[Math.floor(y / down) * small.width + Math.floor(x / across)] += pixels[y * width + x]
  const readNoiseElectrons = detector.readNoiseElectrons * Math.sqrt(across * down)
  return { ...small, pixels: sums, mask: new Uint8Array(sums.length), detector: { ...detector, readNoiseElectrons } }
}

function countAdu(expected: number, k: SkyKnobs, draw: Random): number {
  return Math.round((draw.poisson(expected * k.gain) + k.readNoise * draw.normal()) / k.gain)
}

function addStar(image: Float64Array, star: Star, k: SkyKnobs): void {
  const reach = Math.ceil(12 * k.fwhm)
  const profile = starProfile(k)
  for (let y = Math.max(0, Math.round(star.y) - reach); y <= Math.min(k.height - 1, Math.round(star.y) + reach); y++) {
    for (let x = Math.max(0, Math.round(star.x) - reach); x <= Math.min(k.width - 1, Math.round(star.x) + reach); x++) {
      const fine = Math.hypot(x - star.x, y - star.y) < 4 * k.fwhm
      let sum = 0
      if (!fine) sum = profile(x - star.x, y - star.y)
      else {
        for (let s = 0; s < 25; s++) {
          sum += profile(x - star.x + (s % 5) / 5 - 0.4, y - star.y + Math.floor(s / 5) / 5 - 0.4) / 25
        }
      }
      image[y * k.width + x] += star.flux * sum
    }
  }
}

/** The profile as density, sum 1: Moffat or Gaussian, drawn out along x. */
function starProfile({ fwhm, beta, elongation }: SkyKnobs): (dx: number, dy: number) => number {
  const [along, across] = [fwhm * Math.sqrt(elongation), fwhm / Math.sqrt(elongation)]
  if (beta === Number.POSITIVE_INFINITY) {
    const factor = 4 * Math.LN2
    return (dx, dy) => (factor / (Math.PI * fwhm * fwhm)) * Math.exp(-factor * ((dx / along) ** 2 + (dy / across) ** 2))
  }
  const width = 1 / (2 * Math.sqrt(2 ** (1 / beta) - 1))
  const norm = (beta - 1) / (Math.PI * (fwhm * width) ** 2)
  return (dx, dy) => norm * (1 + (dx / (along * width)) ** 2 + (dy / (across * width)) ** 2) ** -beta
}

/** Stars at random places at least `margin` from the edge and `apart` from each other, all of one flux. */
export function scatterStars(
  count: number,
  flux: number,
  knobs: Partial<SkyKnobs> = {},
  apart = 20,
  margin = 15,
): Star[] {
  const { width, height, seed } = { ...PLAIN, ...knobs }
  const draw = random(`stars ${seed}`)
  const stars: Star[] = []
  for (let tries = 0; stars.length < count && tries < 100 * count; tries++) {
    const x = margin + draw.uniform() * (width - 1 - 2 * margin)
    const y = margin + draw.uniform() * (height - 1 - 2 * margin)
    if (stars.every(star => Math.hypot(star.x - x, star.y - y) > apart)) stars.push({ x, y, flux })
  }
  return stars
}

/** For each star the row of the nearest detection within a radius, or −1. */
export function findStars(stars: Star[], found: { x: Float64Array; y: Float64Array }, radius: number): number[] {
  return stars.map(star => {
    let best = -1
    let bestDistance = radius
    for (let i = 0; i < found.x.length; i++) {
      const distance = Math.hypot(found.x[i] - star.x, found.y[i] - star.y)
      if (distance >= bestDistance) continue
      best = i
      bestDistance = distance
    }
    return best
  })
}
