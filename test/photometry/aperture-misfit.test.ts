import { expect, test } from 'vitest'
import { random } from '#shared/numeric/random.ts'
import { apertureMisfit } from '#shared/photometry/aperture.ts'
import { LocalPsf } from '#shared/photometry/psf.ts'
import { analyticPsf } from '#shared/photometry/psf-build.ts'
import { Scene, SceneStars } from '#shared/photometry/scene.ts'

const width = 640
const height = 640
const FLUX = 4e5
const fwhmPx = 3.2

/** Fitted stars with nothing but photon noise left of them, and parts of their light more within the aperture. */
function fittedStars(parts: Float64Array) {
  const detector = { gainElectronsPerAdu: 1.5, readNoiseElectrons: 6, saturationAdu: 1e6, pedestalAdu: 0 }
  const pixels = new Float32Array(width * height).fill(300)
  const scene = new Scene({ width, height, pixels, mask: new Uint8Array(width * height), detector }, pixels.slice())
  const variance = (fwhmPx / 2.2) ** 2
  const flat = (value: number) => Float64Array.of(value, 0, 0, 0, 0, 0)
  const shape = {
    tableOrder: 0,
    beta: 3,
    moments: [flat(variance), flat(variance), flat(0)],
    widthErr: 0,
    kept: [0, 1, 2],
  }
  const psf = analyticPsf({ width, height }, shape as Parameters<typeof analyticPsf>[1])
  const stars = new SceneStars(64)
  const local = new LocalPsf(psf)
  const draw = random('misfit')
  for (let n = 0; n < 64; n++) {
    const star = stars.add(40.3 + 80 * (n % 8), 40.6 + 80 * Math.floor(n / 8))
    local.moveTo(stars.x[star], stars.y[star])
    scene.redraw(local, stars, star, stars.x[star], stars.y[star], FLUX, psf.radiusPx)
    stars.fluxErr[star] = 1 // of the fit: far below that of the aperture
  }
  // What is left of a perfect fit is the noise of the pixels; `redraw` took the stars out of a frame that never had them.
  for (let k = 0; k < pixels.length; k++) scene.data[k] -= scene.residual[k]
  for (let k = 0; k < pixels.length; k++) {
    scene.residual[k] = 0
    scene.residual[k] = Math.sqrt(scene.variance(k)) * draw.normal()
    scene.data[k] += scene.residual[k]
  }
  for (let n = 0; n < 64; n++) {
    const k = scene.indexAt(stars.x[n], stars.y[n])
    scene.residual[k] += parts[n] * FLUX
    scene.data[k] += parts[n] * FLUX
  }
  return { scene, psf, stars, chosen: Int32Array.from({ length: 64 }, (_, n) => n) }
}

test('aperture and PSF fluxes that differ by noise alone have no misfit', () => {
  const { scene, psf, stars, chosen } = fittedStars(new Float64Array(64))
  expect(apertureMisfit(scene, psf, stars, chosen, psf.fwhmPx)).toBeLessThan(0.001)
})

test('where they differ by more, the misfit is the scatter of what was added, over the part that the aperture encloses', () => {
  const draw = random('parts')
  const parts = Float64Array.from({ length: 64 }, () => 0.01 * draw.normal())
  const { scene, psf, stars, chosen } = fittedStars(parts)
  // β = 3: 1 − (1 + (2r/FWHM)² (2^⅓ − 1))^(1 − β) of the light within r
  const enclosed = 1 - (1 + 4 * (2 ** (1 / 3) - 1)) ** -2
  const scatter = Math.sqrt(parts.reduce((sum, part) => sum + part * part, 0) / parts.length)
  const misfit = apertureMisfit(scene, psf, stars, chosen, psf.fwhmPx) * enclosed
  expect(misfit / scatter).toBeGreaterThan(0.9)
  expect(misfit / scatter).toBeLessThan(1.1)
})
