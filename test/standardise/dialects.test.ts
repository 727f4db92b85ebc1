import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { standardFrame } from '#functions/standardise/standardise.ts'
import type { Card } from '#shared/fits/header.ts'
import { flagNames } from '#shared/flags.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { mjdFromIso } from '#shared/sky/time.ts'
import { dataFolder, dataThere } from '../fits/astropy.ts'
import { cardsOf, frameWith } from './camera.ts'

const headerOf = (values: Record<string, Card['value']>, profile?: unknown) =>
  standardFrame(frameWith(cardsOf(values)), profile)

const mid = mjdFromIso('2023-09-27T00:11:22') // of the 120 s exposures below, which begin at 00:10:22

// One header per program, as the program writes it: the values it must give.
const dialects: Record<string, Record<string, Card['value']>> = {
  maxim: {
    'DATE-OBS': '2023-09-27T00:10:22',
    EXPTIME: 120,
    EXPOSURE: 120,
    XPIXSZ: 13.468,
    YPIXSZ: 13.468,
    XBINNING: 1,
    YBINNING: 1,
    FILTER: 'r',
    OBJCTRA: '15 04 46.86',
    OBJCTDEC: '-47 14 07.4',
    FOCALLEN: 4630,
    AIRMASS: 1.66076,
    EGAIN: 1.5,
    IMAGETYP: 'Light Frame',
    SWCREATE: 'MaxIm DL Version 6.30',
    PEDESTAL: -100,
    OBJECT: 'target',
  },
  acp: {
    'DATE-OBS': '2023-09-27',
    'TIME-OBS': '00:10:22',
    EXPTIME: 120,
    FILTER: 'r',
    RA: '15 04 46.86',
    DEC: '-47 14 07.4',
    OBJCTRA: '15 04 46.86',
    OBJCTDEC: '-47 14 07.4',
    EPOCH: 2000,
    AIRMASS: 1.66076,
    OBSERVER: 'ACP',
    SECPIX: 0.6,
    EGAIN: 1.5,
    JD: 2460214.507199074,
    OBJECT: 'target',
  },
  nina: {
    IMAGETYP: 'LIGHT',
    EXPOSURE: 120,
    EXPTIME: 120,
    'DATE-LOC': '2023-09-27T02:10:22.000',
    'DATE-OBS': '2023-09-27T00:10:22.000',
    'DATE-AVG': '2023-09-27T00:11:22.000',
    XBINNING: 1,
    YBINNING: 1,
    GAIN: 100,
    OFFSET: 50,
    EGAIN: 1.5,
    XPIXSZ: 13.468,
    YPIXSZ: 13.468,
    INSTRUME: 'ZWO ASI',
    FILTER: 'r',
    FOCALLEN: 4630,
    RA: 226.19525,
    DEC: -47.235389,
    OBJCTRA: '15 04 46.86',
    OBJCTDEC: '-47 14 07.4',
    AIRMASS: 1.66076,
    SWCREATE: 'N.I.N.A. 3.1',
    EQUINOX: 2000,
    OBJECT: 'target',
  },
  lco: {
    'DATE-OBS': '2023-09-27T00:10:22.000',
    'MJD-OBS': 60214.00719907407,
    EXPTIME: 120,
    FILTER: 'rp',
    RA: '15:04:46.86',
    DEC: '-47:14:07.4',
    'CAT-RA': '15:04:46.86',
    'CAT-DEC': '-47:14:07.4',
    RADESYS: 'ICRS',
    AIRMASS: 1.66076,
    GAIN: 1.5,
    RDNOISE: 8,
    SATURATE: 60000,
    PIXSCALE: 0.6,
    TELESCOP: '1m0-08',
    CCDSUM: '1 1',
    OBJECT: 'target',
  },
}

describe('every dialect tells the same frame', () => {
  test.each(Object.keys(dialects))('%s', dialect => {
    const { header } = headerOf(dialects[dialect])
    expect(header.dialect).toBe(dialect)
    expect(header.mjdUtcMid).toBeCloseTo(mid, 9)
    expect(header.dateObsUtc).toBe('2023-09-27T00:10:22.000')
    expect(header).toMatchObject({
      exposureSeconds: 120,
      band: 'r',
      gainElectronsPerAdu: 1.5,
      binning: [1, 1],
      object: 'target',
    })
    expect(header.pixelScaleArcsec).toBeCloseTo(0.6, 4)
    expect(header.pointing!.raDeg).toBeCloseTo(226.19525, 4)
    expect(header.pointing!.decDeg).toBeCloseTo(-47.23539, 4)
    expect(header.airmass).toBeCloseTo(1.66, 2)
    expect(flagNames(header.flags)).not.toContain('timeUncertain')
    expect(flagNames(header.flags)).not.toContain('gainEstimated')
  })

  test('a header of time and exposure alone leaves the rest open and says so', () => {
    const { header, provenance } = headerOf({ 'DATE-OBS': '2023-09-27T00:10:22', EXPTIME: 120 })
    expect(header.dialect).toBe('minimal')
    expect(header.mjdUtcMid).toBeCloseTo(mid, 9)
    expect([header.band, header.pixelScaleArcsec, header.pointing, header.airmass]).toEqual([null, null, null, null])
    expect(flagNames(header.flags)).toEqual(['gainEstimated', 'readNoiseEstimated', 'saturationEstimated'])
    expect(provenance.band.confidence).toBe('none')
  })
})

