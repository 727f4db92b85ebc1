import type { Provenance, StandardHeader } from '#events/frame.ts'
import { CpcsError } from '#shared/errors.ts'
import type { Header } from '#shared/fits/header.ts'
import { type Flag, flagMask } from '#shared/flags.ts'
import { isoFromMjd, mjdFromIso, SECONDS_PER_DAY } from '#shared/sky/time.ts'
import type { Dialect } from './dialects/dialect.ts'
import type { Band } from './dialects/filters.ts'
import { bandOf } from './dialects/filters.ts'
import { dialectOf } from './dialects/known-dialects.ts'
import { earlierFlags } from './earlier-flags.ts'
import { observationTime } from './observation-time.ts'
import { findAirmass, findMoonAndSun } from './observing-conditions.ts'
import { findPixelAspect, findPixelScale } from './pixel-size.ts'
import { inPixelUnit, type PixelUnit, readPixelUnit } from './pixel-unit.ts'
import { findPointing, findSite } from './pointing.ts'
import type { TelescopeProfile } from './profile.ts'
import { contradicted, type Found, findNumber, findText, type Reader, statements } from './read-value.ts'

export type DetectorField = 'gainElectronsPerAdu' | 'readNoiseElectrons' | 'saturationAdu' | 'pedestalAdu'
export type ToldHeader = Omit<StandardHeader, DetectorField>

/** What the header and the profile alone say of a frame; the pixels complete the detector (detector.ts). */
export interface Translation {
  header: ToldHeader
  detector: Partial<Record<DetectorField, Found<number>>>
  unit: PixelUnit
  provenance: Record<string, Provenance>
}

const notLight =
  /(?<![a-z])(master|super|sky|dome|lamp|twilight)?[\s_-]*(bias|darks?|zero|offset|flats?([\s_-]?field)?|arc|focus)+(?![a-z])/i

/**
 * Translate a header of any dialect into the standard one.
 *
 * @param width,height size of the image in pixels as stored
 * @throws {CpcsError} NotLightFrame, NoObservationTime
 */
