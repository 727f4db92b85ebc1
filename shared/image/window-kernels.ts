import { assemble, f32, f32x4, i32, kernel, repeat, type Variable } from '#shared/numeric/wasm.ts'

const PAGE = 65_536
/** Pixels from the middle of a window to its edge, at most. */
export const MOST_REACH = 64
/** Side of a patch, pixel, at most. */
export const MOST_SIDE = 2 * (MOST_REACH + 3) + 1
const WEIGHTS = 2 * MOST_REACH + 4 // and three zeros behind a whole number of fours
const SUMS = 5
const SUMS_AT = 0
const X_AT = 32
const Y_AT = X_AT + 4 * WEIGHTS
const PATCH_AT = Y_AT + 4 * WEIGHTS
// A window near an edge is laid over what lies before or behind the pixels, with weight 0.
const APRON = 8 * MOST_REACH
const SIGNAL_AT = Math.ceil((PATCH_AT + 4 * MOST_SIDE ** 2 + APRON) / 16) * 16

/** Where a window lies: pixels, which are in the memory of its kernels, and the first of them. */
export interface Window {
  signal: Float32Array
  /** Pixels from line to line. */
  width: number
  left: number
  low: number
  columns: number
  lines: number
}

interface Kernels {
  windowSums(from: number, stride: number, columns: number, lines: number, dx: number, dy: number): void
  windowNoise(
    from: number,
    stride: number,
    columns: number,
    lines: number,
    dx: number,
    dy: number,
    variance: number,
    perAdu: number,
  ): void
}

/** The pixels of a frame above its sky, and sums over them under windows that are products of weights by column and line. */
export class SignalPlane {
  readonly width: number
  readonly height: number
  /** One value a pixel, row-major, all finite. */
  readonly signal: Float32Array
  /** Weights by column and by line; those behind the last column up to a whole four are to be 0. */
  readonly weightX: Float32Array
  readonly weightY: Float32Array
  readonly #buffer: ArrayBuffer
  readonly #sums: Float32Array
  readonly #run: Kernels

