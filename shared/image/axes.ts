import type { Canvas, Colour } from './canvas.ts'

export interface PanelLayout {
  /** Frame of the panel in picture pixels. */
  x: number
  y: number
  width: number
  height: number
  /** Data at the left and right edge; at the top and bottom edge. Any order: a magnitude axis has the faint end below. */
  left: number
  right: number
  top: number
  bottom: number
  xLabel?: string
  yLabel?: string
}

export interface PanelColours {
  ink: Colour
  grid: Colour
}

/** A rectangle of a picture with a scale on each axis. */
export class Panel {
  readonly layout: PanelLayout
  readonly #canvas: Canvas

  constructor(canvas: Canvas, layout: PanelLayout) {
    this.#canvas = canvas
    this.layout = layout
  }

  /** Picture pixel of a data x. */
  px(x: number): number {
    const { x: at, width, left, right } = this.layout
    return at + ((x - left) / (right - left)) * width
  }

  /** Picture pixel of a data y. */
  py(y: number): number {
    const { y: at, height, top, bottom } = this.layout
    return at + ((y - top) / (bottom - top)) * height
  }

  /** Draw inside the panel only. */
  inside(draw: () => void): void {
    const { x, y, width, height } = this.layout
    this.#canvas.within(x, y, width, height, draw)
  }

  /** Grid, frame, ticks and labels. */
  axes(colours: PanelColours = { ink: '#333b46', grid: '#e6e9ee' }): void {
    const { x, y, width, height, left, right, top, bottom, xLabel, yLabel } = this.layout
    const canvas = this.#canvas
    const grid = { colour: colours.grid }
    const ink = { colour: colours.ink }
    const base = y + height
    for (const tick of niceTicks(left, right, Math.max(2, width / 65))) {
      const at = Math.round(this.px(tick.value))
      canvas.line(at, y, at, base, grid)
      canvas.line(at, base, at, base + 4, ink)
      canvas.text(at, base + 17, tick.text, { ...ink, sizePx: 8, anchor: 'middle' })
    }
    for (const tick of niceTicks(top, bottom, Math.max(2, height / 45))) {
      const at = Math.round(this.py(tick.value))
      canvas.line(x, at, x + width, at, grid)
      canvas.line(x - 4, at, x, at, ink)
      canvas.text(x - 8, at + 4, tick.text, { ...ink, sizePx: 8, anchor: 'end' })
    }
    canvas.path([x, y, x + width, y, x + width, base, x, base, x, y], ink)
    if (xLabel) canvas.text(x + width / 2, base + 36, xLabel, { ...ink, sizePx: 9, anchor: 'middle' })
    if (yLabel) canvas.text(x - 54, y + height / 2, yLabel, { ...ink, sizePx: 9, anchor: 'middle', upwards: true })
  }
}

/** Round values between two ends (in either order), about `count` of them, with the decimals that they need. */
export function niceTicks(from: number, to: number, count: number): { value: number; text: string }[] {
  const low = Math.min(from, to)
  const high = Math.max(from, to)
  if (!(high > low) || !Number.isFinite(high - low)) return []
  const rough = (high - low) / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5].find(multiple => multiple * power >= rough) ?? 10) * power
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const ticks = []
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  for (let k = first; k <= last; k++) {
    const text = (k * step).toFixed(decimals)
    ticks.push({ value: k * step, text: k === 0 ? (0).toFixed(decimals) : text.replace('-', '−') })
  }
  return ticks
}