describe('traps', () => {
  const base = { 'DATE-OBS': '2023-09-27T00:10:22', EXPTIME: 120, INSTRUME: 'a camera' }

  test('a setting of the camera is no gain: GAIN=100 alone is not believed', () => {
    const { header, provenance } = headerOf({ ...base, GAIN: 100 })
    expect(flagNames(header.flags)).toContain('gainEstimated')
    expect(header.gainElectronsPerAdu).toBeLessThan(20)
    expect(provenance.gainElectronsPerAdu.from).not.toBe('GAIN')
  })

  test('a fractional GAIN, or one whose comment says electrons per ADU, is believed', () => {
    expect(headerOf({ ...base, GAIN: 2.17 }).header.gainElectronsPerAdu).toBe(2.17)
    const cards = [...cardsOf(base), { keyword: 'GAIN', value: 2, comment: 'e-/ADU' }]
    expect(standardFrame(frameWith(cards)).header.gainElectronsPerAdu).toBe(2)
  })

  test('exposures in other units', () => {
    const exposure = (value: number, comment: string) =>
      standardFrame(
        frameWith([...cardsOf({ 'DATE-OBS': '2023-09-27T00:10:22' }), { keyword: 'EXPTIME', value, comment }]),
      ).header.exposureSeconds
    expect(exposure(120_000, 'exposure in ms')).toBe(120)
    expect(exposure(2, 'minutes')).toBe(120)
    expect(exposure(120, 'Exposure time in seconds')).toBe(120)
  })

  test('the 30 s of a text', () => expect(headerOf({ ...base, EXPTIME: '30 s' }).header.exposureSeconds).toBe(30))

  test('an unknown exposure is flagged, and the start stands for the middle', () => {
    const { header } = headerOf({ 'DATE-OBS': '2023-09-27T00:10:22' })
    expect(header.exposureSeconds).toBe(0)
    expect(flagNames(header.flags)).toEqual(expect.arrayContaining(['exposureUnknown', 'timeUncertain']))
  })

  test('a JD hours away from DATE-OBS is told as a conflict', () => {
    const { header, provenance } = headerOf({ ...base, JD: 2460214.5072 + 7 / 24 })
    expect(flagNames(header.flags)).toContain('timeUncertain')
    expect(provenance.mjdUtcMid.conflict).toMatch(/7 h apart, is one of them local time/)
  })

  test.each([
    [{ 'MJD-OBS': 60214.0 + 622 / 86_400 }, 'MJD-OBS'],
    [{ JD: 2460214.5 + 622 / 86_400 }, 'JD'],
    [{ 'DATE-OBS': '27/09/2023', UT: '00:10:22' }, 'DATE-OBS, UT'],
    [{ DATE_OBS: '2023-09-27T00:10:22' }, 'DATE_OBS'],
    [{ 'DATE-OBS': '2023-09-27', 'UT-START': '00:10:22' }, 'DATE-OBS, UT-START'],
    [{ 'DATE-AVG': '2023-09-27T00:11:22' }, 'DATE-AVG'],
    [{ SHUTOPEN: '2023-09-27T00:10:22', 'DATE-OBS': '2023-09-27T00:10:20' }, 'SHUTOPEN'],
    [{ 'DATE-OBS': '2023-09-27T00:10:59', TIMESYS: 'TAI' }, 'DATE-OBS'],
    [{ 'DATE-OBS': '2023-09-27T00:11:31.184', TIMESYS: 'TT' }, 'DATE-OBS'],
    [{ 'MJD-MID': 60214 + 682 / 86_400 }, 'MJD-MID'],
  ] as [Record<string, Card['value']>, string][])('the middle of the exposure from %j', (values, from) => {
    const { header, provenance } = headerOf({ EXPTIME: 120, ...values })
    expect(Math.abs(header.mjdUtcMid - mid) * 86_400).toBeLessThan(0.01)
    expect(provenance.mjdUtcMid.from).toBe(from)
  })

  test('a stack lasts from its start to its end', () => {
    const { header } = headerOf({ 'DATE-OBS': '2023-09-27T00:00:00', 'DATE-END': '2023-09-27T01:00:00', EXPTIME: 120 })
    expect(header.mjdUtcMid).toBeCloseTo(mjdFromIso('2023-09-27T00:30:00'), 9)
  })

  test('an RA in hours without a word is found out by its neighbour', () => {
    const { header } = headerOf({
      ...base,
      RA: 15.07968,
      DEC: -47.2354,
      OBJCTRA: '15 04 46.86',
      OBJCTDEC: '-47 14 07.4',
    })
    expect(header.pointing!.raDeg).toBeCloseTo(226.195, 2)
  })

  test('pixel size and focal length give the scale, an unbinned size times the binning', () => {
    const scale = (values: Record<string, Card['value']>) => headerOf({ ...base, ...values }).header.pixelScaleArcsec
    expect(scale({ XPIXSZ: 9, FOCALLEN: 3325, XBINNING: 2 })).toBeCloseTo(0.5583, 3)
    expect(scale({ SWCREATE: 'KStars', PIXSIZE1: 4.5, FOCALLEN: 3325, XBINNING: 2 })).toBeCloseTo(0.5583, 3)
    expect(scale({ XPIXSZ: 9, FOCALLEN: 0 })).toBeNull()
  })

  test.each([
    ['sizes that differ count the binning', { XPIXSZ: 9, YPIXSZ: 4.5, XBINNING: 2, YBINNING: 1 }, 0.5, 0.3948],
    ['sizes that are alike do not', { XPIXSZ: 4.5, YPIXSZ: 4.5, XBINNING: 2, YBINNING: 1 }, 0.5, 0.3948],
    ['binning tells it where one size is told', { XPIXSZ: 4.5, XBINNING: 1, YBINNING: 2 }, 2, 0.3948],
    ['sizes that are alike tell of squares', { XPIXSZ: 9, YPIXSZ: 9, XBINNING: 2, YBINNING: 2 }, 1, 0.5583],
    ['binning that is alike says nothing of the chip', { XPIXSZ: 9, XBINNING: 2, YBINNING: 2 }, null, 0.5583],
  ])('pixels that are not square: %s', (_, values, aspect, scale) => {
    const { XPIXSZ: _x, YPIXSZ: _y, ...others } = dialects.maxim
    const { header } = headerOf({ ...others, FOCALLEN: 3325, ...(values as Record<string, number>) })
    expect(header.pixelAspect).toBe(aspect)
    expect(header.pixelScaleArcsec).toBeCloseTo(scale, 3) // 206.265 × √(width × height) / 3325
  })

  // the places by astropy (AltAz to ICRS, without refraction) at mid-exposure; they include precession, which a hint does not
  test.each([
    [55, 180, 29.022, -67.499],
    [40, 75, 77.652, -10.216],
    [62, 290, 0.936, -19.842],
  ])('altitude %d and azimuth %d tell the pointing where nothing else does', (CENTALT, CENTAZ, raDeg, decDeg) => {
    const { OBJCTRA: _ra, OBJCTDEC: _dec, ...others } = dialects.maxim
    const site = { SITELAT: -32.38, SITELONG: 20.81 }
    const { header, provenance } = headerOf({ ...others, ...site, CENTALT, CENTAZ })
    const { pointing } = header
    expect(separationDeg(pointing!.raDeg, pointing!.decDeg, raDeg, decDeg)).toBeLessThan(0.4)
    expect(pointing!.uncertaintyDeg).toBeGreaterThan(1)
    expect(provenance.pointing).toMatchObject({ from: 'CENTALT, CENTAZ', confidence: 'guess' })
    expect(headerOf({ ...others, CENTALT, CENTAZ }).header.pointing).toBeNull()
  })

  test('an altitude written as airmass is no airmass', () =>
    expect(headerOf({ ...base, AIRMASS: 62.5 }).header.airmass).toBeNull())

  test('a longitude counted west is found out by the airmass', () => {
    const place = { LATITUDE: 31.68, LONGITUD: 110.88, RA: 31.312099, DEC: 46.769087, AIRMASS: 1.127 }
    const { header } = headerOf({ 'DATE-OBS': '2017-12-20T01:33:43', EXPTIME: 60, ...place })
    expect(header.site!.longitudeEastDeg).toBe(-110.88)
    expect(header.airmass).toBeCloseTo(1.127, 2)
  })

  test('an open wheel before a filter does not hide it', () =>
    expect(headerOf({ ...base, FILTER1: 'Open', FILTER2: 'Bessell V' }).header).toMatchObject({
      band: 'V',
      filterName: 'Bessell V',
    }))
})

