import { smoothLevel } from './hcompress-smooth.ts'

/** An image of the H-transform: `columns` varies fastest, as in the file. */
interface Coefficients {
  values: Float64Array
  rows: number
  columns: number
  /** Quantisation step of the coefficients; 0 or 1 is lossless. */
  scale: number
}

const MAGIC = 0xdd99
const HEADER_BYTES = 25
const PLAIN = 0 // a bit plane written as it is
const CODED = 0xf // a bit plane written as a quadtree

/**
 * Undo HCOMPRESS_1 compression of one tile (White 1992; FITS 4.0, section 10.4.4): bit planes of the quadrants as
 * Huffman-coded quadtrees, then the signs, then the inverse H-transform. In double precision, which holds the sums of
 * 32-bit images whole.
 *
 * @param out one value per pixel of the tile
 * @param smooth whether to smooth what quantisation has blurred, as the file asks for with SMOOTH
 * @returns false where the stream is damaged or its size is not that of the tile
 */
export function decodeHcompress(bytes: Uint8Array, out: Float64Array, smooth = false): boolean {
  if (bytes.length < HEADER_BYTES) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [rows, columns, scale] = [view.getInt32(2), view.getInt32(6), view.getInt32(10)]
  const planes = [bytes[22], bytes[23], bytes[24]]
  if (view.getUint16(0) !== MAGIC || rows < 1 || columns < 1 || rows * columns !== out.length) return false
  if (planes.some(count => count > 52)) return false
  const image: Coefficients = { values: out.fill(0), rows, columns, scale }
  const bits = new BitReader(bytes, HEADER_BYTES)
  if (!readQuadrants(bits, image, planes)) return false
  bits.alignToByte()
  for (let i = 0; i < out.length; i++) if (out[i] !== 0 && bits.take(1) === 1) out[i] = -out[i]
  if (bits.overrun()) return false
  out[0] = Number(view.getBigInt64(14))
  if (scale > 1) for (let i = 0; i < out.length; i++) out[i] *= scale
  invertTransform(image, smooth)
  return true
}

/** The four quadrants: smooth part, two kinds of first differences, second differences. */
function readQuadrants(bits: BitReader, { values, rows, columns }: Coefficients, planes: number[]): boolean {
  const upper = (rows + 1) >> 1
  const left = (columns + 1) >> 1
  const quadrants = [
    { start: 0, rows: upper, columns: left, planes: planes[0] },
    { start: left, rows: upper, columns: columns >> 1, planes: planes[1] },
    { start: columns * upper, rows: rows >> 1, columns: left, planes: planes[1] },
    { start: columns * upper + left, rows: rows >> 1, columns: columns >> 1, planes: planes[2] },
  ]
  for (const quadrant of quadrants) if (!readQuadrant(bits, values, columns, quadrant)) return false
  return bits.take(4) === 0
}

function readQuadrant(
  bits: BitReader,
  values: Float64Array,
  stride: number,
  { start, rows, columns, planes }: { start: number; rows: number; columns: number; planes: number },
): boolean {
  const halfRows = (rows + 1) >> 1
  const halfColumns = (columns + 1) >> 1
  let cells = new Uint8Array(Math.max(1, halfRows * halfColumns))
  let finer = new Uint8Array(cells.length)
  const levels = Math.ceil(Math.log2(Math.max(rows, columns, 1)))
  for (let plane = planes - 1; plane >= 0; plane--) {
    const how = bits.take(4)
    if (how === PLAIN) for (let i = 0; i < halfRows * halfColumns; i++) cells[i] = bits.take(4)
    else if (how !== CODED) return false
    else {
      cells[0] = readCode(bits)
      for (let level = levels - 1; level >= 1; level--) {
        // a level has as many cells as blocks of 2^level pixels cover the quadrant
        const h = (rows + 2 ** level - 1) >> level
        const w = (columns + 2 ** level - 1) >> level
        expand(bits, cells, finer, h, w)
        ;[cells, finer] = [finer, cells]
      }
    }
    if (bits.overrun()) return false
    const weight = 2 ** plane
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++)
        if (bitOf(cells, y, x, halfColumns) === 1) values[start + y * stride + x] += weight
  }
  return true
}

/** Whether the cell of the coarser level has its bit set for the place (y, x) of the finer one. */
function bitOf(cells: Uint8Array, y: number, x: number, width: number): number {
  return (cells[(y >> 1) * width + (x >> 1)] >> (3 - 2 * (y & 1) - (x & 1))) & 1
}

/** From a level to the next: each set bit is followed by the code of its own four. Codes come last place first. */
function expand(bits: BitReader, cells: Uint8Array, finer: Uint8Array, rows: number, columns: number): void {
  const width = (columns + 1) >> 1
  for (let y = rows - 1; y >= 0; y--)
    for (let x = columns - 1; x >= 0; x--) finer[y * columns + x] = bitOf(cells, y, x, width) === 1 ? readCode(bits) : 0
}

