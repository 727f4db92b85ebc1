import type { Card } from './header.ts'

const PUNCTUATION = [0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60] // between 0, A and a
const ZERO = 0x30

const WORDS_AT_ONCE = 256 // sums of so many bytes still fit into half a word

/**
 * Ones-complement sum of 32-bit big-endian words (FITS 4.0, appendix J), added to an earlier sum. Bytes are summed by
 * their place in the word, two places in one number.
 *
 * @param bytes a multiple of four
 */
export function checksum(bytes: Uint8Array, earlier = 0): number {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2) // least byte first on all our machines
  let high = earlier >>> 16
  let low = earlier & 0xffff
  for (let start = 0; start < words.length; start += WORDS_AT_ONCE) {
    const end = Math.min(start + WORDS_AT_ONCE, words.length)
    let outer = 0 // bytes 0 and 2 of each word
    let inner = 0 // bytes 1 and 3
    for (let i = start; i < end; i++) {
      outer += words[i] & 0x00ff00ff
      inner += (words[i] >>> 8) & 0x00ff00ff
    }
    high += (outer & 0xffff) * 256 + (inner & 0xffff)
    low += (outer >>> 16) * 256 + (inner >>> 16)
  }
  for (;;) {
    const overHigh = Math.floor(high / 65_536)
    const overLow = Math.floor(low / 65_536)
    if (overHigh === 0 && overLow === 0) return ((high << 16) | low) >>> 0
    high = (high % 65_536) + overLow
    low = (low % 65_536) + overHigh
  }
}

/** A sum as 16 letters and digits that themselves add up to it (FITS 4.0, appendix J). */
export function encodeChecksum(sum: number): string {
  const letters = new Uint8Array(16)
  for (let byte = 0; byte < 4; byte++) {
    const value = (sum >>> (24 - 8 * byte)) & 0xff
    const quarters = [0, 1, 2, 3].map(k => Math.floor(value / 4) + ZERO + (k === 0 ? value % 4 : 0))
    // pairs are moved apart, one up and one down, until none is a punctuation mark
    for (let again = true; again; ) {
      again = false
      for (const k of [0, 2])
        if (PUNCTUATION.includes(quarters[k]) || PUNCTUATION.includes(quarters[k + 1])) {
          quarters[k]++
          quarters[k + 1]--
          again = true
        }
    }
    quarters.forEach((letter, k) => {
      letters[4 * k + byte] = letter
    })
  }
  // the text begins one byte before a word: it is turned by one place
  return String.fromCharCode(letters[15], ...letters.subarray(0, 15))
}

/** The cards CHECKSUM, still all zeros, and DATASUM of a unit whose data have this checksum. */
export function checksumCards(dataSum = 0): Card[] {
  return [
    { keyword: 'CHECKSUM', value: '0'.repeat(16), comment: 'of the whole unit' },
    { keyword: 'DATASUM', value: String(dataSum), comment: 'of the data' },
  ]
}

/** Fill in the CHECKSUM card of a finished header, so that header and data together sum up to all ones. */
export function signHeader(header: Uint8Array, dataSum: number): Uint8Array {
  const text = "CHECKSUM= '"
  for (let card = 0; card < header.length; card += 80) {
    if (![...text].every((letter, k) => header[card + k] === letter.charCodeAt(0))) continue
    const signature = encodeChecksum(~checksum(header, dataSum) >>> 0)
    for (let k = 0; k < 16; k++) header[card + text.length + k] = signature.charCodeAt(k)
    break
  }
  return header
}
