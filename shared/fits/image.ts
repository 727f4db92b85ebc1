import { CpcsError } from '#shared/errors.ts'
import { dataOf, type FitsFile, type Hdu } from './file.ts'
import type { Header } from './header.ts'
import { decodeTiles, type Scaling } from './tiles.ts'

/** One plane of an image in physical values: BZERO + BSCALE × stored; BLANK and undefined values are NaN. Row-major. */
export interface Plane {
  width: number
  height: number
  pixels: Float32Array
  /** Bits per stored value as in BITPIX; negative for floating point. */
  bitpix: number
}

type Values = Float32Array | Float64Array

/** Lengths of the axes of an image, also of a tile-compressed one; of random groups their number is the last axis. */
export function axesOf({ header, kind }: Pick<Hdu, 'header' | 'kind'>): number[] {
  const prefix = kind === 'compressed' ? 'Z' : ''
  const count = Math.max(0, Math.min(999, header.number(`${prefix}NAXIS`) ?? 0))
  const axes = Array.from({ length: count }, (_, axis) => header.number(`${prefix}NAXIS${axis + 1}`) ?? 0)
  return kind === 'groups' ? [...axes.slice(1), axes.length > 1 ? (header.number('GCOUNT') ?? 1) : 0] : axes
}

/**
 * Read the first plane of an image.
 * @param givenUp the caller has no further use for the bytes of the file: plain 32-bit floats are then turned where they
 *   lie, and the plane is a view of them, so that nothing else of the size of the frame is needed
 * @param room gives room for so many pixels by so many
 * @throws {CpcsError} TruncatedFits, UnsupportedFits, BrokenHeader
 */
export function decodePlane(
  file: FitsFile,
  hdu: Hdu,
  givenUp = false,
  room: (width: number, height: number) => Float32Array = (width, height) => new Float32Array(width * height),
): Plane {
  const [width = 0, height = 1] = axesOf(hdu)
  const pixels =
    (givenUp ? floatsInPlace(file, hdu, width * height) : undefined) ??
    decodeValues(file, hdu, () => room(width, height))
  return { width, height, pixels, bitpix: bitpixOf(hdu) }
}

/** Undefined where the stored values are no plain floats, or do not lie on a multiple of their size in memory. */
function floatsInPlace(file: FitsFile, hdu: Hdu, count: number): Float32Array | undefined {
  if (hdu.kind !== 'image' || bitpixOf(hdu) !== -32) return undefined
  if ((hdu.header.number('BSCALE') ?? 1) !== 1 || (hdu.header.number('BZERO') ?? 0) !== 0) return undefined
  const { buffer, byteOffset } = dataOf(file, hdu)
  if (byteOffset % 4 !== 0) return undefined
  Buffer.from(buffer, byteOffset, 4 * count).swap32()
  return new Float32Array(buffer, byteOffset, count)
}

/**
 * Read a whole image of any number of axes in double precision, the first axis fastest.
 * @throws {CpcsError} TruncatedFits, UnsupportedFits, BrokenHeader
 */
export function decodeCube(file: FitsFile, hdu: Hdu): { axes: number[]; values: Float64Array } {
  const axes = axesOf(hdu)
  const length = axes.reduce((product, axis) => product * axis, axes.length > 0 ? 1 : 0)
  return { axes, values: decodeValues(file, hdu, () => new Float64Array(length)) }
}

/** Physical values of as many pixels as `allocate` makes room for, once the data are known to be there. */
function decodeValues<T extends Values>(file: FitsFile, hdu: Hdu, allocate: () => T): T {
  const data = dataOf(file, hdu)
  const { header } = hdu
  const bitpix = bitpixOf(hdu)
  const scaling: Scaling = {
    scale: header.number('BSCALE') ?? 1,
    zero: header.number('BZERO') ?? 0,
    blank: bitpix > 0 ? (header.number('BLANK') ?? header.number('ZBLANK')) : undefined,
  }
  if (hdu.kind === 'groups') return scaledPixels(withoutParameters(data, hdu), bitpix, scaling, allocate())
  if (hdu.kind !== 'compressed') return scaledPixels(data, bitpix, scaling, allocate())
  refuseOddAxes(header)
  return decodeTiles(header, data, axesOf(hdu), scaling, allocate)
}

/** The arrays of random groups one behind the other, without the parameters before each (FITS 4.0, section 6). */
function withoutParameters(data: Uint8Array, hdu: Hdu): Uint8Array {
  const size = Math.abs(bitpixOf(hdu)) / 8
  const parameters = size * (hdu.header.number('PCOUNT') ?? 0)
  const axes = axesOf(hdu)
  const groups = axes[axes.length - 1]
  const array = axes.slice(0, -1).reduce((product, axis) => product * axis, size)
  const arrays = new Uint8Array(groups * array)
  for (let group = 0; group < groups; group++) {
    const start = group * (parameters + array) + parameters
    arrays.set(data.subarray(start, start + array), group * array)
  }
  return arrays
}

