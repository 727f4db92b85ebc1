import { CpcsError } from '#shared/errors.ts'
import { dataOf, openFits } from './file.ts'
import { arrayInHeap, tableLayout } from './table-layout.ts'

/** How the elements of a variable-length array are read, by the letter of their type. */
const elements: Partial<Record<string, { bytes: number; at(view: DataView, offset: number): number }>> = {
  L: { bytes: 1, at: (view, offset) => (view.getUint8(offset) === 84 ? 1 : 0) },
  B: { bytes: 1, at: (view, offset) => view.getUint8(offset) },
  I: { bytes: 2, at: (view, offset) => view.getInt16(offset) },
  J: { bytes: 4, at: (view, offset) => view.getInt32(offset) },
  K: { bytes: 8, at: (view, offset) => Number(view.getBigInt64(offset)) },
  E: { bytes: 4, at: (view, offset) => view.getFloat32(offset) },
  D: { bytes: 8, at: (view, offset) => view.getFloat64(offset) },
}

/**
 * Read a column of variable-length arrays (TFORM P or Q), one array a row, TSCAL and TZERO applied.
 *
 * @param unit index of the table among the file's units
 * @throws {CpcsError} NoImage where there is no such column; UnsupportedFits for texts and complex numbers; BrokenHeader,
 *   TruncatedFits
 */
export function decodeArrays(bytes: Uint8Array, unit: number, column: string): Float64Array[] {
  const file = openFits(bytes)
  const hdu = file.hdus.find(({ index, kind }) => index === unit && (kind === 'table' || kind === 'compressed'))
  if (!hdu) throw new CpcsError('NoImage', { found: `no table ${unit}` })
  const data = dataOf(file, hdu)
  const layout = tableLayout(hdu.header, data.length)
  const field = layout.fields.find(({ name, type }) => name === column && (type === 'P' || type === 'Q'))
  if (!field) throw new CpcsError('NoImage', { found: `no column ${column} of arrays` })
  const element = elements[field.elementType]
  if (!element) throw new CpcsError('UnsupportedFits', { found: `arrays of type ${field.elementType}` })
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  return Array.from({ length: layout.rows }, (_, row) => {
    const array = arrayInHeap(view, layout, field, row)
    if (!array) throw new CpcsError('BrokenHeader', { found: `row ${row + 1} of ${column} lies outside the table` })
    const own = new DataView(array.buffer, array.byteOffset, array.byteLength)
    const read = (_: unknown, k: number) => element.at(own, k * element.bytes) * field.scale + field.zero
    return Float64Array.from({ length: array.length / element.bytes }, read)
  })
}
