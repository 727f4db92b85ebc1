import type { Dialect } from './dialect.ts'

/** Zwicky Transient Facility: the shutter's own times; the pointing is that of the mosaic, not of the quadrant. */
export const ztf: Dialect = {
  id: 'ztf',
  title: 'ZTF',
  known: [
    { key: 'INSTRUME', matches: /^ZTF/ },
    { key: 'ORIGIN', matches: /^Zwicky/ },
    { key: 'FILTER', matches: /^ZTF_/ },
  ],
  fields: {
    gainElectronsPerAdu: [{ key: 'GAIN', confidence: 'certain' }],
    readNoiseElectrons: [{ key: 'READNOI' }, { key: 'READNOISE' }],
    saturationAdu: [{ key: 'SATURATE' }, { key: 'SATURVAL' }],
    latitudeDeg: [{ key: 'OBSLAT' }],
    longitudeEastDeg: [{ key: 'OBSLON' }],
    heightM: [{ key: 'OBSALT' }],
  },
  times: [
    { key: 'SHUTOPEN', marks: 'start' },
    { key: 'OBSMJD', marks: 'start' },
    { key: 'OBSJD', marks: 'start' },
    { key: 'DATE-OBS', marks: 'start' },
  ],
  pointings: [
    { ra: 'RAD', dec: 'DECD', as: 'degrees', uncertaintyDeg: 0.3 },
    { ra: 'TELRAD', dec: 'TELDECD', as: 'degrees', uncertaintyDeg: 4 },
  ],
}
