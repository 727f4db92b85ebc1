import type { StandardiseInput, StandardiseOutput } from '#events/stages.ts'
import type { Tiles } from '#shared/catalogue/reference.ts'
import type { TargetRegistry } from '#shared/lightcurve/targets.ts'
import type { Log, ObjectStore } from '#shared/store.ts'

export interface StandardiseDeps {
  raw: ObjectStore
  store: ObjectStore
  log: Log
}

/** Read any FITS a camera writes and say in standard terms what it is. */
export async function standardise(_input: StandardiseInput, _deps: StandardiseDeps): Promise<StandardiseOutput> {
  throw new Error('standardise is not built yet')
}