export function translate(header: Header, width: number, height: number, profile: TelescopeProfile): Translation {
  const reader: Reader = { header, dialect: withKeywords(dialectOf(header), profile) }
  refuseCalibrationFrames(reader)

  const object = findText(reader, 'object')
  const telescope = fromProfile(profile.telescope) ?? findText(reader, 'telescope')
  const instrument = fromProfile(profile.instrument) ?? findText(reader, 'instrument')
  const exposure = findExposure(reader)
  const exposureTold = exposure && exposure.value > 0 ? exposure.value : undefined
  const time = observationTime(reader, exposureTold, profile.timeStamp)
  const clockDays = (profile.clockOffsetSeconds ?? 0) / SECONDS_PER_DAY
  const mjdUtcMid = time.mjdUtcMid.value + clockDays
  const filter = findFilter(reader, profile)
  const binning = { x: findAgreed(reader, 'binningX'), y: findAgreed(reader, 'binningY') }
  const binningX = binning.x?.value ?? 1
  const aspect = fromProfile(profile.pixelAspect) ?? findPixelAspect(reader, binning)
  const scale = fromProfile(profile.pixelScaleArcsec) ?? findPixelScale(reader, binning, aspect?.value ?? 1)
  const site = fromProfile(profile.site) ?? findSite(reader)
  const pointing = findPointing(reader, width, height, site?.value, mjdUtcMid)
  const airmass = findAirmass(reader, site, pointing?.value, mjdUtcMid)
  const moonAndSun = findMoonAndSun(site?.value, pointing?.value, mjdUtcMid)
  const bayer = findBayer(reader, profile)
  const rowOrder = findRowOrder(reader)
  const unit = readPixelUnit(header, exposureTold)

  const detector = findDetector(reader, profile, unit)

  const flags: Flag[] = []
  if (time.uncertain || moonAndSun?.conflict !== undefined) flags.push('timeUncertain')
  if (exposureTold === undefined) flags.push('exposureUnknown')
  const dateObs = clockDays === 0 ? time.dateObsUtc.value : isoFromMjd(mjdFromIso(time.dateObsUtc.value) + clockDays)
  return {
    header: {
      dialect: reader.dialect.id,
      widthPx: width,
      heightPx: height,
      object: object?.value ?? null,
      telescope: telescope?.value ?? null,
      instrument: instrument?.value ?? null,
      mjdUtcMid,
      dateObsUtc: dateObs,
      exposureSeconds: exposure?.value ?? 0,
      filterName: filter.name?.value ?? null,
      band: filter.band?.value ?? null,
      binning: [binningX, binning.y?.value ?? binningX],
      pixelScaleArcsec: scale?.value ?? null,
      pixelAspect: aspect?.value ?? null,
      pointing: pointing?.value ?? null,
      site: site?.value ?? null,
      airmass: airmass && Number.isFinite(airmass.value) ? airmass.value : null,
      moonAndSun: moonAndSun?.value ?? null,
      bayerPattern: bayer?.value ?? null,
      rowOrder: rowOrder?.value ?? null,
      pixelUnit: unit.text,
      flags: flagMask(...flags) | earlierFlags(header, reader.dialect.id, detector),
    },
    detector,
    unit,
    provenance: {
      object: provenanceOf(object),
      telescope: provenanceOf(telescope),
      instrument: provenanceOf(instrument),
      mjdUtcMid: provenanceOf(clockDays === 0 ? time.mjdUtcMid : corrected(time.mjdUtcMid)),
      dateObsUtc: provenanceOf(clockDays === 0 ? time.dateObsUtc : corrected(time.dateObsUtc)),
      exposureSeconds: provenanceOf(exposure),
      filterName: provenanceOf(filter.name),
      band: provenanceOf(filter.band),
      binning: provenanceOf(binning.x, 'not told: 1'),
      pixelScaleArcsec: provenanceOf(scale),
      pixelAspect: provenanceOf(aspect),
      pointing: provenanceOf(pointing),
      site: provenanceOf(site),
      airmass: provenanceOf(airmass),
      moonAndSun: provenanceOf(moonAndSun),
      bayerPattern: bayer ? provenanceOf(bayer) : otherColours(reader),
      rowOrder: provenanceOf(rowOrder),
      pixelUnit: provenanceOf(unit),
    },
  }
}

/** The dialect with the keywords that the telescope's owner names before all others. */
function withKeywords(dialect: Dialect, { keywords, timeStamp }: TelescopeProfile): Dialect {
  if (!keywords) return dialect
  const { time, ...named } = keywords
  const fields: Dialect['fields'] = { ...dialect.fields }
  for (const [name, key] of Object.entries(named)) {
    const field = name as keyof typeof named
    fields[field] = [{ key: key.toUpperCase() }, ...(fields[field] ?? [])]
  }
  const own = time ? [{ key: time.toUpperCase(), marks: timeStamp ?? 'start' }] : []
  return { ...dialect, fields, times: [...own, ...(dialect.times ?? [])] }
}

/** Where a value came from, as the contract tells it. */
export function provenanceOf(found: Found<unknown> | undefined, absent = 'not told'): Provenance {
  if (!found) return { from: '', conversion: absent, confidence: 'none' }
  const { from, conversion, confidence, conflict } = found
  return conflict === undefined ? { from, conversion, confidence } : { from, conversion, confidence, conflict }
}

function fromProfile<T>(value: T | undefined): Found<T> | undefined {
  return value === undefined ? undefined : { value, from: 'profile', conversion: '', confidence: 'certain' }
}

function corrected<T>(found: Found<T>): Found<T> {
  return {
    ...found,
    from: `${found.from}, profile`,
    conversion: `${found.conversion}; clock offset of the profile added`,
  }
}

