import type { Provenance, StandardHeader } from '#events/frame.ts'
import type { StandardiseInput, StandardiseOutput } from '#events/stages.ts'
import { CpcsError } from '#shared/errors.ts'
import { assemble, assembledHeader } from '#shared/fits/amplifiers.ts'
import { type Hdu, openFits } from '#shared/fits/file.ts'
import { decodePlane, type Plane } from '#shared/fits/image.ts'
import { sciencePlane } from '#shared/fits/science-plane.ts'
import { flagMask } from '#shared/flags.ts'
import { type CutOff, cutOffInWords, findCutOff } from '#shared/image/cut-off-sky.ts'
import { markDeadAreas } from '#shared/image/dead-areas.ts'
import { type Frame, MASK } from '#shared/image/frame.ts'
import { encodeFrame } from '#shared/image/frame-file.ts'
import { buildMask } from '#shared/image/mask.ts'
import { drawPreview } from '#shared/image/preview.ts'
import type { Log, ObjectStore } from '#shared/store.ts'
import { saturationLevel, stateDetector } from './detector.ts'
import { colourPlane, type MosaicColour } from './mosaic.ts'
import { powerToCounts } from './pixel-unit.ts'
import { readProfile } from './profile.ts'
import { provenanceOf, type ToldHeader, type Translation, translate } from './translate.ts'

export interface StandardiseDeps {
  raw: Pick<ObjectStore, 'get'>
  store: ObjectStore
  log: Log
  /** What the telescope's owner knows better than the header: JSON text or object, see profile.ts. */
  profile?: unknown
}

/** A standardised frame in memory, before it is written. */
export interface StandardFrame {
  frame: Frame
  header: StandardHeader
  provenance: Record<string, Provenance>
}

const MIN_VALUED_SHARE = 0.1
const MAX_SATURATED_SHARE = 0.25

/**
 * Read any FITS a camera writes and say in standard terms what it is: translate its header, complete gain, read noise
 * and saturation from the pixels, mask what is bad, and keep image, header and a picture with the products of the frame.
 *
 * @throws {CpcsError} EmptyObject, NotFits, TruncatedFits, BrokenHeader, UnsupportedFits, NoImage, NotSingleImage,
 *   NotLightFrame, NoPixelValues, NoObservationTime, BadProfile; StoreUnavailable, ObjectMissing
 */
export async function standardise(
  input: StandardiseInput,
  { raw, store, log, profile }: StandardiseDeps,
): Promise<StandardiseOutput> {
  const { frame, header, provenance } = standardFrame(await raw.get(input.raw.key), profile)
  const products = `products/${input.frameId}`
  const image = `${products}/frame.fits`
  await store.put(image, encodeFrame(frame, header), { contentType: 'application/fits' })
  const json = new TextEncoder().encode(`${JSON.stringify({ header, provenance }, null, 2)}\n`)
  await store.put(`${products}/frame.json`, json, { contentType: 'application/json' })
  // drawn again with its stars once they are measured; a frame that comes no further is still seen
  await store.put(`${products}/preview.png`, drawPreview(frame), { contentType: 'image/png' })
  log.info('frame standardised', { dialect: header.dialect, band: header.band, mjdUtcMid: header.mjdUtcMid })
  return { ...input, products, header, image, duplicateOf: null }
}

/**
 * The standardised frame of the bytes that a camera wrote.
 * @param bytes given up by the caller: the pixels of the frame may lie where those of the file lay
 * @throws {CpcsError} as {@link standardise}, but for the store
 */
