import type { MovingStars } from '#shared/sky/epoch.ts'
import type { SurveyId } from './surveys/index.ts'

/** A cone on the sky, degrees ICRS. */
export interface Cone {
  raDeg: number
  decDeg: number
  radiusDeg: number
}

export type { SurveyId }

/**
 * Stars of one survey in a cone, one column per quantity, brightest first in the survey's main band.
 * `mag_<band>` and `magErr_<band>` are in the survey's own system (AB or Vega as its description says); NaN where absent.
 */
export interface ReferenceStars extends MovingStars {
  survey: SurveyId
  count: number
  /** Identity as printed in the survey (`source_id`, `objID`, …). */
  id: string[]
  /** Magnitudes by band name of the survey, e.g. 'g'. */
  mag: Record<string, Float64Array>
  magErr: Record<string, Float64Array>
  /** 1 where the survey's own quality cuts call it a clean, single, constant star; 0 otherwise. */
  clean: Uint8Array
}

/** Where stages get reference stars from: imported tiles, a cache before upstream services, a folder. */
export interface Tiles {
  /** Surveys that hold tiles, whether or not they cover a given place. */
  surveys(): Promise<SurveyId[]>
  /**
   * Stars of a survey within the cone, at most `limit` of the brightest.
   * @throws {CpcsError} TilesUnavailable
   */
  cone(survey: SurveyId, cone: Cone, options?: { limit?: number }): Promise<ReferenceStars>
}
