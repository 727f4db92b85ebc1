import { gunzipSync } from 'node:zlib'
import { CpcsError } from '#shared/errors.ts'
import { decodeTable } from '#shared/fits/table.ts'
import { decodeEcsv } from './ecsv.ts'
import { openParquetBytes, readParquet } from './parquet.ts'
import type { PublishedTable, Wanted } from './published-table.ts'
import { decodeSeparatedValues } from './separated-values.ts'
import { decodeVotable } from './votable.ts'

/**
 * Read the tables of a file, whichever format its bytes are in: Parquet, FITS, VOTable, ECSV or separated values;
 * gzipped ones too.
 *
 * @param wanted which columns to keep
 * @throws {Error} the bytes are none of them, or break off
 */
export async function readTables(bytes: Uint8Array, wanted: Wanted = () => true): Promise<PublishedTable[]> {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return readTables(gunzipSync(bytes), wanted)
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 1024))
  if (start.startsWith('PAR1')) return [await readParquet(await openParquetBytes(bytes), wanted)]
  if (start.startsWith('SIMPLE  =')) return [fitsTable(bytes, wanted)]
  const text = new TextDecoder().decode(bytes)
  if (/^\s*(<\?xml|<(\w+:)?VOTABLE)/.test(start)) return decodeVotable(text, wanted)
  if (/^\s*# %ECSV/.test(start)) return [decodeEcsv(text, wanted)]
  if (start.includes('\0')) throw new Error('the file is no Parquet, FITS, VOTable, ECSV or CSV table')
  return [decodeSeparatedValues(text, wanted)]
}

function fitsTable(bytes: Uint8Array, wanted: Wanted): PublishedTable {
  const columns = columnsOf(bytes)
  const kept = new Map([...columns].filter(([name]) => wanted(name)))
  return { count: columns.values().next().value?.length ?? 0, columns: kept }
}

function columnsOf(bytes: Uint8Array): PublishedTable['columns'] {
  try {
    return decodeTable(bytes).columns
  } catch (error) {
    // its own sentence is one for frames
    if (error instanceof CpcsError && error.name === 'NoImage') throw new Error('the FITS file holds no table')
    throw error
  }
}
