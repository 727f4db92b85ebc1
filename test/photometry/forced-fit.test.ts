import { describe, expect, test } from 'vitest'
import { estimateBackground } from '#shared/image/background.ts'
import type { Frame } from '#shared/image/frame.ts'
import { random } from '#shared/numeric/random.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import { isEmpty, lookAround, surroundingsByRegion } from '#shared/photometry/empty-places.ts'
import { measureTarget } from '#shared/photometry/forced.ts'
import type { ExpectedStars } from '#shared/photometry/known-stars.ts'
import { type MeasuredFrame, measureStars } from '#shared/photometry/measure-stars.ts'
import { LocalPsf } from '#shared/photometry/psf.ts'
import {
  detectionsNear,
  fluxLimit,
  latticeStars,
  moffatOnPixel,
  renderFrame,
  type Sky,
  type TrueStar,
} from './rendered-frame.ts'

const sky: Sky = { width: 320, height: 320, fwhmPx: 3.2, beta: 3, skyAdu: 400, gain: 1.5, readNoise: 6, seed: 31 }
const nobody = { name: 'target', raDeg: 0, decDeg: 0 }

function measureFrame(frame: Frame, stars: TrueStar[]): MeasuredFrame {
  return measureStars(frame, estimateBackground(frame).level, detectionsNear(sky, stars))
}

function pullsAtEmptyPlaces(measured: MeasuredFrame): number[] {
  const { scene, psf } = measured
  const around = surroundingsByRegion(measured)
  const pulls: number[] = []
  for (let y = 12.3; y < sky.height - 12; y += 9.7) {
    for (let x = 12.6; x < sky.width - 12; x += 9.7) {
      if (!isEmpty(scene, x, y, psf.fwhmPx)) continue
      const forced = measureTarget(measured, nobody, x, y, { around })
      if (forced) pulls.push(forced.flux / forced.fluxErr)
    }
  }
  return pulls
}

/** Ripples of light all over the frame, of the size of a few stars' widths, with their photons' noise left out. */
function addRipples(frame: Frame, heightAdu: number, wavePx: number): void {
  for (let j = 0; j < sky.height; j++) {
    for (let i = 0; i < sky.width; i++) {
      const wave = Math.sin((2 * Math.PI * i) / wavePx + 1) * Math.cos((2 * Math.PI * (j + 0.4 * i)) / wavePx)
      frame.pixels[j * sky.width + i] += heightAdu * wave
    }
  }
}

describe('the error of a place without its star', () => {
  const lattice = latticeStars(sky, 40, 3_000, 60_000)
  const place = lattice[24]
  const others = lattice.filter(star => star !== place)
  const errorsAt = (stars: TrueStar[]) =>
    measureTarget(measureFrame(renderFrame(sky, stars), stars), nobody, place.x, place.y)!

  test.each([2_000, 20_000, 100_000])('is that of the same place of a frame without it, for a star of %d ADU', flux => {
    const empty = errorsAt(others)
    const seen = errorsAt([...others, { ...place, flux }])
    expect(empty.emptyErr).toBeUndefined()
    expect(Math.abs(seen.emptyErr! / empty.fluxErr - 1)).toBeLessThan(0.06) // the scatter of 150 empty places
    expect(seen.fluxErr).toBeGreaterThan(1.05 * seen.emptyErr!)
  })
})

describe('fluxes of empty places', () => {
  const stars = latticeStars(sky, 40, 3_000, 60_000)

  test('scatter by their errors about zero on a flat sky, half of them negative', () => {
    const pulls = pullsAtEmptyPlaces(measureFrame(renderFrame(sky, stars), stars))
    expect(pulls.length).toBeGreaterThan(300)
    expect(Math.abs(madSigma(pulls, 0) - 1)).toBeLessThan(0.12) // 1 ± 0.05 from their number
    const negative = pulls.filter(pull => pull < 0).length / pulls.length
    expect(Math.abs(negative - 0.5)).toBeLessThan(0.1)
  })

  test('scatter by their errors in a nebula of ripples, where the errors are larger', () => {
    const flat = measureFrame(renderFrame(sky, stars), stars)
    const frame = renderFrame(sky, stars)
    addRipples(frame, 25, 26)
    const rippled = measureFrame(frame, stars)
    const pulls = pullsAtEmptyPlaces(rippled)
    expect(Math.abs(madSigma(pulls, 0) - 1)).toBeLessThan(0.2)
    const errorAt = (measured: MeasuredFrame) => measureTarget(measured, nobody, 160, 160)!.fluxErr
    expect(errorAt(rippled)).toBeGreaterThan(1.2 * errorAt(flat))
  })

  test('tell how the sky varies: not at all where it is flat, by the height of the ripples where it is not', () => {
    const frame = renderFrame(sky, stars)
    addRipples(frame, 25, 26)
    const [flat, rippled] = [renderFrame(sky, stars), frame].map(each => {
      const measured = measureFrame(each, stars)
      const local = new LocalPsf(measured.psf)
      local.moveTo(160, 160)
      return lookAround(measured, local, 160, 160).prior
    })
    expect(Math.sqrt(flat[0])).toBeLessThan(2)
    // The product of two waves has half the height's root mean square; the sky map has followed part of it.
    expect(Math.sqrt(rippled[1] + rippled[2])).toBeGreaterThan(3)
    expect(Math.sqrt(rippled[1] + rippled[2])).toBeLessThan(25)
  })

  test('scatter by the stars that nobody knows, not by those that a survey tells of', () => {
    const error = fluxLimit(sky, 0)
    const draw = random('faint stars')
    const faint = Array.from({ length: 500 }, () => ({
      x: sky.width * draw.uniform(),
      y: sky.height * draw.uniform(),
      flux: 3 * error,
    }))
    const measured = measureFrame(renderFrame(sky, [...stars, ...faint]), stars)
    const expected: ExpectedStars = {
      x: Float64Array.from(faint, star => star.x),
      y: Float64Array.from(faint, star => star.y),
      flux: Float64Array.from(faint, star => star.flux),
      fluxErr: Float64Array.from(faint, star => 0.1 * star.flux),
    }
    const local = new LocalPsf(measured.psf)
    local.moveTo(160, 160)
    const alone = lookAround(measured, local, 160, 160)
    const told = lookAround(measured, local, 160, 160, expected)
    expect(told.places).toBe(alone.places)
    // Campbell's theorem: density times flux squared times the area of the squared profile's square, 2π (fwhm/2.355)² px.
    const area = 2 * Math.PI * (sky.fwhmPx / 2.355) ** 2
    const unknown = Math.sqrt(1 + (500 / (sky.width * sky.height)) * 9 * area)
    expect(Math.abs(alone.ratio / unknown - 1)).toBeLessThan(0.15)
    expect(Math.abs(told.ratio - 1)).toBeLessThan(0.15)
  })
})

