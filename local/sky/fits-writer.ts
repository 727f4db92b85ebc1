/** A header line as cameras write it: keyword, value, comment. */
export type HeaderLine = [keyword: string, value: string | number | boolean, comment?: string]

const BLOCK = 2880

/** A FITS file of one 16-bit unsigned image (BZERO 32768), as astronomical cameras write it. */
export function fitsFile(counts: Uint16Array, width: number, height: number, lines: HeaderLine[]): Uint8Array {
  const structure: HeaderLine[] = [
    ['SIMPLE', true],
    ['BITPIX', 16, 'array data type'],
    ['NAXIS', 2, 'number of array dimensions'],
    ['NAXIS1', width],
    ['NAXIS2', height],
    ['BSCALE', 1],
    ['BZERO', 32768],
  ]
  const header = [...structure, ...lines].map(card).join('') + 'END'.padEnd(80)
  const headerBytes = Math.ceil(header.length / BLOCK) * BLOCK
  const file = new Uint8Array(headerBytes + Math.ceil((counts.length * 2) / BLOCK) * BLOCK)
  file.fill(32, 0, headerBytes)
  file.set(new TextEncoder().encode(header))
  const data = new DataView(file.buffer, headerBytes)
  for (let i = 0; i < counts.length; i++) data.setInt16(2 * i, counts[i] - 32768)
  return file
}

function card([keyword, value, comment]: HeaderLine): string {
  const written =
    typeof value === 'string'
      ? `'${value.replaceAll("'", "''").padEnd(8)}'`.padEnd(20)
      : (typeof value === 'boolean' ? (value ? 'T' : 'F') : numberText(value)).padStart(20)
  return `${keyword.padEnd(8)}= ${written}${comment ? ` / ${comment}` : ''}`.slice(0, 80).padEnd(80)
}

function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(15)))
}
