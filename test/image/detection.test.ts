import { expect, test } from 'vitest'
import { hasFlag } from '#shared/flags.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { detectSources, detectWithShape } from '#shared/image/detection.ts'
import { type Frame, MASK } from '#shared/image/frame.ts'
import { median } from '#shared/numeric/robust.ts'
import { drawFrame, findStars, PLAIN, type SkyKnobs, type Star, scatterStars } from './virtual-stars.ts'

/** Signal to noise of a Gaussian star under a fitted profile, faint limit (King 1983): F / (σ · 2√π · s). */
function fluxFor(significance: number, knobs: SkyKnobs): number {
  const noise = Math.sqrt(knobs.sky(0, 0) / knobs.gain + (knobs.readNoise / knobs.gain) ** 2)
  return significance * noise * 2 * Math.sqrt(Math.PI) * (knobs.fwhm / 2.3548)
}

function detect(frame: Frame, threshold?: number) {
  return detectSources(frame, estimateBackground(frame), { threshold })
}

const gaussian = { ...PLAIN, beta: Number.POSITIVE_INFINITY }

test.each([
  // Normal probability to lie above the threshold of 4; finding the peak among neighbours lifts it a little.
  [6, 0.96, 1],
  [5, 0.78, 0.95],
  [4, 0.4, 0.75],
])('of stars with a signal-to-noise ratio of %f the share above 4 sigma is found', (ratio, low, high) => {
  // A few bright ones tell the seeing.
  const bright = scatterStars(30, fluxFor(60, gaussian), gaussian, 25)
  const all = scatterStars(230, fluxFor(ratio, gaussian), { ...gaussian, seed: 2 }, 18)
  const faint = all.filter(star => bright.every(other => Math.hypot(star.x - other.x, star.y - other.y) > 18))
  const found = detect(drawFrame([...bright, ...faint], gaussian))
  const share = findStars(faint, found, 2).filter(row => row >= 0).length / faint.length
  expect(share).toBeGreaterThan(low)
  expect(share).toBeLessThanOrEqual(high)
})

test('an empty sky has no star above 5 sigma, and about as many above 4 as noise makes', () => {
  const frame = drawFrame([], { width: 1024, height: 1024 })
  expect(detect(frame, 5.5).x.length).toBe(0)
  // Peaks of a Gaussian random field (Bond & Efstathiou 1987): some 25 in as many pixels at this width.
  expect(detect(frame, 4).x.length).toBeLessThan(60)
})

test.each([
  ['a Gaussian', { beta: Number.POSITIVE_INFINITY }, 1.05],
  ['a Moffat', { beta: 3 }, 1.25],
  ['an undersampled', { beta: Number.POSITIVE_INFINITY, fwhm: 1.9 }, 1.15],
  ['a trailed', { beta: Number.POSITIVE_INFINITY, elongation: 1.6, fwhm: 4 }, 1.08],
])('the windowed centroid of %s star is as good as the photons allow', (_, knobs, most) => {
  const k = { ...PLAIN, ...knobs }
  const flux = fluxFor(60, k)
  const stars = scatterStars(220, flux, k, 25)
  const found = detect(drawFrame(stars, k))
  const rows = findStars(stars, found, 2)
  const across = rows.flatMap((row, i) => (row >= 0 ? [found.y[row] - stars[i].y] : []))
  const stated = rows.flatMap(row => (row >= 0 ? [found.yErr[row]] : []))
  const error = Math.sqrt(across.reduce((sum, value) => sum + value * value, 0) / across.length)
  const limit = cramerRaoY(k, flux)
  expect(error / limit).toBeGreaterThan(0.88)
  expect(error / limit).toBeLessThan(most * 1.12) // 220 stars tell a scatter to 5 per cent
  expect(error / median(stated)).toBeGreaterThan(0.85)
  expect(error / median(stated)).toBeLessThan(1.2)
})

/** Cramér–Rao limit of y from the pixels: 1/σ² = Σ (∂I/∂y)² / variance, averaged over nothing (centred star). */
function cramerRaoY(k: SkyKnobs, flux: number): number {
  const size = { ...k, width: 61, height: 61, gain: 1e9, readNoise: 0, sky: () => 0 }
  const at = (y: number) => drawFrame([{ x: 30.2, y, flux: flux * 1e3 }], size).pixels
  const [up, down, here] = [at(30.3), at(30.1), at(30.2)]
  let information = 0
  for (let i = 0; i < here.length; i++) {
    const slope = (up[i] - down[i]) / 0.2 / 1e3
    const variance = (k.sky(0, 0) + here[i] / 1e3) / k.gain + (k.readNoise / k.gain) ** 2
    information += (slope * slope) / variance
  }
  return 1 / Math.sqrt(information)
}

