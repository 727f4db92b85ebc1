import { PNG } from 'pngjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { apertureTie, circleOverlap } from '#shared/photometry/aperture.ts'
import { cleanlinessOf } from '#shared/photometry/cleanliness.ts'
import { type MeasuredFrame, measureStars } from '#shared/photometry/measure-stars.ts'
import { LocalPsf } from '#shared/photometry/psf.ts'
import { drawPsf } from '#shared/photometry/psf-picture.ts'
import { detectionsNear, latticeStars, moffatOnPixel, renderFrame, type Sky } from './rendered-frame.ts'

const sky: Sky = {
  width: 260,
  height: 240,
  fwhmPx: 3,
  beta: 3,
  skyAdu: 300,
  gain: 1.5,
  readNoise: 6,
  seed: 11,
}

describe('a frame with its stars subtracted', () => {
  let measured: MeasuredFrame

  beforeAll(() => {
    const stars = latticeStars(sky, 26, 800, 40_000)
    const frame = renderFrame(sky, stars)
    const level = new Float32Array(sky.width * sky.height).fill(sky.skyAdu)
    measured = measureStars(frame, level, detectionsNear(sky, stars))
  }, 60_000)

  test('has noise left and nothing else', () => {
    const { frame, onStars } = cleanlinessOf(measured.scene, measured.stars, measured.psf)
    expect(Math.abs(frame - 1)).toBeLessThan(0.03)
    // The fit takes three of some thirty pixels' degrees of freedom, mostly from these.
    expect(onStars).toBeGreaterThan(0.85)
    expect(onStars).toBeLessThan(1.05)
  })

  test('says so where a star is taken out badly', () => {
    const { scene, stars, psf } = measured
    const before = scene.residual.slice()
    const local = new LocalPsf(psf)
    for (const star of stars.byFlux()) {
      const [x, y, flux] = [stars.x[star], stars.y[star], stars.flux[star]]
      local.moveTo(stars.homeX[star], stars.homeY[star])
      scene.redraw(local, stars, star, x, y, 0.5 * flux, stars.radius[star])
      stars.flux[star] = flux
    }
    expect(cleanlinessOf(scene, stars, psf).onStars).toBeGreaterThan(3)
    scene.residual.set(before)
  })

  test('gives an aperture on masked pixels the error of the fit that fills them', () => {
    const { scene, stars } = measured
    const star = stars.byFlux()[0]
    const usable = scene.usable.slice()
    scene.usable.fill(0)
    const { flux, fluxErr, whole } = measured.apertures.measure(stars, star, 3)
    scene.usable.set(usable)
    expect(whole).toBe(false)
    expect(fluxErr / flux).toBeCloseTo(stars.fluxErr[star] / stars.flux[star], 10)
  })

  test('has in its apertures what the profile encloses, and the same magnitudes as from the PSF', () => {
    const { stars } = measured
    const radius = sky.fwhmPx
    // The profile that the frame was rendered with, at the star's place on its pixels.
    const truth = (x: number, y: number) => {
      let sum = 0
      for (let j = -5; j <= 5; j++) {
        for (let i = -5; i <= 5; i++) {
          const [dx, dy] = [Math.round(x) + i - x, Math.round(y) + j - y]
          const share = circleOverlap(dx - 0.5, dy - 0.5, dx + 0.5, dy + 0.5, radius)
          sum += share * moffatOnPixel(dx, dy, sky.fwhmPx, sky.beta)
        }
      }
      return sum
    }
    const tie = apertureTie(measured, radius)
    expect(Math.abs(tie - 1)).toBeLessThan(0.005)
    const off: number[] = []
    for (const star of stars.byFlux().subarray(0, 30)) {
      const aperture = measured.apertures.measure(stars, star, radius)
      expect(Math.abs(aperture.enclosed - truth(stars.x[star], stars.y[star]))).toBeLessThan(0.004)
      off.push(-2.5 * Math.log10(aperture.flux / (tie * aperture.enclosed * stars.flux[star])))
    }
    const mean = off.reduce((sum, value) => sum + value, 0) / off.length
    expect(Math.abs(mean)).toBeLessThan(0.002)
  })

  test('comes with a picture of the PSF, dark in the middle of each place', () => {
    const { width, height, data } = PNG.sync.read(Buffer.from(drawPsf(measured.psf)))
    const brightness = (x: number, y: number) => data[(y * width + x) * 4]
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 3; column++) {
        const [x, y] = [12 + 162 * column, 44 + 162 * row]
        expect(brightness(x + 75, y + 75)).toBeLessThan(40)
        expect(brightness(x + 4, y + 4)).toBeGreaterThan(200)
      }
    }
    expect(height).toBe(542)
  })
})
