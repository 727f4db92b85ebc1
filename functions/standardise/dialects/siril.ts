import type { Dialect } from './dialect.ts'

/**
 * Siril: stacks tell their first start and last end as Julian dates (EXPSTART, EXPEND), how many frames they are made of
 * (STACKCNT) and how long these were exposed together (LIVETIME). Floating-point pixels are shares of 65535.
 */
export const siril: Dialect = {
  id: 'siril',
  title: 'Siril',
  known: [
    { key: 'PROGRAM', matches: /siril/i },
    { key: 'SWCREATE', matches: /siril/i },
    { key: 'CREATOR', matches: /siril/i },
    { key: 'HISTORY', matches: /siril/i },
  ],
  fields: {
    exposureSeconds: [{ key: 'LIVETIME' }, { key: 'EXPTIME' }],
    stackedFrames: [{ key: 'STACKCNT' }],
    gainElectronsPerAdu: [{ key: 'EGAIN' }, { key: 'CVF' }],
  },
  times: [
    { key: 'EXPSTART', marks: 'start' },
    { key: 'DATE-OBS', marks: 'start' },
    { key: 'DATE-AVG', marks: 'mid' },
  ],
  endsAreExact: true,
  distrusts: ['GAIN', 'OFFSET'],
}
