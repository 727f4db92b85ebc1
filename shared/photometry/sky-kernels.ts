import { f32, f32x4, i32, kernel, repeat, type Value, v128 } from '#shared/numeric/wasm.ts'
import { framePixels, inside, pixelNoise, varianceOf } from './stamp-kernels.ts'

type Vector = Value<'v128'>
const splat = f32x4.splat
const { add, sub, mul, div } = f32x4
const zero = f32x4.const(0, 0, 0, 0)
const one = f32x4.const(1, 1, 1, 1)
const wholeZero = v128.constI32(0, 0, 0, 0)
const at = (pointer: Value<'i32'>, offset: Value<'i32'>) => i32.add(pointer, offset)

/** Columns of the equations of a star on a surface of sky, and sums: lower triangle, right side, pixels. */
export const SKY_COLUMNS = 9
export const SKY_SUMS = (SKY_COLUMNS * (SKY_COLUMNS + 1)) / 2 + SKY_COLUMNS + 1

/**
 * Sums over the usable pixels of a ring: what is left, that times dx, dy, dx² − dy² and dx · dy; and how many pixels.
 */
const surroundings = kernel(
  {
    residual: 'i32',
    usable: 'i32',
    rowPixels: 'i32',
    w: 'i32',
    h: 'i32',
    dx0: 'f32',
    dy0: 'f32',
    innerSquare: 'f32',
    outerSquare: 'f32',
    sums: 'i32',
  },
  (p, local) => {
    const [row, column, pixel] = [local('i32'), local('i32'), local('i32')]
    const vector = () => local('v128')
    const [inner, outer, dx, dy, dySquare, left, mask] = Array.from({ length: 7 }, vector)
    const sums = Array.from({ length: 6 }, vector)
    const within = inside(column, p.w, p.dx0, dx, dySquare, outer)
    const more = (k: number, term: Vector) => sums[k].set(add(sums[k], term))
    return [
      inner.set(splat(p.innerSquare)),
      outer.set(splat(p.outerSquare)),
      ...sums.map(s => s.set(zero)),
      repeat(row, i32.const(0), p.h, 1, [
        dy.set(splat(f32.add(p.dy0, f32.fromI32(row)))),
        dySquare.set(mul(dy, dy)),
        repeat(column, i32.const(0), p.w, 4, [
          within.first,
          pixel.set(at(i32.mul(row, p.rowPixels), column)),
          mask.set(v128.and(within.mask, f32x4.atMost(inner, add(mul(dx, dx), dySquare)))),
          mask.set(v128.and(mask, v128.lessThanI32(wholeZero, v128.loadBytes(at(p.usable, pixel))))),
          left.set(v128.and(mask, f32x4.load(at(p.residual, i32.mul(pixel, i32.const(4)))))),
          more(0, left),
          more(1, mul(left, dx)),
          more(2, mul(left, dy)),
          more(3, mul(left, sub(mul(dx, dx), dySquare))),
          more(4, mul(left, mul(dx, dy))),
          more(5, v128.and(mask, one)),
        ]),
      ]),
      ...sums.map((s, k) => f32.store(p.sums, f32x4.total(s), 4 * k)),
    ]
  },
)

/**
 * Normal equations of a star of unit flux on a surface of sky, over the usable pixels of a circle whose radius is the unit
 * of u and v: columns profile, slopes by the star's x and y, 1, u, v, u², uv, v². Pixels far off lose their weight.
 */
const skyEquations = kernel(
  {
    ...framePixels,
    value: 'i32',
    planeBytes: 'i32',
    widthBytes: 'i32',
    w: 'i32',
    h: 'i32',
    dx0: 'f32',
    dy0: 'f32',
    perReach: 'f32',
    ...pixelNoise,
    sums: 'i32',
  },
  (p, local) => {
    const [row, column, pixel, stamp, flag, next] = Array.from({ length: 6 }, () => local('i32'))
    const vector = () => local('v128')
    const [perReach, dx, dy, dySquare, limit, left, sky, light, variance, off, weight, weighed] = Array.from(
      { length: 12 },
      vector,
    )
    const columns = Array.from({ length: SKY_COLUMNS }, vector)
    const [value, slopeX, slopeY, level, u, v, uu, uv, vv] = columns
    const sums = Array.from({ length: SKY_SUMS }, vector)
    const within = inside(column, p.w, p.dx0, dx, dySquare, limit)
    const most = f32x4.const(1e8, 1e8, 1e8, 1e8)
    const clip = f32x4.const(1 / 25, 1 / 25, 1 / 25, 1 / 25)
    const triangle = (SKY_COLUMNS * (SKY_COLUMNS + 1)) / 2
    const more = (k: number, term: Vector) => sums[k].set(add(sums[k], term))
    return [
      perReach.set(splat(p.perReach)),
      limit.set(div(one, mul(perReach, perReach))),
      level.set(one),
      ...sums.map(s => s.set(zero)),
      repeat(row, i32.const(0), p.h, 1, [
        dy.set(splat(f32.add(p.dy0, f32.fromI32(row)))),
        dySquare.set(mul(dy, dy)),
        v.set(mul(dy, perReach)),
        vv.set(mul(v, v)),
        flag.set(i32.mul(row, p.rowPixels)),
        pixel.set(at(p.data, i32.mul(flag, i32.const(4)))),
        flag.set(at(p.usable, flag)),
        stamp.set(at(p.value, i32.mul(row, p.widthBytes))),
        repeat(column, i32.const(0), p.w, 4, [
          within.first,
          next.set(at(pixel, p.framePlaneBytes)),
          left.set(f32x4.load(next)),
          sky.set(f32x4.load(at(next, p.framePlaneBytes))),
          light.set(f32x4.max(sub(sub(f32x4.load(pixel), left), sky), zero)),
          variance.set(varianceOf(sky, light, p)),
          off.set(f32x4.min(div(mul(mul(left, left), clip), variance), most)),
          off.set(mul(off, off)),
          weight.set(div(one, mul(variance, add(one, mul(off, off))))),
          weight.set(v128.and(v128.and(weight, within.mask), v128.lessThanI32(wholeZero, v128.loadBytes(flag)))),
          u.set(mul(dx, perReach)),
          uu.set(mul(u, u)),
          uv.set(mul(u, v)),
          next.set(stamp),
          ...[value, slopeX, slopeY].flatMap(plane => [plane.set(f32x4.load(next)), next.set(at(next, p.planeBytes))]),
          ...columns.flatMap((first, a) => [
            weighed.set(mul(weight, first)),
            ...columns.slice(0, a + 1).map((second, b) => more((a * (a + 1)) / 2 + b, mul(weighed, second))),
            more(triangle + a, mul(weighed, left)),
          ]),
          more(SKY_SUMS - 1, v128.and(one, f32x4.moreThan(weight, zero))),
          pixel.set(i32.add(pixel, i32.const(16))),
          stamp.set(i32.add(stamp, i32.const(16))),
          flag.set(i32.add(flag, i32.const(4))),
        ]),
      ]),
      ...sums.map((s, k) => f32.store(p.sums, f32x4.total(s), 4 * k)),
    ]
  },
)

export const skyKernels = { surroundings, skyEquations }
