import { CpcsError } from '#shared/errors.ts'
import { decodeTable } from '#shared/fits/table.ts'
import { CoarseMap } from '#shared/image/coarse-map.ts'
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

/**
 * The sky that the solve stage measured before it detected, on a frame of the given size, pixel.
 *
 * @throws {CpcsError} ContractBroken where the file has no sky, or no whole one; NoImage where it has no table of it
 */
export function readSky(bytes: Uint8Array, width: number, height: number): CoarseMap {
  const { header, columns } = decodeTable(bytes, 'SKY')
  const grid = columns.get('level')
  const across = header.number('CELLSX') ?? 0
  const up = header.number('CELLSY') ?? 0
  if (!(grid instanceof Float64Array) || grid.length === 0 || grid.length !== across * up) {
    throw new CpcsError('ContractBroken', { side: 'input', found: 'the sky under the detections is not whole' })
  }
  return new CoarseMap(grid, across, up, width, height)
}
