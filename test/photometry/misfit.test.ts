import { expect, test } from 'vitest'
import { random } from '#shared/numeric/random.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import { measureStars } from '#shared/photometry/measure-stars.ts'
import { detectionsNear, fluxLimit, latticeStars, renderFrame, type Sky } from './rendered-frame.ts'

const sky: Sky = {
  width: 800,
  height: 800,
  fwhmPx: 3,
  beta: 3.5,
  skyAdu: 100,
  gain: 1.5,
  readNoise: 5,
  seed: 17,
}
const stars = latticeStars(sky, 36, 1e5, 1e6).sort((a, b) => b.flux - a.flux)

/** Bright stars on a camera whose pixels differ in sensitivity by `grain`, which no flat field has taken out. */
function measuredWith(grain: number) {
  const frame = renderFrame(sky, stars)
  const draw = random('grain')
  for (let k = 0; k < frame.pixels.length; k++) frame.pixels[k] *= 1 + grain * draw.normal()
  const level = new Float32Array(sky.width * sky.height).fill(sky.skyAdu)
  const { psf, stars: found } = measureStars(frame, level, detectionsNear(sky, stars))
  const off = stars.map(({ flux }, i) => found.flux[i] / flux)
  const zero = median(off)
  const pulls = stars.map(({ flux }, i) => (off[i] - zero) / Math.hypot(psf.misfitErr, fluxLimit(sky, flux) / flux))
  return { psf, pull: madSigma(pulls) }
}

test('pixels of unequal sensitivity go into the errors of bright stars', () => {
  const { psf, pull } = measuredWith(0.04)
  // Photons alone leave 0.1 to 0.3 %; the pixels' 4 % make it about one per cent, which without this term is 4 sigma.
  expect(psf.misfitErr).toBeGreaterThan(0.004)
  expect(pull).toBeGreaterThan(0.75)
  expect(pull).toBeLessThan(1.35)
})

test('where the stars are as the PSF has them, nothing is added', () => {
  const { psf, pull } = measuredWith(0)
  expect(psf.misfitErr).toBeLessThan(3e-4)
  expect(pull).toBeGreaterThan(0.75)
  expect(pull).toBeLessThan(1.25)
})
