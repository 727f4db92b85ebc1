import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CameraFrame } from '#events/camera.ts'
import type { Point } from '#events/point.ts'
import type { CalibrateOutput } from '#events/stages.ts'
import { PIPELINE_VERSION } from '#shared/version.ts'
import { type Emulated, example, startEmulated } from './emulated.ts'

let cloud: Emulated
beforeAll(async () => {
  cloud = await startEmulated()
})
afterAll(() => cloud.stop())

const at = (minute: number) => `2026-03-01T20:${String(minute).padStart(2, '0')}:00.000Z`
const state = example<CalibrateOutput>('calibrate-output')

describe('the points of an object', () => {
  test('come back by time whatever the order they came in, each digit kept', async () => {
    const [point] = example<Point[]>('points')
    const times = [61100.84369213, 9999.5, 61100.84369212, 99999.25]
    for (const mjdUtcMid of times) await cloud.points.put({ ...point, mjdUtcMid })
    const rows = await cloud.points.ofObject(point.objectId)
    expect(rows.map(row => row.mjdUtcMid)).toEqual([9999.5, 61100.84369212, 61100.84369213, 99999.25])
    expect(rows[0]).toEqual({ ...point, mjdUtcMid: 9999.5, notice: 'pending' })
  })

  test('are written once: a second put changes nothing and says so', async () => {
    const point = { ...example<Point[]>('points')[0], objectId: 'once' }
    expect(await cloud.points.put(point)).toBe(true)
    expect(await cloud.points.put({ ...point, mag: 1, execution: 'other' })).toBe(false)
    expect(await cloud.points.get(point)).toMatchObject({ mag: point.mag, execution: point.execution })
  })

  test('stand in every version, and each version is written, told and taken over for itself', async () => {
    const first = { ...example<Point[]>('points')[0], objectId: 'versions', pipelineVersion: '0.9.0' }
    const later = { ...first, pipelineVersion: '0.10.0', mag: 17, execution: 'later' }
    for (const point of [later, first]) expect(await cloud.points.put(point)).toBe(true)
    expect(await cloud.points.put({ ...later, mag: 1 })).toBe(false)
    expect(await cloud.points.put({ ...first, mag: 1 })).toBe(false)

    await cloud.points.told(first)
    expect(await cloud.points.get(later)).toMatchObject({ mag: 17, notice: 'pending' })
    expect(await cloud.points.takeOver((await cloud.points.get(later))!, 'third')).toBe(true)
    expect(await cloud.points.get(first)).toMatchObject({ mag: first.mag, notice: 'published' })
    // 0.10 is later than 0.9, whichever came first
    expect(await cloud.points.ofObject('versions')).toMatchObject([{ mag: 17, execution: 'third' }])
    expect(await cloud.points.allVersions('versions')).toHaveLength(2)
    expect(await cloud.points.supersedes(later)).toBe(true)
    expect(await cloud.points.supersedes(first)).toBe(false)
  })

  test('are found around a time, across midnight, and none farther away', async () => {
    const point = { ...example<Point[]>('points')[0], objectId: 'around' }
    for (const mjdUtcMid of [61098.9, 61099.9, 61100.2, 61103.1])
      await cloud.points.put({ ...point, mjdUtcMid, frameId: `${Math.round(mjdUtcMid * 10)}`.padStart(64, '0') })
    const found = await cloud.points.around('around', 61100.1, 1)
    expect(found.map(({ mjdUtcMid }) => mjdUtcMid)).toEqual([61099.9, 61100.2])
  })
})

