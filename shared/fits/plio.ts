/**
 * Undo PLIO_1 compression of one tile: the line lists of IRAF's pixel masks (FITS 4.0, section 10.4.3). Each 16-bit word
 * holds an instruction in its upper four bits and a number in the others.
 *
 * @param bytes the line list, big-endian words
 * @param out one value per pixel of the tile
 * @returns false where the list is too short or runs over its end
 */
export function decodePlio(bytes: Uint8Array, out: Int32Array): boolean {
  const words = bytes.length >> 1
  const word = (i: number) => (bytes[2 * i] << 8) | bytes[2 * i + 1]
  if (words < 3) return false
  // Old lists keep their length in the third word, new ones the length of their header in the second.
  const old = word(2) << 16 > 0
  if (!old && words < 7) return false
  const length = old ? word(2) : word(4) * 32_768 + word(3)
  const first = old ? 3 : word(1)
  if (length > words || first < 3) return false

  out.fill(0)
  let at = 0
  let high = 1
  for (let i = first; i < length && at < out.length; i++) {
    const number = word(i) & 0xfff
    const instruction = word(i) >> 12
    const end = Math.min(at + number, out.length)
    if (instruction === 0) at = end
    else if (instruction === 4) {
      out.fill(high, at, end)
      at = end
    } else if (instruction === 5) {
      if (at + number <= out.length && number > 0) out[at + number - 1] = high
      at = end
    } else if (instruction === 1) {
      if (i + 1 >= length) return false
      high = word(++i) * 4096 + number
    } else if (instruction === 2) high += number
    else if (instruction === 3) high -= number
    else if (instruction === 6 || instruction === 7) {
      high += instruction === 6 ? number : -number
      out[at++] = high
    } else return false
  }
  return true
}
