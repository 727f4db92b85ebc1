import type { Dialect } from './dialect.ts'

/** ZWO Seestar: RA and DEC in degrees, GAIN a setting of the camera, a Bayer mosaic behind an infrared-blocking window. */
export const seestar: Dialect = {
  id: 'seestar',
  title: 'ZWO Seestar',
  known: [
    { key: 'CREATOR', matches: /Seestar/i },
    { key: 'INSTRUME', matches: /Seestar/i },
    { key: 'TELESCOP', matches: /Seestar/i },
  ],
  fields: { stackedFrames: [{ key: 'STACKCNT' }], gainElectronsPerAdu: [{ key: 'EGAIN' }] },
  pointings: [{ ra: 'RA', dec: 'DEC', as: 'degrees', uncertaintyDeg: 1 }],
  distrusts: ['GAIN', 'OFFSET'],
}
