import type { Header } from '#shared/fits/header.ts'
import { acp } from './acp.ts'
import { cpcs } from './cpcs.ts'
import { type Dialect, speaks } from './dialect.ts'
import { eso } from './eso.ts'
import { generic } from './generic.ts'
import { indi } from './indi.ts'
import { lco } from './lco.ts'
import { maxim } from './maxim.ts'
import { microobservatory } from './microobservatory.ts'
import { minimal } from './minimal.ts'
import { nina } from './nina.ts'
import { panoptes } from './panoptes.ts'

/** All dialects, the more particular before the more general; the last one fits every header. */
export const dialects: readonly Dialect[] = [
  cpcs,
  microobservatory,
  panoptes,
  nina,
  acp,
  maxim,
  indi,
  lco,
  eso,
  minimal,
  generic,
]

/** The dialect that a header is written in. */
export function dialectOf(header: Header): Dialect {
  return dialects.find(dialect => speaks(dialect, header)) ?? generic
}
