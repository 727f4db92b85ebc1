import { describe, expect, test } from 'vitest'
import { CameraFrame } from '#events/camera.ts'
import { Point } from '#events/point.ts'
import { type CalibrateInput, CalibrateOutput, TargetResult } from '#events/stages.ts'
import { type CalibrateDeps, calibrate } from '#functions/calibrate/calibrate.ts'
import { decodeEcsv } from '#shared/catalogue/ecsv.ts'
import { importStars } from '#shared/catalogue/import.ts'
import type { ReferenceStars } from '#shared/catalogue/reference.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { decodeTable } from '#shared/fits/table.ts'
import { flagNames, hasFlag } from '#shared/flags.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { encodeStars } from '#shared/photometry/catalogue-file.ts'
import type { ForcedPhotometry } from '#shared/photometry/star-catalogue.ts'
import { silent } from '#shared/store.ts'
import { simulateField } from '../calibration/field.ts'

const frameId = 'ab'.repeat(32)
const products = `products/${frameId}`

function inputFor(band: string | null): CalibrateInput {
  return {
    frameId,
    raw: { key: 'frame.fits' },
    telescope: 'north',
    night: '2025-01-01',
    products,
    header: {
      dialect: 'minimal',
      widthPx: 1000,
      heightPx: 1000,
      object: 'AT 2025abc',
      telescope: null,
      instrument: null,
      mjdUtcMid: 60676.5, // J2025.0
      dateObsUtc: '2025-01-01T12:00:00.000',
      exposureSeconds: 60,
      filterName: band,
      band,
      gainElectronsPerAdu: 1,
      readNoiseElectrons: 5,
      saturationAdu: 60000,
      pedestalAdu: 0,
      binning: [1, 1],
      pixelScaleArcsec: 1.4,
      pointing: null,
      site: null,
      airmass: 1.2,
      bayerPattern: null,
      rowOrder: null,
      flags: 0,
    },
    image: `${products}/frame.fits`,
    duplicateOf: null,
    wcs: {
      raDeg: 150.2,
      decDeg: 2.2,
      pixelScaleArcsec: 1.4,
      rotationDeg: 0,
      parity: 1,
      fieldWidthDeg: 0.4,
      fieldHeightDeg: 0.4,
      matchedStars: 100,
      medianResidualMas: 50,
      medianResidualPx: 0.04,
      sipOrder: 2,
      survey: 'gaia_dr3',
      logOdds: 100,
      withHint: true,
    },
    solution: `${products}/wcs.json`,
    detections: `${products}/detections.fits`,
    seeingPx: 1.5,
    psf: { kind: 'hybrid', stars: 20, fwhmPx: 1.5, elongation: 1.05, order: 1, chi: 1 },
    stars: 300,
    catalogue: `${products}/stars.fits`,
    forced: `${products}/forced.json`,
    residual: `${products}/residual.fits`,
  }
}

const forcedAt = (name: string, raDeg: number, decDeg: number, flux: number): ForcedPhotometry => ({
  name,
  raDeg,
  decDeg,
  x: 500,
  y: 500,
  flux,
  fluxErr: 50,
  skyAdu: 100,
  chi: 1,
  flags: 0,
})

async function run(
  forced: ForcedPhotometry[],
  surveys: ReferenceStars[],
  band: string | null = 'r',
  known: Pick<CalibrateDeps, 'cameras' | 'points' | 'force'> = {},
  told: Partial<CalibrateInput> = {},
) {
  const { catalogue } = simulateField({ stars: 300, seed: 'stage' })
  const store = new MemoryStore()
  const catalogues = new MemoryStore()
  for (const stars of surveys) await importStars(catalogues, '', stars)
  await store.put(`${products}/stars.fits`, encodeStars(catalogue))
  await store.put(`${products}/forced.json`, new TextEncoder().encode(JSON.stringify(forced)))
  const output = await calibrate(
    { ...inputFor(band), ...told },
    { store, tiles: openTiles(catalogues), log: silent, ...known },
  )
  const json = async (key: string) => JSON.parse(new TextDecoder().decode(await store.get(key)))
  return { output, store, points: await json(output.points), report: await json(output.calibrationReport) }
}

