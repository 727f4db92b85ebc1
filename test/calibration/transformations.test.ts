import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Transformation, transformations } from '#shared/calibration/transformations.ts'
import { decodeSeparatedValues } from '#shared/catalogue/separated-values.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'

const find = (survey: string, band: string): Transformation =>
  transformations.find(each => each.survey === survey && each.band === band)!
/** Magnitude from that of the base and the colour. */
const apply = ({ coefficients }: Transformation, base: number, colour: number) =>
  coefficients.reduce((sum, c, k) => sum + c * colour ** k, base)

describe('transformations of independent authors agree within their scatter', () => {
  test.each(['V', 'R', 'I'])('Gaia DR2 (Evans 2018) and DR3 (Riello 2021) in %s', band => {
    for (const colour of [0.5, 0.8, 1.2, 1.6, 2]) {
      const [two, three] = ['gaia_dr2', 'gaia_dr3'].map(survey => apply(find(survey, band), 15, colour))
      expect(Math.abs(two - three)).toBeLessThan(find('gaia_dr2', band).sigma)
    }
  })

  // Sloan from Pan-STARRS by Tonry et al. 2012, which holds to 0.01
  test.each([
    ['B', 0.06],
    ['V', 0.02],
  ])('%s from Pan-STARRS (Tonry 2012) and from Sloan (Chonis & Gaskell 2008)', (band, within) => {
    for (const x of [0.3, 0.5, 0.7, 0.9]) {
      const [gPs1, rPs1] = [15 + x, 15]
      const g = gPs1 + 0.013 + 0.145 * x + 0.019 * x * x
      const r = rPs1 - 0.001 + 0.004 * x + 0.007 * x * x
      const fromSloan = apply(find('sdss', band as string), g, g - r)
      expect(Math.abs(fromSloan - apply(find('ps1', band as string), gPs1, x))).toBeLessThan(within as number)
    }
  })

  test.each(['R', 'I'])('%s from Pan-STARRS and from APASS', band => {
    for (const x of [0.3, 0.5, 0.7]) {
      const [r, i] = [15, 15 - 0.4 * x] // in the Sloan bands of APASS; Pan-STARRS is within 0.01 of them here
      const [base, ps1Base] = band === 'R' ? [r, r] : [i, i]
      const difference = apply(find('apass', band), base, 1.13 * x) - apply(find('ps1', band), ps1Base, x)
      expect(Math.abs(difference)).toBeLessThan(0.03)
    }
  })
})

const table = join(
  import.meta.dirname,
  '..',
  '..',
  '..',
  'shared',
  'data',
  'neoexchange',
  'test_catalog_subs_UCAC4.dat',
)
test.skipIf(!existsSync(table))(
  'real stars of UCAC4 with B, V, g, r of APASS follow Chonis & Gaskell (skipped where the data are absent)',
  () => {
    const { columns } = decodeSeparatedValues(readFileSync(table, 'utf8'))
    const of = (name: string) =>
      Array.from(columns.get(name) as string[], value => (value === '' ? Number.NaN : Number(value)))
    const [b, v, g, r] = ['Bmag', 'Vmag', 'gmag', 'rmag'].map(of)
    for (const [band, observed, scatter] of [
      ['V', v, 0.06],
      ['B', b, 0.09],
    ] as const) {
      const relation = find('sdss', band)
      const [low, high] = relation.range
      const residuals = observed
        .map(
          (mag, k) =>
            mag - (g[k] - r[k] >= low && g[k] - r[k] <= high ? apply(relation, g[k], g[k] - r[k]) : Number.NaN),
        )
        .filter(Number.isFinite)
      expect(residuals.length).toBeGreaterThan(300)
      // The constants are published with errors of 0.011 (V) and 0.027 (B); APASS itself is good to some 0.02.
      expect(Math.abs(median(residuals))).toBeLessThan(0.02)
      expect(madSigma(residuals)).toBeLessThan(scatter)
    }
  },
)
