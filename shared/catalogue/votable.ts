import { XMLParser } from 'fast-xml-parser'
import type { Column } from '#shared/numeric/table.ts'
import type { PublishedTable, Wanted } from './published-table.ts'
import { decodeVotableBinary } from './votable-binary.ts'

/** A FIELD of a VOTable. */
export interface VotableField {
  name: string
  datatype: string
  arraysize?: string
  /** Integer that stands for a missing value. */
  nullText?: string
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseAttributeValue: false,
  parseTagValue: false,
  isArray: name => name === 'FIELD',
})

/**
 * Read the tables of a VOTable (IVOA VOTable 1.0 to 1.5): TABLEDATA, BINARY and BINARY2. Array-valued columns other
 * than text keep their first element; missing numbers are NaN, missing 64-bit integers 0.
 *
 * @throws {Error} no table, or a table kept in another file or serialisation
 */
export function decodeVotable(text: string, wanted: Wanted = () => true): PublishedTable[] {
  const tables = [...elements(text, 'TABLE')].map(table => decodeTable(table, wanted))
  if (tables.length === 0) throw new Error('the VOTable holds no table')
  return tables
}

function decodeTable(table: string, wanted: Wanted): PublishedTable {
  const dataAt = table.search(/<(?:\w+:)?DATA[\s>]/)
  const fields = fieldsOf(dataAt < 0 ? table : table.slice(0, dataAt))
  const data = dataAt < 0 ? '' : table.slice(dataAt)
  for (const kind of ['BINARY2', 'BINARY'] as const) {
    const binary = elements(data, kind).next().value
    if (binary === undefined) continue
    const stream = binary.match(/<(?:\w+:)?STREAM([^>]*)>([\s\S]*)<\/(?:\w+:)?STREAM>/)
    if (!stream || /href\s*=/.test(stream[1])) throw new Error('the VOTable keeps its data in another file')
    return decodeVotableBinary(Buffer.from(stream[2], 'base64'), fields, kind === 'BINARY2', wanted)
  }
  if (/<(?:\w+:)?(FITS|PARQUET)[\s>]/.test(data)) throw new Error('the VOTable keeps its data in another file')
  return decodeTableData(data, fields, wanted)
}

function fieldsOf(header: string): VotableField[] {
  const closed = header.replace(/<\/(?:\w+:)?TABLE>\s*$/, '')
  const element = parser.parse(closed.replace(/^<(?:\w+:)?TABLE/, '<TABLE') + '</TABLE>').TABLE
  const fields: Record<string, unknown>[] = element?.FIELD ?? []
  return fields.map((field, i) => ({
    name: String(field['@name'] ?? field['@ID'] ?? `column${i + 1}`),
    datatype: String(field['@datatype'] ?? 'char'),
    arraysize: field['@arraysize'] as string | undefined,
    nullText: (field.VALUES as Record<string, string> | undefined)?.['@null'],
  }))
}

/** Rows of TABLEDATA. Scanned by hand: an XML tree of a hundred thousand rows costs seconds and gigabytes. */
function decodeTableData(data: string, fields: VotableField[], wanted: Wanted): PublishedTable {
  const cells = fields.map(field => (wanted(field.name) ? ([] as string[]) : undefined))
  let count = 0
  for (const row of elements(data, 'TR')) {
    let i = 0
    for (const [, attributesOrEmpty, content] of row.matchAll(
      /<(?:\w+:)?TD((?:\s[^>]*?)?\/)>|<(?:\w+:)?TD(?:\s[^>]*)?>([\s\S]*?)<\/(?:\w+:)?TD>/g,
    )) {
      if (i >= cells.length) break
      cells[i++]?.push(attributesOrEmpty === undefined ? plainText(content) : '')
    }
    for (; i < cells.length; i++) cells[i]?.push('')
    count++
  }
  const columns = new Map<string, Column>()
  fields.forEach((field, i) => {
    const column = cells[i]
    if (column && !columns.has(field.name)) columns.set(field.name, typed(column, field))
  })
  return { count, columns }
}

function typed(cells: string[], { datatype, nullText, arraysize }: VotableField): Column {
  const single = arraysize === undefined || arraysize === '1'
  if (datatype === 'long' && single)
    return BigInt64Array.from(cells, cell => (cell === '' || cell === nullText ? 0n : BigInt(cell)))
  if (/^(float|double|int|short|unsignedByte)$/.test(datatype) && single)
    return Float64Array.from(cells, cell => (cell === '' || cell === nullText ? Number.NaN : Number(cell)))
  return cells
}

function plainText(content: string): string {
  const cdata = content.match(/^\s*<!\[CDATA\[([\s\S]*?)\]\]>\s*$/)
  if (cdata) return cdata[1]
  const text = content.trim()
  return text.includes('&')
    ? text
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&apos;', "'")
        .replaceAll('&amp;', '&')
    : text
}

/** The elements of a name, one after the other, tags included; elements of the same name are not nested here. */
function* elements(text: string, name: string): Generator<string> {
  const open = new RegExp(`<(\\w+:)?${name}(?=[\\s>/])`, 'g')
  for (let start = open.exec(text); start; start = open.exec(text)) {
    const close = `</${start[1] ?? ''}${name}>`
    const end = text.indexOf(close, start.index)
    if (end < 0) {
      yield text.slice(start.index)
      return
    }
    yield text.slice(start.index, end + close.length)
    open.lastIndex = end + close.length
  }
}
