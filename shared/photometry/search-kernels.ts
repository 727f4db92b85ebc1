import { f32, f32x4, i32, kernel, repeat, v128 } from '#shared/numeric/wasm.ts'
import { pixelNoise, varianceOf } from './stamp-kernels.ts'

const { add, sub, mul, div, max } = f32x4
const zero = f32x4.const(0, 0, 0, 0)
const one = f32x4.const(1, 1, 1, 1)

/** Inverse variance of the pixels of a row, and residual times it; 0 where a pixel is not usable. */
const precision = kernel(
  {
    data: 'i32',
    framePlaneBytes: 'i32',
    usable: 'i32',
    count: 'i32',
    ...pixelNoise,
    signal: 'i32',
    weight: 'i32',
  },
  (p, local) => {
    const [k, offset, pixel] = [local('i32'), local('i32'), local('i32')]
    const [left, sky, light, value] = Array.from({ length: 4 }, () => local('v128'))
    return [
      repeat(k, i32.const(0), p.count, 4, [
        offset.set(i32.mul(k, i32.const(4))),
        pixel.set(i32.add(p.data, offset)),
        value.set(f32x4.load(pixel)),
        pixel.set(i32.add(pixel, p.framePlaneBytes)),
        left.set(f32x4.load(pixel)),
        pixel.set(i32.add(pixel, p.framePlaneBytes)),
        sky.set(f32x4.load(pixel)),
        light.set(max(sub(sub(value, left), sky), zero)),
        value.set(div(one, varianceOf(sky, light, p))),
        value.set(v128.and(value, v128.lessThanI32(v128.constI32(0, 0, 0, 0), v128.loadBytes(i32.add(p.usable, k))))),
        f32x4.store(i32.add(p.weight, offset), value),
        f32x4.store(i32.add(p.signal, offset), mul(value, left)),
      ]),
    ]
  },
)

/** Sum over a list of offsets (bytes) and weights: out[x] = Σ weight · in[x + offset]. Sixteen pixels at a time. */
const combine = kernel(
  { source: 'i32', out: 'i32', count: 'i32', offsets: 'i32', weights: 'i32', listBytes: 'i32' },
  (p, local) => {
    const [k, entry, from, into] = Array.from({ length: 4 }, () => local('i32'))
    const weight = local('v128')
    const sums = Array.from({ length: 4 }, () => local('v128'))
    return [
      repeat(k, i32.const(0), p.count, 16, [
        ...sums.map(s => s.set(zero)),
        repeat(entry, i32.const(0), p.listBytes, 4, [
          from.set(i32.add(p.source, i32.add(i32.mul(k, i32.const(4)), i32.load(i32.add(p.offsets, entry))))),
          weight.set(f32x4.loadSplat(i32.add(p.weights, entry))),
          ...sums.map((s, i) => s.set(add(s, mul(weight, f32x4.load(from, 16 * i))))),
        ]),
        into.set(i32.add(p.out, i32.mul(k, i32.const(4)))),
        ...sums.map((s, i) => f32x4.store(into, s, 16 * i)),
      ]),
    ]
  },
)

/** From smoothed signal and weight to significance and the error of a flux, in place; 0 where nothing is known. */
const significance = kernel({ top: 'i32', bottom: 'i32', count: 'i32', squares: 'f32' }, (p, local) => {
  const [k, offset] = [local('i32'), local('i32')]
  const [found, error] = [local('v128'), local('v128')]
  return [
    repeat(k, i32.const(0), p.count, 4, [
      offset.set(i32.mul(k, i32.const(4))),
      found.set(mul(f32x4.splat(p.squares), f32x4.load(i32.add(p.bottom, offset)))),
      error.set(v128.and(div(one, f32x4.sqrt(found)), f32x4.moreThan(found, zero))),
      f32x4.store(i32.add(p.bottom, offset), error),
      f32x4.store(i32.add(p.top, offset), mul(f32x4.load(i32.add(p.top, offset)), error)),
    ]),
  ]
})

/** The greatest number of each block of a list, or greater ones of up to a block behind its end. */
const topsOf = kernel({ values: 'i32', count: 'i32', blockBytes: 'i32', tops: 'i32' }, (p, local) => {
  const [block, k, top] = [local('i32'), local('i32'), local('i32')]
  const most = local('v128')
  return [
    top.set(p.tops),
    repeat(block, p.values, i32.add(p.values, i32.mul(p.count, i32.const(4))), p.blockBytes, [
      most.set(f32x4.load(block)),
      repeat(k, block, i32.add(block, p.blockBytes), 16, [most.set(max(most, f32x4.load(k)))]),
      f32.store(top, f32x4.greatest(most)),
      top.set(i32.add(top, i32.const(4))),
    ]),
  ]
})

