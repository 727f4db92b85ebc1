import { CpcsError } from '#shared/errors.ts'
import { healpixCone, healpixOverlapsCone, healpixTouchesCone } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'
import {
  leafKey,
  OWN_COLUMNS,
  overlaps,
  type Partition,
  parseProperties,
  readHatsProperties,
  readPartitions,
} from './hats.ts'
import type { ParquetFile } from './parquet.ts'
import type { Cone, SurveyId } from './reference.ts'

/** A HATS catalogue as its two small files describe it. */
export interface HatsCatalogue {
  /** Key prefix of the catalogue, ending in '/'; of a collection that of its primary table. */
  prefix: string
  /** The text of its properties: as long as it stands, so do the leaves. */
  text: string
  properties: Map<string, string>
  partitions: Partition[]
}

/**
 * Open the HATS catalogue, or the primary table of the HATS collection, at a prefix.
 *
 * @param prefix '' or ending in '/'
 * @param known what was opened before: where the properties are the same, it is given again
 * @returns undefined where there is none
 * @throws {CpcsError} StoreUnavailable; ObjectMissing where its leaves are not told
 */
export async function openHats(
  store: ObjectStore,
  prefix: string,
  known?: HatsCatalogue,
): Promise<HatsCatalogue | undefined> {
  const found = await readHatsProperties(store, prefix)
  if (!found) return undefined
  if (known?.text === found.text) return known
  return { ...found, properties: parseProperties(found.text), partitions: await readPartitions(store, found.prefix) }
}

/**
 * What speaks against a catalogue as one of a survey: columns of ours look alike in all surveys, so that one in another's
 * folder would be read without complaint.
 *
 * @returns undefined where nothing does; a sentence else
 */
export function anotherSurvey(properties: Map<string, string>, survey: SurveyId): string | undefined {
  const name = properties.get('obs_collection')
  if (!properties.has(OWN_COLUMNS) || name === survey) return undefined
  return `the catalogue is one of ${name ?? 'no name'} by its hats.properties, not of ${survey}`
}

/**
 * Leaves of a catalogue that may hold stars within a cone.
 *
 * @throws {Error} two of them overlap: their stars would come twice, and each be its own neighbour
 */
export function leavesTouching({ partitions }: HatsCatalogue, cone: Cone): Partition[] {
  const touching = partitions.filter(
    // the outline only of those whose circle is near
    ({ order, cell }) => healpixTouchesCone(order, cell, cone) && healpixOverlapsCone(order, cell, cone),
  )
  const [twice] = overlaps(touching)
  if (twice !== undefined) throw new Error(twice)
  return touching
}

/**
 * Keys of the Parquet files of a leaf: one, or all in its directory.
 *
 * @throws {CpcsError} ObjectMissing the directory has none: it was lost, and the sky is not empty; StoreUnavailable
 */
export async function leafFiles(
  store: ObjectStore,
  { prefix, properties }: HatsCatalogue,
  leaf: Partition,
): Promise<string[]> {
  const suffix = properties.get('hats_npix_suffix') ?? '.parquet'
  const key = leafKey(prefix, leaf)
  if (suffix !== '/') return [`${key}${suffix}`]
  const files = (await store.list(`${key}/`)).filter(file => /\.(parquet|parq|pq)$/.test(file))
  if (files.length === 0) throw new CpcsError('ObjectMissing', { key: `${key}/` })
  return files
}

/** Ranges of cells of one order, first and last of each, ascending. */
export interface CellRanges {
  order: number
  ranges: [first: number, last: number][]
}

/** The cells that a cone may touch, somewhat smaller than the cone, so that they follow its outline. */
export function cellRanges(cone: Cone): CellRanges {
  const order = Math.max(0, Math.min(12, Math.ceil(Math.log2(117 / Math.max(cone.radiusDeg, 0.01)))))
  const ranges: CellRanges['ranges'] = []
  for (const cell of healpixCone(order, cone)) {
    const last = ranges.at(-1)
    if (last && last[1] === cell - 1) last[1] = cell
    else ranges.push([cell, cell])
  }
  return { order, ranges }
}

/**
 * Numbers of the row groups of a leaf that may hold stars in the cells, by their range of order-29 cells; all groups
 * where the file does not tell.
 */
export function groupsTouching(
  file: ParquetFile,
  { properties }: HatsCatalogue,
  { order, ranges }: CellRanges,
): number[] {
  const column = properties.get('hats_col_healpix') ?? '_healpix_29'
  const columnOrder = Number(properties.get('hats_col_healpix_order') ?? 29)
  const shift = BigInt(2 * (columnOrder - order))
  return Array.from(file.metadata.row_groups.keys()).filter(group => {
    const statistics = file.metadata.row_groups[group].columns.find(
      ({ meta_data }) => meta_data?.path_in_schema[0] === column,
    )?.meta_data?.statistics
    const low = statistics?.min_value ?? statistics?.min
    const high = statistics?.max_value ?? statistics?.max
    if (typeof low !== 'bigint' || typeof high !== 'bigint' || shift < 0n) return true
    const [first, last] = [Number(low >> shift), Number(high >> shift)]
    return ranges.some(([from, to]) => to >= first && from <= last)
  })
}

/** Rows [start, end) of a row group in its file. */
export function rowsOfGroup({ metadata }: ParquetFile, group: number): { start: number; end: number } {
  let start = 0
  for (let i = 0; i < group; i++) start += Number(metadata.row_groups[i].num_rows)
  return { start, end: start + Number(metadata.row_groups[group].num_rows) }
}
