import type { StandardHeader } from '#events/frame.ts'
import { parseSexagesimalDegrees, separationDeg, wrap180, wrap360 } from '#shared/sky/angles.ts'
import { greenwichSiderealDeg } from '#shared/sky/apparent.ts'
import { pixelToSky, wcsFromCards } from '#shared/sky/wcs.ts'
import type { PointingSource } from './dialects/dialect.ts'
import { genericPointings } from './dialects/generic.ts'
import { type Found, findNumber, type Reader } from './read-value.ts'

export type Pointing = NonNullable<StandardHeader['pointing']>
export type Site = NonNullable<StandardHeader['site']>

const NOT_OF_DATE_DEG = 0.35 // precession since 2000 where the mount's own equinox is told: added to the uncertainty

const MOUNT_DEG = 1.5 // what altitude and azimuth are off by refraction, precession since 2000, a rough site, an unlevelled mount

/**
 * Where the header says the telescope pointed: a hint, never the truth. A WCS already in the header counts less than a
 * position, since it may stem from another frame; altitude and azimuth count last.
 *
 * @param site,mjdUtcMid where and when altitude and azimuth were read
 */
export function findPointing(
  reader: Reader,
  width: number,
  height: number,
  site: Site | undefined,
  mjdUtcMid: number,
): Found<Pointing> | undefined {
  const sources = [...(reader.dialect.pointings ?? []), ...genericPointings]
  const told = sources.flatMap(source => readPair(reader, source) ?? [])
  const settled = settledHours(told)
  if (settled) return against(settled, told)
  return fromWcs(reader, width, height) ?? fromHorizon(reader, site, mjdUtcMid)
}

/** The position of an altitude and an azimuth, which is counted from north over east. */
function fromHorizon(reader: Reader, site: Site | undefined, mjdUtcMid: number): Found<Pointing> | undefined {
  const altitude = findNumber(reader, 'altitudeDeg')
  const azimuth = findNumber(reader, 'azimuthDeg')
  if (!site || !altitude || !azimuth) return undefined
  const [h, a, latitude] = [altitude.value, azimuth.value, site.latitudeDeg].map(degrees => (degrees * Math.PI) / 180)
  const sinDec = Math.sin(latitude) * Math.sin(h) + Math.cos(latitude) * Math.cos(h) * Math.cos(a)
  const hourAngle = Math.atan2(
    -Math.cos(h) * Math.sin(a),
    Math.sin(h) * Math.cos(latitude) - Math.cos(h) * Math.cos(a) * Math.sin(latitude),
  )
  const siderealDeg = greenwichSiderealDeg(mjdUtcMid) + site.longitudeEastDeg
  const raDeg = wrap360(siderealDeg - (hourAngle * 180) / Math.PI)
  const decDeg = (Math.asin(Math.max(-1, Math.min(1, sinDec))) * 180) / Math.PI
  return {
    value: { raDeg, decDeg, uncertaintyDeg: MOUNT_DEG },
    from: `${altitude.from}, ${azimuth.from}`,
    conversion: 'altitude and azimuth at the middle of the exposure',
    confidence: 'guess',
  }
}

