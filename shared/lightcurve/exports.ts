import { parquetWriteBuffer } from 'hyparquet-writer'
import type { Point } from '#events/point.ts'
import { flagNames } from '#shared/flags.ts'
import { PIPELINE_VERSION } from '#shared/version.ts'

type Value = string | number | boolean | null

interface Column {
  name: string
  unit: string
  /** IVOA Unified Content Descriptor. */
  ucd: string
  tells: string
  of: (point: Point) => Value
}

const column = (name: string, unit: string, ucd: string, tells: string, of: (point: Point) => Value): Column => ({
  ...{ name, unit, ucd, tells, of },
})

/** Decimals that people read, by unit; JSON and Parquet carry every digit. */
const decimals: Record<string, number> = { d: 8, mag: 5, deg: 7, adu: 3, pix: 3, s: 3, '': 6 }

/** What a downloaded light curve holds, whatever the format: one row of this table is one column. */
export const columns: readonly Column[] = [
  column('object', '', 'meta.id;meta.main', 'Object', p => p.objectId),
  column('mjd_utc', 'd', 'time.epoch;obs.exposure', 'Middle of the exposure, MJD, UTC', p => p.mjdUtcMid),
  column('date_obs_utc', '', 'time.start;obs.exposure', 'DATE-OBS of the frame, UTC', p => p.dateObsUtc),
  column('band', '', 'instr.bandpass', 'Band that the magnitude is given in', p => p.band),
  column('mag', 'mag', 'phot.mag', 'Calibrated magnitude; empty where not detected', p => (p.detected ? p.mag : null)),
  column('mag_err', 'mag', 'stat.error;phot.mag', 'Its error, 1 sigma, random and zero point', p => errorOf(p)),
  column('mag_err_random', 'mag', 'stat.error;phot.mag', 'The random part of it', p => p.magErrRandom),
  column('mag_err_zero_point', 'mag', 'stat.error.sys', 'The part of the zero point', p => p.magErrZeroPoint),
  column('detected', '', 'meta.code', 'Whether the object was seen at 3 sigma', p => p.detected),
  column('limit_3_sigma', 'mag', 'phot.mag;stat.min', 'Upper limit at 3 sigma', p => p.limit3Sigma),
  column('limit_5_sigma', 'mag', 'phot.mag;stat.min', 'Upper limit at 5 sigma', p => p.limit5Sigma),
  column('flux', '', 'phot.flux', 'PSF flux in the frame, in flux_unit; empty: see reason', p => p.flux),
  column('flux_err', '', 'stat.error;phot.flux', 'Its error, 1 sigma, in flux_unit', p => p.fluxErr),
  column(
    'flux_unit',
    '',
    'meta.unit',
    'Unit of the pixels of the frame; empty where nobody tells it',
    p => p.fluxUnit ?? null,
  ),
  column('mag_system', '', 'meta.code', 'AB, Vega or instrumental', p => p.magSystem),
  column('survey', '', 'meta.ref', 'Survey that the zero point rests on', p => p.survey),
  column('zero_point', 'mag', 'phot.calib', 'Zero point: magnitude of a flux of 1', p => p.zeroPoint),
  column('zero_point_err', 'mag', 'stat.error;phot.calib', 'Its error, 1 sigma', p => p.zeroPointError),
  column('colour_term', '', 'phot.calib', 'Slope of the zero point with the colour', p => p.colourTerm),
  column('colour', '', 'phot.color', 'The colour it refers to', p => p.colour),
  column('colour_term_err', '', 'stat.error;phot.calib', 'Its error, 1 sigma', p => p.colourTermError),
  column(
    'colour_term_from',
    '',
    'meta.code',
    'Stars it rests on: frame, memory, both, none',
    p => p.colourTermFrom ?? null,
  ),
  column('mag_natural', 'mag', 'phot.mag', 'Magnitude without the colour term', p => p.magNatural),
  column('mag_natural_err', 'mag', 'stat.error;phot.mag', 'Its error, 1 sigma', p => p.magNaturalErr ?? null),
  column('target_colour', 'mag', 'phot.color', 'Colour of the object that entered', p => p.targetColour),
  column('target_colour_err', 'mag', 'stat.error;phot.color', 'Its error, 1 sigma', p => p.targetColourErr ?? null),
  column('target_colour_from', '', 'meta.code', 'Where it came from', p => p.targetColourFrom),
  column('calibrators', '', 'meta.number', 'Stars that carry the zero point', p => p.calibrators),
  column('bjd_tdb', 'd', 'time.epoch;obs.exposure', 'The same at the barycentre, BJD, TDB', p => p.bjdTdbMid ?? null),
  column('hjd_utc', 'd', 'time.epoch;obs.exposure', 'The same at the Sun, HJD, UTC', p => p.hjdUtcMid ?? null),
  column('exposure', 's', 'time.duration;obs.exposure', 'Exposure time', p => p.exposureSeconds),
  column('airmass', '', 'obs.airMass', 'Airmass', p => p.airmass),
  column('fwhm', 'pix', 'instr.obsty.seeing', 'Width of a star in the frame', p => p.fwhmPx),
  column('moon_separation', 'deg', 'pos.angDistance', 'Distance of the Moon', p => p.moonSeparationDeg ?? null),
  column('telescope', '', 'instr.tel', 'Telescope', p => p.telescope),
  column('filter', '', 'instr.filter', 'Filter as the header of the frame names it', p => p.filterName),
  column('ra', 'deg', 'pos.eq.ra;meta.main', 'Where the flux was measured, ICRS', p => p.raDeg),
  column('dec', 'deg', 'pos.eq.dec;meta.main', 'Where the flux was measured, ICRS', p => p.decDeg),
  column('flags', '', 'meta.code.qual', 'Quality flags by name', p => flagNames(p.flags).join(' ')),
  column('reason', '', 'meta.note', 'Why there is neither flux nor limit', p => p.reason ?? null),
  column('frame', '', 'meta.id;obs.image', 'SHA-256 of the frame', p => p.frameId),
  column('execution', '', 'meta.id', 'Run that made the point', p => p.execution),
  column('pipeline_version', '', 'meta.version', 'Version of the software', p => p.pipelineVersion),
]

