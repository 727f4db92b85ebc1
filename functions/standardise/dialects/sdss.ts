import type { Dialect } from './dialect.ts'

/** SDSS imaging: drift scans, TAI in seconds since MJD 0; TIMESYS holds for DATE-OBS too. */
export const sdss: Dialect = {
  id: 'sdss',
  title: 'SDSS',
  known: [
    { key: 'ORIGIN', matches: /^SDSS/ },
    { key: 'TELESCOP', matches: /^2\.5m/ },
  ],
  times: [
    { key: 'TAI', marks: 'start', scale: 'TAI', as: 'seconds of MJD' },
    { key: 'DATE-OBS', clock: 'TAIHMS', marks: 'start', scale: 'TAI' },
    { key: 'DATE-OBS', marks: 'start', scale: 'TAI' },
  ],
  pointings: [{ ra: 'RA', dec: 'DEC', as: 'degrees', uncertaintyDeg: 0.3 }],
}
