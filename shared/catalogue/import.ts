import { createHash } from 'node:crypto'
import { healpixCell } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'
import { cellOrder } from './cell-order.ts'
import { CellSpool } from './cell-spool.ts'
import {
  encodePartitions,
  encodeProperties,
  leafKey,
  OWN_COLUMNS,
  overlap,
  type Partition,
  parseProperties,
  readHatsProperties,
  readPartitions,
} from './hats.ts'
import { anotherSurvey } from './hats-catalogue.ts'
import { hasPositions, normalise, wantedBy, wordsForNumbers } from './normalise.ts'
import { encodeParquet, openParquetObject, readParquet } from './parquet.ts'
import type { PublishedTable } from './published-table.ts'
import { readTableChunks } from './read-chunks.ts'
import { readTables } from './read-tables.ts'
import type { ReferenceStars, SurveyId } from './reference.ts'
import { combineStars, fromParquetColumns, type StarColumns, takeStars, toParquetColumns } from './reference-columns.ts'
import type { Survey } from './survey.ts'
import { surveys } from './surveys/index.ts'

/** Leaves are not larger than cells of this order, 1.8° wide: about a telescope's field. */
const FIRST_ORDER = 5
const LAST_ORDER = 12
/** A cell with more rows is split in four. */
export const MAX_ROWS = 50_000
/** Rows that are read or left together when a cone touches a leaf. */
const ROW_GROUP = 4096

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

/** What an import does not take from a table. */
export interface PassedOver {
  /** Rows without a position, which are no stars therefore. */
  rows: number
  /** Values that are words where numbers should stand, by column: they count as missing. */
  words: ReadonlyMap<string, number>
}

/**
 * Stars of a survey from a file as published, in any format of {@link readTables}.
 *
 * @throws {Error} no table in it has positions in the survey's spellings; one that has rows has no usable one
 */
export async function readPublished(bytes: Uint8Array, survey: SurveyId): Promise<ReferenceStars> {
  const description = surveys[survey]
  const tables = await readTables(bytes, wantedBy(description))
  const parts = tables.filter(table => hasPositions(table, description)).map(table => usefulStars(table, description))
  if (parts.length === 0) throw withoutPositions(description)
  return combineStars(
    parts.map(stars => ({ stars, rows: Array.from({ length: stars.count }, (_, i) => i) })),
    survey,
  )
}

/** @throws {Error} the table has rows, and none with a position, or no magnitudes */
function usefulStars(table: PublishedTable, survey: Survey): ReferenceStars {
  const stars = normalise(table, survey)
  const { count } = table
  if (count > 0 && stars.count === 0)
    throw new Error(`none of ${count} rows has a right ascension of 0 to 360 and a declination of -90 to 90 degrees`)
  if (count > 0 && Object.keys(stars.mag).length === 0) {
    const names = Object.values(survey.bands).map(({ mag }) => mag.join(' or '))
    throw new Error(`no magnitudes: none of the columns ${names.join(', ')}`)
  }
  return stars
}

/**
 * Stars of a survey from a file as published, piece by piece: a large file takes no more memory than a small one.
 *
 * @param passedOver told what of a piece was not taken
 * @throws {Error} no table in it has positions in the survey's spellings; one that has rows has no usable one
 */
export async function* readPublishedChunks(
  store: ObjectStore,
  key: string,
  survey: SurveyId,
  passedOver: (what: PassedOver) => void = () => {},
): AsyncGenerator<ReferenceStars> {
  const description = surveys[survey]
  let usable = false
  for await (const table of readTableChunks(store, key, wantedBy(description))) {
    if (!hasPositions(table, description)) continue
    usable = true
    const stars = usefulStars(table, description)
    passedOver({ rows: table.count - stars.count, words: wordsForNumbers(table, description) })
    yield stars
  }
  if (!usable) throw withoutPositions(description)
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
  const byCell = rowsByCell(stars)
  const cells = [...byCell.keys()].sort((a, b) => a - b)
  return importCells(store, prefix, stars.survey, cells, cell => [{ stars, rows: byCell.get(cell)! }], maxRows)
}

/**
 * Add stars that come in pieces, as {@link importStars} does, without all of them being in memory at once: they are
 * sorted by cell on disk first.
 *
 * @param progress told how many stars were read, then how many of the cells are written
 */
export async function importChunks(
  store: ObjectStore,
  prefix: string,
  survey: SurveyId,
  chunks: AsyncIterable<ReferenceStars>,
  progress: (done: number, allCells?: number) => void = () => {},
  maxRows = MAX_ROWS,
): Promise<ImportSummary> {
  const spool = new CellSpool()
  try {
    let read = 0
    for await (const stars of chunks) {
      for (const [cell, rows] of rowsByCell(stars)) spool.add(cell, takeStars(stars, rows))
      read += stars.count
      progress(read)
    }
    const { cells } = spool
    const parts = (cell: number) => spool.read(cell).map(stars => ({ stars, rows: Array.from(stars.raDeg.keys()) }))
    return await importCells(store, prefix, survey, cells, parts, maxRows, done => progress(done, cells.length))
  } finally {
    spool.close()
  }
}

