import { median } from '#shared/numeric/robust.ts'
import { gnomonic, inverseGnomonic } from '#shared/sky/projection.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import {
  type FieldDetections,
  type FieldStars,
  type Matches,
  ofLikeBrightness,
  type Plane,
  pairStars,
  project,
  starDepth,
} from './pair-stars.ts'
import { errorBesides } from './position-floor.ts'
import type { LinearMap } from './similarity.ts'
import { fitBestOrder, fitPlane, type Pairs, type PlaneFit, scaleDeg, toPlane, wcsFromFit } from './sip-fit.ts'

export interface Refined {
  wcs: Wcs
  fit: PlaneFit
  matches: Matches
  /** Distance of each match from the reference place. */
  residualMas: Float64Array
  residualPx: Float64Array
}

/** Depths of the stages: brightest detections that take part. Deeper only when the place is known better. */
const STAGES = [
  { detections: 60, order: 1, radiusPx: 14 },
  { detections: 120, order: 1, radiusPx: 8 },
  { detections: 250, order: 2, radiusPx: 5 },
  { detections: 500, order: 3, radiusPx: 3 },
]
const FLOOR_PX = 0.01 // what no centroid of ours is better than (SCAMP: ASTR_ACCURACY)
const HIGHEST_FLOOR_PX = 3
const SETTLED = 0.01 // change of the floor that alters no weight worth a further round
const FLOOR_STARS = { share: 1 / 3, fewest: 15 }
const UNCLEAN_PX = 0.3 // extra error of blended, saturated or masked stars
const FEWEST_CLEAN = 20 // with as many clean stars, only they make the solution

/** Detections by chance within the radius of a pair: with more of them most pairs would be false. */
const MOST_BESIDE = 0.1

/**
 * From a similarity to the full solution: match ever deeper and closer, fit ever higher orders, drop pairs whose
 * brightness does not fit, move the tangent point to the centre of the frame.
 *
 * @param map the hypothesis, in the plane about (raDeg, decDeg)
 * @returns undefined where the stars do not come together
 */
export function refine(
  map: LinearMap,
  raDeg: number,
  decDeg: number,
  detections: FieldDetections,
  stars: FieldStars,
  width: number,
  height: number,
): Refined | undefined {
  let tangent: [number, number] = [raDeg, decDeg]
  let plane = project(stars, tangent)
  let fit: PlaneFit | undefined = fromLinear(map, width, height)
  for (const stage of STAGES) {
    const depth = Math.min(stage.detections, detections.x.length)
    const pairs = pairStars(
      fit,
      detections,
      stars,
      plane,
      depth,
      starDepth(plane, fit, depth, width, height),
      stage.radiusPx,
    )
    if (pairs.detection.length < 3) return undefined
    const ready = weigh(pairs, detections, stars, plane, fit)
    const next: PlaneFit | undefined =
      fitBestOrder(ready, width, height, stage.order) ?? fitPlane(ready, 1, width, height)
    if (!next) return undefined
    fit = next
  }
  let matches: Matches = { detection: new Int32Array(0), star: new Int32Array(0) }
  let floorPx = FLOOR_PX
  for (let round = 0; round < 5; round++) {
    // The tangent point goes to where the centre of the frame is, so that the constant terms vanish.
    const [xi, eta] = toPlane(fit, fit.centreX, fit.centreY)
    const centre = inverseGnomonic(xi, eta, ...tangent)
    fit = aboutTangent(fit, tangent, centre)
    tangent = centre
    plane = project(stars, tangent)
    const scatterPx = round === 0 ? 0.8 : Math.max(0.15, typicalResidualPx(fit, detections, plane, matches))
    // Wide while the optics are not yet followed, close once they are.
    const radius = Math.min(8, Math.max(1, 5 * scatterPx))
    const uncrowded = Math.ceil((MOST_BESIDE * width * height) / (Math.PI * radius * radius))
    const depth = Math.min(detections.x.length, Math.max(STAGES[0].detections, uncrowded))
    const starRows = starDepth(plane, fit, 1.5 * depth, width, height)
    const before = { matches, floorPx }
    matches = pairStars(fit, detections, stars, plane, depth, starRows, radius)
    matches = ofLikeBrightness(matches, detections, stars)
    if (matches.detection.length < 3) return undefined
    const next = fitBestOrder(weigh(matches, detections, stars, plane, fit, floorPx), width, height)
    if (!next) return undefined
    fit = next
    const scale = scaleDeg(fit)
    const alone = weigh(matches, detections, stars, plane, fit, 0)
    floorPx = errorBesides(alone, fit, FLOOR_STARS, FLOOR_PX * scale, HIGHEST_FLOOR_PX * scale) / scale
    if (Math.abs(floorPx / before.floorPx - 1) < SETTLED && areAlike(matches, before.matches)) break
  }
  // One last step of the tangent point; what is left in the constants is below a nano-arcsecond.
  const [xi, eta] = toPlane(fit, fit.centreX, fit.centreY)
  tangent = inverseGnomonic(xi, eta, ...tangent)
  const wcs = wcsFromFit(fit, ...tangent, width, height)
  return { wcs, fit, ...residuals(fit, detections, plane, matches) }
}

