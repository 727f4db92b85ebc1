import { CpcsError } from '#shared/errors.ts'
import { healpixCone, healpixTouchesCone } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'
import { leafKey, OWN_COLUMNS, type Partition, parseProperties, readHatsProperties, readPartitions } from './hats.ts'
import { normalise, wantedBy } from './normalise.ts'
import { openParquetObject, type ParquetFile, readParquet } from './parquet.ts'
import type { Cone, ReferenceStars, SurveyId, Tiles } from './reference.ts'
import { combineStars, fromParquetColumns } from './reference-columns.ts'
import { surveyIds, surveys } from './surveys/index.ts'

/** Stars kept in memory before the longest unused row groups are forgotten. */
const CACHED_STARS = 2_000_000
const RAD = Math.PI / 180

/**
 * Open the HATS catalogues below a prefix, one folder per survey, named by its id. Catalogues written by the import
 * and those copied from elsewhere (columns as published) are both read. A cone reads only the leaves, and of large
 * leaves only the row groups, that it overlaps.
 *
 * @param prefix '' or ending in '/'
 */
export function openTiles(store: ObjectStore, prefix = ''): Tiles {
  return new HatsTiles(store, prefix)
}

interface OpenCatalogue {
  text: string
  prefix: string
  properties: Map<string, string>
  partitions: Partition[]
}

class HatsTiles implements Tiles {
  readonly #store: ObjectStore
  readonly #prefix: string
  readonly #catalogues = new Map<SurveyId, OpenCatalogue>()
  /** Row groups by leaf, digest and number; the one used last is at the end. */
  readonly #groups = new Map<string, ReferenceStars>()
  readonly #groupCounts = new Map<string, number>()
  #cachedStars = 0

  constructor(store: ObjectStore, prefix: string) {
    this.#store = store
    this.#prefix = prefix
  }

