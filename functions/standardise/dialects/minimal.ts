import type { Dialect } from './dialect.ts'

/** A header that tells the time and little else: everything further comes from the pixels or stays unknown. */
export const minimal: Dialect = {
  id: 'minimal',
  title: 'Time and exposure only',
  known: [{ key: 'DATE-OBS', matches: /./ }],
  without: ['RA', 'DEC', 'OBJCTRA', 'FILTER', 'TELESCOP', 'INSTRUME', 'SWCREATE', 'CREATOR', 'ORIGIN', 'CRVAL1'],
}
