import type { StandardHeader } from '#events/frame.ts'
import { CpcsError } from '#shared/errors.ts'
import { dataOf, type FitsFile, type Hdu, openFits } from '#shared/fits/file.ts'
import type { Card, Header } from '#shared/fits/header.ts'
import { decodePlane } from '#shared/fits/image.ts'
import { encodeImages } from '#shared/fits/write-image.ts'
import { isoFromMjd, mjdFromIso } from '#shared/sky/time.ts'
import { type Frame, MASK } from './frame.ts'

const MASK_EXTENSION = 'MASK'

/**
 * The standard keywords: what each field of the standard header is called in a standardised file. Angles in degrees.
 * Times are those of the FITS standard (Rots et al. 2015): -OBS is the start, -AVG the middle; each as date and as MJD, since
 * readers that find one of the two add the other and say so.
 * PEDESTAL follows the habit of acquisition programs: it is what has to be added to a pixel, hence negative.
 */
const keywords: readonly { keyword: string; comment: string; of: (h: StandardHeader) => Card['value'] }[] = [
  { keyword: 'DIALECT', comment: 'header dialect this was translated from', of: h => h.dialect },
  { keyword: 'OBJECT', comment: '', of: h => h.object },
  { keyword: 'TELESCOP', comment: '', of: h => h.telescope },
  { keyword: 'INSTRUME', comment: '', of: h => h.instrument },
  { keyword: 'TIMESYS', comment: 'time scale of all times here', of: () => 'UTC' },
  { keyword: 'DATE-OBS', comment: 'start of the exposure', of: h => h.dateObsUtc },
  { keyword: 'MJD-OBS', comment: '[d] start of the exposure', of: h => startMjd(h.dateObsUtc) },
  { keyword: 'DATE-AVG', comment: 'middle of the exposure', of: h => isoFromMjd(h.mjdUtcMid, 6) },
  { keyword: 'MJD-AVG', comment: '[d] middle of the exposure', of: h => h.mjdUtcMid },
  { keyword: 'EXPTIME', comment: '[s] exposure', of: h => h.exposureSeconds },
  { keyword: 'FILTER', comment: 'filter as the camera names it', of: h => h.filterName },
  { keyword: 'BAND', comment: 'band it stands for', of: h => h.band },
  { keyword: 'BUNIT', comment: 'unit of the pixels', of: h => h.pixelUnit ?? null },
  { keyword: 'GAIN', comment: '[electron] in one unit of the pixels', of: h => h.gainElectronsPerAdu },
  { keyword: 'RDNOISE', comment: '[electron]', of: h => h.readNoiseElectrons },
  { keyword: 'SATURATE', comment: '[BUNIT] saturated from here', of: h => h.saturationAdu },
  { keyword: 'PEDESTAL', comment: '[BUNIT] add this to get zero-based counts', of: h => 0 - h.pedestalAdu },
  { keyword: 'XBINNING', comment: '', of: h => h.binning[0] },
  { keyword: 'YBINNING', comment: '', of: h => h.binning[1] },
  { keyword: 'PIXSCALE', comment: '[arcsec/pixel]', of: h => h.pixelScaleArcsec },
  { keyword: 'PIXASPCT', comment: 'height of a pixel over its width', of: h => h.pixelAspect ?? null },
  { keyword: 'POINTRA', comment: '[deg] pointing as the header told it', of: h => h.pointing?.raDeg ?? null },
  { keyword: 'POINTDEC', comment: '[deg] pointing as the header told it', of: h => h.pointing?.decDeg ?? null },
  { keyword: 'POINTERR', comment: '[deg] how far it may be wrong', of: h => h.pointing?.uncertaintyDeg ?? null },
  { keyword: 'SITELAT', comment: '[deg] north', of: h => h.site?.latitudeDeg ?? null },
  { keyword: 'SITELONG', comment: '[deg] east', of: h => h.site?.longitudeEastDeg ?? null },
  { keyword: 'SITEELEV', comment: '[m]', of: h => h.site?.heightM ?? null },
  { keyword: 'AIRMASS', comment: '', of: h => h.airmass },
  { keyword: 'MOONALT', comment: '[deg] altitude of the Moon', of: h => h.moonAndSun?.moonAltitudeDeg ?? null },
  { keyword: 'SUNALT', comment: '[deg] altitude of the Sun', of: h => h.moonAndSun?.sunAltitudeDeg ?? null },
  { keyword: 'MOONDIST', comment: '[deg] Moon from the pointing', of: h => h.moonAndSun?.moonSeparationDeg ?? null },
  { keyword: 'SUNDIST', comment: '[deg] Sun from the pointing', of: h => h.moonAndSun?.sunSeparationDeg ?? null },
  { keyword: 'MOONFRAC', comment: 'lit share of the Moon', of: h => h.moonAndSun?.moonIllumination ?? null },
  { keyword: 'MOSAIC', comment: 'colour filter pattern of the raw frame', of: h => h.bayerPattern },
  { keyword: 'ROWORDER', comment: 'order of the rows in the raw file', of: h => h.rowOrder },
  { keyword: 'QFLAGS', comment: 'quality flags of the whole frame', of: h => h.flags },
]

