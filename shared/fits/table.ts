import { CpcsError } from '#shared/errors.ts'
import type { Column } from '#shared/numeric/table.ts'
import { decodeAsciiTable } from './ascii-table.ts'
import { checksum, checksumCards, signHeader } from './checksum.ts'
import { dataOf, openFits } from './file.ts'
import { BLOCK_BYTES, type Card, encodeHeader, type Header } from './header.ts'
import { type Field, type TableLayout, tableLayout } from './table-layout.ts'

/** A column to be written: its name, what it means, its values. */
export interface FitsColumn {
  name: string
  unit?: string
  description?: string
  data: Column
}

export interface FitsTable {
  name: string
  columns: FitsColumn[]
  /** Further cards of the table's header. */
  cards?: Card[]
}

const FLATTENED_ELEMENTS = 16 // longer vectors are left out: no catalogue column of ours is one

/**
 * Write tables as binary table extensions behind an empty primary unit. Number columns keep their type
 * (D, E, J, K; 32-bit unsigned as J with TZERO), strings become fixed-width ASCII.
 */
export function encodeTables(tables: FitsTable[]): Uint8Array {
  const primary = encodeHeader([
    { keyword: 'SIMPLE', value: true, comment: 'conforms to the FITS standard' },
    { keyword: 'BITPIX', value: 8 },
    { keyword: 'NAXIS', value: 0, comment: 'no image, tables follow' },
    { keyword: 'EXTEND', value: true },
  ])
  return concatenate([primary, ...tables.flatMap(encodeTable)])
}

