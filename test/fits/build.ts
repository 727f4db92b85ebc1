import { openFits } from '#shared/fits/file.ts'
import { type Card, encodeHeader } from '#shared/fits/header.ts'
import { concatenate } from '#shared/fits/table.ts'
import { encodeImages, type ImageUnit } from '#shared/fits/write-image.ts'

/** A primary image written card by card, so that a test can say exactly what stands in the file. */
export function primaryImage(axes: number[], bitpix: number, data: Uint8Array, cards: Card[] = []): Uint8Array {
  const header = encodeHeader([
    { keyword: 'SIMPLE', value: true },
    { keyword: 'BITPIX', value: bitpix },
    { keyword: 'NAXIS', value: axes.length },
    ...axes.map((length, axis) => ({ keyword: `NAXIS${axis + 1}`, value: length })),
    ...cards,
  ])
  const padding = new Uint8Array((2880 - (data.length % 2880)) % 2880)
  return concatenate([header, data, padding])
}

/** Big-endian bytes of numbers as FITS stores them. */
export function bigEndian(bitpix: number, values: number[]): Uint8Array {
  const size = Math.abs(bitpix) / 8
  const view = new DataView(new ArrayBuffer(size * values.length))
  values.forEach((value, i) => {
    if (bitpix === 8) view.setUint8(i, value)
    else if (bitpix === 16) view.setInt16(2 * i, value)
    else if (bitpix === 32) view.setInt32(4 * i, value)
    else if (bitpix === 64) view.setBigInt64(8 * i, BigInt(value))
    else if (bitpix === -32) view.setFloat32(4 * i, value)
    else view.setFloat64(8 * i, value)
  })
  return new Uint8Array(view.buffer)
}

/** A file of image extensions behind an empty primary unit with these cards. */
export function extensionsOf(cards: Card[], images: ImageUnit[]): Uint8Array {
  const head = [
    { keyword: 'SIMPLE', value: true },
    { keyword: 'BITPIX', value: 8 },
    { keyword: 'NAXIS', value: 0 },
  ]
  const first: ImageUnit = { width: 1, height: 1, pixels: new Uint8Array(1), as: 'uint8' }
  const file = encodeImages([first, ...images])
  return concatenate([encodeHeader([...head, ...cards]), file.subarray(openFits(file).hdus[0].dataStart + 2880)])
}
