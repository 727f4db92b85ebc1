import { ADVANCE, CAP_HEIGHT, strokesOf } from './font.ts'
import { type Content, encodePng } from './png.ts'

/** A colour as '#rrggbb'. */
export type Colour = string

export interface Pen {
  colour: Colour
  /** Width of the stroke, pixel. */
  widthPx?: number
  /** 0 transparent … 1 opaque. */
  alpha?: number
}

export interface TextStyle extends Pen {
  /** Height of a capital, pixel. */
  sizePx?: number
  anchor?: 'start' | 'middle' | 'end'
  /** Read upwards instead of to the right. */
  upwards?: boolean
}

/**
 * An RGB raster to draw on, with smooth edges. Coordinates are picture pixels: (0, 0) is the centre of the upper left
 * pixel, y runs down. Drawing beyond the edges is allowed and clipped.
 */
export class Canvas {
  readonly width: number
  readonly height: number
  /** Three bytes per pixel, row-major from the top. */
  readonly rgb: Uint8Array
  #clip: [number, number, number, number]

  constructor(width: number, height: number, background: Colour = '#ffffff') {
    this.width = width
    this.height = height
    const { red, green, blue } = channels(background)
    // a plain sheet of one grey is written at once
    this.rgb = new Uint8Array(width * height * 3).fill(red)
    this.#clip = [0, 0, width - 1, height - 1]
    if (green !== red || blue !== red) this.fill(0, 0, width, height, { colour: background })
  }