/**
 * Take every so many-th number of a row into the list of its region, where its error is more than 0. `starts` are the
 * places of the regions in the row, bytes; `ends` are where the lists end, and are moved on.
 */
const takePlaces = kernel(
  { values: 'i32', errors: 'i32', starts: 'i32', regionsBytes: 'i32', stepBytes: 'i32', ends: 'i32' },
  (p, local) => {
    const [region, start, x, end] = Array.from({ length: 4 }, () => local('i32'))
    return [
      repeat(region, i32.const(0), p.regionsBytes, 4, [
        end.set(i32.load(i32.add(p.ends, region))),
        start.set(i32.add(p.starts, region)),
        repeat(x, i32.load(start), i32.load(start, 4), p.stepBytes, [
          f32.store(end, f32.load(i32.add(p.values, x))),
          end.set(i32.add(end, i32.mul(i32.const(4), f32.moreThan(f32.load(i32.add(p.errors, x)), f32.const(0))))),
        ]),
        i32.store(i32.add(p.ends, region), end),
      ]),
    ]
  },
)

/** How many numbers of a list lie below a limit, and the sum of their squares. */
const below = kernel({ values: 'i32', bytes: 'i32', limit: 'f32', sums: 'i32' }, (p, local) => {
  const k = local('i32')
  const [limit, value, count, square] = Array.from({ length: 4 }, () => local('v128'))
  return [
    limit.set(f32x4.splat(p.limit)),
    count.set(zero),
    square.set(zero),
    repeat(k, i32.const(0), p.bytes, 16, [
      value.set(f32x4.load(i32.add(p.values, k))),
      count.set(add(count, v128.and(one, f32x4.lessThan(value, limit)))),
      value.set(v128.and(value, f32x4.lessThan(value, limit))),
      square.set(add(square, mul(value, value))),
    ]),
    f32.store(p.sums, f32x4.total(count)),
    f32.store(p.sums, f32x4.total(square), 4),
  ]
})

/** Put the distance of each number of a list from a centre in its place. */
const distances = kernel({ values: 'i32', bytes: 'i32', centre: 'f32' }, (p, local) => {
  const [k, centre] = [local('i32'), local('v128')]
  return [
    centre.set(f32x4.splat(p.centre)),
    repeat(k, p.values, i32.add(p.values, p.bytes), 16, [f32x4.store(k, f32x4.abs(sub(f32x4.load(k), centre)))]),
  ]
})

/** Sums over the usable pixels of a rectangle: distance from a level, cut at ± a limit; how many lie within; how many. */
const huber = kernel(
  {
    residual: 'i32',
    usable: 'i32',
    rowPixels: 'i32',
    w: 'i32',
    h: 'i32',
    level: 'f32',
    limit: 'f32',
    sums: 'i32',
  },
  (p, local) => {
    const [row, column, pixel] = [local('i32'), local('i32'), local('i32')]
    const [level, limit, least, off, mask] = Array.from({ length: 5 }, () => local('v128'))
    const [cut, inside, count] = Array.from({ length: 3 }, () => local('v128'))
    const more = (sum: typeof cut, term: typeof cut | ReturnType<typeof add>) => sum.set(add(sum, term))
    return [
      level.set(f32x4.splat(p.level)),
      limit.set(f32x4.splat(p.limit)),
      least.set(sub(zero, limit)),
      ...[cut, inside, count].map(sum => sum.set(zero)),
      repeat(row, i32.const(0), p.h, 1, [
        repeat(column, i32.const(0), p.w, 4, [
          pixel.set(i32.add(i32.mul(row, p.rowPixels), column)),
          mask.set(
            v128.and(
              v128.lessThanI32(v128.constI32(0, 0, 0, 0), v128.loadBytes(i32.add(p.usable, pixel))),
              v128.lessThanI32(v128.addI32(v128.splatI32(column), v128.constI32(0, 1, 2, 3)), v128.splatI32(p.w)),
            ),
          ),
          off.set(sub(f32x4.load(i32.add(p.residual, i32.mul(pixel, i32.const(4)))), level)),
          more(count, v128.and(one, mask)),
          more(inside, v128.and(one, v128.and(mask, f32x4.atMost(f32x4.abs(off), limit)))),
          more(cut, v128.and(mask, max(least, f32x4.min(limit, off)))),
        ]),
      ]),
      ...[cut, inside, count].map((sum, k) => f32.store(p.sums, f32x4.total(sum), 4 * k)),
    ]
  },
)

export const searchKernels = { precision, combine, significance, topsOf, huber, takePlaces, below, distances }
