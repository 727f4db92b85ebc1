import type { Target } from '#events/stages.ts'
import type { Cone } from '#shared/catalogue/reference.ts'
import { parseSexagesimalDegrees, parseSexagesimalHours } from '#shared/sky/angles.ts'
import { UsageError } from './usage.ts'

/**
 * A target as written on the command line: "RA DEC [NAME]", degrees or sexagesimal (RA then in hours), for example
 * "31.0427 46.6879 HAT-P-32" or "02:04:10.2 +46:41:16 HAT-P-32".
 *
 * @throws {UsageError} no such position
 */
export function parseTarget(text: string, index = 0): Target {
  const words = text.trim().split(/\s+/)
  const [raDeg, decDeg] = parsePosition(words, text)
  return { name: words.slice(2).join(' ') || (index === 0 ? 'target' : `target${index + 1}`), raDeg, decDeg }
}

/** A cone as written on the command line: "RA DEC RADIUS", the radius in degrees. @throws {UsageError} */
export function parseCone(text: string): Cone {
  const words = text.trim().split(/\s+/)
  const [raDeg, decDeg] = parsePosition(words, text)
  const radiusDeg = Number(words[2])
  if (!(radiusDeg > 0 && radiusDeg <= 180))
    throw new UsageError(`no radius in "${text}": write "RA DEC RADIUS", the radius in degrees`)
  return { raDeg, decDeg, radiusDeg }
}

/** A range as written on the command line: "LOW HIGH", both positive, the first the smaller. @throws {UsageError} */
export function parseRange(text: string): { low: number; high: number } {
  const [low, high] = text.trim().split(/\s+/).map(Number)
  if (!(low > 0 && high > low && high < Number.POSITIVE_INFINITY))
    throw new UsageError(`"${text}" is no range: write "LOW HIGH" in arcseconds per pixel, LOW below HIGH`)
  return { low, high }
}

function parsePosition(words: string[], text: string): [number, number] {
  const raDeg = parseAngle(words[0], parseSexagesimalHours)
  const decDeg = parseAngle(words[1], parseSexagesimalDegrees)
  if (!(raDeg >= 0 && raDeg < 360 && Math.abs(decDeg) <= 90)) {
    throw new UsageError(
      `no position in "${text}": write "RA DEC", for example "31.0427 46.6879" or "02:04:10.2 +46:41:16"`,
    )
  }
  return [raDeg, decDeg]
}

const DECIMAL = /^[+-]?\d+(\.\d*)?$/

/** Degrees from a decimal number of degrees, or from sexagesimal text by its own parser; else NaN. */
function parseAngle(word = '', sexagesimal: (text: string) => number): number {
  return DECIMAL.test(word) ? Number(word) : sexagesimal(word)
}
