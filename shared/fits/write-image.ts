import { checksum, checksumCards, signHeader } from './checksum.ts'
import { BLOCK_BYTES, type Card, encodeHeader } from './header.ts'

/** An image to be written. `as` says how the values are stored; 'uint16' as 16-bit integers with BZERO 32768. */
export interface ImageUnit {
  width: number
  height: number
  pixels: Float32Array | Uint8Array
  as: 'float32' | 'uint16' | 'uint8'
  /** EXTNAME. */
  name?: string
  cards?: Card[]
}

const storage = { float32: { bitpix: -32, bytes: 4 }, uint16: { bitpix: 16, bytes: 2 }, uint8: { bitpix: 8, bytes: 1 } }

/**
 * Write images, the first as primary unit, the others as extensions. Physical values stay as they are. CHECKSUM and DATASUM
 * tell damage.
 *
 * @param room where the file is written if it is large enough (and begins at a multiple of four bytes); else in new memory
 */
export function encodeImages(images: ImageUnit[], room?: Uint8Array): Uint8Array {
  const headers = images.map((image, index) => encodeImageHeader(image, index, images.length, checksumCards()))
  const sizes = images.map(({ pixels, as }) => wholeBlocks(pixels.length * storage[as].bytes))
  const length = headers.reduce((sum, header, k) => sum + header.length + sizes[k], 0)
  const file = room && room.length >= length ? room.subarray(0, length) : new Uint8Array(length)
  let at = 0
  images.forEach((image, index) => {
    const dataStart = at + headers[index].length
    const data = file.subarray(dataStart, dataStart + sizes[index])
    encodeData(image, data)
    const dataSum = checksum(data)
    const header = encodeImageHeader(image, index, images.length, checksumCards(dataSum))
    file.set(signHeader(header, dataSum), at)
    at = dataStart + sizes[index]
  })
  return file
}

function wholeBlocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
}

/** Write one image as a file of its own. */
export function encodeImage(image: ImageUnit): Uint8Array {
  return encodeImages([image])
}

function encodeImageHeader(image: ImageUnit, index: number, count: number, sums: Card[]): Uint8Array {
  const cards: Card[] = [
    index === 0
      ? { keyword: 'SIMPLE', value: true, comment: 'conforms to the FITS standard' }
      : { keyword: 'XTENSION', value: 'IMAGE', comment: 'image extension' },
    { keyword: 'BITPIX', value: storage[image.as].bitpix },
    { keyword: 'NAXIS', value: 2 },
    { keyword: 'NAXIS1', value: image.width },
    { keyword: 'NAXIS2', value: image.height },
  ]
  if (index > 0) cards.push({ keyword: 'PCOUNT', value: 0 }, { keyword: 'GCOUNT', value: 1 })
  else if (count > 1) cards.push({ keyword: 'EXTEND', value: true })
  if (image.as === 'uint16') cards.push({ keyword: 'BZERO', value: 32768 }, { keyword: 'BSCALE', value: 1 })
  if (image.name) cards.push({ keyword: 'EXTNAME', value: image.name })
  return encodeHeader([...cards, ...(image.cards ?? []), ...sums])
}

/** @param data room for the values, at an even place of the file; zeros are put behind them */
function encodeData({ pixels, as }: ImageUnit, data: Uint8Array): void {
  data.fill(0, pixels.length * storage[as].bytes)
  const { byteOffset, byteLength, buffer } = data
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  if (as === 'uint8') data.set(pixels)
  else if (as === 'uint16') {
    const stored = new Uint16Array(buffer, byteOffset, byteLength >> 1)
    for (let i = 0; i < pixels.length; i++) stored[i] = pixels[i] ^ 0x8000
    bytes.swap16()
  } else {
    new Float32Array(buffer, byteOffset, byteLength >> 2).set(pixels)
    bytes.swap32()
  }
}
