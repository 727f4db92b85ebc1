import { expect, test } from 'vitest'
import { smooth } from '#shared/image/matched-filter.ts'
import { starShape } from '#shared/image/star-shape.ts'
import { random } from '#shared/numeric/random.ts'

const WIDTH = 45
const HEIGHT = 150 // more lines than are smoothed together

function impulses(...places: [x: number, y: number][]): Float32Array {
  const image = new Float32Array(WIDTH * HEIGHT)
  for (const [x, y] of places) image[y * WIDTH + x] = 1
  return image
}

/** Sum and moments of an image about a place. */
function moments(image: Float32Array, x: number, y: number) {
  const total = { sum: 0, xx: 0, xy: 0, yy: 0 }
  image.forEach((value, i) => {
    const [dx, dy] = [(i % WIDTH) - x, Math.floor(i / WIDTH) - y]
    total.sum += value
    total.xx += value * dx * dx
    total.xy += value * dx * dy
    total.yy += value * dy * dy
  })
  return total
}

test.each([
  ['a round star', 2.2, 0, 2.2],
  ['a star wider than high', 4, 0, 2],
  ['a star that leans', 4, 1.5, 3],
  ['a star that leans the other way', 3, -1.2, 4],
])('an impulse becomes %s, of sum 1 and its covariance, wherever it stands', (_, xx, xy, yy) => {
  // 62 and 66 lie on both sides of where one strip of lines ends and the next begins
  for (const [x, y] of [
    [20, 20],
    [22, 62],
    [22, 66],
    [24, 130],
  ]) {
    const found = moments(smooth(impulses([x, y]), WIDTH, HEIGHT, starShape(xx, xy, yy)), x, y)
    expect(found.sum).toBeCloseTo(1, 5)
    // cut at three sigma, a Gaussian has 0.973 of its variance; shares of pixels between two lines add a little
    for (const [is, want] of [
      [found.xx, xx],
      [found.yy, yy],
    ]) {
      expect(is / want).toBeGreaterThan(0.95)
      expect(is / want).toBeLessThan(1.08)
    }
    expect(found.xy).toBeCloseTo(0.97 * xy, 0.5)
  }
})

test('smoothing is linear, and an image without light stays dark', () => {
  const draw = random('image')
  const image = Float32Array.from({ length: WIDTH * HEIGHT }, () => draw.normal())
  const shape = starShape(3, 0.9, 2.5)
  const once = smooth(image, WIDTH, HEIGHT, shape)
  const twice = smooth(
    image.map(value => 2 * value),
    WIDTH,
    HEIGHT,
    shape,
  )
  for (let i = 0; i < once.length; i++) expect(Math.abs(twice[i] - 2 * once[i])).toBeLessThan(1e-5)
  expect(smooth(new Float32Array(WIDTH * HEIGHT), WIDTH, HEIGHT, shape).every(value => value === 0)).toBe(true)
})

test('what lies beyond the border counts as dark: at a corner a quarter of the light is left over', () => {
  const sum = (image: Float32Array) => image.reduce((total, value) => total + value, 0)
  const shape = starShape(2.25, 0, 2.25)
  // half of a Gaussian, and half of the pixel that it stands on: (1 + weight of the middle tap) / 2 along each axis
  const taps = Array.from({ length: 11 }, (_, k) => Math.exp(-((k - 5) ** 2) / 2 / 2.25))
  const half = (1 + taps[5] / taps.reduce((a, b) => a + b)) / 2
  expect(sum(smooth(impulses([0, 0]), WIDTH, HEIGHT, shape))).toBeCloseTo(half * half, 5)
  expect(sum(smooth(impulses([WIDTH - 1, HEIGHT - 1]), WIDTH, HEIGHT, shape))).toBeCloseTo(half * half, 5)
})
