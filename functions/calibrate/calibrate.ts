import type { CalibrateInput, CalibrateOutput } from '#events/stages.ts'
import type { Tiles } from '#shared/catalogue/reference.ts'
import type { TargetRegistry } from '#shared/lightcurve/targets.ts'
import type { Log, ObjectStore } from '#shared/store.ts'

export interface CalibrateDeps {
  store: ObjectStore
  tiles: Tiles
  log: Log
}

/** Turn instrumental magnitudes into standard ones. */
export async function calibrate(_input: CalibrateInput, _deps: CalibrateDeps): Promise<CalibrateOutput> {
  throw new Error('calibrate is not built yet')
}
