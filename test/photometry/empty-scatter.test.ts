import { expect, test } from 'vitest'
import { random } from '#shared/numeric/random.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import { analyticPsf } from '#shared/photometry/psf-build.ts'
import { scatterWithTail, searchResidual } from '#shared/photometry/residual-search.ts'
import { searchRows } from '#shared/photometry/row-filter.ts'
import { Scene } from '#shared/photometry/scene.ts'

const width = 300
const height = 210

/** Noise of two and a half times what is claimed in the left half, of four times in the right one; faint stars in it. */
function unquietScene(): Scene {
  const draw = random('unquiet')
  const pixels = Float32Array.from({ length: width * height }, (_, k) => {
    return 500 + (k % width < width / 2 ? 25 : 40) * draw.normal()
  })
  for (let star = 0; star < 60; star++) pixels[Math.floor(draw.uniform() * pixels.length)] += 800
  const mask = new Uint8Array(width * height)
  mask.fill(1, 40 * width, 60 * width)
  const detector = { gainElectronsPerAdu: 1, readNoiseElectrons: 0, saturationAdu: 6e4, pedestalAdu: 0 }
  const scene = new Scene({ width, height, pixels, mask, detector }, new Float32Array(width * height).fill(500))
  scene.noise = { base: 100, perAdu: 0, floor: 100 }
  return scene
}

test('empty places scatter as lists of them do by plain statistics, in the bulk and with their tail', () => {
  const scene = unquietScene()
  const flat = (value: number) => Float64Array.of(value, 0, 0, 0, 0, 0)
  const shape = { tableOrder: 0, beta: 3, moments: [flat(5), flat(5), flat(0)], widthErr: 0, kept: [0, 1, 2] }
  const psf = analyticPsf(scene, shape as Parameters<typeof analyticPsf>[1])
  // Two regions each way.
  const seen: number[][] = [[], [], [], []]
  searchRows(scene, psf, 0, (y, { significance, unit }) => {
    if (y % 3 !== 0) return
    for (let x = 0; x < width; x++) {
      const from = x < width / 2 ? 0 : width / 2
      if ((x - from) % 3 !== 0 || !(unit[x] > 0)) continue
      seen[(y < height / 2 ? 0 : 2) + (from > 0 ? 1 : 0)].push(significance[x])
    }
  })
  const bulk = searchResidual(scene, psf, 0, 1e9).scatter
  const withTail = scatterWithTail(scene, psf)
  seen.forEach((list, region) => {
    const [x, y] = [region % 2 === 0 ? 10 : width - 10, region < 2 ? 10 : height - 10]
    const sigma = madSigma(list)
    // The median lies anywhere between the middle two of a thousand places.
    expect(bulk(x, y) / sigma).toBeCloseTo(1, 2)
    const centre = median(list)
    const near = list.filter(value => Math.abs(value - centre) < 4.5 * sigma)
    const square = near.reduce((sum, value) => sum + (value - centre) ** 2, 0) / near.length
    expect(withTail(x, y) / Math.sqrt(square)).toBeCloseTo(1, 2)
  })
  expect(bulk(10, 10)).toBeGreaterThan(2)
  expect(bulk(width - 10, 10) / bulk(10, 10)).toBeGreaterThan(1.4)
})