/** Where a frame points as far as it is known: by its header, until it is solved. */
const placeOf = (header: StandardHeader): Card[] => [
  { keyword: 'RA', value: header.pointing?.raDeg ?? null, comment: '[deg] as the header told it' },
  { keyword: 'DEC', value: header.pointing?.decDeg ?? null, comment: '[deg] as the header told it' },
]

const ours = new Set(keywords.map(row => row.keyword))
const structural =
  /^(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|BZERO|BSCALE|BLANK|PCOUNT|GCOUNT|GROUPS|EXTNAME|CHECKSUM|DATASUM)$/

/**
 * Write a frame with its standard header: primary image (16-bit integers where the pixels are exactly that, else
 * 32-bit floats) and the mask as extension MASK. Physical pixel values stay as they are; the same frame and header give
 * the same bytes.
 *
 * @param extra.cards further cards, e.g. of the WCS; standard and structural keywords among them are left out. Without an
 *   RA among them the frame gets that of its header
 * @param extra.room where the file is written if it is large enough; the frame must not lie there
 */
export function encodeFrame(
  frame: Frame,
  header: StandardHeader,
  extra: { cards?: Card[]; room?: Uint8Array } = {},
): Uint8Array {
  const standard = keywords.map(({ keyword, comment, of }) => ({ keyword, value: of(header), comment }))
  const given = (extra.cards ?? []).filter(({ keyword }) => !ours.has(keyword) && !structural.test(keyword))
  const further = given.some(({ keyword }) => keyword === 'RA') ? given : [...placeOf(header), ...given]
  const { width, height, pixels, mask } = frame
  const as = areShorts(pixels) ? 'uint16' : 'float32'
  const maskCards = Object.entries(MASK).map(([name, bit]) => ({ keyword: `BIT_${bit}`, value: name }))
  return encodeImages(
    [
      { width, height, pixels, as, cards: [...standard, ...further] },
      { width, height, pixels: mask, as: 'uint8', name: MASK_EXTENSION, cards: maskCards },
    ],
    extra.room,
  )
}

/** Room for the pixels and the mask of a frame. */
export interface FrameRoom {
  pixels: Float32Array
  mask: Uint8Array
}

/**
 * Read a frame that {@link encodeFrame} wrote. `cards` are those of the primary header that are neither structural nor
 * part of the standard header (the WCS, for example), so that they can be handed to `encodeFrame` again.
 *
 * @param roomFor a frame of so many pixels each way; its own memory where it is missing
 * @throws {CpcsError} ContractBroken where the file is no standardised frame; NotFits, TruncatedFits, BrokenHeader
 */
export function decodeFrame(
  bytes: Uint8Array,
  roomFor: (width: number, height: number) => FrameRoom = newRoom,
): { frame: Frame; header: StandardHeader; cards: Card[] } {
  const file = openFits(bytes)
  const [primary] = file.hdus
  let room: FrameRoom | undefined
  const { width, height, pixels } = decodePlane(file, primary, false, (columns, rows) => {
    room = roomFor(columns, rows)
    return room.pixels
  })
  const header = readStandardHeader(primary.header, width, height)
  const frame: Frame = {
    width,
    height,
    pixels,
    mask: readMask(file, width * height, room?.mask),
    detector: {
      gainElectronsPerAdu: header.gainElectronsPerAdu,
      readNoiseElectrons: header.readNoiseElectrons,
      saturationAdu: header.saturationAdu,
      pedestalAdu: header.pedestalAdu,
    },
  }
  const known = placeOf(header)
  const isKnown = (card: Card) => known.some(({ keyword, value }) => card.keyword === keyword && card.value === value)
  const cards = primary.header.cards.filter(
    card => !ours.has(card.keyword) && !structural.test(card.keyword) && !isKnown(card),
  )
  return { frame, header, cards }
}

