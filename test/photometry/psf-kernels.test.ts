import { expect, test } from 'vitest'
import { splineCoefficients, splineWeights } from '#shared/numeric/bspline.ts'
import { random } from '#shared/numeric/random.ts'
import { KernelMemory } from '#shared/photometry/kernel-memory.ts'
import { fitMoffat, moffatPixel } from '#shared/photometry/moffat.ts'
import { NodeEquations } from '#shared/photometry/node-equations.ts'
import { LocalPsf, type Psf } from '#shared/photometry/psf.ts'
import { analyticPsf } from '#shared/photometry/psf-build.ts'
import { type Sample, SampleStamps } from '#shared/photometry/psf-sample.ts'
import { legendreTerms } from '#shared/photometry/psf-shape.ts'
import { StampPsf } from '#shared/photometry/stamp-psf.ts'

// What the PSF is learnt with, against plain code in double precision.

const frame = { width: 200, height: 150 }
const order = 1
const terms = 3
const doubt = 40
const noise = 5

/** A PSF with tables that differ from node to node. */
function psfOf(fwhmPx: number): Psf {
  const variance = (fwhmPx / 2.2) ** 2
  const flat = (value: number) => Float64Array.of(value, 0, 0, 0, 0, 0)
  const moments: [Float64Array, Float64Array, Float64Array] = [flat(variance), flat(variance), flat(0.2 * variance)]
  const psf = analyticPsf(frame, { tableOrder: order, beta: 3, moments, widthErr: 0, kept: [0, 1, 2] })
  const draw = random('tables')
  const size = 2 * psf.half + 1
  for (let node = 0; node < psf.nodesX * psf.nodesY; node++) {
    const values = Float64Array.from({ length: size * size }, () => 1e-4 * draw.normal())
    splineCoefficients(values, size, size)
    for (let k = 0; k < values.length; k++) psf.tables[node * values.length + k] += values[k]
  }
  return psf
}

/** Pixels of a star of 50 000 ADU within the table's radius, some missing, with an error of `off` σ of each. */
function sampleOf(psf: Psf, x: number, y: number, off: (k: number) => number): Sample {
  const [x0, y0, reach] = [Math.round(x), Math.round(y), Math.ceil(psf.radiusPx)]
  const side = 2 * reach + 1
  const profile = new Float64Array(side * side)
  const local = new LocalPsf(psf)
  local.moveTo(x0, y0)
  local.values(x, y, x0 - reach, y0 - reach, side, side, profile)
  const places = Array.from(profile.keys()).filter(k => {
    const square = ((k % side) - reach) ** 2 + (Math.floor(k / side) - reach) ** 2
    return square <= psf.radiusPx ** 2 && k % 17 !== 3
  })
  const flux = 50_000
  return {
    star: 0,
    x0,
    y0,
    x,
    y,
    flux,
    chi: Number.NaN,
    doubt,
    skyVariance: 0,
    reach,
    dx: Float64Array.from(places, k => (k % side) - reach),
    dy: Float64Array.from(places, k => Math.floor(k / side) - reach),
    value: Float64Array.from(places, k => flux * profile[k] + noise * off(k)),
    sigma: new Float64Array(places.length).fill(noise),
  }
}

function stampsOf(psf: Psf, sample: Sample): SampleStamps {
  const memory = new KernelMemory(4e7)
  const stamps = new SampleStamps(memory, new StampPsf(memory, psf), [sample])
  stamps.moveTo(sample)
  return stamps
}

test.each([1.4, 3.1, 7])('a PSF star of FWHM %d pixel is found where it stands, with its flux', fwhmPx => {
  const psf = psfOf(fwhmPx)
  const sample = sampleOf(psf, 80.44, 61.57, () => 0)
  const stamps = stampsOf(psf, sample)
  sample.x += 0.1
  sample.y -= 0.12
  sample.flux *= 1.1
  stamps.fit(sample, 12)
  expect(sample.x).toBeCloseTo(80.44, 3)
  expect(sample.y).toBeCloseTo(61.57, 3)
  expect(sample.flux / 50_000).toBeCloseTo(1, 4)
  expect(sample.chi).toBeLessThan(0.1) // no noise was added
})

test('a level of the sky under a PSF star is told from its wing, and its flux stays', () => {
  const psf = psfOf(3.1)
  // Two σ in every pixel: 3 % of the flux within the fitting radius.
  const sample = { ...sampleOf(psf, 80.44, 61.57, () => 2), skyVariance: (2 * noise) ** 2 }
  const stamps = stampsOf(psf, sample)
  for (let round = 0; round < 12; round++) {
    stamps.fit(sample, 1)
    stamps.sample(sample)
    stamps.fitSky(sample)
  }
  expect(sample.flux / 50_000).toBeCloseTo(1, 3)
})

test('χ of a PSF star is that of its noise', () => {
  const draw = random('noise')
  const psf = psfOf(3.1)
  const sample = sampleOf(psf, 80.44, 61.57, () => 1.5 * draw.normal())
  stampsOf(psf, sample).fit(sample, 4)
  // Some 180 pixels within the fitting radius tell χ to a twentieth.
  expect(Math.abs(sample.chi - 1.5)).toBeLessThan(0.25)
})

