import { f32, f32x4, i32, kernel, repeat, type Value, type Variable, v128 } from '#shared/numeric/wasm.ts'

/** Planes of a stamp, one after the other: profile, slopes by the star's x and y, weight, what is left. */
export const STAMP_PLANES = 5

type Pointer = Value<'i32'>
const splat = f32x4.splat
const { add, sub, mul, div } = f32x4
const zero = f32x4.const(0, 0, 0, 0)
const lanes = f32x4.const(0, 1, 2, 3)
const wholeLanes = v128.constI32(0, 1, 2, 3)
const wholeZero = v128.constI32(0, 0, 0, 0)
const at = (pointer: Pointer, offset: Pointer) => i32.add(pointer, offset)

/** Parameters that say where the pixels of the frame lie: left over, by planes of these bytes apart, and which are usable. */
export const framePixels = { data: 'i32', framePlaneBytes: 'i32', usable: 'i32', rowPixels: 'i32' } as const
/** Parameters that say what their variance is (see {@link varianceOf}). */
export const pixelNoise = { base: 'f32', perAdu: 'f32', floor: 'f32', part: 'f32' } as const

/** Mask of the four pixels of a row that are inside the stamp and within the circle; `dx` is set to their offsets. */
export function inside(
  column: Value<'i32'>,
  w: Value<'i32'>,
  dx0: Value<'f32'>,
  dx: Variable<'v128'>,
  dySquare: Value<'v128'>,
  limit: Value<'v128'>,
) {
  return {
    first: dx.set(add(add(splat(f32.fromI32(column)), lanes), splat(dx0))),
    mask: v128.and(
      f32x4.atMost(add(mul(dx, dx), dySquare), limit),
      v128.lessThanI32(v128.addI32(v128.splatI32(column), wholeLanes), v128.splatI32(w)),
    ),
  }
}

/** Add a stamp's profile times an amount to a plane of the frame, within a circle around the star. */
export const paint = kernel(
  {
    plane: 'i32',
    rowBytes: 'i32',
    value: 'i32',
    widthBytes: 'i32',
    w: 'i32',
    h: 'i32',
    dx0: 'f32',
    dy0: 'f32',
    square: 'f32',
    amount: 'f32',
  },
  (p, local) => {
    const [row, column, pixel, value] = [local('i32'), local('i32'), local('i32'), local('i32')]
    const [amount, limit, dx, dy] = [local('v128'), local('v128'), local('v128'), local('v128')]
    const { first, mask } = inside(column, p.w, p.dx0, dx, dy, limit)
    return [
      amount.set(splat(p.amount)),
      limit.set(splat(p.square)),
      repeat(row, i32.const(0), p.h, 1, [
        dy.set(splat(f32.add(p.dy0, f32.fromI32(row)))),
        dy.set(mul(dy, dy)),
        pixel.set(i32.add(p.plane, i32.mul(row, p.rowBytes))),
        value.set(i32.add(p.value, i32.mul(row, p.widthBytes))),
        repeat(column, i32.const(0), p.w, 4, [
          first,
          f32x4.store(pixel, add(f32x4.load(pixel), v128.and(mul(amount, f32x4.load(value)), mask))),
          pixel.set(i32.add(pixel, i32.const(16))),
          value.set(i32.add(value, i32.const(16))),
        ]),
      ]),
    ]
  },
)

/** The variance of four pixels, ADU², from their sky and starlight (none below 0); see `Scene.variance`. */
export function varianceOf(
  sky: Value<'v128'>,
  light: Value<'v128'>,
  noise: Record<keyof typeof pixelNoise, Value<'f32'>>,
): Value<'v128'> {
  const doubt = mul(splat(noise.part), light)
  const photons = add(splat(noise.base), mul(splat(noise.perAdu), add(sky, light)))
  return add(f32x4.max(photons, splat(noise.floor)), mul(doubt, doubt))
}

/**
 * Fill weight and residual of a stamp, and sum the star's own normal equations (by flux, x, y of a star of unit flux):
 * ff, fx, fy, xx, xy, yy, and the right side f, x, y. Pixels outside the circle, or not usable, get no weight.
 */