function startMjd(dateObsUtc: string): number | null {
  const mjd = mjdFromIso(dateObsUtc)
  return Number.isFinite(mjd) ? mjd : null
}

function newRoom(width: number, height: number): FrameRoom {
  return { pixels: new Float32Array(width * height), mask: new Uint8Array(width * height) }
}

/** @param into a copy, so that the file need not stay in memory */
function readMask(file: FitsFile, length: number, into: Uint8Array = new Uint8Array(length)): Uint8Array {
  const unit: Hdu | undefined = file.hdus.find(hdu => hdu.name === MASK_EXTENSION)
  const mask = unit && dataOf(file, unit)
  if (mask?.length !== length) throw new CpcsError('ContractBroken', { side: 'input', found: 'the frame has no mask' })
  into.set(mask)
  return into
}

function areShorts(pixels: Float32Array): boolean {
  for (let i = 0; i < pixels.length; i++) {
    const whole = pixels[i] | 0
    if (whole !== pixels[i] || whole < 0 || whole > 65_535) return false
  }
  return true
}

function readStandardHeader(cards: Header, widthPx: number, heightPx: number): StandardHeader {
  const text = (keyword: string) => cards.string(keyword) ?? null
  const optional = (keyword: string) => cards.number(keyword) ?? null
  const number = (keyword: string) => {
    const value = cards.number(keyword)
    if (value === undefined)
      throw new CpcsError('ContractBroken', { side: 'input', found: `the frame has no ${keyword}` })
    return value
  }
  const [raDeg, decDeg, latitudeDeg, longitudeEastDeg] = ['POINTRA', 'POINTDEC', 'SITELAT', 'SITELONG'].map(optional)
  return {
    dialect: text('DIALECT') ?? 'unknown',
    widthPx,
    heightPx,
    object: text('OBJECT'),
    telescope: text('TELESCOP'),
    instrument: text('INSTRUME'),
    mjdUtcMid: optional('MJD-MID') ?? number('MJD-AVG'), // the first in files that were written before
    dateObsUtc: text('DATE-OBS') ?? '',
    exposureSeconds: number('EXPTIME'),
    filterName: text('FILTER'),
    band: text('BAND'),
    gainElectronsPerAdu: number('GAIN'),
    readNoiseElectrons: number('RDNOISE'),
    saturationAdu: number('SATURATE'),
    pedestalAdu: 0 - number('PEDESTAL'),
    binning: [number('XBINNING'), number('YBINNING')],
    pixelScaleArcsec: optional('PIXSCALE'),
    pixelAspect: optional('PIXASPCT'),
    pointing: raDeg === null || decDeg === null ? null : { raDeg, decDeg, uncertaintyDeg: optional('POINTERR') ?? 1 },
    site:
      latitudeDeg === null || longitudeEastDeg === null
        ? null
        : { latitudeDeg, longitudeEastDeg, heightM: optional('SITEELEV') ?? 0 },
    airmass: optional('AIRMASS'),
    moonAndSun: moonAndSunOf(optional),
    pixelUnit: text('BUNIT'),
    bayerPattern: text('MOSAIC'),
    rowOrder: rowOrderOf(text('ROWORDER')),
    flags: number('QFLAGS'),
  }
}

function moonAndSunOf(optional: (keyword: string) => number | null): StandardHeader['moonAndSun'] {
  const told = ['MOONALT', 'SUNALT', 'MOONDIST', 'SUNDIST', 'MOONFRAC'].map(optional)
  if (!told.every(value => value !== null)) return null
  const [moonAltitudeDeg, sunAltitudeDeg, moonSeparationDeg, sunSeparationDeg, moonIllumination] = told
  return { moonAltitudeDeg, sunAltitudeDeg, moonSeparationDeg, sunSeparationDeg, moonIllumination }
}

function rowOrderOf(text: string | null): StandardHeader['rowOrder'] {
  return text === 'bottom-up' || text === 'top-down' ? text : null
}