function refuseCalibrationFrames(reader: Reader): void {
  for (const { value, from } of statements(reader, 'imageType'))
    if (typeof value === 'string' && notLight.test(value) && !/light|object|science/i.test(value))
      throw new CpcsError('NotLightFrame', { found: `${from} = '${value}'` })
}

/**
 * The exposure; a zero only where nothing else is told. EXPTIME and EXPOSURE are held against each other, since every
 * program means them alike: others may tell of the elapsed or the live time.
 */
function findExposure(reader: Reader): Found<number> | undefined {
  const told = statements(reader, 'exposureSeconds') as Found<number>[]
  const alike = told.filter(({ from }) => /^EXP(TIME|OSURE)$/.test(from))
  return contradicted(told.find(({ value }) => value > 0) ?? told[0], alike)
}

function findAgreed(reader: Reader, field: 'binningX' | 'binningY'): Found<number> | undefined {
  return contradicted(findNumber(reader, field), statements(reader, field) as Found<number>[])
}

/** Of several filter wheels the one that holds a filter counts, not the open one. */
function findFilter(reader: Reader, profile: TelescopeProfile): { name?: Found<string>; band?: Found<string> } {
  const told = statements(reader, 'filterName').map(found => ({ ...found, value: String(found.value) }))
  const names = told.filter(({ value }) => !mosaicPattern.test(value))
  const withBand = (band: (b: Band | undefined) => boolean) => names.find(({ value }) => band(bandOf(value)?.band))
  const name =
    withBand(band => band !== undefined && band !== 'clear') ?? withBand(band => band === 'clear') ?? names[0]
  if (!name) {
    const told = reader.dialect.id === 'cpcs' ? reader.header.string('BAND') : undefined
    return { band: told ? { value: told, from: 'BAND', conversion: '', confidence: 'certain' } : undefined }
  }
  const own = profile.bands?.[name.value]
  if (own) return { name, band: fromProfile(own) }
  const standard = bandOf(name.value)
  if (!standard) return { name }
  const second = names.find(({ value }) => {
    const other = bandOf(value)?.band
    return other !== undefined && other !== 'clear' && standard.band !== 'clear' && other !== standard.band
  })
  const conflict = second && `${second.from} says '${second.value}'`
  const conversion = standard.band === name.value ? '' : `'${name.value}' stands for ${standard.band}`
  return {
    name,
    band: { value: standard.band, from: name.from, conversion, confidence: standard.confidence, conflict },
  }
}

const mosaicPattern = /^(RGGB|BGGR|GRBG|GBRG)$/

function findBayer(reader: Reader, profile: TelescopeProfile): Found<string> | undefined {
  const told = fromProfile(profile.bayerPattern) ?? findText(reader, 'bayerPattern')
  const pattern = told?.value.toUpperCase()
  if (!told || !pattern || !mosaicPattern.test(pattern)) return undefined
  const odd = (keyword: string) => Math.abs(Math.round(reader.header.number(keyword) ?? 0)) % 2
  const [xOffset, yOffset] = [odd('XBAYROFF'), odd('YBAYROFF')]
  const cell = [0, 1, 2, 3].map(i => pattern[((i & 1) ^ xOffset) | ((((i >> 1) & 1) ^ yOffset) << 1)]).join('')
  const conversion = cell === pattern ? '' : `${pattern} shifted by XBAYROFF, YBAYROFF`
  return { ...told, value: cell, conversion }
}

const colourWords = /trans|^[rgbcmykw]{4,36}$/i // X-Trans, CMYG, RGBW and the like

/** Of a camera whose colours lie in another pattern than Bayer's, that its frame is taken as if of one colour. */
function otherColours(reader: Reader): Provenance {
  const told = findText(reader, 'bayerPattern')
  if (!told || !colourWords.test(told.value)) return provenanceOf(undefined)
  const conflict = `the pattern ${told.value} is not known here: all its pixels are taken as of one colour`
  return { from: told.from, conversion: '', confidence: 'none', conflict }
}

