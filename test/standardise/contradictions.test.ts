import { describe, expect, test } from 'vitest'
import { bandOf } from '#functions/standardise/dialects/filters.ts'
import { readProfile } from '#functions/standardise/profile.ts'
import { translate } from '#functions/standardise/translate.ts'
import { Header, parseCard } from '#shared/fits/header.ts'
import { flagNames } from '#shared/flags.ts'
import { mjdFromIso } from '#shared/sky/time.ts'

const usual = { 'DATE-OBS': `'2024-03-05T20:00:00'`, EXPTIME: '60.0', FILTER: `'V'` }
const translated = (cards: Record<string, string>, profile?: unknown) => {
  const lines = Object.entries({ ...usual, ...cards }).map(([key, value]) => `${key.padEnd(8)}= ${value}`.padEnd(80))
  return translate(new Header(lines.map(parseCard)), 512, 512, readProfile(profile))
}
const start = mjdFromIso('2024-03-05T20:00:00')
const secondsOff = (cards: Record<string, string>, profile?: unknown) =>
  (translated(cards, profile).header.mjdUtcMid - start) * 86_400

describe('comments that say what a time or a number is', () => {
  test.each([
    ['the middle', { 'DATE-OBS': `'2024-03-05T20:00:30' / UTC mid-exposure` }, 30],
    ['the end', { 'DATE-OBS': `'2024-03-05T20:01:00' / end of exposure` }, 30],
    ['the start, an end beside', { 'DATE-OBS': `'2024-03-05T20:00:00' / start; end is DATE-END` }, 30],
    ['GPS time, 18 s ahead of UTC in 2024', { 'DATE-OBS': `'2024-03-05T20:00:18'`, TIMESYS: `'GPS'` }, 30],
    ['a realisation of TT', { 'DATE-OBS': `'2024-03-05T20:01:09.184'`, TIMESYS: `'TT(TAI)'` }, 30],
    ['a zone of whole hours', { 'DATE-OBS': `'2024-03-05T15:00:00-05'` }, 30],
    ['microseconds', { EXPTIME: '500000 / [us] exposure' }, 0.25],
    ['microseconds, spelled out', { EXPTIME: '500000 / exposure in microseconds' }, 0.25],
  ])('%s', (_, cards, seconds) => {
    expect(secondsOff(cards)).toBeCloseTo(seconds, 4)
  })

  test('the profile knows better than a comment', () => {
    const cards = { 'DATE-OBS': `'2024-03-05T20:00:00' / UTC mid-exposure` }
    expect(secondsOff(cards, { timeStamp: 'start' })).toBeCloseTo(30, 4)
  })

  test.each([
    ['a leap second', `'2016-12-31T23:59:60.5'`, '2017-01-01T00:00:00.5'],
    ['the end of a year', `'2023-12-31T23:59:59.75'`, '2023-12-31T23:59:59.75'],
  ])('%s', (_, text, expected) => {
    const { mjdUtcMid } = translated({ 'DATE-OBS': text }).header
    expect((mjdUtcMid - mjdFromIso(expected)) * 86_400).toBeCloseTo(30, 4)
  })

  test.each([
    ['decibels', '20.5 / [dB] analog gain', undefined],
    ['a setting', '25.5 / camera gain setting', undefined],
    ['ADU per electron', '0.5 / ADU/e-', 2],
    ['electrons per ADU', '2 / e/ADU', 2],
    ['nothing', '0.5', 0.5],
  ])('a gain whose comment says %s', (_, card, gain) => {
    expect(translated({ GAIN: card }).detector.gainElectronsPerAdu?.value).toBe(gain)
  })

  test.each([
    ['electrons', '10.0 / [e-] read noise', 'GAIN', 10],
    ['nothing', '10.0', 'GAIN', 10],
    ['ADU, the gain being 1.5', '10.0 / [ADU] read noise of each pixel', 'GAIN', 15],
    ['electrons, and how many an ADU holds', '10.0 / electrons, not ADU', 'GAIN', 10],
    ['ADU, the gain being unknown', '10.0 / [ADU] read noise', 'NOGAIN', undefined],
  ])('a read noise whose comment says %s', (_, card, gainKey, electrons) => {
    const { readNoiseElectrons } = translated({ [gainKey]: '1.5 / e/ADU', RDNOISE: card }).detector
    expect(readNoiseElectrons?.value).toBe(electrons)
  })
})

describe('angles', () => {
  test.each([
    [`'105 30 00 W'`, -105.5],
    [`'W 105 30 00'`, -105.5],
    [`'105.5W'`, -105.5],
    [`'105 30 00 E'`, 105.5],
    [`'-105 30 00'`, -105.5],
    [`'105d30m00s'`, 105.5],
  ])('the longitude %s', (text, longitudeEastDeg) => {
    const { site } = translated({ SITELAT: `'33 30 00 S'`, SITELONG: text }).header
    expect(site).toEqual({ latitudeDeg: -33.5, longitudeEastDeg, heightM: 0 })
  })

  test.each([
    ['radians', { RA: '1.5 / [rad]', DEC: '-0.5 / [rad]' }, 85.94367, -28.64789],
    ['sexagesimal degrees', { RA: `'85:30:00' / degrees`, DEC: `'-00:30:00'` }, 85.5, -0.5],
  ])('a pointing in %s', (_, cards, raDeg, decDeg) => {
    const { pointing } = translated(cards).header
    expect(pointing?.raDeg).toBeCloseTo(raDeg, 4)
    expect(pointing?.decDeg).toBeCloseTo(decDeg, 4)
  })
})

