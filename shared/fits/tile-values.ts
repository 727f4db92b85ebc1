import { CpcsError } from '#shared/errors.ts'
import { gunzip } from './compressed-stream.ts'
import { decodeHcompress } from './hcompress.ts'
import type { Header } from './header.ts'
import { decodePlio } from './plio.ts'
import { decodeRice, type RiceWidth } from './rice.ts'
import { arrayInHeap, type Field, type TableLayout } from './table-layout.ts'

/** How the tiles of an image were compressed, as its header tells. */
export interface Compression {
  kind: (typeof kinds)[number]
  bitpix: number
  blockSize: number
  riceWidth: RiceWidth
  quantised: boolean
  /** HCOMPRESS_1: whether what quantisation blurred is to be smoothed. */
  smooth: boolean
  dither: 0 | 1 | 2
  ditherSeed: number
  /** Room for the values of a tile, used again for the next one of its size. */
  room: Int32Array
}

/** The values of a tile as stored, good until the next tile is asked for; `floating` where they are physical floats already. */
export interface StoredTile {
  values: Int32Array | Float64Array
  floating: boolean
}

const kinds = ['RICE_1', 'GZIP_1', 'GZIP_2', 'PLIO_1', 'HCOMPRESS_1', 'NOCOMPRESS'] as const

/**
 * The compression that a header tells.
 * @throws {CpcsError} UnsupportedFits where it is none of ours
 */
export function describeCompression(header: Header): Compression {
  const told = header.string('ZCMPTYPE') ?? ''
  const kind = told === 'RICE_ONE' ? 'RICE_1' : kinds.find(name => name === told)
  if (!kind) throw new CpcsError('UnsupportedFits', { found: `tile compression ${told || 'without a name'}` })
  const parameters = new Map<string, number>()
  for (let n = 1; header.has(`ZNAME${n}`); n++)
    parameters.set(header.string(`ZNAME${n}`) ?? '', header.number(`ZVAL${n}`) ?? 0)
  const riceWidth = parameters.get('BYTEPIX') ?? 4
  if (riceWidth !== 1 && riceWidth !== 2 && riceWidth !== 4)
    throw new CpcsError('UnsupportedFits', { found: `Rice compression of ${riceWidth} bytes per pixel` })
  const method = header.string('ZQUANTIZ') ?? 'NO_DITHER'
  return {
    kind,
    bitpix: header.number('ZBITPIX') ?? 16,
    blockSize: Math.max(1, parameters.get('BLOCKSIZE') ?? 32),
    riceWidth,
    quantised: false,
    smooth: (parameters.get('SMOOTH') ?? 0) !== 0,
    dither: method === 'SUBTRACTIVE_DITHER_1' ? 1 : method === 'SUBTRACTIVE_DITHER_2' ? 2 : 0,
    ditherSeed: header.number('ZDITHER0') ?? 1,
    room: new Int32Array(0),
  }
}

/**
 * The values of one tile, from whichever of the three columns holds it.
 * @param tile number of the tile, which is its row in the table
 * @param count pixels of the tile
 * @throws {CpcsError} BrokenHeader
 */
export function storedTile(
  view: DataView,
  layout: TableLayout,
  columns: Record<'main' | 'gzip' | 'raw', Field | undefined>,
  tile: number,
  count: number,
  compression: Compression,
): StoredTile {
  const inColumn = (field: Field | undefined) => (field ? arrayInHeap(view, layout, field, tile) : undefined)
  const whole = { ...compression, quantised: false }
  const main = inColumn(columns.main)
  const gzip = inColumn(columns.gzip)
  const raw = inColumn(columns.raw)
  const stored =
    main && main.length > 0
      ? compressedTile(main, count, compression)
      : gzip && gzip.length > 0
        ? unzippedTile(gzip, count, whole, false)
        : raw && raw.length > 0
          ? bigEndianTile(raw, count, whole, false)
          : undefined
  if (stored) return stored
  const found = `tile ${tile + 1} of the compressed image is empty, damaged or ends early`
  throw new CpcsError('BrokenHeader', { found })
}

function compressedTile(bytes: Uint8Array, count: number, compression: Compression): StoredTile | undefined {
  const { kind, riceWidth, blockSize } = compression
  if (kind === 'GZIP_1' || kind === 'GZIP_2') return unzippedTile(bytes, count, compression, kind === 'GZIP_2')
  if (kind === 'NOCOMPRESS') return bigEndianTile(bytes, count, compression, false)
  if (kind === 'HCOMPRESS_1') {
    const values = new Float64Array(count)
    return decodeHcompress(bytes, values, compression.smooth) ? { values, floating: false } : undefined
  }
  if (compression.room.length !== count) compression.room = new Int32Array(count)
  const values = compression.room
  const done = kind === 'PLIO_1' ? decodePlio(bytes, values) : decodeRice(bytes, values, riceWidth, blockSize)
  return done ? { values, floating: false } : undefined
}

function unzippedTile(
  bytes: Uint8Array,
  count: number,
  compression: Compression,
  shuffled: boolean,
): StoredTile | undefined {
  const unzipped = gunzip(bytes, 8 * count + 64)
  return unzipped && bigEndianTile(unzipped, count, compression, shuffled)
}

/** Big-endian numbers of the image's own kind, or 32-bit integers where a floating-point image was quantised. */
function bigEndianTile(
  bytes: Uint8Array,
  count: number,
  { bitpix, quantised }: Compression,
  shuffled: boolean,
): StoredTile | undefined {
  const size = bytes.length / count
  if (![1, 2, 4, 8].includes(size)) return undefined
  const ordered = shuffled ? unshuffle(bytes, count, size) : bytes
  const view = new DataView(ordered.buffer, ordered.byteOffset, ordered.byteLength)
  const floating = bitpix < 0 && !quantised && size >= 4
  if (floating || size === 8) {
    const values = new Float64Array(count)
    if (!floating) for (let i = 0; i < count; i++) values[i] = Number(view.getBigInt64(8 * i))
    else if (size === 4) for (let i = 0; i < count; i++) values[i] = view.getFloat32(4 * i)
    else for (let i = 0; i < count; i++) values[i] = view.getFloat64(8 * i)
    return { values, floating }
  }
  const values = new Int32Array(count)
  if (size === 1) for (let i = 0; i < count; i++) values[i] = ordered[i]
  else if (size === 2) for (let i = 0; i < count; i++) values[i] = view.getInt16(2 * i)
  else for (let i = 0; i < count; i++) values[i] = view.getInt32(4 * i)
  return { values, floating }
}

/** GZIP_2 keeps the most significant bytes of all values first, then the next. */
function unshuffle(bytes: Uint8Array, count: number, size: number): Uint8Array {
  const ordered = new Uint8Array(count * size)
  for (let plane = 0; plane < size; plane++)
    for (let i = 0; i < count; i++) ordered[i * size + plane] = bytes[plane * count + i]
  return ordered
}
