import { assemble, f32x4, i32, kernel, repeat } from '#shared/numeric/wasm.ts'

/**
 * Sums of shifted lines, four pixels at a time: out[i] = Σ weight × line[i + shift], the inner loop of every filter. A
 * kernel of 128-bit vectors, for the filters are a third of the detection's time.
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
const TAPS_AT = 0
const BUFFER_AT = TAPS_AT + MOST_TAPS * TAP_BYTES
const STEP = 16 // values that one turn of the loop makes

type Sum = (from: number, into: number, end: number, endTaps: number) => void

/** Memory for lines and their sums, and the sums. Reused; values beyond what was written are those of the last use. */
export class WeightedSums {
  readonly #run: Sum
  readonly #memory: WebAssembly.Memory
  #values = new Float32Array(0)
  #endTaps = TAPS_AT

  constructor() {
    this.#memory = new WebAssembly.Memory({ initial: 1 })
    const module = new WebAssembly.Module(assemble({ sum }))
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } })
    this.#run = exports.sum as Sum
  }

  /** Room for at least so many values; what was there before is lost. */
  room(length: number): Float32Array {
    const bytes = BUFFER_AT + 4 * length
    const missing = Math.ceil((bytes - this.#memory.buffer.byteLength) / PAGE)
    if (missing > 0) this.#memory.grow(missing)
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
   * Sums at `count` values from place `from` on, written from place `into` on; both are indices of the room. Up to 15
   * more are written, to make whole turns.
   */
  sum(from: number, into: number, count: number): void {
    const at = BUFFER_AT + 4 * into
    this.#run(BUFFER_AT + 4 * from, at, at + 4 * STEP * Math.ceil(count / STEP), this.#endTaps)
  }
}

/** Sums at four times four values a turn, from address `from` on, written from `into` on until `end`. */
const sum = kernel({ from: 'i32', into: 'i32', end: 'i32', endTaps: 'i32' }, ({ from, into, end, endTaps }, local) => {
  const [tap, at] = [local('i32'), local('i32')]
  const sums = [0, 1, 2, 3].map(() => local('v128'))
  const addTap = [
    at.set(i32.add(from, i32.load(tap))),
    ...sums.map((sum, n) => sum.set(f32x4.add(sum, f32x4.mul(f32x4.load(tap, WEIGHT_OFFSET), f32x4.load(at, 16 * n))))),
  ]
  return [
    repeat(into, into, end, 4 * STEP, [
      ...sums.map(sum => sum.set(f32x4.const(0, 0, 0, 0))),
      repeat(tap, i32.const(TAPS_AT), endTaps, TAP_BYTES, addTap),
      ...sums.map((sum, n) => f32x4.store(into, sum, 16 * n)),
      from.set(i32.add(from, i32.const(4 * STEP))),
    ]),
  ]
})
