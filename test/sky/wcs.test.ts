import { expect, test } from 'vitest'
import { Header } from '#shared/fits/header.ts'
import { parseSexagesimalDegrees, parseSexagesimalHours, separationDeg } from '#shared/sky/angles.ts'
import { gnomonic, inverseGnomonic } from '#shared/sky/projection.ts'
import { pixelToSky, skyToPixel, wcsCards, wcsFromCards } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'

const distorted: Wcs = {
  crvalRaDeg: 284.5558,
  crvalDecDeg: -62.588,
  crpixX: 1023.5,
  crpixY: 1023.5,
  cd: [-1.515206e-4, 6.942106e-5, -6.942106e-5, -1.515206e-4],
  sip: {
    order: 3,
    p: [2, 1, 0, 3, 2, 1, 0],
    q: [0, 1, 2, 0, 1, 2, 3],
    a: [1.1e-6, -2.2e-6, 0.7e-6, 3e-10, -1e-10, 2e-10, -4e-10],
    b: [-0.9e-6, 1.6e-6, -1.3e-6, -2e-10, 3e-10, 1e-10, 2.5e-10],
    inverseOrder: 1,
    inverseP: [1, 0],
    inverseQ: [0, 1],
    ap: [0, 0],
    bp: [0, 0],
  },
}
const polar: Wcs = { ...distorted, crvalRaDeg: 0.02, crvalDecDeg: 89.7, sip: undefined }

const places: [string, Wcs, number, number, number, number][] = [
  // astropy.wcs.WCS.all_pix2world(x, y, 0)
  ['with SIP', distorted, 0, 0, 284.7369087245, -62.3615523275],
  ['with SIP', distorted, 1023.5, 1023.5, 284.5558, -62.588],
  ['with SIP', distorted, 2047, 0, 284.0635891455, -62.5027618716],
  ['with SIP', distorted, 300.25, 1900.75, 284.9261628067, -62.6700338116],
  ['with SIP', distorted, 2047, 2047, 284.3719996354, -62.8139615837],
  ['at the pole', polar, 0, 0, 48.7020076257, 89.8881200684],
  ['at the pole', polar, 2047, 0, 313.7031444703, 89.6873034084],
  ['at the pole', polar, 300.25, 1900.75, 24.0316633227, 89.5810321516],
]

test.each(places)('a pixel %s is where astropy.wcs puts it on the sky', (_, wcs, x, y, ra, dec) => {
  const [raDeg, decDeg] = pixelToSky(wcs, x, y)
  expect(separationDeg(raDeg, decDeg, ra, dec) * 3.6e6).toBeLessThan(0.01)
})

test.each(places)('the way back from the sky %s ends on the same pixel', (_, wcs, x, y) => {
  const [backX, backY] = skyToPixel(wcs, ...pixelToSky(wcs, x, y))
  expect(Math.hypot(backX - x, backY - y)).toBeLessThan(1e-6)
})

test('the cards of a solution give the same solution back', () => {
  const cards = wcsCards(distorted, 2048, 2048)
  expect(cards.find(card => card.keyword === 'CTYPE1')?.value).toBe('RA---TAN-SIP')
  expect(cards.find(card => card.keyword === 'CRPIX1')?.value).toBe(1024.5)
  const back = wcsFromCards(new Header(cards))!
  const [ra, dec] = pixelToSky(distorted, 100, 1900)
  const [backRa, backDec] = pixelToSky(back, 100, 1900)
  expect(separationDeg(ra, dec, backRa, backDec) * 3.6e6).toBeLessThan(1e-3)
})

test('the gnomonic projection has the tangent of the distance as radius and refuses the far side', () => {
  const [xi, eta] = gnomonic(10, 30, 10, 0)
  expect(xi).toBeCloseTo(0, 12)
  expect(eta).toBeCloseTo((Math.tan(Math.PI / 6) * 180) / Math.PI, 10)
  expect(gnomonic(200, 0, 10, 0)[0]).toBeNaN()
  const [ra, dec] = inverseGnomonic(...gnomonic(359.9, -20.3, 0.2, -20), 0.2, -20)
  expect(ra).toBeCloseTo(359.9, 10)
  expect(dec).toBeCloseTo(-20.3, 10)
})

test.each([
  ['13 25 55.78', 201.4824166667],
  ['02:05:25', 31.3541666667],
  ['2h5m25.5s', 31.35625],
])('the right ascension %s is read', (text, deg) => expect(parseSexagesimalHours(text)).toBeCloseTo(deg, 8))

test.each([
  ['-00 30 00', -0.5],
  ['+17 54 57.4', 17.9159444444],
  ['46:46.15', Number.NaN],
  ['31.5', Number.NaN],
])('the declination %s is read', (text, deg) => {
  if (Number.isNaN(deg)) expect(parseSexagesimalDegrees(text)).toBeNaN()
  else expect(parseSexagesimalDegrees(text)).toBeCloseTo(deg, 8)
})
