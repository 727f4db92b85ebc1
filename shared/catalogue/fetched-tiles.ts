import { createHash } from 'node:crypto'
import { CpcsError } from '#shared/errors.ts'
import { healpixCentre, healpixCone, healpixOverlapsCone, healpixRadiusDeg } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'
import { cellOrder } from './cell-order.ts'
import type { FetchCell, FetchedCell } from './fetch-cell.ts'
import {
  encodePartitions,
  encodeProperties,
  leafKey,
  type Partition,
  parseProperties,
  partitionOf,
  readPartitions,
  textOf,
} from './hats.ts'
import type { HatsCatalogue } from './hats-catalogue.ts'
import { encodeParquet, openParquetObject, type ParquetFile } from './parquet.ts'
import type { Cone, SurveyId } from './reference.ts'
import { combineStars, takeStars, toParquetColumns } from './reference-columns.ts'
import { surveys } from './surveys/index.ts'

/** Order of the cells that are fetched, 0.9° wide: a telescope's field is a few. */
export const FETCH_ORDER = 6
const ROW_GROUP = 4096
/** Key of the record in the footer of a tile. */
const RECORD = 'cpcs_tile'

/** What a fetched tile says of itself. */
export interface TileRecord {
  survey: SurveyId
  service: string
  url: string
  query: string
  fetchedAt: string
  rows: number
}

/** Where the fetched tiles of a survey are: a HATS catalogue beside the imported one. */
export function fetchedPrefix(prefix: string, survey: SurveyId): string {
  return `${prefix}fetched/${survey}/`
}

/** Key of the tile of a cell. */
export function fetchedKey(prefix: string, survey: SurveyId, cell: number): string {
  return `${leafKey(fetchedPrefix(prefix, survey), { order: FETCH_ORDER, cell })}.parquet`
}

/** The fetched tiles of a survey as a catalogue to read leaves from, whatever its index says. */
export function fetchedCatalogue(prefix: string, survey: SurveyId): HatsCatalogue {
  const text = encodeProperties(survey, [])
  return { prefix: fetchedPrefix(prefix, survey), text, properties: parseProperties(text), partitions: [] }
}

/** Cells to fetch of a survey that a cone touches; those where the survey never looked are left out. */
export function cellsToFetch(survey: SurveyId, cone: Cone): number[] {
  const [south, north] = surveys[survey].declination
  const reach = healpixRadiusDeg(FETCH_ORDER)
  return healpixCone(FETCH_ORDER, cone).filter(cell => {
    const [, decDeg] = healpixCentre(FETCH_ORDER, cell)
    return decDeg + reach >= south && decDeg - reach <= north && healpixOverlapsCone(FETCH_ORDER, cell, cone)
  })
}

/**
 * Keeps the tiles of cells that were fetched. A tile is one object with its record in it, written whole or not at all
 * and never again, so that many may fetch at once; a cell without stars is a tile without rows.
 */
export class FetchedTiles {
  readonly #store: ObjectStore
  readonly #prefix: string
  readonly #fetchCell?: FetchCell
  readonly #held = new Set<string>()
  readonly #fetching = new Map<string, Promise<boolean>>()

  constructor(store: ObjectStore, prefix: string, fetchCell?: FetchCell) {
    this.#store = store
    this.#prefix = prefix
    this.#fetchCell = fetchCell
  }

