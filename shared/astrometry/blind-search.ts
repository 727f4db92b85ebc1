import { PointGrid } from '#shared/numeric/point-grid.ts'
import { gnomonic, inverseGnomonic } from '#shared/sky/projection.ts'
import { spreadBrightest } from './bright-stars.ts'
import { checkQuad, type Pattern, type Tally } from './pattern-match.ts'
import {
  cellSideDeg,
  type QuadBand,
  type QuadSky,
  quadsLike,
  STARS_PER_CELL,
  starPlace,
  starsAround,
  starsBeside,
} from './quad-index.ts'
import { neighbourQuads, type Quads } from './quads.ts'
import { fitSimilarity, type LinearMap, scaleOf, toPixel } from './similarity.ts'

/** Where a frame may point: a map into the plane about a place on the sky. */
export interface BlindHypothesis {
  raDeg: number
  decDeg: number
  map: LinearMap
  logOdds: number
  rung: string
}

export interface ScaleRange {
  /** Arcseconds per pixel. */
  low: number
  high: number
}

const DEPTHS = [24, 48, 96]
const NEIGHBOURS = 7
const CODE_TOLERANCE = 0.006
const LEAST_MISFIT_PX = 1 // what centroids of faint or blended stars may be off
/** Bands whose stars in the frame are this many times more or fewer than the detections have other figures. */
const DENSITY_RANGE = 4
/** Odds at which a hypothesis is worth reading reference stars for; and at which it does not wait for a better one. */
const PROMISING = Math.log(1e6)
const CERTAIN = Math.log(1e12)
/** Odds by the stars beside the figure, from which the others are looked for: one of the first is where it has to be. */
const HOPEFUL = 2
const MOST_WAITING = 5 // promising ones of a rung that are handed out, best first
const WIDEST_DEG = 20 // half the diagonal of a field that a tangent plane still shows

/**
 * Hypotheses of where a frame points when nothing is known of it: quads of its bright detections are looked up by code
 * in the index of the whole sky, in any turn and either parity, and checked by the odds of the index's other stars.
 *
 * A generator, as {@link matchPatterns} is: the caller takes the next hypothesis where the last one was not confirmed.
 */
export async function* searchBlind(
  frame: Pattern,
  sky: QuadSky,
  scale: ScaleRange,
  tally: Tally = { tested: 0 },
): AsyncGenerator<BlindHypothesis, void, void> {
  const grid = new PointGrid(frame.x, frame.y, Math.sqrt((frame.width * frame.height) / Math.max(1, frame.x.length)))
  const depths = figuresByDepth(frame)
  for (const { order, depths: together } of plan(sky, frame, depths, scale)) {
    for (const cell of sky.pieces(order)) {
      const band = await sky.piece(order, cell)
      for (const { rows, image } of together) yield* searchBand(frame, grid, image, rows, band, scale, tally)
    }
  }
}

/** The detections that a depth takes, and their figures. */
interface Depth {
  rows: number[]
  image: Quads
}

function figuresByDepth(frame: Pattern): Depth[] {
  const all = Array.from({ length: frame.x.length }, (_, k) => k)
  return DEPTHS.filter((_, k) => k === 0 || DEPTHS[k - 1] <= all.length).map(depth => {
    const rows = spreadBrightest(all, frame.x, frame.y, depth)
    const x = Float64Array.from(rows, row => frame.x[row])
    const y = Float64Array.from(rows, row => frame.y[row])
    return { rows, image: neighbourQuads(x, y, NEIGHBOURS) }
  })
}

/**
 * Passes over the bands: first those that memory can hold, depth after depth; then those whose pieces have to be read
 * again for each pass, once for all depths.
 */
function plan(sky: QuadSky, frame: Pattern, depths: Depth[], scale: ScaleRange): { order: number; depths: Depth[] }[] {
  const likely = depths.map(depth => likelyOrders(sky.orders, frame, depth.rows.length, scale))
  const held = depths.flatMap((depth, k) =>
    likely[k].filter(order => sky.fits(order)).map(order => ({ order, depths: [depth] })),
  )
  const large = [...new Set(likely.flat())].filter(order => !sky.fits(order))
  return [...held, ...large.map(order => ({ order, depths: depths.filter((_, k) => likely[k].includes(order)) }))]
}

/** Index stars that a band has in a frame of a scale. */
function starsInFrame({ width, height }: Pattern, order: number, scaleArcsec: number): number {
  return (STARS_PER_CELL * width * height * (scaleArcsec / 3600) ** 2) / cellSideDeg(order) ** 2
}

/** Bands that may hold the frame's figures, those first that fit the middle of the scales best. */
function likelyOrders(orders: readonly number[], frame: Pattern, depth: number, { low, high }: ScaleRange): number[] {
  const misfit = (order: number) => Math.abs(Math.log(starsInFrame(frame, order, Math.sqrt(low * high)) / depth))
  return orders
    .filter(
      order =>
        starsInFrame(frame, order, high) > depth / DENSITY_RANGE &&
        starsInFrame(frame, order, low) < depth * DENSITY_RANGE,
    )
    .sort((a, b) => misfit(a) - misfit(b))
}