test('the seeing is measured from the frame', () => {
  for (const fwhm of [2, 3.5, 6]) {
    const k = { ...gaussian, fwhm }
    const frame = drawFrame(scatterStars(60, 20_000, k, 30, 30), k)
    const { shape } = detectWithShape(frame, estimateBackground(frame))
    // A pixel widens a Gaussian by its own variance of 1/12.
    const expected = 2.3548 * Math.sqrt((fwhm / 2.3548) ** 2 + 1 / 12)
    expect(shape.fwhmPx / expected).toBeGreaterThan(0.97)
    expect(shape.fwhmPx / expected).toBeLessThan(1.03)
    expect(shape.elongation).toBeLessThan(1.04)
  }
})

test.each([
  ['equal stars 1.1 widths at half maximum', 1.1, 1],
  ['stars of one magnitude difference 1.4 widths', 1.4, 0.4],
  ['stars of two magnitudes difference 1.8 widths', 1.8, 0.16],
])('%s apart are two, each at its place', (_, part, ratio) => {
  const stars = scatterStars(120, 20_000, {}, 32, 30)
  const seconds: Star[] = stars.slice(0, 50).map((star, i) => ({
    x: star.x + part * PLAIN.fwhm * Math.cos(i),
    y: star.y + part * PLAIN.fwhm * Math.sin(i),
    flux: star.flux * ratio,
  }))
  const found = detect(drawFrame([...stars, ...seconds]))
  const rows = findStars(seconds, found, 0.4 * PLAIN.fwhm)
  expect(rows.filter(row => row >= 0).length / seconds.length).toBeGreaterThan(0.85)
  expect(found.x.length).toBeLessThan(stars.length + seconds.length + 5)
  if (part < 1.5) for (const row of rows) if (row >= 0) expect(hasFlag(found.flags[row], 'blended')).toBe(true)
})

test('hot pixels and single cosmic-ray hits are no stars', () => {
  const stars = scatterStars(80, 15_000, {}, 30)
  const frame = drawFrame(stars)
  for (let i = 0; i < 200; i++) frame.pixels[(7919 * (i + 1)) % frame.pixels.length] += 400 + 100 * i
  const found = detect(frame)
  expect(found.x.length).toBeLessThan(stars.length + 8)
  expect(findStars(stars, found, 1).filter(row => row >= 0).length).toBeGreaterThan(76)
})

test('a saturated star with a flat top and a bleed trail is one star', () => {
  const frame = drawFrame([{ x: 250, y: 250, flux: 3e6 }, ...scatterStars(30, 15_000, {}, 40)])
  for (let i = 0; i < frame.pixels.length; i++) frame.pixels[i] = Math.min(frame.pixels[i], 60_000)
  for (let y = 200; y < 300; y++) frame.pixels[y * 512 + 250] = 60_000
  for (let i = 0; i < frame.pixels.length; i++) if (frame.pixels[i] >= 60_000) frame.mask[i] = MASK.saturated
  const found = detect(frame)
  const saturated = Array.from(found.flags.keys()).filter(i => hasFlag(found.flags[i], 'saturated'))
  expect(saturated.length).toBe(1)
  expect(Math.hypot(found.x[saturated[0]] - 250, found.y[saturated[0]] - 250)).toBeLessThan(1)
})

test('the same frame gives the same detections, bit for bit', () => {
  const frame = drawFrame(scatterStars(100, 5000))
  expect(detect(frame)).toEqual(detect(frame))
})

test('bad columns neither hide their stars nor make new ones', () => {
  const stars = scatterStars(60, 15_000, {}, 30)
  stars[0] = { x: 200.3, y: 300.2, flux: 15_000 }
  const frame = drawFrame(stars)
  for (let y = 0; y < 512; y++) {
    frame.pixels[y * 512 + 200] = 5
    frame.mask[y * 512 + 200] = MASK.bad
  }
  const found = detect(frame)
  const [row] = findStars(stars, found, 1)
  expect(row).toBeGreaterThanOrEqual(0)
  expect(hasFlag(found.flags[row], 'maskedPixels')).toBe(true)
  expect(found.x.length).toBeLessThan(68)
})
