import type { ColumnDescription } from '#shared/numeric/table.ts'

/**
 * The catalogue of a frame in memory, one column per quantity. Positions 0-based pixel; angles ICRS at the frame's
 * epoch. Magnitudes are −2.5 log10(flux/ADU), no exposure term; NaN where the flux is not positive.
 * `mag`, `magErr` and `sourceId` are filled by the calibrate stage (NaN, 0n before).
 */
export type StarCatalogue = {
  id: Int32Array
  x: Float64Array
  y: Float64Array
  raDeg: Float64Array
  decDeg: Float64Array
  raErrMas: Float64Array
  decErrMas: Float64Array
  flux: Float64Array
  fluxErr: Float64Array
  magInst: Float64Array
  magInstErr: Float64Array
  magAper: Float64Array
  magAperErr: Float64Array
  mag: Float64Array
  magErr: Float64Array
  chi: Float64Array
  sharp: Float64Array
  sky: Float64Array
  flags: Int32Array
  sourceId: BigInt64Array
}

/** Names, units and descriptions of the catalogue's columns as files carry them (x, y there in the FITS convention). */
export const starColumns: Record<keyof StarCatalogue, ColumnDescription> = {
  id: { name: 'id', unit: '', description: 'Number of the star in this frame, brightest first' },
  x: {
    name: 'x',
    unit: 'pix',
    description: 'Position along the rows, FITS convention: the first pixel has its centre at 1',
  },
  y: { name: 'y', unit: 'pix', description: 'Position along the columns, FITS convention' },
  raDeg: { name: 'ra', unit: 'deg', description: 'Right ascension, ICRS, at the epoch of the frame' },
  decDeg: { name: 'dec', unit: 'deg', description: 'Declination, ICRS, at the epoch of the frame' },
  raErrMas: { name: 'ra_err', unit: 'mas', description: 'Error of ra times cos(dec), 1 sigma' },
  decErrMas: { name: 'dec_err', unit: 'mas', description: 'Error of dec, 1 sigma' },
  flux: { name: 'flux', unit: 'adu', description: 'PSF flux' },
  fluxErr: { name: 'flux_err', unit: 'adu', description: 'Error of flux, 1 sigma' },
  magInst: { name: 'mag_inst', unit: 'mag', description: 'Instrumental PSF magnitude, -2.5 log10(flux)' },
  magInstErr: { name: 'mag_inst_err', unit: 'mag', description: 'Error of mag_inst' },
  magAper: {
    name: 'mag_aper',
    unit: 'mag',
    description: 'Instrumental aperture magnitude (radius 1 FWHM), corrected to total by the PSF of the place',
  },
  magAperErr: { name: 'mag_aper_err', unit: 'mag', description: 'Error of mag_aper' },
  mag: { name: 'mag', unit: 'mag', description: 'Calibrated magnitude in the band and system of the header' },
  magErr: { name: 'mag_err', unit: 'mag', description: 'Error of mag: random and zero point' },
  chi: { name: 'chi', unit: '', description: 'Root of the reduced chi squared of the PSF fit' },
  sharp: {
    name: 'sharp',
    unit: 'pix2',
    description: 'Intrinsic width beyond the PSF: positive for galaxies, negative for cosmic rays',
  },
  sky: { name: 'sky', unit: 'adu', description: 'Local sky level' },
  flags: { name: 'flags', unit: '', description: 'Quality flags, bits of the flag table' },
  sourceId: { name: 'source_id', unit: '', description: 'Matched Gaia source_id, 0 where none' },
}

/** Forced photometry of one target, before calibration. */
export interface ForcedPhotometry {
  name: string
  raDeg: number
  decDeg: number
  /** 0-based pixel. */
  x: number
  y: number
  /** PSF flux at the held position, ADU; may be negative. */
  flux: number
  /** 1 σ, from the fit and the scatter of empty apertures around the target, the larger. */
  fluxErr: number
  /** The same if nothing were there, where something is seen: limits are made of it. Else it is `fluxErr`. */
  emptyErr?: number
  skyAdu: number
  chi: number
  flags: number
}
