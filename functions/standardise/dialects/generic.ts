import type { Dialect, Field, PointingSource, Source, TimeSource } from './dialect.ts'

/** Any other header: known by nothing, read by the lists below alone. */
export const generic: Dialect = { id: 'generic', title: 'Unknown program', known: [] }

const keys = (names: string, rest: Omit<Source, 'key'> = {}): Source[] =>
  names.split(' ').map(key => ({ key, ...rest }))

/**
 * Which keywords may tell a field in headers of any program, in order of preference: names seen in archives and in the
 * set-ups of photometry pipelines.
 */
export const genericFields: Record<Field, readonly Source[]> = {
  object: keys('OBJECT OBJNAME OBJCAT TARGNAME'),
  telescope: keys('TELESCOP'),
  instrument: keys('INSTRUME CAMERA CAMMODEL CCDNAME'),
  imageType: keys('IMAGETYP IMGTYPE FRAMETYP OBSTYPE PICTTYPE FRAME'),
  exposureSeconds: keys('TEXPTIME EXPTIME EXPOSURE TM-EXPOS EXP_TIME EXPOS EXP EXPTIME0 TEXP INTTIME EXPTIM ELAPTIME', {
    as: 'seconds',
    within: [0, 1e6],
  }),
  stackedFrames: keys('STACKCNT NCOMBINE NSTACK NUMFRAME IMGCOUNT', { as: 'positive', within: [1, 100_000] }),
  filterName: keys(
    'FILTER FILTERS FILTNAME FILTER1 FILTER2 FILTER3 FILTERID FILTNME3 FILTERB FLT_ID FILTB CCDFLTID WFFBAND ALFLTNM INSFILTE FLTRNAM FILNAM1 FILTNAM1 INSFLNAM',
  ),
  gainElectronsPerAdu: keys('EGAIN GAIN CCDGAIN CONADU GAINRAW', {
    as: 'positive',
    confidence: 'likely',
    within: [0.005, 100],
  }),
  readNoiseElectrons: keys('RDNOISE READNOIS READNOISE RON RNOISE CCDRON', { as: 'positive', within: [0.05, 300] }),
  saturationAdu: keys('SATURATE SATLEVEL MAXLIN', { as: 'positive', confidence: 'likely', within: [200, 1e9] }),
  pedestalAdu: keys('PEDESTAL', { as: 'absolute', confidence: 'likely', within: [0, 20_000] }),
  binningX: [
    ...keys('XBINNING CCDBIN1 BINX CCDXBIN DETXBIN HBIN CCDBINX XBIN', { as: 'positive' }),
    ...keys('CCDSUM BINNING', { as: 'first of pair' }),
  ],
  binningY: [
    ...keys('YBINNING CCDBIN2 BINY CCDYBIN DETYBIN VBIN CCDBINY YBIN', { as: 'positive' }),
    ...keys('CCDSUM BINNING', { as: 'second of pair' }),
  ],
  pixelScaleArcsec: [
    ...keys('PIXSCALE SECPIX SECPIX1 IM_SCALE SCALE PIXSCAL1 PIXSCAL', { as: 'positive', within: [0.01, 400] }),
    { key: 'PLTSCALE', as: 'arcsec per mm', confidence: 'likely', within: [0.01, 400] },
  ],
  pixelSizeMicron: keys('XPIXSZ XPIXELSZ PIXSIZEX PIXSZ PIXSIZE CCDXPIXE', { as: 'positive', within: [0.5, 200] }),
  pixelHeightMicron: keys('YPIXSZ YPIXELSZ PIXSIZEY CCDYPIXE', { as: 'positive', within: [0.5, 200] }),
  unbinnedPixelSizeMicron: keys('PIXSIZE1', { as: 'positive', within: [0.5, 200] }),
  focalLengthMm: keys('FOCALLEN FOCAL FLENGTH', { as: 'positive', within: [10, 100_000] }),
  latitudeDeg: keys('SITELAT OBSLAT LAT-OBS OBSGEO-B LATITUDE GEOLAT', { as: 'degrees', within: [-90, 90] }),
  longitudeEastDeg: keys('SITELONG OBSLONG LONG-OBS OBSGEO-L LONGITUD GEOLON', { as: 'degrees', within: [-360, 360] }),
  heightM: keys('SITEELEV OBSELEV ELEV-OBS ALT-OBS OBSGEO-H HEIGHT', { as: 'number', within: [-500, 9000] }),
  airmass: keys('AIRMASS SECZ STROBAM AMSTART AIRMASS1', { as: 'number', within: [1, 40] }),
  altitudeDeg: keys('OBJCTALT CENTALT TELALT ALTITUDE', { as: 'degrees', within: [1, 90] }),
  azimuthDeg: keys('OBJCTAZ CENTAZ TELAZ AZIMUTH', { as: 'degrees', within: [0, 360] }),
  bayerPattern: keys('BAYERPAT COLORTYP'),
  rowOrder: keys('ROWORDER'),
}

