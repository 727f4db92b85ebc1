import { CpcsError } from '#shared/errors.ts'
import { type Hdu, hduOf } from './file.ts'
import { BLOCK_BYTES, LONGEST_HEADER, parseHeader } from './header.ts'

const FIRST_BYTES = 10 * BLOCK_BYTES // 360 cards: one request for most headers

/**
 * The headers of a file without its pixels, fetched piece by piece: one request a header, rarely more.
 *
 * @param range gives the bytes [start, end) of the file, fewer where it ends before
 * @param size length of the file, bytes
 * @throws {CpcsError} EmptyObject; NotFits also where the whole file is compressed; BrokenHeader
 */
export async function remoteHeaders(
  range: (start: number, end: number) => Promise<Uint8Array>,
  size: number,
): Promise<Hdu[]> {
  if (size === 0) throw new CpcsError('EmptyObject')
  const hdus: Hdu[] = []
  let offset = 0
  while (offset < size) {
    const hdu = await headerAt(range, offset, size, hdus.length)
    if (!hdu) break
    hdus.push(hdu)
    offset = hdu.dataStart + Math.ceil(hdu.dataBytes / BLOCK_BYTES) * BLOCK_BYTES
  }
  return hdus
}

async function headerAt(
  range: (start: number, end: number) => Promise<Uint8Array>,
  offset: number,
  size: number,
  index: number,
): Promise<Hdu | undefined> {
  for (let length = FIRST_BYTES; ; length *= 4) {
    const bytes = await range(offset, Math.min(size, offset + length))
    const parsed = parseHeader(bytes, 0)
    if (parsed || offset + length >= size || length >= LONGEST_HEADER) return hduOf(bytes, offset, parsed, index)
  }
}
