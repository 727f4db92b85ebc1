import { beforeAll, describe, expect, test } from 'vitest'
import { flagNames } from '#shared/flags.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { MAD_TO_SIGMA, median } from '#shared/numeric/robust.ts'
import { measureTarget } from '#shared/photometry/forced.ts'
import { type MeasuredFrame, measureStars } from '#shared/photometry/measure-stars.ts'
import { detectionsNear, fluxLimit, latticeStars, renderFrame, type Sky, type TrueStar } from './rendered-frame.ts'

const sky: Sky = { width: 640, height: 640, fwhmPx: 3.1, beta: 3, skyAdu: 400, gain: 1.6, readNoise: 6, seed: 11 }

/** A close pair in each gap of the lattice of every third row. */
function withPairs(lattice: TrueStar[]): { stars: TrueStar[]; pairs: [TrueStar, TrueStar][] } {
  const pairs: [TrueStar, TrueStar][] = []
  for (const [i, star] of lattice.entries()) {
    if (i % 4 !== 0) continue
    const angle = i
    const one = { x: star.x + 16, y: star.y + 16, flux: 12_000 }
    const other = { x: one.x + 3.7 * Math.cos(angle), y: one.y + 3.7 * Math.sin(angle), flux: 8_000 }
    pairs.push([one, other])
  }
  return { stars: [...lattice, ...pairs.flat()], pairs }
}

function measureFrame(stars: TrueStar[], at: Sky = sky, known = stars): MeasuredFrame {
  const frame = renderFrame(at, stars)
  return measureStars(frame, estimateBackground(frame).level, detectionsNear(at, known))
}

function nearest({ stars }: MeasuredFrame, x: number, y: number): number {
  let best = -1
  let closest = 1.5
  for (const star of stars.byFlux()) {
    const distance = Math.hypot(stars.x[star] - x, stars.y[star] - y)
    if (distance < closest) {
      closest = distance
      best = star
    }
  }
  return best
}

function spreadOf(values: number[]): number {
  const middle = median(values)
  return MAD_TO_SIGMA * median(values.map(value => Math.abs(value - middle)))
}