const days = 'DATE-OBS DATE_OBS DATEOBS OBSDATE UTDATE DATE-UTC DATE_UTC'.split(' ')
const clocks = 'TIME-OBS UT UT-TIME UTSTART UT-START UTC-OBS EXP-STRT START OBSTIME TIME_UTC TIME_OBS UTC UT-OBS'.split(
  ' ',
)

/** Which keywords may tell the time, in order of preference. */
export const genericTimes: readonly TimeSource[] = [
  { key: 'SHUTOPEN', marks: 'start' },
  ...['DATE-OBS', 'DATE-BEG', 'DATE-EXP', 'DATE_OBS', 'DATEOBS', 'OBSDATE', 'DATETIME', 'DATE-UTC', 'DATE_UTC'].map(
    key => ({ key, marks: 'start' as const }),
  ),
  ...days.flatMap(key => clocks.map(clock => ({ key, clock, marks: 'start' as const }))),
  { key: 'UT-OBS', marks: 'start' },
  { key: 'DATE-AVG', marks: 'mid' },
  { key: 'JDMID', marks: 'mid' },
  { key: 'JD-AVG', marks: 'mid' },
  { key: 'MIDTIMJD', marks: 'mid' },
  { key: 'MIDTJD', zero: 'TJD_ZERO', marks: 'mid', scale: 'TDB' },
  { key: 'MJD-MID', marks: 'mid' },
  { key: 'MJD-AVG', marks: 'mid' },
  { key: 'EXPSTART', marks: 'start' },
  { key: 'MJD-OBS', marks: 'start' },
  { key: 'MJD-BEG', marks: 'start' },
  { key: 'MJD_OBS', marks: 'start' },
  { key: 'OBSMJD', marks: 'start' },
  { key: 'MJDSTART', marks: 'start' },
  { key: 'MJD', marks: 'start', confidence: 'likely' },
  { key: 'MJD-UTC', marks: 'start', confidence: 'likely' },
  { key: 'JD', marks: 'start', confidence: 'likely' },
  { key: 'JD_UTC', marks: 'start', confidence: 'likely' },
  { key: 'JD-OBS', marks: 'start', confidence: 'likely' },
  { key: 'JULIAN', marks: 'start', confidence: 'likely' },
]

/** Ends of the exposure: with a start they give the middle of a stack. */
export const genericEnds: readonly TimeSource[] = ['EXPEND', 'DATE-END', 'MJD-END', 'DATE_END'].map(key => ({
  key,
  marks: 'end',
}))

/** The day the file was written: believed only where nothing else tells the time. */
export const lastResort: TimeSource = { key: 'DATE', marks: 'end', confidence: 'guess' }

/** Which pairs of keywords may tell the pointing. OBJCTRA is what was asked for, RA what the mount says it did. */
export const genericPointings: readonly PointingSource[] = [
  { ra: 'RA', dec: 'DEC', as: 'auto', uncertaintyDeg: 0.4, confidence: 'likely' },
  { ra: 'OBJCTRA', dec: 'OBJCTDEC', as: 'auto', uncertaintyDeg: 0.5, confidence: 'likely' },
  { ra: 'TELRA', dec: 'TELDEC', as: 'auto', uncertaintyDeg: 0.4, confidence: 'likely' },
  { ra: 'TEL_RA', dec: 'TEL_DEC', as: 'auto', uncertaintyDeg: 0.4, confidence: 'likely' },
  { ra: 'RA-MNT', dec: 'DEC-MNT', as: 'auto', uncertaintyDeg: 1, confidence: 'likely' },
  { ra: 'CCD_RA', dec: 'CCD_DEC', as: 'auto', uncertaintyDeg: 0.4, confidence: 'likely' },
  { ra: 'RASTRNG', dec: 'DECSTRNG', as: 'hours', uncertaintyDeg: 0.4, confidence: 'likely' },
  { ra: 'STRSTRA', dec: 'STRSTDE', as: 'hours', uncertaintyDeg: 0.4, confidence: 'likely' },
  { ra: 'CAT-RA', dec: 'CAT-DEC', as: 'hours', uncertaintyDeg: 0.5, confidence: 'likely' },
  { ra: 'OBJRA', dec: 'OBJDEC', as: 'auto', uncertaintyDeg: 0.5, confidence: 'likely' },
  { ra: 'OBJRAD', dec: 'OBJDECD', as: 'degrees', uncertaintyDeg: 0.5, confidence: 'likely' },
  { ra: 'RA_OBJ', dec: 'DEC_OBJ', as: 'degrees', uncertaintyDeg: 0.5, confidence: 'likely' },
]
