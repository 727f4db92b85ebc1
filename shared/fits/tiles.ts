import { CpcsError } from '#shared/errors.ts'
import { gunzip } from './compressed-stream.ts'
import type { Header } from './header.ts'
import { decodeRice, type RiceWidth } from './rice.ts'
import { arrayInHeap, type Field, type TableLayout, tableLayout } from './table-layout.ts'

const NULL_DITHERED_ZERO = -2147483646 // SUBTRACTIVE_DITHER_2 keeps exact zeros as this value (FITS 4.0, 10.2)

const LARGEST_IMAGE = 2 ** 29 // pixels: more do not fit the memory of any stage

/** A tile-compressed image put together: stored values before BSCALE and BZERO, first plane only. */
export interface TiledImage {
  values: Float64Array
  /** Stored integers, to which BLANK, BSCALE and BZERO still apply; false for floating-point images. */
  integers: boolean
}

interface Compression {
  kind: string
  bitpix: number
  blockSize: number
  riceWidth: RiceWidth
  quantised: boolean
  dither: 0 | 1 | 2
  ditherSeed: number
  blank: number | undefined
}

/**
 * Undo tile compression (FITS 4.0, section 10): RICE_1, GZIP_1, GZIP_2 and NOCOMPRESS, integers and quantised floats
 * with or without dithering.
 *
 * @param header header of the binary table that carries the tiles
 * @param data its data unit, heap included
 * @throws {CpcsError} UnsupportedFits, BrokenHeader
 */
export function decodeTiles(header: Header, data: Uint8Array, width: number, height: number): TiledImage {
  const compression = describe(header)
  const layout = tableLayout(header, data.length)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const named = (name: string) => layout.fields.find(field => field.name.toUpperCase() === name)
  const columns = {
    main: named('COMPRESSED_DATA'),
    gzip: named('GZIP_COMPRESSED_DATA'),
    raw: named('UNCOMPRESSED_DATA'),
    scale: named('ZSCALE'),
    zero: named('ZZERO'),
    blank: named('ZBLANK'),
  }
  compression.quantised = compression.bitpix < 0 && (columns.scale !== undefined || header.has('ZSCALE'))

  const tileWidth = header.number('ZTILE1') ?? width
  const tileHeight = header.number('ZTILE2') ?? 1
  const sane = tileWidth >= 1 && tileHeight >= 1 && width * height <= LARGEST_IMAGE
  if (!sane)
    throw new CpcsError('BrokenHeader', {
      found: `an image of ${width} × ${height} in tiles of ${tileWidth} × ${tileHeight}`,
    })
  const across = Math.ceil(width / tileWidth)
  const tiles = Math.min(across * Math.ceil(height / tileHeight), layout.rows)
  const values = new Float64Array(width * height).fill(Number.NaN)
  const random = compression.dither > 0 ? ditherSequence() : undefined

  for (let tile = 0; tile < tiles; tile++) {
    const x0 = (tile % across) * tileWidth
    const y0 = Math.floor(tile / across) * tileHeight
    const w = Math.min(tileWidth, width - x0)
    const h = Math.min(tileHeight, height - y0)
    const stored = storedTile(view, layout, columns, tile, w * h, compression)
    if (compression.quantised && !stored.floating) {
      const scale = scalar(view, layout, columns.scale, tile) ?? header.number('ZSCALE') ?? 1
      const zero = scalar(view, layout, columns.zero, tile) ?? header.number('ZZERO') ?? 0
      const blank = scalar(view, layout, columns.blank, tile) ?? compression.blank
      dequantise(stored.values, scale, zero, blank, compression, tile, random)
    }
    for (let y = 0; y < h; y++) values.set(stored.values.subarray(y * w, (y + 1) * w), (y0 + y) * width + x0)
  }
  return { values, integers: compression.bitpix > 0 }
}

function describe(header: Header): Compression {
  const kind = header.string('ZCMPTYPE') ?? ''
  const bitpix = header.number('ZBITPIX') ?? 16
  if (!['RICE_1', 'RICE_ONE', 'GZIP_1', 'GZIP_2', 'NOCOMPRESS'].includes(kind))
    throw new CpcsError('UnsupportedFits', { found: `tile compression ${kind || 'without a name'}` })
  const parameters = new Map<string, number>()
  for (let n = 1; header.has(`ZNAME${n}`); n++)
    parameters.set(header.string(`ZNAME${n}`) ?? '', header.number(`ZVAL${n}`) ?? 0)
  const riceWidth = parameters.get('BYTEPIX') ?? 4
  if (riceWidth !== 1 && riceWidth !== 2 && riceWidth !== 4)
    throw new CpcsError('UnsupportedFits', { found: `Rice compression of ${riceWidth} bytes per pixel` })
  const method = header.string('ZQUANTIZ') ?? 'NO_DITHER'
  return {
    kind,
    bitpix,
    blockSize: parameters.get('BLOCKSIZE') ?? 32,
    riceWidth,
    quantised: false,
    dither: method === 'SUBTRACTIVE_DITHER_1' ? 1 : method === 'SUBTRACTIVE_DITHER_2' ? 2 : 0,
    ditherSeed: header.number('ZDITHER0') ?? 1,
    blank: header.number('ZBLANK'),
  }
}

