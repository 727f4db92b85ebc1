import type { Column } from '#shared/numeric/table.ts'
import type { PublishedTable, Wanted } from './published-table.ts'
import type { VotableField } from './votable.ts'

/** Bytes of one element (VOTable 1.5, table 1). */
const BYTES: Record<string, number> = {
  boolean: 1,
  unsignedByte: 1,
  short: 2,
  int: 4,
  long: 8,
  char: 1,
  unicodeChar: 2,
  float: 4,
  double: 8,
  floatComplex: 8,
  doubleComplex: 16,
}

/**
 * Read the rows of a BINARY or BINARY2 stream: fields one after the other, big endian, variable lengths preceded by a
 * four-byte count; BINARY2 has a bit per field in front of each row that says "null".
 *
 * @throws {Error} a datatype that is not in the standard, or a stream that ends within a row
 */
export function decodeVotableBinary(
  stream: Uint8Array,
  fields: VotableField[],
  nullFlags: boolean,
  wanted: Wanted,
): PublishedTable {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength)
  const flagBytes = nullFlags ? Math.ceil(fields.length / 8) : 0
  const cells: unknown[][] = fields.map(() => [])
  const keep = fields.map(field => wanted(field.name))
  let at = 0
  let count = 0
  try {
    while (at < stream.length) {
      const flags = at
      at += flagBytes
      for (let i = 0; i < fields.length; i++) {
        const field = fields[i]
        const size = BYTES[field.datatype]
        if (size === undefined) throw new Error(`unknown VOTable datatype ${field.datatype}`)
        let length = fixedLength(field.arraysize)
        if (length === undefined) {
          length = view.getInt32(at)
          at += 4
        }
        if (at + length * size > stream.length) throw new RangeError('the VOTable stream ends within a row')
        const missing = nullFlags && (stream[flags + (i >> 3)] & (0x80 >> (i & 7))) !== 0
        if (keep[i]) cells[i].push(missing ? undefined : element(view, at, field, length))
        at += length * size
      }
      count++
    }
  } catch (error) {
    if (error instanceof RangeError) throw new Error('the VOTable stream ends within a row', { cause: error })
    throw error
  }
  const columns = new Map<string, Column>()
  fields.forEach((field, i) => {
    if (keep[i] && !columns.has(field.name)) columns.set(field.name, typed(cells[i], field))
  })
  return { count, columns }
}

/** Number of elements, or undefined where each row tells its own. */
function fixedLength(arraysize: string | undefined): number | undefined {
  if (arraysize === undefined || arraysize === '') return 1
  if (arraysize.includes('*')) return undefined
  return arraysize.split('x').reduce((product, part) => product * Number(part), 1)
}

function element(view: DataView, at: number, { datatype, nullText }: VotableField, length: number): unknown {
  if (datatype === 'char') return text(view, at, length, 1)
  if (datatype === 'unicodeChar') return text(view, at, length, 2)
  if (length === 0) return undefined
  const value = first(view, at, datatype)
  return nullText !== undefined && String(value) === nullText ? undefined : value
}

function first(view: DataView, at: number, datatype: string): unknown {
  switch (datatype) {
    case 'boolean':
      return 'Tt1'.includes(String.fromCharCode(view.getUint8(at))) ? 'true' : 'false'
    case 'unsignedByte':
      return view.getUint8(at)
    case 'short':
      return view.getInt16(at)
    case 'int':
      return view.getInt32(at)
    case 'long':
      return view.getBigInt64(at)
    case 'float':
    case 'floatComplex':
      return view.getFloat32(at)
    default:
      return view.getFloat64(at)
  }
}

function text(view: DataView, at: number, length: number, width: 1 | 2): string {
  let result = ''
  for (let i = 0; i < length; i++) {
    const code = width === 1 ? view.getUint8(at + i) : view.getUint16(at + 2 * i)
    if (code === 0) break
    result += String.fromCharCode(code)
  }
  return result.trim()
}

function typed(cells: unknown[], { datatype }: VotableField): Column {
  if (datatype === 'char' || datatype === 'unicodeChar' || datatype === 'boolean')
    return cells.map(cell => (cell as string | undefined) ?? '')
  if (datatype === 'long') return BigInt64Array.from(cells, cell => (cell as bigint | undefined) ?? 0n)
  return Float64Array.from(cells, cell => (cell as number | undefined) ?? Number.NaN)
}
