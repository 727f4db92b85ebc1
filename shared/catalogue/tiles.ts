import { CpcsError } from '#shared/errors.ts'
import type { ObjectStore } from '#shared/store.ts'
import { ByteCache } from './byte-cache.ts'
import type { FetchCell } from './fetch-cell.ts'
import {
  cellsToFetch,
  FETCH_ORDER,
  FetchedTiles,
  fetchedCatalogue,
  fetchedPrefix,
  missingTiles,
} from './fetched-tiles.ts'
import { OWN_COLUMNS, overlap, type Partition } from './hats.ts'
import {
  anotherSurvey,
  type CellRanges,
  cellRanges,
  groupsTouching,
  type HatsCatalogue,
  leafFiles,
  leavesTouching,
  openHats,
  rowsOfGroup,
} from './hats-catalogue.ts'
import { normalise, wantedBy } from './normalise.ts'
import { openParquetObject, type ParquetFile, readParquet, withRowGroup } from './parquet.ts'
import type { Cone, ReferenceStars, SurveyId, Tiles } from './reference.ts'
import { fromParquetColumns } from './reference-columns.ts'
import { surveyIds, surveys } from './surveys/index.ts'
import { bytesOfTile, starsWithin, type TileStars, tileStars } from './tile-stars.ts'

/** What tiles may take in memory, bytes: two million stars, about. */
const MEMORY_BYTES = 256 * 2 ** 20
/** A wider cone is a search for the place of a frame, and not a field to be measured: nothing is fetched for it. */
const WIDEST_FETCH_DEG = 3

export interface TilesOptions {
  /** Bytes that stars may take in memory. */
  memoryBytes?: number
  /** How long it is believed which catalogues there are and what leaves they have, ms; 0 looks each time. */
  trustMs?: number
  now?: () => number
  /** Surveys whose missing tiles are fetched, and how. */
  fetch?: { surveys: readonly SurveyId[]; cell: FetchCell }
}

/**
 * Open the HATS catalogues below a prefix, one folder per survey, named by its id. Catalogues written by the import
 * and those copied from elsewhere (columns as published) are both read. A cone reads only the leaves, and of large
 * leaves only the row groups, that it overlaps; what was read stays in memory.
 *
 * Where the imported catalogue has no leaf, tiles of `fetched/<survey>/` are read; missing ones are fetched for surveys
 * that are to be fetched. A missing tile is never taken for empty sky: it is an error where it cannot be fetched, or
 * where its neighbours are held. Cones wider than {@link WIDEST_FETCH_DEG} get what is held.
 *
 * @param prefix '' or ending in '/'
 */
export function openTiles(store: ObjectStore, prefix = '', options: TilesOptions = {}): Tiles {
  return new HatsTiles(store, prefix, options)
}

/** A catalogue as it was found last, and when. */
interface Looked {
  catalogue: HatsCatalogue | undefined
  at: number
}

class HatsTiles implements Tiles {
  readonly #store: ObjectStore
  readonly #prefix: string
  readonly #fetched: FetchedTiles
  readonly #toFetch: ReadonlySet<SurveyId>
  readonly #trustMs: number
  readonly #now: () => number
  readonly #looked = new Map<string, Looked>()
  readonly #groups: ByteCache<TileStars>
  /** Footers of leaves; those of a million leaves would be too many. */
  readonly #files = new ByteCache<ParquetFile>(1000, () => 1)

  constructor(store: ObjectStore, prefix: string, { memoryBytes = MEMORY_BYTES, ...options }: TilesOptions) {
    this.#store = store
    this.#prefix = prefix
    this.#groups = new ByteCache(memoryBytes, bytesOfTile)
    this.#fetched = new FetchedTiles(store, prefix, options.fetch?.cell)
    this.#toFetch = new Set(options.fetch?.surveys)
    this.#trustMs = options.trustMs ?? 0
    this.#now = options.now ?? Date.now
  }