function storedTile(
  view: DataView,
  layout: TableLayout,
  columns: Record<'main' | 'gzip' | 'raw', Field | undefined>,
  tile: number,
  count: number,
  compression: Compression,
): { values: Float64Array; floating: boolean } {
  const inColumn = (field: Field | undefined) => (field ? arrayInHeap(view, layout, field, tile) : undefined)
  const main = inColumn(columns.main)
  if (main && main.length > 0) {
    if (compression.kind.startsWith('RICE'))
      return { values: riceTile(main, count, compression, tile), floating: false }
    if (compression.kind === 'NOCOMPRESS') return bigEndianTile(main, count, compression, false)
    return bigEndianTile(unzipped(main, tile), count, compression, compression.kind === 'GZIP_2')
  }
  const gzip = inColumn(columns.gzip)
  if (gzip && gzip.length > 0)
    return bigEndianTile(unzipped(gzip, tile), count, { ...compression, quantised: false }, false)
  const raw = inColumn(columns.raw)
  if (raw && raw.length > 0) return bigEndianTile(raw, count, { ...compression, quantised: false }, false)
  throw new CpcsError('BrokenHeader', { found: `tile ${tile + 1} of the compressed image is empty` })
}

function riceTile(bytes: Uint8Array, count: number, { riceWidth, blockSize }: Compression, tile: number): Float64Array {
  const integers = new Int32Array(count)
  if (!decodeRice(bytes, integers, riceWidth, blockSize))
    throw new CpcsError('BrokenHeader', { found: `tile ${tile + 1} of the compressed image ends early` })
  return Float64Array.from(integers)
}

function unzipped(bytes: Uint8Array, tile: number): Uint8Array {
  try {
    return gunzip(bytes)
  } catch (cause) {
    throw new CpcsError('BrokenHeader', { found: `tile ${tile + 1} of the compressed image is damaged` }, { cause })
  }
}

/** Big-endian numbers of the image's own kind, or 32-bit integers where a floating-point image was quantised. */
function bigEndianTile(bytes: Uint8Array, count: number, { bitpix, quantised }: Compression, shuffled: boolean) {
  const size = Math.floor(bytes.length / count)
  const ordered = shuffled ? unshuffle(bytes, count, size) : bytes
  const view = new DataView(ordered.buffer, ordered.byteOffset, ordered.byteLength)
  const floating = bitpix < 0 && !quantised
  const values = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    if (size === 1) values[i] = view.getUint8(i)
    else if (size === 2) values[i] = view.getInt16(2 * i)
    else if (size === 4) values[i] = floating ? view.getFloat32(4 * i) : view.getInt32(4 * i)
    else values[i] = floating ? view.getFloat64(8 * i) : Number(view.getBigInt64(8 * i))
  }
  return { values, floating }
}

/** GZIP_2 keeps the most significant bytes of all values first, then the next. */
function unshuffle(bytes: Uint8Array, count: number, size: number): Uint8Array {
  const ordered = new Uint8Array(count * size)
  for (let plane = 0; plane < size; plane++)
    for (let i = 0; i < count; i++) ordered[i * size + plane] = bytes[plane * count + i]
  return ordered
}

function scalar(view: DataView, layout: TableLayout, field: Field | undefined, row: number): number | undefined {
  if (!field) return undefined
  const at = row * layout.rowBytes + field.offset
  if (field.type === 'D') return view.getFloat64(at)
  if (field.type === 'E') return view.getFloat32(at)
  return field.type === 'J' ? view.getInt32(at) : undefined
}

/** Turn quantised integers into physical values in place (FITS 4.0, 10.2; Pence et al. 2009). */
function dequantise(
  values: Float64Array,
  scale: number,
  zero: number,
  blank: number | undefined,
  { dither, ditherSeed }: Compression,
  tile: number,
  random: Float64Array | undefined,
): void {
  let seed = (tile + ditherSeed - 1) % 10_000
  let next = random ? Math.floor(random[seed] * 500) : 0
  for (let i = 0; i < values.length; i++) {
    const stored = values[i]
    const offset = random ? 0.5 - random[next] : 0
    if (stored === blank) values[i] = Number.NaN
    else if (dither === 2 && stored === NULL_DITHERED_ZERO) values[i] = 0
    else values[i] = (stored + offset) * scale + zero
    if (random && ++next === random.length) {
      seed = (seed + 1) % random.length
      next = Math.floor(random[seed] * 500)
    }
  }
}

/** The 10 000 numbers in (0, 1) that writer and reader share (FITS 4.0, appendix I; Park & Miller 1988). */
function ditherSequence(): Float64Array {
  const sequence = new Float64Array(10_000)
  let seed = 1
  for (let i = 0; i < sequence.length; i++) {
    seed = (16807 * seed) % 2147483647
    sequence[i] = Math.fround(seed / 2147483647)
  }
  return sequence
}
