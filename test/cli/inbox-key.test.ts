import { expect, test } from 'vitest'
import { inboxKey } from '#cli/service.ts'

test('two frames of one name keep two places in the inbox, the same bytes always the same', () => {
  const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)]
  expect(inboxKey('north', 'n1/a.fits', a)).toMatch(/^north\/[0-9a-f]{12}\/a\.fits$/)
  expect(inboxKey('north', 'n2/a.fits', b)).not.toBe(inboxKey('north', 'n1/a.fits', a))
  expect(inboxKey('north', 'other/a.fits', a)).toBe(inboxKey('north', 'n1/a.fits', a))
})
