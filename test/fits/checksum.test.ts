import { expect, test } from 'vitest'
import { checksum } from '#shared/fits/checksum.ts'

test('the sum carries around as ones-complement does, wherever in memory the bytes begin', () => {
  // FITS 4.0, appendix J: 0x00000001 + 0xffffffff = 0x100000000, whose carry comes back in at the low end.
  const words = [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]
  for (const shift of [0, 1, 2, 3]) {
    const bytes = Buffer.alloc(words.length + shift).subarray(shift)
    bytes.set(words)
    expect(checksum(bytes)).toBe(1)
    expect(checksum(bytes, 0xfffffff0)).toBe(0xfffffff1)
  }
})
