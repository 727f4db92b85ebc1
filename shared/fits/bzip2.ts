/** Whether the bytes begin like a bzip2 stream. */
export function isBzip2(bytes: Uint8Array): boolean {
  return bytes[0] === 0x42 && bytes[1] === 0x5a && bytes[2] === 0x68 && bytes[3] >= 0x31 && bytes[3] <= 0x39
}

const BLOCK_MARK = 0x314159265359 // π in decimal digits
const END_MARK = 0x177245385090 // √π
const BLOCK_UNIT = 100_000 // bytes per level
const GROUP = 50 // symbols that share one code table
const LONGEST_CODE = 20
const RUN_A = 0
const RUN_B = 1

/**
 * The bytes behind bzip2: Huffman codes of move-to-front positions of a block-sorted text of run-length coded bytes
 * (Burrows & Wheeler 1994; format as bzip2 1.0 writes it). A stream that breaks off gives its whole blocks. Checksums
 * are not checked: FITS has its own.
 *
 * @param limit most bytes to give back
 * @returns undefined where the stream is damaged or longer than the limit
 */
export function bunzip2(bytes: Uint8Array, limit: number): Uint8Array | undefined {
  const out = new Output(Math.min(limit, bytes.length * 4 + 1024), limit)
  const bits = new BitReader(bytes)
  try {
    while (!bits.atEnd()) {
      if (bits.take(24) !== 0x425a68) break
      const blockBytes = (bits.take(8) - 0x30) * BLOCK_UNIT
      if (!(blockBytes >= BLOCK_UNIT && blockBytes <= 9 * BLOCK_UNIT)) return undefined
      while (readBlock(bits, blockBytes, out));
      bits.alignToByte()
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    if (out.length === 0 || out.full) return undefined
  }
  return out.bytes()
}

/** One block; false at the mark that ends the stream. */
function readBlock(bits: BitReader, blockBytes: number, out: Output): boolean {
  const mark = bits.take(24) * 2 ** 24 + bits.take(24)
  bits.take(16)
  bits.take(16) // checksum
  if (mark === END_MARK) return false
  if (mark !== BLOCK_MARK || bits.take(1) === 1) throw new RangeError('no block')
  const origin = bits.take(24)
  const { symbols, count } = sortedText(bits, blockBytes)
  if (origin >= count) throw new RangeError('origin outside the block')
  undoSorting(symbols, count, origin, out)
  return true
}

/** Undo Huffman codes and move-to-front: the last column of the sorted rotations. */
function sortedText(bits: BitReader, blockBytes: number): { symbols: Uint32Array; count: number } {
  const front = usedBytes(bits)
  const alphabet = front.length + 2
  const end = alphabet - 1
  const tables = bits.take(3)
  const selectors = readSelectors(bits, tables)
  const codes = Array.from({ length: tables }, () => new Code(readLengths(bits, alphabet)))
  const symbols = new Uint32Array(blockBytes)
  let count = 0
  let run = 0
  let weight = 1
  let code = codes[0]
  for (let k = 0; ; k++) {
    if (k % GROUP === 0) {
      if (k / GROUP >= selectors.length) throw new RangeError('too few selectors')
      code = codes[selectors[k / GROUP]]
    }
    const symbol = code.next(bits)
    if (symbol === RUN_A || symbol === RUN_B) {
      run += weight << symbol
      weight <<= 1
      if (run > blockBytes) throw new RangeError('run longer than the block')
      continue
    }
    if (run > 0) {
      if (count + run > blockBytes) throw new RangeError('block too long')
      symbols.fill(front[0], count, count + run)
      count += run
      run = 0
      weight = 1
    }
    if (symbol === end) return { symbols, count }
    if (count >= blockBytes) throw new RangeError('block too long')
    const byte = front[symbol - 1]
    front.copyWithin(1, 0, symbol - 1)
    front[0] = byte
    symbols[count++] = byte
  }
}

function usedBytes(bits: BitReader): Uint8Array {
  const groups = bits.take(16)
  const used: number[] = []
  for (let group = 0; group < 16; group++) {
    if (!(groups & (0x8000 >> group))) continue
    const members = bits.take(16)
    for (let k = 0; k < 16; k++) if (members & (0x8000 >> k)) used.push(group * 16 + k)
  }
  if (used.length === 0) throw new RangeError('no byte in use')
  return Uint8Array.from(used)
}

function readSelectors(bits: BitReader, tables: number): Uint8Array {
  const count = bits.take(15)
  if (tables < 2 || tables > 6 || count === 0) throw new RangeError('no code tables')
  const front = Array.from({ length: tables }, (_, k) => k)
  return Uint8Array.from({ length: count }, () => {
    let place = 0
    while (bits.take(1) === 1) if (++place >= tables) throw new RangeError('no such table')
    const [table] = front.splice(place, 1)
    front.unshift(table)
    return table
  })
}

function readLengths(bits: BitReader, alphabet: number): Uint8Array {
  let length = bits.take(5)
  return Uint8Array.from({ length: alphabet }, () => {
    while (bits.take(1) === 1) length += bits.take(1) === 1 ? -1 : 1
    if (length < 1 || length > LONGEST_CODE) throw new RangeError('impossible code length')
    return length
  })
}

/** A canonical Huffman code: by length, the first code word and where its symbols begin. */
class Code {
  readonly #symbols: Uint16Array
  readonly #first = new Int32Array(LONGEST_CODE + 2)
  readonly #start = new Int32Array(LONGEST_CODE + 2)
  readonly #count = new Int32Array(LONGEST_CODE + 2)

  constructor(lengths: Uint8Array) {
    for (const length of lengths) this.#count[length]++
    for (let l = 1; l <= LONGEST_CODE; l++) {
      this.#first[l + 1] = (this.#first[l] + this.#count[l]) << 1
      this.#start[l + 1] = this.#start[l] + this.#count[l]
    }
    const next = this.#start.slice()
    this.#symbols = new Uint16Array(lengths.length)
    lengths.forEach((length, symbol) => {
      this.#symbols[next[length]++] = symbol
    })
  }

  next(bits: BitReader): number {
    let word = 0
    for (let length = 1; length <= LONGEST_CODE; length++) {
      word = (word << 1) | bits.take(1)
      const place = word - this.#first[length]
      if (place >= 0 && place < this.#count[length]) return this.#symbols[this.#start[length] + place]
    }
    throw new RangeError('no such code')
  }
}

/** Follow the rotations back to the text, and undo the runs: four equal bytes are followed by how many more there are. */
function undoSorting(symbols: Uint32Array, count: number, origin: number, out: Output): void {
  const start = new Uint32Array(257)
  for (let i = 0; i < count; i++) start[(symbols[i] & 0xff) + 1]++
  for (let byte = 0; byte < 256; byte++) start[byte + 1] += start[byte]
  for (let i = 0; i < count; i++) symbols[start[symbols[i] & 0xff]++] |= i << 8
  let at = symbols[origin] >>> 8
  let last = -1
  let repeats = 0
  for (let i = 0; i < count; i++) {
    const entry = symbols[at]
    const byte = entry & 0xff
    at = entry >>> 8
    if (repeats === 4) {
      out.repeat(last, byte)
      repeats = 0
      last = -1
      continue
    }
    repeats = byte === last ? repeats + 1 : 1
    last = byte
    out.repeat(byte, 1)
  }
}

class BitReader {
  readonly #bytes: Uint8Array
  #at = 0
  #window = 0
  #held = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The next bits, at most 24 at once. */
  take(bits: number): number {
    while (this.#held < bits) {
      if (this.#at >= this.#bytes.length) throw new RangeError('the stream ends early')
      this.#window = ((this.#window & 0xffffff) << 8) | this.#bytes[this.#at++]
      this.#held += 8
    }
    this.#held -= bits
    return (this.#window >>> this.#held) & (2 ** bits - 1)
  }

  alignToByte(): void {
    this.#held -= this.#held % 8
  }

  atEnd(): boolean {
    return this.#held < 8 && this.#at >= this.#bytes.length
  }
}

/** Bytes that grow up to a limit. */
class Output {
  length = 0
  full = false
  readonly #limit: number
  #buffer: Uint8Array

  constructor(expected: number, limit: number) {
    this.#limit = limit
    this.#buffer = new Uint8Array(expected)
  }

  repeat(byte: number, times: number): void {
    const end = this.length + times
    if (end > this.#buffer.length) this.#grow(end)
    if (times === 1) this.#buffer[this.length] = byte
    else this.#buffer.fill(byte, this.length, end)
    this.length = end
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length)
  }

  #grow(needed: number): void {
    this.full = needed > this.#limit
    if (this.full) throw new RangeError('longer than the limit')
    const larger = new Uint8Array(Math.min(this.#limit, Math.max(needed, 2 * this.#buffer.length)))
    larger.set(this.#buffer)
    this.#buffer = larger
  }
}