/** The formats of a downloaded light curve. */
export const formats = {
  csv: { contentType: 'text/csv; charset=utf-8', extension: 'csv', encode: toCsv },
  json: { contentType: 'application/json', extension: 'json', encode: toJson },
  votable: { contentType: 'application/x-votable+xml', extension: 'vot', encode: toVotable },
  parquet: { contentType: 'application/vnd.apache.parquet', extension: 'parquet', encode: toParquet },
  aavso: { contentType: 'text/plain; charset=utf-8', extension: 'txt', encode: toAavso },
} as const

export type Format = keyof typeof formats

/** Points turned into one list per quantity, by column name. */
export function columnsOf(points: readonly Point[]): Record<string, Value[]> {
  return Object.fromEntries(columns.map(({ name, of }) => [name, points.map(of)]))
}

/** Comma-separated values with a header line (RFC 4180); an empty field is no value. */
export function toCsv(_object: string, points: readonly Point[]): string {
  const rows = points.map(point => columns.map(each => csvField(readable(each, point))).join(','))
  return [columns.map(({ name }) => name).join(','), ...rows, ''].join('\r\n')
}

/** A list per column, with unit and meaning of each. */
export function toJson(object: string, points: readonly Point[]): string {
  const described = columns.map(({ name, unit, tells }) => ({ name, unit, description: tells }))
  return JSON.stringify({ object, count: points.length, columns: described, data: columnsOf(points) })
}

