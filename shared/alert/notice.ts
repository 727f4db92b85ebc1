import { NOTICE_SCHEMA, type Notice } from '#events/notice.ts'
import { isMeasured, type Point } from '#events/point.ts'
import { flagNames } from '#shared/flags.ts'

/** What a subscriber's filter policy may ask for; numbers as text, as SNS carries them. */
export type Attributes = Record<string, { DataType: 'String' | 'Number'; StringValue: string }>

const SECONDS_PER_DAY = 86_400
const UNIX_EPOCH_MJD = 40_587
/** A point told of later than this is no news: who watches for new things filters on the tense. */
const CURRENT_DAYS = 2

/**
 * The notice of a new point: 'current' within two days of the exposure, 'archival' later.
 *
 * @param at when it is written, ISO 8601 UTC
 * @param type 'update' where the point supersedes one that an older version of the pipeline made of the same frame
 */
export function noticeOf(point: Point, at: string, type: 'initial' | 'update' = 'initial'): Notice {
  const halfExposureDays = point.exposureSeconds / 2 / SECONDS_PER_DAY
  return {
    $schema: NOTICE_SCHEMA,
    id: point.pointId,
    alert_datetime: at,
    alert_tense: mjdOfIso(at) - point.mjdUtcMid > CURRENT_DAYS ? 'archival' : 'current',
    alert_type: type,
    mission: 'CPCS',
    instrument: point.telescope,
    messenger: 'EM',
    event_name: point.objectId,
    ra: point.raDeg,
    dec: point.decDeg,
    observation_start: isoOfMjd(point.mjdUtcMid - halfExposureDays),
    observation_stop: isoOfMjd(point.mjdUtcMid + halfExposureDays),
    observation_livetime: point.exposureSeconds,
    filter: point.band,
    ...(point.detected && point.mag !== null ? { mag: point.mag, mag_error: point.magErr ?? undefined } : {}),
    mag_system: point.magSystem,
    ...(point.limit5Sigma === null ? {} : { limiting_mag: point.limit5Sigma, limiting_mag_sigma: 5 }),
    mjd: point.mjdUtcMid,
    time_scale: 'UTC',
    survey: point.survey,
    ...(isMeasured(point) ? { flux: point.flux, flux_error: point.fluxErr } : { reason: point.reason }),
    flux_unit: point.fluxUnit ?? undefined,
    zero_point: point.zeroPoint ?? undefined,
    zero_point_error: point.zeroPointError ?? undefined,
    colour_term: point.colourTerm ?? undefined,
    calibrators: point.calibrators,
    quality_flags: flagNames(point.flags),
    frame: { id: point.frameId, execution: point.execution, pipeline_version: point.pipelineVersion },
  }
}

/** The message attributes of a notice. A notice without a magnitude has no `mag`, so "brighter than" never matches it. */
export function attributesOf(notice: Notice): Attributes {
  const text = (value: string) => ({ DataType: 'String', StringValue: value }) as const
  return {
    event_name: text(notice.event_name),
    filter: text(notice.filter),
    telescope: text(notice.instrument),
    alert_type: text(notice.alert_type),
    alert_tense: text(notice.alert_tense),
    result: text(resultOf(notice)),
    ...(notice.mag === undefined ? {} : { mag: { DataType: 'Number', StringValue: notice.mag.toFixed(5) } as const }),
  }
}

/** What became of the object in the frame, in a word. */
function resultOf({ flux, mag, limiting_mag }: Notice): 'detection' | 'limit' | 'flux' | 'unmeasured' {
  if (flux === undefined) return 'unmeasured'
  if (mag !== undefined) return 'detection'
  return limiting_mag === undefined ? 'flux' : 'limit'
}

function isoOfMjd(mjd: number): string {
  return new Date(Math.round((mjd - UNIX_EPOCH_MJD) * SECONDS_PER_DAY * 1000)).toISOString()
}

function mjdOfIso(iso: string): number {
  return Date.parse(iso) / 1000 / SECONDS_PER_DAY + UNIX_EPOCH_MJD
}
