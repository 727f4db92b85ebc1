import { assemble, f32, f64, i32, kernel, repeat, type Variable, when } from '#shared/numeric/wasm.ts'
import type { Frame } from './frame.ts'

export const BINS = 512 // ±16 σ of a sample, whose σ may be some ten per cent off
export const STEP_BINS = 256 // second differences up to 16 σ
const LARGE = 2e6 // pixels of a frame
const PAGE = 65_536
const COUNTS_AT = 0
const LEVELS_AT = 16
const STEPS_AT = LEVELS_AT + 4 * BINS
const LINES_AT = STEPS_AT + 4 * STEP_BINS

/** Where the bins of a cell lie. */
export interface Bins {
  start: number
  /** Bins of an ADU, of levels and of second differences. */
  perBin: number
  perStepBin: number
}

interface Kernels {
  count(
    pixels: number,
    mask: number,
    parity: number,
    columns: number,
    start: number,
    perBin: number,
    perStepBin: number,
  ): void
}

/** Histograms of the pixels of cells, and of their second differences along the lines, for a band of a frame's lines. */
export class SkyHistograms {
  readonly frame: Frame
  /** Counts of levels and of second differences, of the cell that was asked for last. */
  levels = new Int32Array(0)
  steps = new Int32Array(0)
  /** First line of the band, and the one behind it. */
  y0 = 0
  y1 = 0
  /** Lines of the band that are counted: of a large frame every other one, which costs a fiftieth of the noise. */
  lines = 0
  readonly #every: number
  readonly #memory = new WebAssembly.Memory({ initial: 1 })
  readonly #run: Kernels
  #counts = new Int32Array(0)
  #maskAt = 0

  constructor(frame: Frame) {
    this.frame = frame
    this.#every = frame.pixels.length >= LARGE ? 2 : 1
    compiled ??= new WebAssembly.Module(assemble({ count }))
    this.#run = new WebAssembly.Instance(compiled, { env: { memory: this.#memory } }).exports as unknown as Kernels
  }

  /** Take the lines from y0 to before y1. */
  take(y0: number, y1: number): void {
    const { width, pixels, mask } = this.frame
    this.y0 = y0
    this.y1 = y1
    this.lines = Math.ceil((y1 - y0) / this.#every)
    this.#maskAt = LINES_AT + 4 * width * this.lines
    const missing = Math.ceil((this.#maskAt + width * this.lines - this.#memory.buffer.byteLength) / PAGE)
    if (missing > 0) this.#memory.grow(missing)
    const { buffer } = this.#memory
    this.levels = new Int32Array(buffer, LEVELS_AT, BINS)
    this.steps = new Int32Array(buffer, STEPS_AT, STEP_BINS)
    this.#counts = new Int32Array(buffer, COUNTS_AT, 2)
    const values = new Float32Array(buffer, LINES_AT, width * this.lines)
    const bytes = new Uint8Array(buffer, this.#maskAt, width * this.lines)
    for (let line = 0, from = y0 * width; line < this.lines; line++, from += this.#every * width) {
      values.set(pixels.subarray(from, from + width), line * width)
      bytes.set(mask.subarray(from, from + width), line * width)
    }
  }

  /** Count the good pixels of the columns from x0 to before x1; returns how many there are, and how many differences. */
  count(x0: number, x1: number, { start, perBin, perStepBin }: Bins): { good: number; steps: number } {
    const { width } = this.frame
    this.#counts.fill(0)
    this.levels.fill(0)
    this.steps.fill(0)
    for (let line = 0; line < this.lines; line++) {
      const from = line * width + x0
      const parity = (this.y0 + line * this.#every) * width + x0
      this.#run.count(LINES_AT + 4 * from, this.#maskAt + from, parity, x1 - x0, start, perBin, perStepBin)
    }
    return { good: this.#counts[0], steps: this.#counts[1] }
  }
}
let compiled: WebAssembly.Module | undefined

/** One line of a cell; `parity` is even where differences end at even columns. */
const count = kernel(
  { pixels: 'i32', mask: 'i32', parity: 'i32', columns: 'i32', start: 'f64', perBin: 'f64', perStepBin: 'f64' },
  (p, local) => {
    const [x, pixel, flag, bin] = Array.from({ length: 4 }, () => local('i32'))
    const [value, place] = [local('f64'), local('f64')]
    const isIn = local('i32')
    const pixelAt = (back: number) => f64.fromF32(f32.load(i32.sub(pixel, i32.const(4 * back))))
    const isGood = (back: number) => i32.isZero(i32.loadByte(i32.sub(flag, i32.const(back))))
    const one = i32.const(1)
    const add = (at: Variable<'i32'>, offset: number) => i32.store(at, i32.add(i32.load(at, offset), one), offset)
    const nowhere = i32.const(COUNTS_AT)
    const difference = f64.abs(f64.add(f64.sub(value, f64.mul(f64.const(2), pixelAt(2))), pixelAt(4)))
    return [
      repeat(x, i32.const(0), p.columns, 1, [
        pixel.set(i32.add(p.pixels, i32.mul(x, i32.const(4)))),
        flag.set(i32.add(p.mask, x)),
        when(isGood(0), [
          value.set(pixelAt(0)),
          place.set(f64.mul(f64.sub(value, p.start), p.perBin)),
          isIn.set(i32.and(f64.atLeast(place, f64.const(0)), f64.lessThan(place, f64.const(BINS)))),
          when(isIn, [bin.set(i32.mul(i32.fromF64(place), i32.const(4))), add(bin, LEVELS_AT)]),
          when(i32.or(isIn, f64.lessThan(f64.abs(value), f64.const(1e30))), [
            bin.set(nowhere),
            add(bin, 0),
            when(i32.and(i32.and(i32.add(p.parity, x), one), i32.atLeast(x, i32.const(4))), [
              when(i32.and(isGood(2), isGood(4)), [
                add(bin, 4),
                place.set(f64.mul(difference, p.perStepBin)),
                when(f64.lessThan(place, f64.const(STEP_BINS)), [
                  bin.set(i32.mul(i32.fromF64(place), i32.const(4))),
                  add(bin, STEPS_AT),
                ]),
              ]),
            ]),
          ]),
        ]),
      ]),
    ]
  },
)