  async surveys(): Promise<SurveyId[]> {
    const present = await Promise.all(
      surveyIds.map(async id => {
        const properties = await readHatsProperties(this.#store, `${this.#prefix}${id}/`).catch(unavailable(id))
        return properties !== undefined
      }),
    )
    return surveyIds.filter((_, i) => present[i])
  }

  async cone(survey: SurveyId, cone: Cone, { limit }: { limit?: number } = {}): Promise<ReferenceStars> {
    try {
      const catalogue = await this.#open(survey)
      const leaves = catalogue.partitions.filter(({ order, cell }) => healpixTouchesCone(order, cell, cone))
      const parts: { stars: ReferenceStars; rows: number[] }[] = []
      for (const leaf of leaves)
        for (const stars of await this.#readLeaf(survey, catalogue, leaf, cone))
          parts.push({ stars, rows: rowsWithin(stars, cone) })
      return brightest(parts, survey, limit)
    } catch (error) {
      return unavailable(survey)(error)
    }
  }

  async #open(survey: SurveyId): Promise<OpenCatalogue> {
    const found = await readHatsProperties(this.#store, `${this.#prefix}${survey}/`)
    if (!found) throw new Error(`no catalogue ${survey} was imported`)
    const known = this.#catalogues.get(survey)
    // An import rewrites the properties: as long as they stand, so do the leaves.
    if (known && known.text === found.text) return known
    const partitions = await readPartitions(this.#store, found.prefix)
    const catalogue = { ...found, properties: parseProperties(found.text), partitions }
    this.#catalogues.set(survey, catalogue)
    return catalogue
  }

  async #readLeaf(survey: SurveyId, catalogue: OpenCatalogue, leaf: Partition, cone: Cone): Promise<ReferenceStars[]> {
    const parts: ReferenceStars[] = []
    for (const key of await this.#leafFiles(catalogue, leaf)) {
      const name = `${key}#${leaf.sha256 ?? ''}`
      let file: ParquetFile | undefined
      const open = async () => (file ??= await openParquetObject(this.#store, key))
      if (!this.#groupCounts.has(name)) this.#groupCounts.set(name, (await open()).metadata.row_groups.length)
      for (let group = 0; group < this.#groupCounts.get(name)!; group++) {
        const cached = this.#recall(`${name}#${group}`)
        if (cached) parts.push(cached)
        else if (groupTouches(await open(), group, cone, catalogue.properties.get('hats_col_healpix') ?? '_healpix_29'))
          parts.push(this.#remember(`${name}#${group}`, await readGroup(await open(), group, survey, catalogue)))
      }
    }
    return parts
  }

  async #leafFiles({ prefix, properties }: OpenCatalogue, leaf: Partition): Promise<string[]> {
    const suffix = properties.get('hats_npix_suffix') ?? '.parquet'
    const key = leafKey(prefix, leaf)
    return suffix === '/' ? this.#store.list(`${key}/`) : [`${key}${suffix}`]
  }

  #recall(name: string): ReferenceStars | undefined {
    const stars = this.#groups.get(name)
    if (!stars) return undefined
    this.#groups.delete(name)
    this.#groups.set(name, stars)
    return stars
  }

  #remember(name: string, stars: ReferenceStars): ReferenceStars {
    this.#groups.set(name, stars)
    this.#cachedStars += stars.count
    for (const [oldest, { count }] of this.#groups) {
      if (this.#cachedStars <= CACHED_STARS) break
      this.#groups.delete(oldest)
      this.#cachedStars -= count
    }
    return stars
  }
}

async function readGroup(
  file: ParquetFile,
  group: number,
  survey: SurveyId,
  { properties }: OpenCatalogue,
): Promise<ReferenceStars> {
  const sizes = file.metadata.row_groups.map(({ num_rows }) => Number(num_rows))
  const start = sizes.slice(0, group).reduce((sum, size) => sum + size, 0)
  if (properties.has(OWN_COLUMNS))
    return fromParquetColumns(await readParquet(file, () => true, start, start + sizes[group]), survey)
  const published = await readParquet(file, wantedBy(surveys[survey]), start, start + sizes[group])
  return normalise(published, surveys[survey])
}

/** Whether a row group's range of order-29 cells meets the cone; true where the file does not tell. */
function groupTouches(file: ParquetFile, group: number, cone: Cone, healpixColumn: string): boolean {
  const { columns } = file.metadata.row_groups[group]
  const statistics = columns.find(column => column.meta_data?.path_in_schema[0] === healpixColumn)?.meta_data
    ?.statistics
  const low = statistics?.min_value ?? statistics?.min
  const high = statistics?.max_value ?? statistics?.max
  if (typeof low !== 'bigint' || typeof high !== 'bigint') return true
  // Cells somewhat smaller than the cone follow its outline closely enough.
  const order = Math.max(0, Math.min(12, Math.ceil(Math.log2(58.6 / Math.max(cone.radiusDeg, 0.01)))))
  const shift = BigInt(2 * (29 - order))
  const first = Number(low >> shift)
  const last = Number(high >> shift)
  return healpixCone(order, cone).some(cell => cell >= first && cell <= last)
}

function rowsWithin({ count, raDeg, decDeg }: ReferenceStars, cone: Cone): number[] {
  const rows: number[] = []
  const cosDec = Math.cos(cone.decDeg * RAD)
  // haversine of the radius: no arc sine per star
  const reach = Math.sin((Math.min(cone.radiusDeg, 180) * RAD) / 2) ** 2
  for (let i = 0; i < count; i++) {
    if (Math.abs(decDeg[i] - cone.decDeg) > cone.radiusDeg) continue
    const up = Math.sin(((decDeg[i] - cone.decDeg) * RAD) / 2)
    const across = Math.sin(((raDeg[i] - cone.raDeg) * RAD) / 2)
    if (up * up + cosDec * Math.cos(decDeg[i] * RAD) * across * across <= reach) rows.push(i)
  }
  return rows
}

/** Chosen rows of all parts, brightest first in the main band, at most `limit`; ties by position, so that order is one. */
function brightest(
  parts: { stars: ReferenceStars; rows: number[] }[],
  survey: SurveyId,
  limit = Number.POSITIVE_INFINITY,
): ReferenceStars {
  const { mainBand, bands } = surveys[survey]
  const all = combineStars(parts, survey)
  for (const band of Object.keys(bands)) {
    all.mag[band] ??= new Float64Array(all.count).fill(Number.NaN)
    all.magErr[band] ??= new Float64Array(all.count).fill(Number.NaN)
  }
  const main = all.mag[mainBand]
  const rank = main.map((value, i) => {
    if (!Number.isNaN(value)) return value
    // no main band: rank by the brightest of the others, so that a table with one band only still has an order
    const others = Object.values(all.mag).map(band => band[i])
    return Math.min(...others.map(other => (Number.isNaN(other) ? 99 : other)))
  })
  const order = Array.from({ length: all.count }, (_, i) => i).sort(
    (a, b) => rank[a] - rank[b] || all.raDeg[a] - all.raDeg[b] || all.decDeg[a] - all.decDeg[b],
  )
  return combineStars([{ stars: all, rows: order.length > limit ? order.slice(0, limit) : order }], survey)
}

function unavailable(survey: SurveyId) {
  return (error: unknown): never => {
    const cause = error instanceof Error ? error.message : String(error)
    throw new CpcsError('TilesUnavailable', { survey, cause }, { cause: error })
  }
}
