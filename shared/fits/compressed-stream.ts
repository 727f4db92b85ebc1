import { constants, gunzipSync } from 'node:zlib'

/** Whether the bytes begin like a gzip stream. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/**
 * The bytes behind gzip. A stream that breaks off gives what it holds up to there, so that the FITS reader can say how
 * much of the image is missing.
 */
export function gunzip(bytes: Uint8Array): Uint8Array {
  return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })
}
