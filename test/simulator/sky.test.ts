import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { field, planCampaign, transient } from '#local/sky/campaign.ts'
import { fitsFile } from '#local/sky/fits-writer.ts'
import { type Aim, altitudeDeg, deproject, julianYear, parallaxFactors, project, toPixel } from '#local/sky/geometry.ts'
import { observe } from '#local/sky/observe.ts'
import { type Exposure, expectedElectrons, render } from '#local/sky/render.ts'
import { makeStarField } from '#local/sky/star-field.ts'
import { gaiaTable, ps1Table } from '#local/sky/survey-tables.ts'
import { telescopes } from '#local/sky/telescopes.ts'
import { transientMag } from '#local/sky/transient.ts'

const RAD = Math.PI / 180

describe('the chip', () => {
  test('a star brings all its electrons, with its middle where it was put and its width as asked', () => {
    for (const [x, y, fwhmPx] of [
      [100, 90, 3],
      [100.37, 90.81, 2.2],
      [99.5, 90.5, 4.5],
    ]) {
      const map = expectedElectrons({ ...dark(), x: [x], y: [y], electrons: [1e6], psf: round(fwhmPx) })
      const { sum, meanX, meanY } = moments(map, 200, x, y, 30)
      // Outside a circle of radius R a Moffat of exponent 3 has (1 + R²/α²)^−2 of its light; the box holds more than the circle.
      const alpha = fwhmPx / (2 * Math.sqrt(2 ** (1 / 3) - 1))
      const outside = (1 + (30 / alpha) ** 2) ** -2
      expect(sum / 1e6).toBeGreaterThan(1 - 1.1 * outside - 1.5e-4)
      expect(sum / 1e6).toBeLessThan(1 + 1e-5)
      expect(meanX - x).toBeCloseTo(0, 2)
      expect(meanY - y).toBeCloseTo(0, 2)
    }
  })

  test('the peak of a wide star is the density of its profile, and half of it lies at half the width', () => {
    const fwhmPx = 12
    const map = expectedElectrons({ ...dark(), x: [100], y: [100], electrons: [1e6], psf: round(fwhmPx) })
    const alpha = fwhmPx / (2 * Math.sqrt(2 ** (1 / 3) - 1))
    expect(map[100 * 200 + 100] / ((2 * 1e6) / (Math.PI * alpha ** 2))).toBeCloseTo(1, 1)
    expect(map[100 * 200 + 106] / map[100 * 200 + 100]).toBeCloseTo(0.5, 1)
  })

  test('an elongated star is longer along its axis by the elongation, with the same light', () => {
    const psf = { fwhmPx: 4, elongation: 1.4, angleDeg: 30 }
    const map = expectedElectrons({ ...dark(), x: [100], y: [100], electrons: [1e6], psf })
    expect(moments(map, 200, 100, 100, 60).sum / 1e6).toBeCloseTo(1, 3)
    const halfLong = halfLightRadius(map, 30)
    const halfShort = halfLightRadius(map, 120)
    expect(halfLong / halfShort).toBeCloseTo(1.4, 1)
  })

  test('empty sky has the mean of sky and bias and the variance of photons and read noise', () => {
    const exposure = { ...dark(), skyElectrons: 300 }
    const counts = Array.from(render(exposure))
    const mean = counts.reduce((sum, value) => sum + value, 0) / counts.length
    const variance = counts.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (counts.length - 1)
    const gain = exposure.chip.gainElectronsPerAdu
    const expected = (300 + 8 ** 2) / gain ** 2 + 1 / 12 // and the rounding to whole counts
    expect(Math.abs(mean - (100 + 300 / gain))).toBeLessThan(4 * Math.sqrt(expected / counts.length))
    expect(variance / expected).toBeGreaterThan(1 - 4 * Math.sqrt(2 / counts.length))
    expect(variance / expected).toBeLessThan(1 + 4 * Math.sqrt(2 / counts.length))
  })

  test('wells are full at the saturation level, dead columns stay dark, particles hit, and twice is the same', () => {
    const chip = { ...dark().chip, deadColumns: [20], hotPixels: [{ x: 5, y: 6, electrons: 1e7 }] }
    const exposure = { ...dark(), chip, x: [100], y: [100], electrons: [1e8], psf: round(3), cosmicRays: 12 }
    const counts = render(exposure)
    expect(counts[100 * 200 + 100]).toBe(60_000)
    expect(counts[6 * 200 + 5]).toBe(60_000)
    for (let y = 0; y < 200; y++) expect(counts[y * 200 + 20]).toBeLessThan(100)
    expect(render(exposure)).toEqual(counts)

    const quiet = render({ ...exposure, cosmicRays: 0 })
    const hit = counts.reduce((sum, value, i) => sum + (value - quiet[i] > 150 ? 1 : 0), 0)
    expect(hit).toBeGreaterThanOrEqual(12)
    expect(hit).toBeLessThan(12 * 7)
  })
})