describe('the calibrate stage', () => {
  const { ps1, gaia, r } = simulateField({ stars: 300, seed: 'stage' })
  const bright = forcedAt('AT 2025abc', 150.2, 2.2, 5000)

  test('gives a calibrated catalogue, a report and a point, all as their contracts say', async () => {
    const { output, store, points, report } = await run([bright], [ps1, gaia])
    expect(CalibrateOutput.parse(output).outcome).toBe('calibrated')
    expect(output.calibration.chosen).toMatchObject({ survey: 'ps1', band: 'r', colour: 'g-r' })
    expect(report.candidates).toContainEqual(output.calibration.chosen)
    expect(TargetResult.array().parse(report.targets)).toHaveLength(1)

    const [point] = Point.array().parse(points)
    expect(point).toMatchObject({
      pointId: `AT_2025abc-${frameId.slice(0, 16)}-r`,
      objectId: 'AT_2025abc',
      survey: 'ps1',
      magSystem: 'AB',
      detected: true,
      targetColourFrom: 'assumed',
    })
    // −2.5 log10(5000) + 25.3 − 0.08 · 0.65, within the error that the unknown colour leaves
    expect(Math.abs(point.mag! - (25.3 - 2.5 * Math.log10(5000) - 0.052))).toBeLessThan(3 * point.magErr!)

    const { columns, header } = decodeTable(await store.get(`${products}/catalogue.fits`))
    expect(header.get('BAND')).toBe('r')
    expect(header.get('ZEROPNT')).toBeCloseTo(output.calibration.chosen!.zeroPoint, 9)
    expect(columns.get('source_id')!.at(0)).toBe(4000000000000000000n)
    const ecsv = decodeEcsv(new TextDecoder().decode(await store.get(`${products}/catalogue.ecsv`)))
    expect(ecsv.meta).toMatchObject({ survey: 'ps1', band: 'r', frameId })
    expect(ecsv.columns.get('x')!.at(0)).toBeCloseTo((columns.get('x') as Float64Array)[0], 4)
    const difference = (ecsv.columns.get('mag') as Float64Array).map((mag, i) => Math.abs(mag - r[i]))
    expect(difference.sort()[150]).toBeLessThan(0.05)
  })

  test('the same input gives the same bytes', async () => {
    const [a, b] = [await run([bright], [ps1, gaia]), await run([bright], [gaia, ps1])]
    for (const key of await a.store.list(products)) expect(await b.store.get(key)).toEqual(await a.store.get(key))
    expect(b.output).toEqual(a.output)
  })

  test('no target seen: a limit; no target: calibrated; no survey: uncalibrated', async () => {
    const faint = forcedAt('faint', 150.2, 2.2, 20)
    const limit = await run([faint], [ps1])
    expect(limit.output.outcome).toBe('limit')
    expect(limit.points[0]).toMatchObject({ detected: false, mag: null })
    expect(limit.points[0].limit5Sigma).toBeCloseTo(25.3 - 2.5 * Math.log10(250), 0)
    expect((await run([faint, bright], [ps1])).output.outcome).toBe('calibrated')
    expect((await run([], [ps1])).output.outcome).toBe('calibrated')

    const none = await run([bright], [])
    expect(CalibrateOutput.parse(none.output).outcome).toBe('uncalibrated')
    expect(Point.array().parse(none.points)[0]).toMatchObject({
      magSystem: 'instrumental',
      survey: 'none',
      mag: null,
      flux: 5000,
    })
  })

  test('a target on the frame that could not be measured is in its light curve with the reason', async () => {
    const reason = 'Too few pixels around x 101.0, y 201.0 can be used: no flux.'
    const unmeasured = [{ name: 'on dead pixels', ra: 150.2, dec: 2.3, flags: ['maskedPixels'], reason }]
    const { output, points, report } = await run([bright], [ps1, gaia], 'r', {}, { unmeasured })
    expect(output.outcome).toBe('calibrated')
    expect(report.targets).toHaveLength(1)
    const [, dead] = Point.array().parse(points)
    expect(dead).toMatchObject({
      objectId: 'on_dead_pixels',
      band: 'r',
      detected: false,
      flux: null,
      mag: null,
      reason,
    })
    expect(dead.limit5Sigma).toBeNull()
    expect(flagNames(dead.flags)).toEqual(['maskedPixels'])
  })

  test('a narrow filter stays instrumental, and the fits are kept for whoever asks', async () => {
    const { output, points, report } = await run([bright], [ps1, gaia], 'narrow')
    expect(output.outcome).toBe('uncalibrated')
    expect(points[0]).toMatchObject({ mag: null, magSystem: 'instrumental' })
    expect(report.candidates.length).toBeGreaterThan(3)
  })

  test('a band that only the stars tell is flagged as such', async () => {
    const told = await run([bright], [ps1, gaia], 'r')
    const guessed = await run([bright], [ps1, gaia], null)
    expect(hasFlag(told.points[0].flags, 'bandFromData')).toBe(false)
    expect(hasFlag(guessed.points[0].flags, 'bandFromData')).toBe(true)
  })

  test('so is one that the stars put in the place of the header’s', async () => {
    const wrong = await run([bright], [ps1, gaia], 'g')
    expect(wrong.points[0].band).toBe('r')
    expect(wrong.report.contradictsHeader).toBe(true)
    expect(hasFlag(wrong.points[0].flags, 'bandFromData')).toBe(true)
    const forced = await run([bright], [ps1, gaia], 'g', { force: { band: 'r' } })
    expect(hasFlag(forced.points[0].flags, 'bandFromData')).toBe(false)
  })

  test('a survey elsewhere on the sky is as none', async () => {
    const elsewhere = { ...ps1, raDeg: ps1.raDeg.map(ra => ra + 20) }
    expect((await run([bright], [elsewhere])).output.outcome).toBe('uncalibrated')
  })

  test('a survey that only ranks stars calibrates where there is no other, says so, and else is not even read', async () => {
    const urat: ReferenceStars = { ...ps1, survey: 'urat1', mag: { URAT: r }, magErr: { URAT: r.map(() => 0.05) } }
    const alone = await run([bright], [urat])
    expect(alone.output.calibration.chosen).toMatchObject({ survey: 'urat1', band: 'URAT', colour: '' })
    expect(hasFlag(alone.points[0].flags, 'noStandardBand')).toBe(true)
    const beside = await run([bright], [urat, ps1, gaia])
    const without = await run([bright], [ps1, gaia])
    expect(beside.report).toEqual(without.report)
    expect(hasFlag(beside.points[0].flags, 'noStandardBand')).toBe(false)
    const forced = await run([bright], [urat, ps1, gaia], 'r', { force: { survey: 'urat1' } })
    expect(forced.output.calibration.chosen).toMatchObject({ survey: 'urat1' })
  })

  test('tells the memory of its camera, and is told by it what few frames differ by', async () => {
    const { output, store } = await run([bright], [ps1, gaia])
    const told = CameraFrame.parse(JSON.parse(new TextDecoder().decode(await store.get(output.camera!))))
    expect(told).toMatchObject({ telescope: 'north', filterName: 'r', frameId, survey: 'ps1', band: 'r' })
    expect(told.bands[0].colourTerm).toBe(output.calibration.chosen!.colourTerm)
    // 60 s: 2.5 log10(60) = 4.4454
    expect(told.bands[0].zeroPointOneSecond).toBeCloseTo(output.calibration.chosen!.zeroPoint - 4.4454, 3)

    const earlier = Array.from({ length: 8 }, (_, n) => ({
      ...told,
      frameId: `${n}`.padStart(64, '0'),
      mjdUtcMid: 60670 + n,
    }))
    const asked: unknown[] = []
    const cameras = {
      async frames(camera: unknown) {
        asked.push(camera)
        return earlier
      },
    }
    const known = await run([bright], [ps1, gaia], 'r', { cameras })
    expect(asked).toEqual([{ telescope: 'north', camera: null, filterName: 'r' }])
    expect(known.output.calibration.chosen).toMatchObject({ colourTermFrom: 'both' })
    expect(hasFlag(known.points[0].flags, 'zeroPointUnusual')).toBe(false)

    const bright2 = earlier.map(frame => ({
      ...frame,
      bands: frame.bands.map(b => ({ ...b, zeroPointOneSecond: b.zeroPointOneSecond! + 0.7 })),
    }))
    const clouded = await run([bright], [ps1, gaia], 'r', { cameras: { frames: async () => bright2 } })
    expect(hasFlag(clouded.points[0].flags, 'zeroPointUnusual')).toBe(true)
  })

  test('keeps every candidate with its score in one picture, and the chosen one in another', async () => {
    const { store, report } = await run([bright], [ps1, gaia])
    for (const name of ['calibration.png', 'candidates.png'])
      expect([...(await store.get(`${products}/${name}`)).subarray(1, 4)]).toEqual([...Buffer.from('PNG')])
    expect(report.candidates.every((row: { score: number }) => Number.isFinite(row.score))).toBe(true)
  })

  test('a point says when it was at the barycentre, and in what light', async () => {
    const [point] = Point.array().parse((await run([bright], [ps1, gaia])).points)
    // astropy 5.2: Time(60676.5, format='mjd', scale='utc') at the geocentre, its light_travel_time from (150.2, +2.2) added
    expect(Math.abs(point.bjdTdbMid! - 2460677.00437935)).toBeLessThan(2e-7)
    expect(Math.abs(point.hjdUtcMid! - 2460677.00356346)).toBeLessThan(2e-7)
    expect(point).toMatchObject({ skyAdu: 100, elongation: 1.05, wcsStars: 100, moonAltitudeDeg: null })
    expect(point.magNaturalErr!).toBeLessThan(point.magErr!) // the unknown colour is not in it
  })

  test('forced to what it had chosen itself, it gives the same to the bit', async () => {
    const { store, report } = await run([bright], [ps1, gaia])
    const { survey, band } = report.chosen
    const forced = await run([bright], [ps1, gaia], 'r', { force: { survey, band } })
    for (const key of await store.list(products)) expect(await forced.store.get(key)).toEqual(await store.get(key))
  })
})
