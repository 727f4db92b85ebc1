import { expect, test } from 'vitest'
import { estimateBackground } from '#shared/image/background.ts'
import { MASK } from '#shared/image/frame.ts'
import { median } from '#shared/numeric/robust.ts'
import { drawFrame, PLAIN, scatterStars } from './virtual-stars.ts'

const NOISE = Math.sqrt(400 / PLAIN.gain + (PLAIN.readNoise / PLAIN.gain) ** 2)

test('an empty sky has the level and noise that its photons make', () => {
  const sky = estimateBackground(drawFrame([]))
  expect(Math.abs(sky.medianLevel - 400)).toBeLessThan(0.02 * NOISE)
  expect(sky.medianRms / NOISE).toBeGreaterThan(0.98)
  expect(sky.medianRms / NOISE).toBeLessThan(1.02)
})

test('a gradient is followed to the edges', () => {
  const slope = (x: number, y: number) => 300 + 0.2 * x - 0.1 * y
  const sky = estimateBackground(drawFrame([], { sky: slope }))
  const off = Array.from(sky.level, (level, i) => level - slope(i % 512, Math.floor(i / 512)))
  expect(Math.abs(median(off))).toBeLessThan(0.03 * NOISE)
  expect(median(off.map(Math.abs))).toBeLessThan(0.06 * NOISE)
  expect(Math.max(...off.slice(0, 2000).map(Math.abs))).toBeLessThan(0.5 * NOISE)
})

test('crowding lifts the sky by less than a fifth of its noise', () => {
  const stars = scatterStars(900, 3000, {}, 6, 3)
  const sky = estimateBackground(drawFrame(stars))
  expect(sky.medianLevel - 400).toBeLessThan(0.2 * NOISE)
  expect(sky.medianLevel - 400).toBeGreaterThan(-0.1 * NOISE)
})

test('masked pixels do not count', () => {
  const frame = drawFrame([])
  for (let i = 0; i < frame.pixels.length; i += 3) {
    frame.pixels[i] = i % 2 ? 30_000 : Number.NaN
    frame.mask[i] = MASK.bad
  }
  const sky = estimateBackground(frame)
  expect(Math.abs(sky.medianLevel - 400)).toBeLessThan(0.03 * NOISE)
  expect(sky.medianRms / NOISE).toBeLessThan(1.03)
})

test('a large masked part is bridged from its surroundings', () => {
  const frame = drawFrame([], { sky: x => 400 + 0.1 * x })
  for (let y = 150; y < 330; y++) frame.mask.fill(MASK.bad, y * 512 + 150, y * 512 + 330)
  const { level } = estimateBackground(frame)
  expect(Math.abs(level[240 * 512 + 240] - 424)).toBeLessThan(0.5 * NOISE)
})

test('nebulosity inside a cell does not pass for noise', () => {
  const nebula = (x: number, y: number) => 400 + 40 * Math.sin(x / 5) * Math.sin(y / 6)
  const sky = estimateBackground(drawFrame([], { sky: nebula }))
  expect(sky.medianRms / NOISE).toBeLessThan(1.3)
})

test.each([401, 408, 412])('a sky that was cut off at %i, above its middle, keeps its noise', cut => {
  const frame = drawFrame([])
  frame.pixels.forEach((value, i) => {
    frame.pixels[i] = Math.max(0, Math.round(value) - cut)
  })
  const sky = estimateBackground(frame)
  const mean = frame.pixels.reduce((sum, value) => sum + value / frame.pixels.length, 0)
  expect(sky.medianRms / NOISE).toBeGreaterThan(0.85)
  expect(sky.medianRms / NOISE).toBeLessThan(1.15)
  expect(Math.abs(sky.medianLevel - mean)).toBeLessThan(0.1 * NOISE)
})

test('pixels in steps coarser than the noise have the noise of the steps', () => {
  const frame = drawFrame([])
  frame.pixels.forEach((value, i) => {
    frame.pixels[i] = 400 + Math.round((value - 400) / 60) * 60
  })
  const { medianRms } = estimateBackground(frame)
  expect(medianRms / (60 / Math.sqrt(12))).toBeGreaterThan(0.999)
  expect(medianRms / (60 / Math.sqrt(12))).toBeLessThan(1.2)
})

test.each([
  ['electrons, of a gain of 1.37', 1.37, 0],
  ['counts less a dark of a quarter', 1, -0.25],
  ['steps of four counts of a 14-bit converter', 4, 0],
  ['thousandths, so that counts are small numbers', 0.001, 0],
])('the sky of the same pixels is the same where they are written as %s', (_, scale, offset) => {
  const counted = drawFrame(scatterStars(500, 3000, {}, 6, 3))
  counted.pixels.forEach((value, i) => {
    counted.pixels[i] = Math.round(value)
  })
  const other = { ...counted, pixels: counted.pixels.map(value => value * scale + offset) }
  const [sky, same] = [estimateBackground(counted), estimateBackground(other)]
  const off = Array.from(sky.levels.grid, (level, i) => Math.abs(level * scale + offset - same.levels.grid[i]))
  expect(Math.max(...off) / (NOISE * scale)).toBeLessThan(5e-3) // pixels at the very edge of the clipping
  expect(Math.abs(same.medianRms / (sky.medianRms * scale) - 1)).toBeLessThan(1e-3)
})
