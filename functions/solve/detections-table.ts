import { encodeTables, type FitsColumn } from '#shared/fits/table.ts'
import type { CoarseMap } from '#shared/image/coarse-map.ts'
import type { Detections } from '#shared/image/frame.ts'
import { inPixelUnit } from '#shared/numeric/table.ts'

const DETECTION_COLUMNS: Record<keyof Detections, { unit: string; description: string }> = {
  x: { unit: 'pix', description: 'Position along the rows, FITS convention: the first pixel has its centre at 1' },
  y: { unit: 'pix', description: 'Position along the columns, FITS convention' },
  xErr: { unit: 'pix', description: 'Error of x, 1 sigma' },
  yErr: { unit: 'pix', description: 'Error of y, 1 sigma' },
  flux: { unit: 'adu', description: 'Flux by the matched filter' },
  fluxErr: { unit: 'adu', description: 'Error of flux, 1 sigma' },
  peak: { unit: 'adu', description: 'Highest pixel above the sky' },
  significance: { unit: '', description: 'Significance of the matched filter at the peak, sigma' },
  fwhm: { unit: 'pix', description: 'Full width at half maximum, from windowed moments' },
  elongation: { unit: '', description: 'Major over minor axis' },
  flags: { unit: '', description: 'Quality flags, bits of the flag table' },
}

/**
 * `detections.fits`: one row per source, positions in the FITS convention; and as table SKY the mesh of the sky they stand
 * on, so that nobody has to measure that again.
 *
 * @param pixelUnit unit of the frame's pixels, which is that of fluxes and sky; null where nobody tells it
 */
export function encodeDetections(detections: Detections, sky: CoarseMap, pixelUnit?: string | null): Uint8Array {
  const columns: FitsColumn[] = (Object.keys(DETECTION_COLUMNS) as (keyof Detections)[]).map(name => ({
    name,
    ...DETECTION_COLUMNS[name],
    data: name === 'x' || name === 'y' ? detections[name].map(value => value + 1) : detections[name],
  }))
  const level: FitsColumn = {
    name: 'level',
    unit: 'adu',
    description: 'Sky at the centre of the cell, cells row by row from the first pixel',
    data: sky.grid,
  }
  const cards = [
    { keyword: 'CELLSX', value: sky.columns, comment: 'cells along the rows' },
    { keyword: 'CELLSY', value: sky.rows, comment: 'cells along the columns' },
  ]
  return encodeTables([
    { name: 'DETECTIONS', columns: inPixelUnit(columns, pixelUnit) },
    { name: 'SKY', columns: inPixelUnit([level], pixelUnit), cards },
  ])
}
