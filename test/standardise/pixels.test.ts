import { describe, expect, test } from 'vitest'
import { markBadColumns } from '#shared/image/bad-columns.ts'
import { findCutOff } from '#shared/image/cut-off-sky.ts'
import { markDeadAreas } from '#shared/image/dead-areas.ts'
import { completeDetector } from '#shared/image/detector-estimate.ts'
import { type Detector, MASK } from '#shared/image/frame.ts'
import { estimateGain } from '#shared/image/gain-estimate.ts'
import { buildMask } from '#shared/image/mask.ts'
import { photonTransfer } from '#shared/image/noise.ts'
import { estimateSaturation } from '#shared/image/saturation.ts'
import { random } from '#shared/numeric/random.ts'
import { expose, starGrid } from './camera.ts'

const size = 512
const detector: Detector = { gainElectronsPerAdu: 1.5, readNoiseElectrons: 8, saturationAdu: 60_000, pedestalAdu: 100 }
const skySigma = Math.sqrt(600 / 1.5 + (8 / 1.5) ** 2) // ADU, of the usual scene
const marked = (mask: Uint8Array, bit: number) => mask.reduce((count, bits) => count + (bits & bit ? 1 : 0), 0)

describe('the photon transfer of one frame', () => {
  test.each([
    ['a steep sky', 1.5, 8, 600, 0.6],
    ['a bright sky and a low gain', 0.4, 3, 3000, 0.3],
    ['a high gain', 5, 12, 2000, 0.5],
  ])('gives the gain within its own error: %s', (seed, gain, readNoise, skyAdu, gradient) => {
    const pixels = expose({ width: size, height: size, gain, readNoise, skyAdu, gradient, seed })
    const { slope, slopeErr, skyVariance } = photonTransfer(pixels, size, size, 60_000)
    expect(skyVariance / (skyAdu / gain + (readNoise / gain) ** 2 + 1 / 12)).toBeCloseTo(1, 1)
    expect(Math.abs(slope - 1 / gain)).toBeLessThan(3.5 * slopeErr)
    expect(slopeErr * gain).toBeLessThan(0.1)
  })

  test('gives the gain from the light of the stars alone, under a sky without a gradient', () => {
    const stars = starGrid(size, size, 32, 200_000)
    const pulls = ['one', 'two', 'three', 'four'].map(seed => {
      const pixels = expose({ width: size, height: size, gradient: 0, stars, seed })
      const { slope, slopeErr } = photonTransfer(pixels, size, size, 60_000)
      expect(slopeErr * 1.5).toBeLessThan(0.15)
      return (slope - 1 / 1.5) / slopeErr
    })
    for (const pull of pulls) expect(Math.abs(pull)).toBeLessThan(3.5)
    expect(Math.abs(pulls.reduce((sum, pull) => sum + pull, 0) / pulls.length)).toBeLessThan(1.75) // 3.5 σ of a mean of 4
  })

  test('is not taken in by a sloping sky: the noise within a cell is that of its pixels', () => {
    // 3 ADU a pixel, 100 over a cell
    const light = expose({ width: size, height: size, gradient: 0 }).map((value, i) => value + 3 * (i % size))
    const { skyVariance } = photonTransfer(light, size, size, 60_000)
    expect(skyVariance / skySigma ** 2).toBeGreaterThan(0.98)
    expect(skyVariance / skySigma ** 2).toBeLessThan(1.02)
  })

  test('stars do not disturb the noise of the sky', () => {
    const stars = starGrid(size, size, 32, 200_000)
    const pixels = expose({ width: size, height: size, stars, gradient: 0 })
    const { skyAdu, skyVariance } = photonTransfer(pixels, size, size, 60_000)
    expect(Math.abs(skyAdu - 700)).toBeLessThan(10)
    expect(skyVariance / skySigma ** 2).toBeGreaterThan(0.97)
    expect(skyVariance / skySigma ** 2).toBeLessThan(1.06)
  })

  test('with gain and read noise told the pedestal follows, with gain and pedestal the read noise', () => {
    const transfer = photonTransfer(expose({ width: size, height: size, gradient: 0 }), size, size, 60_000)
    const pedestal = completeDetector({ gain: 1.5, readNoise: 8 }, transfer).pedestalAdu
    expect(pedestal.how).toBe('measured')
    expect(Math.abs(pedestal.value - 100)).toBeLessThan(10)
    const readNoise = completeDetector({ gain: 1.5, pedestal: 100 }, transfer).readNoiseElectrons
    expect(readNoise.how).toBe('measured')
    expect(Math.abs(readNoise.value - 8)).toBeLessThan(1.5)
  })

  test('what the pixels cannot tell is assumed and called so, and still gives the noise of the sky', () => {
    const transfer = photonTransfer(expose({ gradient: 0 }), 128, 128, 60_000)
    const {
      gainElectronsPerAdu: gain,
      readNoiseElectrons: noise,
      pedestalAdu: pedestal,
    } = completeDetector({}, transfer)
    expect(noise.how).toBe('assumed')
    const variance = (transfer.skyAdu - pedestal.value) / gain.value + (noise.value / gain.value) ** 2
    expect(variance / transfer.skyVariance).toBeCloseTo(1, 6)
  })
})

