import { type Card, encodeHeader } from '#shared/fits/header.ts'
import { concatenate } from '#shared/fits/table.ts'
import { encodeImage } from '#shared/fits/write-image.ts'
import { random } from '#shared/numeric/random.ts'

export interface Scene {
  width: number
  height: number
  gain: number
  readNoise: number
  pedestal: number
  skyAdu: number
  /** Change of the sky over the frame's width, as a share. */
  gradient: number
  fullWellAdu: number
  stars: { x: number; y: number; flux: number }[]
  fwhmPx: number
  seed: string
}

export const usualScene: Scene = {
  width: 128,
  height: 128,
  gain: 1.5,
  readNoise: 8,
  pedestal: 100,
  skyAdu: 600,
  gradient: 0.1,
  fullWellAdu: 60_000,
  stars: [],
  fwhmPx: 3,
  seed: 'a frame',
}

/** What a camera counts of a scene: Poisson photons, normal read noise, whole numbers. Moffat stars (β 3.5). */
export function expose(options: Partial<Scene> = {}): Float32Array {
  const scene = { ...usualScene, ...options }
  const { width, height, gain, readNoise, pedestal, skyAdu, gradient, fullWellAdu } = scene
  const light = new Float64Array(width * height)
  for (let i = 0; i < light.length; i++) light[i] = skyAdu * (1 + gradient * ((i % width) / width - 0.5))
  for (const star of scene.stars) addStar(light, scene, star)
  const draw = random(scene.seed)
  const normal = (mean: number) => mean + Math.sqrt(mean) * draw.normal()
  return Float32Array.from(light, adu => {
    const electrons = adu * gain > 50 ? normal(adu * gain) : draw.poisson(adu * gain)
    const counted = Math.round(electrons / gain + pedestal + (readNoise / gain) * draw.normal())
    return Math.max(0, Math.min(counted, fullWellAdu))
  })
}

function addStar(
  light: Float64Array,
  { width, height, fwhmPx }: Scene,
  star: { x: number; y: number; flux: number },
): void {
  const beta = 3.5
  const alpha = fwhmPx / 2 / Math.sqrt(2 ** (1 / beta) - 1)
  const peak = ((beta - 1) / (Math.PI * alpha * alpha)) * star.flux
  const steps = [-0.4, -0.2, 0, 0.2, 0.4]
  const reach = Math.ceil(12 * fwhmPx)
  const [left, right] = [Math.max(0, Math.round(star.x) - reach), Math.min(width - 1, Math.round(star.x) + reach)]
  const [low, high] = [Math.max(0, Math.round(star.y) - reach), Math.min(height - 1, Math.round(star.y) + reach)]
  for (let y = low; y <= high; y++)
    for (let x = left; x <= right; x++) {
      let sum = 0
      for (const dy of steps)
        for (const dx of steps) {
          const r2 = (x + dx - star.x) ** 2 + (y + dy - star.y) ** 2
          sum += (1 + r2 / (alpha * alpha)) ** -beta
        }
      light[y * width + x] += (peak * sum) / 25
    }
}

/** Stars in rows and columns with their centres anywhere in the pixel, bright to faint. */
export function starGrid(width: number, height: number, spacing: number, brightest: number): Scene['stars'] {
  const draw = random('stars')
  const stars: Scene['stars'] = []
  for (let y = spacing / 2; y < height; y += spacing)
    for (let x = spacing / 2; x < width; x += spacing)
      stars.push({
        x: x + draw.uniform() - 0.5,
        y: y + draw.uniform() - 0.5,
        flux: brightest * draw.uniform() ** 3 + 500,
      })
  return stars
}

/** A 16-bit FITS file as a camera program writes it. */
export function fitsOf(pixels: Float32Array, width: number, height: number, cards: Card[]): Uint8Array {
  return encodeImage({ width, height, pixels, as: 'uint16', cards })
}

/** The file of a small usual exposure with the given header. */
export function frameWith(cards: Card[], options: Partial<Scene> = {}): Uint8Array {
  const { width, height } = { ...usualScene, ...options }
  return fitsOf(expose(options), width, height, cards)
}

/** Cards from keyword and value. */
export function cardsOf(values: Record<string, Card['value']>): Card[] {
  return Object.entries(values).map(([keyword, value]) => ({ keyword, value }))
}

/** A FITS file of 32-bit floats. */
export function floatFits(pixels: Float32Array, width: number, height: number, cards: Card[]): Uint8Array {
  return encodeImage({ width, height, pixels, as: 'float32', cards })
}

/** A one-dimensional FITS file. */
export function spectrum(length: number, cards: Card[]): Uint8Array {
  const header = encodeHeader([
    { keyword: 'SIMPLE', value: true },
    { keyword: 'BITPIX', value: 8 },
    { keyword: 'NAXIS', value: 1 },
    { keyword: 'NAXIS1', value: length },
    ...cards,
  ])
  return concatenate([header, new Uint8Array(length)])
}
