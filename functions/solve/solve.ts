import type { SolveInput, SolveOutput } from '#events/stages.ts'
import type { Tiles } from '#shared/catalogue/reference.ts'
import type { TargetRegistry } from '#shared/lightcurve/targets.ts'
import type { Log, ObjectStore } from '#shared/store.ts'

export interface SolveDeps {
  store: ObjectStore
  tiles: Tiles
  targets: TargetRegistry
  log: Log
}

/** Find where the frame points. */
export async function solve(_input: SolveInput, _deps: SolveDeps): Promise<SolveOutput> {
  throw new Error('solve is not built yet')
}
