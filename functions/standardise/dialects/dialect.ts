import type { Header } from '#shared/fits/header.ts'

/** Values of a header that are found by walking a list of keywords until one can be read. */
export type Field =
  | 'object'
  | 'telescope'
  | 'instrument'
  | 'imageType'
  | 'exposureSeconds'
  | 'stackedFrames'
  | 'filterName'
  | 'gainElectronsPerAdu'
  | 'readNoiseElectrons'
  | 'saturationAdu'
  | 'pedestalAdu'
  | 'binningX'
  | 'binningY'
  | 'pixelScaleArcsec'
  | 'pixelSizeMicron'
  | 'pixelHeightMicron'
  | 'unbinnedPixelSizeMicron'
  | 'focalLengthMm'
  | 'latitudeDeg'
  | 'longitudeEastDeg'
  | 'heightM'
  | 'airmass'
  | 'altitudeDeg'
  | 'azimuthDeg'
  | 'bayerPattern'
  | 'rowOrder'

export type Confidence = 'certain' | 'likely' | 'guess'

/** How the value of a keyword becomes the standard one; the engine (read-value.ts) knows each by its name. */
export type Reading =
  | 'text'
  | 'number'
  | 'positive'
  | 'negated'
  | 'absolute'
  | 'seconds'
  | 'minutes'
  | 'inverse'
  | 'arcsec per mm'
  | 'first of pair'
  | 'second of pair'
  | 'degrees'
  | 'degrees west'

/** One keyword that may tell a field. */
export interface Source {
  key: string
  /** The reading that is usual for the field if not given. */
  as?: Reading
  confidence?: Confidence
  /** Values outside are taken as not written. */
  within?: readonly [low: number, high: number]
}

/** One way a header may tell the time of the exposure. */
export interface TimeSource {
  key: string
  /** Keyword of the time of day, where `key` holds the day alone. */
  clock?: string
  /** Keyword of a number of days to be added to the one in `key`. */
  zero?: string
  /** What moment of the exposure it names. */
  marks: 'start' | 'mid' | 'end'
  /** Time scale of the value whatever TIMESYS says. */
  scale?: 'UTC' | 'TAI' | 'TDB'
  /** What a number counts; else its size tells MJD, JD and Unix time apart. */
  as?: 'seconds of MJD'
  confidence?: Confidence
}

/** One pair of keywords that may tell where the telescope pointed. */
export interface PointingSource {
  ra: string
  dec: string
  /** 'auto': text with separators is hours, a bare number degrees (or hours where its comment says so). */
  as: 'auto' | 'degrees' | 'hours'
  uncertaintyDeg: number
  confidence?: Confidence
}

/** A way of writing headers: how to know it, and which keywords it fills with what. Data only; a new one is a new file. */
export interface Dialect {
  id: string
  title: string
  /** One match suffices. */
  known: readonly { key: string; matches: RegExp }[]
  /** None of these keywords may be there. */
  without?: readonly string[]
  /** Searched before the generic lists. */
  fields?: Partial<Record<Field, readonly Source[]>>
  times?: readonly TimeSource[]
  pointings?: readonly PointingSource[]
  /** The end it tells is that of the last exposure: the middle lies between start and end. */
  endsAreExact?: boolean
  /** Keywords that this dialect fills with something else than their name says: never read. */
  distrusts?: readonly string[]
  /** What is known of every frame of this dialect though its header does not say it. */
  assumes?: Partial<Record<Field, { value: string | number; because: string }>>
}

const commentary = new Set(['COMMENT', 'HISTORY'])

/** Whether a header is written in a dialect. Every COMMENT and HISTORY counts, of other keywords the first. */
export function speaks(dialect: Dialect, header: Header): boolean {
  if (dialect.without?.some(key => header.has(key))) return false
  if (dialect.known.length === 0) return true
  return dialect.known.some(({ key, matches }) =>
    commentary.has(key)
      ? header.cards.some(card => card.keyword === key && matches.test(String(card.value)))
      : matches.test(header.string(key) ?? ''),
  )
}