describe('a frame of isolated stars and close pairs', () => {
  const lattice = latticeStars(sky, 32, 1_500, 150_000)
  const { stars, pairs } = withPairs(lattice)
  let measured: MeasuredFrame
  const isolated: { pull: number; ratio: number; shift: number }[] = []

  beforeAll(() => {
    measured = measureFrame(stars)
    const paired = new Set(pairs.map(([one]) => lattice.find(s => s.x === one.x - 16)))
    for (const star of lattice) {
      if (paired.has(star)) continue
      const found = nearest(measured, star.x, star.y)
      if (found < 0) continue
      const off = measured.stars.flux[found] - star.flux
      isolated.push({
        pull: off / measured.stars.fluxErr[found],
        ratio: off / fluxLimit(sky, star.flux),
        shift: (measured.stars.x[found] - star.x) / measured.stars.xErr[found],
      })
    }
  })

  test('every isolated star is found', () => expect(isolated.length).toBeGreaterThan(250))

  test('fluxes scatter as the photons allow', () => {
    const ratio = spreadOf(isolated.map(star => star.ratio))
    expect(ratio).toBeLessThan(1.12) // Cramér–Rao; 1 ± 0.045 from the number of stars
    expect(ratio).toBeGreaterThan(0.88) // below the bound the trial itself would be wrong
  })

  test('errors of flux and position are true', () => {
    expect(Math.abs(spreadOf(isolated.map(star => star.pull)) - 1)).toBeLessThan(0.12)
    expect(Math.abs(spreadOf(isolated.map(star => star.shift)) - 1)).toBeLessThan(0.12)
  })

  test('fluxes are the total: no bias beyond a half of one error', () => {
    expect(Math.abs(median(isolated.map(star => star.pull)))).toBeLessThan(0.5)
  })

  test('both stars of a pair at 1.2 FWHM are recovered', () => {
    const pulls = pairs.flat().map(star => {
      const found = nearest(measured, star.x, star.y)
      return found < 0 ? Number.NaN : (measured.stars.flux[found] - star.flux) / measured.stars.fluxErr[found]
    })
    expect(pulls.filter(Number.isNaN).length).toBeLessThanOrEqual(pulls.length * 0.03)
    expect(spreadOf(pulls.filter(pull => !Number.isNaN(pull)))).toBeLessThan(1.3)
    expect(Math.abs(median(pulls))).toBeLessThan(0.5)
  })

  test('the PSF is that of the truth', () => {
    expect(measured.psf.fwhmPx).toBeCloseTo(sky.fwhmPx, 1)
    expect(Math.abs(measured.psf.beta - sky.beta)).toBeLessThan(0.3)
    expect(measured.psf.elongation).toBeLessThan(1.03)
  })

  test('the residual is clean: nothing but noise is left where stars were', () => {
    const left: number[] = []
    const { scene } = measured
    for (const star of lattice) {
      for (let j = -2; j <= 2; j++) {
        for (let i = -2; i <= 2; i++) {
          const k = scene.indexAt(star.x + i, star.y + j)
          left.push(scene.residual[k] / Math.sqrt(scene.variance(k)))
        }
      }
    }
    // 3 of 25 degrees of freedom go into each fit
    expect(spreadOf(left)).toBeGreaterThan(0.85)
    expect(spreadOf(left)).toBeLessThan(1.1)
  })

  test('fluxes held at empty places scatter by their errors about zero', () => {
    const pulls: number[] = []
    for (const star of lattice) {
      const place = { x: star.x + 15.5, y: star.y }
      if (stars.some(other => Math.hypot(other.x - place.x, other.y - place.y) < 9)) continue
      const forced = measureTarget(measured, { name: 'empty', raDeg: 0, decDeg: 0 }, place.x, place.y)
      if (forced) pulls.push(forced.flux / forced.fluxErr)
      if (forced) expect(flagNames(forced.flags)).toContain('forcedPosition')
    }
    expect(pulls.length).toBeGreaterThan(100)
    expect(Math.abs(spreadOf(pulls) - 1)).toBeLessThan(0.2)
    expect(Math.abs(median(pulls))).toBeLessThan(0.35)
  })

  test('forced photometry leaves the scene as it was', () => {
    const before = Float32Array.from(measured.scene.residual)
    measureTarget(measured, { name: 'beside a star', raDeg: 0, decDeg: 0 }, lattice[40].x + 4, lattice[40].y)
    let largest = 0
    before.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(value - measured.scene.residual[i]))
    })
    expect(largest).toBeLessThan(0.05) // rounding of 32-bit pixels; the noise of one is 16 ADU
  })

  test('a target on a bright star takes the place of the star', () => {
    const star = lattice.toSorted((a, b) => b.flux - a.flux)[5]
    const forced = measureTarget(measured, { name: 'star', raDeg: 0, decDeg: 0 }, star.x + 0.6, star.y - 0.5)
    expect(Math.hypot((forced?.x ?? 0) - star.x, (forced?.y ?? 0) - star.y)).toBeLessThan(0.05)
    expect(flagNames(forced?.flags ?? 0)).not.toContain('forcedPosition')
    expect(Math.abs((forced?.flux ?? 0) / star.flux - 1)).toBeLessThan(0.02)
  })
})

test('an undersampled PSF (FWHM 1.6 pixel) reaches the photon limit too', () => {
  const coarse: Sky = { ...sky, width: 512, height: 512, fwhmPx: 1.6, beta: 3.5, seed: 5 }
  const stars = latticeStars(coarse, 20, 1_500, 60_000)
  const measured = measureFrame(stars, coarse)
  const ratios = stars.map(star => {
    const found = nearest(measured, star.x, star.y)
    return (measured.stars.flux[found] - star.flux) / fluxLimit(coarse, star.flux)
  })
  expect(spreadOf(ratios.filter(Number.isFinite))).toBeLessThan(1.12)
})

test('a star hidden in the wing of another is found on the residual', () => {
  const lattice = latticeStars(sky, 60, 15_000, 50_000)
  const hidden = lattice.map((star, i) => ({
    x: star.x + 5.6 * Math.cos(i),
    y: star.y + 5.6 * Math.sin(i),
    flux: 8_000,
  }))
  const measured = measureFrame([...lattice, ...hidden], { ...sky, seed: 3 }, lattice)
  const found = hidden.filter(star => nearest(measured, star.x, star.y) >= 0)
  expect(found.length / hidden.length).toBeGreaterThan(0.95)
})

test('four stars are enough, two are refused with a reason', () => {
  const few: TrueStar[] = [
    { x: 60, y: 70, flux: 60_000 },
    { x: 150, y: 80, flux: 50_000 },
    { x: 90, y: 160, flux: 70_000 },
    { x: 170, y: 170, flux: 40_000 },
  ]
  const small: Sky = { ...sky, width: 220, height: 220 }
  const measured = measureFrame(few, small)
  expect(measured.psf.order).toBe(0)
  for (const star of few) {
    const found = nearest(measured, star.x, star.y)
    expect(Math.abs(measured.stars.flux[found] / star.flux - 1)).toBeLessThan(0.03)
  }
  expect(() => measureFrame(few.slice(0, 2), small)).toThrow(/usable stars/)
})
