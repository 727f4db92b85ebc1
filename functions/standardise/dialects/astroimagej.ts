import type { Dialect } from './dialect.ts'

/** AstroImageJ: writes its own middle of the exposure beside the camera's keywords, and the target in hours. */
export const astroimagej: Dialect = {
  id: 'astroimagej',
  title: 'AstroImageJ',
  known: [
    { key: 'BJD_TDB', matches: /\d/ },
    { key: 'JD_SOBS', matches: /\d/ },
  ],
  fields: { altitudeDeg: [{ key: 'ALT_OBJ' }] },
  times: [
    { key: 'JD_UTC', marks: 'mid' },
    { key: 'JD_SOBS', marks: 'start' },
    { key: 'DATE-OBS', marks: 'start' },
  ],
  pointings: [
    { ra: 'RAOBJ2K', dec: 'DECOBJ2K', as: 'hours', uncertaintyDeg: 0.3 },
    { ra: 'RA_OBJ', dec: 'DEC_OBJ', as: 'hours', uncertaintyDeg: 0.6 },
  ],
}