  constructor(width: number, height: number) {
    this.width = width
    this.height = height
    const bytes = SIGNAL_AT + 4 * width * height + APRON
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) })
    compiled ??= new WebAssembly.Module(assemble({ windowSums, windowNoise }))
    this.#run = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Kernels
    this.#buffer = memory.buffer as ArrayBuffer
    this.signal = new Float32Array(this.#buffer, SIGNAL_AT, width * height)
    this.weightX = new Float32Array(this.#buffer, X_AT, WEIGHTS)
    this.weightY = new Float32Array(this.#buffer, Y_AT, WEIGHTS)
    this.#sums = new Float32Array(this.#buffer, SUMS_AT, SUMS)
  }

  /** Room for a copy of some pixels, which windows may be laid over as well; there is one, no larger than {@link MOST_SIDE}. */
  patch(side: number): Float32Array {
    return new Float32Array(this.#buffer, PATCH_AT, side * side)
  }

  /**
   * Sums of weight × signal, and of these times the offsets by x and y.
   *
   * @param dx,dy offset of the window's first pixel
   * @returns three numbers, gone with the next call
   */
  sums({ signal, width, left, low, columns, lines }: Window, dx: number, dy: number): Float32Array {
    const from = signal.byteOffset + 4 * (low * width + left)
    this.#run.windowSums(from, 4 * width, columns, lines, dx, dy)
    return this.#sums
  }

  /**
   * Variance of the sum of weight × signal, that of its moments by x and y, and its second moments by x and y.
   *
   * @param variance of a pixel of the sky, and what an ADU of light adds to it
   * @returns five numbers, gone with the next call
   */
  noise(
    { signal, width, left, low, columns, lines }: Window,
    dx: number,
    dy: number,
    variance: number,
    perAdu: number,
  ): Float32Array {
    const from = signal.byteOffset + 4 * (low * width + left)
    this.#run.windowNoise(from, 4 * width, columns, lines, dx, dy, variance, perAdu)
    return this.#sums
  }
}
let compiled: WebAssembly.Module | undefined

const { add, mul, splat } = f32x4
const zero = f32x4.const(0, 0, 0, 0)
const lanes = f32x4.const(0, 1, 2, 3)
const four = f32x4.const(4, 4, 4, 4)
const where = { from: 'i32', stride: 'i32', columns: 'i32', lines: 'i32', dx: 'f32', dy: 'f32' } as const

/** Bytes from the weight of a column or line to the first. */
const weightOf = (place: Variable<'i32'>) => i32.mul(place, i32.const(4))

const windowSums = kernel(where, (p, local) => {
  const [line, column, pixel] = Array.from({ length: 3 }, () => local('i32'))
  const [value, dx, ofLine, ofLineX, weight, dy, sum, sumX, sumY] = Array.from({ length: 9 }, () => local('v128'))
  return [
    ...[sum, sumX, sumY].map(s => s.set(zero)),
    dy.set(splat(p.dy)),
    repeat(line, i32.const(0), p.lines, 1, [
      pixel.set(i32.add(p.from, i32.mul(line, p.stride))),
      dx.set(add(splat(p.dx), lanes)),
      ofLine.set(zero),
      ofLineX.set(zero),
      repeat(column, i32.const(0), p.columns, 4, [
        value.set(mul(f32x4.load(pixel), f32x4.load(weightOf(column), X_AT))),
        ofLine.set(add(ofLine, value)),
        ofLineX.set(add(ofLineX, mul(value, dx))),
        dx.set(add(dx, four)),
        pixel.set(i32.add(pixel, i32.const(16))),
      ]),
      weight.set(f32x4.loadSplat(weightOf(line), Y_AT)),
      ofLine.set(mul(ofLine, weight)),
      sum.set(add(sum, ofLine)),
      sumX.set(add(sumX, mul(ofLineX, weight))),
      sumY.set(add(sumY, mul(ofLine, dy))),
      dy.set(add(dy, f32x4.const(1, 1, 1, 1))),
    ]),
    ...[sum, sumX, sumY].map((s, k) => f32.store(i32.const(SUMS_AT), f32x4.total(s), 4 * k)),
  ]
})

const windowNoise = kernel({ ...where, variance: 'f32', perAdu: 'f32' }, (p, local) => {
  const [line, column, pixel] = Array.from({ length: 3 }, () => local('i32'))
  const [value, dx, dy, square, weight, noise, light] = Array.from({ length: 7 }, () => local('v128'))
  const sums = Array.from({ length: SUMS }, () => local('v128'))
  const more = (k: number, term: typeof zero) => sums[k].set(add(sums[k], term))
  return [
    ...sums.map(s => s.set(zero)),
    dy.set(splat(p.dy)),
    repeat(line, i32.const(0), p.lines, 1, [
      pixel.set(i32.add(p.from, i32.mul(line, p.stride))),
      dx.set(add(splat(p.dx), lanes)),
      square.set(mul(dy, dy)),
      repeat(column, i32.const(0), p.columns, 4, [
        value.set(f32x4.load(pixel)),
        weight.set(mul(f32x4.load(weightOf(column), X_AT), f32x4.loadSplat(weightOf(line), Y_AT))),
        noise.set(add(splat(p.variance), mul(f32x4.max(value, zero), splat(p.perAdu)))),
        noise.set(mul(mul(weight, weight), noise)),
        light.set(mul(weight, value)),
        more(0, noise),
        more(1, mul(noise, mul(dx, dx))),
        more(2, mul(noise, square)),
        more(3, mul(light, mul(dx, dx))),
        more(4, mul(light, square)),
        dx.set(add(dx, four)),
        pixel.set(i32.add(pixel, i32.const(16))),
      ]),
      dy.set(add(dy, f32x4.const(1, 1, 1, 1))),
    ]),
    ...sums.map((s, k) => f32.store(i32.const(SUMS_AT), f32x4.total(s), 4 * k)),
  ]
})
