import { expect, test } from 'vitest'
import { openFits } from '#shared/fits/file.ts'
import { remoteHeaders } from '#shared/fits/remote-headers.ts'
import { encodeImages } from '#shared/fits/write-image.ts'

const cards = Array.from({ length: 900 }, (_, n) => ({ keyword: `KEY${n}`, value: n }))
const plane = { width: 400, height: 400, pixels: new Float32Array(160_000), as: 'float32' as const }
const bytes = encodeImages([plane, { ...plane, name: 'LONG', cards }, { ...plane, name: 'LAST' }])

test('headers are read by range without the pixels, and are those of the whole file', async () => {
  let fetched = 0
  const range = async (start: number, end: number) => {
    fetched += end - start
    return bytes.subarray(start, end)
  }
  const whole = openFits(bytes).hdus
  expect(await remoteHeaders(range, bytes.length)).toEqual(whole)
  expect(whole.map(({ name }) => name)).toEqual(['', 'LONG', 'LAST'])
  expect(fetched).toBeLessThan(bytes.length / 5)
})

test('what is no FITS ends with the reason', async () => {
  const range = async () => new TextEncoder().encode('<html>not here</html>')
  await expect(remoteHeaders(range, 21)).rejects.toThrow(/HTML/)
  await expect(remoteHeaders(range, 0)).rejects.toThrow(/empty/)
})