function readPair({ header, dialect }: Reader, source: PointingSource): Found<Pointing> | undefined {
  const ra = angle(header.get(source.ra))
  const dec = angle(header.get(source.dec))
  if (!ra || !dec || Math.abs(dec.value) > 90 || (ra.value === 0 && dec.value === 0)) return undefined
  const comment = header.comment(source.ra)
  const told = (unit: RegExp) => source.as === 'auto' && unit.test(comment)
  const radians = !ra.sexagesimal && told(/\bradians?\b|[[(]rad[\])]/i)
  const sexagesimalHours = ra.sexagesimal && (Math.abs(ra.value) < 24 || !told(/\bdeg/i))
  const inHours =
    source.as === 'hours' || (source.as === 'auto' && (sexagesimalHours || /\bh(ou)?rs?\b|\[h\]|\(h/i.test(comment)))
  if (radians) for (const angle of [ra, dec]) angle.value *= 180 / Math.PI
  const raDeg = inHours ? ra.value * 15 : ra.value
  if (raDeg < -360 || raDeg > 360) return undefined
  const equinox = header.number('EQUINOX') ?? header.number('EPOCH') ?? header.number('OBJCTEQU') ?? 2000
  const ofDate = Math.abs(equinox - 2000) > 1
  const uncertaintyDeg = source.uncertaintyDeg + (ofDate ? NOT_OF_DATE_DEG : 0)
  const words = [
    inHours ? 'hours to degrees' : radians ? 'radians to degrees' : '',
    ofDate ? `equinox ${equinox} taken as it is` : '',
  ]
  return {
    value: { raDeg: wrap360(raDeg), decDeg: dec.value, uncertaintyDeg },
    from: `${source.ra}, ${source.dec}`,
    conversion: words.filter(Boolean).join('; '),
    confidence: source.confidence ?? (dialect.id === 'generic' ? 'likely' : 'certain'),
  }
}

function angle(value: unknown): { value: number; sexagesimal: boolean } | undefined {
  if (typeof value === 'number') return { value, sexagesimal: false }
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const degrees = parseSexagesimalDegrees(value)
  if (Number.isFinite(degrees)) return { value: degrees, sexagesimal: true }
  const plain = Number(value)
  return Number.isFinite(plain) ? { value: plain, sexagesimal: false } : undefined
}

const FAR_DEG = 2 // no mount is so far off: one of two pairs is of another field, or read in the wrong unit

function against(found: Found<Pointing>, told: Found<Pointing>[]): Found<Pointing> {
  const { raDeg, decDeg } = found.value
  const apart = ({ value }: Found<Pointing>) => separationDeg(value.raDeg, value.decDeg, raDeg, decDeg)
  const odd = told.find(other => other.from !== found.from && apart(other) > FAR_DEG)
  return odd ? { ...found, conflict: `${odd.from} is ${apart(odd).toFixed(1)}° away` } : found
}

/** The first pair; a bare RA below 24 that fits another pair only when read as hours is taken as hours. */
function settledHours(told: Found<Pointing>[]): Found<Pointing> | undefined {
  const [first, ...others] = told
  if (!first || first.conversion.includes('hours') || first.value.raDeg >= 24) return first
  const asHours = { ...first.value, raDeg: first.value.raDeg * 15 }
  const fits = (pointing: Pointing) =>
    others.some(({ value }) => separationDeg(value.raDeg, value.decDeg, pointing.raDeg, pointing.decDeg) < 2)
  if (fits(first.value) || !fits(asHours)) return first
  return {
    ...first,
    value: asHours,
    conversion: 'hours to degrees, as the other keywords demand',
    confidence: 'likely',
  }
}

function fromWcs({ header }: Reader, width: number, height: number): Found<Pointing> | undefined {
  const wcs = wcsFromCards(header)
  if (!wcs) return undefined
  const [raDeg, decDeg] = pixelToSky(wcs, (width - 1) / 2, (height - 1) / 2)
  if (!Number.isFinite(raDeg) || !Number.isFinite(decDeg)) return undefined
  return {
    value: { raDeg: wrap360(raDeg), decDeg, uncertaintyDeg: 0.3 },
    from: 'WCS',
    conversion: 'centre of the frame by the WCS of the header',
    confidence: 'likely',
  }
}

/** Where the telescope stands. */
export function findSite(reader: Reader): Found<Site> | undefined {
  const latitude = findNumber(reader, 'latitudeDeg')
  const longitude = findNumber(reader, 'longitudeEastDeg')
  if (!latitude || !longitude || (latitude.value === 0 && longitude.value === 0)) return undefined
  const height = findNumber(reader, 'heightM')
  return {
    value: { latitudeDeg: latitude.value, longitudeEastDeg: wrap180(longitude.value), heightM: height?.value ?? 0 },
    from: [latitude, longitude, height].flatMap(found => found?.from ?? []).join(', '),
    conversion: [...new Set([latitude, longitude, height].flatMap(found => found?.conversion || []))].join('; '),
    confidence: 'likely',
  }
}
