import { z } from 'zod'
import { CameraFrame } from '#events/camera.ts'
import { Point } from '#events/point.ts'
import type { Outcome, RecordInput, RecordOutput } from '#events/stages.ts'
import { noticeOf } from '#shared/alert/notice.ts'
import type { Notices } from '#shared/alert/publish.ts'
import { CpcsError } from '#shared/errors.ts'
import type { Cameras } from '#shared/lightcurve/cameras.ts'
import { type Frames, secondsPerStage } from '#shared/lightcurve/frames.ts'
import type { Objects } from '#shared/lightcurve/objects.ts'
import type { Points } from '#shared/lightcurve/points.ts'
import { finishedReport } from '#shared/lightcurve/report.ts'
import type { Log, ObjectStore } from '#shared/store.ts'

export interface RecordDeps {
  store: ObjectStore
  points: Points
  objects: Objects
  cameras: Cameras
  frames: Frames
  notices: Notices
  log: Log
  execution: string
  /** The time now, ISO 8601 UTC. */
  now: () => string
}

/**
 * Write the points of a frame into the light curves and what it tells of its camera into the camera's memory, tell
 * subscribers of the new points, and bring the frame to its end.
 *
 * Each point is put once, on condition that it is not there; the execution that put it tells of it and marks it told.
 * A repetition after a crash tells of the points that it finds untold. What remains: a crash between a publication and
 * its mark makes a second notice, with the same id. It is told twice rather than never.
 *
 * @throws {CpcsError} ObjectMissing, StoreUnavailable, TableUnavailable, NoticeUndelivered; ContractBroken where the
 * points are not as their contract says
 */
export async function record(input: RecordInput, deps: RecordDeps): Promise<RecordOutput> {
  const { store, frames, log, execution, now } = deps
  const points = await readJson(store, input.points, z.array(Point))

  let mine = 0
  for (const point of points) if (await recordPoint({ ...point, execution }, deps)) mine++

  if (input.camera) await deps.cameras.put(await readJson(store, input.camera, CameraFrame))
  const outcome: Outcome = points.length > 0 && mine === 0 ? 'duplicate' : input.outcome
  if (outcome !== 'duplicate') await writeReport(input, deps)
  const result = { outcome, points: points.length, newPoints: mine }
  const reason = outcome === 'duplicate' ? 'Another run of the same bytes had recorded its points before.' : undefined
  await frames.ended(input, execution, now(), { ...result, stage: 'record', reason })
  log.info('recorded', result)
  return { frameId: input.frameId, ...result }
}

/**
 * Put one point, keep the latest one with its object, tell of it.
 *
 * @returns whether the point is this execution's own
 */
async function recordPoint(point: Point, { points, objects, notices, frames, log, execution, now }: RecordDeps) {
  const isNew = await points.put(point)
  const row = isNew ? undefined : await points.get(point)
  if (row && row.execution !== execution) {
    const owner =
      row.notice === 'pending' ? await frames.run(row.frameId, row.execution, row.pipelineVersion) : undefined
    const orphaned = owner?.outcome === 'failed' && (await points.takeOver(row, execution))
    if (!orphaned) return false
    log.warn('took over a point whose execution failed before it could tell', { pointId: row.pointId })
  }

  await objects.seen(point, now())
  if (row?.notice === 'published') return true
  const type = (await points.supersedes(point)) ? 'update' : 'initial'
  await notices.publish(noticeOf(point, now(), type))
  await points.told(point)
  return true
}

async function readJson<T>(store: ObjectStore, key: string, contract: z.ZodType<T>): Promise<T> {
  const text = new TextDecoder().decode(await store.get(key))
  const parsed = contract.safeParse(JSON.parse(text))
  if (parsed.success) return parsed.data
  throw new CpcsError('ContractBroken', { side: 'input', found: z.prettifyError(parsed.error) })
}

async function writeReport(input: RecordInput, { store, frames, execution }: RecordDeps): Promise<void> {
  const run = await frames.run(input.frameId, execution)
  const report = await finishedReport(input, store, secondsPerStage(run ?? {}))
  const bytes = new TextEncoder().encode(JSON.stringify(report, null, 2))
  await store.put(`${input.products}/report.json`, bytes, { contentType: 'application/json' })
}
