import { describe, expect, test } from 'vitest'
import { calibrateFrame } from '#shared/calibration/calibrate-frame.ts'
import { residuals, zeroPointAt } from '#shared/calibration/calibration-fit.ts'
import { madSigma } from '#shared/numeric/robust.ts'
import { type FieldOptions, simulateField } from './field.ts'

function fitOf(options: FieldOptions) {
  const field = simulateField(options)
  const scale = { fwhmArcsec: 2, residualArcsec: 0.05, epochYear: field.epochYear, widthPx: 1000, heightPx: 1000 }
  const { choice } = calibrateFrame(field.catalogue, [field.gaia, field.ps1], scale, 'r', { survey: 'ps1', band: 'r' })
  return { field, fit: choice.chosen! }
}

describe('a zero point that varies over the frame', () => {
  test('as a plane is found with true errors, and taken out of the stars', () => {
    const pulls: number[] = []
    for (let seed = 0; seed < 25; seed++) {
      const { fit } = fitOf({ stars: 300, seed: `plane ${seed}`, gradient: 0.05, noiseAdu: 20 })
      expect(fit.position?.order).toBe(1)
      const [left, right] = [0, 999].map(x => zeroPointAt(fit, 0.6, x, 499.5))
      // the difference of two places rests on the slope alone: twice the error of one of them about the middle
      const middle = zeroPointAt(fit, 0.6, 499.5, 499.5)
      const error = 2 * Math.sqrt(right.error ** 2 - middle.error ** 2)
      pulls.push((left.value - right.value - 0.05) / error)
    }
    expect(madSigma(pulls, 0)).toBeGreaterThan(0.6)
    expect(madSigma(pulls, 0)).toBeLessThan(1.5)
    expect(Math.max(...pulls.map(Math.abs))).toBeLessThan(3.5)
  })

  test('as vignetting asks for curvature', () => {
    const { fit, field } = fitOf({ stars: 600, seed: 'bowl', vignetting: 0.08, noiseAdu: 20 })
    expect(fit.position?.order).toBe(2)
    const corner = zeroPointAt(fit, 0.6, 0, 0)
    const middle = zeroPointAt(fit, 0.6, 499.5, 499.5)
    expect(Math.abs(middle.value - corner.value - 0.08)).toBeLessThan(3.5 * corner.error)
    const pulls = residuals(fit, field.catalogue).map((residual, k) => residual / Math.sqrt(fit.variance[k]))
    expect(madSigma(pulls, 0)).toBeLessThan(1.15)
    expect(fit.line.intrinsic).toBeLessThan(0.005)
  })

  test('is not seen where there is none, and not asked of few stars', () => {
    const orders = Array.from({ length: 30 }, (_, seed) => {
      return fitOf({ stars: 200, seed: `flat ${seed}`, noiseAdu: 20 }).fit.position?.order ?? 0
    })
    expect(orders.filter(order => order > 0).length).toBeLessThanOrEqual(1)
    expect(fitOf({ stars: 30, seed: 'few', gradient: 0.2 }).fit.position).toBeUndefined()
  })
})
