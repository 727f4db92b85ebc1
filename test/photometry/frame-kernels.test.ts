import { expect, test } from 'vitest'
import { encodeImages, type ImageUnit } from '#shared/fits/write-image.ts'
import { CoarseMap } from '#shared/image/coarse-map.ts'
import { type Frame, MASK } from '#shared/image/frame.ts'
import { random } from '#shared/numeric/random.ts'
import { Scene } from '#shared/photometry/scene.ts'
import { SceneStars } from '#shared/photometry/scene-stars.ts'

// No multiple of the four pixels that the kernels take at once.
const width = 151
const height = 43
const saturationAdu = 60_000

/** Noise on a slope, with pixels that are masked, have no value, or are full. */
function spoiltFrame(): Frame {
  const draw = random('frame')
  const pixels = Float32Array.from({ length: width * height }, (_, k) => 900 + (k % width) + 20 * draw.normal())
  const mask = new Uint8Array(width * height)
  for (let k = 0; k < 150; k++) {
    const at = Math.floor(draw.uniform() * pixels.length)
    if (k % 5 === 0) mask[at] = MASK.cosmicRay
    else if (k % 5 === 1) pixels[at] = Number.NaN
    else if (k % 5 === 2) pixels[at] = k % 2 === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
    else if (k % 15 === 3) pixels[at] = saturationAdu
    else if (k % 15 === 4) mask[at] = MASK.saturated
  }
  pixels[0] = pixels[pixels.length - 1] = saturationAdu + 1
  const detector = { gainElectronsPerAdu: 1.5, readNoiseElectrons: 8, saturationAdu, pedestalAdu: 0 }
  return { width, height, pixels, mask, detector }
}

function mapOf(columns: number, rows: number, level: number): CoarseMap {
  const draw = random(`map ${columns} ${rows}`)
  const grid = Float64Array.from({ length: columns * rows }, () => level + 30 * draw.normal())
  return new CoarseMap(grid, columns, rows, width, height)
}

test('pixels that are full, masked or without value, and the neighbours of full ones, take no part in fits', () => {
  const { pixels, mask } = spoiltFrame()
  const scene = new Scene(spoiltFrame(), mapOf(5, 4, 950))
  const isFull = (x: number, y: number) => {
    const k = y * width + x
    return (mask[k] & MASK.saturated) !== 0 || pixels[k] >= saturationAdu
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const k = y * width + x
      let beside = false
      for (let b = Math.max(0, y - 1); b <= Math.min(height - 1, y + 1); b++) {
        for (let a = Math.max(0, x - 1); a <= Math.min(width - 1, x + 1); a++) beside ||= isFull(a, b)
      }
      expect(scene.usable[k]).toBe(mask[k] === 0 && Number.isFinite(pixels[k]) && !beside ? 1 : 0)
    }
  }
})

test('a frame is sky and what is left, also when the sky is raised and when its stars are taken out', () => {
  const { pixels } = spoiltFrame()
  const [level, change] = [mapOf(7, 3, 950), mapOf(1, 2, 10)]
  const scene = new Scene(spoiltFrame(), level)
  const [first, more] = [level.whole(), change.whole()]
  // Floats have steps of 6e-5 at a thousand, of 4e-3 at a full pixel.
  const tolerance = (k: number) => (Math.abs(pixels[k]) < 2000 ? 4e-4 : 0.01)
  for (let k = 0; k < pixels.length; k++) {
    expect(Math.abs(scene.sky[k] - first[k])).toBeLessThan(4e-4)
    expect(scene.residual[k]).toBe(Number.isFinite(pixels[k]) ? Math.fround(pixels[k] - scene.sky[k]) : 0)
  }
  const before = scene.residual.slice()
  scene.raiseSky(change)
  for (let k = 0; k < pixels.length; k++) {
    expect(Math.abs(scene.sky[k] - first[k] - more[k])).toBeLessThan(4e-4)
    if (Number.isFinite(pixels[k])) {
      expect(Math.abs(scene.residual[k] - before[k] + more[k])).toBeLessThan(tolerance(k))
    }
  }
  scene.residual[77] -= 500 // a star
  scene.removeStars()
  for (let k = 0; k < pixels.length; k++) {
    if (!Number.isFinite(pixels[k])) expect(scene.data[k]).toBe(pixels[k])
    else expect(Math.abs(scene.data[k] - pixels[k] + (k === 77 ? 500 : 0))).toBeLessThan(2 * tolerance(k))
  }
})

test('where no flaw is told of, every pixel takes part in fits; and most places are told to be free of any', () => {
  const scene = new Scene(spoiltFrame(), mapOf(5, 4, 950))
  const draw = random('places')
  for (let k = 0; k < 300; k++) {
    const [x, y, radius] = [draw.uniform() * width, draw.uniform() * height, 3 * draw.uniform()]
    if (scene.isFlawed(x, y, radius)) continue
    for (let j = Math.max(0, Math.ceil(y - radius)); j <= Math.min(height - 1, y + radius); j++) {
      for (let i = Math.max(0, Math.ceil(x - radius)); i <= Math.min(width - 1, x + radius); i++) {
        expect(scene.usable[j * width + i]).toBe(1)
      }
    }
  }
  const frame = spoiltFrame()
  frame.mask.fill(0)
  frame.pixels.fill(950)
  frame.mask[40 * width + 100] = MASK.bad
  const clean = new Scene(frame, mapOf(5, 4, 950))
  expect(clean.isFlawed(100, 40, 2)).toBe(true)
  expect(clean.isFlawed(20, 10, 5)).toBe(false)
})

test('stars come in the order of their fluxes, equal ones by their number, dropped ones not', () => {
  const stars = new SceneStars(6)
  const fluxes = [3, -20, 1e5, 3, 0, -1]
  for (const _ of fluxes) stars.add(0, 0)
  stars.flux.set(fluxes)
  expect(Array.from(stars.byFlux())).toEqual([2, 0, 3, 4, 5, 1])
  stars.dropped[0] = 1
  expect(Array.from(stars.byFlux())).toEqual([2, 3, 4, 5, 1])
})

test('a file that is written over something else is the same file', () => {
  const { pixels, mask } = spoiltFrame()
  const images = (): ImageUnit[] => [
    { width, height, pixels, as: 'float32' },
    { width, height, pixels: mask, as: 'uint8', name: 'MASK' },
  ]
  const room = new Uint8Array(100_000).fill(0xab)
  const there = encodeImages(images(), room)
  expect(there.buffer).toBe(room.buffer)
  expect(Buffer.compare(there, encodeImages(images()))).toBe(0)
})
