/**
 * A table of stars as columns: one typed array per quantity, all of the same length. NaN means no value.
 * Integer identities that need more than 53 bits are BigInt64Array.
 */
export type Column = Float64Array | Float32Array | Int32Array | Uint32Array | BigInt64Array | string[]

export interface ColumnDescription {
  name: string
  /** Unit as in the VOUnits standard ('pix', 'deg', 'mas', 'adu', 'mag'), empty where there is none. */
  unit: string
  /** One sentence for the header of a file. */
  description: string
}

/**
 * Columns with the unit that the frame's pixels have, where they are described as being in ADU.
 *
 * @param pixelUnit of the standard header; null where nobody tells it, and the columns then have none
 */
export function inPixelUnit<T extends { unit?: string }>(columns: T[], pixelUnit: string | null = 'adu'): T[] {
  return columns.map(column => (column.unit === 'adu' ? { ...column, unit: pixelUnit ?? '' } : column))
}

/** The rows with the given indices, in that order, of every column of a table. */
export function takeRows<T extends Record<string, Column>>(table: T, rows: ArrayLike<number>): T {
  const taken: Record<string, Column> = {}
  for (const [name, column] of Object.entries(table)) taken[name] = takeColumn(column, rows)
  return taken as T
}

function takeColumn(column: Column, rows: ArrayLike<number>): Column {
  if (Array.isArray(column)) return Array.from(rows, row => column[row])
  if (column instanceof BigInt64Array) return BigInt64Array.from({ length: rows.length }, (_, i) => column[rows[i]])
  const taken = new (column.constructor as Float64ArrayConstructor)(rows.length)
  for (let i = 0; i < rows.length; i++) taken[i] = column[rows[i]]
  return taken
}
