import type { Dialect } from './dialect.ts'

/** Frames that this stage wrote itself: shared/image/frame-file.ts has the keywords. */
export const cpcs: Dialect = {
  id: 'cpcs',
  title: 'Standardised by CPCS',
  known: [{ key: 'DIALECT', matches: /./ }],
  times: [
    { key: 'MJD-AVG', marks: 'mid' },
    { key: 'MJD-MID', marks: 'mid' },
  ],
  pointings: [{ ra: 'RA', dec: 'DEC', as: 'degrees', uncertaintyDeg: 0.5 }],
}
