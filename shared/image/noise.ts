import { type LinearFit, linearLeastSquares } from '#shared/numeric/linear.ts'
import { median } from '#shared/numeric/robust.ts'
import { type SkyCells, skyCells } from './sky-noise.ts'
import { type LitPoint, litPoints } from './star-light-noise.ts'

/**
 * Noise and level of the pixels of one frame: the photon transfer curve variance = (level − pedestal) / gain +
 * (read noise / gain)² (Janesick 2001, chapter 5), fitted over the sky's own gradient and the light of the stars.
 */
export interface PhotonTransfer {
  /** Median sky level, ADU, pedestal included, and the variance of its pixels, ADU². */
  skyAdu: number
  skyVariance: number
  /** d variance / d level = 1 / gain, and its 1 σ error; NaN where the frame has no two levels. */
  slope: number
  slopeErr: number
}

const CLIP_EFFICIENCY = 0.8 // of the variance of clipped values
const MIDDLE_MEAN_ERR = 1.09 // error of the mean of the middle half over that of the mean of all, for a normal
const SKY_POINTS = 10
const REACH_CELLS = 2 // neighbourhood of a cell over which the sky's level is taken
const SYSTEMATIC = 0.03 // share of a variance, and of the slope, that no count makes surer

/**
 * Measure the photon transfer curve of one frame.
 *
 * @param pixels row-major ADU; NaN pixels are left out
 * @param ceilingAdu pixels at or above are left out (saturated)
 */
export function photonTransfer(
  pixels: Float32Array,
  width: number,
  height: number,
  ceilingAdu: number,
): PhotonTransfer {
  const sky = skyCells(pixels, width, height, ceilingAdu)
  const skyAdu = median(sky.level)
  const skyVariance = median(sky.variance)
  const lit = litPoints(pixels, width, height, ceilingAdu, sky, Math.sqrt(skyVariance))
  const curve = fitCurve(skyPoints(sky), lit, skyAdu)
  return { skyAdu, skyVariance, ...curve }
}

/** Mean level of the cells around one, without itself: it knows the sky's gradients, but not the cell's own stars. */
function levelAround({ level, across, down }: SkyCells, cell: number): number {
  const [x, y] = [cell % across, Math.floor(cell / across)]
  let sum = 0
  let count = 0
  for (let v = Math.max(0, y - REACH_CELLS); v <= Math.min(down - 1, y + REACH_CELLS); v++)
    for (let u = Math.max(0, x - REACH_CELLS); u <= Math.min(across - 1, x + REACH_CELLS); u++) {
      const value = level[v * across + u]
      if (Number.isNaN(value) || v * across + u === cell) continue
      sum += value
      count++
    }
  return sum / count
}

/**
 * Cells put together by the level around them, ten points over the range of the sky. Faint stars raise level and
 * variance of their cell together; sorted by its neighbours, cells feign no photon transfer by that.
 */
function skyPoints(sky: SkyCells): LitPoint[] {
  const cells = Array.from(sky.count.keys())
    .filter(cell => sky.count[cell] > 0)
    .map(cell => ({
      around: levelAround(sky, cell),
      level: sky.level[cell],
      variance: sky.variance[cell],
      count: sky.count[cell],
    }))
    .sort((a, b) => a.around - b.around)
  const points: LitPoint[] = []
  const size = Math.max(4, Math.ceil(cells.length / SKY_POINTS))
  for (let start = 0; start + size <= cells.length; start += size) {
    const group = cells.slice(start, start + size)
    const samples = group.reduce((sum, { count }) => sum + count, 0)
    const level = median(group.map(cell => cell.level))
    const variance = middleMean(group.map(cell => cell.variance))
    const err = MIDDLE_MEAN_ERR * variance * Math.sqrt(2 / (CLIP_EFFICIENCY * samples))
    points.push({ level, squaredHeight: 0, variance, err })
  }
  return points
}

/** Mean of the middle half: crowded cells and nebulous ones fall away. */
function middleMean(values: number[]): number {
  const quarter = values.length >> 2
  const middle = values.toSorted((a, b) => a - b).slice(quarter, values.length - quarter)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

/**
 * variance = offset + slope × level + structure × height², by weighted least squares: what the shape of the stars leaves
 * in the noise filter grows with the square of their light, their noise with the light itself. The error of the slope
 * is widened where the points scatter more than counted.
 */
function fitCurve(sky: LitPoint[], lit: LitPoint[], skyAdu: number): { slope: number; slopeErr: number } {
  const points = [...sky, ...lit.map(point => ({ ...point, err: Math.hypot(point.err, SYSTEMATIC * point.variance) }))]
  const curved = lit.length > 0 ? fitTerms(points, skyAdu, 3) : undefined
  const fit = curved && curved.coefficients[2] > 0 ? curved : fitTerms(points, skyAdu, 2)
  if (!fit) return { slope: Number.NaN, slopeErr: Number.NaN }
  const terms = fit.coefficients.length
  let chi2 = 0
  for (const point of points)
    chi2 += ((point.variance / modelOf(point, skyAdu, fit) - 1) * (point.variance / point.err)) ** 2
  const widened = Math.max(1, Math.sqrt(chi2 / (points.length - terms)))
  const slope = fit.coefficients[1]
  return { slope, slopeErr: Math.hypot(widened * Math.sqrt(fit.covariance[terms + 1]), SYSTEMATIC * slope) }
}

function fitTerms(points: LitPoint[], skyAdu: number, terms: number): LinearFit | undefined {
  if (points.length <= terms) return undefined
  const design = Float64Array.from(
    points.flatMap(({ level, squaredHeight }) => [1, level - skyAdu, squaredHeight].slice(0, terms)),
  )
  const variances = Float64Array.from(points, ({ variance }) => variance)
  const weigh = (model: (point: LitPoint) => number) =>
    Float64Array.from(points, point => ((point.err / point.variance) * model(point)) ** -2)
  let fit = linearLeastSquares(
    design,
    terms,
    variances,
    weigh(point => point.variance),
  )
  // errors in proportion to the model: else points that happen to be low would weigh more
  for (let round = 0; fit && round < 2; round++) {
    const last = fit
    fit = linearLeastSquares(
      design,
      terms,
      variances,
      weigh(point => modelOf(point, skyAdu, last)),
    )
  }
  return fit
}

function modelOf({ level, squaredHeight, variance }: LitPoint, skyAdu: number, { coefficients }: LinearFit): number {
  const [offset, slope, structure = 0] = coefficients
  return Math.max(offset + slope * (level - skyAdu) + structure * squaredHeight, 0.1 * variance)
}
