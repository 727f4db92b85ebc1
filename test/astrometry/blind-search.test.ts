import { expect, test } from 'vitest'
import { type BlindHypothesis, searchBlind } from '#shared/astrometry/blind-search.ts'
import { buildQuadPieces, type IndexStars } from '#shared/astrometry/build-quad-index.ts'
import { writeQuads } from '#shared/astrometry/index-survey.ts'
import type { FieldDetections, FieldStars } from '#shared/astrometry/pair-stars.ts'
import {
  decodeQuadBand,
  encodeQuadBand,
  openQuadSky,
  type QuadBand,
  type QuadSky,
  quadListKey,
  quadPieceKey,
} from '#shared/astrometry/quad-index.ts'
import { confirmBlind, type FieldSolution } from '#shared/astrometry/solve-field.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { random } from '#shared/numeric/random.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { skyToPixel } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { largestErrorPx } from './virtual-field.ts'

const WIDTH = 1024
const HEIGHT = 800

/** Fifty thousand stars over three hundred square degrees that straddle right ascension zero, brightest first. */
function drawSky(seed: number): IndexStars {
  const draw = random(seed)
  const rows = Array.from({ length: 50_000 }, () => ({
    ra: (348 + 24 * draw.uniform()) % 360,
    dec: (Math.asin(0.5 + 0.225 * draw.uniform()) * 180) / Math.PI,
    mag: 15 + Math.log2(draw.uniform()),
  })).sort((a, b) => a.mag - b.mag)
  return {
    raDeg: Float64Array.from(rows, row => row.ra),
    decDeg: Float64Array.from(rows, row => row.dec),
    mag: Float64Array.from(rows, row => row.mag),
  }
}

async function indexOf(stars: IndexStars, mostBytes?: number): Promise<QuadSky> {
  const store = new MemoryStore()
  await writeQuads(store, 'gaia_dr3', stars, [5, 6, 7, 8])
  const sky = await openQuadSky(store, 'gaia_dr3', mostBytes)
  if (!sky) throw new Error('no index')
  return sky
}

interface Knobs {
  scaleArcsec: number
  rotationDeg: number
  mirrored: boolean
  missing: number
  spurious: number
}

/** What a frame somewhere in the sky detects. */
function drawFrame(stars: IndexStars, seed: number, knobs: Partial<Knobs>): { wcs: Wcs; detections: FieldDetections } {
  const { scaleArcsec, rotationDeg, mirrored, missing, spurious } = {
    ...{ scaleArcsec: 4, rotationDeg: 0, mirrored: false, missing: 0.1, spurious: 0.1 },
    ...knobs,
  }
  const draw = random(`frame ${seed}`)
  const scale = scaleArcsec / 3600
  const angle = (rotationDeg * Math.PI) / 180
  const flip = mirrored ? 1 : -1
  const wcs: Wcs = {
    crvalRaDeg: (351 + 18 * draw.uniform()) % 360,
    crvalDecDeg: 33 + 10 * draw.uniform(),
    crpixX: (WIDTH - 1) / 2,
    crpixY: (HEIGHT - 1) / 2,
    cd: [flip * Math.cos(angle), Math.sin(angle), -flip * Math.sin(angle), Math.cos(angle)].map(
      term => term * scale,
    ) as Wcs['cd'],
  }
  const rows: { x: number; y: number; mag: number }[] = []
  for (let star = 0; star < stars.mag.length; star++) {
    if (separationDeg(stars.raDeg[star], stars.decDeg[star], wcs.crvalRaDeg, wcs.crvalDecDeg) > 800 * scale) continue
    const [x, y] = skyToPixel(wcs, stars.raDeg[star], stars.decDeg[star])
    if (!(x > 1 && y > 1 && x < WIDTH - 2 && y < HEIGHT - 2) || draw.uniform() < missing) continue
    rows.push({ x: x + 0.15 * draw.normal(), y: y + 0.15 * draw.normal(), mag: stars.mag[star] + 0.2 * draw.normal() })
  }
  for (let k = Math.round(rows.length * spurious); k > 0; k--)
    rows.push({ x: WIDTH * draw.uniform(), y: HEIGHT * draw.uniform(), mag: 15 + Math.log2(draw.uniform()) })
  rows.sort((a, b) => a.mag - b.mag)
  return {
    wcs,
    detections: {
      x: Float64Array.from(rows, row => row.x),
      y: Float64Array.from(rows, row => row.y),
      mag: Float64Array.from(rows, row => row.mag),
      errorPx: new Float64Array(rows.length).fill(0.15),
      clean: new Uint8Array(rows.length).fill(1),
    },
  }
}

