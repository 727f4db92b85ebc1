import { tableFromIPC } from 'apache-arrow'
import { readParquet } from 'parquet-wasm'

/** A Parquet file read by the reader of Apache Arrow in Rust, which shares no code with ours: columns by name. */
export function readByArrow(bytes: Uint8Array): { count: number; columns: Map<string, unknown[]> } {
  const table = tableFromIPC(readParquet(bytes).intoIPCStream())
  const columns = new Map(table.schema.fields.map(({ name }) => [name, [...(table.getChild(name) ?? [])]]))
  return { count: table.numRows, columns }
}
