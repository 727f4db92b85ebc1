import { describe, expect, test } from 'vitest'
import type { Point } from '#events/point.ts'
import { calibrateTargets } from '#shared/calibration/apply.ts'
import { colourOfUncatalogued } from '#shared/calibration/assumed-colour.ts'
import { calibrateFrame } from '#shared/calibration/calibrate-frame.ts'
import { hasFlag } from '#shared/flags.ts'
import type { ForcedPhotometry } from '#shared/photometry/star-catalogue.ts'
import { example } from '../lightcurve/emulated.ts'
import { simulateField } from './field.ts'

const MJD = 60676.5
const field = simulateField({ stars: 300, seed: 'colour of its own', cameraTerm: 0.08 })
const scale = { fwhmArcsec: 2, residualArcsec: 0.05, epochYear: field.epochYear, widthPx: 1000, heightPx: 1000 }
const fit = calibrateFrame(field.catalogue, [field.gaia, field.ps1], scale, 'r').choice.chosen!

/** A blue transient: r = 18, g − r = −0.2. In the frame m = r + 0.08 (g − r). */
const [r, colour] = [18, -0.2]
const flux = 10 ** (-0.4 * (r + 0.08 * colour - 25.3))
const forced: ForcedPhotometry = {
  ...{ name: 'X', raDeg: 10, decDeg: 10, x: 500, y: 500, flux, fluxErr: flux / 100, skyAdu: 0, chi: 1, flags: 0 },
}
/** Its point of another camera in g, whose colour term is 0.15: m = g − 0.15 (g − r) there. */
const gPoint: Point = {
  ...example<Point[]>('points')[0],
  ...{ band: 'g', survey: 'ps1', colour: 'g-r', colourTerm: 0.15, frameId: 'c'.repeat(64), mjdUtcMid: MJD - 0.002 },
  ...{ magNatural: r + colour - 0.15 * colour, magNaturalErr: 0.02, detected: true, flags: 0 },
}
const measured = (points: Point[]) =>
  calibrateTargets([forced], fit, { frameId: 'b'.repeat(64), mjdUtcMid: MJD, flags: 0, pointsOf: () => points })[0]

describe('the colour of a target', () => {
  test('follows from its own point in the other band, colour terms of both solved together', () => {
    const target = measured([gPoint])
    expect(target.targetColourFrom).toBe('points')
    expect(Math.abs(target.targetColour! - colour)).toBeLessThan(0.02)
    expect(Math.abs(target.mag! - r)).toBeLessThan(0.01)
    // g: 0.02; r: 0.011 and its zero point
    expect(target.targetColourErr!).toBeGreaterThan(0.02)
    expect(target.targetColourErr!).toBeLessThan(0.03)
    expect(hasFlag(target.flags, 'colourExtrapolated')).toBe(true) // the stars have 0.1 … 1.2
  })

  test('of a point of the night before counts where the object was steady, and not where it was rising', () => {
    const nights = (magPerDay: number) =>
      [1, 2].map(days => ({
        ...gPoint,
        ...{ frameId: `${days}`.repeat(64), pointId: `night ${days}`, mjdUtcMid: MJD - days },
        magNatural: gPoint.magNatural! + magPerDay * days,
      }))
    const steady = measured(nights(0))
    expect(steady.targetColourFrom).toBe('points')
    expect(Math.abs(steady.targetColour! - colour)).toBeLessThan(0.02)
    expect(steady.targetColourErr!).toBeGreaterThan(0.05) // 0.05 mag in a day at the least
    expect(measured(nights(0.8)).targetColourFrom).toBe('assumed')
    expect(measured(nights(0).slice(0, 1)).targetColourFrom).toBe('assumed') // nothing tells how fast it is
  })

  test('is assumed without such a point, and costs what it may be wrong by', () => {
    const unknown = measured([])
    expect(unknown.targetColourFrom).toBe('assumed')
    expect(unknown.magErr!).toBeGreaterThan(0.02)
    expect(Math.abs(unknown.mag! - r)).toBeLessThan(3 * unknown.magErr!)
    // the magnitude of the natural system knows nothing of colours
    expect(Math.abs(unknown.magNatural! - (r + 0.08 * colour))).toBeLessThan(3 * unknown.magNaturalErr!)
  })

  test.each([
    ['u-g', 0.3557, 0.481, 0],
    ['g-r', 0.481, 0.617, 0],
    ['B-V', 0.4361, 0.5448, -0.09 - 0.02],
    ['V-I', 0.5448, 0.798, 0.02 - 0.45],
    ['BP-RP', 0.511, 0.777, 0.015 - 0.36],
    ['BT-VT', 0.422, 0.535, -0.07 - 0.01],
    ['J-H', 1.235, 1.662, 0.91 - 1.39],
    ['J-K', 1.235, 2.159, 0.91 - 1.85],
  ])(
    '%s of what no catalogue has is that of black bodies of 4700 to 10 400 K, and of the stars',
    (name, blue, red, vega) => {
      // Planck's law at wavelengths in µm, hc/k = 14 388 µm K; AB minus Vega as in Blanton & Roweis 2007
      const ab = (um: number, kelvin: number) => 2.5 * Math.log10(um ** 3 * (Math.exp(14_388 / (um * kelvin)) - 1))
      const [cool, middle, hot] = [4700, 7000, 10_400].map(kelvin => ab(blue, kelvin) - ab(red, kelvin) - vega)
      // stars that are all alike: half of the mean and all of the distance come from the others
      const { colour: mean, error } = colourOfUncatalogued(name, { median: middle, spread: 0, range: [middle, middle] })
      expect(mean).toBeCloseTo(middle, 1)
      expect(error * Math.SQRT2).toBeCloseTo((cool - hot) / 2, 1)
      const apart = colourOfUncatalogued(name, { median: middle + 1, spread: 0.4, range: [0, 2] })
      expect(apart.colour).toBeCloseTo(middle + 0.5, 1)
      expect(apart.error ** 2).toBeCloseTo((0.4 ** 2 + ((cool - hot) / 2) ** 2) / 2 + 0.25, 1)
    },
  )

  test('of which nothing is told is that of the stars', () => {
    const stars = { median: 0.7, spread: 0.2, range: [0, 1] as [number, number] }
    expect(colourOfUncatalogued('r-z', stars)).toEqual({ colour: 0.7, error: 0.2 })
  })

  test.each([
    ['too long ago', { mjdUtcMid: MJD - 4 }],
    ['of another survey', { survey: 'sdss' }],
    ['of the same frame', { frameId: 'b'.repeat(64) }],
    ['not detected', { detected: false }],
    ['saturated', { flags: 2 }],
    ['too uncertain', { magNaturalErr: 0.5 }],
  ])('does not come from a point that is %s', (_, change) => {
    expect(measured([{ ...gPoint, ...change }]).targetColourFrom).toBe('assumed')
  })
})
