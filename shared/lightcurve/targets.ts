import type { Target } from '#events/stages.ts'
import type { Cone } from '#shared/catalogue/reference.ts'

/** The targets somebody asked to follow, seen by a stage. */
export interface TargetRegistry {
  /** Registered targets within the cone, sorted by name. */
  inCone(cone: Cone): Promise<Target[]>
  /**
   * Targets that a frame may show whose header does not say where it points: those registered under its OBJECT name,
   * else all registered ones, most recently registered first, at most 10.
   */
  candidates(objectName: string | null): Promise<Target[]>
}
