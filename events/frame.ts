import { z } from 'zod'

/** Identity of a frame: SHA-256 of its bytes as delivered, lower-case hexadecimal. */
export const FrameId = z.string().regex(/^[0-9a-f]{64}$/)

/** Where an object lies; the bucket is absent where the stage knows it by its role. */
export const ObjectRef = z.object({ bucket: z.string().optional(), key: z.string() })

/** Where a value of the standard header came from. */
export const Provenance = z.object({
  /** Keyword(s) of the raw header, or 'profile', 'pixels', 'target', 'assumed'. */
  from: z.string(),
  /** What was done to it, in words; empty where it was taken as it stood. */
  conversion: z.string(),
  confidence: z.enum(['certain', 'likely', 'guess', 'none']),
  /** What contradicts it, in words. */
  conflict: z.string().optional(),
})

/** The standard header of a frame: what every later stage may rely on. null means: not known. */
export const StandardHeader = z.object({
  dialect: z.string(),
  widthPx: z.int().positive(),
  heightPx: z.int().positive(),
  object: z.string().nullable(),
  telescope: z.string().nullable(),
  instrument: z.string().nullable(),
  /** Middle of the exposure, modified Julian date, UTC. */
  mjdUtcMid: z.number(),
  dateObsUtc: z.string(),
  exposureSeconds: z.number().nonnegative(),
  /** Filter as the header names it. */
  filterName: z.string().nullable(),
  /**
   * Band it stands for: 'U' 'B' 'V' 'R' 'I' (Johnson-Cousins), 'u' 'g' 'r' 'i' 'z' 'y' (Sloan-like), 'J' 'H' 'K',
   * 'clear', 'narrow', or null where unknown.
   */
  band: z.string().nullable(),
  /** Unit of the pixels (FITS BUNIT): what is called ADU here is one of it. null: a scale that nobody tells. */
  pixelUnit: z.string().nullish(),
  /** Electrons in one unit of the pixels. */
  gainElectronsPerAdu: z.number().positive(),
  readNoiseElectrons: z.number().nonnegative(),
  saturationAdu: z.number().positive(),
  pedestalAdu: z.number(),
  binning: z.tuple([z.number(), z.number()]),
  /** Square root of a pixel's area on the sky. */
  pixelScaleArcsec: z.number().positive().nullable(),
  /** Height of a pixel over its width; null where nothing tells it. */
  pixelAspect: z.number().positive().nullish(),
  /** Where the header says the telescope pointed, ICRS as far as known. */
  pointing: z.object({ raDeg: z.number(), decDeg: z.number(), uncertaintyDeg: z.number() }).nullable(),
  site: z.object({ latitudeDeg: z.number(), longitudeEastDeg: z.number(), heightM: z.number() }).nullable(),
  airmass: z.number().nullable(),
  /** Where Moon and Sun stood at mid-exposure, where site, pointing and time tell it; altitudes without refraction. */
  moonAndSun: z
    .object({
      moonAltitudeDeg: z.number(),
      sunAltitudeDeg: z.number(),
      /** From the pointing. */
      moonSeparationDeg: z.number(),
      sunSeparationDeg: z.number(),
      /** Lit share of the Moon's disc, 0 to 1. */
      moonIllumination: z.number(),
    })
    .nullish(),
  bayerPattern: z.string().nullable(),
  rowOrder: z.enum(['bottom-up', 'top-down']).nullable(),
  /** Bits of shared/flags.ts that hold for the whole frame. */
  flags: z.int(),
})

export type ObjectRef = z.infer<typeof ObjectRef>
export type Provenance = z.infer<typeof Provenance>
export type StandardHeader = z.infer<typeof StandardHeader>
