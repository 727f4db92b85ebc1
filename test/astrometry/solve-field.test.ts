import { expect, test } from 'vitest'
import { isSolved, solveField } from '#shared/astrometry/solve-field.ts'
import { random } from '#shared/numeric/random.ts'
import { type FieldKnobs, largestErrorPx, virtualField } from './virtual-field.ts'

const fields: [string, Partial<FieldKnobs>][] = [
  ['with a good hint', {}],
  ['with a dozen stars', { density: 1100 }],
  ['with every third star missing and as many false ones', { missing: 0.35, spurious: 0.35, density: 4000 }],
  ['with a catalogue four magnitudes deeper than the frame', { deeper: 4, density: 40_000 }],
  ['with half of its stars in a cluster', { clustered: 0.5, density: 6000 }],
  ['whose pointing is off by more than its size', { pointingErrorDeg: 0.4, density: 3000 }],
  ['beside the pole', { decDeg: 88 }],
  ['over the pole', { decDeg: -89.95 }],
  ['whose optics bend it by ten pixels', { distortionPx: 10 }],
  ['ten minutes wide', { scaleArcsec: 0.59, density: 15_000 }],
  ['three degrees wide', { scaleArcsec: 10, density: 60, distortionPx: 6, pointingErrorDeg: 0.5 }],
  ['eight degrees wide', { scaleArcsec: 28, density: 8, distortionPx: 6, pointingErrorDeg: 1 }],
  ['twenty degrees wide', { scaleArcsec: 70, density: 2, distortionPx: 6, pointingErrorDeg: 2 }],
  ['twenty degrees wide over the pole', { scaleArcsec: 70, density: 2, pointingErrorDeg: 1, decDeg: 88 }],
]

test.each(fields)('a field %s is found in any turn and either parity', (_, knobs) => {
  for (let seed = 0; seed < 4; seed++) {
    const field = virtualField({ ...knobs, seed: 100 + seed, rotationDeg: 97 * seed + 31, mirrored: seed % 2 === 1 })
    const result = solveField(field.detections, field.stars, field.hint, field.width, field.height)
    expect(isSolved(result), `seed ${seed}`).toBe(true)
    if (isSolved(result)) expect(largestErrorPx(result.wcs, field.wcs, field.width, field.height)).toBeLessThan(1)
  }
})

test('25 stars are enough, whichever of the hundred brightest they are', () => {
  for (let seed = 0; seed < 12; seed++) {
    const field = virtualField({ seed: 300 + seed, density: 12_000, missing: 0, spurious: 0, rotationDeg: 29 * seed })
    const draw = random(`few ${seed}`)
    const rows = Array.from({ length: 100 }, (_, k) => k)
    while (rows.length > 25) rows.splice(Math.floor(rows.length * draw.uniform()), 1)
    const take = (values: Float64Array) => Float64Array.from(rows, row => values[row])
    const { x, y, mag, errorPx, clean } = field.detections
    const few = { x: take(x), y: take(y), mag: take(mag), errorPx: take(errorPx), clean: clean.slice(0, 25) }
    expect(x.length).toBeGreaterThan(100)
    const result = solveField(few, field.stars, field.hint, field.width, field.height)
    expect(isSolved(result), `seed ${seed}`).toBe(true)
    if (isSolved(result)) expect(largestErrorPx(result.wcs, field.wcs, field.width, field.height)).toBeLessThan(3)
  }
})

test('the pairs of a solution are the true ones', () => {
  const field = virtualField({ seed: 5, rotationDeg: 200 })
  const result = solveField(field.detections, field.stars, field.hint, field.width, field.height)
  if (!isSolved(result)) throw new Error(result.tried)
  const right = result.matches.star.filter((star, k) => field.truth[result.matches.detection[k]] === star)
  expect(right.length / result.matches.star.length).toBeGreaterThan(0.98)
  // A Rayleigh distribution of 0.1 pixel an axis has its median at 0.1177.
  expect(result.medianResidualPx).toBeGreaterThan(0.09)
  expect(result.medianResidualPx).toBeLessThan(0.14)
})

