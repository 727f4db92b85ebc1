import type { Point } from '#events/point.ts'
import type { Key, Table } from './table.ts'

/** A point in the table, with what became of its notice. */
export type PointRow = Point & { notice: 'pending' | 'published' }

/** The points of light curves. A point is written once and never changes; what changes is whether it was told. */
export class Points {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  /** Write a point that is not there yet, its notice still to be sent. @returns whether it was new */
  async put(point: Point): Promise<boolean> {
    return this.#table.putIfAbsent({ ...keyOf(point), ...point, notice: 'pending' })
  }

  /** The point as it stands in the table, or undefined. */
  async get(point: Point): Promise<PointRow | undefined> {
    return this.#table.get<PointRow>(keyOf(point))
  }

  /**
   * Make an execution the one that tells of a point, in place of one that died before it could.
   *
   * @returns false where the notice went out, or another took over, in the meantime
   */
  async takeOver(point: PointRow, execution: string): Promise<boolean> {
    return this.#table.update(keyOf(point), { execution }, { where: { notice: 'pending', execution: point.execution } })
  }

  /** The notice of a point went out. */
  async told(point: Point): Promise<void> {
    await this.#table.update(keyOf(point), { notice: 'published' }, { where: { notice: 'pending' } })
  }

  /** The light curve of an object by time, all bands. */
  async ofObject(objectId: string): Promise<PointRow[]> {
    return this.#table.query<PointRow>(`OBJ#${objectId}`, { prefix: 'LC#' })
  }
}

/** The key of a point: sorted by time, then band; padded so that text sorts as numbers do. */
function keyOf({ objectId, mjdUtcMid, band, frameId }: Point): Key {
  return { pk: `OBJ#${objectId}`, sk: `LC#${mjdUtcMid.toFixed(8).padStart(14, '0')}#${band}#${frameId}` }
}