export function standardFrame(bytes: Uint8Array, profile?: unknown): StandardFrame {
  const file = openFits(bytes)
  const plane = sciencePlane(file)
  const assembled = plane.amplifiers && assemble(file, plane.amplifiers)
  const cards = assembled ? assembledHeader(file.hdus[0].header, plane.amplifiers!, assembled) : plane.header
  const owner = readProfile(profile)
  const translation = translate(cards, plane.width, plane.height, owner)
  const image = assembled ?? decodePlane(file, plane.hdu, true)
  refuseEmptyPixels(image.pixels)
  const changes = assembled ? putTogether(assembled.words) : likeCounts(image, translation)
  const counted = image.bitpix > 0 && translation.unit.value === 'adu' // whole numbers of a converter
  const saturation = saturationLevel(translation.detector.saturationAdu, image.pixels, counted)
  refuseSaturated(image.pixels, saturation.found.value)
  const colour = translation.header.bayerPattern ? (owner.mosaicColour ?? 'G') : undefined
  if (colour) takeColour(colour, image, translation, saturation.found.value)

  const { width, height, pixels } = image
  const areas = saturatedPixels(pixels, saturation.found.value)
  const dead = markDeadAreas(pixels, areas, width, height) / pixels.length
  // What is dead tells nothing of the sky and its noise.
  const seen = dead > 0 ? pixels.map((value, i) => (areas[i] & MASK.bad ? Number.NaN : value)) : pixels
  const stated = stateDetector(translation, saturation, seen, width, height, colour === 'G')
  if (Number.isNaN(stated.detector.pedestalAdu))
    throw new CpcsError('NoPixelValues', {
      found: 'nowhere do enough pixels with values lie together for the sky to be measured',
    })
  const { skyAdu, skyVariance } = stated.transfer
  const mask = buildMask(seen, width, height, stated.detector, Math.sqrt(skyVariance))
  const cutOff = findCutOff(seen, skyAdu, Math.sqrt(skyVariance))
  const flags =
    translation.header.flags |
    stated.flags |
    (cutOff ? flagMask('skyCutOff') : 0) |
    (dead > 0 ? flagMask('deadArea') : 0)
  const found = {
    ...(changes && { pixels: changes }),
    ...(cutOff && { sky: inWords(cutOff) }),
    ...(dead > 0 && { mask: masked(dead) }),
  }
  return {
    frame: { width, height, pixels, mask, detector: stated.detector },
    header: { ...translation.header, ...stated.detector, flags },
    provenance: { ...translation.provenance, ...stated.provenance, ...found },
  }
}

function saturatedPixels(pixels: Float32Array, saturationAdu: number): Uint8Array {
  const mask = new Uint8Array(pixels.length)
  for (let i = 0; i < pixels.length; i++) if (pixels[i] >= saturationAdu) mask[i] = MASK.saturated
  return mask
}

function masked(dead: number): Provenance {
  const conversion = `${(100 * dead).toPrecision(2)} % of the pixels lie in areas of one value: masked`
  return { from: 'pixels', conversion, confidence: 'certain' }
}

function inWords(cutOff: CutOff): Provenance {
  const conversion = `${cutOffInWords(cutOff)}: the sky was cut off there`
  return { from: 'pixels', conversion, confidence: 'likely' }
}

/**
 * What the headers of a frame alone say of it, without its pixels; of the detector what they tell.
 * @throws {CpcsError} NoImage, NotSingleImage, NotLightFrame, NoObservationTime, BadProfile
 */
export function headersAlone(
  hdus: Hdu[],
  profile?: unknown,
): Pick<StandardFrame, 'provenance'> & { header: ToldHeader } {
  const plane = sciencePlane({ hdus })
  const { header, detector, provenance } = translate(plane.header, plane.width, plane.height, readProfile(profile))
  const told = Object.entries(detector).filter(([, found]) => found !== undefined)
  return {
    header: { ...header, ...Object.fromEntries(told.map(([field, { value }]) => [field, value])) },
    provenance: { ...provenance, ...Object.fromEntries(told.map(([field, found]) => [field, provenanceOf(found)])) },
  }
}

function refuseEmptyPixels(pixels: Float32Array): void {
  let valued = 0
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i]
    if (!Number.isFinite(value)) continue
    valued++
    if (value < low) low = value
    if (value > high) high = value
  }
  if (valued === 0) throw new CpcsError('NoPixelValues', { found: 'every pixel is NaN or blank' })
  if (low === high) throw new CpcsError('NoPixelValues', { found: `every pixel has the value ${low}` })
  const share = valued / pixels.length
  if (share < MIN_VALUED_SHARE)
    throw new CpcsError('NoPixelValues', { found: `only ${(100 * share).toFixed(1)} % of the pixels have a value` })
}

