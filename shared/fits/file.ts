import { CpcsError } from '#shared/errors.ts'
import { unwrap } from './compressed-stream.ts'
import { BLOCK_BYTES, type Header, type ParsedHeader, parseHeader } from './header.ts'
import { looksLike } from './looks-like.ts'

/** One header and data unit of a file. */
export interface Hdu {
  index: number
  header: Header
  /**
   * What the data are: an image (perhaps empty), a tile-compressed image, a table (binary or ASCII), random groups (the
   * visibilities of a radio interferometer), or something else.
   */
  kind: 'image' | 'compressed' | 'table' | 'groups' | 'other'
  /** EXTNAME, upper case; empty where there is none. */
  name: string
  dataStart: number
  /** Length of the data without padding, bytes, as the header announces it. */
  dataBytes: number
}

export interface FitsFile {
  /** The bytes, with gzip, bzip2 or Unix compress around the whole file taken off. */
  bytes: Uint8Array
  hdus: Hdu[]
}

/**
 * Walk through the header and data units of a file, without decoding data. Data that end early are told where they are
 * asked for ({@link dataOf}); junk behind the last whole unit is left alone.
 *
 * @throws {CpcsError} EmptyObject, NotFits, BrokenHeader
 */
export function openFits(raw: Uint8Array): FitsFile {
  if (raw.length === 0) throw new CpcsError('EmptyObject')
  const bytes = unwrap(raw)
  if (!bytes) throw new CpcsError('NotFits', { found: looksLike(raw) })
  if (bytes.length === 0) throw new CpcsError('EmptyObject')

  const hdus: Hdu[] = []
  let offset = 0
  while (offset < bytes.length) {
    const hdu = hduOf(bytes.subarray(offset), offset, parseHeader(bytes, offset), hdus.length)
    if (!hdu) break
    hdus.push(hdu)
    offset = hdu.dataStart + Math.ceil(hdu.dataBytes / BLOCK_BYTES) * BLOCK_BYTES
  }
  return { bytes, hdus }
}

/**
 * A unit from its header; undefined where the file holds none there, or a damaged extension: the image before it is
 * still good.
 *
 * @param bytes the file from the unit's header on, at least as far as the header goes
 * @param offset where these bytes lie in the file
 * @param parsed what {@link parseHeader} read of them
 * @throws {CpcsError} NotFits, BrokenHeader, both for the first unit only
 */
export function hduOf(
  bytes: Uint8Array,
  offset: number,
  parsed: ParsedHeader | undefined,
  index: number,
): Hdu | undefined {
  const first = index === 0
  if (!beginsLike(bytes, 0, first ? 'SIMPLE' : 'XTENSION')) {
    if (first) throw new CpcsError('NotFits', { found: looksLike(bytes) })
    return undefined
  }
  if (!parsed && first) throw new CpcsError('BrokenHeader', { found: `no END card in its ${bytes.length} bytes` })
  if (!parsed || (!first && damage(parsed.header))) return undefined
  return describe(parsed.header, offset + parsed.headerBytes, index)
}

/**
 * The bytes of a unit's data.
 * @throws {CpcsError} TruncatedFits
 */
export function dataOf(file: FitsFile, hdu: Hdu): Uint8Array {
  const end = hdu.dataStart + hdu.dataBytes
  if (end > file.bytes.length) throw new CpcsError('TruncatedFits', { found: file.bytes.length, needed: end })
  return file.bytes.subarray(hdu.dataStart, end)
}

function beginsLike(bytes: Uint8Array, offset: number, word: string): boolean {
  const start = String.fromCharCode(...bytes.subarray(offset, offset + 9)).toUpperCase()
  return start.startsWith(word) && /^[ =\0]*$/.test(start.slice(word.length))
}

function describe(header: Header, dataStart: number, index: number): Hdu {
  const found = damage(header)
  if (found) throw new CpcsError('BrokenHeader', { found })
  const xtension = (header.string('XTENSION') ?? 'IMAGE').toUpperCase()
  const naxis = wholeNumber(header, 'NAXIS')
  const axes = Array.from({ length: naxis }, (_, axis) => wholeNumber(header, `NAXIS${axis + 1}`))
  const groups = header.get('GROUPS') === true && axes[0] === 0
  const elements = (groups ? axes.slice(1) : axes).reduce((product, axis) => product * axis, naxis === 0 ? 0 : 1)
  const pcount = header.number('PCOUNT') ?? 0
  const gcount = header.number('GCOUNT') ?? 1
  const dataBytes = (Math.abs(wholeNumber(header, 'BITPIX')) / 8) * gcount * (pcount + elements)
  const name = (header.string('EXTNAME') ?? '').toUpperCase()
  return { index, header, kind: kindOf(header, xtension, groups), name, dataStart, dataBytes }
}

function kindOf(header: Header, xtension: string, groups: boolean): Hdu['kind'] {
  if (xtension === 'TABLE') return 'table'
  if (xtension === 'BINTABLE' || xtension === 'A3DTABLE') return header.get('ZIMAGE') === true ? 'compressed' : 'table'
  if (groups) return 'groups'
  return xtension === 'IMAGE' || xtension === 'IUEIMAGE' ? 'image' : 'other'
}

const LONGEST_AXIS = 1e9

/** What is wrong with the keywords that give the size of the data, in words; undefined where all is well. */
function damage(header: Header): string | undefined {
  const bitpix = header.number('BITPIX')
  if (![8, 16, 32, 64, -32, -64].includes(bitpix ?? 0)) return `BITPIX is ${header.string('BITPIX') ?? 'missing'}`
  const naxis = header.number('NAXIS') ?? -1
  const keywords = [
    'NAXIS',
    ...Array.from({ length: Math.min(Math.max(naxis, 0), 999) }, (_, axis) => `NAXIS${axis + 1}`),
  ]
  const bad = keywords.find(keyword => {
    const value = header.number(keyword)
    return value === undefined || !Number.isInteger(value) || value < 0 || value > LONGEST_AXIS
  })
  if (bad) return `${bad} is ${header.string(bad) ?? 'missing'}`
  const [parameters, groups] = [header.number('PCOUNT') ?? 0, header.number('GCOUNT') ?? 1]
  if (!(Number.isInteger(parameters) && parameters >= 0)) return `PCOUNT is ${parameters}`
  return Number.isInteger(groups) && groups >= 1 ? undefined : `GCOUNT is ${groups}`
}

function wholeNumber(header: Header, keyword: string): number {
  return header.number(keyword) ?? 0
}
