import type { Dialect } from './dialect.ts'

/** APT (Astro Photography Tool): GAIN and OFFSET are settings of the camera. */
export const apt: Dialect = {
  id: 'apt',
  title: 'APT',
  known: [
    { key: 'SWCREATE', matches: /Astro ?Photography ?Tool|^APT/i },
    { key: 'CREATOR', matches: /Astro ?Photography ?Tool|^APT/i },
  ],
  fields: { gainElectronsPerAdu: [{ key: 'EGAIN' }] },
  distrusts: ['GAIN', 'OFFSET', 'DATE-LOC'],
}
