import { z } from 'zod'
import { FrameId } from './frame.ts'

/** The identity of this version of the notice; every message carries it. */
export const NOTICE_SCHEMA = 'urn:cpcs:schema:notice:1.0.0'

/**
 * A new point of a light curve, as subscribers get it. Fields, units and meanings are those of the core of NASA's GCN
 * unified schema where it has them; the rest (`mjd` and below) is ours. An upper limit carries `limiting_mag` and no
 * `mag`, as other producers of GCN notices do; a place that could not be measured carries neither, and the reason.
 */
export const Notice = z
  .strictObject({
    $schema: z.literal(NOTICE_SCHEMA),
    id: z.string().describe('Identity of the point: the same frame, object and band give the same id for ever.'),
    alert_datetime: z.iso.datetime().describe('When the notice was written, UTC.'),
    alert_tense: z.enum(['current', 'archival', 'test', 'injection']),
    alert_type: z.enum(['initial', 'update', 'retraction']),
    mission: z.literal('CPCS'),
    instrument: z.string().describe('The telescope, as its prefix in the inbox names it.'),
    messenger: z.literal('EM'),
    event_name: z.string().describe('The object.'),
    ra: z.number().min(0).lt(360).describe('Right ascension at which the flux was measured, ICRS, degrees.'),
    dec: z.number().min(-90).max(90).describe('Declination, ICRS, degrees.'),
    observation_start: z.iso.datetime().describe('Start of the exposure, UTC.'),
    observation_stop: z.iso.datetime().describe('End of the exposure, UTC.'),
    observation_livetime: z.number().nonnegative().describe('Exposure time, seconds.'),
    filter: z.string().describe('The band that the magnitude is given in.'),
    mag: z.number().optional().describe('Calibrated magnitude; absent where the object was not detected.'),
    mag_error: z.number().nonnegative().optional().describe('Its error, 1 sigma: random and zero point.'),
    mag_system: z.enum(['AB', 'Vega', 'instrumental']),
    limiting_mag: z.number().optional().describe('Magnitude that would have been detected at limiting_mag_sigma.'),
    limiting_mag_sigma: z.number().optional(),
    mjd: z.number().describe('Middle of the exposure, modified Julian date.'),
    time_scale: z.literal('UTC'),
    survey: z.string().describe('The survey that the zero point rests on.'),
    flux: z.number().optional().describe('PSF flux, in flux_unit; absent where there is none, and reason tells why.'),
    flux_error: z.number().nonnegative().optional(),
    flux_unit: z.string().optional().describe('Unit of the pixels of the frame; absent where nobody tells it.'),
    reason: z.string().optional().describe('Why the frame has neither a magnitude nor a limit of the object.'),
    zero_point: z.number().optional(),
    zero_point_error: z.number().nonnegative().optional(),
    colour_term: z.number().optional(),
    calibrators: z.int().nonnegative().describe('Stars that carry the zero point.'),
    quality_flags: z.array(z.string()).describe('Names of the quality flags that are set.'),
    frame: z.strictObject({ id: FrameId, execution: z.string(), pipeline_version: z.string() }),
  })
  .meta({
    title: 'CPCS notice',
    description: 'A new point of a light curve: a magnitude, an upper limit, or the reason why there is neither.',
  })

export type Notice = z.infer<typeof Notice>
