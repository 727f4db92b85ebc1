import type { Dialect } from './dialect.ts'

/** TESS full frames: TIMESYS is TDB but DATE-OBS and DATE-END are UTC; EXPOSURE, in days, leaves out dead time. */
export const tess: Dialect = {
  id: 'tess',
  title: 'TESS',
  known: [{ key: 'TELESCOP', matches: /^TESS/ }],
  fields: {
    exposureSeconds: [{ key: 'EXPOSURE' }],
    gainElectronsPerAdu: [{ key: 'GAINA', as: 'positive' }],
    readNoiseElectrons: [{ key: 'READNOIA', as: 'positive' }],
  },
  times: [{ key: 'DATE-OBS', marks: 'start', scale: 'UTC' }],
  endsAreExact: true,
  assumes: { pixelScaleArcsec: { value: 21, because: 'every TESS camera has pixels of 21 arcseconds' } },
}