describe('the objects', () => {
  test('are found in a cone: over the pole, across 0 hours, and no others', async () => {
    const places: [string, number, number][] = [
      ['at pole', 17, 89.98],
      ['beyond the pole', 197, 89.99],
      ['east of 0h', 0.05, -10],
      ['west of 0h', 359.95, -10],
      ['far', 12, -10],
    ]
    for (const [i, [name, raDeg, decDeg]] of places.entries())
      await cloud.objects.register({ name, raDeg, decDeg }, at(i))
    const names = async (raDeg: number, decDeg: number, radiusDeg: number) =>
      (await cloud.objects.inCone({ raDeg, decDeg, radiusDeg })).map(target => target.name)
    expect(await names(100, 90, 0.05)).toEqual(['at_pole', 'beyond_the_pole'])
    expect(await names(0, -10, 0.1)).toEqual(['east_of_0h', 'west_of_0h'])
    expect(await names(0, -10, 0.01)).toEqual([])
    expect(await names(0, -10, 60)).toEqual(['east_of_0h', 'far', 'west_of_0h']) // too many cells to ask one by one
  })

  test('are candidates for a frame by the name in its header, however it is written, else the latest ones', async () => {
    await cloud.objects.register({ name: 'HAT-P-32', raDeg: 31.0427, decDeg: 46.6879 }, at(30))
    await cloud.objects.register({ name: 'AT 2026 abc', raDeg: 150, decDeg: 22 }, at(31))
    for (const written of ['HAT-P-32', 'hatp32', 'HAT_P_32 '])
      expect(await cloud.objects.candidates(written)).toEqual([{ name: 'HAT-P-32', raDeg: 31.0427, decDeg: 46.6879 }])
    expect((await cloud.objects.candidates('M 31')).slice(0, 2).map(target => target.name)).toEqual([
      'AT_2026_abc',
      'HAT-P-32',
    ])
    for (let i = 0; i < 12; i++) await cloud.objects.register({ name: `n${i}`, raDeg: i, decDeg: 0 }, at(40 + i))
    expect(await cloud.objects.candidates(null)).toHaveLength(10)
  })

  test('are not mixed up where their names differ in punctuation alone', async () => {
    await cloud.objects.register({ name: 'SN a b', raDeg: 200, decDeg: 5 }, at(48))
    await expect(cloud.objects.register({ name: 'SN a_b', raDeg: 10, decDeg: 5 }, at(49))).rejects.toThrow(/"SN a b"/)
    expect(await cloud.objects.get('SN_a_b')).toMatchObject({ name: 'SN a b', raDeg: 200 })
  })

  test('move when they are registered again, and are listed once', async () => {
    await cloud.objects.register({ name: 'mover', raDeg: 80, decDeg: 5 }, at(50))
    await cloud.objects.register({ name: 'mover', raDeg: 90, decDeg: 5 }, at(51))
    expect(await cloud.objects.inCone({ raDeg: 80, decDeg: 5, radiusDeg: 0.1 })).toEqual([])
    expect(await cloud.objects.inCone({ raDeg: 90, decDeg: 5, radiusDeg: 0.1 })).toHaveLength(1)
    expect((await cloud.objects.list()).filter(row => row.name === 'mover')).toHaveLength(1)
  })

  test('show their latest point, not the one that came last', async () => {
    const point = { ...example<Point[]>('points')[0], objectId: 'latest' }
    await cloud.objects.register({ name: 'latest', raDeg: 1, decDeg: 1 }, at(52))
    for (const [mjdUtcMid, mag] of [
      [61100, 17],
      [61102, 16],
      [61101, 18],
    ])
      await cloud.objects.seen({ ...point, mjdUtcMid, mag }, at(53))
    expect(await cloud.objects.get('latest')).toMatchObject({ raDeg: 1, last: { mjdUtcMid: 61102, mag: 16 } })
  })
})