function bitpixOf({ header, kind }: Hdu): number {
  return header.number(kind === 'compressed' ? 'ZBITPIX' : 'BITPIX') ?? 0
}

function refuseOddAxes(header: Header): void {
  const axes = axesOf({ header, kind: 'compressed' })
  if (axes.length === 0 || axes.some(axis => !Number.isInteger(axis) || axis < 0 || axis > 1e9))
    throw new CpcsError('BrokenHeader', { found: `a compressed image of ${axes.join(' × ') || 'no axes'}` })
}

function scaledPixels<T extends Values>(data: Uint8Array, bitpix: number, scaling: Scaling, pixels: T): T {
  const { scale, zero, blank } = scaling
  const count = pixels.length
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  if (bitpix === 16 && scale === 1 && blank === undefined) return shorts(data, pixels, zero)
  if (bitpix === -32 && scale === 1 && zero === 0) return floats(data, pixels)
  if (bitpix === 16) for (let i = 0; i < count; i++) pixels[i] = view.getInt16(2 * i) * scale + zero
  else if (bitpix === 8) for (let i = 0; i < count; i++) pixels[i] = data[i] * scale + zero
  else if (bitpix === 32) for (let i = 0; i < count; i++) pixels[i] = view.getInt32(4 * i) * scale + zero
  else if (bitpix === -32) for (let i = 0; i < count; i++) pixels[i] = view.getFloat32(4 * i) * scale + zero
  else if (bitpix === -64) for (let i = 0; i < count; i++) pixels[i] = view.getFloat64(8 * i) * scale + zero
  else if (bitpix === 64 && scale === 1 && Number.isInteger(zero)) {
    // unsigned 64-bit integers: 2^63 is added before the value is rounded to a double
    const whole = BigInt(zero)
    for (let i = 0; i < count; i++) pixels[i] = Number(view.getBigInt64(8 * i) + whole)
  } else if (bitpix === 64) for (let i = 0; i < count; i++) pixels[i] = Number(view.getBigInt64(8 * i)) * scale + zero
  else throw new CpcsError('BrokenHeader', { found: `BITPIX is ${bitpix}` })
  if (blank !== undefined) markBlank(view, bitpix, pixels, blank)
  return pixels
}

const UNSIGNED_ZERO = 32_768 // BZERO of unsigned 16-bit integers (FITS 4.0, table 11)
const SCRATCH_BYTES = 65_536 // a piece of the data, turned to the byte order of the machine while it is in the cache

/** 16-bit integers, the usual frame of a camera. */
function shorts<T extends Values>(data: Uint8Array, pixels: T, zero: number): T {
  const scratch = Buffer.alloc(SCRATCH_BYTES)
  const stored = new Int16Array(scratch.buffer, scratch.byteOffset, SCRATCH_BYTES / 2)
  const unsigned = new Uint16Array(scratch.buffer, scratch.byteOffset, SCRATCH_BYTES / 2)
  const pairs = new Int32Array(scratch.buffer, scratch.byteOffset, SCRATCH_BYTES / 4)
  for (let start = 0; start < pixels.length; start += stored.length) {
    const count = Math.min(stored.length, pixels.length - start)
    scratch.set(data.subarray(2 * start, 2 * (start + count)))
    scratch.swap16()
    if (zero === UNSIGNED_ZERO) {
      // adding 32768 to a signed number turns its sign bit, here of two at once
      for (let i = 0; i < pairs.length; i++) pairs[i] ^= 0x80008000
      pixels.set(count < unsigned.length ? unsigned.subarray(0, count) : unsigned, start)
    } else for (let i = 0; i < count; i++) pixels[start + i] = stored[i] + zero
  }
  return pixels
}

/** 32-bit floats as they are. */
function floats<T extends Values>(data: Uint8Array, pixels: T): T {
  const scratch = Buffer.alloc(SCRATCH_BYTES)
  const stored = new Float32Array(scratch.buffer, scratch.byteOffset, SCRATCH_BYTES / 4)
  for (let start = 0; start < pixels.length; start += stored.length) {
    const count = Math.min(stored.length, pixels.length - start)
    scratch.set(data.subarray(4 * start, 4 * (start + count)))
    scratch.swap32()
    pixels.set(count < stored.length ? stored.subarray(0, count) : stored, start)
  }
  return pixels
}

function markBlank(view: DataView, bitpix: number, pixels: Values, blank: number): void {
  const stored = {
    8: (i: number) => view.getUint8(i),
    16: (i: number) => view.getInt16(2 * i),
    32: (i: number) => view.getInt32(4 * i),
    64: (i: number) => Number(view.getBigInt64(8 * i)),
  }[bitpix]
  if (stored) for (let i = 0; i < pixels.length; i++) if (stored(i) === blank) pixels[i] = Number.NaN
}
