import type { Column } from '#shared/numeric/table.ts'
import type { Spellings } from './survey.ts'

/** A table as somebody published it: columns under their published names, text where the format has no types. */
export interface PublishedTable {
  count: number
  columns: Map<string, Column>
}

/** Whether a reader should keep a column: large tables have many that nobody asked for. */
export type Wanted = (name: string) => boolean

/**
 * The first column that exists under one of the spellings; where none does exactly, letter case is ignored.
 *
 * Exact spelling goes first because catalogues have columns that differ in case alone (`rmag` of SDSS, `Rmag` of
 * Johnson and Cousins).
 *
 * @param taken names that belong to something else if they are spelled exactly so
 */
export function findColumn(
  table: PublishedTable,
  spellings: Spellings,
  taken: ReadonlySet<string> = new Set(),
): Column | undefined {
  for (const name of spellings) {
    const column = table.columns.get(name)
    if (column) return column
  }
  for (const name of spellings)
    for (const [found, column] of table.columns)
      if (found.toLowerCase() === name.toLowerCase() && !taken.has(found)) return column
  return undefined
}

/** Values as numbers; NaN for empty, null, masked and unreadable ones. */
export function asNumbers(column: Column): Float64Array {
  if (column instanceof Float64Array) return column
  const values = new Float64Array(column.length)
  if (!Array.isArray(column)) {
    for (let i = 0; i < values.length; i++) values[i] = Number(column[i])
    return values
  }
  for (let i = 0; i < values.length; i++) {
    const text = column[i].trim()
    values[i] = text === '' ? Number.NaN : Number(text)
  }
  return values
}

/** What tables of text write where there is no value. */
const NO_VALUE = /^(|-+|\?|\.+|null|none|nan|n\/?a|masked|\\n|[-+]?inf(inity)?)$/i

/** How many values of a column of text are words: neither numbers nor a spelling of "no value". */
export function countWords(column: Column): number {
  if (!Array.isArray(column)) return 0
  let words = 0
  for (const value of column) {
    const text = value.trim()
    if (Number.isNaN(Number(text)) && !NO_VALUE.test(text)) words++
  }
  return words
}

/** Values as text, numbers in their shortest form. */
export function asText(column: Column): string[] {
  return Array.isArray(column) ? column.map(text => text.trim()) : Array.from(column as Float64Array, String)
}
