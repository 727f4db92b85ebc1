import { assemble, f32, f32x4, i32, kernel, repeat, type Variable, v128 } from '#shared/numeric/wasm.ts'

/**
 * What is done to every pixel of a frame when stars are searched for, line by line in kernels of 128-bit vectors: the sums
 * of the filters, and the passes before and behind them. Written as loops of a program they are slow until the compiler has
 * looked at them, which for a single frame is most of the time.
 */

/** A shift, in values, and the weight it goes with. */
export interface Tap {
  shift: number
  weight: number
}

const PAGE = 65_536
const TAP_BYTES = 32 // the shift in bytes, and the weight four times
const WEIGHT_OFFSET = 16
const MOST_TAPS = 512
const STEP = 16 // values that one turn of a loop makes
const MOST_WIDTH = 65_536 // of a line, pixel
const TAPS_AT = 0
const BYTES_AT = TAPS_AT + MOST_TAPS * TAP_BYTES
const FACTORS_AT = BYTES_AT + MOST_WIDTH + STEP
const MARKS_AT = FACTORS_AT + MOST_WIDTH / 2 + STEP
const DRAWN_AT = MARKS_AT + MOST_WIDTH / 4 + STEP
const PARTS_AT = DRAWN_AT + 4 * MOST_WIDTH + STEP
const STARTS_AT = PARTS_AT + 4 * MOST_WIDTH + STEP
const CUBICS_AT = STARTS_AT + 4 * MOST_WIDTH + STEP
const BUFFER_AT = CUBICS_AT + 16 * MOST_WIDTH + STEP

/** Pixels that share a factor of {@link LineKernels.scale}. */
const BLOCK = 8

interface Kernels {
  sum(from: number, into: number, end: number, endTaps: number): void
  takeAway(from: number, end: number, what: number): void
  drawPieces(starts: number, cubics: number, pieces: number, part: number, floor: number, out: number): void
  over(from: number, end: number, level: number, bytes: number, refused: number, marks: number): void
  scale(from: number, end: number, factors: number, bytes: number): void
  tops(from: number, end: number, stride: number, limit: number, marks: number): void
}

/** Memory for lines and their sums, and what is done to them. Reused; values beyond what was written are those of the last use. */
export class LineKernels {
  readonly #run: Kernels
  readonly #memory: WebAssembly.Memory
  #values = new Float32Array(0)
  #bytes = new Uint8Array(0)
  #factors = new Float32Array(0)
  #cubics = new Float32Array(0)
  #drawn = new Float32Array(0)
  #marks = new Int32Array(0)
  #endTaps = TAPS_AT
  #pieces?: Pieces

