import type { Header } from '#shared/fits/header.ts'
import { acp } from './acp.ts'
import { apt } from './apt.ts'
import { astap } from './astap.ts'
import { astroimagej } from './astroimagej.ts'
import { ccdciel } from './ccdciel.ts'
import { cpcs } from './cpcs.ts'
import { decam } from './decam.ts'
import { type Dialect, speaks } from './dialect.ts'
import { eros } from './eros.ts'
import { eso } from './eso.ts'
import { generic } from './generic.ts'
import { indi } from './indi.ts'
import { lco } from './lco.ts'
import { maxim } from './maxim.ts'
import { microobservatory } from './microobservatory.ts'
import { minimal } from './minimal.ts'
import { nina } from './nina.ts'
import { panoptes } from './panoptes.ts'
import { pinpoint } from './pinpoint.ts'
import { sdss } from './sdss.ts'
import { seestar } from './seestar.ts'
import { sgp } from './sgp.ts'
import { sharpcap } from './sharpcap.ts'
import { siril } from './siril.ts'
import { tess } from './tess.ts'
import { theskyx } from './theskyx.ts'
import { ztf } from './ztf.ts'

/** All dialects, the more particular before the more general; the last one fits every header. */
export const dialects: readonly Dialect[] = [
  cpcs,
  microobservatory,
  panoptes,
  siril,
  astap,
  astroimagej,
  seestar,
  nina,
  sharpcap,
  sgp,
  theskyx,
  apt,
  ccdciel,
  acp,
  maxim,
  pinpoint,
  indi,
  lco,
  ztf,
  decam,
  sdss,
  tess,
  eros,
  eso,
  minimal,
  generic,
]

/** The dialect that a header is written in. */
export function dialectOf(header: Header): Dialect {
  return dialects.find(dialect => speaks(dialect, header)) ?? generic
}