function starsAbout({ raDeg, decDeg }: BlindHypothesis, all: IndexStars): FieldStars {
  const rows = Array.from(all.mag.keys()).filter(
    star => separationDeg(all.raDeg[star], all.decDeg[star], raDeg, decDeg) < 3,
  )
  return {
    raDeg: Float64Array.from(rows, row => all.raDeg[row]),
    decDeg: Float64Array.from(rows, row => all.decDeg[row]),
    mag: Float64Array.from(rows, row => all.mag[row]),
    errorMas: new Float64Array(rows.length).fill(1),
  }
}

async function solveBlind(
  detections: FieldDetections,
  sky: QuadSky,
  stars: IndexStars,
  scale: { low: number; high: number },
): Promise<FieldSolution | undefined> {
  const pattern = { x: detections.x, y: detections.y, width: WIDTH, height: HEIGHT }
  const accepted = { lowScaleArcsec: scale.low, highScaleArcsec: scale.high, pixelAspect: 1 }
  for await (const hypothesis of searchBlind(pattern, sky, scale)) {
    const found = confirmBlind(hypothesis, detections, starsAbout(hypothesis, stars), accepted, WIDTH, HEIGHT)
    if (found) return found
  }
  return undefined
}

const stars = drawSky(1)
const index = await indexOf(stars)

const frames: [string, Partial<Knobs>, (scale: number) => { low: number; high: number }][] = [
  ['with its scale known to 30 per cent', {}, scale => ({ low: 0.7 * scale, high: 1.3 * scale })],
  ['with its scale unknown', {}, () => ({ low: 0.1, high: 60 })],
  [
    'half a degree wide, with a quarter of its stars missing and as many false ones',
    { scaleArcsec: 2.2, missing: 0.25, spurious: 0.25 },
    scale => ({ low: 0.7 * scale, high: 1.3 * scale }),
  ],
  ['two and a half degrees wide', { scaleArcsec: 9 }, scale => ({ low: 0.7 * scale, high: 1.3 * scale })],
]

test.each(frames)('a frame %s is found in the whole sky, in any turn and either parity', async (_, knobs, scale) => {
  for (let seed = 0; seed < 5; seed++) {
    const turned = { ...knobs, rotationDeg: 77 * seed + 13, mirrored: seed % 2 === 1 }
    const { wcs, detections } = drawFrame(stars, seed, turned)
    const solution = await solveBlind(detections, index, stars, scale(knobs.scaleArcsec ?? 4))
    expect(solution, `seed ${seed}`).toBeDefined()
    if (solution) expect(largestErrorPx(solution.wcs, wcs, WIDTH, HEIGHT)).toBeLessThan(1)
  }
})

test('an index whose pieces are not in memory together finds the same frames', async () => {
  const poor = await indexOf(stars, 1_000_000)
  expect(poor.fits(8)).toBe(false)
  for (let seed = 0; seed < 3; seed++) {
    const { wcs, detections } = drawFrame(stars, seed, { scaleArcsec: 2.2, rotationDeg: 60 * seed })
    const solution = await solveBlind(detections, poor, stars, { low: 1.5, high: 3 })
    expect(solution, `seed ${seed}`).toBeDefined()
    if (solution) expect(largestErrorPx(solution.wcs, wcs, WIDTH, HEIGHT)).toBeLessThan(1)
  }
})