describe('a target', () => {
  const field = latticeStars(sky, 40, 3_000, 60_000)

  test('as faint as twice its error keeps what it has, over many draws neither more nor less', () => {
    const error = fluxLimit(sky, 0)
    const faint = field.map(star => ({ x: star.x + 19, y: star.y + 3, flux: 2 * error }))
    const measured = measureFrame(renderFrame({ ...sky, seed: 32 }, [...field, ...faint]), field)
    const fluxes = faint
      .filter(({ x, y }) => x < sky.width - 12 && y < sky.height - 12)
      .map(({ x, y }) => measureTarget(measured, nobody, x, y)!.flux / error)
    expect(fluxes.length).toBeGreaterThan(40)
    expect(Math.abs(median(fluxes) - 2)).toBeLessThan(0.6) // 1.25/√n = 0.19
  })

  test('too faint to be seen keeps in a nebula what the map of the sky has taken', () => {
    const empty = renderFrame(sky, field)
    addRipples(empty, 25, 26)
    const flux = 2 * fluxLimit(sky, 0)
    const places = field.map(({ x, y }) => ({ x: x + 19, y: y + 3 })).filter(({ x, y }) => x < 300 && y < 300)
    const added = { ...empty, pixels: Float32Array.from(empty.pixels) }
    for (const { x, y } of places)
      for (let j = Math.round(y) - 12; j <= Math.round(y) + 12; j++)
        for (let i = Math.round(x) - 12; i <= Math.round(x) + 12; i++)
          added.pixels[j * sky.width + i] += flux * moffatOnPixel(i - x, j - y, sky.fwhmPx, sky.beta)
    const [before, after] = [empty, added].map(frame => {
      const measured = measureFrame(frame, field)
      return places.map(({ x, y }) => measureTarget(measured, nobody, x, y)!.flux)
    })
    const gained = after.map((found, i) => (found - before[i]) / flux)
    expect(Math.abs(median(gained) - 1)).toBeLessThan(0.04)
  })

  test('is parted from a star that only a survey knows', () => {
    const target = { x: 180.3, y: 141.2, flux: 30_000 }
    const hidden = { x: 181.5, y: 141.4, flux: 2_500 }
    const others = field.filter(star => Math.hypot(star.x - target.x, star.y - target.y) > 14)
    const measured = measureFrame(renderFrame(sky, [...others, target, hidden]), [...others, target])
    const expected: ExpectedStars = {
      x: Float64Array.of(hidden.x),
      y: Float64Array.of(hidden.y),
      flux: Float64Array.of(hidden.flux * 1.05),
      fluxErr: Float64Array.of(hidden.flux * 0.1),
    }
    const alone = measureTarget(measured, nobody, target.x, target.y)!
    const parted = measureTarget(measured, nobody, target.x, target.y, { expected })!
    expect(alone.flux - target.flux).toBeGreaterThan(0.7 * hidden.flux)
    expect(Math.abs(parted.flux - target.flux)).toBeLessThan(3 * parted.fluxErr)
    expect(parted.fluxErr).toBeLessThan(2 * alone.fluxErr)
  })

  test('that is itself a star of the survey is not taken from itself', () => {
    const target = { x: 180.3, y: 141.2, flux: 30_000 }
    const others = field.filter(star => Math.hypot(star.x - target.x, star.y - target.y) > 14)
    const measured = measureFrame(renderFrame(sky, [...others, target]), [...others, target])
    const expected: ExpectedStars = {
      x: Float64Array.of(target.x + 0.1),
      y: Float64Array.of(target.y - 0.1),
      flux: Float64Array.of(25_000),
      fluxErr: Float64Array.of(2_500),
    }
    // The coordinates that were given are half a pixel off.
    const forced = measureTarget(measured, nobody, target.x + 0.4, target.y + 0.3, { expected })!
    expect(Math.abs(forced.flux - target.flux)).toBeLessThan(3 * forced.fluxErr)
  })
})