describe('a telescope profile', () => {
  const values = { 'DATE-OBS': '2023-09-27T02:10:22', EXPTIME: 120, FILTER: 'slot 3' }

  test('overrides the header', () => {
    const profile = {
      gainElectronsPerAdu: 0.8,
      bands: { 'slot 3': 'V' },
      clockOffsetSeconds: -7200,
      pixelScaleArcsec: 1.1,
    }
    const { header, provenance } = headerOf(values, JSON.stringify(profile))
    expect(header).toMatchObject({ gainElectronsPerAdu: 0.8, band: 'V', pixelScaleArcsec: 1.1 })
    expect(header.dateObsUtc).toBe('2023-09-27T00:10:22.000')
    expect(header.mjdUtcMid).toBeCloseTo(mid, 9)
    expect(provenance.gainElectronsPerAdu.from).toBe('profile')
  })

  test.each(['{', '{"gain": 1}', '{"gainElectronsPerAdu": -1}'])('%s is refused', text =>
    expect(() => headerOf(values, text)).toThrow(/profile is not valid/),
  )
})

describe.skipIf(!dataThere)('real frames (skipped where they are absent)', () => {
  const read = (path: string) => standardFrame(readFileSync(join(dataFolder, path)))

  // Start as in the file names (GMT) and UT-OBS; the middle is 30 s later.
  test.each([
    ['HATP-32171220013343', '2017-12-20T01:33:43.317'],
    ['HATP-32171220040012', '2017-12-20T04:00:12'],
  ])('MicroObservatory %s', (name, start) => {
    const { header } = read(`exotic_microobs/${name}.FITS`)
    expect(header.dialect).toBe('microobservatory')
    expect(Math.abs(header.mjdUtcMid - mjdFromIso(start) - 30 / 86_400) * 86_400).toBeLessThan(1)
    expect(header).toMatchObject({ exposureSeconds: 60, band: 'clear', pixelScaleArcsec: 5.21, saturationAdu: 4095 })
    expect(header.pointing!.raDeg).toBeCloseTo(31.2, 0)
    expect(header.site!.longitudeEastDeg).toBe(-110.88)
    expect(flagNames(header.flags)).not.toContain('timeUncertain')
  })

  test('PANOPTES: one value per cell of the colour mosaic, twice the scale, the greens found by the pixels', () => {
    const { header, frame, provenance } = read('panoptes/unsolved.fits')
    expect(header).toMatchObject({
      dialect: 'panoptes',
      widthPx: 350,
      heightPx: 350,
      bayerPattern: 'RGGB',
      band: 'V',
      binning: [2, 2],
    })
    expect(header.pixelScaleArcsec).toBeCloseTo(20.6, 6) // twice the 10.3'' that a plate solution gives
    expect(header.mjdUtcMid).toBeCloseTo(mjdFromIso('2016-09-09T08:12:26') + 60.2 / 86_400, 9)
    expect(flagNames(header.flags)).toContain('mosaicGreen')
    expect(provenance.bayerPattern.conflict).toMatch(/other diagonal/)
    expect(frame.pixels.length).toBe(350 * 350)
    // Both greens see a sky of 2233 to 2234, red and blue one of 2140 and 2180.
    expect(Array.from(frame.pixels).sort((a, b) => a - b)[61_250]).toBeCloseTo(2234, -1)
  })

  test('MaxIm DL of a real observatory, JD and DATE-OBS agreeing, a site written in degrees and minutes', () => {
    const { header } = read('header_dialects/msumastro/maximdl_6_16_header.fit')
    expect(header).toMatchObject({
      dialect: 'maxim',
      band: 'B',
      exposureSeconds: 90,
      object: 'ngc-6946',
      telescope: 'FEDER',
    })
    expect(header.mjdUtcMid).toBeCloseTo(2_456_581.7823379631 - 2_400_000.5 + 45 / 86_400, 8)
    expect(header.site!.latitudeDeg).toBeCloseTo(46.8667, 3)
    expect(header.airmass).toBeCloseTo(1.4496, 2) // the header's own
    expect(header.pixelScaleArcsec).toBeCloseTo((206.264806 * 9) / 3325, 6)
  })

  test('every MicroObservatory frame of the night is read', () => {
    const folder = join(dataFolder, 'exotic_microobs')
    expect(existsSync(folder)).toBe(true)
    const times = readdirSync(folder)
      .sort()
      .map(name => read(`exotic_microobs/${name}`).header.mjdUtcMid)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  })
})
