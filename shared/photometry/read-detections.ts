import { CpcsError } from '#shared/errors.ts'
import { decodeTable } from '#shared/fits/table.ts'
import type { Detections } from '#shared/image/frame.ts'

const columns: readonly (keyof Detections)[] = [
  'x',
  'y',
  'xErr',
  'yErr',
  'flux',
  'fluxErr',
  'peak',
  'significance',
  'fwhm',
  'elongation',
  'flags',
]

/**
 * The detections that the solve stage left, positions 0-based pixel (the file has the FITS convention).
 *
 * @throws {CpcsError} ContractBroken where a column is missing
 */
export function readDetections(bytes: Uint8Array): Detections {
  const table = decodeTable(bytes)
  const detections: Record<string, Float64Array | Int32Array> = {}
  for (const name of columns) {
    const column = table.columns.get(name)
    if (!column || Array.isArray(column)) {
      throw new CpcsError('ContractBroken', { side: 'input', found: `the detections have no column ${name}` })
    }
    const shift = name === 'x' || name === 'y' ? 1 : 0
    const values = Float64Array.from(column as Float64Array, value => value - shift)
    detections[name] = name === 'flags' ? Int32Array.from(values) : values
  }
  return detections as Detections
}
