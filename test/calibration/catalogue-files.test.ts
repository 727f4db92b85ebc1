import { expect, test } from 'vitest'
import { catalogueEcsv, catalogueFits } from '#shared/calibration/catalogue-files.ts'
import { decodeEcsv } from '#shared/catalogue/ecsv.ts'
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

test.each([
  ['electron', 'electron'],
  ['10**3 MJy/sr', '10**3 MJy/sr'],
  [undefined, 'adu'], // a frame of the time before units were read
  [null, ''],
])('of a frame whose pixels are in %s fluxes and sky are in %s, in both files', (pixelUnit, unit) => {
  const { header } = openFits(catalogueFits(catalogue, {}, pixelUnit)).hdus[1]
  const { units } = decodeEcsv(catalogueEcsv(catalogue, {}, pixelUnit))
  const columns = Array.from({ length: header.number('TFIELDS') ?? 0 }, (_, i) => i + 1)
  const inFits = new Map(columns.map(i => [header.string(`TTYPE${i}`), header.string(`TUNIT${i}`)]))
  for (const name of ['flux', 'flux_err', 'sky'])
    expect([inFits.get(name) ?? '', units.get(name) ?? '']).toEqual([unit, unit])
  expect([inFits.get('mag'), units.get('x')]).toEqual(['mag', 'pix'])
})
