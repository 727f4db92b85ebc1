import type { Dialect } from './dialect.ts'

/**
 * MicroObservatory (Harvard-Smithsonian): DATE-OBS is local time with its zone behind it, UT-OBS the same in UTC;
 * longitude counts west; a 12-bit camera.
 */
export const microobservatory: Dialect = {
  id: 'microobservatory',
  title: 'MicroObservatory',
  known: [
    { key: 'CREATOR', matches: /^MicroObservatory/i },
    { key: 'REFERENC', matches: /microobservatory\.org/i },
  ],
  fields: {
    pixelScaleArcsec: [{ key: 'IM_SCALE', as: 'positive' }],
    latitudeDeg: [{ key: 'LATITUDE' }],
    longitudeEastDeg: [{ key: 'LONGITUD', as: 'degrees west' }],
    altitudeDeg: [{ key: 'TELALT' }],
  },
  times: [
    { key: 'UT-OBS', marks: 'start' },
    { key: 'DATE-OBS', marks: 'start' },
    { key: 'MJD-OBS', marks: 'start' },
  ],
  pointings: [{ ra: 'RA', dec: 'DEC', as: 'degrees', uncertaintyDeg: 0.5, confidence: 'likely' }],
  assumes: { heightM: { value: 1268, because: 'height of the telescopes at Amado, Arizona' } },
}
