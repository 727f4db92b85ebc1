import { describe, expect, test } from 'vitest'
import { colourPlane } from '#functions/standardise/mosaic.ts'
import { standardFrame } from '#functions/standardise/standardise.ts'
import { cardsOf, expose, fitsOf } from './camera.ts'

/** A sky of its own level behind each colour: red 1000, green 2000, blue 500. */
function skyOf(pattern: string, width: number, height: number): Float32Array {
  const level: Record<string, number> = { R: 1000, G: 2000, B: 500 }
  return Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)]
    return level[pattern[(x & 1) + 2 * (y & 1)]] + ((x * 7 + y * 13) % 5)
  })
}

const greenPlane = (raw: Float32Array, width: number, height: number, pattern: string, saturationAdu: number) =>
  colourPlane(raw, width, height, pattern, 'G', saturationAdu)

describe('a colour mosaic', () => {
  test.each(['RGGB', 'BGGR', 'GRBG', 'GBRG'])('%s gives its green pixels, the mean of two per cell', pattern => {
    const raw = skyOf(pattern, 40, 30)
    const green = greenPlane(raw, 40, 30, pattern, 60_000)
    expect([green.width, green.height, green.conflict]).toEqual([20, 15, undefined])
    const [a, b] = pattern[0] === 'G' ? [0, 41] : [1, 40]
    expect(green.pixels[0]).toBe((raw[a] + raw[b]) / 2)
    expect(Math.min(...green.pixels)).toBeGreaterThanOrEqual(2000)
  })

  test.each(['RGGB', 'BGGR', 'GRBG', 'GBRG'])(
    '%s gives its red and its blue pixels as frames of their own',
    pattern => {
      const raw = skyOf(pattern, 40, 30)
      const red = colourPlane(raw, 40, 30, pattern, 'R', 60_000).pixels
      const blue = colourPlane(raw, 40, 30, pattern, 'B', 60_000).pixels
      expect([Math.min(...red), Math.max(...red)]).toEqual([1000, 1004])
      expect([Math.min(...blue), Math.max(...blue)]).toEqual([500, 504])
    },
  )

  test('red and blue of a pattern that the pixels contradict are refused: which is which nobody knows', () =>
    expect(() => colourPlane(skyOf('GRBG', 40, 30), 40, 30, 'RGGB', 'R', 60_000)).toThrow(/other diagonal/))

  test('the colour that the profile asks for is the frame, in the band next to it, with the gain of one pixel', () => {
    const cards = cardsOf({
      'DATE-OBS': '2023-09-27T00:10:22',
      EXPTIME: 60,
      BAYERPAT: 'RGGB',
      EGAIN: 0.8,
      PIXSCALE: 1.2,
    })
    const raw = fitsOf(expose(), 128, 128, cards)
    const { header, frame } = standardFrame(raw, { mosaicColour: 'B' })
    expect(header).toMatchObject({ band: 'B', widthPx: 64, gainElectronsPerAdu: 0.8, pixelScaleArcsec: 2.4 })
    expect(header.filterName).toBe('blue of RGGB')
    expect(frame.pixels[0]).toBe(expose()[129])
    expect(standardFrame(raw, { mosaicColour: 'R' }).header.band).toBe('R')
  })

  test('a pattern that the pixels contradict is corrected, and told', () => {
    const green = greenPlane(skyOf('GRBG', 40, 30), 40, 30, 'RGGB', 60_000)
    expect(Math.min(...green.pixels)).toBeGreaterThanOrEqual(2000)
    expect(green.conflict).toMatch(/other diagonal/)
  })

  test('a cell with a saturated green pixel stays saturated', () => {
    const raw = skyOf('RGGB', 40, 30)
    raw[1] = 60_000
    expect(greenPlane(raw, 40, 30, 'RGGB', 60_000).pixels[0]).toBe(60_000)
  })

  test('the stage doubles scale, binning and gain, and takes read noise times the root of two', () => {
    const values = {
      'DATE-OBS': '2023-09-27T00:10:22',
      EXPTIME: 60,
      BAYERPAT: 'RGGB',
      EGAIN: 0.8,
      RDNOISE: 3,
      PIXSCALE: 1.2,
      ROWORDER: 'TOP-DOWN',
    }
    const { header } = standardFrame(fitsOf(expose(), 128, 128, cardsOf(values)))
    expect(header).toMatchObject({
      widthPx: 64,
      heightPx: 64,
      binning: [2, 2],
      pixelScaleArcsec: 2.4,
      gainElectronsPerAdu: 1.6,
      rowOrder: 'top-down',
    })
    expect(header.readNoiseElectrons).toBeCloseTo(3 * Math.SQRT2, 12)
  })
})
