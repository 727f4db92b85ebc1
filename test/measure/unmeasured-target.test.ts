import { expect, test } from 'vitest'
import { measureTargets } from '#functions/measure/targets.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { MASK } from '#shared/image/frame.ts'
import { measureStars } from '#shared/photometry/measure-stars.ts'
import { pixelToSky } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { detectionsNear, latticeStars, renderFrame, type Sky } from '../photometry/rendered-frame.ts'

const sky: Sky = { width: 320, height: 320, fwhmPx: 3.2, beta: 3.2, skyAdu: 400, gain: 1.5, readNoise: 8, seed: 9 }
const step = 1 / 3600
const wcs: Wcs = { crvalRaDeg: 40, crvalDecDeg: 20, crpixX: 160, crpixY: 160, cd: [-step, 0, 0, step] }
const silent = { debug() {}, info() {}, warn() {}, error() {} }

test('a target on dead pixels is told of, with the flags of its place; one beside the frame is not', () => {
  const stars = latticeStars(sky, 32, 3_000, 40_000)
  const frame = renderFrame(sky, stars)
  for (let y = 180; y < 220; y++) for (let x = 80; x < 120; x++) frame.mask[y * sky.width + x] |= MASK.bad
  const measured = measureStars(frame, estimateBackground(frame).level, detectionsNear(sky, stars))
  const at = (name: string, x: number, y: number) => {
    const [raDeg, decDeg] = pixelToSky(wcs, x, y)
    return { name, raDeg, decDeg }
  }
  const targets = [at('dead', 100, 200), at('good', 200, 100), at('outside', 400, 100)]
  const { forced, unmeasured } = measureTargets(measured, wcs, targets, undefined, silent)
  expect(forced.map(({ name }) => name)).toEqual(['good'])
  expect(unmeasured).toMatchObject([
    { name: 'dead', flags: ['maskedPixels'], reason: expect.stringContaining('x 101.0, y 201.0') },
  ])
})