function areAlike(a: Matches, b: Matches): boolean {
  return (
    a.star.length === b.star.length && a.star.every((row, k) => row === b.star[k] && a.detection[k] === b.detection[k])
  )
}

function fromLinear(map: LinearMap, width: number, height: number): PlaneFit {
  const centreX = (width - 1) / 2
  const centreY = (height - 1) / 2
  const radiusPx = Math.hypot(width, height) / 2
  const xi = Float64Array.of(map.a * centreX + map.b * centreY + map.c, map.a * radiusPx, map.b * radiusPx)
  const eta = Float64Array.of(map.d * centreX + map.e * centreY + map.f, map.d * radiusPx, map.e * radiusPx)
  return {
    order: 1,
    centreX,
    centreY,
    radiusPx,
    xi,
    eta,
    covariance: new Float64Array(9),
    scatter: 1,
    kept: new Uint8Array(0),
  }
}

/** The same solution about another tangent point: refitted on a grid of its own places. */
function aboutTangent(fit: PlaneFit, from: [number, number], to: [number, number]): PlaneFit {
  const side = 12
  const count = (side + 1) ** 2
  const column = () => new Float64Array(count)
  const pairs: Pairs = { x: column(), y: column(), xi: column(), eta: column(), errorDeg: column().fill(scaleDeg(fit)) }
  for (let k = 0; k < count; k++) {
    pairs.x[k] = ((k % (side + 1)) / side) * 2 * fit.centreX
    pairs.y[k] = (Math.floor(k / (side + 1)) / side) * 2 * fit.centreY
    const [xi, eta] = toPlane(fit, pairs.x[k], pairs.y[k])
    const [ra, dec] = inverseGnomonic(xi, eta, ...from)
    ;[pairs.xi[k], pairs.eta[k]] = gnomonic(ra, dec, ...to)
  }
  return fitPlane(pairs, fit.order, 2 * fit.centreX + 1, 2 * fit.centreY + 1) ?? fit
}

function pairsOf(matches: Matches, detections: FieldDetections, plane: Plane, errorDeg: Float64Array): Pairs {
  const take = (values: Float64Array, rows: Int32Array) => Float64Array.from(rows, row => values[row])
  return {
    x: take(detections.x, matches.detection),
    y: take(detections.y, matches.detection),
    xi: take(plane.xi, matches.star),
    eta: take(plane.eta, matches.star),
    errorDeg,
  }
}

function weigh(
  matches: Matches,
  detections: FieldDetections,
  stars: FieldStars,
  plane: Plane,
  fit: PlaneFit,
  floorPx = FLOOR_PX,
): Pairs {
  const scale = scaleDeg(fit)
  let clean = 0
  for (const row of matches.detection) clean += detections.clean[row]
  const onlyClean = clean >= FEWEST_CLEAN && clean >= 0.4 * matches.detection.length
  const errorDeg = Float64Array.from(matches.detection, (row, k) => {
    if (onlyClean && detections.clean[row] === 0) return Number.POSITIVE_INFINITY
    const extra = detections.clean[row] === 1 ? 0 : UNCLEAN_PX
    const ofDetection = Math.hypot(detections.errorPx[row], floorPx, extra) * scale
    return Math.hypot(ofDetection, stars.errorMas[matches.star[k]] / 3.6e6)
  })
  return pairsOf(matches, detections, plane, errorDeg)
}

function residuals(
  fit: PlaneFit,
  detections: FieldDetections,
  plane: Plane,
  matches: Matches,
): { matches: Matches; residualMas: Float64Array; residualPx: Float64Array } {
  const scale = scaleDeg(fit)
  const residualMas = Float64Array.from(matches.detection, (row, k) => {
    const [xi, eta] = toPlane(fit, detections.x[row], detections.y[row])
    return Math.hypot(plane.xi[matches.star[k]] - xi, plane.eta[matches.star[k]] - eta) * 3.6e6
  })
  return { matches, residualMas, residualPx: residualMas.map(mas => mas / 3.6e6 / scale) }
}

function typicalResidualPx(fit: PlaneFit, detections: FieldDetections, plane: Plane, matches: Matches): number {
  return median(residuals(fit, detections, plane, matches).residualPx)
}