/** Pieces one behind the other. */
export function concatenate(pieces: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function encodeTable({ name, columns, cards = [] }: FitsTable): Uint8Array[] {
  const rows = columns[0]?.data.length ?? 0
  const forms = columns.map(column => formOf(column.data))
  const rowBytes = forms.reduce((sum, form) => sum + form.bytes, 0)
  const data = new Uint8Array(Math.ceil((rowBytes * rows) / BLOCK_BYTES) * BLOCK_BYTES)
  const view = new DataView(data.buffer)
  let offset = 0
  columns.forEach((column, i) => {
    if (column.data.length !== rows)
      throw new RangeError(`column ${column.name} has ${column.data.length} rows, not ${rows}`)
    writeColumn(view, column.data, offset, rowBytes, forms[i].bytes)
    offset += forms[i].bytes
  })
  const dataSum = checksum(data)
  const header = encodeHeader([
    { keyword: 'XTENSION', value: 'BINTABLE', comment: 'binary table extension' },
    { keyword: 'BITPIX', value: 8 },
    { keyword: 'NAXIS', value: 2 },
    { keyword: 'NAXIS1', value: rowBytes, comment: 'bytes per row' },
    { keyword: 'NAXIS2', value: rows, comment: 'rows' },
    { keyword: 'PCOUNT', value: 0 },
    { keyword: 'GCOUNT', value: 1 },
    { keyword: 'TFIELDS', value: columns.length },
    { keyword: 'EXTNAME', value: name },
    ...columns.flatMap((column, i) => columnCards(column, forms[i], i + 1)),
    ...cards,
    ...checksumCards(dataSum),
  ])
  return [signHeader(header, dataSum), data]
}

interface Form {
  tform: string
  bytes: number
  tzero?: number
}

function formOf(data: Column): Form {
  if (data instanceof Float64Array) return { tform: 'D', bytes: 8 }
  if (data instanceof Float32Array) return { tform: 'E', bytes: 4 }
  if (data instanceof Int32Array) return { tform: 'J', bytes: 4 }
  if (data instanceof Uint32Array) return { tform: 'J', bytes: 4, tzero: 2147483648 }
  if (data instanceof BigInt64Array) return { tform: 'K', bytes: 8 }
  const length = data.reduce((longest, text) => Math.max(longest, text.length), 1)
  return { tform: `${length}A`, bytes: length }
}

function columnCards(column: FitsColumn, form: Form, n: number): Card[] {
  const cards: Card[] = [
    { keyword: `TTYPE${n}`, value: column.name },
    { keyword: `TFORM${n}`, value: form.tform },
  ]
  if (column.unit) cards.push({ keyword: `TUNIT${n}`, value: column.unit })
  if (form.tzero) cards.push({ keyword: `TSCAL${n}`, value: 1 }, { keyword: `TZERO${n}`, value: form.tzero })
  if (column.description) cards.push({ keyword: `TCOMM${n}`, value: column.description })
  return cards
}

function writeColumn(view: DataView, data: Column, offset: number, rowBytes: number, width: number): void {
  const n = data.length
  let at = offset
  if (data instanceof Float64Array) for (let i = 0; i < n; i++, at += rowBytes) view.setFloat64(at, data[i])
  else if (data instanceof Float32Array) for (let i = 0; i < n; i++, at += rowBytes) view.setFloat32(at, data[i])
  else if (data instanceof Int32Array) for (let i = 0; i < n; i++, at += rowBytes) view.setInt32(at, data[i])
  else if (data instanceof Uint32Array)
    for (let i = 0; i < n; i++, at += rowBytes) view.setInt32(at, data[i] ^ (1 << 31))
  else if (data instanceof BigInt64Array) for (let i = 0; i < n; i++, at += rowBytes) view.setBigInt64(at, data[i])
  else
    for (let i = 0; i < n; i++, at += rowBytes)
      for (let c = 0; c < width; c++) {
        const code = c < data[i].length ? data[i].charCodeAt(c) : 0 // NUL ends a string, FITS 4.0, 7.3.3.1
        view.setUint8(at + c, code < 127 ? code : 63)
      }
}

/**
 * Read one table, binary or ASCII. Vectors of up to 16 numbers become columns `name_1`, `name_2`, …; longer ones, bit and
 * variable-length arrays are left out (table-arrays.ts has the latter). Integers with TNULL values become Float64Array with NaN.
 *
 * @param which EXTNAME or index among the file's units; the first table if not given
 * @throws {CpcsError} NoImage where there is no such table; NotFits, BrokenHeader, TruncatedFits
 */
export function decodeTable(
  bytes: Uint8Array,
  which?: string | number,
): { header: Header; columns: Map<string, Column> } {
  const file = openFits(bytes)
  const wanted = typeof which === 'string' ? which.toUpperCase() : which
  const hdu = file.hdus.find(
    unit => unit.kind === 'table' && (wanted === undefined || unit.name === wanted || unit.index === wanted),
  )
  if (!hdu) throw new CpcsError('NoImage', { found: `no table ${which ?? ''}`.trim() })
  const data = dataOf(file, hdu)
  if (hdu.header.string('XTENSION')?.toUpperCase() === 'TABLE')
    return { header: hdu.header, columns: decodeAsciiTable(hdu.header, data) }
  const layout = tableLayout(hdu.header, data.length)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const columns = new Map<string, Column>()
  for (const field of layout.fields) {
    if (field.type === 'A') columns.set(field.name, readStrings(view, layout, field))
    else if (field.repeat === 1) put(columns, field.name, readNumbers(view, layout, field, 0))
    else if (field.repeat > 1 && field.repeat <= FLATTENED_ELEMENTS)
      for (let e = 0; e < field.repeat; e++) put(columns, `${field.name}_${e + 1}`, readNumbers(view, layout, field, e))
  }
  return { header: hdu.header, columns }
}

function put(columns: Map<string, Column>, name: string, data: Column | undefined): void {
  if (data) columns.set(name, data)
}

function readStrings(view: DataView, { rows, rowBytes }: TableLayout, field: Field): string[] {
  return Array.from({ length: rows }, (_, row) => {
    let text = ''
    for (let c = 0; c < field.repeat; c++) {
      const code = view.getUint8(row * rowBytes + field.offset + c)
      if (code === 0) break
      text += String.fromCharCode(code)
    }
    return text.trimEnd()
  })
}

const integerBytes: Record<string, 1 | 2 | 4> = { L: 1, B: 1, I: 2, J: 4 }

function readNumbers(view: DataView, layout: TableLayout, field: Field, element: number): Column | undefined {
  const { rows, rowBytes } = layout
  const { type, scale, zero } = field
  if (type === 'D' || type === 'E') {
    const size = type === 'D' ? 8 : 4
    const out = type === 'D' || scale !== 1 || zero !== 0 ? new Float64Array(rows) : new Float32Array(rows)
    for (let row = 0, at = field.offset + element * size; row < rows; row++, at += rowBytes)
      out[row] = (type === 'D' ? view.getFloat64(at) : view.getFloat32(at)) * scale + zero
    return out
  }
  if (type === 'K') return readLongs(view, layout, field, element)
  const size = integerBytes[type]
  if (!size) return undefined
  const stored = new Int32Array(rows)
  for (let row = 0, at = field.offset + element * size; row < rows; row++, at += rowBytes)
    stored[row] = size === 1 ? view.getUint8(at) : size === 2 ? view.getInt16(at) : view.getInt32(at)
  if (type === 'L') return stored.map(code => (code === 84 ? 1 : 0))
  return scaledIntegers(stored, field)
}

function scaledIntegers(stored: Int32Array, field: Field): Column {
  const { scale, zero } = field
  const hasNull = field.null !== undefined && stored.includes(field.null)
  if (!hasNull && scale === 1 && zero === 0) return stored
  if (!hasNull && scale === 1 && zero === 2147483648) return Uint32Array.from(stored, value => value + 2147483648)
  if (!hasNull && scale === 1 && Number.isInteger(zero) && Math.abs(zero) <= 32768 && field.type !== 'J')
    return stored.map(value => value + zero)
  return Float64Array.from(stored, value => (value === field.null ? Number.NaN : value * scale + zero))
}

/** 64-bit integers as they are; unsigned ones (TZERO 2^63) wrap into the signed range above 2^63. */
function readLongs(view: DataView, { rows, rowBytes }: TableLayout, field: Field, element: number): Column {
  const stored = new BigInt64Array(rows)
  for (let row = 0, at = field.offset + element * 8; row < rows; row++, at += rowBytes)
    stored[row] = view.getBigInt64(at)
  if (field.scale !== 1) return Float64Array.from(stored, value => Number(value) * field.scale + field.zero)
  if (field.zero64 !== 0n) for (let row = 0; row < rows; row++) stored[row] += field.zero64
  return stored
}
