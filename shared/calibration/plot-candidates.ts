import { Panel } from '#shared/image/axes.ts'
import { Canvas } from '#shared/image/canvas.ts'
import { quantile } from '#shared/numeric/robust.ts'

/** One fit as the picture of all candidates shows it. */
export interface CandidateRow {
  survey: string
  band: string
  /** 'g-r', or '' without a colour term. */
  colourName: string
  zeroPoint: number
  zeroPointError: number
  colourTerm: number
  colourTermError: number
  scatter: number
  stars: number
  score: number
  chosen: boolean
  /** Colour and residual of the stars that carry it; without colours the magnitude stands in their place. */
  x: number[]
  residual: number[]
}

const INK = '#333b46'
const FAINT = '#68717d'
const CHOSEN = '#e7f1f8'
const POINT = '#0072b2'
const RULE = '#e6e9ee'
const ROW = 44
const HEAD = 74
const WIDTH = 1100
/** So many stars show a slope as well as all of them. */
const MOST_POINTS = 250

/** Places of the columns' right edges, and what each row has to say in it. */
const columns: readonly [title: string, right: number, cell: (row: CandidateRow, best: number) => string][] = [
  ['zero point', 262, row => `${row.zeroPoint.toFixed(4)} ± ${row.zeroPointError.toFixed(4)}`],
  [
    'colour term',
    420,
    row => (row.colourName ? `${row.colourTerm.toFixed(3)} ± ${row.colourTermError.toFixed(3)}` : 'none'),
  ],
  ['of', 474, row => row.colourName],
  ['scatter mmag', 580, row => (1000 * row.scatter).toFixed(1)],
  ['stars', 644, row => String(row.stars)],
  ['score', 744, (row, best) => (row.score - best).toFixed(1)],
]

/**
 * All candidates of a frame, best first: what each fit says, its score less that of the best, and its residuals
 * against colour, all on one scale, so that it can be seen why one was chosen and the others were not.
 *
 * @returns PNG
 */
export function drawCandidates(rows: readonly CandidateRow[], title: string): Uint8Array {
  const canvas = new Canvas(WIDTH, HEAD + Math.max(1, rows.length) * ROW + 14)
  const best = Math.min(...rows.map(row => row.score))
  const chosen = rows.find(row => row.chosen) ?? rows[0]
  const reach = chosen ? Math.max(0.03, 5 * chosen.scatter) : 0.1
  canvas.text(20, 30, title, { colour: INK, sizePx: 11, widthPx: 1.8 })
  canvas.text(20, HEAD - 12, 'survey and band', { colour: FAINT, sizePx: 8 })
  for (const [name, right] of columns) canvas.text(right, HEAD - 12, name, { colour: FAINT, sizePx: 8, anchor: 'end' })
  const scale = `residual against colour, ± ${(1000 * reach).toFixed(0)} mmag`
  canvas.text(WIDTH - 20, HEAD - 12, scale, { colour: FAINT, sizePx: 8, anchor: 'end' })
  for (const [k, row] of rows.entries()) drawRow(canvas, row, HEAD + k * ROW, best, reach)
  return canvas.png()
}

function drawRow(canvas: Canvas, row: CandidateRow, top: number, best: number, reach: number): void {
  if (row.chosen) canvas.fill(10, top + 1, WIDTH - 20, ROW - 2, { colour: CHOSEN })
  canvas.line(10, top, WIDTH - 10, top, { colour: RULE })
  const base = top + ROW / 2 + 4
  canvas.text(20, base, `${row.survey} ${row.band}`, { colour: INK, sizePx: 9, widthPx: row.chosen ? 1.9 : 1.2 })
  for (const [, right, cell] of columns)
    canvas.text(right, base, cell(row, best), { colour: INK, sizePx: 8.5, anchor: 'end' })
  drawPoints(canvas, row, top, reach)
}

function drawPoints(canvas: Canvas, { x, residual }: CandidateRow, top: number, reach: number): void {
  const [low, high] = [quantile(x, 0), quantile(x, 1)]
  if (!(high > low)) return
  const place = { x: 780, y: top + 4, width: WIDTH - 800, height: ROW - 8 }
  const panel = new Panel(canvas, { ...place, left: low, right: high, top: reach, bottom: -reach })
  canvas.line(place.x, panel.py(0), place.x + place.width, panel.py(0), { colour: FAINT, alpha: 0.6 })
  const step = Math.max(1, Math.ceil(x.length / MOST_POINTS))
  panel.inside(() => {
    for (let i = 0; i < x.length; i += step) {
      if (!Number.isFinite(x[i])) continue
      const y = Math.max(-reach, Math.min(reach, residual[i]))
      canvas.disc(panel.px(x[i]), panel.py(y), 1.6, { colour: POINT, alpha: 0.55 })
    }
  })
}
