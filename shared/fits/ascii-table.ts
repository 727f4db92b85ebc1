import { CpcsError } from '#shared/errors.ts'
import type { Column } from '#shared/numeric/table.ts'
import type { Header } from './header.ts'

/**
 * Read an ASCII table (FITS 4.0, section 7.2): texts, and numbers as Float64Array with NaN where a field is blank, equals
 * TNULL or cannot be read. Integers of up to nine digits become Int32Array where none is missing.
 *
 * @throws {CpcsError} BrokenHeader
 */
export function decodeAsciiTable(header: Header, data: Uint8Array): Map<string, Column> {
  const rowBytes = header.number('NAXIS1') ?? 0
  const rows = header.number('NAXIS2') ?? 0
  if (rows * rowBytes > data.length)
    throw new CpcsError('BrokenHeader', { found: `${rows} rows of ${rowBytes} bytes in ${data.length} bytes of data` })
  const latin = new TextDecoder('latin1')
  const columns = new Map<string, Column>()
  for (let n = 1; n <= Math.min(999, header.number('TFIELDS') ?? 0); n++) {
    const form = header.string(`TFORM${n}`) ?? ''
    const match = /^([AIFED])(\d+)(?:\.(\d+))?$/i.exec(form)
    const start = (header.number(`TBCOL${n}`) ?? 1) - 1
    if (!match || start < 0 || start + Number(match[2]) > rowBytes)
      throw new CpcsError('BrokenHeader', { found: `TFORM${n} is '${form}'` })
    const width = Number(match[2])
    const texts = Array.from({ length: rows }, (_, row) =>
      latin.decode(data.subarray(row * rowBytes + start, row * rowBytes + start + width)),
    )
    const name = header.string(`TTYPE${n}`) ?? `col${n}`
    if (match[1].toUpperCase() === 'A')
      columns.set(
        name,
        texts.map(text => text.trimEnd()),
      )
    else columns.set(name, numbers(texts, header, n, match[1].toUpperCase(), Number(match[3] ?? 0)))
  }
  return columns
}

function numbers(texts: string[], header: Header, n: number, type: string, decimals: number): Column {
  const none = header.string(`TNULL${n}`)
  const scale = header.number(`TSCAL${n}`) ?? 1
  const zero = header.number(`TZERO${n}`) ?? 0
  const values = Float64Array.from(texts, text => {
    const word = text.trim().replace(/[dD]/, 'E')
    if (word === '' || word === none) return Number.NaN
    // a number without its point has it before so many last digits (FITS 4.0, 7.2.5)
    const implied = type !== 'I' && /^[+-]?\d+$/.test(word) ? 10 ** -decimals : 1
    return Number(word) * implied * scale + zero
  })
  const whole = type === 'I' && scale === 1 && values.every(value => Number.isInteger(value) && Math.abs(value) < 1e9)
  return whole ? Int32Array.from(values) : values
}
