import type { Target } from '#events/stages.ts'
import type { Cone } from '#shared/catalogue/reference.ts'
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
  if (!(radiusDeg > 0)) throw new UsageError(`no radius in "${text}": write "RA DEC RADIUS", the radius in degrees`)
  return { raDeg, decDeg, radiusDeg }
}

/** A range as written on the command line: "LOW HIGH", both positive. @throws {UsageError} */
export function parseRange(text: string): { low: number; high: number } {
  const [low, high] = text.trim().split(/\s+/).map(Number)
  if (!(low > 0 && high >= low)) throw new UsageError(`"${text}" is no range: write "LOW HIGH" in arcseconds per pixel`)
  return { low, high }
}

function parsePosition(words: string[], text: string): [number, number] {
  const raDeg = parseAngle(words[0], 15)
  const decDeg = parseAngle(words[1], 1)
  if (!(raDeg >= 0 && raDeg < 360 && Math.abs(decDeg) <= 90)) {
    throw new UsageError(
      `no position in "${text}": write "RA DEC", for example "31.0427 46.6879" or "02:04:10.2 +46:41:16"`,
    )
  }
  return [raDeg, decDeg]
}

const DECIMAL = /^[+-]?\d+(\.\d*)?$/
const SEXAGESIMAL = /^([+-]?)(\d{1,3}):([0-5]?\d)(?::([0-5]?\d(?:\.\d*)?))?$/

/** Degrees from a decimal number of degrees, or from sexagesimal text whose unit is `degreesPerUnit` degrees; else NaN. */
function parseAngle(word: string | undefined, degreesPerUnit: number): number {
  if (word === undefined) return Number.NaN
  if (DECIMAL.test(word)) return Number(word)
  const parts = SEXAGESIMAL.exec(word)
  if (!parts) return Number.NaN
  const [, sign, whole, minutes, seconds = '0'] = parts
  const units = Number(whole) + Number(minutes) / 60 + Number(seconds) / 3600
  return (sign === '-' ? -units : units) * degreesPerUnit
}
