import { f32, f32x4, i32, kernel, repeat, type Value, v128 } from '#shared/numeric/wasm.ts'

type Pointer = Value<'i32'>
const splat = f32x4.splat
const { add, sub, mul, div } = f32x4
const zero = f32x4.const(0, 0, 0, 0)
const one = f32x4.const(1, 1, 1, 1)
const at = (pointer: Pointer, offset: Pointer) => i32.add(pointer, offset)

/** Residuals beyond so many σ lose their weight in the fit of one star, and count no more than so much in its χ². */
const FIT_CLIP = 6
const MOST_SQUARE = 100
/** The same for what a star tells the tables. */
const TABLE_CLIP = 5

/**
 * Sums over the pixels of a PSF star within a circle around the middle of its stamp, each by its weight: the normal
 * equations of flux and place for a star of unit flux (ff, fx, fy, xx, xy, yy, and the right side f, x, y); Σ χ², and how
 * many pixels.
 */
export const fitSample = kernel(
  {
    value: 'i32',
    variance: 'i32',
    profile: 'i32',
    planeBytes: 'i32',
    widthBytes: 'i32',
    h: 'i32',
    /** Of the first pixel from the middle, both ways. */
    first: 'f32',
    square: 'f32',
    flux: 'f32',
    sums: 'i32',
  },
  (p, local) => {
    const [row, offset, profile] = [local('i32'), local('i32'), local('i32')]
    const vector = () => local('v128')
    const [limit, flux, dx, dy, left, weight, chi, value, slopeX, slopeY, product] = Array.from({ length: 11 }, vector)
    const sums = Array.from({ length: 11 }, vector)
    const more = (k: number, term: Value<'v128'>) => sums[k].set(add(sums[k], term))
    const four = f32x4.const(4, 4, 4, 4)
    return [
      limit.set(splat(p.square)),
      flux.set(splat(p.flux)),
      ...sums.map(s => s.set(zero)),
      repeat(row, i32.const(0), p.h, 1, [
        dy.set(splat(f32.add(p.first, f32.fromI32(row)))),
        dy.set(mul(dy, dy)),
        dx.set(add(splat(p.first), f32x4.const(0, 1, 2, 3))),
        repeat(offset, i32.mul(row, p.widthBytes), i32.mul(i32.add(row, i32.const(1)), p.widthBytes), 16, [
          profile.set(at(p.profile, offset)),
          value.set(f32x4.load(profile)),
          profile.set(at(profile, p.planeBytes)),
          slopeX.set(f32x4.load(profile)),
          slopeY.set(f32x4.load(at(profile, p.planeBytes))),
          weight.set(div(one, f32x4.load(at(p.variance, offset)))),
          weight.set(v128.and(weight, f32x4.atMost(add(mul(dx, dx), dy), limit))),
          left.set(sub(f32x4.load(at(p.value, offset)), mul(flux, value))),
          chi.set(mul(mul(left, left), weight)),
          more(9, f32x4.min(chi, f32x4.const(MOST_SQUARE, MOST_SQUARE, MOST_SQUARE, MOST_SQUARE))),
          more(10, v128.and(one, f32x4.moreThan(weight, zero))),
          chi.set(mul(chi, splat(f32.const(1 / FIT_CLIP ** 2)))),
          weight.set(div(weight, add(one, mul(chi, chi)))),
          product.set(mul(weight, value)),
          more(0, mul(product, value)),
          more(1, mul(product, slopeX)),
          more(2, mul(product, slopeY)),
          more(6, mul(product, left)),
          product.set(mul(weight, slopeX)),
          more(3, mul(product, slopeX)),
          more(4, mul(product, slopeY)),
          more(7, mul(product, left)),
          product.set(mul(weight, slopeY)),
          more(5, mul(product, slopeY)),
          more(8, mul(product, left)),
          dx.set(add(dx, four)),
        ]),
      ]),
      ...sums.map((s, k) => f32.store(p.sums, f32x4.total(s), 4 * k)),
    ]
  },
)

/** What each pixel of a PSF star tells its table: weight, and weight times what the profile leaves, of a star of unit flux. */
export const weighSample = kernel(
  {
    value: 'i32',
    variance: 'i32',
    profile: 'i32',
    bytes: 'i32',
    flux: 'f32',
    /** Added to each variance, ADU²; and part of the light that a pixel may be wrong by. */
    doubt: 'f32',
    part: 'f32',
    amounts: 'i32',
    weights: 'i32',
  },
  (p, local) => {
    const offset = local('i32')
    const [flux, doubt, part, scale, light, left, variance, far] = Array.from({ length: 8 }, () => local('v128'))
    return [
      flux.set(splat(p.flux)),
      doubt.set(splat(p.doubt)),
      part.set(mul(flux, splat(p.part))),
      scale.set(div(one, mul(flux, flux))),
      repeat(offset, i32.const(0), p.bytes, 16, [
        light.set(f32x4.load(at(p.profile, offset))),
        left.set(sub(div(f32x4.load(at(p.value, offset)), flux), light)),
        light.set(mul(part, light)),
        variance.set(add(add(f32x4.load(at(p.variance, offset)), doubt), mul(light, light))),
        variance.set(mul(variance, scale)),
        far.set(div(mul(left, left), mul(splat(f32.const(TABLE_CLIP ** 2)), variance))),
        variance.set(div(one, mul(variance, add(one, mul(far, far))))),
        f32x4.store(at(p.weights, offset), variance),
        f32x4.store(at(p.amounts, offset), mul(variance, left)),
      ]),
    ]
  },
)