describe('a contradiction is told', () => {
  test.each([
    ['mjdUtcMid', { 'TIME-OBS': `'15:00:00'` }, 'TIME-OBS is -18000 s off'],
    ['mjdUtcMid', { TIMESYS: `'LOCAL'` }, `TIMESYS is 'LOCAL', which is no scale known here: taken as UTC`],
    [
      'mjdUtcMid',
      { 'DATE-OBS': `'2024-03-05T20:00:00' / local time` },
      `the comment of DATE-OBS says 'local time': is it local time?`,
    ],
    ['exposureSeconds', { EXPOSURE: '30' }, 'EXPOSURE says 30'],
    ['exposureSeconds', { EXPTIME: '0', EXPOSURE: '4 / minutes' }, 'EXPTIME says 0'],
    ['binning', { XBINNING: '2', CCDSUM: `'1 1'` }, 'CCDSUM says 1'],
    ['pixelScaleArcsec', { PIXSCALE: '1.0', XPIXSZ: '9.0', FOCALLEN: '1000' }, 'XPIXSZ, FOCALLEN says 1.856'],
    [
      'pointing',
      { RA: '80.0', DEC: '20.0', OBJCTRA: `'12 00 00'`, OBJCTDEC: `'20 00 00'` },
      'OBJCTRA, OBJCTDEC is 92.1° away',
    ],
    ['band', { FILTER2: `'R'` }, `FILTER2 says 'R'`],
    [
      'bayerPattern',
      { BAYERPAT: `'X-Trans'` },
      'the pattern X-Trans is not known here: all its pixels are taken as of one colour',
    ],
  ])('of %s', (field, cards, conflict) => {
    expect(translated(cards).provenance[field].conflict).toBe(conflict)
  })

  test.each([
    ['100', -100, 'guess', /above zero.*added, 100/],
    ['-100', 100, 'certain', undefined],
    ['0', 0, 'certain', undefined],
  ])('a PEDESTAL of %s, which MaxIm DL means to be added', (pedestal, value, confidence, doubt) => {
    const { detector } = translated({ SWCREATE: `'MaxIm DL Version 6.30'`, PEDESTAL: pedestal })
    expect(detector.pedestalAdu).toMatchObject({ value, confidence })
    if (doubt) expect(detector.pedestalAdu?.conflict).toMatch(doubt)
    else expect(detector.pedestalAdu).not.toHaveProperty('conflict')
  })

  test('and none where keywords agree', () => {
    const { provenance, header } = translated({
      'TIME-OBS': `'20:00:00'`,
      TIMESYS: `'UTC approximate'`,
      EXPOSURE: '60.2',
      XBINNING: '2',
      CCDSUM: `'2 2'`,
      FILTER2: `'open'`,
      RA: '180.5',
      DEC: '20.0',
      OBJCTRA: `'12 00 00'`,
      OBJCTDEC: `'20 00 00'`,
    })
    expect(Object.values(provenance).flatMap(({ conflict }) => conflict ?? [])).toEqual([])
    expect(flagNames(header.flags)).toEqual([])
  })
})

test('an exposure of zero leaves the middle unknown', () => {
  const { header } = translated({ EXPTIME: '0' })
  expect(flagNames(header.flags).sort()).toEqual(['exposureUnknown', 'timeUncertain'])
})

test.each([
  ['-1', '1', 'BGGR'],
  ['-1', '0', 'GRBG'],
  ['0', '3', 'GBRG'],
])('a Bayer pattern with the offsets %s, %s', (x, y, pattern) => {
  const { header } = translated({ BAYERPAT: `'RGGB'`, XBAYROFF: x, YBAYROFF: y })
  expect(header.bayerPattern).toBe(pattern)
})

test.each(['MASTERFLAT', 'FlatDark', 'DARKFLAT', 'MasterBias', 'master_dark', 'Dark Frame', 'SKYFLAT', 'flat field'])(
  '%s is no frame of the sky',
  type => {
    expect(() => translated({ IMAGETYP: `'${type}'` })).toThrow(/NotLightFrame|no exposure of the sky/)
  },
)

test.each(['Light Frame', 'OBJECT', 'Tricolor Image', 'science', 'LIGHT'])('%s is one', type => {
  expect(translated({ IMAGETYP: `'${type}'` }).header.band).toBe('V')
})

test.each([
  ['BB#V/89_ESO843', 'V'],
  ['BB#Rc/162_ESO844', 'R'],
  ['Johnson/Cousins R', 'R'],
  ['L-eXtreme', 'narrow'],
  ['Dual Band', 'narrow'],
  ['UHC', 'narrow'],
])('the filter %s is %s', (name, band) => {
  expect(bandOf(name)?.band).toBe(band)
})
