import type { Dialect } from './dialect.ts'

/** Las Cumbres Observatory and BANZAI: RA, DEC in sexagesimal hours and degrees, CCDSUM, gain in electrons per ADU. */
export const lco: Dialect = {
  id: 'lco',
  title: 'Las Cumbres Observatory',
  known: [
    { key: 'TELESCOP', matches: /^(0m4|1m0|2m0)-\d\d/ },
    { key: 'ORIGIN', matches: /^LCO/ },
  ],
  fields: {
    gainElectronsPerAdu: [{ key: 'GAIN', confidence: 'certain' }],
    saturationAdu: [{ key: 'SATURATE' }, { key: 'MAXLIN' }],
    imageType: [{ key: 'OBSTYPE' }],
    latitudeDeg: [{ key: 'LATITUDE' }],
    longitudeEastDeg: [{ key: 'LONGITUD' }],
    heightM: [{ key: 'HEIGHT' }],
  },
  pointings: [
    { ra: 'RA', dec: 'DEC', as: 'hours', uncertaintyDeg: 0.2 },
    { ra: 'CAT-RA', dec: 'CAT-DEC', as: 'hours', uncertaintyDeg: 0.3 },
  ],
}
