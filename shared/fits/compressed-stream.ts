import { constants, gunzipSync } from 'node:zlib'
import { bunzip2, isBzip2 } from './bzip2.ts'
import { isUnixCompress, uncompress } from './unix-compress.ts'

/** Ways of compressing a whole file. */
const wrappings: readonly {
  is(bytes: Uint8Array): boolean
  undo(bytes: Uint8Array, limit: number): Uint8Array | undefined
}[] = [
  { is: isGzip, undo: gunzip },
  { is: isBzip2, undo: bunzip2 },
  { is: isUnixCompress, undo: uncompress },
]

const ROOM_BYTES = 192 * 2 ** 20 // the largest frames, whatever they were pressed into
const MOST_TIMES = 8 // beyond: more times the compressed size than frames with noise ever take

/**
 * The bytes behind gzip, bzip2 or Unix compress around a whole file; the bytes themselves where there is none. A stream
 * that breaks off gives what it holds up to there, so that the FITS reader can say how much of the image is missing.
 *
 * @returns undefined where the stream is damaged, or grows beyond all measure
 */
export function unwrap(bytes: Uint8Array): Uint8Array | undefined {
  const wrapping = wrappings.find(({ is }) => is(bytes))
  if (!wrapping) return bytes
  return wrapping.undo(bytes, ROOM_BYTES + MOST_TIMES * bytes.length)
}

/** Whether the first bytes of a file say that it is compressed as a whole. */
export function isWrapped(bytes: Uint8Array): boolean {
  return wrappings.some(({ is }) => is(bytes))
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/**
 * The bytes behind gzip, as many as a stream that breaks off has.
 * @param limit most bytes to give back
 * @returns undefined where the stream is damaged or longer than the limit
 */
export function gunzip(bytes: Uint8Array, limit: number): Uint8Array | undefined {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: limit })
  } catch {
    return undefined
  }
}
