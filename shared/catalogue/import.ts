import { createHash } from 'node:crypto'
import { healpix29 } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'
import { cellOrder } from './cell-order.ts'
import {
  encodePartitions,
  encodeProperties,
  leafKey,
  OWN_COLUMNS,
  type Partition,
  parseProperties,
  readHatsProperties,
  readPartitions,
} from './hats.ts'
import { hasPositions, normalise, wantedBy } from './normalise.ts'
import { encodeParquet, openParquetObject, readParquet } from './parquet.ts'
import { readTables } from './read-tables.ts'
import type { ReferenceStars, SurveyId } from './reference.ts'
import { combineStars, fromParquetColumns, type StarColumns, toParquetColumns } from './reference-columns.ts'
import { surveys } from './surveys/index.ts'

/** Leaves are not larger than cells of this order, 1.8° wide: about a telescope's field. */
const FIRST_ORDER = 5
const LAST_ORDER = 12
/** A cell with more rows is split in four. */
export const MAX_ROWS = 50_000
/** Rows that are read or left together when a cone touches a leaf. */
const ROW_GROUP = 8_192

export interface ImportSummary {
  /** Rows handed in, and of them those that replaced a row with the same identity. */
  read: number
  replaced: number
  /** Rows in the catalogue afterwards. */
  total: number
  /** Leaves written. */
  leaves: string[]
  /** Leaves whose rows are now in smaller ones: nothing refers to them any more. */
  superseded: string[]
}

/**
 * Stars of a survey from a file as published, in any format of {@link readTables}.
 *
 * @throws {Error} no table in it has positions in the survey's spellings
 */
export async function readPublished(bytes: Uint8Array, survey: SurveyId): Promise<ReferenceStars> {
  const description = surveys[survey]
  const tables = await readTables(bytes, wantedBy(description))
  const parts = tables.filter(table => hasPositions(table, description)).map(table => normalise(table, description))
  if (parts.length === 0) {
    const { ra, dec } = description.columns
    throw new Error(`no table has the columns of ${description.title}: ${ra.join(' or ')}, ${dec.join(' or ')}`)
  }
  return combineStars(
    parts.map(stars => ({ stars, rows: Array.from({ length: stars.count }, (_, i) => i) })),
    survey,
  )
}

/**
 * Add stars to the HATS catalogue of their survey below `prefix`. Stars already there (by identity) are replaced, so
 * that importing twice changes nothing; only the touched leaves are rewritten. The same rows give the same bytes,
 * whatever the order they came in.
 *
 * @param prefix key prefix above the survey's folder, '' or ending in '/'
 * @throws {Error} the folder holds a catalogue that was copied in, not imported
 */
export async function importStars(
  store: ObjectStore,
  prefix: string,
  stars: ReferenceStars,
  maxRows = MAX_ROWS,
): Promise<ImportSummary> {
  const root = `${prefix}${stars.survey}/`
  const found = await readHatsProperties(store, root)
  if (found && !parseProperties(found.text).has(OWN_COLUMNS))
    throw new Error(`${root} holds a catalogue copied from elsewhere: importing would mix columns`)
  const before = found ? await readPartitions(store, root) : []

  const summary: ImportSummary = { read: stars.count, replaced: 0, total: 0, leaves: [], superseded: [] }
  const untouched = new Set(before)
  const after: Partition[] = []
  for (const [cell, rows] of rowsByCell(stars)) {
    const inside = before.filter(leaf => Math.floor(leaf.cell / 4 ** (leaf.order - FIRST_ORDER)) === cell)
    const merged = await merge(store, root, inside, stars, rows)
    summary.replaced += merged.replaced
    const leaves = split(merged, FIRST_ORDER, cell, maxRows)
    for (const leaf of leaves) {
      const key = `${leafKey(root, leaf)}.parquet`
      const columns = toParquetColumns(
        combineStars([{ stars: merged.stars, rows: leaf.rows }], stars.survey),
        surveys[stars.survey],
      )
      const bytes = encodeParquet(columns, ROW_GROUP)
      await store.put(key, bytes)
      summary.leaves.push(key)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      after.push({ order: leaf.order, cell: leaf.cell, rows: leaf.rows.length, sha256 })
    }
    for (const leaf of inside) {
      untouched.delete(leaf)
      if (!leaves.some(({ order, cell }) => order === leaf.order && cell === leaf.cell))
        summary.superseded.push(`${leafKey(root, leaf)}.parquet`)
    }
  }
  const partitions = [...untouched, ...after]
  summary.total = partitions.reduce((sum, { rows = 0 }) => sum + rows, 0)
  const schema = toParquetColumns(combineStars([], stars.survey), surveys[stars.survey])
  await store.put(`${root}dataset/_common_metadata`, encodeParquet(schema, ROW_GROUP))
  await store.put(`${root}partition_info.csv`, text(encodePartitions(partitions)))
  // Last, because it announces the others: a reader that sees the old text still has all old leaves.
  await store.put(`${root}hats.properties`, text(encodeProperties(stars.survey, partitions, maxRows)))
  return summary
}

interface Merged {
  stars: ReferenceStars
  /** Order-29 cells of the stars. */
  cells: BigInt64Array
  /** Rows in order of cell, then identity. */
  order: number[]
  replaced: number
}

/** Rows of the stars handed in, by the cell of the first order that holds them, cells ascending. */
function rowsByCell(stars: ReferenceStars): Map<number, number[]> {
  const byCell = new Map<number, number[]>()
  const shift = BigInt(2 * (29 - FIRST_ORDER))
  for (let i = 0; i < stars.count; i++) {
    const cell = Number(healpix29(stars.raDeg[i], stars.decDeg[i]) >> shift)
    const rows = byCell.get(cell)
    if (rows) rows.push(i)
    else byCell.set(cell, [i])
  }
  return new Map([...byCell].sort((a, b) => a[0] - b[0]))
}

async function merge(
  store: ObjectStore,
  root: string,
  leaves: Partition[],
  stars: ReferenceStars,
  rows: number[],
): Promise<Merged> {
  const parts: { stars: StarColumns; rows: number[] }[] = []
  for (const leaf of leaves) {
    const file = await openParquetObject(store, `${leafKey(root, leaf)}.parquet`)
    const old = fromParquetColumns(await readParquet(file), stars.survey)
    parts.push({ stars: old, rows: Array.from({ length: old.count }, (_, i) => i) })
  }
  const all = combineStars([...parts, { stars, rows }], stars.survey)
  const { cells, rows: order } = cellOrder(all)
  return { stars: all, cells, order, replaced: all.count - order.length }
}

interface Leaf {
  order: number
  cell: number
  rows: number[]
}

/** The smallest set of cells below (order, cell) that hold all rows and none too many; empty cells are left out. */
function split({ cells, order: rows }: Merged, order: number, cell: number, maxRows: number): Leaf[] {
  const leaves: Leaf[] = []
  const descend = (level: number, inside: number, from: number, to: number) => {
    if (from === to) return
    if (to - from <= maxRows || level === LAST_ORDER) {
      leaves.push({ order: level, cell: inside, rows: rows.slice(from, to) })
      return
    }
    const shift = BigInt(2 * (29 - level - 1))
    let start = from
    for (let child = 4 * inside; child < 4 * inside + 4; child++) {
      let end = start
      while (end < to && Number(cells[rows[end]] >> shift) === child) end++
      descend(level + 1, child, start, end)
      start = end
    }
  }
  descend(order, cell, 0, rows.length)
  return leaves
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}
