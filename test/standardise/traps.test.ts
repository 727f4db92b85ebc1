import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { standardFrame } from '#functions/standardise/standardise.ts'
import { openFits } from '#shared/fits/file.ts'
import { type Card, encodeHeader } from '#shared/fits/header.ts'
import { concatenate } from '#shared/fits/table.ts'
import { encodeImages } from '#shared/fits/write-image.ts'
import { flagNames } from '#shared/flags.ts'
import { mjdFromIso } from '#shared/sky/time.ts'
import { cardsOf, expose, fitsOf, floatFits, frameWith, type Scene, starGrid } from './camera.ts'

type Values = Record<string, Card['value']>

const base: Values = { 'DATE-OBS': '2023-09-27T00:10:22', EXPTIME: 120, INSTRUME: 'a camera' }
const read = (values: Values, scene: Partial<Scene> = {}) =>
  standardFrame(frameWith(cardsOf({ ...base, ...values }), scene))

/** The usual traps of headers; each has cost somebody a light curve. */
describe('traps', () => {
  test('1: GAIN is a setting of the camera; a gain that the noise contradicts is not believed', () => {
    const steep = { width: 512, height: 512, gradient: 0.6 }
    const preset = read({ GAIN: 100 }, steep)
    expect(preset.header.gainElectronsPerAdu / 1.5).toBeCloseTo(1, 0)
    expect(flagNames(preset.header.flags)).toContain('gainEstimated')
    const wrong = read({ GAIN: 6.5 }, steep)
    expect(wrong.header.gainElectronsPerAdu).toBeGreaterThan(1.3) // exposed at 1.5
    expect(wrong.header.gainElectronsPerAdu).toBeLessThan(1.7)
    expect(flagNames(wrong.header.flags)).toContain('gainEstimated')
    expect(wrong.provenance.gainElectronsPerAdu.conflict).toBe('GAIN says 6.5')
  })

  test('2: a mean of frames has their gains together; floats in 0 to 1 are shares of full scale', () => {
    expect(read({ STACKCNT: 9, EGAIN: 1.5 }).header.gainElectronsPerAdu).toBe(13.5)
    const counts = expose({ stars: starGrid(128, 128, 64, 20_000) })
    const shares = floatFits(
      counts.map(value => value / 65_535),
      128,
      128,
      cardsOf(base),
    )
    const { frame, provenance } = standardFrame(shares)
    expect(frame.pixels[777]).toBeCloseTo(counts[777], 1)
    expect(provenance.pixels.conversion).toMatch(/shares of 65535/)
  })

  test('3: where no saturation is told, the pile-up of the brightest pixels tells it', () => {
    const scene = { width: 256, height: 256, stars: starGrid(256, 256, 64, 9e6), fullWellAdu: 51_234 }
    expect(read({}, scene).header.saturationAdu).toBe(51_234)
  })

  test('4: a date alone, a time of writing, local time, milliseconds, negative exposures', () => {
    expect(flagNames(read({ 'DATE-OBS': '2023-09-27' }).header.flags)).toContain('timeUncertain')
    const written = standardFrame(frameWith(cardsOf({ DATE: '2023-09-27T00:12:30', EXPTIME: 120 })))
    expect(flagNames(written.header.flags)).toContain('timeUncertain')
    const local = read({ JD: 2_460_214.5072 - 5 / 24 })
    expect(local.provenance.mjdUtcMid.conflict).toMatch(/-5 h apart/)
    const cards = [...cardsOf({ 'DATE-OBS': base['DATE-OBS'] }), { keyword: 'EXPTIME', value: 5000, comment: 'ms' }]
    expect(standardFrame(frameWith(cards)).header.exposureSeconds).toBe(5)
    expect(flagNames(read({ EXPTIME: -1 }).header.flags)).toContain('exposureUnknown')
  })

  test('5: text with separators is hours, a number degrees, unless its neighbour says otherwise', () => {
    const raOf = (values: Values) => read(values).header.pointing!.raDeg
    expect(raOf({ RA: '15:04:46.86', DEC: '-47:14:07.4' })).toBeCloseTo(226.195, 3)
    expect(raOf({ RA: 226.195, DEC: -47.235 })).toBeCloseTo(226.195, 3)
    expect(raOf({ RA: 15.0797, DEC: -47.235, OBJCTRA: '15 04 46.9', OBJCTDEC: '-47 14 07' })).toBeCloseTo(226.195, 2)
    expect(raOf({ RA: 15.0797, DEC: -47.235 })).toBeCloseTo(15.0797, 4)
  })

  test('6: what was asked for is a hint of half a degree at best', () =>
    expect(
      read({ OBJCTRA: '15 04 46.9', OBJCTDEC: '-47 14 07' }).header.pointing!.uncertaintyDeg,
    ).toBeGreaterThanOrEqual(0.5))

  test('7: a pointing of another equinox is a wider hint', () => {
    const uncertainty = (EQUINOX: number) => read({ RA: 226.2, DEC: -47.2, EQUINOX }).header.pointing!.uncertaintyDeg
    expect(uncertainty(2023.7)).toBeGreaterThan(uncertainty(2000) + 0.3)
  })

  test('8: the order of the rows is noted, the pixels stay as they lie', () => {
    const [down, up] = ['TOP-DOWN', 'BOTTOM-UP'].map(ROWORDER => read({ ROWORDER }))
    expect([down.header.rowOrder, up.header.rowOrder]).toEqual(['top-down', 'bottom-up'])
    expect(down.frame.pixels).toEqual(up.frame.pixels)
  })

  test('9: of a colour mosaic the green pixels are taken, none is made up', () => {
    const { header, frame } = read({ BAYERPAT: 'RGGB' })
    expect([frame.width, frame.height, header.band]).toEqual([64, 64, 'V'])
    const counts = expose()
    expect(frame.pixels[0]).toBe((counts[1] + counts[128]) / 2)
  })

  test('10: the same counts in every number format are the same frame', () => {
    const counts = expose()
    const cards = cardsOf(base)
    const float = standardFrame(floatFits(counts, 128, 128, cards)).frame
    expect(standardFrame(fitsOf(counts, 128, 128, cards)).frame.pixels).toEqual(float.pixels)
  })

  test('11: lower case, underscores and long hierarchical names', () => {
    const values = { 'ESO INS FILT1 NAME': 'V_JOHN_11', ORIGIN: 'ESO', EXPTIME: 120, MJD_OBS: 60_214.00719907407 }
    const bytes = frameWith(cardsOf(values))
    const text = Buffer.from(bytes.subarray(0, 2880)).toString('latin1')
    bytes.set(Buffer.from(text.replace('MJD_OBS ', 'mjd_obs ').replace('EXPTIME', 'exptime'), 'latin1'))
    expect(standardFrame(bytes).header).toMatchObject({ band: 'V', dateObsUtc: '2023-09-27T00:10:22.000' })
  })

  test('12: the image may lie in an extension and be compressed (image.test.ts has every way)', () => {
    const image = { width: 128, height: 128, pixels: expose(), as: 'uint16' as const }
    const empty = encodeHeader(cardsOf({ SIMPLE: true, BITPIX: 8, NAXIS: 0, ...base }))
    const extension = encodeImages([image, { ...image, name: 'SCI' }])
    const second = openFits(extension).hdus[1]
    const from = second.dataStart - 2880
    const bytes = concatenate([empty, extension.subarray(from)])
    expect(standardFrame(gzipSync(bytes)).frame.pixels).toEqual(image.pixels)
  })

  test('13 and 14: of several ways to write a solution the CD matrix counts; SIP terms without their name do no harm', () => {
    const wcs = { CTYPE1: 'RA---TAN', CTYPE2: 'DEC--TAN', CRVAL1: 226.2, CRVAL2: -47.2, CRPIX1: 64.5, CRPIX2: 64.5 }
    const cd = { CD1_1: -0.0002, CD1_2: 0, CD2_1: 0, CD2_2: 0.0002 }
    const { header } = read({ ...wcs, ...cd, CDELT1: -1, CDELT2: 1, CROTA2: 30, A_ORDER: 2, B_ORDER: 2, A_2_0: 1e-7 })
    expect(header.pixelScaleArcsec).toBeCloseTo(0.72, 4)
    expect(header.pointing!.raDeg).toBeCloseTo(226.2, 2)
  })

  test.each([
    [`g'`, 'g'],
    ['SG', 'g'],
    ['Bessell V', 'V'],
    ['V_JOHN_11', 'V'],
    ['R_Bes 650_130', 'R'],
  ])('15: the filter %s is %s', (FILTER, band) => expect(read({ FILTER }).header.band).toBe(band))

  test('16: units, commas and quotes in numbers', () =>
    expect(read({ EXPTIME: '30 s', EGAIN: '1,5', XBINNING: '2' }).header).toMatchObject({
      exposureSeconds: 30,
      gainElectronsPerAdu: 1.5,
      binning: [2, 2],
    }))

  test('17: a longitude of the other sign, an altitude as airmass, a JD of the middle', () => {
    const place = { 'DATE-OBS': '2017-12-20T01:33:43', EXPTIME: 60, SITELAT: 31.68, RA: 31.312, DEC: 46.769 }
    const { header } = read({ ...place, SITELONG: 110.88, AIRMASS: 1.127 })
    expect(header.site!.longitudeEastDeg).toBe(-110.88)
    expect(read({ AIRMASS: 62.5 }).header.airmass).toBeNull()
    const mid = read({ JD: 2_460_214.5 + 682 / 86_400 })
    expect(mid.header.mjdUtcMid).toBeCloseTo(mjdFromIso('2023-09-27T00:11:22'), 8)
    expect(mid.provenance.mjdUtcMid.conflict).toBeUndefined()
  })
})