test.each([1.4, 3.1, 7])('what a star of FWHM %d pixel tells the nodes is what plain code adds up', fwhmPx => {
  const psf = psfOf(fwhmPx)
  const draw = random('noise')
  const sample = sampleOf(psf, 80.44, 61.57, () => 2 * draw.normal())
  const stamps = stampsOf(psf, sample)
  const equations = new NodeEquations(psf, order, stamps)
  const place = { x: 0.3, y: -0.7 }
  equations.clear(true)
  stamps.sample(sample)
  equations.add(stamps, sample, place)
  const { normal, normalLength, right, rightLength } = equations.blocks

  const { oversampling: os, half } = psf
  const size = 2 * half + 1
  const wanted = { normal: new Float64Array(6 * size * size), right: new Float64Array(terms * size * size) }
  const polynomial = new Float64Array(terms)
  legendreTerms(order, place.x, place.y, polynomial)
  const local = new LocalPsf(psf)
  local.moveTo(sample.x0, sample.y0)
  const [one, alongX, alongY] = [1, 4, 4].map(length => new Float64Array(length))
  sample.value.forEach((value, k) => {
    const [px, py] = [sample.x0 + sample.dx[k], sample.y0 + sample.dy[k]]
    local.values(sample.x, sample.y, px, py, 1, 1, one)
    const light = sample.flux * one[0]
    const variance = (noise ** 2 + doubt + (0.01 * light) ** 2) / sample.flux ** 2
    const off = (value - light) / sample.flux
    const weight = 1 / (variance * (1 + (off ** 2 / (25 * variance)) ** 2))
    const [u, v] = [(px - sample.x) * os + half, (py - sample.y) * os + half]
    splineWeights(u - Math.floor(u), alongX)
    splineWeights(v - Math.floor(v), alongY)
    for (let n = 0; n < 16; n++) {
      const node = (Math.floor(v) - 1 + (n >> 2)) * size + Math.floor(u) - 1 + (n % 4)
      const share = weight * alongX[n % 4] * alongY[n >> 2]
      for (let i = 0, at = 6 * node; i < terms; i++) {
        wanted.right[terms * node + i] += share * off * polynomial[i]
        for (let j = 0; j <= i; j++) wanted.normal[at++] += share * polynomial[i] * polynomial[j]
      }
    }
  })
  const most = (list: Float64Array) => list.reduce((all, value) => Math.max(all, Math.abs(value)), 0)
  const [mostNormal, mostRight] = [most(wanted.normal), most(wanted.right)]
  for (let node = 0; node < size * size; node++) {
    for (let i = 0; i < 6; i++) {
      expect((normal[node * normalLength + i] - wanted.normal[6 * node + i]) / mostNormal).toBeCloseTo(0, 4)
    }
    for (let i = 0; i < terms; i++) {
      expect((right[node * rightLength + i] - wanted.right[terms * node + i]) / mostRight).toBeCloseTo(0, 3)
    }
  }
})

test.each([
  { fwhmPx: 1.6, beta: 2.5 },
  { fwhmPx: 3.2, beta: 3.3 },
  { fwhmPx: 7, beta: 4.5 },
])('the Moffat of a star of FWHM $fwhmPx pixel is found, with the errors that its noise leaves', ({ fwhmPx, beta }) => {
  const scale = (4 * (2 ** (1 / beta) - 1)) / (fwhmPx * fwhmPx)
  const truth = { a: 1.1 * scale, b: 0.9 * scale, c: 0.15 * scale, beta }
  const reach = Math.ceil(2.5 * fwhmPx)
  const side = 2 * reach + 1
  const [flux, sigma, x, y] = [80_000, 3, 0.21, -0.34]
  const places = Array.from({ length: side * side }, (_, k) => [(k % side) - reach, Math.floor(k / side) - reach])
  const pixels = {
    dx: Float64Array.from(places, ([dx]) => dx),
    dy: Float64Array.from(places, ([, dy]) => dy),
    value: Float64Array.from(places, ([dx, dy]) => flux * moffatPixel(truth, dx - x, dy - y, fwhmPx)),
    sigma: new Float64Array(places.length).fill(sigma),
  }
  const fit = fitMoffat(pixels, fwhmPx)
  expect(fit?.flux).toBeCloseTo(flux, -2)
  expect(fit?.x).toBeCloseTo(x, 3)
  expect(fit?.y).toBeCloseTo(y, 3)
  for (const key of ['a', 'b', 'c', 'beta'] as const) expect((fit?.[key] ?? 0) / truth[key]).toBeCloseTo(1, 2)
  // The error of a free flux with everything else free is more than that of the flux alone, σ / √ΣP².
  const alone = sigma / Math.sqrt(pixels.value.reduce((sum, value) => sum + (value / flux) ** 2, 0))
  const error = Math.sqrt(fit?.fit.covariance[0] ?? 0)
  expect(error).toBeGreaterThan(alone)
  expect(error).toBeLessThan(4 * alone)
})
