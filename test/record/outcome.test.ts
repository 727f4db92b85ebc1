import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FrameEnded } from '#events/stages.ts'
import { reasonOf, recordOutcome } from '#functions/record/outcome.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { silent } from '#shared/store.ts'
import { type Emulated, example, startEmulated } from '../lightcurve/emulated.ts'

const NOW = '2026-03-01T20:17:02.318Z'
let cloud: Emulated
beforeAll(async () => {
  cloud = await startEmulated()
})
afterAll(() => cloud.stop())

const caught = (name: string, message: string) =>
  JSON.stringify({ Error: name, Cause: JSON.stringify({ errorType: name, errorMessage: message, trace: [] }) })

function endOf(title: string, change: Partial<FrameEnded> = {}): FrameEnded {
  const ended = example<FrameEnded>('frame-ended')
  const frameId = Buffer.from(title.padEnd(32)).toString('hex').slice(0, 64)
  return { ...ended, frame: { ...example<FrameEnded['frame']>('frame-received'), frameId }, ...change }
}

function note(ended: FrameEnded, store = new MemoryStore(), execution = 'north-1') {
  return recordOutcome(ended, { store, frames: cloud.frames, log: silent, execution, now: () => NOW })
}

const reportOf = async (store: MemoryStore, { frame }: FrameEnded) =>
  JSON.parse(new TextDecoder().decode(await store.get(`products/${frame.frameId}/report.json`)))

describe('a frame that ends early', () => {
  test('has stage, error and sentence in its row and in its report', async () => {
    const store = new MemoryStore()
    const ended = endOf('clouds', { error: { name: 'TooFewStars', reason: caught('TooFewStars', 'Only 3 stars.') } })
    const output = await note(ended, store)
    const told = { outcome: 'rejected', stage: 'solve', error: 'TooFewStars', reason: 'Only 3 stars.' }
    expect(output.error).toEqual({ name: 'TooFewStars', reason: 'Only 3 stars.' })
    expect(await cloud.frames.run(ended.frame.frameId, 'north-1')).toMatchObject(told)
    expect(await reportOf(store, ended)).toMatchObject(told)
  })

  test('shows among the failures of the month when it failed, until it is driven on to a good end', async () => {
    const ended = endOf('defect', { outcome: 'failed', error: { name: 'TypeError', reason: 'x is undefined' } })
    await note(ended)
    expect(await cloud.frames.failedIn('202603')).toMatchObject([{ frameId: ended.frame.frameId, error: 'TypeError' }])
    await cloud.frames.ended(ended.frame, 'north-1', NOW, { outcome: 'calibrated', stage: 'record' })
    expect(await cloud.frames.failedIn('202603')).toEqual([])
    expect(await cloud.frames.run(ended.frame.frameId, 'north-1')).not.toHaveProperty('error')
  })

  test('leaves what an earlier run reported alone when it failed or is a duplicate', async () => {
    const store = new MemoryStore()
    const failed = endOf('earlier', { outcome: 'failed' })
    const earlier = new TextEncoder().encode('{"outcome":"calibrated"}')
    await store.put(`products/${failed.frame.frameId}/report.json`, earlier)
    await note(failed, store)
    await note({ ...failed, outcome: 'duplicate' }, store, 'south-2')
    expect(await reportOf(store, failed)).toEqual({ outcome: 'calibrated' })
    expect(await cloud.frames.run(failed.frame.frameId, 'south-2')).toMatchObject({ outcome: 'duplicate' })
  })

  test('has its outcome even where its execution was started by hand and no row was there', async () => {
    const ended = endOf('by hand')
    await note(ended)
    expect(await cloud.frames.ofNight(ended.frame.night, 'north')).toContainEqual(
      expect.objectContaining({ frameId: ended.frame.frameId, status: 'received', outcome: 'rejected' }),
    )
  })
})

test.each([
  [caught('NotFits', 'The file is not FITS.'), 'The file is not FITS.'],
  [JSON.stringify({ Error: 'NotFits', Cause: 'The file is not FITS.' }), 'The file is not FITS.'],
  [JSON.stringify({ errorType: 'NotFits', errorMessage: 'The file is not FITS.' }), 'The file is not FITS.'],
  ['The file is not FITS.', 'The file is not FITS.'],
  [JSON.stringify({ Error: 'States.Timeout' }), 'The stage did not end in time.'],
  [JSON.stringify({ Error: 'States.Timeout', Cause: '' }), 'The stage did not end in time.'],
  [JSON.stringify({ Error: 'Runtime.ExitError', Cause: '' }), 'Runtime.ExitError, and nothing more is known.'],
  [JSON.stringify({ Error: 'X', Cause: '[1' }), '[1'],
])('the sentence in %s is %s', (text, sentence) => expect(reasonOf(text)).toBe(sentence))
