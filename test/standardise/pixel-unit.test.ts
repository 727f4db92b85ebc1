import { beforeAll, describe, expect, test } from 'vitest'
import { readPixelUnit } from '#functions/standardise/pixel-unit.ts'
import { standardFrame } from '#functions/standardise/standardise.ts'
import { Header, parseCard } from '#shared/fits/header.ts'
import { flagNames } from '#shared/flags.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { detectSources } from '#shared/image/detection.ts'
import { decodeFrame, encodeFrame } from '#shared/image/frame-file.ts'
import { madSigma } from '#shared/numeric/robust.ts'
import { measureStars } from '#shared/photometry/measure-stars.ts'
import { cardsOf, expose, floatFits, starGrid } from './camera.ts'

const SIZE = 448
const SECONDS = 60
const GAIN = 1.5 // electrons per ADU
const truth = starGrid(SIZE, SIZE, 28, 60_000)
const scene = { width: SIZE, height: SIZE, stars: truth, gain: GAIN, readNoise: 8, seed: 'units' }
const camera = {
  'DATE-OBS': '2024-03-05T20:00:00',
  EXPTIME: SECONDS,
  FILTER: 'V',
  GAIN,
  RDNOISE: 8,
  SATURATE: 60_000,
  PEDESTAL: -100,
}

interface Measured {
  flags: string[]
  unit: string | null | undefined
  /** In ADU. */
  saturation: number
  /** By the number of the true star, in ADU. */
  flux: Map<number, number>
  error: Map<number, number>
  found: number
}

/** Standardise and measure the field with its pixels multiplied; fluxes divided by what `inFrame` makes of an ADU. */
function measured(pixels: Float32Array, cards: Record<string, string | number>, inFrame: number): Measured {
  const { frame, header } = standardFrame(floatFits(pixels, SIZE, SIZE, cardsOf({ ...camera, ...cards })))
  const sky = estimateBackground(frame)
  const { stars } = measureStars(frame, sky.level, detectSources(frame, sky))
  const flux = new Map<number, number>()
  const error = new Map<number, number>()
  const all = stars.byFlux()
  for (const star of all) {
    const which = truth.findIndex(({ x, y }) => Math.hypot(x - stars.x[star], y - stars.y[star]) < 1)
    if (which < 0 || flux.has(which)) continue
    flux.set(which, stars.flux[star] / inFrame)
    error.set(which, stars.fluxErr[star] / inFrame)
  }
  const saturation = header.saturationAdu / inFrame
  return { flags: flagNames(header.flags), unit: header.pixelUnit, saturation, flux, error, found: all.length }
}

function pull({ flux, error }: Measured): number {
  return madSigma(
    Array.from(flux, ([which, value]) => (value - truth[which].flux) / error.get(which)!),
    0,
  )
}

describe('one field in every unit', () => {
  const pixels = expose(scene)
  let adu: Measured
  beforeAll(() => {
    adu = measured(pixels, { BUNIT: 'adu' }, 1)
  })

  test('in ADU is the field that was drawn', () => {
    expect(adu.flux.size).toBeGreaterThan(0.95 * truth.length)
    expect(Math.abs(pull(adu) - 1)).toBeLessThan(0.15) // 256 stars tell it to 0.07
  })

  /** Shares of the stars whose flux and error are those in ADU, to so many errors and to such a part. */
  function alike(other: Measured, sigma: number, part: number): number {
    const same = Array.from(adu.flux).filter(([which, value]) => {
      const error = adu.error.get(which)!
      const [flux, fluxErr] = [other.flux.get(which) ?? Number.NaN, other.error.get(which)!]
      return Math.abs(flux - value) < sigma * error && Math.abs(fluxErr / error - 1) < part
    })
    return same.length / adu.flux.size
  }

  // Pixels that are whole numbers have their sky from a histogram of those, others do not: fluxes differ in the second
  // decimal of their errors, and a star at the limit of detection may come or go.
  test.each([
    ['electron', GAIN, GAIN],
    ['e-/s', GAIN / SECONDS, GAIN],
    ['ADU / sec', 1 / SECONDS, 1],
  ])('in %s has the same stars, fluxes and errors', (unit, factor, inFrame) => {
    const other = measured(
      pixels.map(value => value * factor),
      { BUNIT: unit },
      inFrame,
    )
    expect(other.flags).toEqual(adu.flags)
    expect(Math.abs(other.found - adu.found)).toBeLessThanOrEqual(2)
    expect(other.saturation).toBeCloseTo(60_000, 1)
    expect(alike(other, 0.1, 0.01)).toBeGreaterThan(0.98)
    expect(pull(other) / pull(adu)).toBeCloseTo(1, 1)
  })

  test.each([
    ['Jy', 1e-8],
    ['W/m2', 1e-15],
    ['nJy', 1e9],
    ['a unit of nobody', 1e9],
    ['', 1e-8],
  ])("in '%s', %d of an ADU, has the same stars, and the errors that its noise tells", (unit, factor) => {
    const other = measured(
      pixels.map(value => value * factor),
      { BUNIT: unit },
      1,
    )
    expect(other.flags).toContain('gainEstimated')
    expect(Math.abs(other.found - adu.found)).toBeLessThanOrEqual(2)
    expect(alike(other, 0.3, 0.12)).toBeGreaterThan(0.98) // the gain is estimated to 10 %
    expect(Math.abs(pull(other) / pull(adu) - 1)).toBeLessThan(0.1)
  })
})

