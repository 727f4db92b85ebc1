import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetScan } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { Column } from '#shared/numeric/table.ts'
import type { ObjectStore } from '#shared/store.ts'
import type { PublishedTable, Wanted } from './published-table.ts'

/** Objects up to this size are fetched whole: one request is cheaper than several. */
const WHOLE_BYTES = 2 * 2 ** 20
/** Bytes from the end of an object that hold the footer of most; of larger ones the rest is asked for. */
const FOOTER_BYTES = 64 * 2 ** 10

/** A Parquet file opened for reading. */
export interface ParquetFile {
  buffer: AsyncBuffer
  metadata: FileMetaData
}

/** Open a Parquet file in memory. */
export async function openParquetBytes(bytes: Uint8Array): Promise<ParquetFile> {
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  return { buffer: copy, metadata: await parquetMetadataAsync(copy) }
}

/**
 * Open a Parquet object: small ones whole, large ones by range requests.
 *
 * @throws {CpcsError} ObjectMissing, StoreUnavailable
 */
export async function openParquetObject(store: ObjectStore, key: string): Promise<ParquetFile> {
  const byteLength = await store.size(key)
  if (byteLength === undefined || byteLength <= WHOLE_BYTES) return openParquetBytes(await store.get(key))
  const buffer: AsyncBuffer = {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = await store.range(key, start, end)
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
    },
  }
  return { buffer, metadata: await parquetMetadataAsync(buffer, { initialFetchSize: FOOTER_BYTES }) }
}

/**
 * The same file with the bytes of one row group at hand, fetched in one request instead of one per column.
 *
 * @throws {CpcsError} ObjectMissing, StoreUnavailable
 */
export async function withRowGroup(file: ParquetFile, group: number): Promise<ParquetFile> {
  const { buffer, metadata } = file
  if (buffer instanceof ArrayBuffer) return file
  let [first, last] = [Number.POSITIVE_INFINITY, 0]
  for (const { meta_data: chunk } of metadata.row_groups[group].columns) {
    if (!chunk) return file // kept in another file
    const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)
    first = Math.min(first, start)
    last = Math.max(last, start + Number(chunk.total_compressed_size))
  }
  const bytes = await buffer.slice(first, last)
  const slice = (start: number, end?: number) =>
    start >= first && end !== undefined && end <= last
      ? bytes.slice(start - first, end - first)
      : buffer.slice(start, end)
  return { metadata, buffer: { byteLength: buffer.byteLength, slice } }
}

/** Names of the columns that hold one plain value per row. */
export function plainColumns({ metadata }: ParquetFile): string[] {
  const [root, ...elements] = metadata.schema
  const names: string[] = []
  let at = 0
  for (let i = 0; i < (root.num_children ?? 0); i++) {
    const element = elements[at]
    if (!element.num_children && element.repetition_type !== 'REPEATED') names.push(element.name)
    at += subtreeSize(elements, at)
  }
  return names
}

function subtreeSize(elements: { num_children?: number }[], at: number): number {
  let size = 1
  for (let child = 0; child < (elements[at].num_children ?? 0); child++) size += subtreeSize(elements, at + size)
  return size
}

/** Read rows [rowStart, rowEnd) of the wanted plain columns; nulls become NaN, 0 (64-bit integers) or ''. */
export async function readParquet(
  file: ParquetFile,
  wanted: Wanted = () => true,
  rowStart = 0,
  rowEnd = Number(file.metadata.num_rows),
): Promise<PublishedTable> {
  const names = plainColumns(file).filter(wanted)
  const columns = new Map<string, Column>()
  const count = rowEnd - rowStart
  if (count > 0 && names.length > 0) {
    const scan = await parquetScan({
      file: file.buffer,
      metadata: file.metadata,
      columns: names,
      compressors,
      rowStart,
      rowEnd,
    })
    for (const name of names) {
      const pieces: Column[] = []
      for (const range of scan.ranges) pieces.push(typed(await scan.readColumn({ column: name, ...range })))
      columns.set(name, pieces.length === 1 ? pieces[0] : joined(pieces))
    }
  } else for (const name of names) columns.set(name, new Float64Array(0))
  return { count, columns }
}

function typed(data: ArrayLike<unknown>): Column {
  if (
    data instanceof Float64Array ||
    data instanceof Float32Array ||
    data instanceof Int32Array ||
    data instanceof Uint32Array ||
    data instanceof BigInt64Array
  )
    return data
  if (data instanceof BigUint64Array) return BigInt64Array.from(data)
  const values = Array.from(data)
  const sample = values.find(value => value !== null && value !== undefined)
  if (typeof sample === 'number' || sample === undefined)
    return Float64Array.from(values, value => (typeof value === 'number' ? value : Number.NaN))
  if (typeof sample === 'bigint') return BigInt64Array.from(values, value => (typeof value === 'bigint' ? value : 0n))
  return values.map(value => (value === null || value === undefined ? '' : String(value)))
}

function joined(pieces: Column[]): Column {
  if (pieces.every(piece => piece instanceof BigInt64Array))
    return BigInt64Array.from(pieces.flatMap(piece => Array.from(piece)))
  if (pieces.some(Array.isArray)) return pieces.flatMap(piece => Array.from(piece as Float64Array, String))
  return Float64Array.from(pieces.flatMap(piece => Array.from(piece as Float64Array, Number)))
}

export interface ParquetColumn {
  name: string
  data: Column
  /** Keep the smallest and largest value of each row group, by which readers skip groups. */
  statistics?: boolean
}

/**
 * Write columns as Parquet, no nulls, snappy; the same columns give the same bytes.
 *
 * @param notes kept in the footer
 */
export function encodeParquet(
  columns: ParquetColumn[],
  rowGroupSize: number,
  notes: Record<string, string> = {},
): Uint8Array {
  const columnData = columns.map(({ name, data, statistics = false }) => ({
    name,
    data,
    type: basicType(data),
    nullable: false,
    statistics,
  }))
  const entries = Object.entries(notes).map(([key, value]) => ({ key, value }))
  // an empty list is written in a way that other readers refuse
  const kvMetadata = entries.length > 0 ? entries : undefined
  const bytes = new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize, kvMetadata, createdBy: 'cpcs' }))
  if (columns[0]?.data.length === 0) nameEmptyList(bytes)
  return bytes
}

/**
 * Say in the footer of a file without rows that its list of row groups is one of structures. The writer guesses the
 * type of a list from its first element (Thrift, compact protocol) and leaves that of an empty one open, which the
 * readers of Apache Arrow refuse.
 */
function nameEmptyList(bytes: Uint8Array): void {
  const noRowsNoGroups = Buffer.from([0x16, 0x00, 0x19, 0x00])
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf(noRowsNoGroups)
  if (at < 0) throw new Error('the footer of a file without rows is not as the writer wrote it before')
  bytes[at + 3] = 0x0c
}

function basicType(data: Column): 'STRING' | 'INT64' | 'INT32' | 'FLOAT' | 'DOUBLE' {
  if (Array.isArray(data)) return 'STRING'
  if (data instanceof BigInt64Array) return 'INT64'
  if (data instanceof Float32Array) return 'FLOAT'
  return data instanceof Float64Array ? 'DOUBLE' : 'INT32'
}
