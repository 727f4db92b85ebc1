/** Whether the bytes begin like the output of Unix `compress` (.Z). */
export function isUnixCompress(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x9d
}

const CLEAR = 256
const FEWEST_BITS = 9

/**
 * The bytes behind Unix `compress`: Lempel, Ziv & Welch (1984) with codes of 9 to 16 bits, least significant bit first.
 * Codes come in groups of eight; a change of their width skips what is left of the group.
 *
 * @param limit most bytes to give back
 * @returns undefined where the stream is damaged or longer than the limit
 */
export function uncompress(bytes: Uint8Array, limit: number): Uint8Array | undefined {
  const maxBits = bytes[2] & 0x1f
  const clears = (bytes[2] & 0x80) !== 0
  if (maxBits < FEWEST_BITS || maxBits > 16) return undefined
  const prefix = new Uint16Array(1 << maxBits)
  const suffix = new Uint8Array(1 << maxBits)
  const stack = new Uint8Array(1 << maxBits)
  let out = new Uint8Array(Math.min(limit, bytes.length * 4 + 1024))
  let length = 0
  let width = FEWEST_BITS
  let next = clears ? CLEAR + 1 : CLEAR
  let previous = -1
  let first = 0
  let groupStart = 24 // bits
  let at = 24
  while (at + width <= bytes.length * 8) {
    const code = bitsAt(bytes, at, width)
    at += width
    if (clears && code === CLEAR) {
      at = groupStart = endOfGroup(at, groupStart, width)
      width = FEWEST_BITS
      next = CLEAR + 1
      previous = -1
      continue
    }
    let depth = 0
    let walk = code
    if (code >= next) {
      if (code > next || previous < 0) return undefined
      stack[depth++] = first
      walk = previous
    }
    while (walk >= CLEAR) {
      stack[depth++] = suffix[walk]
      walk = prefix[walk]
    }
    first = walk
    stack[depth++] = first
    if (length + depth > limit) return undefined
    if (length + depth > out.length) out = grown(out, length + depth, limit)
    while (depth > 0) out[length++] = stack[--depth]
    if (previous >= 0 && next < 1 << maxBits) {
      prefix[next] = previous
      suffix[next++] = first
    }
    previous = code
    if (next >= 1 << width && width < maxBits) {
      at = groupStart = endOfGroup(at, groupStart, width)
      width++
    }
  }
  return out.subarray(0, length)
}

function bitsAt(bytes: Uint8Array, at: number, width: number): number {
  const byte = at >> 3
  const window = bytes[byte] | (bytes[byte + 1] << 8) | ((bytes[byte + 2] ?? 0) << 16)
  return (window >>> (at & 7)) & ((1 << width) - 1)
}

function endOfGroup(at: number, groupStart: number, width: number): number {
  const group = 8 * width
  return groupStart + Math.ceil((at - groupStart) / group) * group
}

function grown(bytes: Uint8Array<ArrayBuffer>, needed: number, limit: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(limit, Math.max(needed, 2 * bytes.length)))
  larger.set(bytes)
  return larger
}
