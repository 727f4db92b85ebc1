import { Canvas, textWidth } from './canvas.ts'
import { type Frame, MASK } from './frame.ts'

export interface PreviewMarks {
  /** Measured stars: 0-based pixel of the frame, radius of the ring in frame pixels. */
  stars?: { x: number; y: number; r: number }[]
  targets?: { name: string; x: number; y: number }[]
  /**
   * Which way the sky lies: the CD matrix [CD1_1, CD1_2, CD2_1, CD2_2] of the solution, degrees per pixel. Draws north,
   * east and a scale bar.
   */
  north?: { cd: readonly [number, number, number, number] }
}

export interface PreviewOptions {
  /** Longest side of the picture, pixel. */
  maxSidePx?: number
  /** One line in the lower left corner. */
  caption?: string
}

/**
 * Radius of the ring around a star that leaves its light free: it grows as the fourth root of the signal-to-noise ratio,
 * about as far as the star's wings stand out of the sky.
 */
export function ringRadius(fwhmPx: number, signalToNoise: number): number {
  return fwhmPx * Math.max(1.6, 0.9 * Math.max(0, signalToNoise) ** 0.25)
}

const RING = '#5fd3ff'
const TARGET = '#ffb000'
const PAPER = '#ffffff'

// The stretch: sky at SKY_SHADE of the brightness, white at WHITE_SIGMA sky σ, softened by asinh beyond SOFT_SIGMA.
const SKY_SHADE = 0.13
const WHITE_SIGMA = 250
const SOFT_SIGMA = 2.5

/**
 * A picture of a frame for people: asinh stretch about the sky, averaged down to at most a thousand pixels a side, row 0
 * at the bottom as FITS viewers show it; stars ringed lightly, targets marked with their name.
 *
 * @returns PNG
 */
export function drawPreview(frame: Frame, marks: PreviewMarks = {}, options: PreviewOptions = {}): Uint8Array {
  const shrink = Math.max(1, Math.ceil(Math.max(frame.width, frame.height) / (options.maxSidePx ?? 1000)))
  const canvas = new Canvas(Math.ceil(frame.width / shrink), Math.ceil(frame.height / shrink), '#000000')
  paintPixels(canvas, frame, shrink)

  const px = (x: number) => (x + 0.5) / shrink - 0.5
  const py = (y: number) => canvas.height - 1 - ((y + 0.5) / shrink - 0.5)
  for (const star of marks.stars ?? []) {
    canvas.circle(px(star.x), py(star.y), Math.max(3, star.r / shrink), { colour: RING, alpha: 0.55 })
  }
  for (const target of marks.targets ?? []) markTarget(canvas, px(target.x), py(target.y), target.name)
  if (marks.north) drawCompass(canvas, marks.north.cd, shrink)
  if (options.caption) label(canvas, 10, canvas.height - 12, options.caption, PAPER)
  return canvas.png('frame')
}

function paintPixels(canvas: Canvas, frame: Frame, shrink: number): void {
  const { level, sigma } = skyOf(frame)
  const bad = [0x6b, 0x1f, 0x2b] // dark red: no value there
  const top = stretched(WHITE_SIGMA)
  const sum = new Float64Array(canvas.width)
  const count = new Float64Array(canvas.width)
  for (let row = 0; row < canvas.height; row++) {
    const y0 = (canvas.height - 1 - row) * shrink
    sum.fill(0)
    count.fill(0)
    for (let y = y0; y < Math.min(frame.height, y0 + shrink); y++) addLine(frame, y, shrink, sum, count)
    for (let column = 0, at = 3 * row * canvas.width; column < canvas.width; column++, at += 3) {
      if (count[column] === 0) {
        canvas.rgb.set(bad, at)
        continue
      }
      const sigmas = (sum[column] / count[column] - level) / sigma
      const shade = SKY_SHADE + (1 - SKY_SHADE) * (stretched(sigmas) / top)
      const grey = Math.round(255 * Math.min(1, Math.max(0, shade)))
      canvas.rgb[at] = canvas.rgb[at + 1] = canvas.rgb[at + 2] = grey
    }
  }
}

/** Add the good pixels of a line to those of its column of the picture. */
function addLine(frame: Frame, y: number, shrink: number, sum: Float64Array, count: Float64Array): void {
  const { pixels, mask, width } = frame
  for (let column = 0, at = y * width, end = at + width; at < end; column++) {
    let light = 0
    let good = 0
    for (const next = Math.min(at + shrink, end); at < next; at++) {
      const value = pixels[at]
      if (mask[at] & MASK.bad || Number.isNaN(value)) continue
      light += value
      good++
    }
    sum[column] += light
    count[column] += good
  }
}

