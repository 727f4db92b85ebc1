import { describe, expect, test } from 'vitest'
import { splineCoefficients, splineSlopes, splineWeights } from '#shared/numeric/bspline.ts'
import { levenbergMarquardt } from '#shared/numeric/levenberg-marquardt.ts'
import { circleOverlap } from '#shared/photometry/aperture.ts'
import { type Moffat, moffatElongation, moffatFwhm, moffatPixel } from '#shared/photometry/moffat.ts'
import { LocalPsf } from '#shared/photometry/psf.ts'
import { analyticPsf } from '#shared/photometry/psf-build.ts'
import { centreTables } from '#shared/photometry/psf-finish.ts'

/** Fraction of a Moffat's flux beyond an ellipse whose semi-axes have the geometric mean `radiusPx`: the integral in closed form. */
function moffatBeyond({ a, b, c, beta }: Moffat, radiusPx: number): number {
  return (1 + radiusPx * radiusPx * Math.sqrt(a * b - c * c)) ** (1 - beta)
}

describe('the overlap of a circle and a pixel', () => {
  test('over all pixels it is the area of the circle', () => {
    for (const r of [0.3, 1, 2.7, 8.25]) {
      let area = 0
      for (let y = -10; y <= 10; y++) {
        for (let x = -10; x <= 10; x++) area += circleOverlap(x - 0.8, y - 0.2, x + 0.2, y + 0.8, r)
      }
      expect(area).toBeCloseTo(Math.PI * r * r, 10)
    }
  })

  test('a quadrant, a half and a cap have their closed forms', () => {
    expect(circleOverlap(0, 0, 5, 5, 2)).toBeCloseTo(Math.PI, 12)
    expect(circleOverlap(-5, 0, 5, 5, 2)).toBeCloseTo(2 * Math.PI, 12)
    // segment beyond a chord at distance d: r² acos(d/r) − d √(r² − d²)
    expect(circleOverlap(1, -5, 5, 5, 2)).toBeCloseTo(4 * Math.acos(0.5) - Math.sqrt(3), 12)
  })

  test('pixels inside count whole, pixels outside not at all', () => {
    expect(circleOverlap(0.5, 0.5, 1.5, 1.5, 3)).toBeCloseTo(1, 14)
    expect(circleOverlap(3.1, 0, 4.1, 1, 3)).toBeCloseTo(0, 14)
  })

  test('under a Gaussian the shares add up to the closed growth curve', () => {
    const sigma = 2
    for (const r of [2, 4, 6]) {
      let sum = 0
      for (let y = -12; y <= 12; y += 0.1) {
        for (let x = -12; x <= 12; x += 0.1) {
          const share = circleOverlap(x - 0.05, y - 0.05, x + 0.05, y + 0.05, r)
          sum += (share * Math.exp(-(x * x + y * y) / (2 * sigma * sigma))) / (2 * Math.PI * sigma * sigma)
        }
      }
      expect(sum).toBeCloseTo(1 - Math.exp(-(r * r) / (2 * sigma * sigma)), 3)
    }
  })
})

describe('a Moffat profile', () => {
  const round: Moffat = { a: 0.25, b: 0.25, c: 0, beta: 2.5 }

  test('has the width that solves I = ½', () => {
    const half = moffatFwhm(round) / 2
    expect((1 + 0.25 * half * half) ** -2.5).toBeCloseTo(0.5, 12)
    expect(moffatElongation({ a: 0.25, b: 0.0625, c: 0, beta: 3 })).toBeCloseTo(2, 12)
  })

  test('pixels and the part beyond them add up to one', () => {
    let inside = 0
    for (let y = -40; y <= 40; y++) {
      for (let x = -40; x <= 40; x++) if (Math.hypot(x, y) <= 30) inside += moffatPixel(round, x - 0.3, y + 0.2, 2.6)
    }
    expect(inside + moffatBeyond(round, 30)).toBeCloseTo(1, 3)
  })
})

