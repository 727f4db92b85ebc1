/**
 * Sums of shifted lines, four pixels at a time: out[i] = Σ weight × line[i + shift], the inner loop of every filter. The
 * one function of this project that is not TypeScript: 128-bit vectors are out of reach for it, and the filters are a
 * third of the detection's time. The instructions are spelled out below; there is no toolchain.
 */

/** A shift, in values, and the weight it goes with. */
export interface Tap {
  shift: number
  weight: number
}

const PAGE = 65_536
const TAP_BYTES = 32
const MOST_TAPS = 512
const TAPS_AT = 0
const BUFFER_AT = TAPS_AT + MOST_TAPS * TAP_BYTES
const STEP = 16 // values that one turn of the loop makes

type Sum = (from: number, into: number, endInto: number, endTaps: number) => void

/** Memory for lines and their sums, and the sums. Reused; values beyond what was written are those of the last use. */
export class WeightedSums {
  readonly #run: Sum
  readonly #memory: WebAssembly.Memory
  #values = new Float32Array(0)
  #endTaps = TAPS_AT

  constructor() {
    this.#memory = new WebAssembly.Memory({ initial: 1 })
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), { m: { m: this.#memory } })
    this.#run = exports.f as Sum
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
      for (let lane = 0; lane < 4; lane++) view.setFloat32(TAPS_AT + k * TAP_BYTES + 16 + 4 * lane, weight, true)
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

/**
 * The module in the binary format (WebAssembly core 2.0, chapter 5):
 *
 *     (func (export "f") (param $from $into $end $taps i32) (local $tap $at i32) (local $s0 $s1 $s2 $s3 v128)
 *       loop
 *         clear the four sums; $tap = TAPS_AT
 *         loop
 *           $at = $from + shift of $tap
 *           $sN = $sN + weight of $tap × four values at $at + 16 N, for N = 0..3
 *           $tap += TAP_BYTES; again while $tap < $taps
 *         end
 *         store the sums at $into; $from += 64; $into += 64; again while $into < $end
 *       end)
 */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const [I32, V128, VOID] = [0x7f, 0x7b, 0x40]
  const [FROM, INTO, END, TAPS, TAP, AT, SUM] = [0, 1, 2, 3, 4, 5, 6]
  const get = (local: number) => [0x20, local]
  const set = (local: number) => [0x21, local]
  const constant = (value: number) => [0x41, value + (value >= 64 ? 0x80 : 0), ...(value >= 64 ? [0] : [])] // LEB128 < 128
  const add = [0x6a]
  const addTo = (local: number, value: number) => [...get(local), ...constant(value), ...add, ...set(local)]
  const load32 = [0x28, 2, 0]
  const load128 = (offset: number) => [0xfd, 0x00, 0, offset]
  const store128 = (offset: number) => [0xfd, 0x0b, 0, offset]
  const multiply = [0xfd, 0xe6, 0x01]
  const addVectors = [0xfd, 0xe4, 0x01]
  const zeros = [0xfd, 0x0c, ...new Array(16).fill(0)]
  const lessThan = [0x49]
  const loop = (body: number[]) => [0x03, VOID, ...body, 0x0b]
  const again = [0x0d, 0]
  const lanes = [0, 1, 2, 3]

  const inner = loop([
    ...[...get(FROM), ...get(TAP), ...load32, ...add, ...set(AT)],
    ...lanes.flatMap(n => [
      ...[...get(SUM + n), ...get(TAP), ...load128(16), ...get(AT), ...load128(16 * n)],
      ...[...multiply, ...addVectors, ...set(SUM + n)],
    ]),
    ...addTo(TAP, TAP_BYTES),
    ...[...get(TAP), ...get(TAPS), ...lessThan, ...again],
  ])
  const outer = loop([
    ...lanes.flatMap(n => [...zeros, ...set(SUM + n)]),
    ...[...constant(TAPS_AT), ...set(TAP)],
    ...inner,
    ...lanes.flatMap(n => [...get(INTO), ...get(SUM + n), ...store128(16 * n)]),
    ...addTo(FROM, 4 * STEP),
    ...addTo(INTO, 4 * STEP),
    ...[...get(INTO), ...get(END), ...lessThan, ...again],
  ])
  const code = [2, 2, I32, 4, V128, ...outer, 0x0b]
  const section = (id: number, content: number[]) => [id, ...size(content.length), ...content]
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 4, I32, I32, I32, I32, 0]), // one type: four integers, no result
    ...section(2, [1, 1, 0x6d, 1, 0x6d, 2, 0, 1]), // import m.m: a memory of at least one page
    ...section(3, [1, 0]), // one function of that type
    ...section(7, [1, 1, 0x66, 0, 0]), // export f
    ...section(10, [1, ...size(code.length), ...code]),
  ])
}

/** LEB128 of a length below 16384. */
function size(length: number): number[] {
  return length < 128 ? [length] : [(length & 127) | 128, length >> 7]
}