describe('the row of a frame', () => {
  const frame = { ...example<CalibrateOutput>('frame-received'), frameId: 'c'.repeat(64), night: '20260228' }

  test('follows the frame from stage to stage', async () => {
    await cloud.frames.received(frame, 'north-1', at(1))
    expect(await cloud.frames.run(frame.frameId, 'north-1')).toEqual({
      ...frame,
      execution: 'north-1',
      pipelineVersion: PIPELINE_VERSION,
      status: 'received',
      receivedAt: at(1),
    })
    await cloud.frames.entered(frame, 'north-1', 'standardise', at(2))
    expect(await cloud.frames.run(frame.frameId, 'north-1')).toMatchObject({ status: 'received', stage: 'standardise' })
    await cloud.frames.passed({ ...state, ...frame }, 'north-1', 'calibrate', at(3), 1.5)
    expect(await cloud.frames.run(frame.frameId, 'north-1')).toMatchObject({
      status: 'calibrated',
      calibrateSeconds: 1.5,
      receivedAt: at(1),
      summary: { filterName: "r'", stars: 803, wcs: { matchedStars: 214 }, calibration: { zeroPoint: 23.4127 } },
    })
  })

  test('taken in again by a second delivery of the same message, it stays where it is', async () => {
    await cloud.frames.received(frame, 'north-1', at(9))
    expect(await cloud.frames.run(frame.frameId, 'north-1')).toMatchObject({ status: 'calibrated', receivedAt: at(1) })
  })

  test('is listed by night and telescope, and the night among the nights', async () => {
    await cloud.frames.received({ ...frame, frameId: 'd'.repeat(64), telescope: 'south' }, 'south-1', at(4))
    await cloud.frames.received({ ...frame, frameId: 'e'.repeat(64), night: '20260227' }, 'north-0', at(5))
    expect((await cloud.frames.ofNight('20260228')).map(row => row.telescope)).toEqual(['north', 'south'])
    expect(await cloud.frames.ofNight('20260228', 'south')).toHaveLength(1)
    expect(await cloud.frames.nights()).toEqual([
      { night: '20260228', telescopes: ['north', 'south'] },
      { night: '20260227', telescopes: ['north'] },
    ])
  })

  test('is under way again, and no failure, when it is driven on', async () => {
    const failed = { ...frame, frameId: 'f'.repeat(64) }
    await cloud.frames.ended(failed, 'north-2', at(10), { outcome: 'failed', stage: 'solve', error: 'TypeError' })
    expect(await cloud.frames.failedIn('202603')).toHaveLength(1)
    await cloud.frames.entered(failed, 'north-2', 'solve', at(11))
    expect(await cloud.frames.failedIn('202603')).toEqual([])
    const row = await cloud.frames.run(failed.frameId, 'north-2')
    expect([row?.outcome, row?.error, row?.endedAt]).toEqual([undefined, undefined, undefined])
  })

  test('is the original of a duplicate only once it came to a measurement', async () => {
    expect(await cloud.frames.alreadyDone(frame.frameId, 'south-2')).toBeNull()
    await cloud.frames.ended(frame, 'north-1', at(6), { outcome: 'rejected', stage: 'solve', error: 'NoPatternMatch' })
    expect(await cloud.frames.alreadyDone(frame.frameId, 'south-2')).toBeNull()
    await cloud.frames.ended(frame, 'north-1', at(7), { outcome: 'limit', stage: 'record' })
    expect(await cloud.frames.alreadyDone(frame.frameId, 'south-2')).toBe('north-1')
    expect(await cloud.frames.alreadyDone(frame.frameId, 'north-1')).toBeNull()
  })
})

test('a table that does not answer is an error to be tried again', async () => {
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
  const { DynamoDBDocumentClient } = await import('@aws-sdk/lib-dynamodb')
  const { Table } = await import('#shared/lightcurve/table.ts')
  const nowhere = new DynamoDBClient({
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:9',
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    maxAttempts: 1,
  })
  const table = new Table(DynamoDBDocumentClient.from(nowhere), 'none')
  await expect(table.get({ pk: 'a', sk: 'b' })).rejects.toMatchObject({ name: 'TableUnavailable', policy: 'retry' })
})

describe('the memory of a camera', () => {
  test('is by time of exposure, each frame once per version, and a camera to itself', async () => {
    const frame = example<CameraFrame>('camera-frame')
    const other = { ...frame, frameId: 'ee'.repeat(32), mjdUtcMid: frame.mjdUtcMid - 3 }
    for (const each of [other, frame, frame]) await cloud.cameras.put(each)
    expect(await cloud.cameras.put({ ...frame, airmass: 9 })).toBe(false)
    await cloud.cameras.put({ ...frame, pipelineVersion: '9.0.0' })
    await cloud.cameras.put({ ...frame, filterName: 'V' })
    const known = await cloud.cameras.frames(frame, frame.mjdUtcMid)
    expect(known.map(({ frameId, pipelineVersion }) => [frameId, pipelineVersion])).toEqual([
      [other.frameId, frame.pipelineVersion],
      [frame.frameId, frame.pipelineVersion],
      [frame.frameId, '9.0.0'],
    ])
    expect(known[1]).toEqual(frame)
  })

  test('reaches back over many nights, and to the time of an old frame, of a camera that takes many frames a night', async () => {
    const frame = { ...example<CameraFrame>('camera-frame'), telescope: 'busy' }
    const [nights, perNight] = [15, 20]
    const frames = Array.from({ length: nights * perNight }, (_, i): CameraFrame => {
      const mjdUtcMid = 60_700 + Math.floor(i / perNight) + 0.1 + 0.01 * (i % perNight)
      return { ...frame, frameId: i.toString(16).padStart(64, '0'), mjdUtcMid }
    })
    await Promise.all(frames.map(each => cloud.cameras.put(each)))
    const nightsAround = async (mjdUtcMid: number) =>
      new Set((await cloud.cameras.frames(frame, mjdUtcMid)).map(known => Math.floor(known.mjdUtcMid))).size
    expect(await nightsAround(60_715.2)).toBe(nights)
    expect(await nightsAround(60_690)).toBe(nights)
    // the frames nearest in time are always among them
    const near = await cloud.cameras.frames(frame, frames[150].mjdUtcMid)
    for (const i of [148, 149, 151, 152]) expect(near).toContainEqual(frames[i])
  })
})