describe('the sky', () => {
  test('the tangent plane keeps directions: its radius is the tangent of the angle from the middle', () => {
    for (const [ra, dec, ra0, dec0] of [
      [161.5, 11.9, 161.26, 11.7],
      [0.1, -72, 359.9, -71.8],
      [40, 89.9, 220, 89.8],
    ]) {
      const [east, north] = project(ra, dec, ra0, dec0)
      const cosine =
        Math.sin(dec * RAD) * Math.sin(dec0 * RAD) +
        Math.cos(dec * RAD) * Math.cos(dec0 * RAD) * Math.cos((ra - ra0) * RAD)
      expect(Math.hypot(east, north) * RAD).toBeCloseTo(Math.tan(Math.acos(cosine)), 7)
      const back = deproject(east, north, ra0, dec0)
      expect(back[0]).toBeCloseTo(ra, 9)
      expect(back[1]).toBeCloseTo(dec, 9)
    }
  })

  test('north is up and east left on an unturned chip; a turned or mirrored chip shows it so', () => {
    const aim: Aim = {
      raDeg: 10,
      decDeg: 20,
      scaleArcsec: 1,
      rotationDeg: 0,
      parity: 1,
      distortion: 0,
      width: 101,
      height: 81,
    }
    expect(toPixel(aim, 0, 10 / 3600)).toEqual([50, 50])
    expect(toPixel(aim, 10 / 3600, 0)).toEqual([40, 40])
    expect(toPixel({ ...aim, parity: -1 }, 10 / 3600, 0)).toEqual([60, 40])
    const turned = toPixel({ ...aim, rotationDeg: 90 }, 0, 10 / 3600)
    expect(turned[0]).toBeCloseTo(40, 9)
    expect(turned[1]).toBeCloseTo(40, 9)
    // k r³ of distortion at r = 50
    expect(toPixel({ ...aim, distortion: 1e-6 }, 0, 50 / 3600)[1]).toBeCloseTo(90 + 1e-6 * 50 ** 3, 9)
  })

  test('parallax follows the Earth: nothing towards the Sun, one astronomical unit across, back after a year', () => {
    const equinox = 61119.6 // 2026-03-20: the Sun stands at right ascension 0
    const [east, north] = parallaxFactors(0, 0, equinox)
    expect(Math.abs(east)).toBeLessThan(0.02)
    expect(Math.abs(north)).toBeLessThan(0.02)
    // At right ascension 90 on the equator the Earth then lies an astronomical unit to the west of the Sun.
    expect(parallaxFactors(90, 0, equinox)[0]).toBeCloseTo(-0.996, 2)
    const year = parallaxFactors(123, 45, equinox + 365.25)
    expect(year[0]).toBeCloseTo(parallaxFactors(123, 45, equinox)[0], 2)
    expect(julianYear(51544.5)).toBe(2000)
  })

  test('the pole stands as high as the latitude', () => {
    for (const mjd of [61100.1, 61100.6]) expect(altitudeDeg(0, 90, mjd, 37, -3)).toBeCloseTo(37, 9)
  })

  test('stars are as many as asked, fainter ones more by the slope, and both surveys print them', () => {
    const stars = makeStarField(field)
    const brighterThan = (r: number) => stars.mag.r.filter(mag => mag < r).length
    const expected = field.density * Math.PI * field.radiusDeg ** 2
    expect(Math.abs(brighterThan(20.5) - expected)).toBeLessThan(4 * Math.sqrt(expected))
    expect(Math.log10(brighterThan(20) / brighterThan(18)) / 2).toBeCloseTo(0.3, 1)
    for (const table of [gaiaTable(stars), ps1Table(stars)]) {
      const rows = table.trim().split('\n')
      const columns = rows[0].split(',').length
      expect(rows.length).toBeGreaterThan(3000)
      expect(rows.every(row => row.split(',').length === columns && !row.includes('NaN'))).toBe(true)
    }
  })

  test('the transient peaks at its peak magnitude and has no light before it came', () => {
    for (const band of Object.keys(transient.bands)) {
      const mags = Array.from({ length: 4000 }, (_, i) => transientMag(transient, band, transient.mjdRise + i / 200))
      expect(Math.min(...mags)).toBeCloseTo(transient.bands[band].peakMag, 4)
      expect(transientMag(transient, band, transient.mjdRise - 8)).toBeGreaterThan(25)
    }
  })
})

