import { describe, expect, test } from 'vitest'
import type { Point } from '#events/point.ts'
import { calibrateTargets } from '#shared/calibration/apply.ts'
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
