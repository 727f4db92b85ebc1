import type { Dialect } from './dialect.ts'

/** Frames that PinPoint solved for a program that does not name itself: the keywords of ACP and MaxIm DL. */
export const pinpoint: Dialect = {
  id: 'pinpoint',
  title: 'PinPoint',
  known: [
    { key: 'HISTORY', matches: /PinPoint/i },
    { key: 'COMMENT', matches: /PinPoint/i },
    { key: 'TR1_0', matches: /\d/ },
  ],
  fields: { pedestalAdu: [{ key: 'PEDESTAL', as: 'negated' }], gainElectronsPerAdu: [{ key: 'EGAIN' }] },
  times: [
    { key: 'DATE-OBS', marks: 'start' },
    { key: 'DATE-OBS', clock: 'TIME-OBS', marks: 'start' },
  ],
}
