import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { standardHeaderOf } from '#cli/header.ts'
import { fetchFrame, frameInStore } from '#cli/remote-frame.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { cardsOf, frameWith } from '../standardise/camera.ts'

const cards = cardsOf({ 'DATE-OBS': '2023-09-27T00:10:22', EXPTIME: 120, FILTER: 'V', EGAIN: 1.5 })
const frame = frameWith(cards, { width: 512, height: 512 })
const files: Record<string, Uint8Array> = {
  '/frame.fits': frame,
  '/old.fits': frame,
  '/frame.fits.gz': new Uint8Array(gzipSync(frame)),
}

/** A web server that knows ranges, but for the file that an old one holds. */
const server: Server = createServer(({ url = '', headers }, answer) => {
  const bytes = files[url]
  if (!bytes) return answer.writeHead(404).end()
  const range = url === '/old.fits' ? null : /bytes=(\d+)-(\d+)/.exec(headers.range ?? '')
  if (!range) return answer.writeHead(200).end(bytes)
  const [from, to] = [Number(range[1]), Math.min(bytes.length, Number(range[2]) + 1)]
  answer.writeHead(206, { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` }).end(bytes.subarray(from, to))
})
let base = ''
beforeAll(async () => {
  await new Promise<void>(ready => server.listen(0, '127.0.0.1', ready))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
})

test('of a frame on a web server the headers alone are fetched, and tell what they can', async () => {
  const far = await fetchFrame(`${base}/frame.fits`)
  if (far instanceof Uint8Array) throw new Error('the whole frame was fetched')
  expect(far.bytes).toBe(frame.length)
  expect(far.fetchedBytes).toBeLessThan(frame.length / 10)
  const table = standardHeaderOf(far, { json: false })
  expect(table).toMatch(/^ {2}gain +1\.5 e\/ADU +EGAIN/m)
  expect(table).toMatch(/headers alone/)
})

test.each(['/old.fits', '/frame.fits.gz'])(
  '%s comes whole: no ranges, or no telling where its header ends',
  async path => expect(await fetchFrame(base + path)).toEqual(files[path]),
)

test('a server without the frame is told with its answer', async () =>
  expect(fetchFrame(`${base}/none.fits`)).rejects.toThrow(/answers 404/))

test('of a frame in an object store the headers alone are read; a compressed one whole', async () => {
  const store = new MemoryStore()
  for (const [name, bytes] of Object.entries(files)) await store.put(name.slice(1), bytes)
  const far = await frameInStore(store, 'frame.fits')
  if (far instanceof Uint8Array) throw new Error('the whole frame was read')
  expect(far.fetchedBytes).toBeLessThan(frame.length / 10)
  const told = JSON.parse(standardHeaderOf(far, { json: true })) as { header: { gainElectronsPerAdu: number } }
  expect(told.header.gainElectronsPerAdu).toBe(1.5)
  expect(await frameInStore(store, 'frame.fits.gz')).toEqual(files['/frame.fits.gz'])
  await expect(frameInStore(store, 'absent.fits')).rejects.toThrow(/absent/)
})
