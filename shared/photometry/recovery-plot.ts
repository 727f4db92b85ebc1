import { Panel } from '#shared/image/axes.ts'
import { Canvas } from '#shared/image/canvas.ts'
import type { InjectionSummary } from './injection.ts'

const INK = '#333b46'
const THREE = '#0072b2'
const FIVE = '#d55e00'
/** The 5 σ limit is brighter than the 3 σ limit by this, mag. */
const BETWEEN_LIMITS_MAG = 2.5 * Math.log10(5 / 3)

/**
 * Part of the injected stars that was recovered, at 3 σ and at 5 σ, against how much fainter than the stated 3 σ limit they
 * were; dashed where half should be recovered.
 *
 * @returns PNG, 640 × 420
 */
export function drawRecovery({ recovery, stars }: InjectionSummary): Uint8Array {
  const canvas = new Canvas(640, 420)
  const half = recovery.length > 1 ? (recovery[1].offsetMag - recovery[0].offsetMag) / 2 : 0.5
  const panel = new Panel(canvas, {
    x: 75,
    y: 50,
    width: 530,
    height: 300,
    left: recovery[0].offsetMag - half,
    right: recovery[recovery.length - 1].offsetMag + half,
    top: 1.05,
    bottom: -0.05,
    xLabel: 'magnitudes fainter than the 3 sigma limit',
    yLabel: 'recovered',
  })
  canvas.text(340, 30, `${stars} stars put into the frame: 3 sigma blue, 5 sigma red`, {
    colour: INK,
    sizePx: 10,
    anchor: 'middle',
  })
  panel.axes()
  panel.inside(() => {
    for (const [at, colour] of [
      [0, THREE],
      [-BETWEEN_LIMITS_MAG, FIVE],
    ] as const)
      for (let y = 0; y < 1; y += 0.1)
        canvas.line(panel.px(at), panel.py(y), panel.px(at), panel.py(y + 0.05), { colour, alpha: 0.8 })
    drawCurve(canvas, panel, recovery, bin => bin.recovered3Sigma, THREE)
    drawCurve(canvas, panel, recovery, bin => bin.recovered5Sigma, FIVE)
  })
  return canvas.png()
}

function drawCurve(
  canvas: Canvas,
  panel: Panel,
  recovery: InjectionSummary['recovery'],
  recovered: (bin: InjectionSummary['recovery'][number]) => number,
  colour: string,
): void {
  const line: number[] = []
  for (const bin of recovery) {
    if (bin.injected === 0) continue
    const part = recovered(bin) / bin.injected
    // Error of a part of n (Wilson): never 0, also where all or none were found.
    const error = Math.sqrt((part * (1 - part)) / bin.injected + 1 / (4 * bin.injected ** 2))
    const x = panel.px(bin.offsetMag)
    line.push(x, panel.py(part))
    canvas.errorBar(x, panel.py(part - error), panel.py(part + error), { colour })
    canvas.square(x, panel.py(part), 3, { colour })
  }
  canvas.path(line, { colour, widthPx: 1.4 })
}
