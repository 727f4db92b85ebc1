import { PointGrid } from '#shared/numeric/point-grid.ts'
import { spreadBrightest } from './bright-stars.ts'
import { neighbourQuads, QuadIndex, type Quads } from './quads.ts'
import { fitSimilarity, type LinearMap, scaleOf } from './similarity.ts'
import { type Sky, type Verification, verify } from './verify.ts'

export interface Pattern {
  /** Detections, pixel, 0-based, brightest first. */
  x: Float64Array
  y: Float64Array
  width: number
  height: number
}

export interface PatternOptions {
  /** Range of scales to accept, degrees per pixel. */
  lowScaleDeg: number
  highScaleDeg: number
  /** Area of the sky that the reference stars cover, square degrees. */
  skyAreaDeg2: number
  /** Farthest that the frame's centre may be from the origin of the plane, degrees. */
  mostOffsetDeg: number
}

/** Hypotheses whose odds were asked for, counted while a search goes on. */
export interface Tally {
  tested: number
}

export interface PatternMatch extends Verification {
  map: LinearMap
  /** Detections and reference stars, as depths, that the winning rung compared. */
  rung: string
}

const CODE_TOLERANCE = 0.012
const NEIGHBOURS = 7
/** Depths of the ladder: how many bright detections; and how many times denser than they the reference stars. */
const DEPTHS = [24, 48, 100, 200]
const DENSITY_RATIOS = [1, 2, 0.5, 4]
/** The ladder where the scale is open, which multiplies the work: the steps that carry most of it. */
const OPEN_DEPTHS = [24, 48]
const OPEN_RATIOS = [1, 2]
const OPEN_FROM = 1.6 // ratio of the scales' range from which it counts as open
const MOST_REFERENCE_STARS = 8000
/** Odds at which a hypothesis goes to refinement; there it has to reach those of acceptance. */
const PROMISING = Math.log(1e5)
const CERTAIN = Math.log(1e12)
const SCALE_STEP = 1.5
/** Reference stars looked for, as a multiple of the detections: most of the brightest may be missing from a frame. */
export const STARS_PER_DETECTION = 4

/**
 * Hypotheses of where a frame points, best first: quads of bright detections whose code is that of quads of reference
 * stars, in any turn and either parity, climbing a ladder of depths, checked by their odds. Scales are tried from the
 * middle of the range outwards, as densities of the reference stars; the codes themselves know no scale.
 *
 * A generator: the caller takes the next hypothesis only where refining the last one failed.
 */
export function* matchPatterns(
  frame: Pattern,
  sky: Sky,
  options: PatternOptions,
  tally: Tally = { tested: 0 },
): Generator<PatternMatch> {
  const all = Array.from({ length: frame.x.length }, (_, k) => k)
  const allStars = Array.from({ length: sky.xi.length }, (_, k) => k)
  const grid = new PointGrid(frame.x, frame.y, Math.sqrt((frame.width * frame.height) / Math.max(1, frame.x.length)))
  const seen = new Set<string>()
  const open = options.highScaleDeg / options.lowScaleDeg > OPEN_FROM
  const ratios = open ? OPEN_RATIOS : DENSITY_RATIOS
  for (const depth of open ? OPEN_DEPTHS : DEPTHS) {
    const rows = spreadBrightest(all, frame.x, frame.y, depth)
    const image = neighbourQuads(pick(frame.x, rows), pick(frame.y, rows), NEIGHBOURS)
    for (const ratio of ratios) {
      for (const scale of scalesBetween(options.lowScaleDeg, options.highScaleDeg)) {
        const fieldArea = frame.width * frame.height * scale * scale
        const wanted = Math.ceil((rows.length * ratio * options.skyAreaDeg2) / fieldArea)
        const stars = spreadBrightest(allStars, sky.xi, sky.eta, Math.min(MOST_REFERENCE_STARS, Math.max(8, wanted)))
        const rung = `${rows.length} detections against ${stars.length} stars`
        if (seen.has(rung)) continue
        seen.add(rung)
        const index = new QuadIndex(
          neighbourQuads(pick(sky.xi, stars), pick(sky.eta, stars), NEIGHBOURS),
          CODE_TOLERANCE,
        )
        yield* climb(frame, sky, grid, image, rows, index, stars, options, rung, tally)
      }
      if (rows.length < depth && ratio === ratios[ratios.length - 1]) return
    }
  }
}

