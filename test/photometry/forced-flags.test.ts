import { expect, test } from 'vitest'
import { flagNames } from '#shared/flags.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { measureTarget } from '#shared/photometry/forced.ts'
import { measureStars } from '#shared/photometry/measure-stars.ts'
import { detectionsNear, latticeStars, renderFrame, type Sky } from './rendered-frame.ts'

const sky: Sky = { width: 320, height: 320, fwhmPx: 3.2, beta: 3.2, skyAdu: 400, gain: 1.5, readNoise: 8, seed: 9 }

test('a held place where the light has not the shape of a star is told from one where it has', () => {
  const stars = latticeStars(sky, 32, 3_000, 40_000)
  const frame = renderFrame(sky, stars)
  const edge = { x: stars[40].x + 16, y: stars[40].y + 16 }
  // The end of a trail, four pixels wide, as sharp as a pixel.
  for (let y = Math.round(edge.y) - 2; y < Math.round(edge.y) + 2; y++)
    for (let x = Math.round(edge.x); x < Math.round(edge.x) + 14; x++) frame.pixels[y * sky.width + x] += 1_500
  const measured = measureStars(frame, estimateBackground(frame).level, detectionsNear(sky, stars))
  const flagsAt = ({ x, y }: { x: number; y: number }) =>
    flagNames(measureTarget(measured, { name: 'place', raDeg: 0, decDeg: 0 }, x, y, { held: true })!.flags)
  expect(flagsAt(edge)).toContain('poorFit')
  expect(flagsAt(edge)).toContain('forcedPosition')
  expect(flagsAt(stars[22])).not.toContain('poorFit')
})
