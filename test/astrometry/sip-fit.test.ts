import { expect, test } from 'vitest'
import {
  fitBestOrder,
  fitPlane,
  type Pairs,
  solutionErrorMas,
  toPlane,
  wcsFromFit,
} from '#shared/astrometry/sip-fit.ts'
import { random } from '#shared/numeric/random.ts'
import { pixelToPlane, planeToPixel } from '#shared/sky/wcs.ts'

const WIDTH = 2000
const HEIGHT = 1500
const SCALE = 0.6 / 3600

/** Pairs of a known plane: scale, turn, a cubic bend of so many pixels at the corner, and noise. */
function pairs(count: number, bendPx: number, noisePx: number, seed: number): Pairs {
  const draw = random(seed)
  const corner = Math.hypot(WIDTH, HEIGHT) / 2
  const column = () => new Float64Array(count)
  const list: Pairs = {
    x: column(),
    y: column(),
    xi: column(),
    eta: column(),
    errorDeg: column().fill(noisePx * SCALE),
  }
  for (let k = 0; k < count; k++) {
    list.x[k] = draw.uniform() * (WIDTH - 1)
    list.y[k] = draw.uniform() * (HEIGHT - 1)
    const u = list.x[k] - (WIDTH - 1) / 2
    const v = list.y[k] - (HEIGHT - 1) / 2
    const stretch = 1 + (bendPx * (u * u + v * v)) / corner ** 3
    list.xi[k] = SCALE * (-0.8 * u * stretch + 0.6 * v * stretch + noisePx * draw.normal())
    list.eta[k] = SCALE * (0.6 * u * stretch + 0.8 * v * stretch + noisePx * draw.normal())
  }
  return list
}

test('the order is as high as the optics bend and no higher', () => {
  const straight = Array.from({ length: 20 }, (_, seed) => fitBestOrder(pairs(200, 0, 0.1, seed), WIDTH, HEIGHT)!.order)
  expect(straight.filter(order => order === 1).length).toBeGreaterThan(12)
  for (let seed = 0; seed < 10; seed++) {
    expect(fitBestOrder(pairs(200, 3, 0.1, seed), WIDTH, HEIGHT)!.order).toBeGreaterThanOrEqual(3)
  }
})

test('an order is not carried over a part of the frame without stars', () => {
  const all = pairs(300, 3, 0.1, 4)
  for (let k = 0; k < 300; k++) if (all.x[k] > WIDTH / 2) all.errorDeg[k] = Number.POSITIVE_INFINITY
  expect(fitBestOrder(all, WIDTH, HEIGHT)!.order).toBe(1)
})

test('one star in five may be wrong by any amount', () => {
  const some = pairs(200, 0, 0.1, 6)
  for (let k = 0; k < 200; k += 5) some.xi[k] += 0.01
  const fit = fitPlane(some, 1, WIDTH, HEIGHT)!
  const [xi, eta] = toPlane(fit, (WIDTH - 1) / 2, (HEIGHT - 1) / 2)
  expect(Math.hypot(xi, eta) / SCALE).toBeLessThan(0.05)
})

test('the error that a solution states is the scatter of many solutions', () => {
  const at: number[] = []
  let stated = 0
  for (let seed = 0; seed < 200; seed++) {
    const fit = fitPlane(pairs(60, 0, 0.2, 1000 + seed), 2, WIDTH, HEIGHT)!
    at.push(toPlane(fit, 100, 100)[0] * 3.6e6)
    stated += solutionErrorMas(fit, 100, 100) / 200
  }
  const mean = at.reduce((sum, value) => sum + value, 0) / at.length
  const scatter = Math.sqrt(at.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (at.length - 1))
  expect(stated / scatter).toBeGreaterThan(0.85)
  expect(stated / scatter).toBeLessThan(1.2)
})

test.each([4, 25])('the SIP of a fit says the same as the fit, and its inverse leads back (bend of %d px)', bendPx => {
  const fit = fitPlane(pairs(300, bendPx, 0.01, 9), 3, WIDTH, HEIGHT)!
  fit.xi[0] = fit.eta[0] = 0
  const wcs = wcsFromFit(fit, 10, 20, WIDTH, HEIGHT)
  for (const [x, y] of [
    [0, 0],
    [1999, 0],
    [333, 1444],
  ]) {
    const [xi, eta] = pixelToPlane(wcs, x, y)
    const [fitXi, fitEta] = toPlane(fit, x, y)
    expect(Math.hypot(xi - fitXi, eta - fitEta) / SCALE).toBeLessThan(1e-9)
    const sip = wcs.sip!
    const [c11, c12, c21, c22] = wcs.cd
    const det = c11 * c22 - c12 * c21
    const bigU = (c22 * xi - c12 * eta) / det
    const bigV = (c11 * eta - c21 * xi) / det
    let u = bigU
    let v = bigV
    sip.inverseP.forEach((p, t) => {
      u += sip.ap[t] * bigU ** p * bigV ** sip.inverseQ[t]
      v += sip.bp[t] * bigU ** p * bigV ** sip.inverseQ[t]
    })
    const offMas = Math.hypot(u + wcs.crpixX - x, v + wcs.crpixY - y) * SCALE * 3.6e6
    expect(offMas).toBeLessThan(0.25)
    const [backX, backY] = planeToPixel(wcs, xi, eta)
    expect(Math.hypot(backX - x, backY - y)).toBeLessThan(1e-7)
  }
})
