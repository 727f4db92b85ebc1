import { createHash } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { S3Store } from '#shared/aws/s3-store.ts'
import { type Emulated, startEmulated } from '../lightcurve/emulated.ts'

let cloud: Emulated
let store: S3Store
beforeAll(async () => {
  cloud = await startEmulated()
  await cloud.s3.send(new CreateBucketCommand({ Bucket: 'products' }))
  store = new S3Store('products', cloud.s3)
})
afterAll(() => cloud.stop())

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251)

describe('a bucket as object store', () => {
  test('gives back what was put, whole and in ranges, under any key', async () => {
    const key = 'a folder/größe (1)+2.fits'
    expect(await store.put(key, bytes, { contentType: 'application/fits' })).toBe(true)
    expect(await store.get(key)).toEqual(bytes)
    expect(await store.range(key, 10, 20)).toEqual(bytes.slice(10, 20))
    expect(await store.range(key, 990, 2000)).toEqual(bytes.slice(990))
    expect(await store.range(key, 5000, 6000)).toHaveLength(0)
    expect(await store.range(key, 7, 7)).toHaveLength(0)
    expect(await store.size(key)).toBe(1000)
  })

  test('keeps what is there when it is asked to write only where nothing is', async () => {
    await store.put('once', bytes)
    expect(await store.put('once', new Uint8Array(1), { ifAbsent: true })).toBe(false)
    expect(await store.size('once')).toBe(1000)
    expect(await store.put('first', bytes, { ifAbsent: true })).toBe(true)
  })

  test('lists the keys with a prefix, sorted', async () => {
    for (const key of ['some/b', 'some/a', 'some/c/d', 'other/a']) await store.put(key, new Uint8Array(1))
    expect(await store.list('some/')).toEqual(['some/a', 'some/b', 'some/c/d'])
    expect(await store.list('none/')).toEqual([])
  })

  test('lists beyond one page', async () => {
    const pages = [{ Contents: [{ Key: 'b' }], NextContinuationToken: 'more' }, { Contents: [{ Key: 'a' }] }]
    const asked: unknown[] = []
    const client = {
      send: async ({ input }: { input: { ContinuationToken?: string } }) => {
        asked.push(input.ContinuationToken)
        return pages.shift()
      },
    }
    expect(await new S3Store('products', client as never).list('')).toEqual(['a', 'b'])
    expect(asked).toEqual([undefined, 'more'])
  })

  test('knows a file by its bytes', async () => {
    await store.put('file', bytes)
    expect((await store.digest('file'))?.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect(await store.digest('nothing')).toBeUndefined()
  })

  test('says that an object is missing, and has no size for it', async () => {
    expect(await store.size('nothing')).toBeUndefined()
    await expect(store.get('nothing')).rejects.toMatchObject({ name: 'ObjectMissing', policy: 'fail' })
  })

  test('that does not answer is an error to be tried again', async () => {
    const client = new S3Client({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:9',
      credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
      maxAttempts: 1,
    })
    const nowhere = new S3Store('products', client)
    const attempts = [
      () => nowhere.get('a'),
      () => nowhere.size('a'),
      () => nowhere.list('a'),
      () => nowhere.put('a', bytes),
    ]
    for (const attempt of attempts)
      await expect(attempt()).rejects.toMatchObject({ name: 'StoreUnavailable', policy: 'retry' })
  })
})
