import { z } from 'zod'
import { CpcsError } from '#shared/errors.ts'
import { bandNames } from './dialects/filters.ts'

/** Values whose keyword a profile may name; `time` is the date and time of the exposure. */
const keywordFields = [
  'time',
  'exposureSeconds',
  'filterName',
  'object',
  'gainElectronsPerAdu',
  'readNoiseElectrons',
  'saturationAdu',
  'pedestalAdu',
  'binningX',
  'binningY',
  'pixelScaleArcsec',
  'latitudeDeg',
  'longitudeEastDeg',
  'heightM',
] as const

/** What the owner of a telescope knows better than the header: values here override it. */
export const TelescopeProfile = z.strictObject({
  telescope: z.string().optional(),
  instrument: z.string().optional(),
  gainElectronsPerAdu: z.number().positive().optional(),
  readNoiseElectrons: z.number().nonnegative().optional(),
  saturationAdu: z.number().positive().optional(),
  pedestalAdu: z.number().optional(),
  pixelScaleArcsec: z.number().positive().optional(),
  /** Height of a pixel over its width. */
  pixelAspect: z.number().positive().optional(),
  /** What moment of the exposure the header's times name, where the program says it wrongly. */
  timeStamp: z.enum(['start', 'mid', 'end']).optional(),
  /** Keyword of a value by its name in the standard header, for cameras that call it as nobody else does. */
  keywords: z.partialRecord(z.enum(keywordFields), z.string().min(1)).optional(),
  /** Seconds to be added to the times of the header: the clock's error, or minus the zone of local times. */
  clockOffsetSeconds: z.number().optional(),
  /** Band by filter name as the header writes it. */
  bands: z.record(z.string(), z.enum(bandNames)).optional(),
  site: z
    .strictObject({
      latitudeDeg: z.number().min(-90).max(90),
      longitudeEastDeg: z.number().min(-180).max(360),
      heightM: z.number().min(-500).max(9000).default(0),
    })
    .optional(),
  bayerPattern: z
    .string()
    .regex(/^(RGGB|BGGR|GRBG|GBRG)$/)
    .optional(),
  /** Which colour of a mosaic is the frame; green if not told. */
  mosaicColour: z.enum(['R', 'G', 'B']).optional(),
})

export type TelescopeProfile = z.infer<typeof TelescopeProfile>

/**
 * Read a profile: JSON text or the object it describes.
 * @throws {CpcsError} BadProfile
 */
export function readProfile(profile: unknown): TelescopeProfile {
  const parsed = TelescopeProfile.safeParse(typeof profile === 'string' ? fromJson(profile) : (profile ?? {}))
  if (parsed.success) return parsed.data
  const found = parsed.error.issues.map(issue => `${issue.path.join('.') || 'the profile'}: ${issue.message}`)
  throw new CpcsError('BadProfile', { found: found.join('; ') })
}

/** A profile, JSON text or object, with one field put in or over. */
export function profileWith(profile: unknown, fields: Partial<TelescopeProfile>): unknown {
  const own = typeof profile === 'string' ? fromJson(profile) : profile
  return { ...(own as object | undefined), ...fields }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CpcsError('BadProfile', { found: 'it is no JSON' }, { cause })
  }
}
