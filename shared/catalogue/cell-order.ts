import { healpix29 } from '#shared/sky/healpix.ts'
import type { StarColumns } from './reference-columns.ts'

/** Stars in the order of HATS rows. */
export interface CellOrder {
  /** Cell of order 29 of each star, in the order in which they came. */
  cells: BigInt64Array
  /** Rows by cell, then identity; of several of one identity the last to come. */
  rows: number[]
}

/** The order in which stars are written: the same stars give the same bytes, whatever the order they came in. */
export function cellOrder({ count, id, raDeg, decDeg }: StarColumns): CellOrder {
  const newest = new Map<string, number>()
  for (let i = 0; i < count; i++) newest.set(id[i], i)
  const cells = new BigInt64Array(count)
  for (let i = 0; i < count; i++) cells[i] = healpix29(raDeg[i], decDeg[i])
  const rows = [...newest.values()].sort((a, b) =>
    cells[a] !== cells[b] ? (cells[a] < cells[b] ? -1 : 1) : id[a] < id[b] ? -1 : 1,
  )
  return { cells, rows }
}
