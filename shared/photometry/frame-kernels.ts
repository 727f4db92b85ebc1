import { f32, f32x4, i32, kernel, repeat, type Value, v128 } from '#shared/numeric/wasm.ts'

type Pointer = Value<'i32'>
const { add, sub } = f32x4
const zero = f32x4.const(0, 0, 0, 0)
const wholeZero = v128.constI32(0, 0, 0, 0)
const infinity = f32x4.const(Infinity, Infinity, Infinity, Infinity)
const at = (pointer: Pointer, offset: Pointer) => i32.add(pointer, offset)
const times = (value: Pointer, factor: number) => i32.mul(value, i32.const(factor))

/** Mask of pixels that take part in fits, or that at least have a value. */
const isThere = (usable: Pointer, value: Value<'v128'>) =>
  v128.or(v128.lessThanI32(wholeZero, v128.loadBytes(usable)), f32x4.lessThan(f32x4.abs(value), infinity))

/**
 * Mark the pixels of a row that may enter a fit with 1: not masked, a value, below saturation. Sums how many are
 * saturated, by their mask or their value. Up to three bytes behind the row are written.
 */
export const markSound = kernel(
  { pixels: 'i32', mask: 'i32', usable: 'i32', count: 'i32', full: 'i32', saturation: 'f32', sum: 'i32' },
  (p, local) => {
    const k = local('i32')
    const [value, bits, sound, limit, full] = Array.from({ length: 5 }, () => local('v128'))
    const least = f32x4.const(-Infinity, -Infinity, -Infinity, -Infinity)
    const inRow = v128.lessThanI32(v128.addI32(v128.splatI32(k), v128.constI32(0, 1, 2, 3)), v128.splatI32(p.count))
    const isFull = v128.or(
      v128.lessThanI32(wholeZero, v128.and(bits, v128.splatI32(p.full))),
      f32x4.atMost(limit, value),
    )
    return [
      limit.set(f32x4.splat(p.saturation)),
      full.set(zero),
      repeat(k, i32.const(0), p.count, 4, [
        value.set(f32x4.load(at(p.pixels, times(k, 4)))),
        bits.set(v128.loadBytes(at(p.mask, k))),
        sound.set(v128.and(f32x4.moreThan(value, least), f32x4.lessThan(value, limit))),
        sound.set(v128.andNot(sound, v128.lessThanI32(wholeZero, bits))),
        v128.storeBytes(at(p.usable, k), v128.and(sound, v128.constI32(1, 1, 1, 1))),
        full.set(add(full, v128.and(f32x4.const(1, 1, 1, 1), v128.and(isFull, inRow)))),
      ]),
      f32.store(p.sum, f32x4.total(full)),
    ]
  },
)

/**
 * Whether all pixels of each square of 32 in a band of rows are marked, 1 or 0. The last square of a row reaches into the
 * next one, so it may seem worse than it is.
 */
export const areSound = kernel(
  { usable: 'i32', rowPixels: 'i32', rows: 'i32', squares: 'i32', out: 'i32' },
  (p, local) => {
    const [square, row, from] = [local('i32'), local('i32'), local('i32')]
    const all = local('v128')
    const none = v128.constI32(-1, -1, -1, -1)
    return [
      repeat(square, i32.const(0), p.squares, 1, [
        all.set(none),
        repeat(row, i32.const(0), p.rows, 1, [
          from.set(at(at(p.usable, times(square, 32)), i32.mul(row, p.rowPixels))),
          all.set(v128.and(all, v128.and(f32x4.load(from), f32x4.load(from, 16)))),
        ]),
        i32.store(at(p.out, times(square, 4)), v128.allBytes(all)),
      ]),
    ]
  },
)

/** What is left of a frame without its sky; 0 where a pixel has no value. `planeBytes` part data, residual and sky. */
export const takeSky = kernel({ data: 'i32', planeBytes: 'i32', usable: 'i32', count: 'i32' }, (p, local) => {
  const [k, pixel, next] = [local('i32'), local('i32'), local('i32')]
  const value = local('v128')
  return [
    repeat(k, i32.const(0), p.count, 4, [
      pixel.set(at(p.data, times(k, 4))),
      next.set(at(pixel, p.planeBytes)),
      value.set(f32x4.load(pixel)),
      f32x4.store(next, v128.and(sub(value, f32x4.load(at(next, p.planeBytes))), isThere(at(p.usable, k), value))),
    ]),
  ]
})

/** The reverse: sky and what is left in the place of the data, where a pixel has a value. */
export const putTogether = kernel({ data: 'i32', planeBytes: 'i32', usable: 'i32', count: 'i32' }, (p, local) => {
  const [k, pixel, next] = [local('i32'), local('i32'), local('i32')]
  const value = local('v128')
  return [
    repeat(k, i32.const(0), p.count, 4, [
      pixel.set(at(p.data, times(k, 4))),
      next.set(at(pixel, p.planeBytes)),
      value.set(f32x4.load(pixel)),
      f32x4.store(
        pixel,
        v128.select(add(f32x4.load(at(next, p.planeBytes)), f32x4.load(next)), value, isThere(at(p.usable, k), value)),
      ),
    ]),
  ]
})

/** Add a row of changes to the sky of as many pixels, and take them out of what is left. */
export const raise = kernel({ residual: 'i32', planeBytes: 'i32', change: 'i32', count: 'i32' }, (p, local) => {
  const [k, pixel, next] = [local('i32'), local('i32'), local('i32')]
  const change = local('v128')
  return [
    repeat(k, i32.const(0), p.count, 4, [
      pixel.set(at(p.residual, times(k, 4))),
      next.set(at(pixel, p.planeBytes)),
      change.set(f32x4.load(at(p.change, times(k, 4)))),
      // Behind the row lies the next one.
      change.set(
        v128.and(
          change,
          v128.lessThanI32(v128.addI32(v128.splatI32(k), v128.constI32(0, 1, 2, 3)), v128.splatI32(p.count)),
        ),
      ),
      f32x4.store(pixel, sub(f32x4.load(pixel), change)),
      f32x4.store(next, add(f32x4.load(next), change)),
    ]),
  ]
})
