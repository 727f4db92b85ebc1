import type { Dialect } from './dialect.ts'

/** TheSkyX and TheSky64: the keywords of SBFITSEXT, as MaxIm DL writes them, without that program's pedestal. */
export const theskyx: Dialect = {
  id: 'theskyx',
  title: 'TheSkyX, TheSky64',
  known: [{ key: 'SWCREATE', matches: /TheSky/i }],
  fields: { pedestalAdu: [{ key: 'PEDESTAL', as: 'negated' }], gainElectronsPerAdu: [{ key: 'EGAIN' }] },
  times: [
    { key: 'DATE-OBS', marks: 'start' },
    { key: 'DATE-OBS', clock: 'TIME-OBS', marks: 'start' },
  ],
  pointings: [{ ra: 'OBJCTRA', dec: 'OBJCTDEC', as: 'hours', uncertaintyDeg: 0.5 }],
  distrusts: ['LOCALTIM'],
}
