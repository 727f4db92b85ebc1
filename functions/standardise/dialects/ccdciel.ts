import type { Dialect } from './dialect.ts'

/** CCDciel: PIXSIZE1 is the size of an unbinned pixel and XPIXSZ of a binned one; GAIN is a setting of the camera. */
export const ccdciel: Dialect = {
  id: 'ccdciel',
  title: 'CCDciel',
  known: [
    { key: 'SWCREATE', matches: /ccdciel/i },
    { key: 'PROGRAM', matches: /ccdciel/i },
  ],
  fields: {
    gainElectronsPerAdu: [{ key: 'EGAIN' }],
    pixelScaleArcsec: [{ key: 'SCALE' }, { key: 'SECPIX1' }],
    unbinnedPixelSizeMicron: [{ key: 'PIXSIZE1' }],
  },
  distrusts: ['GAIN', 'OFFSET', 'DATE-LOC'],
}
