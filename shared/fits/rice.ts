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
  const length = bytes.length
  if (length < width) return false

  // The first value is stored as it is; its difference in the first block is zero, so nothing is counted twice.
  let last = 0
  for (let i = 0; i < width; i++) last = (last << 8) | bytes[i]
  if (width === 2) last = (last << 16) >> 16
  let at: number = width
  // `window` holds `held` unread bits at its upper end, zeros below; filled up before each use.
  let window = 0
  let held = 0

  for (let start = 0; start < n; start += blockSize) {
    const end = Math.min(start + blockSize, n)
    while (held <= 24) {
      window |= (at < length ? bytes[at] : 0) << (24 - held)
      at++
      held += 8
    }
    const id = (window >>> (32 - idBits)) - 1
    window <<= idBits
    held -= idBits
    if (id < 0) out.fill(last, start, end)
    else if (id < maxId) {
      for (let i = start; i < end; i++) {
        if (held < 17 && at + 1 < length) {
          window |= ((bytes[at] << 8) | bytes[at + 1]) << (16 - held)
          at += 2
          held += 16
        }
        let zeros = Math.clz32(window)
        if (zeros + id + 1 < held) {
          // the usual case: the whole value lies in the window
          const word = (zeros << id) | ((((window << zeros) << 1) >>> 1) >>> (31 - id))
          window <<= zeros + id + 1
          held -= zeros + id + 1
          last += (word >>> 1) ^ -(word & 1)
          out[i] = last = width === 1 ? last & 0xff : (last << shift) >> shift
          continue
        }
        zeros = 0
        while (window === 0) {
          zeros += held
          if (at >= length) return false
          window = bytes[at++] << 24
          held = 8
        }
        const leading = Math.clz32(window)
        zeros += leading
        window = (window << leading) << 1
        held -= leading + 1
        while (held <= 24) {
          window |= (at < length ? bytes[at] : 0) << (24 - held)
          at++
          held += 8
        }
        // two shifts: a shift by 32 would be one by 0
        const folded = (zeros << id) | ((window >>> 1) >>> (31 - id))
        window <<= id
        held -= id
        const difference = (folded >>> 1) ^ -(folded & 1)
        last = width === 1 ? (last + difference) & 0xff : ((last + difference) << shift) >> shift
        out[i] = last
      }
    } else {
      const half = wordBits === 8 ? 8 : 16
      for (let i = start; i < end; i++) {
        let folded = 0
        for (let part = 0; part < wordBits; part += half) {
          while (held <= 24) {
            window |= (at < length ? bytes[at] : 0) << (24 - held)
            at++
            held += 8
          }
          folded = (folded << half) | (window >>> (32 - half))
          window <<= half
          held -= half
        }
        const difference = (folded >>> 1) ^ -(folded & 1)
        last = width === 1 ? (last + difference) & 0xff : ((last + difference) << shift) >> shift
        out[i] = last
      }
    }
    if (at - (held >> 3) > length) return false
  }
  return true
}
