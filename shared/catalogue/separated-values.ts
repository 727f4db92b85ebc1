import type { PublishedTable, Wanted } from './published-table.ts'

const COMMA = 44
const QUOTE = 34
const NEWLINE = 10
const RETURN = 13
const HASH = 35

/**
 * Read a table of text with one header line, values separated by commas, tabs, semicolons, bars or blanks (whichever
 * the header line has); RFC 4180 quotes; lines that start with '#' left out. VizieR's lines of units and dashes under
 * the header are left out too. Columns stay text.
 *
 * @throws {Error} no header line, or the last line breaks off
 */
export function decodeSeparatedValues(text: string, wanted: Wanted = () => true, delimiter?: string): PublishedTable {
  let start = skipComments(text, 0)
  if (start >= text.length) throw new Error('the table has no header line')
  const headerEnd = lineEnd(text, start)
  const separator = delimiter ?? guessDelimiter(text.slice(start, headerEnd))
  const rows = new RowReader(text, separator.charCodeAt(0))
  const names: string[] = []
  start = rows.read(start, value => names.push(value.trim()))

  const kept = names.map(name => (wanted(name) ? ([] as string[]) : undefined))
  let dashed = false
  while (start < text.length) {
    const code = text.charCodeAt(start)
    if (code === HASH || code === NEWLINE || code === RETURN) {
      start = skipComments(text, start)
      continue
    }
    const before = start
    let field = 0
    start = rows.read(start, value => {
      if (field < kept.length) kept[field]?.push(value)
      field++
    })
    // a short row has missing values at its end, unless the file was cut there: half a number is another number
    if (field < kept.length && start >= text.length && !/[\r\n]$/.test(text))
      throw new Error(`the file breaks off: its last line has ${field} of ${kept.length} values`)
    for (; field < kept.length; field++) kept[field]?.push('')
    if (!dashed && /^[-\s\t;,|]+$/.test(text.slice(before, start)) && text.slice(before, start).includes('--')) {
      dashed = true
      for (const column of kept) if (column) column.length = 0
    }
  }
  const columns = new Map<string, string[]>()
  names.forEach((name, i) => {
    const column = kept[i]
    if (column && !columns.has(name)) columns.set(name, column)
  })
  return { count: kept.find(column => column)?.length ?? 0, columns }
}

/** Splits one line after the other, without a string per character. */
class RowReader {
  readonly #text: string
  readonly #separator: number
  readonly #blank: boolean

  constructor(text: string, separator: number) {
    this.#text = text
    this.#separator = separator
    this.#blank = separator === 32
  }

  /** Hand the values of the line that starts at `at` to `take`; returns where the next line starts. */
  read(at: number, take: (value: string) => void): number {
    const text = this.#text
    for (;;) {
      if (this.#blank) while (text.charCodeAt(at) === 32) at++
      if (text.charCodeAt(at) === QUOTE) {
        at = this.#quoted(at + 1, take)
      } else {
        const start = at
        let code = text.charCodeAt(at)
        while (at < text.length && code !== this.#separator && code !== NEWLINE && code !== RETURN)
          code = text.charCodeAt(++at)
        if (!this.#blank || at > start) take(text.slice(start, at))
      }
      if (at >= text.length) return at
      const code = text.charCodeAt(at++)
      if (code === RETURN) return text.charCodeAt(at) === NEWLINE ? at + 1 : at
      if (code === NEWLINE) return at
    }
  }

  #quoted(at: number, take: (value: string) => void): number {
    let value = ''
    for (;;) {
      const end = this.#text.indexOf('"', at)
      if (end < 0) {
        take(value + this.#text.slice(at))
        return this.#text.length
      }
      value += this.#text.slice(at, end)
      if (this.#text.charCodeAt(end + 1) !== QUOTE) {
        take(value)
        return end + 1
      }
      value += '"'
      at = end + 2
    }
  }
}

function skipComments(text: string, at: number): number {
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === HASH) at = lineEnd(text, at)
    else if (code === NEWLINE || code === RETURN || code === 0xfeff) at++
    else break
  }
  return at
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}

function guessDelimiter(header: string): string {
  if (header.charCodeAt(0) !== COMMA) {
    const counts = [',', '\t', ';', '|'].map(candidate => header.split(candidate).length)
    const most = Math.max(...counts)
    if (most > 1) return [',', '\t', ';', '|'][counts.indexOf(most)]
  }
  return header.trim().includes(' ') ? ' ' : ','
}
