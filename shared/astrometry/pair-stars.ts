import { PointGrid } from '#shared/numeric/point-grid.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import { gnomonic } from '#shared/sky/projection.ts'
import { type PlaneFit, scaleDeg, toPlane } from './sip-fit.ts'

/** Detections ready for the fit, brightest first. */
export interface FieldDetections {
  x: Float64Array
  y: Float64Array
  /** Mean of both axes, pixel. */
  errorPx: Float64Array
  /** −2.5 log10 of flux. */
  mag: Float64Array
  /** 1 where nothing speaks against the position: not blended, saturated, masked or at the edge. */
  clean: Uint8Array
}

/** Reference stars at the epoch of the frame, brightest first. */
export interface FieldStars {
  raDeg: Float64Array
  decDeg: Float64Array
  /** 1 σ, mean of both axes, mas. */
  errorMas: Float64Array
  mag: Float64Array
}

/** Rows that belong together. */
export interface Matches {
  detection: Int32Array
  star: Int32Array
}

/** Reference stars in the plane about a tangent point, degrees, findable by place. */
export interface Plane {
  xi: Float64Array
  eta: Float64Array
  grid: PointGrid
}

/** The plane about a tangent point, degrees. */
export function project(stars: FieldStars, tangent: [number, number]): Plane {
  const count = stars.raDeg.length
  const xi = new Float64Array(count)
  const eta = new Float64Array(count)
  for (let k = 0; k < count; k++) [xi[k], eta[k]] = gnomonic(stars.raDeg[k], stars.decDeg[k], ...tangent)
  return { xi, eta, grid: new PointGrid(xi, eta, 0.002) }
}

/** How many of the brightest reference stars cover the frame as densely as twice the detections taken. */
export function starDepth(plane: Plane, fit: PlaneFit, detections: number, width: number, height: number): number {
  const reach = scaleDeg(fit) * (Math.hypot(width, height) / 2)
  const [xi, eta] = toPlane(fit, fit.centreX, fit.centreY)
  const circleShare = (Math.PI * (width * width + height * height)) / (4 * width * height)
  const wanted = 2 * detections * circleShare
  let inside = 0
  for (let k = 0; k < plane.xi.length; k++) {
    if ((plane.xi[k] - xi) ** 2 + (plane.eta[k] - eta) ** 2 < reach * reach) inside++
    if (inside >= wanted) return k + 1
  }
  return plane.xi.length
}

/**
 * Mutual nearest pairs within a radius.
 *
 * @param depth,starRows how many of the brightest detections and reference stars take part
 */
export function pairStars(
  fit: PlaneFit,
  detections: FieldDetections,
  stars: FieldStars,
  plane: Plane,
  depth: number,
  starRows: number,
  radiusPx: number,
): Matches {
  const radius = radiusPx * scaleDeg(fit)
  const claimed = new Int32Array(stars.raDeg.length).fill(-1)
  const distance = new Float64Array(depth)
  for (let k = 0; k < depth; k++) {
    const [xi, eta] = toPlane(fit, detections.x[k], detections.y[k])
    const star = plane.grid.nearest(xi, eta, radius, starRows)
    if (star < 0) continue
    distance[k] = (plane.xi[star] - xi) ** 2 + (plane.eta[star] - eta) ** 2
    if (claimed[star] < 0 || distance[k] < distance[claimed[star]]) claimed[star] = k
  }
  const detection: number[] = []
  const star: number[] = []
  for (let row = 0; row < claimed.length; row++) {
    if (claimed[row] < 0) continue
    detection.push(claimed[row])
    star.push(row)
  }
  return { detection: Int32Array.from(detection), star: Int32Array.from(star) }
}

/** Pairs whose catalogue and instrumental magnitudes differ by what most do: the rest are chance pairs. */
export function ofLikeBrightness(matches: Matches, detections: FieldDetections, stars: FieldStars): Matches {
  const difference = Array.from(matches.star, (star, k) => stars.mag[star] - detections.mag[matches.detection[k]])
  const middle = median(difference)
  if (Number.isNaN(middle)) return matches
  const limit = Math.max(1, 4 * madSigma(difference))
  const kept = difference.map((_, k) => k).filter(k => !(Math.abs(difference[k] - middle) > limit))
  return {
    detection: Int32Array.from(kept, k => matches.detection[k]),
    star: Int32Array.from(kept, k => matches.star[k]),
  }
}
