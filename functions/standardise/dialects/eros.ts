import type { Dialect } from './dialect.ts'

/** EROS 2 at La Silla: DATE-OBS is the middle of the exposure already (VaST reads it so), TM-EXPOS its length. */
export const eros: Dialect = {
  id: 'eros',
  title: 'EROS 2',
  known: [
    { key: 'TU-START', matches: /\d/ },
    { key: 'FILTREF', matches: /./ },
  ],
  times: [{ key: 'DATE-OBS', marks: 'mid' }],
}