export const weigh = kernel(
  {
    ...framePixels,
    value: 'i32',
    planeBytes: 'i32',
    widthBytes: 'i32',
    w: 'i32',
    h: 'i32',
    dx0: 'f32',
    dy0: 'f32',
    square: 'f32',
    ...pixelNoise,
    /** 1 / (clip σ)², or 0 where no pixel loses weight for being far off. */
    clip: 'f32',
    sums: 'i32',
  },
  (p, local) => {
    const [row, column, pixel, stamp, flag, next] = Array.from({ length: 6 }, () => local('i32'))
    const vector = () => local('v128')
    const [limit, dx, dy, left, sky, light, variance, off, weight] = Array.from({ length: 9 }, vector)
    const [value, slopeX, slopeY, product] = Array.from({ length: 4 }, vector)
    const sums = Array.from({ length: 9 }, vector)
    const { first, mask } = inside(column, p.w, p.dx0, dx, dy, limit)
    const more = (k: number, a: Value<'v128'>, b: Value<'v128'>) => sums[k].set(add(sums[k], mul(a, b)))
    const one = f32x4.const(1, 1, 1, 1)
    const most = f32x4.const(1e8, 1e8, 1e8, 1e8)
    return [
      limit.set(splat(p.square)),
      ...sums.map(s => s.set(zero)),
      repeat(row, i32.const(0), p.h, 1, [
        dy.set(splat(f32.add(p.dy0, f32.fromI32(row)))),
        dy.set(mul(dy, dy)),
        flag.set(i32.mul(row, p.rowPixels)),
        pixel.set(at(p.data, i32.mul(flag, i32.const(4)))),
        flag.set(at(p.usable, flag)),
        stamp.set(at(p.value, i32.mul(row, p.widthBytes))),
        repeat(column, i32.const(0), p.w, 4, [
          first,
          next.set(at(pixel, p.framePlaneBytes)),
          left.set(f32x4.load(next)),
          sky.set(f32x4.load(at(next, p.framePlaneBytes))),
          light.set(f32x4.max(sub(sub(f32x4.load(pixel), left), sky), zero)),
          variance.set(varianceOf(sky, light, p)),
          // A smooth cut: 1 / (1 + (left / (clip σ))⁸).
          off.set(f32x4.min(div(mul(mul(left, left), splat(p.clip)), variance), most)),
          off.set(mul(off, off)),
          weight.set(div(one, mul(variance, add(one, mul(off, off))))),
          weight.set(v128.and(v128.and(weight, mask), v128.lessThanI32(wholeZero, v128.loadBytes(flag)))),
          next.set(stamp),
          value.set(f32x4.load(next)),
          next.set(at(next, p.planeBytes)),
          slopeX.set(f32x4.load(next)),
          next.set(at(next, p.planeBytes)),
          slopeY.set(f32x4.load(next)),
          next.set(at(next, p.planeBytes)),
          f32x4.store(next, weight),
          f32x4.store(at(next, p.planeBytes), left),
          product.set(mul(weight, value)),
          more(0, product, value),
          more(1, product, slopeX),
          more(2, product, slopeY),
          product.set(mul(weight, slopeX)),
          more(3, product, slopeX),
          more(4, product, slopeY),
          more(5, mul(weight, slopeY), slopeY),
          product.set(mul(weight, left)),
          more(6, product, value),
          more(7, product, slopeX),
          more(8, product, slopeY),
          pixel.set(i32.add(pixel, i32.const(16))),
          stamp.set(i32.add(stamp, i32.const(16))),
          flag.set(i32.add(flag, i32.const(4))),
        ]),
      ]),
      ...sums.map((s, k) => f32.store(p.sums, f32x4.total(s), 4 * k)),
    ]
  },
)

/**
 * Sums over the pixels that two stamps share, for the block of their normal matrix: weight times each of (profile, slope
 * by x, slope by y) of the first times each of those of the second, nine in all. Pixels that either gives no weight do
 * not count.
 */