/** Scales in steps of 1.5 within a range, from its geometric middle outwards. */
function scalesBetween(low: number, high: number): number[] {
  const steps = Math.max(1, Math.ceil(Math.log(high / low) / Math.log(SCALE_STEP)))
  const scales = Array.from({ length: steps }, (_, k) => low * (high / low) ** ((k + 0.5) / steps))
  const middle = Math.log(low * high) / 2
  return scales.sort((a, b) => Math.abs(Math.log(a) - middle) - Math.abs(Math.log(b) - middle))
}

function pick(values: Float64Array, rows: number[]): Float64Array {
  return Float64Array.from(rows, row => values[row])
}

function* climb(
  frame: Pattern,
  sky: Sky,
  grid: PointGrid,
  image: Quads,
  rows: number[],
  index: QuadIndex,
  stars: number[],
  options: PatternOptions,
  rung: string,
  tally: Tally,
): Generator<PatternMatch> {
  const promising: PatternMatch[] = []
  const hits: number[] = []
  const four = { x: new Float64Array(4), y: new Float64Array(4), xi: new Float64Array(4), eta: new Float64Array(4) }
  for (let quad = 0; quad < image.count; quad++) {
    const code = image.code.subarray(4 * quad, 4 * quad + 4)
    for (const mirrored of [true, false]) {
      const sign = mirrored ? -1 : 1
      hits.length = 0
      index.similar(code[0], sign * code[1], code[2], sign * code[3], hits)
      for (const hit of hits) {
        const witnesses: number[] = []
        for (let k = 0; k < 4; k++) {
          const row = rows[image.stars[4 * quad + k]]
          const star = stars[index.quads.stars[4 * hit + k]]
          witnesses.push(star)
          four.x[k] = frame.x[row]
          four.y[k] = frame.y[row]
          four.xi[k] = sky.xi[star]
          four.eta[k] = sky.eta[star]
        }
        const map = fitSimilarity(four.x, four.y, four.xi, four.eta, mirrored)
        if (!plausible(map, frame, options)) continue
        tally.tested++
        const found = { ...checkQuad(map, four, frame, sky, grid, witnesses), map, rung }
        if (found.logOdds > CERTAIN) yield found
        else if (found.logOdds > PROMISING) promising.push(found)
      }
    }
  }
  promising.sort((a, b) => b.logOdds - a.logOdds)
  yield* promising.slice(0, 10)
}

function plausible(map: LinearMap, frame: Pattern, options: PatternOptions): boolean {
  const scale = scaleOf(map)
  if (!(scale > options.lowScaleDeg && scale < options.highScaleDeg)) return false
  const x = (frame.width - 1) / 2
  const y = (frame.height - 1) / 2
  return Math.hypot(map.a * x + map.b * y + map.c, map.d * x + map.e * y + map.f) < options.mostOffsetDeg
}

/** The odds of a hypothesis that four stars made, which do not witness; its error grows with the distance from them. */
export function checkQuad(
  map: LinearMap,
  four: { x: Float64Array; y: Float64Array },
  frame: Pattern,
  sky: Sky,
  grid: PointGrid,
  witnesses: number[],
): Verification {
  const centreX = (four.x[0] + four.x[1]) / 2
  const centreY = (four.y[0] + four.y[1]) / 2
  const size = Math.hypot(four.x[0] - four.x[1], four.y[0] - four.y[1])
  // A pixel of its own, half a pixel of the quad's stars carried outwards, and optics that bend by some thousandths.
  const lever = 0.5 / size + 0.003
  const errorPx = (x: number, y: number) => Math.min(20, Math.hypot(1, lever * Math.hypot(x - centreX, y - centreY)))
  const tests = Math.min(100, Math.max(20, STARS_PER_DETECTION * frame.x.length))
  return verify(map, sky, grid, Math.min(frame.x.length, 120), frame.width, frame.height, tests, errorPx, witnesses)
}
