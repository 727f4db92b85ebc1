import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { ObjectStore } from '#shared/store.ts'
import { decodeEcsv } from './ecsv.ts'
import { openParquetObject, readParquet } from './parquet.ts'
import type { PublishedTable, Wanted } from './published-table.ts'
import { readTables } from './read-tables.ts'
import { decodeSeparatedValues } from './separated-values.ts'

/** Bytes that are read at once. */
const BLOCK = 4 * 2 ** 20
/** Characters of text, and rows of Parquet, that make one piece: about as many rows. */
const PIECE_CHARACTERS = 16 * 2 ** 20
const PIECE_ROWS = 100_000

/**
 * The tables of a file piece by piece, so that a large one takes no more memory than a small one: separated values and
 * ECSV (gzipped or not) line by line, Parquet by rows. Other formats of {@link readTables} are read whole.
 *
 * @throws {Error} the bytes are no table, or break off @throws {CpcsError} ObjectMissing, StoreUnavailable
 */
export async function* readTableChunks(
  store: ObjectStore,
  key: string,
  wanted: Wanted,
): AsyncGenerator<PublishedTable> {
  const head = await store.range(key, 0, 1024)
  const gzipped = head[0] === 0x1f && head[1] === 0x8b
  if (!gzipped && startsWith(head, 'PAR1')) return yield* parquetChunks(store, key, wanted)
  const bytes = () => blocks(store, key)
  const plain = gzipped ? () => Readable.from(bytes()).pipe(createGunzip()) : bytes
  const first = gzipped ? await firstOf(plain()) : head
  if (isText(first)) yield* textChunks(plain(), wanted)
  else yield* await readTables(await store.get(key), wanted)
}

async function* blocks(store: ObjectStore, key: string): AsyncGenerator<Uint8Array> {
  for (let start = 0; ; start += BLOCK) {
    const block = await store.range(key, start, start + BLOCK)
    if (block.length > 0) yield block
    if (block.length < BLOCK) return
  }
}

async function firstOf(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const block of source) return block
  return new Uint8Array(0)
}

/** Whether bytes begin a table of text that can be cut between lines. */
function isText(bytes: Uint8Array): boolean {
  const start = bytes.subarray(0, 1024)
  const text = new TextDecoder('latin1').decode(start)
  return !startsWith(bytes, 'PAR1') && !startsWith(bytes, 'SIMPLE  =') && !start.includes(0) && !/^\s*</.test(text)
}

function startsWith(bytes: Uint8Array, word: string): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(0, word.length)) === word
}

async function* parquetChunks(store: ObjectStore, key: string, wanted: Wanted): AsyncGenerator<PublishedTable> {
  const file = await openParquetObject(store, key)
  const rows = Number(file.metadata.num_rows)
  for (let start = 0; start === 0 || start < rows; start += PIECE_ROWS)
    yield await readParquet(file, wanted, start, Math.min(rows, start + PIECE_ROWS))
}

async function* textChunks(source: AsyncIterable<Uint8Array>, wanted: Wanted): AsyncGenerator<PublishedTable> {
  const decoder = new TextDecoder()
  let header: string | undefined
  let rest = ''
  for await (const block of source) {
    rest += decoder.decode(block, { stream: true })
    if (header === undefined) {
      const end = headerEnd(rest)
      if (end === undefined) continue
      header = rest.slice(0, end)
      rest = rest.slice(end)
    }
    if (rest.length < PIECE_CHARACTERS) continue
    const cut = lastLineEnd(rest)
    if (cut === undefined) continue
    yield decodeText(header + rest.slice(0, cut), wanted)
    rest = rest.slice(cut)
  }
  yield decodeText((header ?? '') + rest + decoder.decode(), wanted)
}

function decodeText(text: string, wanted: Wanted): PublishedTable {
  return /^\s*# %ECSV/.test(text) ? decodeEcsv(text, wanted) : decodeSeparatedValues(text, wanted)
}

/** Where the line of names ends, behind comments and empty lines; undefined where it has not come yet. */
function headerEnd(text: string): number | undefined {
  for (let start = 0; ; ) {
    const end = text.indexOf('\n', start)
    if (end < 0) return undefined
    const line = text.slice(start, end).trim()
    if (line !== '' && !line.startsWith('#')) return end + 1
    start = end + 1
  }
}

/** Behind the last line end that is not within quotes; undefined where every one is. */
function lastLineEnd(text: string): number | undefined {
  for (let end = text.lastIndexOf('\n'); end > 0; end = text.lastIndexOf('\n', end - 1)) {
    let quotes = 0
    for (let at = text.indexOf('"'); at >= 0 && at < end; at = text.indexOf('"', at + 1)) quotes++
    if (quotes % 2 === 0) return end + 1
  }
  return undefined
}
