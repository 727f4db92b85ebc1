import { expect, test } from 'vitest'
import { BINS, SkyHistograms, STEP_BINS } from '#shared/image/sky-histograms.ts'
import { SignalPlane } from '#shared/image/window-kernels.ts'
import { random } from '#shared/numeric/random.ts'

// what the kernels do is held to the same as plain code in double precision
const draw = random('windows')
const SIDE = 41
const close = (found: number, expected: number, scale: number) =>
  expect(Math.abs(found - expected)).toBeLessThan(2e-6 * scale)

/** Sum over the pixels of a window of a function of weight, value and offsets. */
function plainSum(
  plane: SignalPlane,
  left: number,
  low: number,
  columns: number,
  lines: number,
  dx: number,
  dy: number,
) {
  const weight = (u: number, v: number) => plane.weightX[u] * plane.weightY[v]
  return (term: (weight: number, value: number, dx: number, dy: number) => number) => {
    let sum = 0
    for (let v = 0; v < lines; v++)
      for (let u = 0; u < columns; u++)
        sum += term(weight(u, v), plane.signal[(low + v) * SIDE + left + u], dx + u, dy + v)
    return sum
  }
}

test.each([
  [5, 7, 21, 21],
  [0, 0, 10, 3],
  [20, 20, 21, 21],
])('sums under a window from %i, %i of %i × %i pixels are those of plain code', (left, low, columns, lines) => {
  const plane = new SignalPlane(SIDE, SIDE)
  for (let i = 0; i < plane.signal.length; i++) plane.signal[i] = 50 * draw.normal() + 200
  plane.weightX.fill(0)
  for (let u = 0; u < columns; u++) plane.weightX[u] = draw.uniform()
  for (let v = 0; v < lines; v++) plane.weightY[v] = draw.uniform()
  const [dx, dy] = [-columns / 2 + 0.3, -lines / 2 - 0.2]
  const window = { signal: plane.signal, width: SIDE, left, low, columns, lines }
  const sum = plainSum(plane, left, low, columns, lines, dx, dy)
  const size = sum((w, value) => w * Math.abs(value))
  const [all, byX, byY] = plane.sums(window, dx, dy)
  close(
    all,
    sum((w, value) => w * value),
    size,
  )
  close(
    byX,
    sum((w, value, x) => w * value * x),
    columns * size,
  )
  close(
    byY,
    sum((w, value, _, y) => w * value * y),
    lines * size,
  )
  const variance = (w: number, value: number) => w * w * (9 + Math.max(0, value) / 1.5)
  const noise = plane.noise(window, dx, dy, 9, 1 / 1.5)
  const expected = [
    sum(variance),
    sum((w, value, x) => variance(w, value) * x * x),
    sum((w, value, _, y) => variance(w, value) * y * y),
    sum((w, value, x) => w * value * x * x),
    sum((w, value, _, y) => w * value * y * y),
  ]
  for (const [k, value] of expected.entries()) close(noise[k], value, Math.abs(value) + size * columns)
})

test('histograms of a cell count its good pixels, and second differences that end at even columns of the frame', () => {
  const [width, height] = [37, 12]
  const pixels = Float32Array.from({ length: width * height }, () => 1000 + 20 * draw.normal())
  const mask = new Uint8Array(width * height)
  for (let k = 0; k < 30; k++) mask[Math.floor(draw.uniform() * mask.length)] = 1
  pixels[3 * width + 9] = Number.NaN
  pixels[4 * width + 12] = 1e31
  pixels[5 * width + 12] = 1e6
  const detector = { gainElectronsPerAdu: 1, readNoiseElectrons: 5, saturationAdu: 6e4, pedestalAdu: 0 }
  const histograms = new SkyHistograms({ width, height, pixels, mask, detector })
  const [x0, x1, y0, y1] = [5, 30, 2, 10]
  const bins = { start: 900, perBin: 2.5, perStepBin: 1.25 }
  const levels = new Int32Array(BINS)
  const steps = new Int32Array(STEP_BINS)
  let [good, differences] = [0, 0]
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const i = y * width + x
      if (mask[i] || !(Math.abs(pixels[i]) < 1e30)) continue
      good++
      const bin = Math.floor((pixels[i] - bins.start) * bins.perBin)
      if (bin >= 0 && bin < levels.length) levels[bin]++
      if (i % 2 === 0 || x < x0 + 4 || mask[i - 2] || mask[i - 4]) continue
      differences++
      const step = Math.floor(Math.abs(pixels[i] - 2 * pixels[i - 2] + pixels[i - 4]) * bins.perStepBin)
      if (step < steps.length) steps[step]++
    }
  }
  histograms.take(y0, y1)
  expect(histograms.count(x0, x1, bins)).toEqual({ good, steps: differences })
  expect(Array.from(histograms.levels)).toEqual(Array.from(levels))
  expect(Array.from(histograms.steps)).toEqual(Array.from(steps))
  expect(good).toBeGreaterThan(150)
  expect(differences).toBeGreaterThan(40)
})
