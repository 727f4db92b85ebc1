import type { Point } from '#events/point.ts'
import { isNewerVersion } from '#shared/version.ts'
import type { Key, Table } from './table.ts'

/** A point in the table, with what became of its notice. */
export type PointRow = Point & { notice: 'pending' | 'published' }

/**
 * The points of light curves. A point is written once and never changes; what changes is whether it was told. A frame
 * measured again by another version of the pipeline adds a point beside the old one, and readers are shown that of the
 * newest version.
 */
export class Points {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  /**
   * Write a point that is not there yet in its version, its notice still to be sent.
   *
   * @returns whether it was new
   */
  async put(point: Point): Promise<boolean> {
    if (await this.#write(keyOf(point), point)) return true
    const standing = await this.#table.get<PointRow>(keyOf(point))
    if (!standing || standing.pipelineVersion === point.pipelineVersion) return false
    return this.#write(versionKeyOf(point), point)
  }

  /** The point as it stands in the table in its version, or undefined. */
  async get(point: Point): Promise<PointRow | undefined> {
    return (await this.#find(point))?.row
  }

  /**
   * Make an execution the one that tells of a point, in place of one that died before it could.
   *
   * @returns false where the notice went out, or another took over, in the meantime
   */
  async takeOver(point: PointRow, execution: string): Promise<boolean> {
    const found = await this.#find(point)
    if (!found) return false
    return this.#table.update(found.key, { execution }, { where: { notice: 'pending', execution: point.execution } })
  }

  /** The notice of a point went out. */
  async told(point: Point): Promise<void> {
    const found = await this.#find(point)
    if (found) await this.#table.update(found.key, { notice: 'published' }, { where: { notice: 'pending' } })
  }

  /** The light curve of an object by time, all bands, each frame as its newest version measured it. */
  async ofObject(objectId: string): Promise<PointRow[]> {
    return newestVersions(await this.allVersions(objectId))
  }

  /** The light curve with every version of every point: what stood there before is never lost. */
  async allVersions(objectId: string): Promise<PointRow[]> {
    return this.#table.query<PointRow>(`OBJ#${objectId}`, { prefix: 'LC#' })
  }

  /** Points of an object within so many days of a time, each frame as its newest version measured it. */
  async around(objectId: string, mjdUtc: number, days: number): Promise<PointRow[]> {
    const wanted: Promise<PointRow[]>[] = []
    for (let day = Math.floor(mjdUtc - days); day <= mjdUtc + days; day++)
      wanted.push(this.#table.query<PointRow>(`OBJ#${objectId}`, { prefix: `LC#${String(day).padStart(5, '0')}.` }))
    const points = (await Promise.all(wanted)).flat()
    return newestVersions(points.filter(point => Math.abs(point.mjdUtcMid - mjdUtc) <= days))
  }

  /** Whether the same frame has a point of this object by an older version, which the point then supersedes. */
  async supersedes(point: Point): Promise<boolean> {
    const day = Math.floor(point.mjdUtcMid)
    const rows = await this.#table.query<PointRow>(`OBJ#${point.objectId}`, {
      prefix: `LC#${String(day).padStart(5, '0')}.`,
    })
    return rows.some(row => row.frameId === point.frameId && isNewerVersion(point.pipelineVersion, row.pipelineVersion))
  }

  #write(key: Key, point: Point): Promise<boolean> {
    return this.#table.putIfAbsent({ ...key, ...point, notice: 'pending' })
  }

  async #find(point: Point): Promise<{ key: Key; row: PointRow } | undefined> {
    for (const key of [keyOf(point), versionKeyOf(point)]) {
      const row = await this.#table.get<PointRow>(key)
      if (row?.pipelineVersion === point.pipelineVersion) return { key, row }
    }
    return undefined
  }
}

/** Of each frame's points the newest version, which may be in another band than an older one. */
function newestVersions(points: PointRow[]): PointRow[] {
  const newest = new Map<string, string>()
  for (const { frameId, pipelineVersion } of points) {
    const known = newest.get(frameId)
    if (known === undefined || isNewerVersion(pipelineVersion, known)) newest.set(frameId, pipelineVersion)
  }
  return points.filter(({ frameId, pipelineVersion }) => newest.get(frameId) === pipelineVersion)
}

/** The key of a point: sorted by time, then band; padded so that text sorts as numbers do. */
function keyOf({ objectId, mjdUtcMid, band, frameId }: Point): Key {
  return { pk: `OBJ#${objectId}`, sk: `LC#${mjdUtcMid.toFixed(8).padStart(14, '0')}#${band}#${frameId}` }
}

/** The key of a further version of a point. */
function versionKeyOf(point: Point): Key {
  const { pk, sk } = keyOf(point)
  return { pk, sk: `${sk}#${point.pipelineVersion}` }
}
