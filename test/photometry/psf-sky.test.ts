import { expect, test } from 'vitest'
import { random } from '#shared/numeric/random.ts'
import type { Sample } from '#shared/photometry/psf-sample.ts'
import { letSkyVary } from '#shared/photometry/psf-sky.ts'
import { Scene } from '#shared/photometry/scene.ts'

const [width, height, fwhmPx, reach] = [900, 700, 3, 12]
/** Sky of 400 ADU at a gain of 1, no read noise: a noise of 20 ADU. */
const noise = 20

function emptyScene(): Scene {
  const sky = new Float32Array(width * height).fill(noise * noise)
  const detector = { gainElectronsPerAdu: 1, readNoiseElectrons: 0, saturationAdu: 1e6, pedestalAdu: 0 }
  return new Scene({ width, height, pixels: sky.slice(), mask: new Uint8Array(width * height), detector }, sky)
}

/** Stars with a wing of 2e-5 of their flux in each pixel, growing across the frame, on a sky that is off by `level` ADU. */
function samplesOn(level: () => number): Sample[] {
  const draw = random('sky under stars')
  return Array.from({ length: 200 }, (_, star) => {
    const [x0, y0] = [draw.uniform() * width, draw.uniform() * height].map(Math.floor)
    const flux = 10 ** (4 + 2 * draw.uniform())
    const [dx, dy, value]: number[][] = [[], [], []]
    const off = level()
    for (let j = -reach; j <= reach; j++) {
      for (let i = -reach; i <= reach; i++) {
        dx.push(i)
        dy.push(j)
        value.push(off + 2e-5 * flux * (1 + x0 / width) + noise * draw.normal())
      }
    }
    const list = (values: number[]) => Float64Array.from(values)
    const pixels = { dx: list(dx), dy: list(dy), value: list(value), sigma: list(value.map(() => noise)) }
    return { ...pixels, star, x0, y0, x: x0, y: y0, flux, chi: 1, doubt: 0, skyVariance: 0, reach }
  })
}

test('the sky under PSF stars is as uncertain as it is off, and wings are no fault of it', () => {
  const draw = random('levels')
  const uneven = samplesOn(() => 4 * draw.normal())
  letSkyVary(uneven, emptyScene(), fwhmPx, 1)
  // Scatter of 200 stars by the median deviation: 6 %; variance 12 %.
  for (const { skyVariance } of uneven) expect(Math.abs(skyVariance / 16 - 1)).toBeLessThan(0.3)

  const even = samplesOn(() => 0)
  letSkyVary(even, emptyScene(), fwhmPx, 1)
  for (const { skyVariance } of even) expect(skyVariance).toBeLessThan(1)
})
