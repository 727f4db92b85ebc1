import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Point } from '#events/point.ts'
import type { FrameReceived } from '#events/stages.ts'
import { answer } from '#functions/api/api.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { type Emulated, example, startEmulated } from '../lightcurve/emulated.ts'

const NOW = '2026-03-01T20:17:02.318Z'
const frame = example<FrameReceived>('frame-received')
const [point] = example<Point[]>('points')
const products = new MemoryStore()
const site = new MemoryStore()
let cloud: Emulated

beforeAll(async () => {
  cloud = await startEmulated()
  await cloud.frames.received(frame, 'north-1', NOW)
  await cloud.objects.register({ name: 'AT 2026abc', raDeg: 150.11341, decDeg: 22.30125 }, NOW)
  await cloud.points.put({ ...point, objectId: 'AT_2026abc' })
  await products.put(`products/${frame.frameId}/preview.png`, Uint8Array.of(0x89, 0x50))
  await products.put(`products/${frame.frameId}/frame.fits`, new Uint8Array(5_000_000))
  await site.put('index.html', new TextEncoder().encode('<h1>Nights</h1>'))
})
afterAll(() => cloud.stop())

async function ask(method: string, path: string, body?: unknown) {
  const [rawPath, rawQueryString] = path.split('?')
  const { statusCode, headers, ...rest } = await answer(
    { rawPath, rawQueryString, requestContext: { http: { method } }, body: body && JSON.stringify(body) } as never,
    {
      ...{ frames: cloud.frames, objects: cloud.objects, points: cloud.points, products, site },
      signedGet: async key => `https://bucket/${key}?signed`,
      signedPut: async key => `https://inbox/${key}?signed`,
      now: () => NOW,
    },
  )
  const type = headers?.['content-type'] ?? ''
  const text = rest.isBase64Encoded ? Buffer.from(rest.body!, 'base64').toString('latin1') : (rest.body ?? '')
  return {
    status: statusCode,
    headers,
    text,
    value: type === 'application/json' && text ? JSON.parse(text) : undefined,
  }
}

describe('the service', () => {
  test('lists nights, their frames, and the runs and files of a frame', async () => {
    expect((await ask('GET', '/api/nights')).value).toEqual([{ night: '20260301', telescopes: ['north'] }])
    const { value } = await ask('GET', '/api/frames?night=20260301')
    expect(value).toMatchObject([{ ...frame, status: 'received', execution: 'north-1' }])
    expect(Object.keys(value[0])).not.toContain('pk')
    expect((await ask('GET', `/api/frames/${frame.frameId}`)).value).toMatchObject({
      runs: [{ execution: 'north-1' }],
      files: ['frame.fits', 'preview.png'],
    })
  })

  test('gives an object with its points as columns, by its name or its identity', async () => {
    for (const name of ['AT%202026abc', 'AT_2026abc'])
      expect((await ask('GET', `/api/objects/${name}`)).value).toMatchObject({
        object: { objectId: 'AT_2026abc', name: 'AT 2026abc' },
        points: { mag: [point.mag], mjd_utc: [point.mjdUtcMid] },
      })
    expect((await ask('GET', '/api/objects')).value).toHaveLength(1)
  })

  test.each([
    ['csv', 'text/csv; charset=utf-8', 'AT_2026abc.csv'],
    ['json', 'application/json', 'AT_2026abc.json'],
    ['votable', 'application/x-votable+xml', 'AT_2026abc.vot'],
    ['aavso', 'text/plain; charset=utf-8', 'AT_2026abc.txt'],
  ])('gives the light curve as %s, to be kept as a file', async (format, type, file) => {
    const { status, headers, text } = await ask('GET', `/api/objects/AT_2026abc/lightcurve?format=${format}`)
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'content-type': type, 'content-disposition': `attachment; filename="${file}"` })
    expect(text).toContain('17.482')
  })

  test('shows what a newer version measured, and on request what it superseded', async () => {
    const old = { ...point, objectId: 'superseded', pipelineVersion: '0.0.9', mag: 16 }
    await cloud.objects.register({ name: 'superseded', raDeg: 10, decDeg: -5 }, NOW)
    await cloud.points.put(old)
    await cloud.points.put({ ...old, pipelineVersion: '0.0.10', mag: 17 })
    const mags = async (query: string) =>
      JSON.parse((await ask('GET', `/api/objects/superseded/lightcurve?format=json${query}`)).text).data.mag
    expect(await mags('')).toEqual([17])
    expect(await mags('&versions=all')).toEqual([16, 17])
  })

  test('hands out small products itself, and large ones from the bucket', async () => {
    const small = await ask('GET', `/api/products/${frame.frameId}/preview.png`)
    expect(small).toMatchObject({ status: 200, headers: { 'content-type': 'image/png' }, text: '\x89P' })
    const large = await ask('GET', `/api/products/${frame.frameId}/frame.fits`)
    expect(large.status).toBe(302)
    expect(large.headers?.location).toBe(`https://bucket/products/${frame.frameId}/frame.fits?signed`)
  })

  test('takes targets, which stages then find', async () => {
    const target = { name: 'SN 2026 x', raDeg: 10, decDeg: -30 }
    expect(await ask('POST', '/api/targets', target)).toMatchObject({ status: 201, value: { objectId: 'SN_2026_x' } })
    expect(await cloud.objects.inCone({ raDeg: 10, decDeg: -30, radiusDeg: 0.1 })).toEqual([
      { name: 'SN_2026_x', raDeg: 10, decDeg: -30 },
    ])
  })

  test('gives an address to put a frame to', async () => {
    expect((await ask('POST', '/api/inbox', { key: 'north/a.fits' })).value).toEqual({
      url: 'https://inbox/north/a.fits?signed',
    })
  })

  test('shows the pages', async () => {
    expect(await ask('GET', '/')).toMatchObject({ status: 200, text: '<h1>Nights</h1>' })
    expect(await ask('GET', '/nothing.js')).toMatchObject({ status: 404 })
  })

  test.each([
    ['GET', '/api/frames', undefined, 400],
    ['GET', `/api/frames/${'0'.repeat(64)}`, undefined, 404],
    ['GET', '/api/objects/nobody', undefined, 404],
    ['GET', '/api/objects/AT_2026abc/lightcurve?format=toString', undefined, 400],
    ['GET', `/api/products/${'0'.repeat(64)}/preview.png`, undefined, 404],
    ['GET', `/api/products/${'0'.repeat(64)}/..%2F..%2Fetc`, undefined, 400],
    ['GET', '/..%2F..%2Fetc%2Fpasswd', undefined, 400],
    ['GET', '/%E0%A4%A', undefined, 400],
    ['GET', '/api/nothing', undefined, 404],
    ['POST', '/api/targets', undefined, 400],
    ['POST', '/api/targets', { name: 'x', raDeg: 400, decDeg: 0 }, 400],
    ['POST', '/api/targets', { name: '///', raDeg: 4, decDeg: 0 }, 400],
    ['POST', '/api/inbox', { key: '../other' }, 400],
    ['DELETE', '/api/nights', undefined, 405],
  ])('%s %s is refused in words', async (method, path, body, status) => {
    const refused = await ask(method, path, body)
    expect(refused.status).toBe(status)
    expect(refused.value.error).toMatch(/\w+ \w+/)
  })
})
