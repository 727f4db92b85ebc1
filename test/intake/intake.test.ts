import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FrameReceived } from '#events/stages.ts'
import { arrivalsIn } from '#functions/intake/arrivals.ts'
import { executionName, nightOf, takeIn, telescopeOf } from '#functions/intake/intake.ts'
import { silent } from '#shared/store.ts'
import { type Emulated, example, startEmulated } from '../lightcurve/emulated.ts'

let cloud: Emulated
beforeAll(async () => {
  cloud = await startEmulated()
})
afterAll(() => cloud.stop())

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** An inbox of texts and a machine that remembers names, as Step Functions does. */
function inbox(objects: Record<string, string>) {
  const started = new Map<string, FrameReceived>()
  const deps = {
    digest: async (key: string) =>
      key in objects ? { sha256: sha256(objects[key]), version: sha256(objects[key]).slice(0, 8) } : undefined,
    start: async (execution: string, frame: FrameReceived) => {
      if (started.has(execution)) return 'there already' as const
      started.set(execution, frame)
      return 'started' as const
    },
    frames: cloud.frames,
    log: silent,
  }
  return { started, deps }
}

describe('a message of the inbox', () => {
  test('has its keys decoded: blanks, brackets and plus signs are what they were', () => {
    expect(arrivalsIn(JSON.stringify(example('s3-notification')))).toEqual([
      {
        bucket: 'inbox',
        key: 'north/first light (r)+1.fits',
        at: '2026-03-02T02:14:31.204Z',
        version: 'd41d8cd98f00b204e9800998ecf8427e',
      },
    ])
  })

  test('that S3 sends to try the queue is nothing to take in', () => {
    const body = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2026-03-01T00:00:00.000Z', Bucket: 'inbox' }
    expect(arrivalsIn(JSON.stringify(body))).toEqual([])
  })

  test.each(['', 'hello', '{}', '{"Records":[{"s3":{}}]}'])('that is no notification is refused: %s', body => {
    expect(() => arrivalsIn(body)).toThrow()
  })
})

describe('taking in', () => {
  const arrival = { bucket: 'inbox', key: 'north/a.fits', at: '2026-03-02T02:14:31.204Z' }

  test('starts the machine with the identity of the bytes, and with nothing that differs from try to try', async () => {
    const { started, deps } = inbox({ 'north/a.fits': 'pixels' })
    await takeIn(arrival, deps)
    const [[name, frame]] = started
    expect(name).toMatch(/^north-20260301-[0-9a-f]{32}$/)
    expect(frame).toEqual({
      frameId: sha256('pixels'),
      raw: { bucket: 'inbox', key: 'north/a.fits' },
      telescope: 'north',
      night: '20260301',
    })
    expect(await cloud.frames.run(frame.frameId, name)).toMatchObject({ status: 'received', receivedAt: arrival.at })
  })

  test('the same message three times starts it once', async () => {
    const { started, deps } = inbox({ 'north/a.fits': 'thrice' })
    for (let i = 0; i < 3; i++) await takeIn({ ...arrival, at: `2026-03-02T02:14:3${i}.000Z` }, deps)
    expect(started.size).toBe(1)
  })

  test('other bytes under the same key, or the same bytes under another, are another run', async () => {
    const objects: Record<string, string> = { 'north/a.fits': 'one', 'south/b.fits': 'one' }
    const { started, deps } = inbox(objects)
    await takeIn(arrival, deps)
    await takeIn({ ...arrival, key: 'south/b.fits' }, deps)
    objects['north/a.fits'] = 'two'
    await takeIn(arrival, deps)
    expect([...started.values()].map(frame => frame.telescope)).toEqual(['north', 'south', 'north'])
    expect(new Set([...started.values()].map(frame => frame.frameId)).size).toBe(2)
  })

  test('a file that was deleted meanwhile has an outcome all the same', async () => {
    const { started, deps } = inbox({})
    await takeIn({ ...arrival, key: 'west/gone.fits' }, deps)
    expect(started.size).toBe(0)
    expect(await cloud.frames.ofNight('20260301', 'west')).toMatchObject([
      { outcome: 'rejected', stage: 'intake', error: 'ObjectMissing', raw: { key: 'west/gone.fits' } },
    ])
  })
})

test.each([
  ['north/2026/a.fits', 'north'],
  ['a.fits', 'unknown'],
  ['/a.fits', 'unknown'],
])('the telescope of %s is %s', (key, telescope) => expect(telescopeOf(key)).toBe(telescope))

test.each([
  ['2026-03-01T11:59:59.999Z', '20260228'],
  ['2026-03-01T12:00:00.000Z', '20260301'],
  ['2026-03-02T02:00:00.000Z', '20260301'],
  ['2028-03-01T03:00:00.000Z', '20280229'],
])('what comes at %s belongs to the night %s', (at, night) => expect(nightOf(at)).toBe(night))

test('a name is one that Step Functions takes, whatever the telescope is called', () => {
  for (const telescope of ['north', 'Đông / 望遠鏡 #1', 'x'.repeat(300), '']) {
    const name = executionName(telescope, '20260301', ['inbox', 'key', 'etag'])
    expect(name).toMatch(/^[A-Za-z0-9_-]{1,80}$/)
  }
})
