import type { Dialect } from './dialect.ts'

/** ACP Observatory Control: the day in DATE-OBS and the time of day in TIME-OBS, or both in DATE-OBS. */
export const acp: Dialect = {
  id: 'acp',
  title: 'ACP Observatory Control',
  known: [
    { key: 'OBSERVER', matches: /^ACP\b/ },
    { key: 'TELESCOP', matches: /^ACP->/ },
    { key: 'SWCREATE', matches: /\bACP\b/ },
  ],
  fields: { pedestalAdu: [{ key: 'PEDESTAL', as: 'negated' }], gainElectronsPerAdu: [{ key: 'EGAIN' }] },
  times: [
    { key: 'DATE-OBS', marks: 'start' },
    { key: 'DATE-OBS', clock: 'TIME-OBS', marks: 'start' },
    { key: 'DATE-OBS', clock: 'UT', marks: 'start' },
  ],
}
