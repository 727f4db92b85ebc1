import { Panel } from '#shared/image/axes.ts'
import { Canvas, textWidth } from '#shared/image/canvas.ts'

/** What the picture of a calibration shows: one entry per matched star. */
export interface CalibrationPlotData {
  /** The chosen fit in words and numbers. */
  title: string
  /** What the fit consists of beyond its numbers, in words. */
  note?: string
  /** Catalogue magnitude, mag. */
  mag: number[]
  /** Catalogue colour, mag. */
  colour: number[]
  /** Position in the frame, pixel. */
  x: number[]
  y: number[]
  /** Catalogue minus calibrated magnitude, mag. */
  residual: number[]
  /** Whether the star entered the fit. */
  used: boolean[]
}

const INK = '#333b46'
const USED = '#0072b2'
const LEFT_OUT = '#c4c9d1'
const TREND = '#d55e00'

/**
 * The residuals of a calibration against magnitude, colour, x and y: used stars filled, rejected ones as crosses, medians
 * in bins with their errors on top. A slope or step in any panel is something the fit does not know about.
 *
 * @returns PNG, 1000 × 760
 */
export function drawCalibration(data: CalibrationPlotData): Uint8Array {
  const canvas = new Canvas(1000, 760)
  const used = data.residual.filter((residual, i) => data.used[i] && Number.isFinite(residual))
  const scatter = robustScatter(used)
  const reach = Math.max(0.02, 6 * scatter, 1.1 * quantile(used.map(Math.abs), 0.97))

  titleLine(canvas, data.title)
  const left = data.used.filter(kept => !kept).length
  canvas.text(
    500,
    54,
    [`${used.length} stars used, ${left} left out, robust scatter ${(scatter * 1000).toFixed(1)} mmag`, data.note]
      .filter(Boolean)
      .join(', '),
    {
      colour: '#68717d',
      sizePx: 8.5,
      anchor: 'middle',
    },
  )
  const panels = [
    ['catalogue magnitude', data.mag],
    ['catalogue colour', data.colour],
    ['x [pixel]', data.x],
    ['y [pixel]', data.y],
  ] as const
  panels.forEach(([xLabel, values], k) => {
    const [low, high] = range(values)
    const panel = new Panel(canvas, {
      x: 80 + (k % 2) * 490,
      y: 78 + Math.floor(k / 2) * 345,
      width: 410,
      height: 280,
      left: low,
      right: high,
      top: reach,
      bottom: -reach,
      xLabel,
      yLabel: k % 2 === 0 ? 'residual [mag]' : undefined,
    })
    panel.axes()
    drawResiduals(canvas, panel, values, data, reach)
  })
  return canvas.png()
}

function titleLine(canvas: Canvas, title: string): void {
  let sizePx = 12
  while (sizePx > 7 && textWidth(title, sizePx) > 960) sizePx -= 0.5
  canvas.text(500, 32, title, { colour: INK, sizePx, anchor: 'middle', widthPx: sizePx / 6 })
}

function drawResiduals(
  canvas: Canvas,
  panel: Panel,
  values: readonly number[],
  { residual, used }: CalibrationPlotData,
  reach: number,
): void {
  const { left, right } = panel.layout
  const radius = residual.length > 600 ? 1.8 : 2.6
  canvas.line(panel.px(left), panel.py(0), panel.px(right), panel.py(0), { colour: INK, alpha: 0.7 })
  panel.inside(() => {
    for (const kept of [false, true]) {
      for (let i = 0; i < residual.length; i++) {
        if (used[i] !== kept || !Number.isFinite(values[i]) || !Number.isFinite(residual[i])) continue
        const x = panel.px(values[i])
        // Beyond the panel: held at its edge, so that it is seen to be there.
        const y = panel.py(Math.max(-reach, Math.min(reach, residual[i])))
        if (kept) canvas.disc(x, y, radius, { colour: USED, alpha: 0.5 })
        else canvas.cross(x, y, radius, { colour: LEFT_OUT, widthPx: 1.2 })
      }
    }
    for (const bin of binnedMedians(values, residual, used)) {
      canvas.errorBar(panel.px(bin.at), panel.py(bin.median - bin.error), panel.py(bin.median + bin.error), {
        colour: TREND,
        widthPx: 1.8,
      })
      canvas.square(panel.px(bin.at), panel.py(bin.median), 3, { colour: TREND })
    }
  })
}

/** Medians of the used residuals in up to eight bins of equal count. */
function binnedMedians(values: readonly number[], residual: readonly number[], used: readonly boolean[]) {
  const rows = values
    .map((_, i) => i)
    .filter(i => used[i] && Number.isFinite(values[i]) && Number.isFinite(residual[i]))
  rows.sort((a, b) => values[a] - values[b])
  const bins = Math.min(8, Math.floor(rows.length / 5))
  return Array.from({ length: bins }, (_, k) => {
    const inside = rows.slice(Math.floor((k * rows.length) / bins), Math.floor(((k + 1) * rows.length) / bins))
    const residuals = inside.map(i => residual[i])
    return {
      at: quantile(
        inside.map(i => values[i]),
        0.5,
      ),
      median: quantile(residuals, 0.5),
      // The error of a median is 1.253 that of a mean for normal scatter.
      error: (1.253 * robustScatter(residuals)) / Math.sqrt(inside.length),
    }
  })
}

function range(values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite)
  if (finite.length === 0) return [0, 1]
  const low = Math.min(...finite)
  const high = Math.max(...finite)
  const margin = 0.04 * (high - low) || 0.5
  return [low - margin, high + margin]
}

function robustScatter(values: readonly number[]): number {
  const centre = quantile(values, 0.5)
  return (
    1.4826 *
    quantile(
      values.map(value => Math.abs(value - centre)),
      0.5,
    )
  )
}

function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return 0
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}
