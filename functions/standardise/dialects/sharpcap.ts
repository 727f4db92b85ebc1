import type { Dialect } from './dialect.ts'

/** SharpCap: GAIN and BLKLEVEL are settings of the camera; the pixel size counts binning. */
export const sharpcap: Dialect = {
  id: 'sharpcap',
  title: 'SharpCap',
  known: [{ key: 'SWCREATE', matches: /SharpCap/i }],
  fields: { gainElectronsPerAdu: [{ key: 'EGAIN' }] },
  times: [
    { key: 'DATE-OBS', marks: 'start' },
    { key: 'DATE-AVG', marks: 'mid' },
  ],
  distrusts: ['GAIN', 'OFFSET', 'DATE-LOC'],
}