  async surveys(): Promise<SurveyId[]> {
    const present = await Promise.all(
      surveyIds.map(async id => {
        if (this.#toFetch.has(id)) return true
        const [imported, fetched] = await Promise.all([this.#imported(id), this.#index(id)]).catch(unavailable(id))
        return imported !== undefined || fetched !== undefined
      }),
    )
    return surveyIds.filter((_, i) => present[i])
  }

  async cone(survey: SurveyId, cone: Cone, { limit }: { limit?: number } = {}): Promise<ReferenceStars> {
    try {
      const [imported, fetched] = await Promise.all([this.#imported(survey), this.#index(survey)])
      if (!imported && !fetched && !this.#toFetch.has(survey)) throw new Error(`no catalogue ${survey} was imported`)
      const cells = cellRanges(cone)
      const read = (catalogue: HatsCatalogue, leaves: Partition[]) =>
        leaves.map(leaf => this.#readLeaf(survey, catalogue, leaf, cells))
      const tiles = await Promise.all([
        ...(imported ? read(imported, leavesTouching(imported, cone)) : []),
        ...read(fetchedCatalogue(this.#prefix, survey), await this.#fetchedLeaves(survey, cone, imported, fetched)),
      ])
      return starsWithin(tiles.flat(), cone, survey, limit)
    } catch (error) {
      return unavailable(survey)(error)
    }
  }

  /** The fetched tiles that a cone needs beside the imported leaves; missing ones are fetched. */
  async #fetchedLeaves(
    survey: SurveyId,
    cone: Cone,
    imported: HatsCatalogue | undefined,
    index: HatsCatalogue | undefined,
  ): Promise<Partition[]> {
    const elsewhere = (leaf: Partition) => !imported?.partitions.some(known => overlap(known, leaf))
    if (cone.radiusDeg > WIDEST_FETCH_DEG) return index ? leavesTouching(index, cone).filter(elsewhere) : []
    if (!index && !this.#toFetch.has(survey)) return []
    const leaves = cellsToFetch(survey, cone)
      .map((cell): Partition => ({ order: FETCH_ORDER, cell }))
      .filter(elsewhere)
    const held = await Promise.all(
      leaves.map(({ cell }) =>
        this.#toFetch.has(survey) ? this.#fetched.ensure(survey, cell) : this.#fetched.holds(survey, cell),
      ),
    )
    const missing = held.filter(is => !is).length
    if (missing > 0 && missing < leaves.length) throw missingTiles(survey, cone, missing)
    return leaves.filter((_, i) => held[i])
  }

  #imported(survey: SurveyId): Promise<HatsCatalogue | undefined> {
    return this.#open(`${this.#prefix}${survey}/`, survey)
  }

  #index(survey: SurveyId): Promise<HatsCatalogue | undefined> {
    return this.#open(fetchedPrefix(this.#prefix, survey), survey)
  }

  async #open(root: string, survey: SurveyId): Promise<HatsCatalogue | undefined> {
    const last = this.#looked.get(root)
    const now = this.#now()
    if (last && now - last.at < this.#trustMs) return last.catalogue
    const catalogue = await openHats(this.#store, root, last?.catalogue)
    const strange = catalogue && anotherSurvey(catalogue.properties, survey)
    if (strange !== undefined) throw new Error(`${root}: ${strange}`)
    this.#looked.set(root, { catalogue, at: now })
    return catalogue
  }

  async #readLeaf(
    survey: SurveyId,
    catalogue: HatsCatalogue,
    leaf: Partition,
    cells: CellRanges,
  ): Promise<TileStars[]> {
    const files = await leafFiles(this.#store, catalogue, leaf)
    const parts = await Promise.all(
      files.map(key => this.#readFile(key, leaf, survey, catalogue, cells).catch(unreadable(key))),
    )
    return parts.flat()
  }

  async #readFile(
    key: string,
    leaf: Partition,
    survey: SurveyId,
    catalogue: HatsCatalogue,
    cells: CellRanges,
  ): Promise<TileStars[]> {
    // where the leaf was written anew, so was its digest
    const name = `${key}#${leaf.sha256 ?? ''}`
    const file = await this.#files.get(name, () => openParquetObject(this.#store, key))
    const groups = groupsTouching(file, catalogue, cells)
    return Promise.all(
      groups.map(group => this.#groups.get(`${name}#${group}`, () => readGroup(file, group, survey, catalogue))),
    )
  }
}

async function readGroup(
  file: ParquetFile,
  group: number,
  survey: SurveyId,
  { properties }: HatsCatalogue,
): Promise<TileStars> {
  const { start, end } = rowsOfGroup(file, group)
  const own = properties.has(OWN_COLUMNS)
  // of our own columns all are wanted, of published ones few of many
  const table = own
    ? await readParquet(await withRowGroup(file, group), undefined, start, end)
    : await readParquet(file, wantedBy(surveys[survey]), start, end)
  return tileStars(own ? fromParquetColumns(table, survey) : normalise(table, surveys[survey]))
}

/** For what readers of Parquet say of a file: which one it was, they do not know. */
function unreadable(key: string) {
  return (error: unknown): never => {
    if (error instanceof CpcsError) throw error
    const found = error instanceof Error ? error.message : String(error)
    throw new Error(`${key} cannot be read (${found}); "cpcs tiles verify" tells what else is wrong`, { cause: error })
  }
}

function unavailable(survey: SurveyId) {
  return (error: unknown): never => {
    if (error instanceof CpcsError && (error.name === 'TilesUnavailable' || error.name === 'UpstreamChanged'))
      throw error
    const words = error instanceof Error ? error.message : String(error)
    const cause = words.replace(/\.$/, '')
    throw new CpcsError('TilesUnavailable', { survey, cause }, { cause: error })
  }
}
