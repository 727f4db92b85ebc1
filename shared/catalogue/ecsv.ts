import type { FitsColumn } from '#shared/fits/table.ts'
import type { Column } from '#shared/numeric/table.ts'
import { asNumbers, asText, type PublishedTable, type Wanted } from './published-table.ts'
import { decodeSeparatedValues } from './separated-values.ts'

/** A column of an ECSV file; floats are written with so many decimals, or in full where none are given. */
export interface EcsvColumn extends FitsColumn {
  decimals?: number
}

/** An ECSV file read back: columns by name, in file order, and the metadata where it is a mapping. */
export interface EcsvTable extends PublishedTable {
  units: Map<string, string>
  descriptions: Map<string, string>
  meta: Record<string, unknown>
}

/**
 * Write a table as ECSV 1.0 (astropy APE 6): a commented YAML header with type, unit, description of each column and
 * metadata, then values separated by blanks. Missing floats are `nan`.
 *
 * @param columns equally long
 * @param meta anything that JSON can hold; every JSON text is YAML
 */
export function encodeEcsv(columns: EcsvColumn[], meta: Record<string, unknown> = {}): string {
  const lines = ['# %ECSV 1.0', '# ---', '# datatype:']
  for (const column of columns) {
    const parts = [`name: ${JSON.stringify(column.name)}`]
    if (column.unit) parts.push(`unit: ${JSON.stringify(column.unit)}`)
    parts.push(`datatype: ${datatypeOf(column.data)}`)
    if (column.description) parts.push(`description: ${JSON.stringify(column.description)}`)
    lines.push(`# - {${parts.join(', ')}}`)
  }
  if (Object.keys(meta).length > 0) {
    lines.push('# meta:')
    for (const [key, value] of Object.entries(meta)) lines.push(`#   ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
  }
  lines.push('# schema: astropy-2.0', columns.map(column => quote(column.name)).join(' '))

  const rows = columns[0]?.data.length ?? 0
  const writers = columns.map(writerOf)
  for (let row = 0; row < rows; row++) lines.push(writers.map(write => write(row)).join(' '))
  return lines.join('\n') + '\n'
}

/**
 * Read an ECSV file: values typed as its header says, unsigned and short integers widened to 32 bits, missing floats
 * NaN, missing integers 0. Header entries in flow or block style.
 */
export function decodeEcsv(text: string, wanted: Wanted = () => true): EcsvTable {
  const header = headerLines(text)
  const delimiter = header.find(line => line.startsWith('delimiter:'))?.match(/['"](.)['"]/)?.[1] ?? ' '
  const entries = columnEntries(header)
  const table = decodeSeparatedValues(text, wanted, delimiter)
  const columns = new Map<string, Column>()
  for (const [name, column] of table.columns)
    columns.set(name, typed(asText(column), entries.get(name)?.datatype ?? 'string'))
  const told = (key: 'unit' | 'description') =>
    new Map([...entries].flatMap(([name, entry]) => (entry[key] ? [[name, entry[key]] as [string, string]] : [])))
  return {
    count: table.count,
    columns,
    units: told('unit'),
    descriptions: told('description'),
    meta: metaOf(header),
  }
}

interface Entry {
  datatype?: string
  unit?: string
  description?: string
}

function datatypeOf(data: Column): string {
  if (Array.isArray(data)) return 'string'
  if (data instanceof Float64Array) return 'float64'
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof Int32Array) return 'int32'
  return data instanceof Uint32Array ? 'uint32' : 'int64'
}

function writerOf({ data, decimals }: EcsvColumn): (row: number) => string {
  if (Array.isArray(data)) return row => quote(data[row])
  const float = data instanceof Float64Array || data instanceof Float32Array
  if (!float) return row => String(data[row])
  // A float32 is told apart from its neighbours by nine digits.
  const short = data instanceof Float32Array
  return row => {
    const value = data[row]
    if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
    if (decimals !== undefined) return value.toFixed(decimals)
    return short ? String(Number(value.toPrecision(9))) : String(value)
  }
}

function quote(text: string): string {
  return text === '' || /[\s"#,]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function headerLines(text: string): string[] {
  const lines: string[] = []
  for (const line of text.split('\n', 20000)) {
    if (!line.startsWith('#')) break
    lines.push(line.replace(/^# ?/, '').trimEnd())
  }
  return lines
}

/** The entries of `datatype:`, each either `- {…}` (perhaps over several lines) or a block of `key: value`. */
function columnEntries(header: string[]): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  const first = header.findIndex(line => line.startsWith('datatype:'))
  if (first < 0) return entries
  let item = ''
  const finish = () => {
    const name = entryValue(item, 'name')
    if (name !== undefined)
      entries.set(name, {
        datatype: entryValue(item, 'datatype'),
        unit: entryValue(item, 'unit'),
        description: entryValue(item, 'description'),
      })
  }
  for (const line of header.slice(first + 1)) {
    if (/^[A-Za-z]/.test(line)) break
    if (/^-( |$)/.test(line)) {
      finish()
      item = ''
    }
    item += item.includes('{') ? ` ${line.replace(/^- ?/, '').trim()}` : `\n${line.replace(/^- ?/, '')}`
  }
  finish()
  return entries
}

/** The value of a key of a flow mapping or block entry; only its top level is looked at. */
function entryValue(item: string, key: string): string | undefined {
  const flow = item.includes('{')
  const start = flow ? '[{,]\\s*' : '\\n {0,2}'
  const found = item.match(
    new RegExp(`${start}${key}:\\s*("(?:[^"\\\\]|\\\\.)*"|'(?:[^']|'')*'|${flow ? '[^,}]*' : '[^\\n]*'})`),
  )
  const value = found?.[1].trim()
  if (value?.startsWith('"')) return JSON.parse(value)
  return value?.startsWith("'") ? value.slice(1, -1).replaceAll("''", "'") : value
}

function metaOf(header: string[]): Record<string, unknown> {
  const first = header.indexOf('meta:')
  const meta: Record<string, unknown> = {}
  if (first < 0) return meta
  for (const line of header.slice(first + 1)) {
    const found = line.match(/^ {2}("(?:[^"\\]|\\.)*"): (.*)$/)
    if (!found) break
    try {
      meta[JSON.parse(found[1])] = JSON.parse(found[2])
    } catch {
      break
    }
  }
  return meta
}

function typed(text: string[], datatype: string): Column {
  if (datatype === 'float64') return asNumbers(text)
  if (datatype === 'float32' || datatype === 'float16') return Float32Array.from(asNumbers(text))
  if (/^u?int(8|16|32)$/.test(datatype))
    return datatype === 'uint32' ? new Uint32Array(asNumbers(text)) : new Int32Array(asNumbers(text))
  if (/^u?int64$/.test(datatype)) return BigInt64Array.from(text, value => BigInt(value || 0))
  return text
}
