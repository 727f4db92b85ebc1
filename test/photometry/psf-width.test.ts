import { expect, test } from 'vitest'
import { random } from '#shared/numeric/random.ts'
import { type Moffat, moffatFwhm, moffatPixel, type StarPixels } from '#shared/photometry/moffat.ts'
import { fitShape, shapeAt } from '#shared/photometry/psf-shape.ts'

const truth: Moffat = { a: 0.3, b: 0.3, c: 0, beta: 3 }
const fwhmPx = moffatFwhm(truth)

function noisyStar(draw: ReturnType<typeof random>, flux: number, skyNoise: number): StarPixels {
  const reach = Math.ceil(2.5 * fwhmPx)
  const [dx, dy, value, sigma]: number[][] = [[], [], [], []]
  const [offX, offY] = [draw.uniform() - 0.5, draw.uniform() - 0.5]
  for (let j = -reach; j <= reach; j++) {
    for (let i = -reach; i <= reach; i++) {
      const light = flux * moffatPixel(truth, i - offX, j - offY, fwhmPx)
      const noise = Math.sqrt(light + skyNoise ** 2)
      dx.push(i)
      dy.push(j)
      value.push(light + noise * draw.normal())
      sigma.push(noise)
    }
  }
  return {
    dx: Float64Array.from(dx),
    dy: Float64Array.from(dy),
    value: Float64Array.from(value),
    sigma: Float64Array.from(sigma),
  }
}

test('the width of the PSF is wrong from place to place by as much as is claimed', () => {
  const draw = random('width of the PSF')
  const ratios: number[] = []
  for (let frame = 0; frame < 24; frame++) {
    const count = 20
    const places = Array.from({ length: count }, () => [2 * draw.uniform() - 1, 2 * draw.uniform() - 1])
    const stars = places.map(() => noisyStar(draw, 8000, 15))
    const x = Float64Array.from(places, ([x]) => x)
    const y = Float64Array.from(places, ([, y]) => y)
    const shape = fitShape(stars, x, y, fwhmPx)!
    const widths = places.map(([x, y]) => moffatFwhm(shapeAt(shape, x, y)))
    const mean = widths.reduce((sum, width) => sum + width, 0) / count
    const square = widths.reduce((sum, width) => sum + (width / mean - 1) ** 2, 0) / count
    ratios.push(Math.sqrt(square) / shape.widthErr)
  }
  // Each frame has five free numbers: the mean square of 24 is known to √(2/120), its root to 6 %.
  const rms = Math.sqrt(ratios.reduce((sum, ratio) => sum + ratio ** 2, 0) / ratios.length)
  expect(rms).toBeGreaterThan(0.8)
  expect(rms).toBeLessThan(1.2)
})
