import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { MemoryStore } from '#shared/folder-store.ts'
import { ObjectsByDigest } from '#shared/objects-by-digest.ts'

test('a frame that was overwritten after it was taken in does not go by the identity of the old one', async () => {
  const inbox = new MemoryStore()
  await inbox.put('north/latest.fits', Uint8Array.of(1, 2, 3))
  const meant = createHash('sha256')
    .update(Uint8Array.of(1, 2, 3))
    .digest('hex')
  const raw = new ObjectsByDigest(inbox, meant)
  expect(await raw.get('north/latest.fits')).toEqual(Uint8Array.of(1, 2, 3))

  await inbox.put('north/latest.fits', Uint8Array.of(4, 5, 6))
  await expect(raw.get('north/latest.fits')).rejects.toMatchObject({ name: 'ObjectReplaced', policy: 'reject' })
  await expect(raw.range('north/latest.fits', 0, 1)).rejects.toMatchObject({ name: 'ObjectReplaced' })
})
