import { CpcsError } from '#shared/errors.ts'
import { dataOf, type FitsFile, type Hdu } from './file.ts'
import type { Header } from './header.ts'
import { decodeTiles } from './tiles.ts'

/** One plane of an image in physical values: BZERO + BSCALE × stored; BLANK and undefined values are NaN. Row-major. */
export interface Plane {
  width: number
  height: number
  pixels: Float32Array
  /** Bits per stored value as in BITPIX; negative for floating point. */
  bitpix: number
}

/** Lengths of the axes of an image, also of a tile-compressed one. */
export function axesOf({ header, kind }: Pick<Hdu, 'header' | 'kind'>): number[] {
  const prefix = kind === 'compressed' ? 'Z' : ''
  const count = header.number(`${prefix}NAXIS`) ?? 0
  return Array.from({ length: count }, (_, axis) => header.number(`${prefix}NAXIS${axis + 1}`) ?? 0)
}

/**
 * Read the first plane of an image.
 * @throws {CpcsError} TruncatedFits, UnsupportedFits, BrokenHeader
 */
export function decodePlane(file: FitsFile, hdu: Hdu): Plane {
  const [width = 0, height = 1] = axesOf(hdu)
  const data = dataOf(file, hdu)
  const bitpix = hdu.header.number(hdu.kind === 'compressed' ? 'ZBITPIX' : 'BITPIX') ?? 0
  if (hdu.kind !== 'compressed') {
    const pixels = scaledPixels(data, bitpix, width * height, hdu.header)
    return { width, height, pixels, bitpix }
  }
  const { values, integers } = decodeTiles(hdu.header, data, width, height)
  const scale = hdu.header.number('BSCALE') ?? 1
  const zero = hdu.header.number('BZERO') ?? 0
  const blank = integers ? (hdu.header.number('BLANK') ?? hdu.header.number('ZBLANK')) : undefined
  const pixels = new Float32Array(values.length)
  for (let i = 0; i < values.length; i++) pixels[i] = values[i] === blank ? Number.NaN : values[i] * scale + zero
  return { width, height, pixels, bitpix }
}

function scaledPixels(data: Uint8Array, bitpix: number, count: number, header: Header): Float32Array {
  const scale = header.number('BSCALE') ?? 1
  const zero = header.number('BZERO') ?? 0
  const blank = bitpix > 0 ? header.number('BLANK') : undefined
  const pixels = new Float32Array(count)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  if (bitpix === 16) shorts(data, pixels, scale, zero)
  else if (bitpix === 8) for (let i = 0; i < count; i++) pixels[i] = data[i] * scale + zero
  else if (bitpix === 32) for (let i = 0; i < count; i++) pixels[i] = view.getInt32(4 * i) * scale + zero
  else if (bitpix === -32 && scale === 1 && zero === 0)
    for (let i = 0; i < count; i++) pixels[i] = view.getFloat32(4 * i)
  else if (bitpix === -32) for (let i = 0; i < count; i++) pixels[i] = view.getFloat32(4 * i) * scale + zero
  else if (bitpix === -64) for (let i = 0; i < count; i++) pixels[i] = view.getFloat64(8 * i) * scale + zero
  else if (bitpix === 64) for (let i = 0; i < count; i++) pixels[i] = Number(view.getBigInt64(8 * i)) * scale + zero
  else throw new CpcsError('BrokenHeader', { found: `BITPIX is ${bitpix}` })
  if (blank !== undefined) markBlank(view, bitpix, pixels, blank)
  return pixels
}

function shorts(data: Uint8Array, pixels: Float32Array, scale: number, zero: number): void {
  if (scale === 1)
    for (let i = 0, at = 0; i < pixels.length; i++, at += 2)
      pixels[i] = (((data[at] << 24) | (data[at + 1] << 16)) >> 16) + zero
  else
    for (let i = 0, at = 0; i < pixels.length; i++, at += 2)
      pixels[i] = (((data[at] << 24) | (data[at + 1] << 16)) >> 16) * scale + zero
}

function markBlank(view: DataView, bitpix: number, pixels: Float32Array, blank: number): void {
  for (let i = 0; i < pixels.length; i++) {
    const stored =
      bitpix === 16
        ? view.getInt16(2 * i)
        : bitpix === 8
          ? view.getUint8(i)
          : bitpix === 32
            ? view.getInt32(4 * i)
            : Number(view.getBigInt64(8 * i))
    if (stored === blank) pixels[i] = Number.NaN
  }
}
