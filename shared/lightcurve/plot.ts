import type { Point } from '#events/point.ts'
import { Panel } from '#shared/image/axes.ts'
import { Canvas, type Pen } from '#shared/image/canvas.ts'

/** The part of a point that a picture needs. */
export type PlottedPoint = Pick<
  Point,
  'mjdUtcMid' | 'telescope' | 'band' | 'detected' | 'mag' | 'magErr' | 'limit5Sigma'
>

/** A curve to lie under the points of a band, for example the truth of a simulation. */
export interface PlottedCurve {
  band: string
  mjd: number[]
  mag: number[]
}

export interface LightCurvePlotOptions {
  title?: string
  curves?: PlottedCurve[]
}

/**
 * Colour of a band: the palette of Okabe & Ito 2008, told apart by every common kind of colour vision, in the order of
 * wavelength from blue to red.
 */
// biome-ignore format: in the order of wavelength
export const bandColours: Record<string, string> = {
  u: '#882255', U: '#882255', B: '#332288', g: '#0072b2', G: '#0072b2', V: '#009e73', r: '#d55e00', R: '#d55e00',
  BP: '#56b4e9', RP: '#cc79a7', i: '#cc79a7', I: '#cc79a7', z: '#6f4e37', y: '#999999', clear: '#444444',
}

const INK = '#333b46'

/**
 * A light curve: brighter is higher, a colour per band, a sign per telescope, 1 σ bars, 5 σ limits as open triangles that
 * point down.
 *
 * @returns PNG, 1000 × 620
 */
export function drawLightCurve(points: readonly PlottedPoint[], options: LightCurvePlotOptions = {}): Uint8Array {
  const canvas = new Canvas(1000, 620)
  const shown = points.filter(point => heightOf(point) !== null)
  const telescopes = [...new Set(shown.map(point => point.telescope))].sort()
  const bands = [...new Set(shown.map(point => point.band))].sort()
  const day0 = shown.length > 0 ? Math.floor(Math.min(...shown.map(point => point.mjdUtcMid))) : 0
  const days = shown.map(point => point.mjdUtcMid - day0)
  const mags = shown.map(point => heightOf(point) as number)
  const [first, last] = padded(days, 0.05)
  const [bright, faint] = padded(mags, 0.09)
  const panel = new Panel(canvas, {
    x: 84,
    y: 76,
    width: 884,
    height: 480,
    left: first,
    right: last,
    top: bright,
    bottom: faint,
    xLabel: `MJD − ${day0} (UTC)`,
    yLabel: 'magnitude',
  })
  if (options.title) canvas.text(84, 32, options.title, { colour: INK, sizePx: 12, widthPx: 2 })
  panel.axes()
  panel.inside(() => {
    for (const curve of options.curves ?? []) {
      const path = curve.mjd.flatMap((mjd, i) => [panel.px(mjd - day0), panel.py(curve.mag[i])])
      canvas.path(path, { colour: pale(colourOf(curve.band)), widthPx: 1.6 })
    }
    shown.forEach((point, i) => {
      drawPoint(canvas, panel, point, days[i], telescopes.indexOf(point.telescope))
    })
  })
  drawKey(
    canvas,
    bands,
    telescopes,
    shown.some(point => !point.detected),
  )
  return canvas.png()
}

function drawPoint(canvas: Canvas, panel: Panel, point: PlottedPoint, day: number, telescope: number): void {
  const pen: Pen = { colour: colourOf(point.band), widthPx: 1.6 }
  const x = panel.px(day)
  const mag = heightOf(point) as number
  const y = panel.py(mag)
  if (!point.detected) {
    canvas.triangleDown(x, y, 6, pen)
    return
  }
  if (point.magErr !== null) canvas.errorBar(x, panel.py(mag - point.magErr), panel.py(mag + point.magErr), pen)
  drawSign(canvas, x, y, telescope, pen)
}

/** Signs of the telescopes: disc, square, ring, cross, then again. */
function drawSign(canvas: Canvas, x: number, y: number, telescope: number, pen: Pen): void {
  if (telescope % 4 === 0) canvas.disc(x, y, 4.6, pen)
  else if (telescope % 4 === 1) canvas.square(x, y, 4, pen)
  else if (telescope % 4 === 2) canvas.circle(x, y, 4.6, { ...pen, widthPx: 2 })
  else canvas.cross(x, y, 4.4, { ...pen, widthPx: 2 })
}

function drawKey(canvas: Canvas, bands: string[], telescopes: string[], limits: boolean): void {
  let x = 88
  const write = (text: string) => {
    canvas.text(x, 58, text, { colour: INK, sizePx: 9 })
    x += text.length * 9 + 22
  }
  for (const band of bands) {
    canvas.fill(x, 49, 14, 10, { colour: colourOf(band) })
    x += 20
    write(band)
  }
  telescopes.forEach((name, i) => {
    drawSign(canvas, x + 5, 54, i, { colour: INK, widthPx: 1.6 })
    x += 18
    write(name)
  })
  if (!limits) return
  canvas.triangleDown(x + 5, 54, 6, { colour: INK, widthPx: 1.6 })
  x += 18
  write('5σ limit')
}

/** Where a point stands on the magnitude axis: its magnitude, or its limit; null where it has neither. */
function heightOf(point: PlottedPoint): number | null {
  return point.detected ? point.mag : point.limit5Sigma
}

function colourOf(band: string): string {
  return bandColours[band] ?? '#444444'
}

/** A colour two thirds of the way to white: opaque, so that the joints of a curve do not show. */
function pale(colour: string): string {
  const value = Number.parseInt(colour.slice(1), 16)
  const lighter = [16, 8, 0].map(shift => Math.round(255 - (255 - ((value >> shift) & 255)) * 0.4))
  return `#${lighter.map(channel => channel.toString(16).padStart(2, '0')).join('')}`
}

function padded(values: number[], share: number): [number, number] {
  if (values.length === 0) return [0, 1]
  const low = Math.min(...values)
  const high = Math.max(...values)
  const margin = share * (high - low) || 0.5
  return [low - margin, high + margin]
}
