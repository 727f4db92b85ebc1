import type { TapService } from './tap.ts'

/** A service that holds a survey. */
export type Upstream = HatsUpstream | TapUpstream

/** A HATS catalogue elsewhere, columns as published or ours. */
export interface HatsUpstream {
  kind: 'hats'
  /** Its name for people. */
  service: string
  /** https://… of its folder, s3://BUCKET/PREFIX of a public bucket, or a folder of this machine. */
  url: string
}

/** A table of a TAP service. */
export interface TapUpstream extends TapService {
  kind: 'tap'
  /** As it stands in a query, quotes included. */
  table: string
  /** Published names of the columns to ask for, without quotes. */
  columns: readonly string[]
  ra: string
  dec: string
  /** The column by which faint stars are left out. */
  magnitude: string
  /** A condition that every row fulfils, as it stands in a query. */
  where?: string
  /** Whether names are put in quotes: VizieR's are odd, and letter case counts. */
  quoted: boolean
  /** Rows in one answer: cells with more are asked for in quarters. */
  maxRows: number
}

/** A public HATS catalogue: the name of who serves it, and the address of its folder. */
export function hats(service: string, url: string): HatsUpstream {
  return { kind: 'hats', service, url }
}

/**
 * A table of VizieR (https://tapvizier.cds.unistra.fr/adql/about.html). Synchronous answers are not cut short below
 * the MAXREC that is asked for.
 */
export function vizier(
  id: string,
  { ra, dec, magnitude, columns, where }: Pick<TapUpstream, 'ra' | 'dec' | 'magnitude' | 'columns' | 'where'>,
): TapUpstream {
  return {
    kind: 'tap',
    service: `VizieR ${id}`,
    url: 'https://tapvizier.cds.unistra.fr/TAPVizieR/tap',
    mode: 'sync',
    table: `"${id}"`,
    ra,
    dec,
    magnitude,
    columns: [...new Set([ra, dec, ...columns])],
    where,
    quoted: true,
    maxRows: 200_000,
  }
}

/** A table of the archive of Gaia. Asynchronous: its synchronous answers end at 2000 rows, whatever MAXREC says. */
export function gaiaArchive(table: string, columns: readonly string[]): TapUpstream {
  return {
    kind: 'tap',
    service: `Gaia archive ${table}`,
    url: 'https://gea.esac.esa.int/tap-server/tap',
    mode: 'async',
    table,
    ra: 'ra',
    dec: 'dec',
    magnitude: 'phot_g_mean_mag',
    columns,
    quoted: false,
    maxRows: 500_000,
  }
}
