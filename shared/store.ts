/**
 * Where products, raw frames and tiles live, seen by a stage: keys and bytes. A folder and memory implement it here
 * and in `shared/folder-store.ts`, S3 in `shared/aws/`.
 */
export interface ObjectStore {
  /** The whole object, in bytes that are the caller's own. @throws {CpcsError} ObjectMissing, StoreUnavailable */
  get(key: string): Promise<Uint8Array>
  /** Bytes [start, end) of the object. @throws {CpcsError} ObjectMissing, StoreUnavailable */
  range(key: string, start: number, end: number): Promise<Uint8Array>
  /** Its length in bytes, or undefined where there is no such object. @throws {CpcsError} StoreUnavailable */
  size(key: string): Promise<number | undefined>
  /** Write it whole or not at all. With `ifAbsent` an existing object is kept; returns whether it was written. */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean>
  /** Keys with the prefix, sorted. */
  list(prefix: string): Promise<string[]>
}

export interface PutOptions {
  contentType?: string
  ifAbsent?: boolean
}

/** What stages say while they work; structured, one line each. */
export interface Log {
  debug(message: string, details?: Record<string, unknown>): void
  info(message: string, details?: Record<string, unknown>): void
  warn(message: string, details?: Record<string, unknown>): void
}

/** A log that says nothing, for callers that do not listen. */
export const silent: Log = { debug() {}, info() {}, warn() {} }
