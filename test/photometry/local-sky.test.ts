import { expect, test } from 'vitest'
import { random } from '#shared/numeric/random.ts'
import { LocalSky } from '#shared/photometry/local-sky.ts'
import { LocalPsf } from '#shared/photometry/psf.ts'
import { analyticPsf } from '#shared/photometry/psf-build.ts'
import { Scene } from '#shared/photometry/scene.ts'
import { SceneStars } from '#shared/photometry/scene-stars.ts'
import { StampPsf } from '#shared/photometry/stamp-psf.ts'

const width = 90
const height = 70
const level = 400
const x = 44.3
const y = 33.7
const flux = 6000

/** A star drawn where it is not quite, over a surface of sky that the map does not know. */
function sceneWith(surface: (dx: number, dy: number) => number) {
  const draw = random('sky')
  const flat = (value: number) => Float64Array.of(value, 0, 0, 0, 0, 0)
  const shape = { tableOrder: 0, beta: 3, moments: [flat(10), flat(10), flat(0)], widthErr: 0, kept: [0, 1, 2] }
  const psf = analyticPsf({ width, height }, shape as Parameters<typeof analyticPsf>[1])
  const profile = new Float64Array(width * height)
  const local = new LocalPsf(psf)
  local.moveTo(x, y)
  local.values(x, y, 0, 0, width, height, profile)
  const pixels = Float32Array.from(profile, (value, k) => {
    return level + flux * value + surface((k % width) - x, Math.floor(k / width) - y) + 20 * draw.normal()
  })
  const detector = { gainElectronsPerAdu: 1, readNoiseElectrons: 0, saturationAdu: 6e4, pedestalAdu: 0 }
  const frame = { width, height, pixels, mask: new Uint8Array(width * height), detector }
  const scene = new Scene(frame, new Float32Array(width * height).fill(level))
  const stars = new SceneStars(1)
  stars.add(x, y)
  local.moveTo(x, y)
  scene.redraw(local, stars, 0, x + 0.1, y, 1.05 * flux, 12)
  stars.fluxErr[0] = 100
  return { sky: new LocalSky(scene, new StampPsf(scene.memory, psf)), stars }
}

test('a star on a flat sky stays on the map', () => {
  const { sky, stars } = sceneWith(() => 0)
  expect(sky.fit(stars, 0)).toMatchObject({ order: -1, flux: 1.05 * flux, fluxErr: 100, skyAdu: 0 })
})

test.each([
  { order: 0, surface: () => 40 },
  { order: 1, surface: (dx: number, dy: number) => 5 * dx - 3 * dy },
  { order: 2, surface: (dx: number, dy: number) => 60 - 0.8 * dx * dx + 0.5 * dx * dy },
])('a star on a surface of order $order is fitted with it', ({ order, surface }) => {
  const { sky, stars } = sceneWith(surface)
  const fit = sky.fit(stars, 0)
  expect(fit?.order).toBe(order)
  // Noise of 20 ADU a pixel under a star of 3.3 pixel: some 100 ADU, more the freer its sky.
  expect(Math.abs((fit?.flux ?? 0) - flux) / (fit?.fluxErr ?? 0)).toBeLessThan(3)
  expect(fit?.fluxErr).toBeGreaterThan(60)
  expect(fit?.fluxErr).toBeLessThan(400)
  expect(Math.abs((fit?.x ?? 0) - x) / (fit?.xErr ?? 0)).toBeLessThan(3)
  expect(fit?.xErr).toBeLessThan(0.1)
  expect(Math.abs((fit?.skyAdu ?? 0) - surface(0, 0))).toBeLessThan(15)
})
