import { expect, test } from 'vitest'
import type { StandardHeader } from '#events/frame.ts'
import { SolveInput, SolveOutput } from '#events/stages.ts'
import { type SolveDeps, solve } from '#functions/solve/solve.ts'
import type { Tiles } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { decodeTable } from '#shared/fits/table.ts'
import { hasFlag } from '#shared/flags.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { decodeFrame, encodeFrame } from '#shared/image/frame-file.ts'
import { readSky } from '#shared/photometry/read-detections.ts'
import { silent } from '#shared/store.ts'
import { binned, drawFrame, type Star } from '../image/virtual-stars.ts'
import { expectTrueSolution, quadsOf, registry, SIZE, sky, tiles, virtualSky } from './virtual-sky.ts'

const MJD_2024_5 = 60492.62 // Julian epoch 2024.5

const HEADER: StandardHeader = {
  dialect: 'test',
  widthPx: SIZE,
  heightPx: SIZE,
  object: 'target',
  telescope: null,
  instrument: null,
  mjdUtcMid: MJD_2024_5,
  dateObsUtc: '2024-07-01T14:52:00.000',
  exposureSeconds: 60,
  filterName: 'r',
  band: 'r',
  gainElectronsPerAdu: 1.5,
  readNoiseElectrons: 6,
  saturationAdu: 60_000,
  pedestalAdu: 0,
  binning: [1, 1],
  pixelScaleArcsec: 1.15,
  pointing: { raDeg: 0.05, decDeg: 41.25, uncertaintyDeg: 0.2 },
  site: null,
  airmass: null,
  bayerPattern: null,
  rowOrder: null,
  flags: 0,
}

async function trial(
  stars: Star[],
  tiles: Tiles,
  header: Partial<StandardHeader> = {},
  targets = registry(),
  {
    store = new MemoryStore(),
    binning: [across, down] = [1, 1],
    ...sky
  }: Pick<SolveDeps, 'quads' | 'blind' | 'scaleArcsec' | 'survey' | 'lastSolution'> & {
    store?: MemoryStore
    binning?: [number, number]
  } = {},
) {
  const frame = binned(drawFrame(stars, { width: SIZE, height: SIZE }), across, down)
  const full = { ...HEADER, widthPx: frame.width, heightPx: frame.height, ...header }
  await store.put('products/f/frame.fits', encodeFrame(frame, full))
  const input = SolveInput.parse({
    frameId: 'a'.repeat(64),
    raw: { key: 'raw.fits' },
    telescope: 't',
    night: '2024-07-01',
    products: 'products/f',
    header: full,
    image: 'products/f/frame.fits',
    duplicateOf: null,
  })
  return { store, output: await solve(input, { store, tiles, targets, log: silent, ...sky }) }
}

test('a frame is solved at its epoch, and the solution and detections are left in the store', async () => {
  const { store, output } = await trial(sky.stars, tiles)
  expect(SolveOutput.safeParse(output).error).toBeUndefined()
  const { wcs, statistics, covariance } = JSON.parse(new TextDecoder().decode(await store.get(output.solution)))
  expectTrueSolution(wcs)
  expect(statistics.matchedStars).toBe(output.wcs.matchedStars)
  expect(covariance.covariance.length).toBe((((covariance.order + 1) * (covariance.order + 2)) / 2) ** 2)
  expect(output.wcs.matchedStars).toBeGreaterThan(0.8 * sky.stars.length)
  expect(output.wcs.pixelScaleArcsec).toBeCloseTo(1.2, 3)
  expect(output.wcs.parity).toBe(1)
  expect(output.wcs.withHint).toBe(true)
  expect(output.wcs.survey).toBe('gaia_dr3')
  const { columns } = decodeTable(await store.get(output.detections))
  const brightest = sky.stars.reduce((best, star) => (star.flux > best.flux ? star : best))
  // The file has the FITS convention: the first pixel is 1.
  expect((columns.get('x') as Float64Array)[0]).toBeCloseTo(brightest.x + 1, 1)
  expect((columns.get('y') as Float64Array)[0]).toBeCloseTo(brightest.y + 1, 1)
})

test('the solved frame tells its centre as RA and DEC, and keeps what its header told', async () => {
  const { store, output } = await trial(sky.stars, tiles)
  const { frame, header, cards } = decodeFrame(await store.get(output.image))
  const told = Object.fromEntries(cards.map(({ keyword, value }) => [keyword, value]))
  expect(told).toMatchObject({ RA: output.wcs.raDeg, DEC: output.wcs.decDeg })
  expect(header.pointing).toEqual(HEADER.pointing)
  // written again, as the frame without its stars is, it still does
  const again = decodeFrame(encodeFrame(frame, header, { cards }))
  expect(again.cards).toEqual(cards)
})

test('the sky under the detections is handed on as it was measured', async () => {
  const { store, output } = await trial(sky.stars, tiles)
  const { frame } = decodeFrame(await store.get(output.image))
  const handed = readSky(await store.get(output.detections), frame.width, frame.height)
  expect(handed.whole()).toEqual(estimateBackground(frame).levels.whole())
})