/** Huffman code of four bits: those with one bit set are the shortest. */
function readCode(bits: BitReader): number {
  let word = bits.take(3)
  if (word < 4) return 1 << word
  word = (word << 1) | bits.take(1)
  const short = codesOfFour[word]
  if (short !== undefined) return short
  word = (word << 1) | bits.take(1)
  const middle = codesOfFive[word]
  if (middle !== undefined) return middle
  return ((word << 1) | bits.take(1)) === 62 ? 0 : 14
}

const codesOfFour: Partial<Record<number, number>> = { 8: 3, 9: 5, 10: 10, 11: 12, 12: 15 }
const codesOfFive: Partial<Record<number, number>> = { 26: 6, 27: 7, 28: 9, 29: 11, 30: 13 }

/**
 * The inverse H-transform, level by level. Each level first rounds what quantisation blurred to what the level can hold,
 * then takes sums and differences; the lowest bits of the differences tell those of the sum.
 */
function invertTransform({ values, rows, columns, scale }: Coefficients, smooth: boolean): void {
  const levels = Math.ceil(Math.log2(Math.max(rows, columns)))
  const scratch = new Float64Array(Math.max(rows, columns))
  values[0] = rounded(values[0], 2 ** (levels + 1))
  for (let level = levels - 1; level >= 0; level--) {
    const h = (rows + 2 ** level - 1) >> level
    const w = (columns + 2 ** level - 1) >> level
    for (let y = 0; y < h; y++) interleave(values, y * columns, 1, w, scratch)
    for (let x = 0; x < w; x++) interleave(values, x, columns, h, scratch)
    if (smooth) smoothLevel(values, h, w, columns, scale)
    const bit0 = 2 ** level
    const bit1 = 2 * bit0
    const divisor = level === 0 ? 4 : 2
    for (let y = 0; y < h; y += 2)
      for (let x = 0; x < w; x += 2) {
        const at = y * columns + x
        combine(values, at, y + 1 < h ? at + columns : -1, x + 1 < w ? 1 : 0, bit0, bit1, divisor)
      }
  }
}

/** One cell of two by two; at the odd edges only what is there. */
function combine(
  a: Float64Array,
  at: number,
  below: number,
  right: 0 | 1,
  bit0: number,
  bit1: number,
  divisor: number,
): void {
  let sum = a[at]
  const hx = below >= 0 ? rounded(a[below], bit1) : 0
  const hy = right ? rounded(a[at + 1], bit1) : 0
  if (below >= 0 && right) {
    const hc = rounded(a[below + 1], bit0)
    const low0 = lowBit(hc, bit0)
    const x = hx >= 0 ? hx - low0 : hx + low0
    const y = hy >= 0 ? hy - low0 : hy + low0
    const odd = (lowBit(hc, bit1) + lowBit(x, bit1) + lowBit(y, bit1)) / bit1
    const low1 = odd % 2 === 1 ? bit1 : 0
    if (sum >= 0) sum += low0 - low1
    else sum += low0 === 0 ? low1 : low0 - low1
    a[below + 1] = Math.floor((sum + x + y + hc) / divisor)
    a[below] = Math.floor((sum + x - y - hc) / divisor)
    a[at + 1] = Math.floor((sum - x + y - hc) / divisor)
    a[at] = Math.floor((sum - x - y + hc) / divisor)
  } else if (below >= 0 || right) {
    const difference = below >= 0 ? hx : hy
    const low1 = lowBit(difference, bit1)
    sum += sum >= 0 ? -low1 : low1
    a[below >= 0 ? below : at + 1] = Math.floor((sum + difference) / divisor)
    a[at] = Math.floor((sum - difference) / divisor)
  } else a[at] = Math.floor(sum / divisor)
}

/** To the next multiple of a power of two, halves away from zero but for what a whole number cannot be. */
function rounded(value: number, bit: number): number {
  if (bit <= 1) return value
  const half = bit / 2
  return Math.floor((value + (value >= 0 ? half : half - 1)) / bit) * bit
}

/** The bit of a value in two's complement, as that power of two or zero. */
function lowBit(value: number, bit: number): number {
  const place = Math.floor(value / bit)
  return place % 2 === 0 ? 0 : bit
}

/** First half and second half of a line become its even and odd places. */
function interleave(a: Float64Array, start: number, step: number, length: number, scratch: Float64Array): void {
  const half = (length + 1) >> 1
  for (let i = half; i < length; i++) scratch[i - half] = a[start + i * step]
  for (let i = half - 1; i > 0; i--) a[start + 2 * i * step] = a[start + i * step]
  for (let i = 0; i < length - half; i++) a[start + (2 * i + 1) * step] = scratch[i]
}

class BitReader {
  readonly #bytes: Uint8Array
  #at: number
  #window = 0
  #held = 0

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  /** The next bits, at most 8 at once; zeros behind the end, told by {@link overrun}. */
  take(bits: number): number {
    if (this.#held < bits) {
      this.#window = ((this.#window & 0xff) << 8) | (this.#bytes[this.#at++] ?? 0)
      this.#held += 8
    }
    this.#held -= bits
    return (this.#window >>> this.#held) & ((1 << bits) - 1)
  }

  alignToByte(): void {
    this.#held = 0
  }

  overrun(): boolean {
    return this.#at > this.#bytes.length
  }
}