test('a frame keeps its unit through its file', () => {
  const { frame, header } = standardFrame(
    floatFits(
      expose().map(value => value * 1e-8),
      128,
      128,
      cardsOf({ ...camera, BUNIT: 'Jy' }),
    ),
  )
  const file = encodeFrame(frame, header)
  expect(decodeFrame(file).header.pixelUnit).toBe('10**-8 Jy')
  // handed in again, it is taken as it stands
  const again = standardFrame(file)
  expect(again.header.gainElectronsPerAdu).toBe(header.gainElectronsPerAdu)
  expect(again.header.pixelUnit).toBe('10**-8 Jy')
  expect(again.frame.pixels).toEqual(frame.pixels)
})

describe('spellings', () => {
  test.each([
    ['adu', 'adu', 1],
    ['ADU', 'adu', 1],
    ['count', 'adu', 1],
    ['Counts', 'adu', 1],
    ['DN', 'adu', 1],
    ['Digital Number', 'adu', 1],
    ['analog-to-digital units', 'adu', 1],
    ['kADU', 'adu', 1000],
    ['ke-', 'electron', 1000],
    ['kelvin', 'physical', 1],
    ['el', 'electron', 1],
    ['electron', 'electron', 1],
    ['Electrons', 'electron', 1],
    ['e-', 'electron', 1],
    ['electron/pixel', 'electron', 1],
    ['adu/s', 'adu/s', 60],
    ['DN / sec', 'adu/s', 60],
    ['COUNTS/S', 'adu/s', 60],
    ['count s-1', 'adu/s', 60],
    ['electron/s', 'electron/s', 60],
    ['ELECTRONS/S', 'electron/s', 60],
    ['e-/sec', 'electron/s', 60],
    ['electron s**-1', 'electron/s', 60],
    ['electron.s^(-1)', 'electron/s', 60],
    ['photon', 'electron', 1],
    ['Jy', 'physical', 1],
    ['MJy/sr', 'physical', 1],
    ['nJy', 'physical', 1],
    ['W/m2', 'physical', 1],
    ['mag', 'physical', 1],
    ['erg/cm2/s', 'physical', 1],
    ['photon/cm2/s', 'physical', 1],
    ['unknown', 'adu', 1],
    ['bananas', 'adu', 1],
  ])("'%s'", (text, kind, factor) => {
    const header = new Header([parseCard(`BUNIT   = '${text}'`.padEnd(80))])
    expect(readPixelUnit(header, 60)).toMatchObject({ value: kind, factor })
    if (kind.endsWith('/s')) expect(readPixelUnit(header, undefined).value).toBe('physical')
  })

  test('what is not understood is said', () => {
    const header = new Header([parseCard(`BUNIT   = 'bananas'`.padEnd(80))])
    expect(readPixelUnit(header, 60)).toMatchObject({ from: 'assumed', confidence: 'guess', text: 'adu' })
  })
})
