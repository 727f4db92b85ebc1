import { expect, test } from 'vitest'
import type { Frame } from '#shared/image/frame.ts'
import { linearLeastSquares } from '#shared/numeric/linear.ts'
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

/** A sixth of each star's light lies outwards of it, by up to a FWHM in the corners: a comet's tail. */
function comaticFrame(stars: { x: number; y: number; flux: number }[]): Frame {
  const { width, height, gain, readNoise, fwhmPx, beta } = sky
  const light = new Float64Array(width * height).fill(sky.skyAdu)
  const reach = 8 * fwhmPx
  const draw = random(sky.seed)
  for (const { x, y, flux } of stars) {
    const [outX, outY] = [x, y].map(at => (fwhmPx * (at - width / 2)) / (width / 2) / Math.SQRT2)
    for (let j = Math.max(0, Math.round(y) - reach); j <= Math.min(height - 1, Math.round(y) + reach); j++) {
      for (let i = Math.max(0, Math.round(x) - reach); i <= Math.min(width - 1, Math.round(x) + reach); i++) {
        const head = (5 / 6) * moffatOnPixel(i - x, j - y, fwhmPx, beta)
        const tail = (1 / 6) * moffatOnPixel(i - x - outX, j - y - outY, 1.3 * fwhmPx, beta)
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

/** Stars of a comatic frame, brightest first, as they are and as they are found. */
function measured(faintest: number, brightest: number) {
  const stars = latticeStars(sky, 48, faintest, brightest).sort((a, b) => b.flux - a.flux)
  const level = new Float32Array(sky.width * sky.height).fill(sky.skyAdu)
  return { stars, found: measureStars(comaticFrame(stars), level, detectionsNear(sky, stars)).stars }
}

test('under coma bright stars keep their flux from the middle to the corners', () => {
  const { stars, found } = measured(3e4, 1e6)
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

test('under coma places go about the frame as a solution of the sky can follow', () => {
  const { stars, found } = measured(3e5, 1e7)
  const bright = stars.flatMap(({ flux }, i) => (flux > 2e6 ? [i] : []))
  const at = (i: number) => [stars[i].x / (sky.width / 2) - 1, stars[i].y / (sky.height / 2) - 1]
  const cubic = Float64Array.from(
    bright.flatMap(i => {
      const [x, y] = at(i)
      return [1, x, y, x * x, x * y, y * y, x ** 3, x * x * y, x * y * y, y ** 3]
    }),
  )
  const ones = new Float64Array(bright.length).fill(1)
  const away = (off: Float64Array) => {
    const coefficients = linearLeastSquares(cubic, 10, off, ones)?.coefficients ?? new Float64Array(10)
    return off.map((value, k) => coefficients.reduce((left, c, term) => left - c * cubic[k * 10 + term], value))
  }
  const x = away(Float64Array.from(bright, i => found.x[i] - stars[i].x))
  const y = away(Float64Array.from(bright, i => found.y[i] - stars[i].y))
  const outwards = bright.flatMap((i, k) => {
    const [atX, atY] = at(i)
    const radius = Math.hypot(atX, atY)
    return radius > 0.3 ? [(x[k] * atX + y[k] * atY) / radius] : []
  })
  const scatter = Math.sqrt(outwards.reduce((sum, value) => sum + value * value, 0) / outwards.length)
  expect(outwards.length).toBeGreaterThan(60)
  // The noise of single places is 1.2e-3 pixel; tables that change quadratically leave 6.4e-3.
  expect(scatter).toBeLessThan(0.002)
})
