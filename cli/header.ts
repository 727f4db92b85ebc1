import type { Provenance, StandardHeader } from '#events/frame.ts'
import { headersAlone, standardFrame } from '#functions/standardise/standardise.ts'
import { flagNames } from '#shared/flags.ts'
import { formatDec, formatRa } from '#shared/sky/angles.ts'
import type { RemoteFrame } from './remote-frame.ts'

type Told = Partial<StandardHeader>
type Origins = Record<string, Provenance>

/**
 * The standard header of a frame and where each value came from, as text: a table, or JSON.
 * @param frame as the camera wrote it: all its bytes, or the headers alone of a frame far away
 * @throws {CpcsError} as the standardise stage
 */
export function standardHeaderOf(
  frame: Uint8Array | RemoteFrame,
  { json, profile }: { json: boolean; profile?: unknown },
): string {
  if (frame instanceof Uint8Array) {
    const { header, provenance } = standardFrame(frame, profile)
    return printHeader(header, provenance, json)
  }
  const { header, provenance } = headersAlone(frame.hdus, profile)
  const note = `\n\nRead from the headers alone, ${frame.fetchedBytes} of ${frame.bytes} bytes: what only pixels tell is not here.`
  return printHeader(header, provenance, json) + (json ? '' : note)
}

/** The standard header and its provenance as a table that people read, or as JSON. */
export function printHeader(header: Told, provenance: Origins, json = false): string {
  if (json) return JSON.stringify({ header, provenance, flags: flagNames(header.flags ?? 0) }, null, 2)
  const rows = groups.flatMap(({ title, rows }) => [
    { title },
    ...rows.map(({ label, field, of }) => ({ label, value: of(header) ?? '-', ...provenance[field] })),
  ])
  // what was done to the pixels themselves has no field of its own
  if (provenance.pixels) rows.push({ label: 'pixels', value: 'changed', ...provenance.pixels })
  const [labelWidth, valueWidth] = [17, 36]
  const lines = rows.map(row =>
    'title' in row
      ? `\n${row.title}`
      : `  ${row.label.padEnd(labelWidth)}${row.value.padEnd(valueWidth)} ${origin(row)}`.trimEnd(),
  )
  const doubts = Object.entries(provenance).flatMap(([field, { conflict }]) =>
    conflict === undefined ? [] : [`  ! ${labelOf(field)}: ${conflict}`],
  )
  const flags = flagNames(header.flags ?? 0)
  return [
    title(header),
    ...lines,
    '',
    `Flags  ${flags.join(', ') || 'none'}`,
    ...(doubts.length > 0 ? ['', 'What contradicts itself', ...doubts] : []),
  ].join('\n')
}

function title({ object, telescope, instrument, filterName, dateObsUtc }: Told): string {
  const camera = [telescope, instrument].filter(Boolean).join(', ')
  return [object ?? 'Object not named', dateObsUtc?.replace('T', ' '), filterName, camera].filter(Boolean).join(' · ')
}

interface Row {
  label: string
  field: keyof StandardHeader
  /** The value in words with its unit; null where it is not known. */
  of(header: Told): string | null
}

/** A number with at most so many significant digits, and its unit; null where there is none. */
function withUnit(value: number | null | undefined, unit: string, digits = 6): string | null {
  if (value === null || value === undefined) return null
  return `${Number(value.toPrecision(digits))}${unit && ` ${unit}`}`
}

const degrees = (value: number | undefined) => (value === undefined ? null : `${value.toFixed(1)}°`)

