import type { Dialect } from './dialect.ts'

/** DECam and its community pipeline: values per amplifier (the first stands for both), longitude counted west. */
export const decam: Dialect = {
  id: 'decam',
  title: 'DECam',
  known: [{ key: 'INSTRUME', matches: /^DECam/i }],
  fields: {
    gainElectronsPerAdu: [{ key: 'GAIN', confidence: 'certain' }, { key: 'GAINA' }],
    readNoiseElectrons: [{ key: 'RDNOISE' }, { key: 'RDNOISEA' }],
    saturationAdu: [{ key: 'SATURATE' }, { key: 'SATURATA' }],
    latitudeDeg: [{ key: 'OBS-LAT' }],
    longitudeEastDeg: [{ key: 'OBS-LONG', as: 'degrees west' }],
    heightM: [{ key: 'OBS-ELEV' }],
    imageType: [{ key: 'OBSTYPE' }],
  },
  times: [
    { key: 'MJD-OBS', marks: 'start' },
    { key: 'DATE-OBS', marks: 'start' },
  ],
  pointings: [
    { ra: 'TELRA', dec: 'TELDEC', as: 'hours', uncertaintyDeg: 1.1 },
    { ra: 'RA', dec: 'DEC', as: 'hours', uncertaintyDeg: 1.1 },
  ],
}
