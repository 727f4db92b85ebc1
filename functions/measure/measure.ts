import type { MeasureInput, MeasureOutput } from '#events/stages.ts'
import type { Tiles } from '#shared/catalogue/reference.ts'
import type { TargetRegistry } from '#shared/lightcurve/targets.ts'
import type { Log, ObjectStore } from '#shared/store.ts'

export interface MeasureDeps {
  store: ObjectStore
  targets: TargetRegistry
  log: Log
}

/** PSF and aperture photometry of every star and of the registered targets. */
export async function measure(_input: MeasureInput, _deps: MeasureDeps): Promise<MeasureOutput> {
  throw new Error('measure is not built yet')
}