test.each([
  ['the scale is unknown', { pixelScaleArcsec: null }],
  ['the scale is wrong by the binning', { pixelScaleArcsec: 0.6 }],
  ['the pointing is wrong by two fields', { pointing: { raDeg: 0.2, decDeg: 41.05, uncertaintyDeg: 0.1 } }],
])('a frame is solved where %s', async (_, header) => {
  const { store, output } = await trial(sky.stars, tiles, header)
  expectTrueSolution(JSON.parse(new TextDecoder().decode(await store.get(output.solution))).wcs)
})

const OBLONG = 1.2 * Math.SQRT2 // arcsec: square root of the area of two pixels

test.each<[string, [number, number], Partial<StandardHeader>, boolean]>([
  ['twice as wide as high, as the header tells', [2, 1], { pixelAspect: 0.5, pixelScaleArcsec: OBLONG }, false],
  ['told so, the scale being that of a row', [2, 1], { pixelAspect: 0.5, pixelScaleArcsec: 2.4 }, false],
  ['told oblong, being square', [1, 1], { pixelAspect: 0.5 }, false],
  ['told the wrong way round', [2, 1], { pixelAspect: 2, pixelScaleArcsec: OBLONG }, false],
  ['twice as wide as high, untold', [2, 1], { pixelScaleArcsec: 1.2 }, false],
  ['twice as high as wide, untold', [1, 2], { pixelScaleArcsec: null }, false],
  ['twice as high as wide, the place unknown too', [1, 2], { pixelScaleArcsec: null, pointing: null }, true],
])('a frame is solved whose pixels are %s', async (_, binning, header, fromIndex) => {
  const quads = fromIndex ? await quadsOf(sky.catalogue) : undefined
  const { store, output } = await trial(sky.stars, tiles, header, registry(), { binning, quads })
  expectTrueSolution(JSON.parse(new TextDecoder().decode(await store.get(output.solution))).wcs, binning)
  expect(output.wcs.pixelScaleArcsec).toBeCloseTo(1.2 * Math.sqrt(binning[0] * binning[1]), 3)
  expect(output.wcs.fieldWidthDeg).toBeCloseTo((SIZE * 1.2) / 3600, 4)
  expect(output.wcs.fieldHeightDeg).toBeCloseTo((SIZE * 1.2) / 3600, 4)
})

test('a frame without pointing is solved around the registered target, and says so', async () => {
  const targets = registry([
    { name: 'elsewhere', raDeg: 120, decDeg: -30 },
    { name: 'target', raDeg: 0, decDeg: 41.28 },
  ])
  const { store, output } = await trial(sky.stars, tiles, { pointing: null }, targets)
  expectTrueSolution(JSON.parse(new TextDecoder().decode(await store.get(output.solution))).wcs)
  expect(output.wcs.withHint).toBe(false)
  expect(hasFlag(output.header.flags, 'solvedWithoutHint')).toBe(true)
})

test("where the header tells neither place nor scale, the telescope's last field and scale lead to the frame", async () => {
  const asked: string[] = []
  const { store, output } = await trial(sky.stars, tiles, { pointing: null, pixelScaleArcsec: null }, registry(), {
    async lastSolution(telescope, night) {
      asked.push(`${telescope} ${night}`)
      return { raDeg: 0.15, decDeg: 41.2, pixelScaleArcsec: 1.21 }
    },
  })
  expect(asked).toEqual(['t 2024-07-01'])
  expectTrueSolution(JSON.parse(new TextDecoder().decode(await store.get(output.solution))).wcs)
  expect(output.wcs.withHint).toBe(false)
})

test("an operator's range of scales is searched from end to end, and nothing outside it", async () => {
  // the middle of the first range is 4 arcsec per pixel, far from the true 1.2
  const { output } = await trial(sky.stars, tiles, { pixelScaleArcsec: 30 }, registry(), {
    scaleArcsec: { low: 1, high: 16 },
  })
  expect(output.wcs.pixelScaleArcsec).toBeCloseTo(1.2, 3)
  await expect(trial(sky.stars, tiles, {}, registry(), { scaleArcsec: { low: 1.25, high: 3 } })).rejects.toMatchObject({
    name: 'NoPatternMatch',
  })
})

test.each([
  ['TooFewStars', [] as Star[], {}, 'no star at all'],
  ['TooFewStars', sky.stars.slice(0, 4), {}, 'four stars'],
  ['NoPointing', sky.stars, { pointing: null }, 'no pointing and no target'],
  ['NoReferenceStars', sky.stars, { pointing: { raDeg: 180, decDeg: -41, uncertaintyDeg: 0.2 } }, 'no catalogue there'],
])('the answer is %s where it has to be (%#)', async (name, stars, header, _) => {
  await expect(trial(stars, tiles, header)).rejects.toMatchObject({ name })
})

test.each([
  [{ pointing: null }, {}, 'the header has no RA and DEC'],
  [{}, { blind: true }, 'was to be forgotten'],
])('without an index of the sky the owner is told so (%#)', async (header, asked, words) => {
  const refused = trial(sky.stars, tiles, header, registry(), asked)
  await expect(refused).rejects.toThrow(new RegExp(`${words}.*gaia_dr3 has no index of the whole sky`))
})

