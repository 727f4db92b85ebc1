/** Version of the pipeline: enters every point and the key of every run, so that a new one supersedes openly. */
export const PIPELINE_VERSION = '0.1.0'

/** Whether version `a` is later than `b`: numbers are compared as numbers, 0.10.0 is later than 0.9.0. */
export function isNewerVersion(a: string, b: string): boolean {
  return a.localeCompare(b, 'en', { numeric: true }) > 0
}