describe('a gain that nothing tells', () => {
  /** The curve of a camera, with a slope that is as uncertain as in a frame without stars. */
  const curve = (gain: number, readNoise: number, pedestal: number, skyAdu: number, share = 0.5) => ({
    skyAdu: skyAdu + pedestal,
    skyVariance: skyAdu / gain + (readNoise / gain) ** 2,
    slope: 1 / gain,
    slopeErr: share / gain,
  })

  test.each([
    ['a calibrated frame of a CCD', 1.5, 8, 0, 600],
    ['with the pedestal that programs add', 1.5, 8, 100, 600],
    ['a CMOS camera at low gain', 0.25, 1.5, 0, 900],
    ['a bright sky', 2.5, 10, 100, 9000],
  ])('is found to 15 %% from the noise of the sky alone: %s', (_, gain, readNoise, pedestal, skyAdu) => {
    const { gainElectronsPerAdu, relativeError } = estimateGain({}, curve(gain, readNoise, pedestal, skyAdu))
    expect(Math.abs(gainElectronsPerAdu / gain - 1)).toBeLessThan(0.15)
    expect(Math.abs(gainElectronsPerAdu / gain - 1)).toBeLessThan(3 * relativeError)
  })

  test.each([
    ['a raw frame with a high pedestal', 1.5, 8, 2000, 100],
    ['a frame of which the sky was taken off', 1.5, 8, -600, 600],
  ])('follows the photon transfer where that contradicts what is usual: %s', (_, gain, readNoise, pedestal, skyAdu) => {
    const { gainElectronsPerAdu } = estimateGain({}, curve(gain, readNoise, pedestal, skyAdu, 0.04))
    expect(Math.abs(gainElectronsPerAdu / gain - 1)).toBeLessThan(0.1)
  })

  test('is exact to the read noise where the pedestal is told', () => {
    const { gainElectronsPerAdu, relativeError } = estimateGain({ pedestal: 100 }, curve(1.5, 5, 100, 600, 10))
    expect(Math.abs(gainElectronsPerAdu / 1.5 - 1)).toBeLessThan(0.04)
    expect(relativeError).toBeLessThan(0.06)
  })
})

describe('the saturation level', () => {
  test('is where the brightest stars pile up', () => {
    const pixels = expose({ width: size, height: size, stars: starGrid(size, size, 64, 9e6), fullWellAdu: 51_234 })
    expect(estimateSaturation(pixels, true)).toMatchObject({ saturationAdu: 51_234, how: 'plateau' })
    for (let i = 0; i < pixels.length; i += 100) pixels[i] = Number.POSITIVE_INFINITY
    expect(estimateSaturation(pixels, false)).toMatchObject({ saturationAdu: 51_234, how: 'plateau' })
  })

  test.each([
    [4095, 3000],
    [16_383, 9000],
    [65_535, 40_000],
  ])('is the range of the converter, %d, where nothing piles up', (range, top) => {
    const pixels = Float32Array.from({ length: 10_000 }, (_, i) => 500 + (i === 77 ? top - 500 : i % 100))
    expect(estimateSaturation(pixels, true)).toMatchObject({ saturationAdu: range, how: 'digital range' })
  })
})

