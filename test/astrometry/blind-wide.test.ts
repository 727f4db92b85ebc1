import { expect, test } from 'vitest'
import { searchBlind } from '#shared/astrometry/blind-search.ts'
import { writeQuads } from '#shared/astrometry/index-survey.ts'
import type { FieldStars } from '#shared/astrometry/pair-stars.ts'
import { openQuadSky } from '#shared/astrometry/quad-index.ts'
import { confirmBlind } from '#shared/astrometry/solve-field.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { random } from '#shared/numeric/random.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { skyToPixel } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { largestErrorPx } from './virtual-field.ts'

const SIDE = 1000

/** Thirty thousand stars over the whole sphere, brightest first: a sky to magnitude 8. */
function wholeSky(): FieldStars {
  const draw = random('whole sky')
  const count = 30_000
  const magOf = () => 8 + Math.log2(draw.uniform())
  return {
    raDeg: Float64Array.from({ length: count }, () => 360 * draw.uniform()),
    decDeg: Float64Array.from({ length: count }, () => (Math.asin(2 * draw.uniform() - 1) * 180) / Math.PI),
    errorMas: new Float64Array(count).fill(1),
    mag: Float64Array.from({ length: count }, magOf).sort(),
  }
}

const stars = wholeSky()
const store = new MemoryStore()
await writeQuads(store, 'gaia_dr3', stars, [3, 4, 5])
const index = await openQuadSky(store, 'gaia_dr3')
if (!index) throw new Error('no index')
const sky = index

/** Rows of stars within a distance of a place, as they stand: brightest first. */
function around(raDeg: number, decDeg: number, radiusDeg: number): FieldStars {
  const rows = Array.from(stars.mag.keys()).filter(
    star => separationDeg(stars.raDeg[star], stars.decDeg[star], raDeg, decDeg) < radiusDeg,
  )
  const take = (values: Float64Array) => Float64Array.from(rows, row => values[row])
  return { raDeg: take(stars.raDeg), decDeg: take(stars.decDeg), errorMas: take(stars.errorMas), mag: take(stars.mag) }
}

test.each([
  ['six degrees wide', 6, 200, 35],
  ['twelve degrees wide, across right ascension zero', 12, 359.5, -20],
  ['twenty degrees wide', 20, 120, 10],
  ['twelve degrees wide, over the pole', 12, 70, 88],
])('a frame %s is found in the whole sky by its stars alone', async (_, widthDeg, raDeg, decDeg) => {
  const scale = widthDeg / SIDE
  const wcs: Wcs = {
    ...{ crvalRaDeg: raDeg, crvalDecDeg: decDeg, crpixX: (SIDE - 1) / 2, crpixY: (SIDE - 1) / 2 },
    cd: [-0.8 * scale, 0.6 * scale, 0.6 * scale, 0.8 * scale],
  }
  const draw = random(widthDeg)
  const near = around(raDeg, decDeg, 0.75 * widthDeg)
  const x: number[] = []
  const y: number[] = []
  const mag: number[] = []
  for (let star = 0; star < near.mag.length; star++) {
    const [px, py] = skyToPixel(wcs, near.raDeg[star], near.decDeg[star])
    if (!(px > 0 && py > 0 && px < SIDE - 1 && py < SIDE - 1) || draw.uniform() < 0.1) continue
    x.push(px + 0.15 * draw.normal())
    y.push(py + 0.15 * draw.normal())
    mag.push(near.mag[star])
  }
  const detections = {
    x: Float64Array.from(x),
    y: Float64Array.from(y),
    mag: Float64Array.from(mag),
    errorPx: new Float64Array(x.length).fill(0.15),
    clean: new Uint8Array(x.length).fill(1),
  }
  const range = { low: 0.05, high: 120 }
  let found: Wcs | undefined
  for await (const hypothesis of searchBlind(
    { x: detections.x, y: detections.y, width: SIDE, height: SIDE },
    sky,
    range,
  )) {
    const reference = around(hypothesis.raDeg, hypothesis.decDeg, 1.5 * widthDeg)
    const accepted = { lowScaleArcsec: range.low, highScaleArcsec: range.high, pixelAspect: 1 }
    found = confirmBlind(hypothesis, detections, reference, accepted, SIDE, SIDE)?.wcs
    if (found) break
  }
  expect(found && largestErrorPx(found, wcs, SIDE, SIDE)).toBeLessThan(1)
})
