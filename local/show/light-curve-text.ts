import type { Observed } from '#local/sky/observe.ts'
import type { PlottedPoint } from '#shared/lightcurve/plot.ts'

/** A measured point beside what is true. */
export interface Compared {
  point: PlottedPoint & { magErr: number | null; survey: string; limit3Sigma: number | null }
  truth?: Observed['truth']
}

const HEAD = 'MJD (UTC)    telescope   band      measured'
const HEAD_OF_TRUTH = '            truth    difference'

/** The light curve as a table, the truth beside it where it is known. */
export function tableLines(rows: Compared[]): string[] {
  const head = rows.some(row => row.truth) ? HEAD + HEAD_OF_TRUTH : HEAD
  const line = ({ point, truth }: Compared) =>
    `${placeOf(point)}  ${measured(point).padEnd(18)} ${beside(point, truth)}`
  return [head, ...rows.map(row => line(row).trimEnd())]
}

function placeOf(point: Compared['point']): string {
  const band = `${point.survey} ${point.band}`
  return `${point.mjdUtcMid.toFixed(5)}  ${point.telescope.padEnd(10)}  ${band.padEnd(8)}`
}

function measured(point: Compared['point']): string {
  if (!point.detected) return `> ${point.limit5Sigma?.toFixed(2) ?? '?'}  (5σ)`
  return `${point.mag?.toFixed(3) ?? '?'} ± ${point.magErr?.toFixed(3) ?? '?'}`
}

function beside(point: Compared['point'], truth: Compared['truth']): string {
  if (!truth) return ''
  const sigma = deviation({ point, truth })
  const true_ = truth.targetMag > 23 ? 'not there' : truth.targetMag.toFixed(3)
  return `${true_.padStart(9)}  ${sigma === undefined ? '' : `${sigma < 0 ? '−' : '+'}${Math.abs(sigma).toFixed(1)} σ`}`
}

/** Measured minus true, in units of the point's own error; undefined for limits. */
export function deviation({ point, truth }: Compared): number | undefined {
  if (!point.detected || point.mag === null || point.magErr === null || !truth) return undefined
  return (point.mag - truth.targetMag) / point.magErr
}

// Steps of the magnitude axis, one row each: the finest that keeps the picture within a screen.
const STEPS = [0.1, 0.25, 0.5, 1, 2]
const MOST_ROWS = 20

/** The light curve drawn with letters: a band's own letter per point, v for a limit; nothing for a single point. */
export function pictureLines(points: PlottedPoint[], width = 76): string[] {
  const shown = points.flatMap(point => {
    const mag = point.detected ? point.mag : point.limit5Sigma
    return mag === null ? [] : [{ day: point.mjdUtcMid, mag, sign: point.detected ? point.band.slice(-1) : 'v' }]
  })
  if (shown.length < 2) return []
  const days = shown.map(point => point.day)
  const mags = shown.map(point => point.mag)
  const [first, last] = [Math.min(...days), Math.max(...days)]
  const [bright, faint] = [Math.floor(Math.min(...mags)), Math.ceil(Math.max(...mags))]
  const step = STEPS.find(size => (faint - bright) / size < MOST_ROWS) ?? 4
  const height = Math.round((faint - bright) / step) + 1

  const rows = Array.from({ length: height }, () => Array<string>(width).fill(' '))
  for (const { day, mag, sign } of shown) {
    const column = Math.round(((day - first) / (last - first || 1)) * (width - 1))
    rows[Math.round((mag - bright) / step)][column] = sign
  }
  const labelled = rows.map((row, k) => {
    const mag = bright + k * step
    const label = Number.isInteger(mag) ? mag.toFixed(0) : ''
    return `${label.padStart(7)} ${label ? '┤' : '│'}${row.join('').trimEnd()}`
  })
  const axis = `MJD ${first.toFixed(1)}`
  return [
    ...labelled,
    `        └${'─'.repeat(width)}`,
    `         ${axis}${last.toFixed(1).padStart(width - axis.length)}`,
  ]
}
