import { describe, expect, test } from 'vitest'
import { type Line, robustLine } from '#shared/calibration/robust-line.ts'
import { random } from '#shared/numeric/random.ts'

const TRIALS = 400
const [SLOPE, VALUE] = [0.1, 25]

/** Lines through stars of S/N 10 to 100, some of which vary by 0.35 mag and some bear another star's magnitudes. */
function lines(stars: number, part: { variable: number; mismatched: number }): { found: Line[]; ideal: number } {
  const draw = random(`outliers ${stars} ${part.variable}`)
  const zeros = new Float64Array(stars)
  let ideal = 0
  const found = Array.from({ length: TRIALS }, () => {
    const x = zeros.map(() => 0.6 + 0.3 * draw.normal())
    const varY = zeros.map(() => (0.1 * 10 ** -draw.uniform()) ** 2)
    let weight = 0
    const y = x.map((colour, i) => {
      const kind = draw.uniform()
      const variable = kind < part.variable
      const mismatched = !variable && kind < part.variable + part.mismatched
      if (!variable && !mismatched) weight += 1 / varY[i]
      const off = variable ? 0.35 * draw.normal() : mismatched ? 2 * draw.normal() : 0
      return VALUE + SLOPE * (colour - 0.6) + Math.sqrt(varY[i]) * draw.normal() + off
    })
    ideal += 1 / Math.sqrt(weight) / TRIALS
    return robustLine({ x, y, varX: zeros, varY, covXY: zeros }, true)!
  })
  return { found, ideal }
}

const pulls = {
  value: ({ atPivot, pivot, atPivotError }: Line) => (atPivot - VALUE - SLOPE * (pivot - 0.6)) / atPivotError,
  slope: ({ slope, slopeError }: Line) => (slope - SLOPE) / slopeError,
}
const rms = (list: number[]) => Math.sqrt(list.reduce((sum, value) => sum + value * value, 0) / list.length)

describe.each([
  ['no outliers', 40, { variable: 0, mismatched: 0 }, 1.08],
  ['a fifth of outliers', 40, { variable: 0.1, mismatched: 0.1 }, 1.35],
  ['a fifth of outliers among many stars', 300, { variable: 0.1, mismatched: 0.1 }, 1.35],
])('a line through stars with %s', (_, stars, part, cost) => {
  const { found, ideal } = lines(stars, part)

  test.each(Object.entries(pulls))('has true errors of its %s', (_, pull) => {
    const list = found.map(pull)
    // of 400 trials: 1 ± 0.035 and 95.4 ± 1 %, mean 0 ± 0.05
    expect(rms(list)).toBeGreaterThan(0.85)
    expect(rms(list)).toBeLessThan(1.15)
    expect(list.filter(value => Math.abs(value) < 2).length / TRIALS).toBeGreaterThan(0.92)
    expect(Math.abs(list.reduce((a, b) => a + b, 0) / TRIALS)).toBeLessThan(0.17)
  })

  test('loses little to what the good stars alone would give', () => {
    // inverse variance of the good stars: not to be reached by who does not know which they are
    const mean = found.reduce((sum, { atPivotError }) => sum + atPivotError, 0) / TRIALS
    expect(mean / ideal).toBeLessThan(cost)
    expect(mean / ideal).toBeGreaterThan(0.97)
  })
})

test('the scatter beyond the errors is found without what outliers add to it', () => {
  const draw = random('scatter')
  const n = 500
  const zeros = new Float64Array(n)
  const varY = zeros.map(() => 0.01 ** 2)
  const y = zeros.map((_, i) => VALUE + Math.hypot(0.01, 0.02) * draw.normal() + (i % 10 === 0 ? 0.5 : 0))
  const { intrinsic, count } = robustLine({ x: zeros, y, varX: zeros, varY, covXY: zeros }, false)!
  // 450 residuals of 0.0224 tell it to 4.2 %
  expect(intrinsic).toBeGreaterThan(0.02 * 0.87)
  expect(intrinsic).toBeLessThan(0.02 * 1.13)
  // of 450 ordinary ones one in a few thousand lies beyond 3.5 σ
  expect(count).toBeGreaterThan(446)
  expect(count).toBeLessThan(453)
})
