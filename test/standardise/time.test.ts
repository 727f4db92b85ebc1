import { describe, expect, test } from 'vitest'
import { airmassAt, altitudeDeg, greenwichSiderealDeg } from '#shared/sky/airmass.ts'
import {
  isoFromMjd,
  julianEpoch,
  mjdFromIso,
  parseInstant,
  taiMinusUtcSeconds,
  ttFromUtc,
  utcFromTt,
} from '#shared/sky/time.ts'

const SECOND = 1 / 86_400

describe('dates as headers write them', () => {
  const noon = 58_485 + (12 * 3600 + 34 * 60 + 56.789) * SECOND // 2019-01-02 is MJD 58485 (astropy)
  test.each([
    ['2019-01-02T12:34:56.789', noon],
    ['2019-01-02 12:34:56.789', noon],
    ['2019-01-02T12:34:56.789Z', noon],
    ['2019-01-02T12:34:56.789UTC', noon],
    ['2019-01-02T12:34:56.789+00:00', noon],
    ['2019-01-02T05:34:56.789-0700', noon],
    ['2019-01-02T14:34:56.789+02:00', noon],
    ['2019-01-02T12-34-56.789', noon],
    ['2019/01/02T12:34:56.789', noon],
    ['02/01/2019 12:34:56.789', noon],
    ['02-01-2019T12:34:56.789', noon],
    ['02.01.2019 12:34:56,789', noon],
    ['20190102T123456.789', noon],
    ['2019-1-2T12:34:56.789', noon],
    ['2019-01-02T12:34', 58_485 + (12 * 60 + 34) * 60 * SECOND],
    ['2019-01-02', 58_485],
    ['20190102', 58_485],
    ['02/01/99', 51_180], // before 1999 the standard wrote dd/mm/yy of the twentieth century
    ['2016-12-31T23:59:60', 57_754], // the leap second
    ['2000-02-29T00:00:00', 51_603],
  ])('%s', (text, mjd) => expect(mjdFromIso(text)).toBeCloseTo(mjd, 9))

  test.each([
    '',
    'yesterday',
    '0000-00-00T00:00:00',
    '2019-13-01',
    '2019-02-30T00:00:00',
    '2019-01-02T25:00:00',
    '12:34:56',
    '1/2',
  ])('%j is no date', text => expect(parseInstant(text)).toBeUndefined())

  test('the year 26 is no 1926', () => expect(mjdFromIso('0026-03-01T02:03:04')).toBeLessThan(-600_000))

  test('a date alone is told apart, and so is a zone', () => {
    expect(parseInstant('2019-01-02')?.dateOnly).toBe(true)
    expect(parseInstant('2019-01-02T00:00:00')?.dateOnly).toBe(false)
    expect(parseInstant('2017-12-19T18:33:43.317-0700')?.zoneHours).toBe(-7)
    expect(parseInstant('2017-12-19T18:33:43.317')?.zoneHours).toBeUndefined()
  })

  test('comes back from MJD to the millisecond, also across midnight', () => {
    expect(isoFromMjd(noon)).toBe('2019-01-02T12:34:56.789')
    expect(isoFromMjd(58_485 - 0.0001 * SECOND)).toBe('2019-01-02T00:00:00.000')
    expect(isoFromMjd(58_485.5, 0)).toBe('2019-01-02T12:00:00')
  })
})

describe('time scales', () => {
  test('published MJDs: J2000 and Meeus 1998, example 7.a', () => {
    expect(mjdFromIso('2000-01-01T12:00:00')).toBe(51_544.5)
    expect(mjdFromIso('1957-10-04T19:26:24')).toBeCloseTo(2_436_116.31 - 2_400_000.5, 9)
  })

  test('leap seconds of IERS Bulletin C', () => {
    expect(taiMinusUtcSeconds(mjdFromIso('1972-01-01'))).toBe(10)
    expect(taiMinusUtcSeconds(mjdFromIso('2016-12-31T23:59:59'))).toBe(36)
    expect(taiMinusUtcSeconds(mjdFromIso('2017-01-01'))).toBe(37)
  })

  test('the Julian epoch J2000.0 is 2000-01-01 11:58:55.816 UTC', () =>
    expect(julianEpoch(mjdFromIso('2000-01-01T11:58:55.816'))).toBeCloseTo(2000, 10))

  test('UTC to TT and back, also beside a leap second', () => {
    for (const text of ['2024-06-01T01:02:03', '2016-12-31T23:59:59', '2017-01-01T00:00:01']) {
      const utc = mjdFromIso(text)
      expect(Math.abs(utcFromTt(ttFromUtc(utc)) - utc)).toBeLessThan(1e-6 * SECOND * 100)
    }
  })
})

describe('airmass', () => {
  test('sidereal time at Greenwich: Meeus 1998, examples 12.a and 12.b', () => {
    const hours = (h: number, m: number, s: number) => 15 * (h + m / 60 + s / 3600)
    expect(greenwichSiderealDeg(mjdFromIso('1987-04-10'))).toBeCloseTo(hours(13, 10, 46.3668), 5)
    expect(greenwichSiderealDeg(mjdFromIso('1987-04-10T19:21:00'))).toBeCloseTo(hours(8, 34, 57.0896), 5)
  })

  test('Kasten & Young 1989, table II: 1 at the zenith, 1.9939 at 30 degrees, 10.3 at 5, 38 at the horizon', () => {
    expect(airmassAt(90)).toBeCloseTo(1, 3)
    expect(airmassAt(30)).toBeCloseTo(1.9939, 2)
    expect(airmassAt(5)).toBeCloseTo(10.31, 1)
    expect(airmassAt(0)).toBeCloseTo(37.92, 1)
    expect(airmassAt(-1)).toBeNaN()
  })

  // Values that other programs wrote into real headers for their own place and time.
  test('agrees with the altitude that a telescope reported', () => {
    const whipple = { latitudeDeg: 31.68, longitudeEastDeg: -110.88 }
    expect(altitudeDeg(31.312099, 46.769087, whipple, mjdFromIso('2017-12-20T01:33:43'))).toBeCloseTo(62.592, 0)
    const maunaLoa = { latitudeDeg: 19.54, longitudeEastDeg: -155.58 }
    const altitude = altitudeDeg(301.56439, 44.456875, maunaLoa, mjdFromIso('2016-09-09T08:12:26'))
    expect(airmassAt(altitude)).toBeCloseTo(1.131, 1)
  })
})
