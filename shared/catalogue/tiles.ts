import { CpcsError } from '#shared/errors.ts'
import type { ObjectStore } from '#shared/store.ts'
import { ByteCache } from './byte-cache.ts'
import { OWN_COLUMNS, type Partition } from './hats.ts'
import {
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
import { openParquetObject, type ParquetFile, readParquet } from './parquet.ts'
import type { Cone, ReferenceStars, SurveyId, Tiles } from './reference.ts'
import { fromParquetColumns } from './reference-columns.ts'
import { surveyIds, surveys } from './surveys/index.ts'
import { bytesOfTile, starsWithin, type TileStars, tileStars } from './tile-stars.ts'

/** What tiles may take in memory, bytes: two million stars, about. */
const MEMORY_BYTES = 256 * 2 ** 20

export interface TilesOptions {
  /** Bytes that stars may take in memory. */
  memoryBytes?: number
}

/**
 * Open the HATS catalogues below a prefix, one folder per survey, named by its id. Catalogues written by the import
 * and those copied from elsewhere (columns as published) are both read. A cone reads only the leaves, and of large
 * leaves only the row groups, that it overlaps; what was read stays in memory.
 *
 * @param prefix '' or ending in '/'
 */
export function openTiles(store: ObjectStore, prefix = '', options: TilesOptions = {}): Tiles {
  return new HatsTiles(store, prefix, options)
}

class HatsTiles implements Tiles {
  readonly #store: ObjectStore
  readonly #prefix: string
  readonly #catalogues = new Map<SurveyId, HatsCatalogue>()
  readonly #groups: ByteCache<TileStars>
  /** Footers of leaves; those of a million leaves would be too many. */
  readonly #files = new ByteCache<ParquetFile>(1000, () => 1)

  constructor(store: ObjectStore, prefix: string, { memoryBytes = MEMORY_BYTES }: TilesOptions) {
    this.#store = store
    this.#prefix = prefix
    this.#groups = new ByteCache(memoryBytes, bytesOfTile)
  }

  async surveys(): Promise<SurveyId[]> {
    const present = await Promise.all(
      surveyIds.map(async id => (await this.#open(id).catch(unavailable(id))) !== undefined),
    )
    return surveyIds.filter((_, i) => present[i])
  }

  async cone(survey: SurveyId, cone: Cone, { limit }: { limit?: number } = {}): Promise<ReferenceStars> {
    try {
      const catalogue = await this.#open(survey)
      if (!catalogue) throw new Error(`no catalogue ${survey} was imported`)
      const cells = cellRanges(cone)
      const leaves = leavesTouching(catalogue, cone)
      const tiles = await Promise.all(leaves.map(leaf => this.#readLeaf(survey, catalogue, leaf, cells)))
      return starsWithin(tiles.flat(), cone, survey, limit)
    } catch (error) {
      return unavailable(survey)(error)
    }
  }

  async #open(survey: SurveyId): Promise<HatsCatalogue | undefined> {
    const catalogue = await openHats(this.#store, `${this.#prefix}${survey}/`, this.#catalogues.get(survey))
    if (catalogue) this.#catalogues.set(survey, catalogue)
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
      files.map(async key => {
        // where the leaf was written anew, so was its digest
        const name = `${key}#${leaf.sha256 ?? ''}`
        const file = await this.#files.get(name, () => openParquetObject(this.#store, key))
        const groups = groupsTouching(file, catalogue, cells)
        return Promise.all(
          groups.map(group => this.#groups.get(`${name}#${group}`, () => readGroup(file, group, survey, catalogue))),
        )
      }),
    )
    return parts.flat()
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
  const table = await readParquet(file, own ? undefined : wantedBy(surveys[survey]), start, end)
  return tileStars(own ? fromParquetColumns(table, survey) : normalise(table, surveys[survey]))
}

function unavailable(survey: SurveyId) {
  return (error: unknown): never => {
    const cause = error instanceof Error ? error.message : String(error)
    throw new CpcsError('TilesUnavailable', { survey, cause }, { cause: error })
  }
}