  constructor() {
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(BUFFER_AT / PAGE) })
    const module = new WebAssembly.Module(assemble({ sum, takeAway, drawPieces, over, scale, tops }))
    this.#run = new WebAssembly.Instance(module, { env: { memory: this.#memory } }).exports as unknown as Kernels
    this.#look()
  }

  /** Views of the memory, which are for nothing once it has grown. */
  #look(): void {
    const { buffer } = this.#memory
    this.#bytes = new Uint8Array(buffer, BYTES_AT, MOST_WIDTH)
    this.#factors = new Float32Array(buffer, FACTORS_AT, MOST_WIDTH / BLOCK)
    this.#cubics = new Float32Array(buffer, CUBICS_AT, 4 * MOST_WIDTH)
    this.#drawn = new Float32Array(buffer, DRAWN_AT, this.#drawn.length)
    this.#marks = new Int32Array(buffer, MARKS_AT, this.#marks.length)
  }

  #marksOf(count: number): Int32Array {
    const groups = Math.ceil(count / STEP)
    if (this.#marks.length !== groups) this.#marks = new Int32Array(this.#memory.buffer, MARKS_AT, groups)
    return this.#marks
  }

  /** Room for at least so many values; what was there before is lost. */
  room(length: number): Float32Array {
    const bytes = BUFFER_AT + 4 * length
    const missing = Math.ceil((bytes - this.#memory.buffer.byteLength) / PAGE)
    if (missing > 0) {
      this.#memory.grow(missing)
      this.#look()
    }
    if (this.#values.length < length) this.#values = new Float32Array(this.#memory.buffer, BUFFER_AT, length)
    return this.#values
  }

  /** The taps of the sums to come; at most 512. */
  use(taps: Tap[]): void {
    const view = new DataView(this.#memory.buffer)
    taps.forEach(({ shift, weight }, k) => {
      view.setInt32(TAPS_AT + k * TAP_BYTES, 4 * shift, true)
      for (let lane = 0; lane < 4; lane++)
        view.setFloat32(TAPS_AT + k * TAP_BYTES + WEIGHT_OFFSET + 4 * lane, weight, true)
    })
    this.#endTaps = TAPS_AT + taps.length * TAP_BYTES
  }

  /**
   * Sums of shifted lines, out[i] = Σ weight × line[i + shift], at `count` values from place `from` on, written from place
   * `into` on; both are indices of the room. Up to 15 more are written, to make whole turns.
   */
  sum(from: number, into: number, count: number): void {
    this.#run.sum(placeOf(from), placeOf(into), endOf(into, count), this.#endTaps)
  }

  /** Subtract the values from place `what` on from those from place `from` on; up to 15 more than asked for. */
  takeAway(from: number, what: number, count: number): void {
    this.#run.takeAway(placeOf(from), endOf(from, count), placeOf(what))
  }

  /** A byte a pixel, which {@link over} and {@link scale} read. */
  bytes(): Uint8Array {
    return this.#bytes
  }

  /** A factor for each eight pixels, which {@link scale} reads. */
  factors(): Float32Array {
    return this.#factors
  }

  /** Four coefficients for each piece of a line, which {@link draw} reads. */
  cubics(): Float32Array {
    return this.#cubics
  }

  /**
   * Draw a line of a map from the coefficients of its pieces.
   *
   * @param floor no value falls below it
   * @returns the line; gone with the next call
   */
  draw(pieces: Pieces, floor: number): Float32Array {
    const { starts, part } = pieces
    if (this.#pieces !== pieces) {
      new Int32Array(this.#memory.buffer, STARTS_AT, starts.length).set(starts)
      new Float32Array(this.#memory.buffer, PARTS_AT, part.length).set(part)
      this.#pieces = pieces
    }
    this.#run.drawPieces(STARTS_AT, CUBICS_AT, starts.length - 1, PARTS_AT, floor, DRAWN_AT)
    if (this.#drawn.length !== part.length) this.#drawn = new Float32Array(this.#memory.buffer, DRAWN_AT, part.length)
    return this.#drawn
  }

  /**
   * Subtract the line drawn last from the values from place `from` on. Where the byte has a refused bit, or no number
   * comes out, 0 is put, and the group of 16 is marked.
   *
   * @returns one number a group, 0 where all are good; gone with the next call
   */
  over(from: number, count: number, refused: number): Int32Array {
    this.#run.over(placeOf(from), endOf(from, count), DRAWN_AT, BYTES_AT, refused, MARKS_AT)
    return this.#marksOf(count)
  }

  /** Multiply each value by its byte, and by the factor of its eight; up to 15 more than asked for. */
  scale(from: number, count: number): void {
    this.#run.scale(placeOf(from), endOf(from, count), FACTORS_AT, BYTES_AT)
  }

  /**
   * Mark the groups of 16 values in which one is above a limit and not below any of the four beside it, a place or a stride
   * away.
   *
   * @returns one number a group, 0 where there is none; gone with the next call
   */
  tops(from: number, count: number, stride: number, limit: number): Int32Array {
    this.#run.tops(placeOf(from), endOf(from, count), 4 * stride, limit, MARKS_AT)
    return this.#marksOf(count)
  }
}

/** Which pixels of a line belong to each piece of a map. */
export interface Pieces {
  /** First pixel of each piece, and the width of the map behind them. */
  starts: Int32Array
  /** Place of each pixel in its piece. */
  part: Float64Array
}

/** Values of a group that {@link LineKernels.tops} marks. */
export const GROUP = STEP

function placeOf(index: number): number {
  return BUFFER_AT + 4 * index
}

function endOf(index: number, count: number): number {
  return placeOf(index) + 4 * STEP * Math.ceil(count / STEP)
}

const FOURS = [0, 16, 32, 48] // bytes from one four of a turn's values to the next

/** Sums at four times four values a turn, from address `from` on, written from `into` on until `end`. */
const sum = kernel({ from: 'i32', into: 'i32', end: 'i32', endTaps: 'i32' }, ({ from, into, end, endTaps }, local) => {
  const [tap, at] = [local('i32'), local('i32')]
  const sums = FOURS.map(() => local('v128'))
  const addTap = [
    at.set(i32.add(from, i32.load(tap))),
    ...sums.map((sum, n) =>
      sum.set(f32x4.add(sum, f32x4.mul(f32x4.load(tap, WEIGHT_OFFSET), f32x4.load(at, FOURS[n])))),
    ),
  ]
  return [
    repeat(into, into, end, 4 * STEP, [
      ...sums.map(sum => sum.set(f32x4.const(0, 0, 0, 0))),
      repeat(tap, i32.const(TAPS_AT), endTaps, TAP_BYTES, addTap),
      ...sums.map((sum, n) => f32x4.store(into, sum, FOURS[n])),
      from.set(i32.add(from, i32.const(4 * STEP))),
    ]),
  ]
})

const takeAway = kernel({ from: 'i32', end: 'i32', what: 'i32' }, ({ from, end, what }) => [
  repeat(from, from, end, 4 * STEP, [
    ...FOURS.map(four => f32x4.store(from, f32x4.sub(f32x4.load(from, four), f32x4.load(what, four)), four)),
    what.set(i32.add(what, i32.const(4 * STEP))),
  ]),
])

/**
 * One row of a map in pieces: value + t (slope + t (square + t cube)) with the place t of each pixel in its piece. Up to
 * three numbers behind the row are written.
 */
export const drawPieces = kernel(
  {
    /** First pixel of each piece, and four coefficients of each; the place of each pixel in its piece. */
    starts: 'i32',
    cubics: 'i32',
    pieces: 'i32',
    part: 'i32',
    floor: 'f32',
    out: 'i32',
  },
  (p, local) => {
    const [piece, x, start, cubic] = Array.from({ length: 4 }, () => local('i32'))
    const [value, slope, square, cube, t, floor] = Array.from({ length: 6 }, () => local('v128'))
    const { add, mul } = f32x4
    const steps = add(value, mul(t, add(slope, mul(t, add(square, mul(t, cube))))))
    const times = (value: Variable<'i32'>, factor: number) => i32.mul(value, i32.const(factor))
    return [
      floor.set(f32x4.splat(p.floor)),
      repeat(piece, i32.const(0), p.pieces, 1, [
        start.set(i32.add(p.starts, times(piece, 4))),
        cubic.set(i32.add(p.cubics, times(piece, 16))),
        ...[value, slope, square, cube].map((term, k) => term.set(f32x4.loadSplat(cubic, 4 * k))),
        repeat(x, i32.load(start), i32.load(start, 4), 4, [
          t.set(f32x4.load(i32.add(p.part, times(x, 4)))),
          f32x4.store(i32.add(p.out, times(x, 4)), f32x4.max(floor, steps)),
        ]),
      ]),
    ]
  },
)

const NO_NUMBER = 1e30 // FITS files have such values where there is none

const over = kernel(
  { from: 'i32', end: 'i32', level: 'i32', bytes: 'i32', refused: 'i32', marks: 'i32' },
  ({ from, end, level, bytes, refused, marks }, local) => {
    const [value, good, all, bits, most] = [0, 1, 2, 3, 4].map(() => local('v128'))
    const take = (four: number, n: number) => [
      value.set(f32x4.sub(f32x4.load(from, four), f32x4.load(level, four))),
      good.set(
        v128.and(
          f32x4.lessThan(f32x4.abs(value), most),
          v128.lessThanI32(v128.and(v128.loadBytes(i32.add(bytes, i32.const(4 * n))), bits), v128.constI32(1, 1, 1, 1)),
        ),
      ),
      all.set(v128.and(all, good)),
      f32x4.store(from, v128.and(value, good), four),
    ]
    return [
      bits.set(v128.splatI32(refused)),
      most.set(f32x4.splat(f32.const(NO_NUMBER))),
      repeat(from, from, end, 4 * STEP, [
        all.set(v128.constI32(-1, -1, -1, -1)),
        ...FOURS.flatMap(take),
        i32.store(marks, v128.anyTrue(v128.andNot(v128.constI32(-1, -1, -1, -1), all))),
        marks.set(i32.add(marks, i32.const(4))),
        level.set(i32.add(level, i32.const(4 * STEP))),
        bytes.set(i32.add(bytes, i32.const(STEP))),
      ]),
    ]
  },
)

const scale = kernel({ from: 'i32', end: 'i32', factors: 'i32', bytes: 'i32' }, ({ from, end, factors, bytes }) => [
  repeat(from, from, end, 4 * STEP, [
    ...FOURS.map((four, n) => {
      const byte = f32x4.fromI32(v128.loadBytes(i32.add(bytes, i32.const(4 * n))))
      const factor = f32x4.loadSplat(factors, 4 * (n >> 1))
      return f32x4.store(from, f32x4.mul(f32x4.mul(f32x4.load(from, four), factor), byte), four)
    }),
    factors.set(i32.add(factors, i32.const(8))),
    bytes.set(i32.add(bytes, i32.const(STEP))),
  ]),
])

const tops = kernel(
  { from: 'i32', end: 'i32', stride: 'i32', limit: 'f32', marks: 'i32' },
  ({ from, end, stride, limit, marks }, local) => {
    const [before, behind] = [local('i32'), local('i32')]
    const [value, limits] = [local('v128'), local('v128')]
    const any = local('v128')
    const isTop = (four: number) => [
      value.set(f32x4.load(from, four)),
      any.set(
        v128.or(
          any,
          [
            f32x4.atMost(f32x4.load(i32.sub(from, i32.const(4)), four), value),
            f32x4.atMost(f32x4.load(from, four + 4), value),
            f32x4.atMost(f32x4.load(before, four), value),
            f32x4.atMost(f32x4.load(behind, four), value),
          ].reduce((all, one) => v128.and(all, one), f32x4.moreThan(value, limits)),
        ),
      ),
    ]
    return [
      limits.set(f32x4.splat(limit)),
      repeat(from, from, end, 4 * STEP, [
        before.set(i32.sub(from, stride)),
        behind.set(i32.add(from, stride)),
        any.set(f32x4.const(0, 0, 0, 0)),
        ...FOURS.flatMap(isTop),
        i32.store(marks, v128.anyTrue(any)),
        marks.set(i32.add(marks, i32.const(4))),
      ]),
    ]
  },
)

let kept: LineKernels | undefined

/** The kernels, made when they are first needed and kept for the next frame. Who takes them has their memory until the next one does. */
export function lineKernels(): LineKernels {
  return (kept ??= new LineKernels())
}
