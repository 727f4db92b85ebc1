import type { Dialect } from './dialect.ts'

/** N.I.N.A.: GAIN and OFFSET are settings of the camera, EGAIN is the gain; DATE-LOC is the observer's own clock. */
export const nina: Dialect = {
  id: 'nina',
  title: 'N.I.N.A.',
  known: [{ key: 'SWCREATE', matches: /N\.?I\.?N\.?A/i }],
  fields: { gainElectronsPerAdu: [{ key: 'EGAIN' }] },
  times: [
    { key: 'DATE-OBS', marks: 'start' },
    { key: 'DATE-AVG', marks: 'mid' },
  ],
  distrusts: ['GAIN', 'OFFSET', 'DATE-LOC'],
}
