import { expect, test } from 'vitest'
import type { Frame } from '#shared/image/frame.ts'
import { random } from '#shared/numeric/random.ts'
import { measureStars } from '#shared/photometry/measure-stars.ts'
import { detectionsNear, latticeStars, moffatOnPixel, type Sky } from './rendered-frame.ts'

const sky: Sky = {
  width: 720,
  height: 720,
  fwhmPx: 6,
  beta: 4.5,
  skyAdu: 600,
  gain: 1.5,
  readNoise: 8,
  seed: 31,
}

/** A tenth of each star's light lies outwards of it, by up to a FWHM in the corners: a comet's tail. */
function comaticFrame(stars: { x: number; y: number; flux: number }[]): Frame {
  const { width, height, gain, readNoise, fwhmPx, beta } = sky
  const light = new Float64Array(width * height).fill(sky.skyAdu)
  const reach = 8 * fwhmPx
  const draw = random(sky.seed)
  for (const { x, y, flux } of stars) {
    const [outX, outY] = [x, y].map(at => (fwhmPx * (at - width / 2)) / (width / 2) / Math.SQRT2)
    for (let j = Math.max(0, Math.round(y) - reach); j <= Math.min(height - 1, Math.round(y) + reach); j++) {
      for (let i = Math.max(0, Math.round(x) - reach); i <= Math.min(width - 1, Math.round(x) + reach); i++) {
        const head = 0.9 * moffatOnPixel(i - x, j - y, fwhmPx, beta)
        const tail = 0.1 * moffatOnPixel(i - x - outX, j - y - outY, 1.3 * fwhmPx, beta)
        light[j * width + i] += flux * (head + tail)
      }
    }
  }
  return {
    width,
    height,
    pixels: Float32Array.from(light, adu => (draw.poisson(adu * gain) + readNoise * draw.normal()) / gain),
    mask: new Uint8Array(width * height),
    detector: { gainElectronsPerAdu: gain, readNoiseElectrons: readNoise, saturationAdu: 1e6, pedestalAdu: 0 },
  }
}

test('under coma bright stars keep their flux from the middle to the corners', () => {
  const stars = latticeStars(sky, 48, 3e4, 1e6).sort((a, b) => b.flux - a.flux)
  const frame = comaticFrame(stars)
  const { stars: found } = measureStars(
    frame,
    new Float32Array(sky.width * sky.height).fill(sky.skyAdu),
    detectionsNear(sky, stars),
  )
  const [inner, outer]: number[][] = [[], []]
  stars.forEach(({ x, y, flux }, i) => {
    if (flux < 1e5) return
    const radius = Math.hypot(x / sky.width - 0.5, y / sky.height - 0.5)
    if (radius < 0.25) inner.push(found.flux[i] / flux)
    else if (radius > 0.45) outer.push(found.flux[i] / flux)
  })
  const mean = (list: number[]) => list.reduce((sum, value) => sum + value, 0) / list.length
  expect(Math.min(inner.length, outer.length)).toBeGreaterThan(15)
  // The noise of either mean is 6e-4; a core of one shape, its wings held by a prior alone, is off by 3.4e-3.
  expect(Math.abs(mean(inner) - mean(outer))).toBeLessThan(0.002)
})