function findRowOrder(reader: Reader): Found<'bottom-up' | 'top-down'> | undefined {
  const told = findText(reader, 'rowOrder')
  const word = told?.value.toLowerCase().replace(/[\s_]/g, '-')
  return told && (word === 'bottom-up' || word === 'top-down') ? { ...told, value: word } : undefined
}

function findDetector(reader: Reader, profile: TelescopeProfile, unit: PixelUnit): Translation['detector'] {
  const stacked = findNumber(reader, 'stackedFrames')
  const gain = fromProfile(profile.gainElectronsPerAdu) ?? findGain(reader)
  const ofCamera = {
    gainElectronsPerAdu: gain,
    readNoiseElectrons: fromProfile(profile.readNoiseElectrons) ?? findReadNoise(reader, gain),
    saturationAdu: fromProfile(profile.saturationAdu) ?? findNumber(reader, 'saturationAdu'),
    pedestalAdu: fromProfile(profile.pedestalAdu) ?? findNumber(reader, 'pedestalAdu'),
  }
  // a standardised frame tells its detector in the unit of its pixels
  const told = reader.dialect.id === 'cpcs' ? ofCamera : inPixelUnit(ofCamera, unit, reader.header)
  return {
    ...told,
    gainElectronsPerAdu: ofMean(told.gainElectronsPerAdu, stacked, count => count),
    readNoiseElectrons: ofMean(told.readNoiseElectrons, stacked, Math.sqrt),
  }
}

/** A value of one exposure as it holds for the mean of a stack: its ADU stand for more electrons. */
function ofMean(
  found: Found<number> | undefined,
  stacked: Found<number> | undefined,
  factor: (count: number) => number,
): Found<number> | undefined {
  if (!found || !stacked || !(stacked.value > 1)) return found
  const words = `of the mean of ${stacked.value} frames (${stacked.from})`
  const conversion = found.conversion ? `${found.conversion}; ${words}` : words
  return { ...found, value: found.value * factor(stacked.value), conversion, confidence: 'likely' }
}

const perAdu = /\be(-|lec\w*)?\s*(\/|per)\s*(adu|dn|count)/i
const perElectron = /\b(adu|dn|counts?)\s*(\/|per)\s*e(?![a-df-km-z])/i
const setting = /\bdB\b|setting|preset|analog|\biso\b/i

/**
 * GAIN may be a setting of the camera: a whole number is believed only where a comment or the dialect vouches for it,
 * and nothing where the comment tells decibels or a setting. ADU per electron are turned.
 */
function findGain(reader: Reader): Found<number> | undefined {
  const told = statements(reader, 'gainElectronsPerAdu').filter(
    (found): found is Found<number> => typeof found.value === 'number',
  )
  const comment = ({ from }: Found<number>) => reader.header.comment(from)
  const found = told.find(
    gain =>
      gain.confidence === 'certain' ||
      perAdu.test(comment(gain)) ||
      (!Number.isInteger(gain.value) && !setting.test(comment(gain))),
  )
  if (!found || found.confidence === 'certain' || !perElectron.test(comment(found))) return found
  return { ...found, value: 1 / found.value, conversion: 'inverse: its comment says ADU per electron' }
}

const inAdu = /\b(adu|dn|counts?)\b/i
const inElectrons = /\be(-|lec\w*)?(?![a-z])/i

/** The read noise; where its comment tells ADU, by the gain, and nothing where that is unknown. */
function findReadNoise(reader: Reader, gain: Found<number> | undefined): Found<number> | undefined {
  const found = findNumber(reader, 'readNoiseElectrons')
  const comment = found ? reader.header.comment(found.from) : ''
  if (!found || !inAdu.test(comment) || inElectrons.test(comment)) return found
  return gain && { ...found, value: found.value * gain.value, conversion: 'by the gain: its comment says ADU' }
}
