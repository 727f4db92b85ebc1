import { CpcsError } from '#shared/errors.ts'
import type { Header } from './header.ts'

/** Bytes per element of the binary table types (FITS 4.0, table 18); X counts bits. */
const elementBytes: Record<string, number> = {
  L: 1,
  B: 1,
  I: 2,
  J: 4,
  K: 8,
  A: 1,
  E: 4,
  D: 8,
  C: 8,
  M: 16,
  P: 8,
  Q: 16,
}

/** One field of a binary table as its header lays it out. */
export interface Field {
  name: string
  unit: string
  /** Letter of TFORM. */
  type: string
  repeat: number
  /** Letter of the elements of a variable-length array (types P and Q). */
  elementType: string
  /** Offset in the row, bytes. */
  offset: number
  scale: number
  /** TZERO; exact for the 64-bit unsigned convention. */
  zero: number
  zero64: bigint
  null: number | undefined
}

export interface TableLayout {
  rows: number
  rowBytes: number
  /** Offset of the heap behind the start of the data, bytes. */
  heap: number
  fields: Field[]
}

/**
 * The layout that the header of a binary table announces, held against the length of its data.
 * @throws {CpcsError} BrokenHeader
 */
export function tableLayout(header: Header, dataBytes: number): TableLayout {
  const rowBytes = header.number('NAXIS1') ?? 0
  const rows = header.number('NAXIS2') ?? 0
  const fields: Field[] = []
  let offset = 0
  for (let n = 1; n <= (header.number('TFIELDS') ?? 0); n++) {
    const form = header.string(`TFORM${n}`) ?? ''
    const match = /^(\d*)([LXBIJKAEDCMPQ])(?:([LXBIJKAEDCM])?.*)$/i.exec(form)
    if (!match) throw new CpcsError('BrokenHeader', { found: `TFORM${n} is '${form}'` })
    const repeat = match[1] === '' ? 1 : Number(match[1])
    const type = match[2].toUpperCase()
    const zero = header.number(`TZERO${n}`) ?? 0
    fields.push({
      name: header.string(`TTYPE${n}`) ?? `col${n}`,
      unit: header.string(`TUNIT${n}`) ?? '',
      type,
      repeat,
      elementType: (match[3] ?? '').toUpperCase(),
      offset,
      scale: header.number(`TSCAL${n}`) ?? 1,
      zero,
      zero64: Number.isInteger(zero) ? BigInt(zero) : 0n,
      null: header.number(`TNULL${n}`),
    })
    offset += type === 'X' ? Math.ceil(repeat / 8) : repeat * elementBytes[type]
  }
  if (offset > rowBytes)
    throw new CpcsError('BrokenHeader', { found: `rows of ${rowBytes} bytes with ${offset} in use` })
  if (rows * rowBytes > dataBytes)
    throw new CpcsError('BrokenHeader', { found: `${rows} rows of ${rowBytes} bytes in ${dataBytes} bytes of data` })
  return { rows, rowBytes, heap: header.number('THEAP') ?? rowBytes * rows, fields }
}

/** Bytes of the variable-length array of a row, or undefined where the field is none. */
export function arrayInHeap(data: DataView, layout: TableLayout, field: Field, row: number): Uint8Array | undefined {
  const at = row * layout.rowBytes + field.offset
  const wide = field.type === 'Q'
  if (!wide && field.type !== 'P') return undefined
  const count = wide ? Number(data.getBigInt64(at)) : data.getInt32(at)
  const start = layout.heap + (wide ? Number(data.getBigInt64(at + 8)) : data.getInt32(at + 4))
  const length = count * (elementBytes[field.elementType] ?? 1)
  if (count < 0 || start < 0 || start + length > data.byteLength) return undefined
  return new Uint8Array(data.buffer, data.byteOffset + start, length)
}