export const pair = kernel(
  {
    /** First shared pixel in either stamp. */
    a: 'i32',
    b: 'i32',
    planeBytes: 'i32',
    widthBytesA: 'i32',
    widthBytesB: 'i32',
    w: 'i32',
    h: 'i32',
    sums: 'i32',
  },
  (p, local) => {
    const [row, column, a, b, next] = Array.from({ length: 5 }, () => local('i32'))
    const vector = () => local('v128')
    const [weight, u, tx, ty, product] = Array.from({ length: 5 }, vector)
    const sums = Array.from({ length: 9 }, vector)
    const three = [u, tx, ty]
    const plane = (k: number) => i32.mul(p.planeBytes, i32.const(k))
    const within = v128.lessThanI32(v128.addI32(v128.splatI32(column), wholeLanes), v128.splatI32(p.w))
    return [
      ...sums.map(s => s.set(zero)),
      repeat(row, i32.const(0), p.h, 1, [
        a.set(at(p.a, i32.mul(row, p.widthBytesA))),
        b.set(at(p.b, i32.mul(row, p.widthBytesB))),
        repeat(column, i32.const(0), p.w, 4, [
          weight.set(v128.and(f32x4.load(at(a, plane(3))), within)),
          weight.set(v128.and(weight, f32x4.differ(f32x4.load(at(b, plane(3))), zero))),
          next.set(b),
          ...three.flatMap(value => [value.set(f32x4.load(next)), next.set(at(next, p.planeBytes))]),
          next.set(a),
          ...[0, 3, 6].flatMap(k => [
            product.set(mul(weight, f32x4.load(next))),
            next.set(at(next, p.planeBytes)),
            ...three.map((value, i) => sums[k + i].set(add(sums[k + i], mul(product, value)))),
          ]),
          a.set(i32.add(a, i32.const(16))),
          b.set(i32.add(b, i32.const(16))),
        ]),
      ]),
      ...sums.map((s, k) => f32.store(p.sums, f32x4.total(s), 4 * k)),
    ]
  },
)

/**
 * Sums for χ and sharpness over the pixels of a stamp within a circle, with l the profile's Laplacian: count, weight times
 * residual², profile², profile · l, l², residual · l.
 */
export const shape = kernel(
  {
    value: 'i32',
    planeBytes: 'i32',
    bends: 'i32',
    widthBytes: 'i32',
    w: 'i32',
    h: 'i32',
    dx0: 'f32',
    dy0: 'f32',
    square: 'f32',
    sums: 'i32',
  },
  (p, local) => {
    const [row, column, stamp, bends] = Array.from({ length: 4 }, () => local('i32'))
    const vector = () => local('v128')
    const [limit, dx, dy, weight, left, value, bend, product] = Array.from({ length: 8 }, vector)
    const sums = Array.from({ length: 6 }, vector)
    const { first, mask } = inside(column, p.w, p.dx0, dx, dy, limit)
    const plane = (k: number) => i32.mul(p.planeBytes, i32.const(k))
    const more = (k: number, term: Value<'v128'>) => sums[k].set(add(sums[k], term))
    return [
      limit.set(splat(p.square)),
      ...sums.map(s => s.set(zero)),
      repeat(row, i32.const(0), p.h, 1, [
        dy.set(splat(f32.add(p.dy0, f32.fromI32(row)))),
        dy.set(mul(dy, dy)),
        stamp.set(at(p.value, i32.mul(row, p.widthBytes))),
        bends.set(at(p.bends, i32.mul(row, p.widthBytes))),
        repeat(column, i32.const(0), p.w, 4, [
          first,
          weight.set(v128.and(f32x4.load(at(stamp, plane(3))), mask)),
          left.set(f32x4.load(at(stamp, plane(4)))),
          value.set(f32x4.load(stamp)),
          bend.set(f32x4.load(bends)),
          more(0, v128.and(f32x4.differ(weight, zero), f32x4.const(1, 1, 1, 1))),
          product.set(mul(weight, left)),
          more(1, mul(product, left)),
          more(5, mul(product, bend)),
          product.set(mul(weight, value)),
          more(2, mul(product, value)),
          more(3, mul(product, bend)),
          more(4, mul(mul(weight, bend), bend)),
          stamp.set(i32.add(stamp, i32.const(16))),
          bends.set(i32.add(bends, i32.const(16))),
        ]),
      ]),
      ...sums.map((s, k) => f32.store(p.sums, f32x4.total(s), 4 * k)),
    ]
  },
)
