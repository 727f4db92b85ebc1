import { expect, test } from 'vitest'
import { GROUP, lineKernels } from '#shared/image/line-kernels.ts'
import { random } from '#shared/numeric/random.ts'

// what the kernels do is held to the same as plain code, on lines that end within a group
const WIDTH = 83
const ROOM = Math.ceil(WIDTH / GROUP) * GROUP
const draw = random('lines')
const numbers = () => Float32Array.from({ length: WIDTH }, () => 100 * draw.normal())
const perGroup = (isMarked: (x: number) => boolean) =>
  Array.from({ length: ROOM / GROUP }, (_, group) =>
    Array.from({ length: GROUP }, (_, k) => group * GROUP + k).some(x => x < WIDTH && isMarked(x)),
  )

test('a level is drawn and taken off, what is refused or no number becomes 0 and marks its group', () => {
  const pixels = numbers()
  const bytes = Uint8Array.from({ length: WIDTH }, (_, x) => (x === 20 ? 4 : x === 40 ? 2 : 0))
  pixels[50] = Number.NaN
  pixels[82] = 2e30
  const kernels = lineKernels()
  const values = kernels.room(ROOM).fill(0)
  kernels.bytes().fill(0).set(bytes)
  values.set(pixels)
  // 100 − 2 x up to pixel 29, a cubic from there on, and nothing below 60
  const starts = Int32Array.of(0, 30, WIDTH)
  const part = Float64Array.from({ length: WIDTH }, (_, x) => (x < 30 ? x : (x - 30) / 64))
  kernels.cubics().set([100, -2, 0, 0, 70, 8, -16, 64])
  const cubic = (t: number) => 70 + 8 * t - 16 * t * t + 64 * t ** 3
  const expected = Float32Array.from(part, (t, x) => Math.max(60, x < 30 ? 100 - 2 * t : cubic(t)))
  const level = kernels.draw({ starts, part }, 60)
  for (let x = 0; x < WIDTH; x++) expect(Math.abs(level[x] - expected[x])).toBeLessThan(2e-5)
  expect(level[25]).toBe(60)
  const isBad = (x: number) => (bytes[x] & 5) !== 0 || !(Math.abs(pixels[x]) < 1e30)
  const marks = kernels.over(0, WIDTH, 5)
  expect(Array.from(marks, mark => mark !== 0)).toEqual(perGroup(isBad))
  expect(marks.filter(mark => mark !== 0).length).toBe(3)
  expect(values.slice(0, WIDTH)).toEqual(pixels.map((value, x) => (isBad(x) ? 0 : value - level[x])))
})

test('values are scaled by the factor of their eight, and put out by their byte', () => {
  const pixels = numbers()
  const kernels = lineKernels()
  const values = kernels.room(ROOM).fill(0)
  values.set(pixels)
  const factors = Float32Array.from({ length: ROOM / 8 }, () => draw.uniform())
  const bytes = Uint8Array.from({ length: WIDTH }, () => (draw.uniform() < 0.8 ? 1 : 0))
  kernels.factors().set(factors)
  kernels.bytes().set(bytes)
  kernels.scale(0, WIDTH)
  const expected = pixels.map((value, x) => (bytes[x] === 0 ? 0 : Math.fround(value * factors[x >> 3])))
  expect(Array.from(values.slice(0, WIDTH), value => value + 0)).toEqual(Array.from(expected))
})

test('groups are marked that hold a top above the limit, and no others', () => {
  const stride = ROOM + 2 * GROUP
  const kernels = lineKernels()
  const values = kernels.room(3 * stride).fill(0)
  for (let line = 0; line < 3; line++) values.set(numbers(), line * stride + GROUP)
  const at = stride + GROUP
  const beside = [-1, 1, -stride, stride]
  const isTop = (limit: number) => (x: number) =>
    values[at + x] > limit && beside.every(step => values[at + x + step] <= values[at + x])
  const counts = [0, 150, 1000].map(limit => {
    const expected = perGroup(isTop(limit))
    expect(Array.from(kernels.tops(at, WIDTH, stride, limit), mark => mark !== 0)).toEqual(expected)
    return expected.filter(Boolean).length
  })
  expect(counts[0]).toBeGreaterThan(counts[1])
  expect(counts[2]).toBe(0)
})

test('one image is taken from another', () => {
  const [a, b] = [numbers(), numbers()]
  const kernels = lineKernels()
  const values = kernels.room(2 * ROOM).fill(0)
  values.set(a)
  values.set(b, ROOM)
  kernels.takeAway(0, ROOM, WIDTH)
  expect(values.slice(0, WIDTH)).toEqual(a.map((value, x) => value - b[x]))
})