function stretched(sigmas: number): number {
  return Math.asinh(sigmas / SOFT_SIGMA)
}

/** Median and robust σ of the sky, from every so many pixels. */
function skyOf(frame: Frame): { level: number; sigma: number } {
  const step = Math.max(1, Math.floor(frame.pixels.length / 40_000))
  const sample = new Float32Array(Math.ceil(frame.pixels.length / step))
  let n = 0
  for (let at = 0; at < frame.pixels.length; at += step)
    if ((frame.mask[at] & MASK.bad) === 0 && !Number.isNaN(frame.pixels[at])) sample[n++] = frame.pixels[at]
  if (n === 0) return { level: 0, sigma: 1 }
  const sorted = sample.subarray(0, n).sort()
  const level = sorted[n >> 1]
  // The lower half only: stars widen the upper one. 0.6745 σ lie between quartile and median of a normal sky.
  const quartile = sorted[n >> 2]
  return { level, sigma: (level - quartile) / 0.6745 || 1 }
}

/** Four ticks around the place, so that the star itself stays free, and the name beside it. */
function markTarget(canvas: Canvas, x: number, y: number, name: string): void {
  const gap = 8
  const long = 20
  const pen = { colour: TARGET, widthPx: 2 }
  canvas.line(x - long, y, x - gap, y, pen)
  canvas.line(x + gap, y, x + long, y, pen)
  canvas.line(x, y - long, x, y - gap, pen)
  canvas.line(x, y + gap, x, y + long, pen)
  const size = 11
  const fitsRight = x + gap + textWidth(name, size) + 8 < canvas.width
  const fitsAbove = y - 24 - size > 0
  label(canvas, fitsRight ? x + 10 : x - 10, fitsAbove ? y - 14 : y + 14 + size, name, TARGET, size, fitsRight)
}

function label(canvas: Canvas, x: number, y: number, text: string, colour: string, sizePx = 9, right = true): void {
  const anchor = right ? 'start' : 'end'
  canvas.text(x, y, text, { colour: '#000000', sizePx, anchor, widthPx: 4, alpha: 0.7 })
  canvas.text(x, y, text, { colour, sizePx, anchor })
}

/** North and east arrows in the upper right corner, a scale bar in the lower right one. */
function drawCompass(canvas: Canvas, cd: readonly [number, number, number, number], shrink: number): void {
  const determinant = cd[0] * cd[3] - cd[1] * cd[2]
  if (!(Math.abs(determinant) > 0)) return
  const towards = (xi: number, eta: number) => {
    const u = (cd[3] * xi - cd[1] * eta) / determinant
    const v = (cd[0] * eta - cd[2] * xi) / determinant
    const length = Math.hypot(u, v)
    return [u / length, -v / length]
  }
  const reach = 30
  const x = canvas.width - 58
  const y = 58
  for (const [letter, [dx, dy]] of [
    ['N', towards(0, 1)],
    ['E', towards(1, 0)],
  ] as const) {
    canvas.line(x, y, x + dx * reach, y + dy * reach, { colour: '#000000', widthPx: 4, alpha: 0.6 })
    canvas.line(x, y, x + dx * reach, y + dy * reach, { colour: PAPER, widthPx: 1.6 })
    label(canvas, x + dx * (reach + 11) - 4, y + dy * (reach + 11) + 5, letter, PAPER)
  }
  const arcsecPerPicturePx = Math.sqrt(Math.abs(determinant)) * 3600 * shrink
  const longest = canvas.width * 0.25 * arcsecPerPicturePx
  const bar = [3600, 1800, 600, 300, 120, 60, 30, 10, 5, 2, 1].find(arcsec => arcsec <= longest) ?? 1
  const long = bar / arcsecPerPicturePx
  const right = canvas.width - 16
  const base = canvas.height - 14
  canvas.line(right - long, base, right, base, { colour: '#000000', widthPx: 5, alpha: 0.6 })
  canvas.line(right - long, base, right, base, { colour: PAPER, widthPx: 2 })
  const text = bar >= 3600 ? `${bar / 3600}°` : bar >= 60 ? `${bar / 60}′` : `${bar}″`
  label(canvas, right - long / 2 - textWidth(text) / 2, base - 8, text, PAPER)
}