describe('a sky that was cut off', () => {
  const cutOff = (scene: Parameters<typeof expose>[0], change = (_: Float32Array) => {}) => {
    const pixels = expose({ width: size, height: size, stars: starGrid(size, size, 64, 200_000), ...scene })
    change(pixels)
    const { skyAdu, skyVariance } = photonTransfer(pixels, size, size, 60_000)
    return findCutOff(pixels, skyAdu, Math.sqrt(skyVariance))
  }

  // normal: the share of noise below so many σ; stars cover some of the sky, and it slopes by 3 σ
  test.each([
    ['at its level', -600, 0.5],
    ['one σ below', -579, 0.21],
    ['two σ below', -559, 0.06],
  ])('is found %s, with the share of its pixels that are lost', (_, pedestal, share) => {
    const found = cutOff({ pedestal })
    expect(found?.valueAdu).toBe(0)
    expect(found!.share).toBeGreaterThan(0.7 * share)
    expect(found!.share).toBeLessThan(1.2 * share)
  })

  // the noise is 20 ADU: three σ above the sky and farther nothing is left of it
  test.each([60, 200])('is found %d ADU above its level, where stars alone stick out', above => {
    const found = cutOff({ pedestal: -600 - above, gradient: 0 })
    expect(found?.valueAdu).toBe(0)
    expect(found!.share).toBeGreaterThan(0.8)
    expect(found!.share).toBeLessThan(0.999)
  })

  test.each<[string, Parameters<typeof expose>[0], ((pixels: Float32Array) => void)?]>([
    ['is whole', {}],
    ['just touches zero', { pedestal: -520 }],
    ['counts single photons', { pedestal: 0, skyAdu: 3, gain: 1, readNoise: 0, gradient: 0 }],
    ['has blank borders', {}, pixels => pixels.fill(0, 0, pixels.length / 3)],
    ['is blank for the most part', {}, pixels => pixels.fill(0, 0, 0.7 * pixels.length)],
    ['has dead pixels', {}, pixels => void pixels.set(pixels.map((value, i) => (i % 37 === 0 ? 0 : value)))],
  ])('is not seen in one that %s', (_, scene, change) => {
    expect(cutOff(scene, change)).toBeUndefined()
  })
})

