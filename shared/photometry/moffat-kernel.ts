import {
  f32,
  f32x4,
  i32,
  kernel,
  repeat,
  type Statement,
  type Value,
  type Variable,
  v128,
} from '#shared/numeric/wasm.ts'

type Vector = Value<'v128'>
type Register = Variable<'v128'>
const { add, sub, mul, div } = f32x4
const splat = (value: number) => f32x4.splat(f32.const(value))
const splatI32 = (value: number) => v128.splatI32(i32.const(value))
/** Σ c xᵏ by Horner's rule, the highest power first. */
const polynomial = (x: Vector, [first, ...rest]: number[]) =>
  rest.reduce<Vector>((sum, c) => add(mul(sum, x), splat(c)), splat(first))

/** Bits of √½ as a float, and how far those of 1 lie above. */
const HALF_ROOT = 0x3f3504f3
const TO_ONE = 0x3f800000 - HALF_ROOT

/**
 * Natural logarithm of positive numbers, to single precision: z = 2ᵏ m with m between √½ and √2, and
 * ln m = 2 artanh s with s = (m − 1)/(m + 1).
 *
 * @param power,part registers to work in
 */
function setLog(out: Register, z: Vector, power: Register, part: Register): Statement[] {
  return [
    power.set(v128.addI32(z, splatI32(TO_ONE))),
    part.set(sub(v128.addI32(v128.and(power, splatI32(0x7fffff)), splatI32(HALF_ROOT)), splat(1))),
    power.set(f32x4.fromI32(v128.addI32(v128.shiftRight(power, 23), splatI32(-127)))),
    part.set(div(part, add(part, splat(2)))),
    out.set(mul(part, part)),
    out.set(mul(part, polynomial(out, [2 / 9, 2 / 7, 2 / 5, 2 / 3, 2]))),
    out.set(add(out, mul(power, splat(Math.LN2)))),
  ]
}

/** eʸ of numbers between −80 and 80, to single precision: 2ⁿ eʳ with |r| ≤ ln 2 / 2. Below, it is that of −80. */
function setExp(out: Register, y: Vector, power: Register, part: Register): Statement[] {
  return [
    out.set(f32x4.max(splat(-80), y)),
    power.set(f32x4.nearest(mul(out, splat(Math.LOG2E)))),
    part.set(sub(out, mul(power, splat(Math.LN2)))),
    out.set(polynomial(part, [1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1])),
    out.set(mul(out, v128.shiftLeft(v128.addI32(v128.toI32(power), splatI32(127)), 23))),
  ]
}

/** Numbers of a Moffat and what follows from them, in the order in which the kernel wants them. */
export const MOFFAT_NUMBERS = [
  'x',
  'y',
  'a',
  'b',
  'twoC',
  'beta',
  'norm',
  'light',
  'halfB',
  'halfA',
  'minusC',
  'inverseBeta',
] as const
type MoffatNumber = (typeof MOFFAT_NUMBERS)[number]

/** Parameters of the fit: flux, x, y, a, b, c, ln β. */
export const MOFFAT_TERMS = 7
/** Sums of the kernel: lower triangle of the normal matrix, right side, χ². */
export const MOFFAT_SUMS = (MOFFAT_TERMS * (MOFFAT_TERMS + 1)) / 2 + MOFFAT_TERMS + 1

/**
 * Add to the normal equations of a Moffat, integrated over pixels by quadrature, what a list of pixels tells. Four lists of
 * equal length, a multiple of four: offset by x and y, value over error, and one over the error (0 where a place is empty).
 */
export const moffat = kernel(
  {
    pixels: 'i32',
    listBytes: 'i32',
    numbers: 'i32',
    /** Quadrature: offset by x, by y, and weight of each node. */
    nodes: 'i32',
    nodesBytes: 'i32',
    sums: 'i32',
  },
  (p, local) => {
    const [pixel, node] = [local('i32'), local('i32')]
    const vector = () => local('v128')
    const number = Object.fromEntries(MOFFAT_NUMBERS.map(name => [name, vector()])) as Record<MoffatNumber, Register>
    const [dx, dy, u, v, z, log, value, slope, power, part] = Array.from({ length: 10 }, vector)
    const [s0, sx, sy, sa, sb, sc, sl] = Array.from({ length: 7 }, vector)
    const [precise, light, left] = Array.from({ length: 3 }, vector)
    const column = Array.from({ length: MOFFAT_TERMS }, vector)
    const sums = Array.from({ length: MOFFAT_SUMS }, vector)
    const zero = f32x4.const(0, 0, 0, 0)
    const more = (sum: Register, term: Vector) => sum.set(add(sum, term))
    const next = (k: number) => i32.add(pixel, i32.mul(p.listBytes, i32.const(k)))
    const { a, b, twoC, beta } = number
    const triangle = column.flatMap((first, i) => column.slice(0, i + 1).map(second => mul(first, second)))
    const terms = [...triangle, ...column.map(c => mul(c, left)), mul(left, left)]
    return [
      ...MOFFAT_NUMBERS.map((name, k) => number[name].set(f32x4.loadSplat(p.numbers, 4 * k))),
      ...sums.map(sum => sum.set(zero)),
      repeat(pixel, p.pixels, i32.add(p.pixels, p.listBytes), 16, [
        dx.set(sub(f32x4.load(pixel), number.x)),
        dy.set(sub(f32x4.load(next(1)), number.y)),
        ...[s0, sx, sy, sa, sb, sc, sl].map(sum => sum.set(zero)),
        repeat(node, p.nodes, i32.add(p.nodes, p.nodesBytes), 12, [
          u.set(add(dx, f32x4.loadSplat(node))),
          v.set(add(dy, f32x4.loadSplat(node, 4))),
          z.set(add(splat(1), add(mul(u, add(mul(a, u), mul(twoC, v))), mul(b, mul(v, v))))),
          ...setLog(log, z, power, part),
          ...setExp(value, sub(zero, mul(beta, log)), power, part),
          value.set(mul(value, f32x4.loadSplat(node, 8))),
          slope.set(div(mul(value, beta), z)),
          more(s0, value),
          more(sx, mul(slope, add(mul(add(a, a), u), mul(twoC, v)))),
          more(sy, mul(slope, add(mul(add(b, b), v), mul(twoC, u)))),
          more(sa, mul(slope, mul(u, u))),
          more(sb, mul(slope, mul(v, v))),
          more(sc, mul(add(slope, slope), mul(u, v))),
          more(sl, mul(value, log)),
        ]),
        precise.set(f32x4.load(next(3))),
        light.set(mul(number.light, precise)),
        left.set(sub(f32x4.load(next(2)), mul(light, s0))),
        column[0].set(mul(mul(number.norm, s0), precise)),
        column[1].set(mul(light, sx)),
        column[2].set(mul(light, sy)),
        column[3].set(mul(light, sub(mul(s0, number.halfB), sa))),
        column[4].set(mul(light, sub(mul(s0, number.halfA), sb))),
        column[5].set(mul(light, sub(mul(s0, number.minusC), sc))),
        column[6].set(mul(mul(light, beta), sub(mul(s0, number.inverseBeta), sl))),
        ...sums.map((sum, k) => more(sum, terms[k])),
      ]),
      ...sums.map((sum, k) => f32.store(p.sums, f32x4.total(sum), 4 * k)),
    ]
  },
)
