import type { Point } from '#events/point.ts'
import type { Target } from '#events/stages.ts'
import type { Cloud } from '#local/cloud/cloud.ts'
import { S3Store } from '#shared/aws/s3-store.ts'
import { type ImportSummary, importStars, readPublished } from '#shared/catalogue/import.ts'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import { FolderStore } from '#shared/folder-store.ts'
import type { FrameRow } from '#shared/lightcurve/frames.ts'

/** A point as the light curve's JSON has it. */
export type CurvePoint = Pick<
  Point,
  | 'mjdUtcMid'
  | 'telescope'
  | 'band'
  | 'survey'
  | 'detected'
  | 'mag'
  | 'magErr'
  | 'limit3Sigma'
  | 'limit5Sigma'
  | 'frameId'
>

/** Ask the service to follow a target. */
export async function follow(cloud: Cloud, target: Target): Promise<string> {
  const answer = await fetch(`${cloud.url}/api/targets`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(target),
  })
  if (!answer.ok) throw new Error(`The target was not taken: ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { objectId: string }).objectId
}

/** The light curve of an object, by time. */
export async function lightCurve(cloud: Cloud, objectId: string): Promise<CurvePoint[]> {
  const answer = await fetch(`${cloud.url}/api/objects/${encodeURIComponent(objectId)}`)
  if (!answer.ok) throw new Error(`The light curve was not answered: ${answer.status}`)
  const { points } = (await answer.json()) as { points: Record<string, never[]> }
  return points.mjd_utc.map((mjdUtcMid, i) => ({
    mjdUtcMid,
    telescope: points.telescope[i],
    band: points.band[i],
    survey: points.survey[i],
    detected: points.detected[i],
    mag: points.mag[i],
    magErr: points.mag_err[i],
    limit3Sigma: points.limit_3_sigma[i],
    limit5Sigma: points.limit_5_sigma[i],
    frameId: points.frame[i],
  }))
}

/** The points that a frame gave. */
export async function pointsOf(cloud: Cloud, { frameId, outcome }: FrameRow): Promise<Point[]> {
  if (outcome !== 'calibrated' && outcome !== 'limit') return []
  const answer = await fetch(`${cloud.url}/api/products/${frameId}/points.json`)
  return answer.ok ? ((await answer.json()) as Point[]) : []
}

/** Import a table as published into the tiles bucket. */
export async function importTable(cloud: Cloud, survey: SurveyId, table: string): Promise<ImportSummary> {
  const stars = await readPublished(new TextEncoder().encode(table), survey)
  return importStars(new S3Store(cloud.outputs.TilesBucket, cloud.clients.s3), '', stars)
}

/** Copy catalogues from a folder, as `cpcs tiles import` makes them, into the tiles bucket. @returns how many files */
export async function copyTiles(cloud: Cloud, directory: string): Promise<number> {
  const folder = new FolderStore(directory)
  const bucket = new S3Store(cloud.outputs.TilesBucket, cloud.clients.s3)
  const keys = await folder.list('')
  for (const key of keys) await bucket.put(key, await folder.get(key))
  return keys.length
}
