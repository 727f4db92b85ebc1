import { createHash } from 'node:crypto'
import { CpcsError } from '#shared/errors.ts'
import type { ObjectStore } from '#shared/store.ts'

/** A leaf of a HATS catalogue: a HEALPix cell whose rows are in one Parquet file. */
export interface Partition {
  order: number
  cell: number
  /** Number of rows and SHA-256 of the file, where the catalogue tells them (ours do). */
  rows?: number
  sha256?: string
}

/** Property that marks catalogues whose columns are ours (`reference-columns.ts`), not as published. */
export const OWN_COLUMNS = 'cpcs_columns'

/**
 * Read `hats.properties`, following a collection to its primary catalogue.
 *
 * @param prefix ending in '/'
 * @returns undefined where there is no catalogue
 * @throws {CpcsError} StoreUnavailable
 */
export async function readHatsProperties(
  store: ObjectStore,
  prefix: string,
): Promise<{ prefix: string; text: string } | undefined> {
  for (const name of ['hats.properties', 'properties']) {
    const text = await textOf(store, `${prefix}${name}`)
    if (text !== undefined) return { prefix, text }
  }
  const collection = await textOf(store, `${prefix}collection.properties`)
  const primary = collection && parseProperties(collection).get('hats_primary_table_url')
  if (!primary || primary.includes(':')) return undefined
  return readHatsProperties(store, `${prefix}${primary}/`)
}

/**
 * The leaves of a catalogue: those of `partition_info.csv`, or where there is none the files below `dataset/`.
 *
 * @throws {CpcsError} ObjectMissing neither is there; StoreUnavailable
 */
export async function readPartitions(store: ObjectStore, prefix: string): Promise<Partition[]> {
  const text = await textOf(store, `${prefix}partition_info.csv`)
  if (text !== undefined) return parsePartitions(text)
  const leaves = new Map<string, Partition>()
  for (const key of await store.list(`${prefix}dataset/`)) {
    const leaf = partitionOf(key)
    if (leaf) leaves.set(`${leaf.order}/${leaf.cell}`, leaf)
  }
  if (leaves.size === 0) throw new CpcsError('ObjectMissing', { key: `${prefix}partition_info.csv` })
  return inSkyOrder([...leaves.values()])
}

/** The leaf that a key belongs to, by its folders. */
export function partitionOf(key: string): Partition | undefined {
  const found = /\/Norder=(\d+)\/Dir=\d+\/Npix=(\d+)(\.|\/|$)/.exec(key)
  return found ? { order: Number(found[1]), cell: Number(found[2]) } : undefined
}

/**
 * Read the text of `partition_info.csv`; columns other than ours are passed over.
 *
 * @throws {Error} it names no leaves by order and cell: such a list is damaged, and the sky not empty
 */
export function parsePartitions(text: string): Partition[] {
  const [header = '', ...lines] = text.split(/\r?\n/).filter(line => line.trim() !== '')
  const names = header.split(',').map(name => name.trim())
  const place = (name: string) => names.indexOf(name)
  const [order, cell, rows, sha256] = ['Norder', 'Npix', 'num_rows', 'sha256'].map(place)
  if (order < 0 || cell < 0) throw new Error('partition_info.csv has no columns Norder and Npix')
  return lines.map(line => {
    const values = line.split(',')
    const [level, inside] = [Number(values[order]), Number(values[cell])]
    if (!(Number.isInteger(level) && level >= 0 && Number.isInteger(inside) && inside >= 0 && inside < 12 * 4 ** level))
      throw new Error(`partition_info.csv names no leaf in the line ${line}`)
    return {
      order: level,
      cell: inside,
      ...(rows >= 0 ? { rows: Number(values[rows]) } : {}),
      ...(sha256 >= 0 ? { sha256: values[sha256].trim() } : {}),
    }
  })
}

/** Parse Java-style properties: `key=value` lines, '#' comments. */
export function parseProperties(text: string): Map<string, string> {
  return new Map(
    text
      .split(/\r?\n/)
      .filter(line => line.includes('=') && !line.startsWith('#'))
      .map(line => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1).trim()]),
  )
}