test('the survey that is named is the one that positions come from', async () => {
  const asked: string[] = []
  const both: Tiles = {
    surveys: async () => ['gaia_dr3', 'gaia_dr2'],
    cone: (survey, ...rest) => {
      asked.push(survey)
      return tiles.cone('gaia_dr3', ...rest)
    },
  }
  const { output } = await trial(sky.stars, both, {}, registry(), { survey: 'gaia_dr2' })
  expect(output.wcs.survey).toBe('gaia_dr2')
  expect(new Set(asked)).toEqual(new Set(['gaia_dr2']))
  await expect(trial(sky.stars, both, {}, registry(), { survey: 'urat1' })).rejects.toThrow(
    /0 reference stars .* urat1 was not imported/,
  )
})

test('a frame of another sky is refused with what was tried', async () => {
  const other = virtualSky(151)
  await expect(trial(other.stars, tiles)).rejects.toMatchObject({
    name: 'NoPatternMatch',
    message: expect.stringMatching(/RA 0\.0500 Dec 41\.2500/),
  })
})

test.each([
  [null, 'pixels taken for 1, 2, 0.5 times as high as wide'],
  [1, 'pixels taken for square'],
  [1.5, 'pixels taken for 1.5, 1, 0.667 times as high as wide'],
])(
  'a frame that is not found (shape of its pixels told: %s) is refused with the shape that was taken',
  async (pixelAspect, words) => {
    await expect(trial(virtualSky(151).stars, tiles, { pixelAspect })).rejects.toThrow(words)
  },
)

test('a frame whose stars are drawn out is refused with a word on that', async () => {
  const { stars } = virtualSky(151)
  const trailed = stars.flatMap(({ x, y, flux }) =>
    Array.from({ length: 24 }, (_, k) => ({ x, y: y - 12 + k, flux: flux / 4 })),
  )
  await expect(trial(trailed, tiles)).rejects.toMatchObject({
    name: 'NoPatternMatch',
    message: expect.stringMatching(/drawn out, \d+\.\d to 1: did the telescope move/),
  })
})

test.each([
  ['has neither pointing nor scale', { pointing: null, pixelScaleArcsec: null }, {}],
  ['points elsewhere by its header', { pointing: { raDeg: 180, decDeg: -41, uncertaintyDeg: 0.2 } }, {}],
  ['has a stale solution that the caller wants forgotten', {}, { blind: true }],
])('a frame that %s is found in the index of the sky', async (_, header, options) => {
  const { store, output } = await trial(sky.stars, tiles, header, registry(), {
    quads: await quadsOf(sky.catalogue),
    ...options,
  })
  expectTrueSolution(JSON.parse(new TextDecoder().decode(await store.get(output.solution))).wcs)
  expect(output.wcs.withHint).toBe(false)
  expect(hasFlag(output.header.flags, 'solvedWithoutHint')).toBe(true)
})

test('where nothing is found, what was tried is left in the store', async () => {
  const other = virtualSky(151)
  const quads = await quadsOf(sky.catalogue)
  const store = new MemoryStore()
  await expect(trial(other.stars, tiles, {}, registry(), { quads, store })).rejects.toMatchObject({
    name: 'NoPatternMatch',
    message: expect.stringMatching(/whole sky/),
  })
  const { attempts } = JSON.parse(new TextDecoder().decode(await store.get('products/f/attempts.json')))
  expect(attempts[0]).toMatchObject({ survey: 'gaia_dr3', place: HEADER.pointing && { raDeg: 0.05, decDeg: 41.25 } })
  expect(attempts.at(-1).place).toBe('everywhere')
  const picture = await store.get('products/f/preview.png')
  expect(picture.subarray(0, 4)).toEqual(Uint8Array.of(0x89, 0x50, 0x4e, 0x47))
})

test('an index whose tiles are gone tells which place has to be imported', async () => {
  const empty: Tiles = { ...tiles, cone: (id, cone) => tiles.cone(id, cone, { limit: 0 }) }
  const quads = await quadsOf(sky.catalogue)
  const lost = trial(sky.stars, empty, { pointing: null }, registry(), { quads })
  await expect(lost).rejects.toMatchObject({
    name: 'NoPatternMatch',
    message: expect.stringMatching(/tiles hold no stars \(RA \d+\.\d+ Dec 41\.[1-4]/),
  })
})

test.each(['gaia_dr2', 'urat1', 'ucac4', 'tycho2', 'usnob1'] as const)(
  'where Gaia DR3 has no stars, those of %s are taken',
  async survey => {
    const { mainBand } = surveys[survey]
    const mixed: Tiles = {
      surveys: async () => ['gaia_dr3', survey],
      async cone(id, cone, options) {
        const found = await tiles.cone('gaia_dr3', cone, id === survey ? options : { limit: 0 })
        return id === survey ? { ...found, survey, mag: { [mainBand]: found.mag.G } } : found
      },
    }
    const { output } = await trial(sky.stars, mixed)
    expect(output.wcs.survey).toBe(survey)
  },
)
