import type { StandardHeader } from '#events/frame.ts'
import { airmassAt, altitudeDeg } from '#shared/sky/airmass.ts'
import { moonAndSun } from '#shared/sky/moon-sun.ts'
import type { Pointing, Site } from './pointing.ts'
import { type Found, findNumber, type Reader, statements } from './read-value.ts'

export type MoonAndSun = NonNullable<StandardHeader['moonAndSun']>

const computed = { from: 'site, pointing, time', confidence: 'certain' } as const

/**
 * Airmass at mid-exposure: computed where site and pointing are known, else the header's. A site whose longitude fits
 * the header's airmass only when counted west is turned, in place.
 */
export function findAirmass(
  reader: Reader,
  site: Found<Site> | undefined,
  pointing: Pointing | undefined,
  mjdUtcMid: number,
): Found<number> | undefined {
  const told = toldAirmass(reader)
  if (!site || !pointing) return told
  const height = (place: Site) => altitudeDeg(pointing.raDeg, pointing.decDeg, place, mjdUtcMid)
  const at = (place: Site) => airmassAt(height(place))
  const mirrored = { ...site.value, longitudeEastDeg: -site.value.longitudeEastDeg }
  let airmass = at(site.value)
  const off = (value: number) => (told ? Math.abs(value - told.value) : 0)
  if (told && !(off(airmass) < 0.3) && off(at(mirrored)) < 0.1) {
    site.value = mirrored
    site.conversion = `${site.conversion ? `${site.conversion}; ` : ''}longitude taken as counted west, as the airmass demands`
    airmass = at(mirrored)
  }
  if (!Number.isFinite(airmass)) {
    const below = `the pointing lies ${(-height(site.value)).toFixed(0)}° below the horizon: time, site or pointing is wrong`
    return { ...(told ?? { value: Number.NaN, from: '', conversion: 'not told', confidence: 'none' }), conflict: below }
  }
  const conflict = off(airmass) > 0.05 * airmass ? `${told!.from} says ${told!.value.toFixed(3)}` : undefined
  return { ...computed, value: airmass, conversion: 'Kasten & Young 1989', conflict }
}

function toldAirmass(reader: Reader): Found<number> | undefined {
  const [told] = statements(reader, 'airmass') as Found<number>[]
  if (told) return told
  const altitude = findNumber(reader, 'altitudeDeg')
  if (!altitude) return undefined
  return { ...altitude, value: airmassAt(altitude.value), conversion: 'from the altitude (Kasten & Young 1989)' }
}

const BRIGHT_DAY_DEG = 3 // Sun's altitude from which on no camera sees stars, refraction and a rough site allowed for

/** Where Moon and Sun stood at mid-exposure; a Sun that was up speaks against the time or the site, and that is told. */
export function findMoonAndSun(
  site: Site | undefined,
  pointing: Pointing | undefined,
  mjdUtcMid: number,
): Found<MoonAndSun> | undefined {
  if (!site || !pointing) return undefined
  const value = moonAndSun(mjdUtcMid, pointing.raDeg, pointing.decDeg, site)
  const conflict =
    value.sunAltitudeDeg > BRIGHT_DAY_DEG
      ? `the Sun was ${value.sunAltitudeDeg.toFixed(0)}° above the horizon: is the time local, or the longitude of the other sign?`
      : undefined
  return { ...computed, value, conversion: '', conflict }
}