/** Key of a leaf below the catalogue's prefix, without the suffix of `hats_npix_suffix`. */
export function leafKey(prefix: string, { order, cell }: { order: number; cell: number }): string {
  return `${prefix}dataset/Norder=${order}/Dir=${Math.floor(cell / 10000) * 10000}/Npix=${cell}`
}

/** Whether one of two cells holds the other. */
export function overlap(a: Partition, b: Partition): boolean {
  const [wide, narrow] = a.order <= b.order ? [a, b] : [b, a]
  return Math.floor(narrow.cell / 4 ** (narrow.order - wide.order)) === wide.cell
}

/** Which leaves overlap, one sentence each. */
export function* overlaps(partitions: Partition[]): Generator<string> {
  const sorted = inSkyOrder(partitions)
  for (let i = 1; i < sorted.length; i++)
    if (overlap(sorted[i - 1], sorted[i]))
      yield `the leaves ${inWords(sorted[i - 1])} and ${inWords(sorted[i])} overlap`
}

/** A leaf's place as messages name it: its HEALPix order and cell. */
export function inWords({ order, cell }: Partition): string {
  return `Norder=${order} Npix=${cell}`
}

/** `partition_info.csv` of a catalogue of ours, leaves in order of the sky. */
export function encodePartitions(partitions: Partition[]): string {
  const lines = inSkyOrder(partitions).map(({ order, cell, rows, sha256 }) => `${order},${cell},${rows},${sha256}`)
  return ['Norder,Npix,num_rows,sha256', ...lines].join('\n') + '\n'
}

/**
 * `hats.properties` of a catalogue of ours. No date in it: the same rows give the same bytes.
 *
 * @param maxRows of a leaf, where one with more was split
 */
export function encodeProperties(survey: string, partitions: Partition[], maxRows?: number): string {
  const more = maxRows === undefined ? [] : [`hats_max_rows=${maxRows}`]
  return properties(survey, 'object', partitions, more)
}

/** `hats.properties` of the margin of a catalogue of ours. @param arcsec how far outside of its leaf a star may lie */
export function encodeMarginProperties(survey: string, partitions: Partition[], arcsec: number): string {
  const more = [`hats_primary_table_url=${survey}`, `hats_margin_threshold=${arcsec}`]
  return properties(`${survey}_margin_${arcsec}arcs`, 'margin', partitions, more)
}

function properties(name: string, type: 'object' | 'margin', partitions: Partition[], more: string[]): string {
  const rows = partitions.reduce((sum, partition) => sum + (partition.rows ?? 0), 0)
  const order = partitions.reduce((most, partition) => Math.max(most, partition.order), 0)
  const fraction = partitions.reduce((sum, partition) => sum + 1 / (12 * 4 ** partition.order), 0)
  const lines = [
    '#HATS catalog',
    `obs_collection=${name}`,
    `dataproduct_type=${type}`,
    `hats_nrows=${rows}`,
    'hats_col_ra=ra',
    'hats_col_dec=dec',
    'hats_col_healpix=_healpix_29',
    'hats_col_healpix_order=29',
    'hats_npix_suffix=.parquet',
    `hats_order=${order}`,
    ...more,
    `moc_sky_fraction=${fraction.toFixed(5)}`,
    'hats_builder=cpcs',
    'hats_version=v1.0',
    `${OWN_COLUMNS}=1`,
    `cpcs_partitions=${createHash('sha256').update(encodePartitions(partitions)).digest('hex')}`,
  ]
  return `${lines.join('\n')}\n`
}

/** Leaves in order of the sky; a leaf of another order goes where its first cell is. */
export function inSkyOrder(partitions: Partition[]): Partition[] {
  // cells of different orders compare by where they start at the deepest order
  const start = ({ order, cell }: Partition) => cell * 4 ** (24 - order)
  return [...partitions].sort((a, b) => start(a) - start(b) || a.order - b.order)
}

/** An object's text, undefined where there is no such object. @throws {CpcsError} StoreUnavailable */
export async function textOf(store: ObjectStore, key: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await store.get(key))
  } catch (error) {
    if (error instanceof CpcsError && error.name === 'ObjectMissing') return undefined
    throw error
  }
}
