import type { SurveyId } from './reference.ts'
import type { Upstream } from './upstreams.ts'

/** Spellings under which a quantity is published (archive, HATS, VizieR, service), first found wins. */
export type Spellings = readonly string[]

export interface SurveyBand {
  mag: Spellings
  /** Columns with the 1 σ error. */
  err?: Spellings
  /** Columns with the flux over its error, where no error in magnitudes is published. */
  snr?: Spellings
  /** Columns with a flux and its error, where no error in magnitudes is published. */
  fluxErr?: { flux: Spellings; err: Spellings }
  /** A column that says of this band alone whether its magnitude is to be believed; empty values pass. */
  valid?: { column: Spellings; keep: (value: string) => boolean }
  /** Error where none is published, mag, as a function of the magnitude. */
  assumedErr?: (mag: number) => number
  system: 'AB' | 'Vega'
  /** Standard band it stands for, as in the standard header ('r', 'V', 'clear', …): what a filter is compared with. */
  standsFor: string
  /** Stars outside [bright, faint] are saturated or unreliable in the survey, mag. */
  bright: number
  faint: number
  /** Bands whose difference is the colour of the colour term; absent where the survey has none for it. */
  colour?: readonly [string, string]
}

/**
 * A condition that a clean, single, constant star fulfils. A cut whose columns are not in the table is left out, and
 * values that are missing (NaN, empty) pass.
 */
export type Cut =
  | { readonly columns: readonly Spellings[]; readonly keep: (...values: number[]) => boolean }
  | { readonly text: Spellings; readonly keepText: (value: string) => boolean }

/** A published position error and the factor from its unit to mas. */
export type ErrorColumn = readonly [name: string, toMas: number]

export interface Survey {
  id: SurveyId
  title: string
  source: string
  /** Bands by the survey's own names. */
  bands: Record<string, SurveyBand>
  /** Band by which stars are ranked. */
  mainBand: string
  columns: {
    id: Spellings
    /** Identity in several columns, joined by '-'. */
    idParts?: readonly Spellings[]
    ra: Spellings
    dec: Spellings
    raErr?: readonly ErrorColumn[]
    decErr?: readonly ErrorColumn[]
    pmRa?: Spellings
    pmDec?: Spellings
    pmErr?: Spellings
    parallax?: Spellings
    /** Epoch per row; Julian years or modified Julian dates. */
    epoch?: Spellings
  }
  /** Epoch of rows that carry none, Julian year. */
  epochYear: number
  /** Position error of rows that carry none, mas per axis. */
  positionErrMas: number
  clean: readonly Cut[]
  /** Declinations that the survey covers, degrees. */
  declination: readonly [number, number]
  /** How well the survey's zero point is tied to its system, mag: weighs surveys of the same band against each other. */
  systematicMag: number
  /** Its bands are no standard ones: they rank stars, and calibrate a frame only where no other survey has stars. */
  lastResort?: true
  /** Services that hold it, in the order in which they are asked; none where it has to be imported. */
  upstreams?: readonly Upstream[]
}

/** Check a survey's description and return it: bands and colours it names exist. @throws {Error} a name is not there */
export function survey(description: Survey): Survey {
  const { id, bands, mainBand } = description
  for (const name of [mainBand, ...Object.values(bands).flatMap(band => band.colour ?? [])])
    if (!(name in bands)) throw new Error(`survey ${id} has no band ${name}`)
  return description
}