test.each([0.45, 1, 5.5])('a field is found where only a wide range of scales from %f arcsec is known', low => {
  const field = virtualField({ seed: 8, scaleArcsec: 1.7 * low, density: 6000 / low ** 2, rotationDeg: 77 })
  const hint = { ...field.hint, lowScaleArcsec: low, highScaleArcsec: 2.5 * low }
  const result = solveField(field.detections, field.stars, hint, field.width, field.height)
  expect(isSolved(result)).toBe(true)
  if (isSolved(result)) expect(largestErrorPx(result.wcs, field.wcs, field.width, field.height)).toBeLessThan(1)
})

test.each([
  ['few', 800],
  ['some', 4000],
  ['many', 12_000],
])('a scrambled sky of %s stars is never found', (_, density) => {
  const draw = random(density)
  for (let seed = 0; seed < 2; seed++) {
    const field = virtualField({ seed, density })
    const { x, y } = field.detections
    for (let i = 0; i < x.length; i++) {
      x[i] = draw.uniform() * field.width
      y[i] = draw.uniform() * field.height
    }
    expect(isSolved(solveField(field.detections, field.stars, field.hint, field.width, field.height))).toBe(false)
  }
})

test('a cluster is not fitted by another cluster, however many stars meet by chance', () => {
  const draw = random('clusters')
  for (let seed = 0; seed < 3; seed++) {
    const field = virtualField({ seed: 40 + seed, clustered: 0.6, density: 6000 })
    const { x, y } = field.detections
    const centre = [field.width * draw.uniform(), field.height * draw.uniform()]
    for (let i = 0; i < x.length; i++) {
      x[i] = i % 5 < 3 ? centre[0] + 60 * draw.normal() : draw.uniform() * field.width
      y[i] = i % 5 < 3 ? centre[1] + 60 * draw.normal() : draw.uniform() * field.height
    }
    expect(isSolved(solveField(field.detections, field.stars, field.hint, field.width, field.height))).toBe(false)
  }
})

test('a frame of another part of the sky is not found', () => {
  const here = virtualField({ seed: 21, density: 4000 })
  const there = virtualField({ seed: 22, density: 4000 })
  expect(isSolved(solveField(there.detections, here.stars, here.hint, here.width, here.height))).toBe(false)
})

test.each([
  [0.5, 45_000],
  [1, 10_000],
])('stars that are known to %f pixel are not drawn away by the faint noise around them', (centroidErrorPx, noise) => {
  for (let seed = 0; seed < 3; seed++) {
    const field = virtualField({ seed: 400 + seed, deeper: 1, distortionPx: 1, rotationDeg: 40, centroidErrorPx })
    const { x, y, mag, errorPx, clean } = field.detections
    const draw = random(`noise ${seed}`)
    const places = Array.from({ length: noise }, () => [field.width * draw.uniform(), field.height * draw.uniform()])
    const detections = {
      x: Float64Array.from([...x, ...places.map(place => place[0])]),
      y: Float64Array.from([...y, ...places.map(place => place[1])]),
      mag: Float64Array.from([...mag, ...places.map(() => mag[mag.length - 1])]),
      errorPx: Float64Array.from([...errorPx, ...places.map(() => centroidErrorPx)]),
      clean: Uint8Array.from([...clean, ...places.map(() => 1)]),
    }
    const result = solveField(detections, field.stars, field.hint, field.width, field.height)
    if (!isSolved(result)) throw new Error(result.tried)
    // 170 stars have the median of a Rayleigh distribution, 1.18 σ; more is pairs by chance
    expect(result.medianResidualPx, `seed ${seed}`).toBeLessThan(1.3 * centroidErrorPx)
    expect(largestErrorPx(result.wcs, field.wcs, field.width, field.height)).toBeLessThan(5 * centroidErrorPx)
  }
})
