import type { Dialect } from './dialect.ts'

/** Sequence Generator Pro: DATE-LOC is the time the file was written, GAIN and ISO are settings of the camera. */
export const sgp: Dialect = {
  id: 'sgp',
  title: 'Sequence Generator Pro',
  known: [
    { key: 'SWCREATE', matches: /Sequence Generator|^SGP/i },
    { key: 'CREATOR', matches: /Sequence Generator|^SGP/i },
  ],
  fields: {
    exposureSeconds: [{ key: 'EXPOSURE' }, { key: 'EXPTIME' }],
    gainElectronsPerAdu: [{ key: 'EGAIN' }],
    pixelScaleArcsec: [{ key: 'SCALE' }],
    binningX: [{ key: 'CCDXBIN' }],
    binningY: [{ key: 'CCDYBIN' }],
  },
  distrusts: ['GAIN', 'OFFSET', 'DATE-LOC', 'DATE'],
}
