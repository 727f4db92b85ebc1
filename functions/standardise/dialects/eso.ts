import type { Dialect } from './dialect.ts'

/** ESO: hierarchical keywords; CONAD is electrons per ADU (ESO's own GAIN is its inverse); RA, DEC in degrees. */
export const eso: Dialect = {
  id: 'eso',
  title: 'ESO',
  known: [
    { key: 'ORIGIN', matches: /^ESO/ },
    { key: 'TELESCOP', matches: /^ESO/ },
  ],
  fields: {
    filterName: [{ key: 'ESO INS FILT1 NAME' }],
    gainElectronsPerAdu: [{ key: 'ESO DET OUT1 CONAD' }, { key: 'ESO DET OUT1 GAIN', as: 'inverse' }],
    readNoiseElectrons: [{ key: 'ESO DET OUT1 RON' }],
    airmass: [{ key: 'ESO TEL AIRM START' }],
    binningX: [{ key: 'ESO DET WIN1 BINX' }],
    binningY: [{ key: 'ESO DET WIN1 BINY' }],
    imageType: [{ key: 'ESO DPR TYPE' }],
    latitudeDeg: [{ key: 'ESO TEL GEOLAT' }],
    longitudeEastDeg: [{ key: 'ESO TEL GEOLON' }],
    heightM: [{ key: 'ESO TEL GEOELEV' }],
  },
  times: [
    { key: 'MJD-OBS', marks: 'start' },
    { key: 'DATE-OBS', marks: 'start' },
  ],
  pointings: [{ ra: 'RA', dec: 'DEC', as: 'degrees', uncertaintyDeg: 0.2 }],
  distrusts: ['GAIN'],
}
