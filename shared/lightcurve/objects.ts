import { isMeasured, type Point } from '#events/point.ts'
import type { Target } from '#events/stages.ts'
import type { Cone } from '#shared/catalogue/reference.ts'
import { objectIdOf } from '#shared/object-id.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { healpixCell, healpixCone } from '#shared/sky/healpix.ts'
import type { Table } from './table.ts'
import type { TargetRegistry } from './targets.ts'

/** Cells of the index by place are 0.9 degrees wide: a frame touches a few. */
const CELL_ORDER = 6
/** Beyond so many cells reading all objects is cheaper. */
const MANY_CELLS = 64
/** A frame that does not say where it points is tried at no more places than this. */
const MOST_CANDIDATES = 10

/** An object that somebody asked to follow. */
export interface ObjectRow {
  objectId: string
  /** Its name as it was given. */
  name: string
  raDeg: number
  decDeg: number
  registeredAt: string
  /** The latest point with a flux. */
  last?: Pick<Point, 'mjdUtcMid' | 'band' | 'mag' | 'magErr' | 'detected' | 'limit5Sigma'>
  lastMjd?: number
}

/** Two names that differ only in blanks or punctuation would be one object. */
export class NameTaken extends Error {
  override name = 'NameTaken'

  constructor(wanted: string, present: string) {
    super(`"${wanted}" cannot be told apart from "${present}", which is registered: name it otherwise.`)
  }
}

/** The objects of the table; for the stages, the registry of targets. */
export class Objects implements TargetRegistry {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  /**
   * Follow an object from now on. Named again, it moves to the new position.
   *
   * @param at time of the registration, ISO 8601 UTC
   * @returns its identity
   * @throws {NameTaken} another name with the same identity is registered
   */
  async register({ name, raDeg, decDeg }: Target, at: string): Promise<string> {
    const objectId = objectIdOf(name)
    const before = await this.get(objectId)
    if (before && before.name !== name && before.name !== objectId) throw new NameTaken(name, before.name)
    await this.#table.update(
      metaOf(objectId),
      { name, raDeg, decDeg, ...places(objectId, raDeg, decDeg), registeredAt: at, listingsk: at },
      { initially: { objectId, listingpk: 'OBJECTS' } },
    )
    return objectId
  }

  /**
   * Keep the latest point with the object; a point of the past or without a flux changes nothing, and neither does a
   * repetition. An object that was never registered (its point came from the command line's targets) is made.
   */
  async seen(point: Point, at: string): Promise<void> {
    const { objectId, raDeg, decDeg, mjdUtcMid, band, mag, magErr, detected, limit5Sigma } = point
    const registered = {
      objectId,
      name: objectId,
      raDeg,
      decDeg,
      registeredAt: at,
      listingpk: 'OBJECTS',
      listingsk: at,
    }
    const key = metaOf(objectId)
    await this.#table.update(key, {}, { initially: { ...registered, ...places(objectId, raDeg, decDeg) } })
    if (!isMeasured(point)) return
    const last = { mjdUtcMid, band, mag, magErr, detected, limit5Sigma }
    await this.#table.update(key, { last, lastMjd: mjdUtcMid }, { unlessAbove: { lastMjd: mjdUtcMid } })
  }

  /** One object, or undefined. */
  async get(objectId: string): Promise<ObjectRow | undefined> {
    return this.#table.get<ObjectRow>(metaOf(objectId))
  }

  /** All objects, most recently registered first. */
  async list(): Promise<ObjectRow[]> {
    return this.#table.query<ObjectRow>('OBJECTS', { index: 'listing', newestFirst: true })
  }

  async inCone(cone: Cone): Promise<Target[]> {
    const cells = healpixCone(CELL_ORDER, cone)
    const rows =
      cells.length > MANY_CELLS
        ? await this.list()
        : (await Promise.all(cells.map(cell => this.#table.query<ObjectRow>(`CELL#${cell}`, { index: 'cell' })))).flat()
    return rows
      .filter(row => separationDeg(row.raDeg, row.decDeg, cone.raDeg, cone.decDeg) <= cone.radiusDeg)
      .map(targetOf)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async candidates(objectName: string | null): Promise<Target[]> {
    const rows = await this.list()
    const named = objectName === null ? [] : rows.filter(row => sameName(row, objectName))
    return (named.length > 0 ? named : rows).slice(0, MOST_CANDIDATES).map(targetOf)
  }
}

/** Stages know an object by its identity, so that points carry it whatever it is called on the pages. */
function targetOf({ objectId, raDeg, decDeg }: ObjectRow): Target {
  return { name: objectId, raDeg, decDeg }
}

function sameName({ objectId, name }: ObjectRow, other: string): boolean {
  return plain(objectId) === plain(other) || plain(name) === plain(other)
}

/** Camera programs write names in their own way: 'HAT-P-32', 'hatp32', 'HAT_P_32'. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}+]/gu, '')
}

function metaOf(objectId: string) {
  return { pk: `OBJ#${objectId}`, sk: 'META' }
}

function places(objectId: string, raDeg: number, decDeg: number) {
  return { cellpk: `CELL#${healpixCell(CELL_ORDER, raDeg, decDeg)}`, cellsk: objectId }
}
