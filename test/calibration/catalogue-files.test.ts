import { expect, test } from 'vitest'
import { catalogueEcsv, catalogueFits } from '#shared/calibration/catalogue-files.ts'
import { openFits } from '#shared/fits/file.ts'
import { simulateField } from './field.ts'

const { catalogue } = simulateField({ stars: 20, seed: 'headers of the catalogue', cameraTerm: 0 })

test('the headers of the catalogue say what every bit of its flags means', () => {
  expect(catalogueEcsv(catalogue, { band: 'r' })).toContain(
    '#   "flagBit1": "saturated: At least one pixel in the core is saturated; the flux rests on the wings."',
  )
  const { header } = openFits(catalogueFits(catalogue, { band: 'r' })).hdus[1]
  expect(header.string('FLAG1')).toBe('saturated')
  expect(header.comment('FLAG1')).toBe('bit of value 2 in flags')
  expect(header.string('FLAG19')).toBe('fitNotConverged')
})
