import { expect, test } from 'vitest'
import { earthBarycentricAu } from '#shared/sky/earth.ts'
import { propagate } from '#shared/sky/epoch.ts'

test.each([
  // astropy.coordinates.get_body_barycentric('earth', ephemeris='builtin') (ERFA epv00), Julian year TDB, AU
  [1990.0, -0.17896015, 0.88744668, 0.38474866],
  [2000.0, -0.18427153, 0.88478151, 0.38381993],
  [2009.25, -0.97912246, -0.19185101, -0.08319252],
  [2016.5, 0.18798694, -0.91487589, -0.3967821],
  [2022.4121844725582, -0.35947216, -0.87110332, -0.37740704],
  [2030.75, 0.9899174, 0.13460766, 0.05840381],
  [2035.35, -0.68154381, -0.69169124, -0.29967975],
])('the Earth of %f is where ERFA puts it, to 1e-4 AU', (year, x, y, z) => {
  const earth = earthBarycentricAu(year)
  expect(Math.hypot(earth[0] - x, earth[1] - y, earth[2] - z)).toBeLessThan(1e-4)
})

const NEAR = 2022.4121844725582

test.each([
  // astropy SkyCoord.apply_space_motion from 2016.0 to the year (TDB), minus the Earth's barycentric position
  ["Barnard's star", 269.448503, 4.73942, -801.551, 10362.394, 546.976, NEAR, 269.4471238932, 4.7579452685],
  ['a fast star near the pole', 10, -88.5, 2000, -500, 100, NEAR, 10.1370102021, -88.500871992],
  ['HAT-P-32', 31.0427, 46.6879, -10.2, 3.1, 3.4, NEAR, 31.0426742875, 46.6879052458],
  ["Barnard's star", 269.448503, 4.73942, -801.551, 10362.394, 546.976, 2035.35, 269.4442824222, 4.795172068],
  ["Barnard's star", 269.448503, 4.73942, -801.551, 10362.394, 546.976, 2035.85, 269.4439616262, 4.7965073972],
  ['a star beside the pole', 40, 89.9, 300, -900, 20, 2035.35, 40.8814277821, 89.8951447251],
  ['a star that crosses zero', 359.99999, -30, 4000, -700, 250, 2035.35, 0.0248724426, -30.0037184703],
])(
  '%s is where astropy sees it from the Earth years later (%#)',
  (_, ra, dec, pmRa, pmDec, parallax, year, toRa, toDec) => {
    const one = (value: number) => Float64Array.of(value)
    const places = propagate(
      {
        raDeg: one(ra),
        decDeg: one(dec),
        raErrMas: one(0.3),
        decErrMas: one(0.4),
        pmRaMasPerYear: one(pmRa),
        pmDecMasPerYear: one(pmDec),
        pmErrMasPerYear: one(0.1),
        parallaxMas: one(parallax),
        epochYear: one(2016),
      },
      year,
    )
    expect(Math.abs(places.raDeg[0] - toRa) * Math.cos((dec * Math.PI) / 180) * 3.6e6).toBeLessThan(0.2)
    expect(Math.abs(places.decDeg[0] - toDec) * 3.6e6).toBeLessThan(0.2)
    expect(places.raErrMas[0]).toBeCloseTo(Math.hypot(0.3, 0.1 * (year - 2016)), 6)
  },
)