type Part = { stars: StarColumns; rows: number[] }

/** @param partsOf stars to add in a cell of the first order, in the order in which they came */
async function importCells(
  store: ObjectStore,
  prefix: string,
  survey: SurveyId,
  cells: number[],
  partsOf: (cell: number) => Part[],
  maxRows: number,
  progress: (done: number) => void = () => {},
): Promise<ImportSummary> {
  const root = `${prefix}${survey}/`
  const found = await readHatsProperties(store, root)
  if (found && !parseProperties(found.text).has(OWN_COLUMNS))
    throw new Error(`${root} holds a catalogue copied from elsewhere: importing would mix columns`)
  const strange = found && anotherSurvey(parseProperties(found.text), survey)
  if (strange !== undefined) throw new Error(`${root}: ${strange}`)
  const before = found ? await readPartitions(store, root) : []

  const summary: ImportSummary = { read: 0, replaced: 0, total: 0, leaves: [], superseded: [] }
  const untouched = new Set(before)
  const after: Partition[] = []
  for (const [done, cell] of cells.entries()) {
    const inside = before.filter(leaf => overlap(leaf, { order: FIRST_ORDER, cell }))
    const merged = await merge(store, root, inside, partsOf(cell), survey)
    summary.read += merged.read
    summary.replaced += merged.replaced
    const leaves = split(merged, FIRST_ORDER, cell, maxRows)
    for (const leaf of leaves) {
      const written = await writeLeaf(store, root, merged.stars, leaf)
      summary.leaves.push(written.key)
      after.push(written.partition)
    }
    for (const leaf of inside) {
      untouched.delete(leaf)
      if (!leaves.some(({ order, cell }) => order === leaf.order && cell === leaf.cell))
        summary.superseded.push(`${leafKey(root, leaf)}.parquet`)
    }
    progress(done + 1)
  }
  const partitions = [...untouched, ...after]
  summary.total = partitions.reduce((sum, { rows = 0 }) => sum + rows, 0)
  await writeDescription(store, root, survey, partitions, maxRows)
  return summary
}

async function writeLeaf(store: ObjectStore, root: string, stars: StarColumns, { order, cell, rows }: Leaf) {
  const key = `${leafKey(root, { order, cell })}.parquet`
  const bytes = encodeParquet(toParquetColumns(takeStars(stars, rows), surveys[stars.survey]), ROW_GROUP)
  await store.put(key, bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { key, partition: { order, cell, rows: rows.length, sha256 } }
}

/** The small files that make a catalogue of leaves. */
async function writeDescription(
  store: ObjectStore,
  root: string,
  survey: SurveyId,
  partitions: Partition[],
  maxRows: number,
): Promise<void> {
  const schema = toParquetColumns(combineStars([], survey), surveys[survey])
  await store.put(`${root}dataset/_common_metadata`, encodeParquet(schema, ROW_GROUP))
  await store.put(`${root}partition_info.csv`, text(encodePartitions(partitions)))
  // Last, because it announces the others: a reader that sees the old text still has all old leaves.
  await store.put(`${root}hats.properties`, text(encodeProperties(survey, partitions, maxRows)))
}

interface Merged {
  /** Stars that were handed in. */
  read: number
  stars: ReferenceStars
  /** Order-29 cells of the stars. */
  cells: BigInt64Array
  /** Rows in order of cell, then identity. */
  order: number[]
  replaced: number
}

/** Rows of the stars handed in, by the cell of the first order that holds them. */
function rowsByCell(stars: ReferenceStars): Map<number, number[]> {
  const byCell = new Map<number, number[]>()
  for (let i = 0; i < stars.count; i++) {
    const cell = healpixCell(FIRST_ORDER, stars.raDeg[i], stars.decDeg[i])
    const rows = byCell.get(cell)
    if (rows) rows.push(i)
    else byCell.set(cell, [i])
  }
  return byCell
}

async function merge(
  store: ObjectStore,
  root: string,
  leaves: Partition[],
  added: Part[],
  survey: SurveyId,
): Promise<Merged> {
  const parts: Part[] = []
  for (const leaf of leaves) {
    const file = await openParquetObject(store, `${leafKey(root, leaf)}.parquet`)
    const old = fromParquetColumns(await readParquet(file), survey)
    parts.push({ stars: old, rows: Array.from({ length: old.count }, (_, i) => i) })
  }
  const all = combineStars([...parts, ...added], survey)
  const { cells, rows: order } = cellOrder(all)
  const read = added.reduce((sum, { rows }) => sum + rows.length, 0)
  return { read, stars: all, cells, order, replaced: all.count - order.length }
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

function withoutPositions({ title, columns }: Survey): Error {
  const { ra, dec } = columns
  return new Error(`no table has the columns of ${title}: ${ra.join(' or ')}, ${dec.join(' or ')}`)
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}
