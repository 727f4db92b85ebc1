import { createHash } from 'node:crypto'
import { CpcsError } from '#shared/errors.ts'
import { healpix29 } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'
import { tileRecord } from './fetched-tiles.ts'
import { inWords, OWN_COLUMNS, overlaps, type Partition, partitionOf } from './hats.ts'
import { anotherSurvey, type HatsCatalogue, leafFiles, openHats } from './hats-catalogue.ts'
import { openParquetBytes, readParquet } from './parquet.ts'
import { asNumbers, findColumn } from './published-table.ts'
import type { SurveyId } from './reference.ts'

export interface Verification {
  leaves: number
  rows: number
  /** What is wrong, one sentence each, with the key of the object. */
  faults: string[]
}

/**
 * Check a HATS catalogue: its leaves are there, disjoint and no others are; their rows are as many as they are said to
 * be, in order of their cells, within their leaf, at the places that the cells say; and the bytes are those that were
 * written, where their digest is kept. Reads every leaf.
 *
 * @param prefix of the catalogue, ending in '/'
 * @param survey that it should be of, where that is known
 * @param progress told how many of all leaves are done
 * @returns undefined where there is no catalogue
 * @throws {CpcsError} StoreUnavailable
 */
export async function verifyCatalogue(
  store: ObjectStore,
  prefix: string,
  progress: (done: number, all: number) => void = () => {},
  survey?: SurveyId,
): Promise<Verification | undefined> {
  const catalogue = await openHats(store, prefix).catch((error: Error) => {
    if (error instanceof CpcsError) throw error
    return error
  })
  if (!catalogue) {
    const leaves = (await store.list(`${prefix}dataset/`)).filter(partitionOf)
    if (leaves.length === 0) return undefined
    return {
      leaves: 0,
      rows: 0,
      faults: [`${prefix} holds ${leaves.length} leaves and no hats.properties: no reader knows it as a catalogue`],
    }
  }
  if (catalogue instanceof Error) return { leaves: 0, rows: 0, faults: [`${prefix}${catalogue.message}`] }
  const verification: Verification = { leaves: 0, rows: 0, faults: [...overlaps(catalogue.partitions)] }
  const { faults } = verification
  const strange = survey && anotherSurvey(catalogue.properties, survey)
  if (strange !== undefined) faults.push(`${prefix}: ${strange}`)
  const expected = new Set<string>()
  for (const leaf of catalogue.partitions) {
    const files = await leafFiles(store, catalogue, leaf).catch((error: Error) => {
      if (!(error instanceof CpcsError && error.name === 'ObjectMissing')) throw error
      faults.push(error.message)
      return []
    })
    for (const key of files) expected.add(key)
    const rows = await verifyLeaf(store, catalogue, leaf, files, faults)
    verification.rows += rows
    verification.leaves++
    progress(verification.leaves, catalogue.partitions.length)
  }
  faults.push(...(await strays(store, catalogue, expected)))
  const told = catalogue.properties.get('hats_nrows')
  if (told !== undefined && Number(told) !== verification.rows)
    faults.push(`${catalogue.prefix}hats.properties tells ${told} rows, the leaves hold ${verification.rows}`)
  return verification
}

/** Files that no leaf of the catalogue explains. Fetched tiles without rows are leaves of no catalogue, and rightly so. */
async function strays(store: ObjectStore, { prefix }: HatsCatalogue, expected: Set<string>): Promise<string[]> {
  const faults: string[] = []
  for (const key of await store.list(`${prefix}dataset/`)) {
    if (expected.has(key) || !partitionOf(key) || !key.endsWith('.parquet')) continue
    const { file, fault } = await openLeaf(store, key)
    if (!file) faults.push(`${key}: ${fault}`)
    else if (Number(file.metadata.num_rows) > 0)
      faults.push(`${key} is in no list of leaves: nobody reads it${tileRecord(file) ? ' but by its name' : ''}`)
  }
  return faults
}

async function openLeaf(store: ObjectStore, key: string) {
  const bytes = await store.get(key)
  try {
    return { bytes, file: await openParquetBytes(bytes) }
  } catch (error) {
    return { bytes, fault: `cannot be read as Parquet: ${(error as Error).message}` }
  }
}

async function verifyLeaf(
  store: ObjectStore,
  catalogue: HatsCatalogue,
  leaf: Partition,
  files: string[],
  faults: string[],
): Promise<number> {
  let rows = 0
  for (const key of files) {
    if ((await store.size(key)) === undefined) {
      faults.push(`${key} is missing`)
      continue
    }
    const { bytes, file, fault } = await openLeaf(store, key)
    if (leaf.sha256 && createHash('sha256').update(bytes).digest('hex') !== leaf.sha256)
      faults.push(`${key} is not as it was written: its digest is another`)
    if (!file) {
      faults.push(`${key}: ${fault}`)
      continue
    }
    rows += Number(file.metadata.num_rows)
    const record = tileRecord(file)
    if (record && record.rows !== Number(file.metadata.num_rows))
      faults.push(`${key} has ${file.metadata.num_rows} rows, ${record.rows} were fetched`)
    try {
      const fault = await rowFault(await readParquet(file, wanted(catalogue)), catalogue, leaf)
      if (fault) faults.push(`${key}: ${fault}`)
    } catch (error) {
      faults.push(`${key}: its rows cannot be read: ${(error as Error).message}`)
    }
  }
  if (leaf.rows !== undefined && leaf.rows !== rows)
    faults.push(`the leaf ${inWords(leaf)} holds ${rows} rows, partition_info.csv tells ${leaf.rows}`)
  return rows
}

function columnsOf({ properties }: HatsCatalogue) {
  return {
    healpix: properties.get('hats_col_healpix') ?? '_healpix_29',
    order: Number(properties.get('hats_col_healpix_order') ?? 29),
    ra: properties.get('hats_col_ra') ?? 'ra',
    dec: properties.get('hats_col_dec') ?? 'dec',
    own: properties.has(OWN_COLUMNS),
  }
}

function wanted(catalogue: HatsCatalogue) {
  const { healpix, ra, dec } = columnsOf(catalogue)
  return (name: string) => name === healpix || name === ra || name === dec
}

/** The first thing that is wrong with the rows of a leaf, in words. */
async function rowFault(
  table: Awaited<ReturnType<typeof readParquet>>,
  catalogue: HatsCatalogue,
  leaf: Partition,
): Promise<string | undefined> {
  const { healpix, order, ra, dec } = columnsOf(catalogue)
  const cells = findColumn(table, [healpix])
  if (!(cells instanceof BigInt64Array)) return `no column ${healpix} of 64-bit integers`
  const [raColumn, decColumn] = [findColumn(table, [ra]), findColumn(table, [dec])]
  const [raDeg, decDeg] = [raColumn && asNumbers(raColumn), decColumn && asNumbers(decColumn)]
  const inLeaf = BigInt(2 * (order - leaf.order))
  const isMargin = catalogue.properties.get('dataproduct_type') === 'margin'
  for (let i = 0; i < cells.length; i++) {
    if (i > 0 && cells[i] < cells[i - 1]) return `row ${i} is out of order: its cell comes before that of row ${i - 1}`
    if (!isMargin && cells[i] >> inLeaf !== BigInt(leaf.cell)) return `row ${i} lies outside the leaf`
    if (raDeg && decDeg && order === 29 && healpix29(raDeg[i], decDeg[i]) !== cells[i])
      return `row ${i} is not where its cell says`
  }
  return undefined
}