function* searchBand(
  frame: Pattern,
  grid: PointGrid,
  image: Quads,
  rows: number[],
  band: QuadBand,
  scale: ScaleRange,
  tally: Tally,
): Generator<BlindHypothesis, void, void> {
  const waiting: BlindHypothesis[] = []
  const hits: number[] = []
  const four = { x: new Float64Array(4), y: new Float64Array(4), xi: new Float64Array(4), eta: new Float64Array(4) }
  const code = new Float64Array(4)
  for (let quad = 0; quad < image.count; quad++) {
    for (let k = 0; k < 4; k++) {
      four.x[k] = frame.x[rows[image.stars[4 * quad + k]]]
      four.y[k] = frame.y[rows[image.stars[4 * quad + k]]]
    }
    for (const mirrored of [true, false]) {
      for (let part = 0; part < 4; part++)
        code[part] = (mirrored && part % 2 === 1 ? -1 : 1) * image.code[4 * quad + part]
      hits.length = 0
      quadsLike(band, code, CODE_TOLERANCE, hits)
      for (const hit of hits) {
        const found = hypothesis(frame, grid, four, rows.length, band, hit, mirrored, scale, tally)
        if (!found) continue
        if (found.logOdds > CERTAIN) yield found
        else if (found.logOdds > PROMISING) waiting.push(found)
      }
    }
  }
  waiting.sort((a, b) => b.logOdds - a.logOdds)
  yield* waiting.slice(0, MOST_WAITING)
}

type FourStars = { x: Float64Array; y: Float64Array; xi: Float64Array; eta: Float64Array }

/** Distance of the most distant two stars, which come first, pixel. */
function baseline({ x, y }: FourStars): number {
  return Math.hypot(x[0] - x[1], y[0] - y[1])
}

function misfitPx(map: LinearMap, { x, y, xi, eta }: FourStars): number {
  let worst = 0
  for (let k = 0; k < 4; k++) {
    const [atX, atY] = toPixel(map, xi[k], eta[k])
    worst = Math.max(worst, Math.hypot(atX - x[k], atY - y[k]))
  }
  return worst
}

function hypothesis(
  frame: Pattern,
  grid: PointGrid,
  four: FourStars,
  depth: number,
  band: QuadBand,
  hit: number,
  mirrored: boolean,
  scale: ScaleRange,
  tally: Tally,
): BlindHypothesis | undefined {
  const witnesses = band.stars.subarray(4 * hit, 4 * hit + 4)
  const [raDeg, decDeg] = starPlace(band, witnesses[0])
  for (let k = 0; k < 4; k++) [four.xi[k], four.eta[k]] = gnomonic(...starPlace(band, witnesses[k]), raDeg, decDeg)
  const map = fitSimilarity(four.x, four.y, four.xi, four.eta, mirrored)
  const scaleDeg = scaleOf(map)
  if (!(scaleDeg * 3600 > scale.low && scaleDeg * 3600 < scale.high)) return undefined
  // The bytes of the index are coarser than its stars: before others are looked for, the four have to fit.
  if (misfitPx(map, four) > Math.max(LEAST_MISFIT_PX, (CODE_TOLERANCE * baseline(four)) / Math.SQRT2)) return undefined
  const expected = starsInFrame(frame, band.order, scaleDeg * 3600)
  if (!(expected > depth / DENSITY_RANGE && expected < depth * DENSITY_RANGE)) return undefined

  const x = (frame.width - 1) / 2
  const y = (frame.height - 1) / 2
  const centre = inverseGnomonic(map.a * x + map.b * y + map.c, map.d * x + map.e * y + map.f, raDeg, decDeg)
  const radiusDeg = Math.hypot(x, y) * scaleDeg
  if (radiusDeg > WIDEST_DEG) return undefined
  tally.tested++
  const odds = (stars: number[]) => {
    const sky = { xi: new Float64Array(stars.length), eta: new Float64Array(stars.length) }
    for (let k = 0; k < stars.length; k++) {
      ;[sky.xi[k], sky.eta[k]] = gnomonic(...starPlace(band, stars[k]), raDeg, decDeg)
    }
    const own = Array.from(witnesses, star => stars.indexOf(star))
    return checkQuad(map, four, frame, sky, grid, own).logOdds
  }
  // The stars of the figure's own cells are at hand: most hypotheses of chance end with them.
  if (!(odds(starsBeside(band, witnesses)) > HOPEFUL)) return undefined
  const logOdds = odds(starsAround(band, ...centre, radiusDeg))
  const rung = `${depth} detections in the index of order ${band.order}`
  return { raDeg, decDeg, map, logOdds, rung }
}