  /** Whether the tile of a cell is in the store. @throws {CpcsError} StoreUnavailable */
  async holds(survey: SurveyId, cell: number): Promise<boolean> {
    const key = fetchedKey(this.#prefix, survey, cell)
    if (this.#held.has(key)) return true
    if ((await this.#store.size(key)) === undefined) return false
    this.#held.add(key)
    return true
  }

  /**
   * See to it that the tile of a cell is in the store.
   *
   * @returns whether it is: false where it is not, and there is nowhere to fetch it from
   * @throws {CpcsError} TilesUnavailable, UpstreamChanged, StoreUnavailable
   */
  async ensure(survey: SurveyId, cell: number): Promise<boolean> {
    const key = fetchedKey(this.#prefix, survey, cell)
    const fetching = this.#fetching.get(key) ?? this.#fetch(survey, cell, key).finally(() => this.#fetching.delete(key))
    this.#fetching.set(key, fetching)
    return fetching
  }

  async #fetch(survey: SurveyId, cell: number, key: string): Promise<boolean> {
    if (await this.holds(survey, cell)) return true
    if (!this.#fetchCell) return false
    const fetched = await this.#fetchCell(survey, { order: FETCH_ORDER, cell })
    // who comes second keeps the first one's, so that all read the same
    await this.#store.put(key, encodeTile(fetched), { ifAbsent: true })
    this.#held.add(key)
    return true
  }
}

function encodeTile({ stars, service, url, query, fetchedAt }: FetchedCell): Uint8Array {
  const { rows } = cellOrder(stars)
  const columns = toParquetColumns(takeStars(stars, rows), surveys[stars.survey])
  const record: TileRecord = { survey: stars.survey, service, url, query, fetchedAt, rows: rows.length }
  return encodeParquet(columns, ROW_GROUP, { [RECORD]: JSON.stringify(record) })
}

/** What a tile's file says of itself; undefined for files that were not fetched. */
export function tileRecord({ metadata }: ParquetFile): TileRecord | undefined {
  const text = metadata.key_value_metadata?.find(({ key }) => key === RECORD)?.value
  return text === undefined ? undefined : (JSON.parse(text) as TileRecord)
}

/**
 * Write `partition_info.csv` and `hats.properties` of the fetched tiles of a survey anew, so that they are a HATS
 * catalogue to other readers too. Our own reader does not need them: it asks for tiles by name.
 *
 * @returns the leaves that hold rows
 * @throws {CpcsError} StoreUnavailable
 */
export async function indexFetched(store: ObjectStore, prefix: string, survey: SurveyId): Promise<Partition[]> {
  const root = fetchedPrefix(prefix, survey)
  const before =
    (await textOf(store, `${root}partition_info.csv`)) === undefined ? [] : await readPartitions(store, root)
  const known = new Map(before.map(leaf => [leaf.cell, leaf]))
  const partitions: Partition[] = []
  const leaves = (await store.list(`${root}dataset/`)).flatMap(key => {
    const leaf = partitionOf(key)
    return leaf ? [{ key, leaf }] : []
  })
  // where nothing was ever fetched there is no catalogue, not an empty one
  if (leaves.length === 0) return []
  for (const { key, leaf } of leaves) {
    // tiles are never written twice: what was found out about one holds
    const described = known.get(leaf.cell) ?? (await describe(store, key, leaf))
    if (described.rows !== 0) partitions.push(described)
  }
  const schema = toParquetColumns(combineStars([], survey), surveys[survey])
  await store.put(`${root}dataset/_common_metadata`, encodeParquet(schema, ROW_GROUP))
  await store.put(`${root}partition_info.csv`, encoded(encodePartitions(partitions)))
  await store.put(`${root}hats.properties`, encoded(encodeProperties(survey, partitions)))
  return partitions
}

async function describe(store: ObjectStore, key: string, leaf: Partition): Promise<Partition> {
  const { metadata } = await openParquetObject(store, key)
  const sha256 = createHash('sha256')
    .update(await store.get(key))
    .digest('hex')
  return { ...leaf, rows: Number(metadata.num_rows), sha256 }
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** The sentence for a tile that is missing where its neighbours are held and nothing may be fetched. */
export function missingTiles(survey: SurveyId, { raDeg, decDeg, radiusDeg }: Cone, missing: number): CpcsError {
  const cone = `${raDeg.toFixed(4)} ${decDeg.toFixed(4)} ${radiusDeg.toFixed(3)}`
  return new CpcsError('TilesUnavailable', {
    survey,
    cause: `${missing} tiles of the field were not fetched, write: cpcs tiles fetch ${survey} --cone "${cone}"`,
  })
}
