import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { standardHeaderOf } from '#cli/header.ts'
import { StandardiseOutput } from '#events/stages.ts'
import { headersAlone, standardFrame, standardise } from '#functions/standardise/standardise.ts'
import { CpcsError } from '#shared/errors.ts'
import { openFits } from '#shared/fits/file.ts'
import { flagMask, flagNames } from '#shared/flags.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { decodeFrame, encodeFrame } from '#shared/image/frame-file.ts'
import { random } from '#shared/numeric/random.ts'
import { silent } from '#shared/store.ts'
import { askAstropy, astropyThere } from '../fits/astropy.ts'
import { cardsOf, expose, fitsOf, floatFits, frameWith, spectrum, starGrid } from './camera.ts'

const cards = cardsOf({
  'DATE-OBS': '2023-09-27T00:10:22',
  EXPTIME: 120,
  FILTER: "r'",
  EGAIN: 1.5,
  RA: '15:04:46.86',
  DEC: '-47:14:07.4',
  OBJECT: 'SN 2023é',
})
const raw = frameWith(cards, { stars: starGrid(128, 128, 32, 50_000) })
const input = { frameId: 'ab'.repeat(32), raw: { key: 'tel/frame.fits' }, telescope: 'tel', night: '2023-09-26' }

async function run(bytes: Uint8Array) {
  const rawStore = new MemoryStore()
  const store = new MemoryStore()
  await rawStore.put(input.raw.key, bytes)
  const output = await standardise(input, { raw: rawStore, store, log: silent })
  return { output, store }
}

