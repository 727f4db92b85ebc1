import { expect, test } from 'vitest'
import { normalCdf } from '#shared/numeric/normal.ts'
import { random } from '#shared/numeric/random.ts'
import { countStars, wideningTable } from '#shared/photometry/hidden-companions.ts'

const fwhmPx = 3.2
const widths = 15
const plain = 8 // column of stars as wide as others
/** Rows of significance 4 · 250^(row / 8). */
const at = (table: Float64Array, row: number, column: number) => table[row * widths + column]

test('the normal distribution is that of the tables', () => {
  // Abramowitz & Stegun, table 26.1.
  expect(normalCdf(0)).toBeCloseTo(0.5, 6)
  expect(normalCdf(1)).toBeCloseTo(0.841344746, 6)
  expect(normalCdf(-2.5)).toBeCloseTo(0.006209665, 6)
})

test('counts of stars give back the law they were drawn from', () => {
  const draw = random('counts')
  const flux = Float64Array.from({ length: 4_000 }, () => 60 * draw.uniform() ** (-1 / 0.9))
  const counts = countStars(flux, new Float64Array(4_000).fill(10), 1e6)!
  expect(Math.abs(counts.slope - 0.9)).toBeLessThan(0.06) // 0.9/√n of the two thousand above 120
  expect(Math.abs(counts.density / (4e-3 * 2 ** -0.9) - 1)).toBeLessThan(0.08)
})

test('errors grow with the stars there are, and not where these are few', () => {
  expect(wideningTable(1e-5, 0.9, fwhmPx)).toBeUndefined()
  const [few, many] = [0.003, 0.012].map(perPx => wideningTable(perPx, 0.9, fwhmPx)!)
  expect(at(few, 3, plain)).toBeGreaterThan(1)
  expect(at(many, 3, plain) - 1).toBeGreaterThan(2 * (at(few, 3, plain) - 1))
})

test('a star that is wider than others has a companion more likely, one that is narrower less', () => {
  const table = wideningTable(0.012, 0.9, fwhmPx)!
  for (const row of [2, 4, 6]) {
    expect(at(table, row, plain - 4)).toBeLessThan(at(table, row, plain))
    expect(at(table, row, plain + 4)).toBeGreaterThan(1.1 * at(table, row, plain))
  }
})

test('one σ holds 68 % of the errors of stars with companions at random places', () => {
  // Stars of 30 errors; companions by the same law, kept where nobody would part them: nearer than 0.4 FWHM.
  const [perPx, slope, s] = [0.02, 0.9, fwhmPx / 2.355]
  const table = wideningTable(perPx, slope, fwhmPx)!
  const draw = random('companions')
  const merged = Math.PI * (0.4 * fwhmPx) ** 2
  const chance = perPx * (4.3 ** -slope - 15 ** -slope) * merged
  const errors = Array.from({ length: 40_000 }, () => {
    if (draw.uniform() > chance) return draw.normal()
    const f = (4.3 ** -slope - draw.uniform() * (4.3 ** -slope - 15 ** -slope)) ** (-1 / slope)
    const d = 0.4 * fwhmPx * Math.sqrt(draw.uniform())
    return draw.normal() + f * Math.exp(-(d * d) / (4 * s * s))
  })
  const sizes = errors.map(Math.abs).sort((a, b) => a - b)
  const seen = sizes[Math.floor(0.6827 * sizes.length)]
  // Those farther out add to it, as do the few below 4.3 errors: the table is above this, by less than as much again.
  const told = at(table, 3, plain) // 4 · 250^(3/8) = 31.7
  expect(told).toBeGreaterThan(seen - 0.01)
  expect(told - 1).toBeLessThan(2.5 * (seen - 1))
})
