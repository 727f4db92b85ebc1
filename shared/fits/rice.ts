/** Parameters of the coder by bytes per value (FITS 4.0, table 36 and section 10.4.1; Rice, Yeh & Miller 1993). */
const coders = {
  1: { idBits: 3, maxId: 6, wordBits: 8 },
  2: { idBits: 4, maxId: 14, wordBits: 16 },
  4: { idBits: 5, maxId: 25, wordBits: 32 },
} as const

export type RiceWidth = keyof typeof coders

/**
 * Undo RICE_1 compression of one tile.
 *
 * @param bytes the compressed tile
 * @param out one value per pixel of the tile; 8-bit values are unsigned, 16 and 32-bit values signed
 * @param width bytes per value of the coder (BYTEPIX)
 * @param blockSize values that share one split position (BLOCKSIZE)
 * @returns false where the stream is too short for the tile
 */
export function decodeRice(bytes: Uint8Array, out: Int32Array, width: RiceWidth, blockSize: number): boolean {
  const { idBits, maxId, wordBits } = coders[width]
  const shift = 32 - wordBits
  const n = out.length
  if (bytes.length < width) return false

  let last = 0
  for (let i = 0; i < width; i++) last = (last << 8) | bytes[i]
  if (width === 2) last = (last << 16) >> 16
  let at: number = width
  // `window` holds the `held` (≤ 32) unread bits, right-aligned.
  let window = 0
  let held = 0

  function take(bits: number): number {
    while (held < bits) {
      if (held > 24) {
        // More than 24 bits held and up to 32 wanted: split, so that the window never overflows.
        const high = take(bits - 16)
        return (high << 16) | take(16)
      }
      window = (window << 8) | (at < bytes.length ? bytes[at] : 0)
      at++
      held += 8
    }
    held -= bits
    const value = bits === 32 ? window : (window >>> held) & (2 ** bits - 1)
    window = held === 0 ? 0 : window & (2 ** held - 1)
    return value
  }

  for (let start = 0; start < n; start += blockSize) {
    const end = Math.min(start + blockSize, n)
    const id = take(idBits) - 1
    if (id < 0) {
      for (let i = start; i < end; i++) out[i] = last
    } else {
      for (let i = start; i < end; i++) {
        let folded: number
        if (id === maxId) folded = take(wordBits)
        else {
          let zeros = 0
          while (window === 0) {
            zeros += held
            if (at >= bytes.length) return false
            window = bytes[at++]
            held = 8
          }
          const leading = Math.clz32(window) - (32 - held)
          zeros += leading
          held -= leading + 1
          window = held === 0 ? 0 : window & (2 ** held - 1)
          folded = (zeros << id) | (id > 0 ? take(id) : 0)
        }
        const difference = (folded >>> 1) ^ -(folded & 1)
        last = width === 1 ? (last + difference) & 0xff : ((last + difference) << shift) >> shift
        out[i] = last
      }
    }
    if (at > bytes.length + 4) return false
  }
  // The first value is stored as it is; its difference in the first block is zero, so nothing is counted twice.
  return true
}