describe('the standardise stage', () => {
  test('keeps image, header, provenance and a picture, and its output fits the contract', async () => {
    const { output, store } = await run(raw)
    expect(StandardiseOutput.parse(output)).toEqual(output)
    expect(await store.list('')).toEqual([
      `products/${input.frameId}/frame.fits`,
      `products/${input.frameId}/frame.json`,
      `products/${input.frameId}/preview.png`,
    ])
    const { frame, header } = decodeFrame(await store.get(output.image))
    expect(header).toEqual({ ...output.header, object: 'SN 2023?' }) // FITS text is ASCII
    expect(frame.pixels).toEqual(expose({ stars: starGrid(128, 128, 32, 50_000) })) // physical values unchanged
    const json = JSON.parse(new TextDecoder().decode(await store.get(`products/${input.frameId}/frame.json`)))
    expect(json.header).toEqual(output.header)
    expect(Object.keys(json.provenance)).toEqual(expect.arrayContaining(['mjdUtcMid', 'band', 'gainElectronsPerAdu']))
  })

  test('the same bytes give the same products to the last byte', async () => {
    const [one, two] = [await run(raw), await run(raw)]
    for (const key of await one.store.list('')) expect(await two.store.get(key)).toEqual(await one.store.get(key))
  })

  test('a standardised frame put in again tells the same', async () => {
    const { output, store } = await run(raw)
    const again = standardFrame(await store.get(output.image)).header
    expect(again.dialect).toBe('cpcs')
    for (const field of ['mjdUtcMid', 'band', 'gainElectronsPerAdu', 'pedestalAdu', 'saturationAdu'] as const)
      expect([field, again[field]]).toEqual([field, output.header[field]])
    expect(again.pointing!.raDeg).toBe(output.header.pointing!.raDeg)
  })

  test('what was estimated once stays flagged when the standardised frame is put in again, until the profile tells', () => {
    const silentCards = cardsOf({ 'DATE-OBS': '2024-05-01T21:00:00', EXPTIME: 30, FILTER: 'V' })
    const { frame, header } = standardFrame(floatFits(expose(), 128, 128, silentCards))
    const estimates = flagMask('gainEstimated', 'readNoiseEstimated', 'saturationEstimated')
    expect(header.flags & estimates).toBe(estimates)
    const bytes = encodeFrame(frame, {
      ...header,
      flags: header.flags | flagMask('timeUncertain', 'solvedWithoutHint'),
    })
    const again = standardFrame(bytes).header
    expect(again.flags).toBe(header.flags | flagMask('timeUncertain'))
    const known = standardFrame(encodeFrame(frame, header), { gainElectronsPerAdu: 1.5, readNoiseElectrons: 4 }).header
    expect(known.flags & estimates).toBe(flagMask('saturationEstimated'))
  })

  test('further cards, such as a WCS, ride along and come back', () => {
    const { frame, header } = standardFrame(raw)
    const wcs = cardsOf({ CTYPE1: 'RA---TAN', CRVAL1: 226.195251234567, GAIN: 99, NAXIS: 7 })
    const decoded = decodeFrame(encodeFrame(frame, header, { cards: wcs }))
    expect(decoded.cards).toEqual(wcs.slice(0, 2))
    expect(decoded.header.gainElectronsPerAdu).toBe(1.5)
  })

  test('pixels that are no whole numbers stay as they are, NaN included', () => {
    const pixels = expose().map((value, i) => (i === 100 ? Number.NaN : value + 0.25))
    const { frame, header } = standardFrame(floatFits(pixels, 128, 128, cards))
    expect(decodeFrame(encodeFrame(frame, header)).frame.pixels).toEqual(pixels)
  })

  test('`cpcs header` prints every value with its unit and origin, what contradicts itself, and JSON', () => {
    const table = standardHeaderOf(raw, { json: false })
    expect(table).toMatch(/^ {2}band +r +FILTER \('r'' stands for r\)$/m)
    expect(table).toMatch(/^ {2}exposure +120 s +EXPTIME$/m)
    expect(table).toMatch(/^ {2}pointing +15:04:46\.9 -47:14:07 ± 0\.4° +RA, DEC/m)
    expect(table).not.toMatch(/contradicts/)
    const twice = frameWith([...cards, ...cardsOf({ JD: 2_460_214.2988 })])
    expect(standardHeaderOf(twice, { json: false })).toMatch(
      /contradicts itself\n {2}! mid-exposure: JD is -?\d+ s off/,
    )
    const json = JSON.parse(standardHeaderOf(raw, { json: true }))
    expect(json.header.band).toBe('r')
    expect(json.provenance.band.from).toBe('FILTER')
  })

  test('where site, pointing and time are told, Moon, Sun and airmass are computed, and a Sun that was up is told', () => {
    // astropy, get_body and AltAz without refraction: Moon 7.796 high, 82.228 away, 0.911 lit; Sun -36.961, 128.285 away
    const at = {
      ...Object.fromEntries(cards.map(({ keyword, value }) => [keyword, value])),
      SITELAT: 50.11,
      RA: 31.3,
      DEC: 46.8,
    }
    const night = standardFrame(frameWith(cardsOf({ ...at, SITELONG: 19.8 })))
    const { moonAltitudeDeg, moonSeparationDeg, ...others } = night.header.moonAndSun!
    expect(Math.abs(moonAltitudeDeg - 7.796)).toBeLessThan(0.03)
    expect(Math.abs(moonSeparationDeg - 82.228)).toBeLessThan(0.03)
    expect(others.sunAltitudeDeg).toBeCloseTo(-36.961, 2)
    expect(others.sunSeparationDeg).toBeCloseTo(128.285, 2)
    expect(others.moonIllumination).toBeCloseTo(0.911, 2)
    const day = standardFrame(frameWith(cardsOf({ ...at, SITELONG: 199.8 })))
    expect(day.header.moonAndSun!.sunAltitudeDeg).toBeGreaterThan(3)
    expect(day.provenance.moonAndSun.conflict).toMatch(/Sun was \d+° above the horizon/)
    expect(flagNames(day.header.flags)).toContain('timeUncertain')
    const low = standardFrame(frameWith(cardsOf({ ...at, SITELONG: 19.8, DEC: -60 })))
    expect(low.header.airmass).toBeNull()
    expect(low.provenance.airmass.conflict).toMatch(/below the horizon/)
  })

  test('a time before there were cameras is told as one of a clock that was never set', () => {
    const { header, provenance } = standardFrame(frameWith(cardsOf({ 'DATE-OBS': '1900-01-01T00:00:00', EXPTIME: 60 })))
    expect(provenance.mjdUtcMid.conflict).toMatch(/1900-01-01 is before electronic cameras/)
    expect(flagNames(header.flags)).toContain('timeUncertain')
  })

  test('headers alone tell the same as the whole frame, but for what only pixels know', () => {
    const whole = standardFrame(raw).header
    const { header } = headersAlone(openFits(raw).hdus)
    expect(whole).toMatchObject({ ...header, flags: whole.flags })
    expect(header).toMatchObject({ gainElectronsPerAdu: 1.5, widthPx: 128 })
    expect('readNoiseElectrons' in header).toBe(false)
  })
})

const sky = expose()
const time = cardsOf({ 'DATE-OBS': '2023-09-27T00:10:22', EXPTIME: 120 })
const rejections: [what: string, bytes: Uint8Array, error: string, words: RegExp][] = [
  [
    'an all-zero frame',
    fitsOf(new Float32Array(16_384), 128, 128, time),
    'NoPixelValues',
    /every pixel has the value 0/,
  ],
  ['a constant frame', fitsOf(new Float32Array(16_384).fill(7), 128, 128, time), 'NoPixelValues', /the value 7/],
  ['NaN everywhere', floatFits(new Float32Array(16_384).fill(Number.NaN), 128, 128, time), 'NoPixelValues', /NaN/],
  [
    'NaN nearly everywhere',
    floatFits(
      sky.map((v, i) => (i % 50 ? Number.NaN : v)),
      128,
      128,
      time,
    ),
    'NoPixelValues',
    /only 2.0 %/,
  ],
  [
    'values that stand alone',
    floatFits(
      sky.map((v, i) => (i % 7 ? Number.NaN : v)),
      128,
      128,
      time,
    ),
    'NoPixelValues',
    /nowhere do enough pixels/,
  ],
  [
    'a saturated mess',
    fitsOf(
      sky.map((v, i) => (i % 3 ? 65_535 : v)),
      128,
      128,
      time,
    ),
    'NoPixelValues',
    /67 % of the pixels are saturated/,
  ],
  ['a frame without a time', fitsOf(sky, 128, 128, cardsOf({ EXPTIME: 120 })), 'NoObservationTime', /no keyword/],
  [
    'a time that is none',
    fitsOf(sky, 128, 128, cardsOf({ 'DATE-OBS': 'last night' })),
    'NoObservationTime',
    /'last night'/,
  ],
  [
    'a time of a clock that runs wild',
    fitsOf(sky, 128, 128, cardsOf({ 'DATE-OBS': '3026-03-01T02:03:04' })),
    'NoObservationTime',
    /'3026-03-01T02:03:04' lies outside the years 1880 to 2150/,
  ],
  ['a spectrum', spectrum(2048, time), 'NoImage', /one row/],
  ['half a frame', raw.subarray(0, raw.length / 2), 'TruncatedFits', /needed/],
  ...['Bias Frame', 'DARK', 'Flat Field', 'SKYFLAT', 'zero', 'FLAT,SKY'].map(
    type =>
      [
        `IMAGETYP ${type}`,
        fitsOf(sky, 128, 128, [...time, ...cardsOf({ IMAGETYP: type })]),
        'NotLightFrame',
        /IMAGETYP/,
      ] as [string, Uint8Array, string, RegExp],
  ),
]

describe('a frame that cannot be measured ends with a reason', () => {
  test.each(rejections)('%s', (_, bytes, error, words) => {
    let thrown: unknown
    try {
      standardFrame(bytes)
    } catch (caught) {
      thrown = caught
    }
    expect(thrown).toBeInstanceOf(CpcsError)
    expect((thrown as CpcsError).name).toBe(error)
    expect((thrown as CpcsError).message).toMatch(words)
  })

  test.each(['Light Frame', 'LIGHT', 'object', 'EXPOSE', 'Light (dark subtracted)'])(
    'IMAGETYP %s is a light frame',
    type =>
      expect(
        standardFrame(fitsOf(sky, 128, 128, [...time, ...cardsOf({ IMAGETYP: type })])).header.exposureSeconds,
      ).toBe(120),
  )
})

test('a sky that was cut off at zero is flagged, with a word on how much of it', () => {
  const { header, provenance } = standardFrame(frameWith(cards, { pedestal: -600 }))
  expect(flagNames(header.flags)).toContain('skyCutOff')
  expect(provenance.sky.conversion).toMatch(/^[3-6]\d % of the pixels have the lowest value, 0:/)
  expect(flagNames(standardFrame(frameWith(cards)).header.flags)).not.toContain('skyCutOff')
})

test('whatever is damaged in a file, the error is one of the table', () => {
  const draw = random('damage')
  const small = frameWith(cards, { width: 32, height: 32 })
  const names = new Set<string>()
  for (let k = 0; k < 400; k++) {
    const bytes = small.slice(0, draw.uniform() < 0.2 ? draw.integer(small.length) : small.length)
    for (let n = 1 + draw.integer(5); n > 0; n--)
      bytes[draw.integer(Math.min(1600, bytes.length))] = 32 + draw.integer(95)
    try {
      standardFrame(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(CpcsError)
      names.add((error as CpcsError).name)
    }
  }
  expect([...names]).toEqual(expect.arrayContaining(['NotFits', 'BrokenHeader', 'TruncatedFits', 'NoObservationTime']))
})

const PLANE = {
  ...{ CTYPE1: 'RA---TAN', CTYPE2: 'DEC--TAN', CRVAL1: 10, CRVAL2: 20, CRPIX1: 1, CRPIX2: 1 },
  ...{ CD1_1: -1e-4, CD1_2: 0, CD2_1: 0, CD2_2: 1e-4 },
}

describe.skipIf(!astropyThere)('beside astropy (skipped where it is absent)', () => {
  test('astropy reads the standardised frame, its header and its mask', async () => {
    const { frame, header } = standardFrame(raw)
    const path = join(mkdtempSync(join(tmpdir(), 'cpcs-frame-')), 'frame.fits')
    const cards = Object.entries(PLANE).map(([keyword, value]) => ({ keyword, value }))
    writeFileSync(path, encodeFrame(frame, header, { cards }))
    const read = askAstropy(
      `
from astropy.wcs import WCS
from astropy.time import Time
warnings.simplefilter('error')  # a wrong checksum is a warning, and so is a time that had to be made up
with fits.open(sys.argv[1], checksum=True) as f:
    f.verify('exception')
    assert all('CHECKSUM' in unit.header and 'DATASUM' in unit.header for unit in f)
    h = f[0].header
    WCS(h)
    start, middle = Time(h['DATE-OBS']).mjd, Time(h['DATE-AVG']).mjd
    assert abs(start - h['MJD-OBS']) < 1e-9 and abs(middle - h['MJD-AVG']) < 1e-9
    assert abs((middle - start) * 86400 - h['EXPTIME'] / 2) < 2e-3
    print(json.dumps([f[0].data.astype(float).sum(), int(f['MASK'].data.sum()), h['MJD-AVG'], h['FILTER'], h['BAND'], h['GAIN'], h['RA']]))`,
      [path],
    )
    const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + value, 0)
    const { mjdUtcMid, filterName, band, gainElectronsPerAdu, pointing } = header
    expect(read).toEqual([
      sum(frame.pixels),
      sum(frame.mask),
      mjdUtcMid,
      filterName,
      band,
      gainElectronsPerAdu,
      pointing!.raDeg,
    ])
  })
})

test('a frame of which the larger part was not read out is judged by the rest', () => {
  const size = 256
  const stars = starGrid(size, size, 32, 50_000)
  const pixels = expose({ width: size, height: size, stars })
  const whole = standardFrame(fitsOf(pixels, size, size, cards))
  const lost = 150 * size
  const { frame, header } = standardFrame(fitsOf(pixels.slice().fill(0, 0, lost), size, size, cards))
  expect(flagNames(header.flags)).toContain('deadArea')
  expect(header.readNoiseElectrons).toBeGreaterThan(0.6 * whole.header.readNoiseElectrons)
  expect(header.readNoiseElectrons).toBeLessThan(1.6 * whole.header.readNoiseElectrons)
  const masked = (mask: Uint8Array) => mask.subarray(lost).reduce((sum, bits) => sum + (bits === 0 ? 0 : 1), 0)
  // A sky without noise would make hits of all that stands out of it.
  expect(masked(frame.mask)).toBeLessThan(masked(whole.frame.mask) + 30)
  expect(masked(frame.mask.map(bits => bits ^ 255))).toBeGreaterThan(0.35 * size * size)
})