describe('the mask', () => {
  test('cosmic rays and hot pixels are found, the stars of an undersampled frame are left alone', () => {
    const stars = starGrid(size, size, 24, 300_000)
    const pixels = expose({ width: size, height: size, stars, fwhmPx: 1.6 })
    const clean = buildMask(pixels, size, size, detector, skySigma)
    expect(marked(clean, MASK.cosmicRay)).toBeLessThanOrEqual(2)

    const draw = random('cosmic rays')
    const hit = new Set<number>()
    for (let k = 0; k < 60; k++) {
      const [x, y] = [8 + draw.integer(size - 16), 8 + draw.integer(size - 16)]
      const length = 1 + draw.integer(4)
      const vertical = draw.uniform() < 0.5
      for (let s = 0; s < length; s++) {
        const i = vertical ? (y + s) * size + x : y * size + x + s
        if (stars.some(star => Math.hypot(star.x - (i % size), star.y - Math.floor(i / size)) < 5)) continue
        pixels[i] += 15 * skySigma * (1 + 5 * draw.uniform())
        hit.add(i)
      }
    }
    const mask = buildMask(pixels, size, size, detector, skySigma)
    const found = [...hit].filter(i => mask[i] & MASK.cosmicRay).length
    expect(hit.size).toBeGreaterThan(80)
    expect(found / hit.size).toBeGreaterThan(0.95)
    expect(marked(mask, MASK.cosmicRay) - found).toBeLessThanOrEqual(4)
  })

  test('stars are left alone at every sampling', () => {
    for (const fwhmPx of [1.3, 2, 3, 6]) {
      const pixels = expose({ width: 256, height: 256, stars: starGrid(256, 256, 32, 500_000), fwhmPx })
      const mask = buildMask(pixels, 256, 256, detector, skySigma)
      expect([fwhmPx, marked(mask, MASK.cosmicRay)]).toEqual([fwhmPx, expect.toSatisfy((n: number) => n <= 2)])
    }
  })

  test.each([1.5, 3])('saturated hot pixels and dead ones are bad, saturated stars of FWHM %d are not', fwhmPx => {
    // cores of one pixel and of many, centred anywhere in the pixel
    const place = random('places')
    const stars = Array.from({ length: 400 }, () => ({
      ...{ x: size * place.uniform(), y: size * place.uniform() },
      flux: 150_000 * fwhmPx * fwhmPx * 10 ** (1.5 * place.uniform() - 1),
    }))
    const pixels = expose({ width: size, height: size, stars, fwhmPx })
    const clean = buildMask(pixels, size, size, detector, skySigma)
    expect(marked(clean, MASK.saturated)).toBeGreaterThan(20)
    expect(marked(clean, MASK.bad)).toBe(0)

    const draw = random('hot pixels')
    const made = new Set<number>()
    for (let i = 0; i < pixels.length; i++) {
      const lot = draw.uniform()
      if (lot > 0.021 || clean[i] !== 0) continue
      pixels[i] = lot < 0.02 ? detector.saturationAdu : 0
      made.add(i)
    }
    const mask = buildMask(pixels, size, size, detector, skySigma)
    const found = [...made].filter(i => mask[i] & MASK.bad).length
    expect(found / made.size).toBeGreaterThan(0.98)
    const cores = [...clean.keys()].filter(i => clean[i] & MASK.saturated)
    const kept = cores.filter(i => mask[i] & MASK.saturated).length
    expect(kept / cores.length).toBeGreaterThan(0.98)
    expect(marked(mask, MASK.bad) - found).toBe(cores.length - kept)
  })

  test('a dark column is marked from where it begins, its neighbours are not', () => {
    const pixels = expose({ width: size, height: size })
    for (let y = 200; y < size; y++) pixels[y * size + 300] *= 0.6
    const mask = new Uint8Array(pixels.length)
    markBadColumns(pixels, mask, size, size, skySigma)
    const rows = Array.from({ length: size }, (_, y) => mask[y * size + 300] & MASK.bad)
    expect(rows.slice(224).every(bit => bit === MASK.bad)).toBe(true)
    expect(rows.slice(0, 150).every(bit => bit === 0)).toBe(true)
    expect(marked(mask, MASK.bad)).toBe(rows.filter(bit => bit > 0).length)
  })

  test('NaN is bad, saturated trails are longer than what is saturated', () => {
    const pixels = expose({ width: 64, height: 64 })
    pixels[5] = Number.NaN
    for (let y = 20; y < 40; y++) pixels[y * 64 + 30] = 60_000
    const mask = buildMask(pixels, 64, 64, detector, skySigma)
    expect(mask[5] & MASK.bad).toBe(MASK.bad)
    const trail = Array.from({ length: 64 }, (_, y) => (mask[y * 64 + 30] & MASK.saturated ? y : -1)).filter(
      y => y >= 0,
    )
    expect([trail[0], trail.at(-1)]).toEqual([18, 41])
  })
})

describe('a dead area', () => {
  const size = 128
  const noisy = (sigma: number, step = 1) => {
    const draw = random('dead area')
    return Float32Array.from({ length: size * size }, () => step * Math.round((400 + sigma * draw.normal()) / step))
  }
  const quadrant = (i: number) => i % size < 64 && i < 64 * size

  test.each([
    ['zero', 0],
    ['the level of the sky', 400],
  ])('of %s is masked to its last pixel, and nothing else is', (_, value) => {
    const pixels = noisy(8).map((sky, i) => (quadrant(i) ? value : sky))
    const mask = new Uint8Array(pixels.length)
    const masked = markDeadAreas(pixels, mask, size, size)
    expect(mask.findIndex((bits, i) => quadrant(i) && bits === 0)).toBe(-1)
    expect(masked - 64 * 64).toBeLessThan(20) // neighbours that have the value by chance
  })

  test('is none where pixels are in steps coarser than the noise, or saturated', () => {
    expect(markDeadAreas(noisy(2, 16), new Uint8Array(size * size), size, size)).toBe(0)
    const full = noisy(8).map((sky, i) => (quadrant(i) ? 65_535 : sky))
    const mask = Uint8Array.from(full, value => (value === 65_535 ? MASK.saturated : 0))
    expect(markDeadAreas(full, mask, size, size)).toBe(0)
  })
})
