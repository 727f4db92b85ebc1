import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CameraFrame } from '#events/camera.ts'
import type { Point } from '#events/point.ts'
import { type RecordInput, Report } from '#events/stages.ts'
import { record } from '#functions/record/record.ts'
import type { Notices } from '#shared/alert/publish.ts'
import { CpcsError } from '#shared/errors.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { silent } from '#shared/store.ts'
import { type Emulated, example, startEmulated } from '../lightcurve/emulated.ts'

const NOW = '2026-03-01T20:17:02.318Z'
let cloud: Emulated
beforeAll(async () => {
  cloud = await startEmulated()
})
afterAll(() => cloud.stop())

/** A frame with two points of objects of its own, its products in memory. */
async function frameWithPoints(title: string) {
  const frameId = Buffer.from(title.padEnd(32)).toString('hex').slice(0, 64)
  const points = example<Point[]>('points').map(point => ({
    ...point,
    frameId,
    objectId: `${point.objectId}-${title}`,
    pointId: `${point.objectId}-${title}-r`,
  }))
  const products = `products/${frameId}`
  const input: RecordInput = { ...example<RecordInput>('calibrate-output'), frameId, products }
  Object.assign(input, { points: `${products}/points.json`, calibrationReport: `${products}/calibration.json` })
  const camera = { ...example<CameraFrame>('camera-frame'), frameId, telescope: title }
  input.camera = `${products}/camera.json`
  const store = new MemoryStore()
  const keep = (key: string, value: unknown) => store.put(key, new TextEncoder().encode(JSON.stringify(value)))
  await keep(input.points, points)
  await keep(input.camera, camera)
  await keep(input.calibrationReport, { candidates: [input.calibration.chosen] })
  await keep(`${products}/frame.json`, { provenance: example<Report>('report').provenance })

  const run = (execution: string, notices: Notices = cloud.notices) => {
    const { frames, objects, points, cameras } = cloud
    return record(input, { store, frames, objects, points, cameras, notices, log: silent, execution, now: () => NOW })
  }
  const read = async (key: string) => JSON.parse(new TextDecoder().decode(await store.get(`${products}/${key}`)))
  return { input, points, camera, run, read, keep, ids: points.map(point => point.pointId).sort() }
}

const idsOf = (told: { notice: { id: string } }[]) => told.map(({ notice }) => notice.id).sort()

