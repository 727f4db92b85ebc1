import { beforeAll, describe, expect, test } from 'vitest'
import type { StandardHeader } from '#events/frame.ts'
import { MeasureInput, MeasureOutput } from '#events/stages.ts'
import { measure } from '#functions/measure/measure.ts'
import { encodeDetections } from '#functions/solve/detections-table.ts'
import type { ReferenceStars, Tiles } from '#shared/catalogue/reference.ts'
import { decodeTable } from '#shared/fits/table.ts'
import { flagMask } from '#shared/flags.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { MASK } from '#shared/image/frame.ts'
import { decodeFrame, encodeFrame } from '#shared/image/frame-file.ts'
import { madSigma } from '#shared/numeric/robust.ts'
import { decodeStars } from '#shared/photometry/catalogue-file.ts'
import type { PsfSummary } from '#shared/photometry/psf-summary.ts'
import type { ForcedPhotometry, StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { pixelToSky } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { silent } from '#shared/store.ts'
import { detectionsNear, latticeStars, renderFrame, type Sky } from '../photometry/rendered-frame.ts'

const sky: Sky = { width: 300, height: 260, fwhmPx: 3, beta: 3, skyAdu: 300, gain: 1.4, readNoise: 7, seed: 21 }
const header: StandardHeader = {
  dialect: 'test',
  widthPx: sky.width,
  heightPx: sky.height,
  object: 'field',
  telescope: null,
  instrument: null,
  mjdUtcMid: 60_000.5,
  dateObsUtc: '2023-02-25T12:00:00.000',
  exposureSeconds: 60,
  filterName: 'r',
  band: 'r',
  gainElectronsPerAdu: sky.gain,
  readNoiseElectrons: sky.readNoise,
  saturationAdu: 1e6,
  pedestalAdu: 0,
  binning: [1, 1],
  pixelScaleArcsec: 0.6,
  pointing: null,
  site: null,
  airmass: null,
  bayerPattern: null,
  rowOrder: null,
  flags: 0,
}
const wcs: Wcs = {
  crvalRaDeg: 359.999,
  crvalDecDeg: -35,
  crpixX: 150,
  crpixY: 130,
  cd: [-0.6 / 3600, 0, 0, 0.6 / 3600],
}
const input = MeasureInput.parse({
  frameId: 'ab'.repeat(32),
  raw: { key: 'raw' },
  telescope: 't',
  night: 'n',
  products: 'products/x',
  header,
  image: 'products/x/frame.fits',
  duplicateOf: null,
  wcs: {
    raDeg: wcs.crvalRaDeg,
    decDeg: wcs.crvalDecDeg,
    pixelScaleArcsec: 0.6,
    rotationDeg: 0,
    parity: 1,
    fieldWidthDeg: 0.05,
    fieldHeightDeg: 0.043,
    matchedStars: 50,
    medianResidualMas: 20,
    medianResidualPx: 0.03,
    sipOrder: 1,
    survey: 'gaia_dr3',
    logOdds: 100,
    withHint: true,
  },
  solution: 'products/x/wcs.json',
  detections: 'products/x/detections.fits',
  seeingPx: 3.1,
})

/** A solution that is known to 20 mas everywhere: only the constant term has an error, degrees². */
const covariance = { order: 0, centreX: 150, centreY: 130, radiusPx: 200, covariance: [(20 / 3.6e6) ** 2] }

const stars = latticeStars(sky, 30, 2_000, 100_000)

/** A store with what the stages before would have left. */
async function storeWithFrame(): Promise<MemoryStore> {
  const store = new MemoryStore()
  const frame = renderFrame(sky, stars)
  await store.put(input.image, encodeFrame(frame, header))
  await store.put(input.solution, new TextEncoder().encode(JSON.stringify({ wcs, covariance })))
  const found = encodeDetections(detectionsNear(sky, stars), estimateBackground(frame).levels)
  await store.put(input.detections, found)
  return store
}

const bright = stars.toSorted((a, b) => b.flux - a.flux)[3]
const [brightRa, brightDec] = pixelToSky(wcs, bright.x, bright.y)
const [emptyRa, emptyDec] = pixelToSky(wcs, stars[30].x + 15, stars[30].y + 15)
const [outsideRa, outsideDec] = pixelToSky(wcs, -40, 50)
const registry = {
  inCone: async () => [
    { name: 'bright', raDeg: brightRa, decDeg: brightDec },
    { name: 'empty', raDeg: emptyRa, decDeg: emptyDec },
    { name: 'outside', raDeg: outsideRa, decDeg: outsideDec },
  ],
  candidates: async () => [],
}

/** Tiles of one survey with stars at these places, identities 0, 1, … */
function surveyOf(places: [number, number][]): Tiles {
  const none = new Float64Array(places.length)
  const stars: ReferenceStars = {
    survey: 'ps1',
    count: places.length,
    id: places.map((_, i) => String(i)),
    raDeg: Float64Array.from(places, ([ra]) => ra),
    decDeg: Float64Array.from(places, ([, dec]) => dec),
    raErrMas: none,
    decErrMas: none,
    pmRaMasPerYear: none,
    pmDecMasPerYear: none,
    pmErrMasPerYear: none,
    parallaxMas: none,
    epochYear: Float64Array.from(places, () => 2014),
    mag: {},
    magErr: {},
    clean: new Uint8Array(places.length),
  }
  return { surveys: async () => ['ps1'], cone: async () => stars }
}

describe('the measure stage', () => {
  let store: MemoryStore
  let output: MeasureOutput
  let catalogue: StarCatalogue
  let forced: ForcedPhotometry[]

  beforeAll(async () => {
    store = await storeWithFrame()
    output = MeasureOutput.parse(await measure(input, { store, targets: registry, log: silent }))
    catalogue = decodeStars(await store.get(output.catalogue))
    forced = JSON.parse(new TextDecoder().decode(await store.get(output.forced)))
  })

  test('leaves a catalogue with every star at its place on frame and sky', () => {
    expect(output.stars).toBe(catalogue.id.length)
    for (const star of stars) {
      const row = catalogue.x.findIndex((x, i) => Math.hypot(x - star.x, catalogue.y[i] - star.y) < 1)
      expect(row).toBeGreaterThanOrEqual(0)
      const [ra, dec] = pixelToSky(wcs, catalogue.x[row], catalogue.y[row])
      expect(catalogue.raDeg[row]).toBeCloseTo(ra, 9)
      expect(catalogue.decDeg[row]).toBeCloseTo(dec, 9)
      expect(Math.abs(catalogue.flux[row] - star.flux) / catalogue.fluxErr[row]).toBeLessThan(5)
      expect(catalogue.sky[row]).toBeCloseTo(sky.skyAdu, -1)
      expect(catalogue.sourceId[row]).toBe(0n)
    }
  })

  test('an error on the sky holds that of the star and that of the solution', () => {
    // King 1983: the error of a position is about that of the flux times the PSF's sigma, here 1.27 pixels of 600 mas
    for (let row = 0; row < catalogue.id.length; row++) {
      const ofStar = (1.27 * 600 * catalogue.fluxErr[row]) / catalogue.flux[row]
      for (const error of [catalogue.raErrMas[row], catalogue.decErrMas[row]]) {
        expect(error).toBeGreaterThan(Math.hypot(20, 0.6 * ofStar))
        expect(error).toBeLessThan(Math.hypot(20, 1.7 * ofStar))
      }
    }
  })

  test('aperture and PSF magnitudes of bright stars agree', () => {
    for (let row = 0; row < 10; row++) {
      const off = catalogue.magAper[row] - catalogue.magInst[row]
      expect(Math.abs(off)).toBeLessThan(4 * Math.hypot(catalogue.magAperErr[row], 0.003))
    }
  })

  test('gives targets in the field their flux, seen or not, and leaves out those beside the frame', () => {
    expect(forced.map(target => target.name)).toEqual(['bright', 'empty'])
    expect(Math.abs(forced[0].flux / bright.flux - 1)).toBeLessThan(0.02)
    expect(Math.abs(forced[1].flux / forced[1].fluxErr)).toBeLessThan(4)
  })

  test('leaves the frame without its stars, sky and noise kept', async () => {
    const { frame, cards } = decodeFrame(await store.get(output.residual))
    expect(cards.find(({ keyword }) => keyword === 'CONTENT')?.value).toBe('residual')
    const expected = Math.sqrt(sky.skyAdu / sky.gain + (sky.readNoise / sky.gain) ** 2)
    let worst = 0
    let sum = 0
    for (const value of frame.pixels) {
      worst = Math.max(worst, Math.abs(value - sky.skyAdu) / expected)
      sum += value
    }
    expect(sum / frame.pixels.length).toBeCloseTo(sky.skyAdu, -1)
    expect(worst).toBeLessThan(12) // the brightest stars' own photons in their central pixels
  })

  test('draws the PSF at nine places, each of unit flux within what its picture holds', async () => {
    const psf = JSON.parse(new TextDecoder().decode(await store.get('products/x/psf.json'))) as PsfSummary
    expect(psf.samples.length).toBe(9)
    for (const { pixels, side } of psf.samples) {
      expect(pixels.length).toBe(side * side)
      const sum = pixels.reduce((total, value) => total + value, 0)
      expect(sum).toBeGreaterThan(0.97)
      expect(sum).toBeLessThan(1.001)
    }
    expect(output.psf.fwhmPx).toBeCloseTo(sky.fwhmPx, 1)
  })

  test('puts stars into the frame where that is asked for, and leaves their curve and picture', async () => {
    const again = await storeWithFrame()
    const checked = await measure(input, { store: again, targets: registry, log: silent, inject: 12 })
    expect(MeasureOutput.parse(checked)).toEqual({ ...output, injection: 'products/x/injection.json' })
    const injection = JSON.parse(new TextDecoder().decode(await again.get('products/x/injection.json')))
    expect(injection.stars).toBe(12)
    expect(injection.each.injected.length).toBe(12)
    expect((await again.get('products/x/injection.png')).length).toBeGreaterThan(1000)
    // What stars are put in changes nothing of what is measured.
    expect(await again.get(checked.catalogue)).toEqual(await store.get(output.catalogue))
    expect(output.injection).toBeUndefined()
  })

  test('measures every star of a survey where the survey has it, seen or not, if that is asked for', async () => {
    const again = await storeWithFrame()
    const seen = stars.slice(0, 40)
    const unseen = stars.slice(0, 30).map(({ x, y }) => ({ x: x + 15, y: y + 14, flux: 0 }))
    const places = [...seen, ...unseen].map(({ x, y }) => pixelToSky(wcs, x, y))
    const tiles = surveyOf(places)
    const held = await measure(input, { store: again, targets: registry, log: silent, tiles, forced: 'ps1' })
    const { columns } = decodeTable(await again.get(held.surveyStars!))
    const flux = columns.get('flux') as Float64Array
    const fluxErr = columns.get('flux_err') as Float64Array
    const id = columns.get('id') as string[]
    expect(id.length).toBe(70)
    const pulls = id.map((name, row) => (flux[row] - [...seen, ...unseen][Number(name)].flux) / fluxErr[row])
    expect(madSigma(pulls, 0)).toBeLessThan(1.35)
    expect(madSigma(pulls, 0)).toBeGreaterThan(0.7)
    expect(Math.min(...flux)).toBeLessThan(0)
    const row = id.indexOf('3')
    expect((columns.get('x') as Float64Array)[row]).toBeCloseTo(seen[3].x + 1, 4)
  })

  test('gives the same bytes again', async () => {
    const again = await storeWithFrame()
    const second = await measure(input, { store: again, targets: registry, log: silent })
    expect(second).toEqual(output)
    for (const key of await store.list('products/')) expect(await again.get(key)).toEqual(await store.get(key))
  })
})

/** The stage on a frame of which so many ADU were taken off and what fell below zero was set to zero. */
async function measureCutOff(cutAdu: number, blankRows = 0) {
  const store = await storeWithFrame()
  const frame = renderFrame(sky, stars)
  const pixels = frame.pixels.map(value => Math.max(0, Math.round(value - cutAdu))).fill(0, 0, blankRows * sky.width)
  frame.mask.fill(MASK.bad, 0, blankRows * sky.width)
  const flagged = { ...header, flags: flagMask('skyCutOff') }
  await store.put(input.image, encodeFrame({ ...frame, pixels }, flagged))
  const there = detectionsNear(
    sky,
    stars.filter(({ y }) => y > blankRows + 10),
  )
  await store.put(input.detections, encodeDetections(there, estimateBackground({ ...frame, pixels }).levels))
  return measure({ ...input, header: flagged }, { store, targets: registry, log: silent })
}

test('a frame that was cut off above its sky is not measured, one that was cut off within its noise is', async () => {
  await expect(measureCutOff(sky.skyAdu + 100)).rejects.toMatchObject({
    name: 'SkyCutOff',
    message: expect.stringMatching(/\(9\d % of the pixels have the lowest value, 0\)/),
  })
  // 0.6 σ above the sky 73 % of its pixels are gone
  const sigmaAdu = Math.sqrt(sky.skyAdu / sky.gain + (sky.readNoise / sky.gain) ** 2)
  await expect(measureCutOff(sky.skyAdu + 0.6 * sigmaAdu)).rejects.toMatchObject({
    name: 'SkyCutOff',
    message: expect.stringMatching(/\((6|7)\d % of the pixels/),
  })
  expect((await measureCutOff(sky.skyAdu - 10)).stars).toBeGreaterThan(10)
  // What was not read out is no part of the sky.
  expect((await measureCutOff(sky.skyAdu - 10, sky.height / 2)).stars).toBeGreaterThan(3)
})