test('the virtual sky takes nothing from the pipeline that it judges but the seeded random numbers', () => {
  const folder = join(import.meta.dirname, '..', '..', 'local', 'sky')
  const sources = readdirSync(folder).map(name => readFileSync(join(folder, name), 'utf8'))
  const wanted = sources.flatMap(text => [...text.matchAll(/from '([^']+)'/g)].map(match => match[1]))
  expect(new Set(wanted.filter(name => !name.startsWith('./')))).toEqual(new Set(['#shared/numeric/random.ts']))
})

describe('the telescopes', () => {
  test('a frame is a FITS file of whole blocks whose cards and counts read back', () => {
    const file = fitsFile(Uint16Array.of(0, 32768, 65535, 7), 2, 2, [
      ['OBJECT', "Barnard's star"],
      ['EXPTIME', 1.5],
    ])
    expect(file.length % 2880).toBe(0)
    const header = new TextDecoder().decode(file.subarray(0, 2880))
    expect(header.slice(0, 30)).toBe('SIMPLE  =                    T')
    expect(header).toContain("OBJECT  = 'Barnard''s star'")
    expect(header).toContain('EXPTIME =                  1.5')
    const view = new DataView(file.buffer, 2880)
    expect([0, 1, 2, 3].map(i => view.getInt16(2 * i) + 32768)).toEqual([0, 32768, 65535, 7])
  })

  test('the transient lies where the truth says, with the light that the truth says', () => {
    const sky = makeStarField({ ...field, density: 300 })
    const request = { telescope: telescopes.mizar, filter: 'r', mjdStart: 61100.93, transparency: 1 }
    const { exposure, truth } = observe(sky, transient, request)
    const without = { ...exposure, x: exposure.x, electrons: Array.from(exposure.electrons) }
    without.electrons[without.electrons.length - 1] = 0
    const light = expectedElectrons(exposure)
    const rest = expectedElectrons(without)
    const target = light.map((value, i) => value - rest[i])
    const { sum, meanX, meanY } = moments(target, exposure.width, truth.targetX, truth.targetY, 30)
    expect(meanX).toBeCloseTo(truth.targetX, 1)
    expect(meanY).toBeCloseTo(truth.targetY, 1)
    // 60 s at 22.3 mag for one electron per second, less 0.12 mag per airmass; the colour term is below a per cent.
    const rough = 60 * 10 ** (0.4 * (22.3 - truth.targetMag))
    expect(sum / rough).toBeGreaterThan(0.9)
    expect(sum / rough).toBeLessThan(1.02)
  })

  test('the campaign has both telescopes on every night, all bands, and its mishaps', () => {
    const deliveries = planCampaign()
    expect(new Set(deliveries.map(delivery => delivery.key)).size).toBe(deliveries.length)
    expect(deliveries.filter(delivery => delivery.request).length).toBeGreaterThanOrEqual(20)
    expect(deliveries.filter(delivery => delivery.copyOf)).toHaveLength(1)
    expect(deliveries.filter(delivery => delivery.text)).toHaveLength(1)
    expect(deliveries.filter(delivery => delivery.story === 'thick cloud')).toHaveLength(1)
  })
})

function dark(): Exposure {
  const chip = {
    gainElectronsPerAdu: 1.5,
    readNoiseElectrons: 8,
    biasAdu: 100,
    saturationAdu: 60_000,
    deadColumns: [],
    hotPixels: [],
  }
  return {
    width: 200,
    height: 200,
    x: [],
    y: [],
    electrons: [],
    psf: round(3),
    skyElectrons: 0,
    skySlope: [0, 0],
    chip,
    cosmicRays: 0,
    seed: 's',
  }
}

function round(fwhmPx: number) {
  return { fwhmPx, elongation: 1, angleDeg: 0 }
}

function moments(map: ArrayLike<number>, width: number, x: number, y: number, reach: number) {
  let sum = 0
  let sumX = 0
  let sumY = 0
  for (let row = Math.round(y) - reach; row <= Math.round(y) + reach; row++) {
    for (let column = Math.round(x) - reach; column <= Math.round(x) + reach; column++) {
      const value = map[row * width + column]
      sum += value
      sumX += value * (column - x)
      sumY += value * (row - y)
    }
  }
  return { sum, meanX: x + sumX / sum, meanY: y + sumY / sum }
}

/** Distance along a direction at which a star at (100, 100) falls to half its peak, pixel. */
function halfLightRadius(map: Float64Array, angleDeg: number): number {
  const value = (r: number) => {
    const x = 100 + r * Math.cos(angleDeg * RAD)
    const y = 100 + r * Math.sin(angleDeg * RAD)
    const [i, j] = [Math.floor(x), Math.floor(y)]
    const [u, v] = [x - i, y - j]
    const at = (a: number, b: number) => map[(j + b) * 200 + i + a]
    return (at(0, 0) * (1 - u) + at(1, 0) * u) * (1 - v) + (at(0, 1) * (1 - u) + at(1, 1) * u) * v
  }
  const peak = value(0)
  let r = 0
  while (value(r) > peak / 2) r += 0.01
  return r
}
