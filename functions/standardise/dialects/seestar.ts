import type { Dialect } from './dialect.ts'

/** ZWO Seestar and Dwarf, telescopes of one piece: RA and DEC in degrees, GAIN a setting of the camera, a Bayer mosaic behind an infrared-blocking window. */
export const seestar: Dialect = {
  id: 'seestar',
  title: 'ZWO Seestar, Dwarf',
  known: [
    { key: 'CREATOR', matches: /Seestar|^Dwarf/i },
    { key: 'INSTRUME', matches: /Seestar|^Dwarf/i },
    { key: 'TELESCOP', matches: /Seestar|^Dwarf/i },
  ],
  fields: { stackedFrames: [{ key: 'STACKCNT' }], gainElectronsPerAdu: [{ key: 'EGAIN' }] },
  pointings: [{ ra: 'RA', dec: 'DEC', as: 'degrees', uncertaintyDeg: 1 }],
  distrusts: ['GAIN', 'OFFSET'],
}