test('every figure of a band is in one piece of it, and stands there with all its stars', () => {
  const whole = [...buildQuadPieces(stars, 6)]
  expect(whole.map(piece => piece.cell)).toEqual([0])
  for (const order of [7, 8]) {
    const seen = new Set<string>()
    let figures = 0
    for (const { band } of buildQuadPieces(stars, order)) {
      for (let quad = 0; quad < band.codes.length / 4; quad++) {
        const four = Array.from(
          band.stars.subarray(4 * quad, 4 * quad + 4),
          star => `${band.ra[star]} ${band.dec[star]}`,
        )
        seen.add(four.sort().join())
        figures++
      }
    }
    expect(seen.size).toBe(figures)
    expect(figures).toBeGreaterThan(10_000)
  }
})

test('a frame of another sky, or of no sky, is never found', async () => {
  const other = drawSky(2)
  const draw = random('noise')
  for (let seed = 0; seed < 5; seed++) {
    const { detections } = drawFrame(other, seed, { scaleArcsec: 4 })
    expect(await solveBlind(detections, index, stars, { low: 0.1, high: 60 })).toBeUndefined()
    for (let k = 0; k < detections.x.length; k++) {
      detections.x[k] = WIDTH * draw.uniform()
      detections.y[k] = HEIGHT * draw.uniform()
    }
    expect(await solveBlind(detections, index, stars, { low: 0.1, high: 60 })).toBeUndefined()
  }
})

test('an index is the same for the same stars in any order, and comes back from its file as it went', () => {
  const rows = Array.from(stars.mag.keys()).filter(row => row % 10 === 3)
  const of = (list: number[]): IndexStars => ({
    raDeg: Float64Array.from(list, row => stars.raDeg[row]),
    decDeg: Float64Array.from(list, row => stars.decDeg[row]),
    mag: Float64Array.from(list, row => stars.mag[row]),
  })
  const piecesOf = (list: number[]) => Array.from(buildQuadPieces(of(list), 8), piece => encodeQuadBand(piece.band))
  const pieces = piecesOf(rows)
  expect(piecesOf(rows.reverse())).toEqual(pieces)
  expect(pieces.length).toBeGreaterThan(1)
  const [bytes] = pieces
  const band: QuadBand = decodeQuadBand(bytes)
  expect(encodeQuadBand(band)).toEqual(bytes)
  expect(band.codes.length).toBeGreaterThan(1000)
  expect(() => decodeQuadBand(bytes.subarray(0, bytes.length - 1))).toThrow(/cut off/)
  expect(() => decodeQuadBand(bytes.subarray(4))).toThrow(/no index/)
})

test.each([
  ['cut off', (bytes: Uint8Array) => bytes.slice(0, bytes.length / 2)],
  ['empty', () => new Uint8Array(0)],
  ['full of other bytes', (bytes: Uint8Array) => bytes.map((byte, i) => (i < 64 ? byte : (i * 7919) & 255))],
])('a file of the index that is %s is an error that says what to do', async (_, spoil) => {
  const store = new MemoryStore()
  const draw = random('broken')
  const count = 3000
  const stars = {
    raDeg: Float64Array.from({ length: count }, () => 10 + 4 * draw.uniform()),
    decDeg: Float64Array.from({ length: count }, () => 4 * draw.uniform()),
    mag: Float64Array.from({ length: count }, (_, i) => 10 + i / 1000),
  }
  await writeQuads(store, 'gaia_dr3', stars, [6])
  const sky = await openQuadSky(store, 'gaia_dr3')
  const [cell] = sky?.pieces(6) ?? []
  const key = quadPieceKey('gaia_dr3', 6, cell)
  await store.put(key, spoil(await store.get(key)))
  await expect(sky?.piece(6, cell)).rejects.toThrow('Build it anew: cpcs tiles index gaia_dr3')
  await store.put(quadListKey('gaia_dr3'), new TextEncoder().encode('{"version":'))
  await expect(openQuadSky(store, 'gaia_dr3')).rejects.toThrow('Build it anew')
})
