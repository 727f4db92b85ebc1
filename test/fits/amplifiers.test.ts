import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { standardFrame } from '#functions/standardise/standardise.ts'
import { openFits } from '#shared/fits/file.ts'
import { sciencePlane } from '#shared/fits/science-plane.ts'
import { random } from '#shared/numeric/random.ts'
import { cardsOf } from '../standardise/camera.ts'
import { askAstropy, astropyThere, dataFolder, dataThere } from './astropy.ts'
import { extensionsOf } from './build.ts'

const SIDE = 32
const WIDE = SIDE + 8 // eight columns of overscan

/** Four amplifiers of one detector, read from its corners inwards, each with its own bias and gain. */
const corners = [
  { detsec: `[1:${SIDE},1:${SIDE}]`, bias: 1000, gain: 1, from: [0, 0], step: [1, 1] },
  { detsec: `[${2 * SIDE}:${SIDE + 1},1:${SIDE}]`, bias: 1100, gain: 2, from: [2 * SIDE - 1, 0], step: [-1, 1] },
  { detsec: `[1:${SIDE},${2 * SIDE}:${SIDE + 1}]`, bias: 900, gain: 1, from: [0, 2 * SIDE - 1], step: [1, -1] },
  {
    detsec: `[${2 * SIDE}:${SIDE + 1},${2 * SIDE}:${SIDE + 1}]`,
    bias: 1200,
    gain: 2,
    from: [2 * SIDE - 1, 2 * SIDE - 1],
    step: [-1, -1],
  },
]
const draw = random('electrons')
const electrons = Float32Array.from({ length: 4 * SIDE * SIDE }, () => 2 * draw.integer(300))

function rawFrame(change: (card: { DETSEC: string; DATASEC: string }) => object = () => ({})): Uint8Array {
  const units = corners.map(({ detsec, bias, gain, from, step }) => {
    const pixels = new Float32Array(WIDE * SIDE).fill(bias)
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++)
        pixels[y * WIDE + x] += electrons[(from[1] + y * step[1]) * 2 * SIDE + from[0] + x * step[0]] / gain
    const told = { DETSEC: detsec, DATASEC: `[1:${SIDE},1:${SIDE}]`, BIASSEC: `[${SIDE + 1}:${WIDE},1:${SIDE}]` }
    const cards = cardsOf({ ...told, GAIN: gain, ...change(told) })
    return { width: WIDE, height: SIDE, pixels, as: 'uint16' as const, cards }
  })
  return extensionsOf(cardsOf({ 'DATE-OBS': '2021-10-08T01:55:17', EXPTIME: 10, SATURATE: 40_000 }), units)
}

describe('a raw frame of several amplifiers', () => {
  test('is put together: overscan off, gains equalised, axes turned as DETSEC says', () => {
    const { frame, header, provenance } = standardFrame(rawFrame())
    expect([frame.width, frame.height]).toEqual([2 * SIDE, 2 * SIDE])
    // 1.5 electrons per ADU is the mean of the gains
    expect(frame.pixels).toEqual(electrons.map(value => Math.fround(value / 1.5)))
    expect(header).toMatchObject({ gainElectronsPerAdu: 1.5, pedestalAdu: 0 })
    expect(header.saturationAdu).toBeCloseTo(40_000 - 1600, 6) // of 1200 ADU overscan of gain 2, in ADU of 1.5
    expect(provenance.pixels.conversion).toMatch(/4 amplifiers put together; overscan .* taken off; gains .* equalised/)
  })

  test.each([
    ['say nothing of the detector', () => ({ DATASEC: 'UNKNOWN' })],
    ['lie upon each other', () => ({ DETSEC: `[1:${SIDE},1:${SIDE}]` })],
    ['reach beyond their pixels', () => ({ DATASEC: `[1:${SIDE},1:${2 * SIDE}]` })],
    [
      'leave a gap',
      ({ DETSEC }: { DETSEC: string }) => ({ DETSEC: DETSEC.replace(`${2 * SIDE}:${SIDE + 1}`, '99:68') }),
    ],
  ])('is refused with the reason where its parts %s', (_, change) =>
    expect(() => sciencePlane(openFits(rawFrame(change)))).toThrow(
      /raw frame of 4 amplifiers whose DETSEC and DATASEC/,
    ),
  )
})

test.skipIf(!dataThere || !astropyThere)(
  'a real one is what numpy puts together (skipped where frame or astropy are absent)',
  () => {
    const path = join(dataFolder, 'neoexchange', 'mef_raw_test_frame.fits')
    const { frame, header } = standardFrame(readFileSync(path))
    const [sum, corner, middle] = askAstropy(
      `
with fits.open(sys.argv[1]) as f:
    parts = []
    for u in f[1:]:
        d = u.data.astype('f8'); parts.append((d[:512, :512] - np.median(d[:512, 519:540])) * u.header['GAIN'] / 6.295)
    top = np.hstack([parts[0][::-1], parts[3][::-1, ::-1]]); bottom = np.hstack([parts[1], parts[2][:, ::-1]])
    whole = np.vstack([bottom, top])
    print(json.dumps([whole.sum(), whole[3, 1020], whole[511, 513]]))`,
      [path],
    ) as number[]
    expect([frame.width, frame.height]).toEqual([1024, 1024])
    expect(frame.pixels.reduce((total, value) => total + value, 0) / sum).toBeCloseTo(1, 6)
    expect(frame.pixels[3 * 1024 + 1020]).toBeCloseTo(corner, 2)
    expect(frame.pixels[511 * 1024 + 513]).toBeCloseTo(middle, 2)
    expect(header.gainElectronsPerAdu).toBeCloseTo(6.295, 6)
    expect(header.dialect).toBe('lco')
  },
)