const groups: { title: string; rows: Row[] }[] = [
  {
    title: 'Frame',
    rows: [
      { label: 'dialect', field: 'dialect', of: h => h.dialect ?? null },
      { label: 'object', field: 'object', of: h => h.object ?? null },
      { label: 'telescope', field: 'telescope', of: h => h.telescope ?? null },
      { label: 'instrument', field: 'instrument', of: h => h.instrument ?? null },
      { label: 'size', field: 'widthPx', of: h => `${h.widthPx} × ${h.heightPx} pixels` },
      { label: 'binning', field: 'binning', of: h => h.binning?.join(' × ') ?? null },
      { label: 'colour mosaic', field: 'bayerPattern', of: h => h.bayerPattern ?? null },
      { label: 'order of rows', field: 'rowOrder', of: h => h.rowOrder ?? null },
      { label: 'unit of pixels', field: 'pixelUnit', of: h => h.pixelUnit ?? null },
    ],
  },
  {
    title: 'Time and filter',
    rows: [
      { label: 'start', field: 'dateObsUtc', of: h => (h.dateObsUtc ? `${h.dateObsUtc} UTC` : null) },
      { label: 'mid-exposure', field: 'mjdUtcMid', of: h => `MJD ${h.mjdUtcMid?.toFixed(7)} UTC` },
      { label: 'exposure', field: 'exposureSeconds', of: h => withUnit(h.exposureSeconds || null, 's') },
      { label: 'filter', field: 'filterName', of: h => h.filterName ?? null },
      { label: 'band', field: 'band', of: h => h.band ?? null },
    ],
  },
  {
    title: 'Sky',
    rows: [
      {
        label: 'pointing',
        field: 'pointing',
        of: ({ pointing: p }) => (p ? `${formatRa(p.raDeg)} ${formatDec(p.decDeg)} ± ${p.uncertaintyDeg}°` : null),
      },
      { label: 'pixel scale', field: 'pixelScaleArcsec', of: h => withUnit(h.pixelScaleArcsec, '″/pixel', 5) },
      {
        label: 'site',
        field: 'site',
        of: ({ site: s }) =>
          s
            ? `${hemisphere(s.latitudeDeg, 'N', 'S')} ${hemisphere(s.longitudeEastDeg, 'E', 'W')} ${s.heightM} m`
            : null,
      },
      { label: 'airmass', field: 'airmass', of: h => h.airmass?.toFixed(3) ?? null },
      { label: 'Sun, altitude', field: 'moonAndSun', of: h => degrees(h.moonAndSun?.sunAltitudeDeg) },
      {
        label: 'Moon, altitude',
        field: 'moonAndSun',
        of: ({ moonAndSun: m }) =>
          m
            ? `${degrees(m.moonAltitudeDeg)}, ${degrees(m.moonSeparationDeg)} away, ${Math.round(100 * m.moonIllumination)} % lit`
            : null,
      },
    ],
  },
  {
    title: 'Detector',
    rows: [
      { label: 'gain', field: 'gainElectronsPerAdu', of: h => withUnit(h.gainElectronsPerAdu, `e/${unitOf(h)}`, 4) },
      { label: 'read noise', field: 'readNoiseElectrons', of: h => withUnit(h.readNoiseElectrons, 'e', 3) },
      { label: 'saturated from', field: 'saturationAdu', of: h => withUnit(h.saturationAdu, unitOf(h)) },
      { label: 'pedestal', field: 'pedestalAdu', of: h => withUnit(h.pedestalAdu, unitOf(h), 4) },
    ],
  },
]

function unitOf({ pixelUnit }: Told): string {
  return pixelUnit === 'adu' ? 'ADU' : (pixelUnit ?? 'unit')
}

function hemisphere(value: number, positive: string, negative: string): string {
  return `${Math.abs(value).toFixed(4)}° ${value < 0 ? negative : positive}`
}

function labelOf(field: string): string {
  return groups.flatMap(({ rows }) => rows).find(row => row.field === field)?.label ?? field
}

function origin({ from, conversion, confidence }: Partial<Provenance>): string {
  if (confidence === undefined) return ''
  if (!from) return conversion ?? ''
  const words = [from, conversion && `(${conversion})`]
  if (confidence === 'likely' || confidence === 'guess') words.push(`[${confidence}]`)
  return words.filter(Boolean).join(' ')
}
