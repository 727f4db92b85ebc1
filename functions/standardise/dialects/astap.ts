import type { Dialect } from './dialect.ts'

/** ASTAP: stacks tell their middle in DATE-AVG or JD-AVG and how many light frames they are made of. */
export const astap: Dialect = {
  id: 'astap',
  title: 'ASTAP',
  known: [
    { key: 'PROGRAM', matches: /ASTAP/ },
    { key: 'SWCREATE', matches: /ASTAP/ },
    { key: 'SOFTWARE', matches: /ASTAP/ },
  ],
  fields: { stackedFrames: [{ key: 'LIGH_CNT' }, { key: 'STACKCNT' }], gainElectronsPerAdu: [{ key: 'EGAIN' }] },
  times: [
    { key: 'DATE-AVG', marks: 'mid' },
    { key: 'JD-AVG', marks: 'mid' },
    { key: 'DATE-OBS', marks: 'start' },
  ],
  distrusts: ['GAIN', 'OFFSET'],
}