function refuseSaturated(pixels: Float32Array, saturationAdu: number): void {
  let saturated = 0
  for (let i = 0; i < pixels.length; i++) if (pixels[i] >= saturationAdu) saturated++
  const percent = Math.round((100 * saturated) / pixels.length)
  if (saturated > MAX_SATURATED_SHARE * pixels.length)
    throw new CpcsError('NoPixelValues', {
      found: `${percent} % of the pixels are saturated (twilight, the Moon, or far too long an exposure?)`,
    })
}

const FULL_SCALE_ADU = 65_535
const LEAST_SHARE = 1e-3 // of that range, reached by the brightest pixel of any frame of stars

/** Make counts of rates, and of what is none numbers like counts, and say so. */
function likeCounts(image: Plane, translation: Translation): Provenance | undefined {
  const { unit, header, detector } = translation
  if (header.dialect === 'cpcs') return undefined
  if (unit.factor !== 1) return multiply(image, unit.factor, unit.conversion)
  const shares = unit.value === 'adu' ? countShares(image) : undefined
  const power = shares ? 0 : powerToCounts(image.pixels, unit)
  if (power === 0) return shares
  // nothing told in ADU holds for such pixels
  translation.unit = { ...unit, value: 'physical' }
  translation.detector = { readNoiseElectrons: detector.readNoiseElectrons }
  header.pixelUnit = unit.value === 'physical' ? `10**${-power} ${unit.text}` : null
  return multiply(image, 10 ** power, `multiplied by 10**${power}: they are no counts`)
}

function multiply({ pixels }: Plane, factor: number, conversion: string): Provenance {
  for (let i = 0; i < pixels.length; i++) pixels[i] *= factor
  return { from: 'BUNIT', conversion, confidence: 'likely' }
}

/** Floats between 0 and 1, as stacking programs write them, are shares of the range of a 16-bit converter. */
function countShares({ pixels, bitpix }: Plane): Provenance | undefined {
  if (bitpix > 0) return undefined
  let highest = 0
  for (let i = 0; i < pixels.length; i++) {
    if (pixels[i] > 1 || pixels[i] < -1) return undefined
    if (pixels[i] > highest) highest = pixels[i]
  }
  if (highest < LEAST_SHARE) return undefined
  for (let i = 0; i < pixels.length; i++) pixels[i] *= FULL_SCALE_ADU
  return {
    from: 'pixels',
    conversion: `floats in 0 to 1 taken as shares of ${FULL_SCALE_ADU} ADU`,
    confidence: 'guess',
  }
}

function putTogether(words: string): Provenance {
  return { from: 'DETSEC, DATASEC, BIASSEC', conversion: words, confidence: 'certain' }
}

const ofColour = {
  R: { name: 'red', cells: 'the red pixel of each 2 × 2 cell', band: 'R' },
  G: { name: 'green', cells: 'two green pixels of each 2 × 2 cell averaged', band: 'V' },
  B: { name: 'blue', cells: 'the blue pixel of each 2 × 2 cell', band: 'B' },
} as const

/** Replace the mosaic by the pixels of one colour, one per 2 × 2 cell, and say so in the header. */
function takeColour(
  colour: MosaicColour,
  image: Plane,
  { header, provenance }: Translation,
  saturationAdu: number,
): void {
  const pattern = header.bayerPattern!
  const taken = colourPlane(image.pixels, image.width, image.height, pattern, colour, saturationAdu)
  Object.assign(image, { width: taken.width, height: taken.height, pixels: taken.pixels })
  const { name, cells, band } = ofColour[colour]
  header.widthPx = taken.width
  header.heightPx = taken.height
  header.binning = [2 * header.binning[0], 2 * header.binning[1]]
  if (header.pixelScaleArcsec !== null) header.pixelScaleArcsec *= 2
  if (colour === 'G') header.flags |= flagMask('mosaicGreen')
  for (const field of ['binning', 'pixelScaleArcsec'])
    provenance[field].conversion = [provenance[field].conversion, cells].filter(Boolean).join('; ')
  if (taken.conflict) provenance.bayerPattern.conflict = taken.conflict
  if (colour === 'G' && header.band !== null && header.band !== 'clear') return
  if (header.filterName === null) {
    header.filterName = `${name} of ${pattern}`
    provenance.filterName = provenance.bayerPattern
  }
  header.band = band
  provenance.band = { from: 'assumed', conversion: `${cells}: nearest to ${band}`, confidence: 'guess' }
}
