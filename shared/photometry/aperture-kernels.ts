import { f32, f32x4, i32, kernel, repeat, v128 } from '#shared/numeric/wasm.ts'
import { framePixels, pixelNoise, varianceOf } from './stamp-kernels.ts'

const { add, sub, mul } = f32x4
const zero = f32x4.const(0, 0, 0, 0)
const one = f32x4.const(1, 1, 1, 1)
const wholeZero = v128.constI32(0, 0, 0, 0)
/** Differences of areas leave crumbs of pixels that lie outside the circle. */
const LEAST_SHARE = f32x4.const(1e-6, 1e-6, 1e-6, 1e-6)

/** Sum of the products of two lists. */
const product = kernel({ a: 'i32', b: 'i32', bytes: 'i32', sums: 'i32' }, (p, local) => {
  const [k, sum] = [local('i32'), local('v128')]
  return [
    sum.set(zero),
    repeat(k, i32.const(0), p.bytes, 16, [
      sum.set(add(sum, mul(f32x4.load(i32.add(p.a, k)), f32x4.load(i32.add(p.b, k))))),
    ]),
    f32.store(p.sums, f32x4.total(sum)),
  ]
})

/**
 * Sums over the usable pixels of a rectangle, by the share of each in an aperture: profile, what is left, variance; and how
 * many pixels with a share are not usable.
 */
const aperture = kernel(
  {
    shares: 'i32',
    profile: 'i32',
    widthBytes: 'i32',
    ...framePixels,
    w: 'i32',
    h: 'i32',
    ...pixelNoise,
    sums: 'i32',
  },
  (p, local) => {
    const [row, column, pixel, next, offset] = Array.from({ length: 5 }, () => local('i32'))
    const [share, sound, left, sky, light] = Array.from({ length: 5 }, () => local('v128'))
    const sums = Array.from({ length: 4 }, () => local('v128'))
    const more = (k: number, term: ReturnType<typeof add>) => sums[k].set(add(sums[k], term))
    const inRow = v128.lessThanI32(v128.addI32(v128.splatI32(column), v128.constI32(0, 1, 2, 3)), v128.splatI32(p.w))
    return [
      ...sums.map(s => s.set(zero)),
      repeat(row, i32.const(0), p.h, 1, [
        repeat(column, i32.const(0), p.w, 4, [
          offset.set(i32.add(i32.mul(row, p.widthBytes), i32.mul(column, i32.const(4)))),
          pixel.set(i32.add(i32.mul(row, p.rowPixels), column)),
          share.set(v128.and(f32x4.load(i32.add(p.shares, offset)), inRow)),
          sound.set(v128.lessThanI32(wholeZero, v128.loadBytes(i32.add(p.usable, pixel)))),
          more(3, v128.and(one, v128.andNot(f32x4.moreThan(share, LEAST_SHARE), sound))),
          share.set(v128.and(share, sound)),
          next.set(i32.add(p.data, i32.mul(pixel, i32.const(4)))),
          light.set(f32x4.load(next)),
          next.set(i32.add(next, p.framePlaneBytes)),
          left.set(f32x4.load(next)),
          sky.set(f32x4.load(i32.add(next, p.framePlaneBytes))),
          light.set(f32x4.max(sub(sub(light, left), sky), zero)),
          more(0, mul(share, f32x4.load(i32.add(p.profile, offset)))),
          more(1, mul(share, left)),
          more(2, mul(share, v128.and(sound, varianceOf(sky, light, p)))),
        ]),
      ]),
      ...sums.map((s, k) => f32.store(p.sums, f32x4.total(s), 4 * k)),
    ]
  },
)

export const apertureKernels = { product, aperture }
