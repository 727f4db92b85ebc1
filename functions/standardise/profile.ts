import { z } from 'zod'
import { CpcsError } from '#shared/errors.ts'

/** What the owner of a telescope knows better than the header: values here override it. */
export const TelescopeProfile = z.strictObject({
  telescope: z.string().optional(),
  instrument: z.string().optional(),
  gainElectronsPerAdu: z.number().positive().optional(),
  readNoiseElectrons: z.number().nonnegative().optional(),
  saturationAdu: z.number().positive().optional(),
  pedestalAdu: z.number().optional(),
  pixelScaleArcsec: z.number().positive().optional(),
  /** Seconds to be added to the times of the header: the clock's error, or minus the zone of local times. */
  clockOffsetSeconds: z.number().optional(),
  /** Band by filter name as the header writes it. */
  bands: z.record(z.string(), z.string()).optional(),
  site: z.object({ latitudeDeg: z.number(), longitudeEastDeg: z.number(), heightM: z.number().default(0) }).optional(),
  bayerPattern: z
    .string()
    .regex(/^(RGGB|BGGR|GRBG|GBRG)$/)
    .optional(),
})

export type TelescopeProfile = z.infer<typeof TelescopeProfile>

/**
 * Read a profile: JSON text or the object it describes.
 * @throws {CpcsError} BadProfile
 */
export function readProfile(profile: unknown): TelescopeProfile {
  const parsed = TelescopeProfile.safeParse(typeof profile === 'string' ? fromJson(profile) : (profile ?? {}))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new CpcsError('BadProfile', { found: `${issue.path.join('.') || 'the profile'}: ${issue.message}` })
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CpcsError('BadProfile', { found: 'it is no JSON' }, { cause })
  }
}