describe('recording a frame', () => {
  test('makes a point, an object and one notice of each result, and brings the frame to its end', async () => {
    const { run, points, read, input, ids } = await frameWithPoints('plain')
    expect(await run('north-1')).toEqual({ frameId: input.frameId, outcome: 'calibrated', points: 2, newPoints: 2 })

    const [row] = await cloud.points.ofObject(points[0].objectId)
    expect(row).toEqual({ ...points[0], execution: 'north-1', notice: 'published' })
    expect(await cloud.objects.get(points[0].objectId)).toMatchObject({ last: { mag: 17.4821 }, raDeg: 150.11341 })
    expect(await cloud.frames.run(input.frameId, 'north-1')).toMatchObject({ outcome: 'calibrated', newPoints: 2 })
    const report = Report.parse(await read('report.json'))
    expect(report.targets?.map(target => target.mag)).toEqual([17.4821, null])

    const told = await cloud.told()
    expect(idsOf(told)).toEqual(ids)
    expect(told.find(({ notice }) => notice.event_name.startsWith('AT2026abc'))?.attributes).toMatchObject({
      filter: { Type: 'String', Value: 'r' },
      mag: { Type: 'Number', Value: '17.48210' },
    })
  })

  test('a target without a flux gets its row, its notice with the reason, and no place among the results', async () => {
    const { run, points, read, input, keep } = await frameWithPoints('dead')
    const [seen, { flux: _, fluxErr: __, ...rest }] = points
    const reason = 'Too few pixels around x 101.0, y 201.0 can be used: no flux.'
    const dead: Point = { ...rest, flux: null, fluxErr: null, limit3Sigma: null, limit5Sigma: null, reason }
    await keep(input.points, [seen, dead])
    expect(await run('north-1')).toMatchObject({ outcome: 'calibrated', points: 2, newPoints: 2 })

    expect(await cloud.points.ofObject(dead.objectId)).toMatchObject([{ flux: null, reason, notice: 'published' }])
    expect(await cloud.objects.get(dead.objectId)).not.toHaveProperty('last')
    const told = (await cloud.told()).find(({ notice }) => notice.event_name === dead.objectId)
    expect(told?.notice).toMatchObject({ reason })
    const report = Report.parse(await read('report.json'))
    expect(report.targets?.map(target => target.name)).toEqual([seen.objectId])
  })

  test('done again by the same execution, says the same and tells nobody', async () => {
    const { run } = await frameWithPoints('again')
    const first = await run('north-1')
    await cloud.told()
    expect(await run('north-1')).toEqual(first)
    expect(await cloud.told()).toEqual([])
  })

  test('done by another execution on the same bytes, ends as a duplicate, and one point stays', async () => {
    const { run, points, input } = await frameWithPoints('twice')
    await run('north-1')
    await cloud.told()
    expect(await run('south-2')).toMatchObject({ outcome: 'duplicate', points: 2, newPoints: 0 })
    expect(await cloud.told()).toEqual([])
    expect(await cloud.points.ofObject(points[0].objectId)).toHaveLength(1)
    expect(await cloud.frames.alreadyDone(input.frameId, 'west-3')).toBe('north-1')
  })

  test('done by five executions at once, makes one point and one notice of each result', async () => {
    const { run, points, ids } = await frameWithPoints('crowd')
    const results = await Promise.all(['a-1', 'b-2', 'c-3', 'd-4', 'e-5'].map(execution => run(execution)))
    expect(results.reduce((sum, { newPoints }) => sum + newPoints, 0)).toBe(2)
    expect(idsOf(await cloud.told())).toEqual(ids)
    for (const { objectId } of points) expect(await cloud.points.ofObject(objectId)).toHaveLength(1)
  })

  test('tells, when tried again, of the points that it could not tell of before', async () => {
    const { run, ids } = await frameWithPoints('outage')
    let left = 1
    const failing: Notices = {
      async publish(notice) {
        if (left-- <= 0) throw new CpcsError('NoticeUndelivered', { cause: 'outage' })
        await cloud.notices.publish(notice)
      },
    }
    await expect(run('north-1', failing)).rejects.toMatchObject({ name: 'NoticeUndelivered' })
    expect(await run('north-1')).toMatchObject({ newPoints: 2 })
    expect(idsOf(await cloud.told())).toEqual(ids)
  })

  test('killed between a publication and its mark, tells twice under one id rather than never', async () => {
    const { run, ids } = await frameWithPoints('killed')
    const killed: Notices = {
      async publish(notice) {
        await cloud.notices.publish(notice)
        throw new Error('killed')
      },
    }
    await expect(run('north-1', killed)).rejects.toThrow('killed')
    await run('north-1')
    const told = idsOf(await cloud.told())
    expect(told).toHaveLength(3)
    expect([...new Set(told)]).toEqual(ids)
  })

  test('takes over the untold points of an execution that failed, but not of one that runs', async () => {
    const { run, input, ids } = await frameWithPoints('orphan')
    const silenced: Notices = {
      async publish() {
        throw new CpcsError('NoticeUndelivered', { cause: 'outage' })
      },
    }
    await expect(run('north-1', silenced)).rejects.toThrow()
    expect((await run('south-2')).newPoints).toBe(1) // the point that the first did not come to
    await cloud.frames.ended(input, 'north-1', NOW, { outcome: 'failed', stage: 'record' })
    const before = idsOf(await cloud.told())
    expect((await run('west-3')).newPoints).toBe(1)
    expect([...before, ...idsOf(await cloud.told())].sort()).toEqual(ids)
  })

  test('adds to the memory of its camera, once', async () => {
    const { run, camera } = await frameWithPoints('camera')
    await run('north-cam-1')
    await run('north-cam-2')
    expect(await cloud.cameras.frames(camera, camera.mjdUtcMid)).toEqual([camera])
  })

  test('a point of a newer version stands beside the old one, is what readers see, and is told of as an update', async () => {
    const { run, points, input } = await frameWithPoints('version')
    const [point] = points
    const old = { ...point, pipelineVersion: '0.0.9', band: 'V', mag: 16, execution: 'north-old' }
    expect(await cloud.points.put(old)).toBe(true)
    await cloud.told()

    expect(await run('north-new')).toMatchObject({ outcome: 'calibrated', newPoints: 2 })
    expect(await cloud.points.ofObject(point.objectId)).toMatchObject([{ mag: point.mag, band: 'r' }])
    const all = await cloud.points.allVersions(point.objectId)
    expect(all.map(row => row.pipelineVersion).sort()).toEqual(['0.0.9', point.pipelineVersion])
    expect(all.find(row => row.execution === 'north-old')).toMatchObject(old)
    const types = (await cloud.told()).map(({ notice }) => [notice.event_name, notice.alert_type])
    expect(types.sort()).toEqual([
      [`${point.objectId}`, 'update'],
      [`${points[1].objectId}`, 'initial'],
    ])
    expect(input.frameId).toBe(point.frameId)
  })
})
