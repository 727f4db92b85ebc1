import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { CompressionCodec } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { random } from '#shared/numeric/random.ts'
import { healpix29 } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'
import type { Published } from './sky-server.ts'

export interface HatsOptions {
  /** '/' makes a directory of every leaf, its rows in two files. */
  suffix?: '.parquet' | '/'
  codec?: CompressionCodec
  order?: number
  rowGroup?: number
  /** Bytes of noise in a column that nobody wants, per row, so that the file is large. */
  padding?: number
  without?: string[]
}

/** Write a published table as HATS, as archives do: columns as published, rows sorted by cell, with a nested column. */
export async function writePublishedHats(
  store: ObjectStore,
  prefix: string,
  { ra, dec, columns }: Published,
  { suffix = '.parquet', codec = 'SNAPPY', order = 4, rowGroup = 50, padding = 0, without = [] }: HatsOptions,
): Promise<void> {
  const cells = columns[ra].map((value, i) => healpix29(Number(value), Number(columns[dec][i])))
  const sorted = [...cells.keys()].sort((a, b) => (cells[a] < cells[b] ? -1 : 1))
  const leafOf = (row: number) => Number(cells[row] >> BigInt(2 * (29 - order)))
  const leaves = [...new Set(sorted.map(leafOf))]
  const encode = (rows: number[]) =>
    new Uint8Array(
      parquetWriteBuffer({
        codec,
        compressors: {
          ZSTD: bytes => zstdCompressSync(bytes),
          GZIP: bytes => gzipSync(bytes),
          BROTLI: bytes => brotliCompressSync(bytes),
        },
        rowGroupSize: rowGroup,
        columnData: [
          { name: '_healpix_29', data: BigInt64Array.from(rows, row => cells[row]), type: 'INT64' },
          ...Object.entries(columns)
            .filter(([name]) => !without.includes(name))
            .map(([name, values]) => ({
              name,
              data: rows.map(row => values[row]),
              type: typeof values[0] === 'number' ? ('DOUBLE' as const) : ('STRING' as const),
            })),
          ...(padding > 0
            ? [{ name: 'noise', data: rows.map(row => noise(row, padding)), type: 'STRING' as const }]
            : []),
        ],
      }),
    )
  for (const leaf of leaves) {
    const rows = sorted.filter(row => leafOf(row) === leaf)
    const key = `${prefix}dataset/Norder=${order}/Dir=${Math.floor(leaf / 10000) * 10000}/Npix=${leaf}`
    if (suffix === '.parquet') await store.put(`${key}.parquet`, encode(rows))
    else {
      const half = Math.ceil(rows.length / 2)
      await store.put(`${key}/part0.parquet`, encode(rows.slice(0, half)))
      await store.put(`${key}/part1.parquet`, encode(rows.slice(half)))
      await store.put(`${key}/_SUCCESS`, new Uint8Array(0))
    }
  }
  const properties = [
    '#HATS catalog',
    'obs_collection=published',
    'dataproduct_type=object',
    `hats_nrows=${sorted.length}`,
    `hats_col_ra=${ra}`,
    `hats_col_dec=${dec}`,
    'hats_col_healpix=_healpix_29',
    'hats_col_healpix_order=29',
    `hats_npix_suffix=${suffix}`,
    'hats_creation_date=2025-10-06T14:36UTC',
  ]
  const info = ['Norder,Npix', ...leaves.map(leaf => `${order},${leaf}`)]
  await store.put(`${prefix}hats.properties`, new TextEncoder().encode(`${properties.join('\n')}\n`))
  await store.put(`${prefix}partition_info.csv`, new TextEncoder().encode(`${info.join('\n')}\n`))
}

/** Text that does not compress: a piece of a longer one. */
function noise(row: number, length: number): string {
  const start = (row * 7919) % (NOISE.length - length)
  return NOISE.slice(start, start + length)
}

const NOISE = longNoise(2 ** 20)

function longNoise(length: number): string {
  const draw = random('noise')
  const bytes = Uint8Array.from({ length: 0.75 * length }, () => draw.integer(256))
  return Buffer.from(bytes).toString('base64')
}
