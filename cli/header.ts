import type { Provenance, StandardHeader } from '#events/frame.ts'
import { standardFrame } from '#functions/standardise/standardise.ts'
import { flagNames } from '#shared/flags.ts'

/**
 * The standard header of a frame and where each value came from, as text: a table, or JSON.
 * @param bytes the frame as the camera wrote it
 * @throws {CpcsError} as the standardise stage
 */
export async function standardHeaderOf(
  bytes: Uint8Array,
  { json, profile }: { json: boolean; profile?: unknown },
): Promise<string> {
  const { header, provenance } = standardFrame(bytes, profile)
  return printHeader(header, provenance, json)
}

/** The standard header and its provenance as a table of fields, values and origins, or as JSON. */
export function printHeader(header: StandardHeader, provenance: Record<string, Provenance>, json = false): string {
  if (json) return JSON.stringify({ header, provenance, flags: flagNames(header.flags) }, null, 2)
  const told = Object.entries(header).map(([field, value]) => [
    field,
    field === 'flags' ? flagNames(header.flags).join(', ') || 'none' : inWords(value),
    origin(provenance[field]),
  ])
  // what was done to the pixels themselves has no field of its own
  const rows = provenance.pixels ? [...told, ['pixels', 'changed', origin(provenance.pixels)]] : told
  const widths = [0, 1].map(column => Math.min(44, Math.max(...rows.map(row => row[column].length))))
  return rows
    .map(([field, value, from]) => `${field.padEnd(widths[0])}  ${value.padEnd(widths[1])}  ${from}`.trimEnd())
    .join('\n')
}

function inWords(value: unknown): string {
  if (value === null) return '-'
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(12)))
  if (Array.isArray(value)) return value.join(' x ')
  if (typeof value === 'object')
    return Object.values(value as Record<string, number>)
      .map(part => String(Number(part.toFixed(5))))
      .join(' ')
  return String(value)
}

function origin(provenance: Provenance | undefined): string {
  if (!provenance) return ''
  const { from, conversion, confidence, conflict } = provenance
  const words = [from, conversion ? `(${conversion})` : '', confidence === 'certain' ? '' : `[${confidence}]`]
  return [...words, conflict ? `! ${conflict}` : ''].filter(Boolean).join(' ')
}