  /** Draw only inside a rectangle until the function returns. */
  within(x: number, y: number, width: number, height: number, draw: () => void): void {
    const before = this.#clip
    this.#clip = [
      Math.max(before[0], Math.ceil(x)),
      Math.max(before[1], Math.ceil(y)),
      Math.min(before[2], Math.floor(x + width)),
      Math.min(before[3], Math.floor(y + height)),
    ]
    draw()
    this.#clip = before
  }

  fill(x: number, y: number, width: number, height: number, pen: Pen): void {
    const { red, green, blue } = channels(pen.colour)
    const alpha = pen.alpha ?? 1
    const [right, bottom] = [Math.ceil(x + width - 1), Math.ceil(y + height - 1)]
    this.#cover(Math.floor(x), Math.floor(y), right, bottom, () => alpha, red, green, blue)
  }

  /** A straight stroke with round ends. */
  line(x0: number, y0: number, x1: number, y1: number, pen: Pen): void {
    const { red, green, blue } = channels(pen.colour)
    const half = (pen.widthPx ?? 1) / 2
    const alpha = pen.alpha ?? 1
    const dx = x1 - x0
    const dy = y1 - y0
    const length2 = dx * dx + dy * dy
    const reach = half + 0.5 // beyond, no pixel's centre is near enough to be covered
    const coverage = (x: number, y: number) => {
      const along = length2 > 0 ? Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / length2)) : 0
      const u = x - x0 - along * dx
      const v = y - y0 - along * dy
      return alpha * edge(half - Math.sqrt(u * u + v * v))
    }
    const [left, right] = x0 < x1 ? [x0, x1] : [x1, x0]
    const [top, bottom] = y0 < y1 ? [y0, y1] : [y1, y0]
    this.#cover(left - reach, top - reach, right + reach, bottom + reach, coverage, red, green, blue)
  }

  /** Strokes from point to point: x0, y0, x1, y1, … */
  path(points: readonly number[], pen: Pen): void {
    for (let i = 0; i + 3 < points.length; i += 2) {
      this.line(points[i], points[i + 1], points[i + 2], points[i + 3], pen)
    }
  }

  /** The outline of a circle. */
  circle(x: number, y: number, radius: number, pen: Pen): void {
    const { red, green, blue } = channels(pen.colour)
    const half = (pen.widthPx ?? 1) / 2
    const alpha = pen.alpha ?? 1
    const [clipLeft, clipTop, clipRight, clipBottom] = this.#clip
    const outer = radius + half + 0.5
    const inner = Math.max(0, radius - half - 0.5)
    const bottom = Math.min(clipBottom, Math.floor(y + outer))
    for (let row = Math.max(clipTop, Math.ceil(y - outer)); row <= bottom; row++) {
      const square = (row - y) * (row - y)
      // Of most rows only the ends lie on the ring.
      const reach = Math.sqrt(outer * outer - square)
      const hole = square < inner * inner ? Math.sqrt(inner * inner - square) : -1
      const right = Math.min(clipRight, Math.floor(x + reach))
      for (let column = Math.max(clipLeft, Math.ceil(x - reach)); column <= right; column++) {
        if (Math.abs(column - x) < hole) {
          column = Math.ceil(x + hole) - 1
          continue
        }
        const distance = Math.sqrt(square + (column - x) * (column - x))
        this.#blend(row * this.width + column, red, green, blue, alpha * edge(half - Math.abs(distance - radius)))
      }
    }
  }

  /** A filled circle. */
  disc(x: number, y: number, radius: number, pen: Pen): void {
    const { red, green, blue } = channels(pen.colour)
    const alpha = pen.alpha ?? 1
    const coverage = (px: number, py: number) => alpha * edge(radius - Math.sqrt((px - x) ** 2 + (py - y) ** 2))
    const reach = radius + 0.5
    this.#cover(x - reach, y - reach, x + reach, y + reach, coverage, red, green, blue)
  }

  /** An × of the given half width. */
  cross(x: number, y: number, radius: number, pen: Pen): void {
    this.line(x - radius, y - radius, x + radius, y + radius, pen)
    this.line(x - radius, y + radius, x + radius, y - radius, pen)
  }

  /** A filled square of the given half width. */
  square(x: number, y: number, radius: number, pen: Pen): void {
    const { red, green, blue } = channels(pen.colour)
    const alpha = pen.alpha ?? 1
    const coverage = (px: number, py: number) => alpha * edge(radius - Math.max(Math.abs(px - x), Math.abs(py - y)))
    this.#cover(x - radius - 1, y - radius - 1, x + radius + 1, y + radius + 1, coverage, red, green, blue)
  }

  /** An open triangle that points down: the sign for "fainter than". */
  triangleDown(x: number, y: number, radius: number, pen: Pen): void {
    const wide = radius
    const high = radius * 0.85
    this.path([x - wide, y - high, x + wide, y - high, x, y + high, x - wide, y - high], pen)
  }

  /** A vertical bar with caps. */
  errorBar(x: number, y0: number, y1: number, pen: Pen, capPx = 3): void {
    this.line(x, y0, x, y1, pen)
    if (capPx <= 0) return
    this.line(x - capPx, y0, x + capPx, y0, pen)
    this.line(x - capPx, y1, x + capPx, y1, pen)
  }

  /** Text whose baseline starts (ends, is centred) at (x, y). */
  text(x: number, y: number, text: string, style: TextStyle): void {
    const cell = (style.sizePx ?? 9) / CAP_HEIGHT
    const pen = { colour: style.colour, alpha: style.alpha, widthPx: style.widthPx ?? Math.max(1.05, cell * 0.85) }
    const length = textWidth(text, style.sizePx)
    let along = style.anchor === 'end' ? -length : style.anchor === 'middle' ? -length / 2 : 0
    for (const character of text) {
      const strokes = strokesOf(character)
      for (let i = 0; i < strokes.length; i += 4) {
        const [u0, v0, u1, v1] = [strokes[i], strokes[i + 1], strokes[i + 2], strokes[i + 3]]
        const a0 = along + u0 * cell
        const a1 = along + u1 * cell
        const b0 = (v0 - CAP_HEIGHT) * cell
        const b1 = (v1 - CAP_HEIGHT) * cell
        const dot = u0 === u1 && v0 === v1 // thicker, or it is lost between pixels
        const nib = dot ? { ...pen, widthPx: pen.widthPx * 1.5 } : pen
        if (style.upwards) this.line(x + b0, y - a0, x + b1, y - a1, nib)
        else this.line(x + a0, y + b0, x + a1, y + b1, nib)
      }
      along += ADVANCE * cell
    }
  }

  /** The picture as PNG; the same picture gives the same bytes. */
  png(content?: Content): Uint8Array {
    return encodePng(this.rgb, this.width, this.height, content)
  }

  /** Blend a colour into the pixels of a box by how much of each is covered. */
  #cover(
    left: number,
    top: number,
    right: number,
    bottom: number,
    coverage: (x: number, y: number) => number,
    red: number,
    green: number,
    blue: number,
  ): void {
    const [clipLeft, clipTop, clipRight, clipBottom] = this.#clip
    const x0 = Math.max(clipLeft, Math.ceil(left))
    const x1 = Math.min(clipRight, Math.floor(right))
    const y1 = Math.min(clipBottom, Math.floor(bottom))
    for (let y = Math.max(clipTop, Math.ceil(top)); y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        const share = coverage(x, y)
        if (share <= 0) continue
        this.#blend(y * this.width + x, red, green, blue, share)
      }
    }
  }

  #blend(pixel: number, red: number, green: number, blue: number, share: number): void {
    const at = 3 * pixel
    this.rgb[at] += Math.round((red - this.rgb[at]) * share)
    this.rgb[at + 1] += Math.round((green - this.rgb[at + 1]) * share)
    this.rgb[at + 2] += Math.round((blue - this.rgb[at + 2]) * share)
  }
}

/** Length of a text, pixel. */
export function textWidth(text: string, sizePx = 9): number {
  return ([...text].length * ADVANCE - 1) * (sizePx / CAP_HEIGHT)
}

/** How much of a pixel lies inside, from the distance of its centre to the edge (positive inside), pixel. */
function edge(inside: number): number {
  return Math.min(1, Math.max(0, inside + 0.5))
}

function channels(colour: Colour): { red: number; green: number; blue: number } {
  const value = Number.parseInt(colour.slice(1), 16)
  return { red: value >> 16, green: (value >> 8) & 255, blue: value & 255 }
}
