import { expect, test } from 'vitest'
import { flagNames } from '#shared/flags.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { measureTarget } from '#shared/photometry/forced.ts'
import { hiddenCoreError } from '#shared/photometry/hidden-core.ts'
import { makeCatalogue } from '#shared/photometry/make-catalogue.ts'
import { measureStars } from '#shared/photometry/measure-stars.ts'
import { LocalPsf } from '#shared/photometry/psf.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { detectionsNear, latticeStars, renderFrame, type Sky } from './rendered-frame.ts'

const sky: Sky = { width: 512, height: 512, fwhmPx: 3.2, beta: 3.2, skyAdu: 400, gain: 1.5, readNoise: 8, seed: 5 }
/** Every star above some 7000 ADU is saturated; the PSF is learnt from the few faint ones. */
const SATURATION_ADU = 900

test('the flux of a star that is saturated to its wings has an error that holds', () => {
  const faint = latticeStars(sky, 36, 2_000, 6_000)
  const stars = faint.map((star, i) => (i % 4 === 0 ? { ...star, flux: 20_000 * 3 ** (i % 3) } : star))
  const frame = renderFrame(sky, stars)
  frame.detector.saturationAdu = SATURATION_ADU
  const measured = measureStars(frame, estimateBackground(frame).level, detectionsNear(sky, stars))
  const bright = stars.filter(star => star.flux >= 20_000)
  expect(bright.length).toBeGreaterThan(30)
  const forced = bright.map(({ x, y, flux }) => {
    const found = measureTarget(measured, { name: 'star', raDeg: 0, decDeg: 0 }, x, y)!
    expect(flagNames(found.flags)).toContain('saturated')
    return (found.flux - flux) / found.fluxErr
  })
  const wcs: Wcs = { crvalRaDeg: 10, crvalDecDeg: 20, crpixX: 256, crpixY: 256, cd: [-1e-4, 0, 0, 1e-4] }
  const covariance = { order: 0, centreX: 256, centreY: 256, radiusPx: 300, covariance: [1e-12] }
  const catalogue = makeCatalogue(measured, { wcs, covariance })
  let unsettled = 0
  const listed = bright.map(({ x, y, flux }) => {
    const row = catalogue.x.findIndex((at, i) => Math.hypot(at - x, catalogue.y[i] - y) < 2)
    // What is left of its core tells nothing of a star's width, and it must not be dropped for it.
    expect(row).toBeGreaterThanOrEqual(0)
    if (flagNames(catalogue.flags[row]).includes('fitNotConverged')) unsettled++
    return (catalogue.flux[row] - flux) / catalogue.fluxErr[row]
  })
  expect(unsettled).toBe(0)
  for (const pulls of [forced, listed]) {
    const rms = Math.sqrt(pulls.reduce((sum, pull) => sum + pull * pull, 0) / pulls.length)
    expect(rms).toBeLessThan(1.5)
    expect(rms).toBeGreaterThan(0.2)
    expect(Math.max(...pulls.map(Math.abs))).toBeLessThan(4)
  }
})

test('nothing is hidden of a star all of whose pixels count; a larger hole leaves more open; a frame of holes everything', () => {
  const stars = latticeStars(sky, 36, 20_000, 60_000)
  const frame = renderFrame(sky, stars)
  const measured = measureStars(frame, estimateBackground(frame).level, detectionsNear(sky, stars))
  const { scene, psf } = measured
  const local = new LocalPsf(psf)
  local.moveTo(256, 256)
  const withHole = (radiusPx: number) => {
    const usable = scene.usable.slice()
    for (let k = 0; k < usable.length; k++)
      if (Math.hypot((k % sky.width) - 256, Math.floor(k / sky.width) - 256) < radiusPx) scene.usable[k] = 0
    const error = hiddenCoreError(measured, local, 256, 256)
    scene.usable.set(usable)
    return error
  }
  expect(withHole(0)).toBe(0)
  expect(withHole(3)).toBeGreaterThan(withHole(1.5))
  expect(withHole(6)).toBeGreaterThan(withHole(3))
  // The outermost wings alone: four per cent of what they cannot tell.
  expect(withHole(6)).toBeGreaterThan(0.03)
  expect(withHole(60)).toBe(Number.POSITIVE_INFINITY)
})