describe('cubic B-splines', () => {
  test('go through their samples, with the slope of what they follow', () => {
    const n = 40
    const of = (x: number, y: number) => Math.sin(x / 3) * Math.cos(y / 4)
    const table = Float64Array.from({ length: n * n }, (_, k) => of(k % n, Math.floor(k / n)))
    splineCoefficients(table, n, n)
    const [wx, wy, sx] = [new Float64Array(4), new Float64Array(4), new Float64Array(4)]
    for (const [x, y] of [
      [12, 17],
      [14.3, 20.8],
      [21.77, 9.5],
    ]) {
      splineWeights(x % 1, wx)
      splineWeights(y % 1, wy)
      splineSlopes(x % 1, sx)
      let value = 0
      let slope = 0
      for (let b = 0; b < 4; b++) {
        for (let a = 0; a < 4; a++) {
          const c = table[(Math.floor(y) - 1 + b) * n + Math.floor(x) - 1 + a]
          value += wx[a] * wy[b] * c
          slope += sx[a] * wy[b] * c
        }
      }
      expect(value).toBeCloseTo(of(x, y), 3)
      expect(slope).toBeCloseTo((Math.cos(x / 3) * Math.cos(y / 4)) / 3, 2)
    }
  })
})

test('Levenberg-Marquardt finds the valley of Rosenbrock from the usual start', () => {
  const fit = levenbergMarquardt(
    ([x, y], normal, gradient) => {
      const residuals = [-10 * (y - x * x), -(1 - x)]
      const slopes = [-20 * x, -1]
      normal.set([slopes[0] ** 2 + slopes[1] ** 2, 0, 10 * slopes[0], 100])
      gradient.set([slopes[0] * residuals[0] + slopes[1] * residuals[1], 10 * residuals[0]])
      return residuals[0] ** 2 + residuals[1] ** 2
    },
    Float64Array.of(-1.2, 1),
    { iterations: 200, tolerance: 1e-14 },
  )
  expect(fit?.parameters[0]).toBeCloseTo(1, 5)
  expect(fit?.parameters[1]).toBeCloseTo(1, 5)
})

describe('the table of a PSF', () => {
  const frame = { width: 200, height: 100 }
  const shape = {
    tableOrder: 0,
    widthErr: 0,
    beta: 3,
    moments: [Float64Array.of(7), Float64Array.of(5), Float64Array.of(1)] as [Float64Array, Float64Array, Float64Array],
    kept: [],
  }

  test('gives the profile it was made of between its nodes, and its derivatives', () => {
    const psf = analyticPsf(frame, shape)
    const moffat = psf.wings[0]
    const local = new LocalPsf(psf)
    local.moveTo(100, 50)
    const [value, slopeX, slopeY] = [new Float64Array(49), new Float64Array(49), new Float64Array(49)]
    local.gradients(100.37, 49.81, 97, 47, 7, 7, value, slopeX, slopeY)
    const exact = (x: number, y: number, i: number) =>
      moffatPixel(moffat, 97 + (i % 7) - x, 47 + Math.floor(i / 7) - y, psf.fwhmPx)
    const peak = exact(100, 50, 24)
    for (let i = 0; i < 49; i++) {
      expect(Math.abs(value[i] - exact(100.37, 49.81, i)) / peak).toBeLessThan(1e-3)
      const byX = (exact(100.38, 49.81, i) - exact(100.36, 49.81, i)) / 0.02
      const byY = (exact(100.37, 49.82, i) - exact(100.37, 49.8, i)) / 0.02
      expect(Math.abs(slopeX[i] - byX) / peak).toBeLessThan(4e-3)
      expect(Math.abs(slopeY[i] - byY) / peak).toBeLessThan(4e-3)
    }
  })

  test('centring leaves a symmetric profile where it is', () => {
    const psf = analyticPsf(frame, shape)
    const before = Float32Array.from(psf.tables)
    centreTables(psf)
    const worst = before.reduce((most, value, i) => Math.max(most, Math.abs(value - psf.tables[i])), 0)
    expect(worst / before.reduce((most, value) => Math.max(most, value), 0)).toBeLessThan(1e-4)
  })
})
