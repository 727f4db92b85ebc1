import type { Dialect } from './dialect.ts'

/** MaxIm DL: UTC start in DATE-OBS, binned pixel size, PEDESTAL to be added (hence negative), OBJCTRA in hours. */
export const maxim: Dialect = {
  id: 'maxim',
  title: 'MaxIm DL',
  known: [
    { key: 'SWCREATE', matches: /MaxIm/i },
    { key: 'SBSTDVER', matches: /SBFITSEXT/i },
  ],
  fields: { pedestalAdu: [{ key: 'PEDESTAL', as: 'negated' }], gainElectronsPerAdu: [{ key: 'EGAIN' }] },
  pointings: [{ ra: 'OBJCTRA', dec: 'OBJCTDEC', as: 'hours', uncertaintyDeg: 0.5 }],
}
