import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { airmassAt, altitudeDeg } from '#shared/sky/airmass.ts'
import { barycentricMjdTdb, heliocentricMjdUtc } from '#shared/sky/light-time.ts'
import { moonAndSun } from '#shared/sky/moon-sun.ts'
import { askPython, astropyThere } from '../fits/astropy.ts'

/** 200 random rows by astropy where it is at hand, else 20 that it gave earlier. */
const rows = (
  astropyThere
    ? askPython(join(import.meta.dirname, 'astropy-times.py'), ['200', '20260301'])
    : JSON.parse(readFileSync(join(import.meta.dirname, 'astropy-times.json'), 'utf8'))
) as number[][]

const observations = rows.map(
  ([latitudeDeg, longitudeEastDeg, heightM, ra, dec, mjd, bjd, hjd, altitude, moonUp, sunUp, moonFar, sunFar]) => ({
    place: { latitudeDeg, longitudeEastDeg, heightM },
    ra,
    dec,
    mjd,
    theirs: { bjd, hjd, altitude, moonUp, sunUp, moonFar, sunFar },
  }),
)

const worst = (differences: number[]) => Math.max(...differences.map(Math.abs))

describe(`beside astropy, at ${rows.length} random places, targets and times from 1990 to 2030`, () => {
  test('BJD in TDB is within 10 ms', () => {
    const seconds = observations.map(
      ({ mjd, ra, dec, place, theirs }) => (barycentricMjdTdb(mjd, ra, dec, place) - mjd - theirs.bjd) * 86_400,
    )
    expect(worst(seconds)).toBeLessThan(0.01)
  })

  test('HJD in UTC is within 10 ms', () => {
    const seconds = observations.map(
      ({ mjd, ra, dec, place, theirs }) => (heliocentricMjdUtc(mjd, ra, dec, place) - mjd - theirs.hjd) * 86_400,
    )
    expect(worst(seconds)).toBeLessThan(0.01)
  })

  test('airmass below 3 is within 0.001', () => {
    const differences = observations
      .filter(({ theirs }) => airmassAt(theirs.altitude) < 3)
      .map(
        ({ mjd, ra, dec, place, theirs }) => airmassAt(altitudeDeg(ra, dec, place, mjd)) - airmassAt(theirs.altitude),
      )
    expect(differences.length).toBeGreaterThan(4)
    expect(worst(differences)).toBeLessThan(0.001)
  })

  test('Moon and Sun stand where they should: Moon to 0.03 degrees, Sun to 0.005', () => {
    const found = observations.map(({ mjd, ra, dec, place, theirs }) => ({
      ours: moonAndSun(mjd, ra, dec, place),
      theirs,
    }))
    expect(worst(found.map(({ ours, theirs }) => ours.moonAltitudeDeg - theirs.moonUp))).toBeLessThan(0.03)
    expect(worst(found.map(({ ours, theirs }) => ours.moonSeparationDeg - theirs.moonFar))).toBeLessThan(0.03)
    expect(worst(found.map(({ ours, theirs }) => ours.sunAltitudeDeg - theirs.sunUp))).toBeLessThan(0.005)
    expect(worst(found.map(({ ours, theirs }) => ours.sunSeparationDeg - theirs.sunFar))).toBeLessThan(0.005)
  })
})

test('the Moon of 12 April 1992 (Meeus 1998, example 47.a) is two thirds lit', () =>
  // example 48.a: 0.6786 at 0h TD; the elongation alone gives it to 0.01
  expect(moonAndSun(48_724, 0, 0, { latitudeDeg: 0, longitudeEastDeg: 0 }).moonIllumination).toBeCloseTo(0.679, 1))
