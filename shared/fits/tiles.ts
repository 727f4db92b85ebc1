import { CpcsError } from '#shared/errors.ts'
import type { Header } from './header.ts'
import { type Field, type TableLayout, tableLayout } from './table-layout.ts'
import { type Compression, describeCompression, storedTile } from './tile-values.ts'

const NULL_DITHERED_ZERO = -2147483646 // SUBTRACTIVE_DITHER_2 keeps exact zeros as this value (FITS 4.0, 10.2)

/** How stored values become physical ones: BSCALE, BZERO and BLANK. */
export interface Scaling {
  scale: number
  zero: number
  blank: number | undefined
}

type Values = Float32Array | Float64Array

const ROOM_PIXELS = 48 * 2 ** 20 // the largest cameras, however well their frames compress
const PIXELS_PER_BYTE = 0.75 // beyond: more pixels than so many bytes of a real frame ever hold

/**
 * Undo tile compression (FITS 4.0, section 10): RICE_1, GZIP_1, GZIP_2, PLIO_1, HCOMPRESS_1 and NOCOMPRESS, integers
 * and floats, quantised ones with either way of dithering or none. Tiles are written into `out` one by one, so that
 * nothing else of the size of the frame is needed; those behind its end (further planes) are left alone.
 *
 * @param header header of the binary table that carries the tiles
 * @param data its data unit, heap included
 * @param axes lengths of the axes of the image, the fastest first
 * @param allocate makes the array for the physical values once the announced size is known to be sane
 * @throws {CpcsError} UnsupportedFits, BrokenHeader
 */
export function decodeTiles<T extends Values>(
  header: Header,
  data: Uint8Array,
  axes: number[],
  scaling: Scaling,
  allocate: () => T,
): T {
  const layout = tableLayout(header, data.length)
  const grid = gridOf(header, axes, data.length, layout.rows)
  const compression = describeCompression(header)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const named = (name: string) => layout.fields.find(field => field.name.toUpperCase() === name)
  const columns = {
    main: named('COMPRESSED_DATA'),
    gzip: named('GZIP_COMPRESSED_DATA'),
    raw: named('UNCOMPRESSED_DATA'),
  }
  const quantum = { scale: named('ZSCALE'), zero: named('ZZERO'), blank: named('ZBLANK') }
  compression.quantised = compression.bitpix < 0 && (quantum.scale !== undefined || header.has('ZSCALE'))
  const random = compression.quantised && compression.dither > 0 ? ditherSequence() : undefined

  const out = allocate()
  for (let tile = 0; tile < grid.count; tile++) {
    const box = boxOf(grid, tile)
    if (box.offset >= out.length) continue
    const stored = storedTile(view, layout, columns, tile, box.pixels, compression)
    if (compression.quantised && !stored.floating) {
      const scale = scalar(view, layout, quantum.scale, tile) ?? header.number('ZSCALE') ?? 1
      const zero = scalar(view, layout, quantum.zero, tile) ?? header.number('ZZERO') ?? 0
      const blank = scalar(view, layout, quantum.blank, tile) ?? header.number('ZBLANK')
      const values = new Float64Array(box.pixels)
      for (let i = 0; i < values.length; i++) values[i] = stored.values[i]
      dequantise(values, scale, zero, blank, compression, tile, random)
      place(values, box, axes, { ...scaling, blank: undefined }, out)
    } else {
      const own = scalar(view, layout, quantum.blank, tile)
      place(
        stored.values,
        box,
        axes,
        { ...scaling, blank: compression.bitpix < 0 ? undefined : (own ?? scaling.blank) },
        out,
      )
    }
  }
  return out
}

interface Grid {
  axes: number[]
  tile: number[]
  /** Tiles along each axis. */
  across: number[]
  count: number
}

/** The tiles that the header announces, held against the table and the bytes that are there. */
function gridOf(header: Header, axes: number[], dataBytes: number, rows: number): Grid {
  const tile = axes.map((length, axis) => header.number(`ZTILE${axis + 1}`) ?? (axis === 0 ? length : 1))
  const pixels = axes.reduce((product, length) => product * length, 1)
  if (!tile.every(length => Number.isInteger(length) && length >= 1))
    throw new CpcsError('BrokenHeader', { found: `an image of ${axes.join(' × ')} in tiles of ${tile.join(' × ')}` })
  const across = axes.map((length, axis) => Math.ceil(length / tile[axis]))
  const count = across.reduce((product, length) => product * length, 1)
  if (count > rows) throw new CpcsError('BrokenHeader', { found: `${rows} tiles in a table that needs ${count}` })
  if (pixels > ROOM_PIXELS + PIXELS_PER_BYTE * dataBytes)
    throw new CpcsError('BrokenHeader', { found: `an image of ${axes.join(' × ')} pixels in ${dataBytes} bytes` })
  return { axes, tile, across, count }
}

interface Box {
  /** Index of its first pixel in the image. */
  offset: number
  size: number[]
  pixels: number
}

function boxOf({ axes, tile, across }: Grid, index: number): Box {
  let rest = index
  let offset = 0
  let stride = 1
  const size = axes.map((length, axis) => {
    const start = (rest % across[axis]) * tile[axis]
    rest = Math.floor(rest / across[axis])
    offset += start * stride
    stride *= length
    return Math.min(tile[axis], length - start)
  })
  return { offset, size, pixels: size.reduce((product, length) => product * length, 1) }
}

/** Put the rows of a tile where they belong in the image, scaled. */
function place(
  values: Int32Array | Float64Array,
  { offset, size, pixels }: Box,
  axes: number[],
  scaling: Scaling,
  out: Values,
) {
  const [width] = size
  const { scale, zero, blank } = scaling
  const plain = scale === 1 && blank === undefined
  for (let from = 0; from < pixels; from += width) {
    let row = from / width
    let to = offset
    let stride = axes[0]
    for (let axis = 1; axis < size.length; axis++) {
      to += (row % size[axis]) * stride
      row = Math.floor(row / size[axis])
      stride *= axes[axis]
    }
    if (to >= out.length) continue
    if (plain && zero === 0) out.set(pixels === width ? values : values.subarray(from, from + width), to)
    else if (plain) for (let x = 0; x < width; x++) out[to + x] = values[from + x] + zero
    else
      for (let x = 0; x < width; x++) {
        const value = values[from + x]
        out[to + x] = value === blank ? Number.NaN : value * scale + zero
      }
  }
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
  { bitpix, dither, ditherSeed }: Compression,
  tile: number,
  random: Float64Array | undefined,
): void {
  let seed = (((tile + ditherSeed - 1) % 10_000) + 10_000) % 10_000
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
  if (bitpix === -32) for (let i = 0; i < values.length; i++) values[i] = Math.fround(values[i])
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