/** VOTable 1.4 (IVOA), for TOPCAT and Aladin; times in the UTC scale at the observatory. */
export function toVotable(object: string, points: readonly Point[]): string {
  const fields = columns.map(
    ({ name, unit, ucd, tells, of }) =>
      `<FIELD name="${name}" ${votableType(points.map(of))}${unit ? ` unit="${unit}"` : ''} ucd="${ucd}"` +
      `${name === 'mjd_utc' ? ' ref="utc"' : ''}><DESCRIPTION>${xml(tells)}</DESCRIPTION></FIELD>`,
  )
  const rows = points.map(point => `<TR>${columns.map(each => `<TD>${xml(readable(each, point))}</TD>`).join('')}</TR>`)
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
    '<RESOURCE type="results">',
    '<TIMESYS ID="utc" timeorigin="MJD-origin" timescale="UTC" refposition="TOPOCENTER"/>',
    `<TABLE name="lightcurve" nrows="${points.length}">`,
    `<DESCRIPTION>${xml(`Light curve of ${object}, CPCS ${PIPELINE_VERSION}`)}</DESCRIPTION>`,
    ...fields,
    '<DATA><TABLEDATA>',
    ...rows,
    '</TABLEDATA></DATA>',
    '</TABLE></RESOURCE></VOTABLE>',
    '',
  ].join('\n')
}

/** Apache Parquet, for archives. */
export function toParquet(_object: string, points: readonly Point[]): Uint8Array {
  const columnData = columns.map(({ name, of }) => {
    const data = points.map(of)
    return { name, data, type: parquetTypes[typeOf(data)], nullable: true }
  })
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: `CPCS ${PIPELINE_VERSION}` }))
}

const parquetTypes = { number: 'DOUBLE', boolean: 'BOOLEAN', string: 'STRING' } as const

/** Codes of the AAVSO for our bands. */
const aavsoFilters: Record<string, string> = {
  ...{ U: 'U', B: 'B', V: 'V', R: 'R', I: 'I', J: 'J', H: 'H', K: 'K' },
  ...{ u: 'SU', g: 'SG', r: 'SR', i: 'SI', z: 'SZ', y: 'Y' },
}

/**
 * AAVSO Extended File Format. Limits are written as `<mag`; points without a calibrated magnitude or limit, or in a
 * band that the AAVSO has no code for, are left out.
 *
 * @param observer code of the observer at the AAVSO
 */
export function toAavso(object: string, points: readonly Point[], observer = 'XXX'): string {
  const header = [
    ...['#TYPE=EXTENDED', `#OBSCODE=${observer}`, `#SOFTWARE=CPCS ${PIPELINE_VERSION}`],
    ...['#DELIM=,', '#DATE=JD', '#OBSTYPE=CCD'],
    '#NAME,DATE,MAG,MERR,FILT,TRANS,MTYPE,CNAME,CMAG,KNAME,KMAG,AMASS,GROUP,CHART,NOTES',
  ]
  const rows = points
    .filter(p => p.magSystem !== 'instrumental' && p.band in aavsoFilters)
    .filter(p => (p.detected ? p.mag : p.limit3Sigma) !== null)
    .map(p =>
      [
        object.replaceAll('_', ' '),
        (p.mjdUtcMid + 2_400_000.5).toFixed(5),
        p.detected ? p.mag!.toFixed(3) : `<${p.limit3Sigma!.toFixed(3)}`,
        p.detected && p.magErr !== null ? p.magErr.toFixed(3) : 'na',
        aavsoFilters[p.band],
        p.colourTerm === null ? 'NO' : 'YES',
        'STD',
        ...['ENSEMBLE', 'na', 'na', 'na'],
        p.airmass === null ? 'na' : p.airmass.toFixed(2),
        ...['na', 'na'],
        `${p.calibrators} stars of ${p.survey}`,
      ].join(','),
    )
  return [...header, ...rows, ''].join('\n')
}

function errorOf(point: Point): number | null {
  return point.detected ? point.magErr : null
}

function readable({ unit, of }: Column, point: Point): string {
  const value = of(point)
  return typeof value === 'number' ? String(Number(value.toFixed(decimals[unit]))) : String(value ?? '')
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const votableTypes = {
  number: 'datatype="double"',
  boolean: 'datatype="boolean"',
  string: 'datatype="unicodeChar" arraysize="*"',
} as const

function votableType(values: Value[]): string {
  return votableTypes[typeOf(values)]
}

/** The type of a column by the first value that is known. */
function typeOf(values: Value[]): 'number' | 'boolean' | 'string' {
  const known = values.find(value => value !== null)
  return typeof known === 'number' || typeof known === 'boolean' ? (typeof known as 'number' | 'boolean') : 'string'
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
