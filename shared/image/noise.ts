import { MAD_TO_SIGMA, median, medianInPlace } from '#shared/numeric/robust.ts'

/**
 * Noise and level of the pixels of one frame, measured where stars do not disturb: the photon transfer curve
 * variance = (level − pedestal) / gain + (read noise / gain)² (Janesick 2001, chapter 5), fitted over the sky's own
 * gradient and the wings of bright stars.
 */
export interface PhotonTransfer {
  /** Median sky level, ADU, pedestal included, and the variance of its pixels, ADU². */
  skyAdu: number
  skyVariance: number
  /** d variance / d level = 1 / gain, and its 1 σ error; NaN where the frame has no two levels. */
  slope: number
  slopeErr: number
}

const CELL_PX = 32 // small enough for the sky to be one level, large enough for 1 % of its variance in 8 cells
const CLIP = 2.5 // tight, against the faint stars that sit in every cell
const CLIPPED_SHARE = 0.91126 // variance that a normal keeps when clipped at ± 2.5 σ
const INDEPENDENT = 0.6 // share of the responses that count as independent: neighbours share pixels, clipping costs
const WING_START = 2 // wings count from this many σ of a pixel above the sky: below, noise decides what is a wing
const WING_BINS_PER_DECADE = 8
const WING_SYSTEMATIC = 0.03 // share of the variance that structure of the wings may feign
const REACH_CELLS = 2 // neighbourhood of a cell over which the sky's level is taken
const SMOOTH = 0.1 // structure that a wing may leave in the noise filter, in σ

interface Samples {
  level: Float32Array
  response: Float32Array
  /** Cell of each sample. */
  cell: Int32Array
  /** Steepness of the surface, ADU per pixel. */
  steepness: Float32Array
  count: number
  cells: number
}

/**
 * Measure the photon transfer curve of one frame. The noise filter [[1,−2,1],[−2,4,−2],[1,−2,1]]/6 (Immerkær 1996) is
 * blind to planes and has the variance of one pixel; it is uncorrelated with the mean of the nine pixels, so that
 * sorting by that mean does not bias it.
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
  const samples = takeSamples(pixels, width, height, ceilingAdu)
  const sky = skyCells(samples)
  const skyAdu = median(sky.level)
  const skyVariance = median(sky.variance)
  const smooth = { ...sky, level: smoothed(sky.level, Math.ceil(width / CELL_PX)) }
  const points = [...skyPoints(smooth), ...wingPoints(samples, sky, Math.sqrt(skyVariance))]
  return { skyAdu, skyVariance, ...slopeOf(points) }
}

function takeSamples(p: Float32Array, width: number, height: number, ceiling: number): Samples {
  const step = width * height > 1.5e6 ? 2 : 1
  const capacity = Math.ceil(height / step) * Math.ceil(width / step)
  const across = Math.ceil(width / CELL_PX)
  const samples: Samples = {
    level: new Float32Array(capacity),
    response: new Float32Array(capacity),
    cell: new Int32Array(capacity),
    steepness: new Float32Array(capacity),
    count: 0,
    cells: across * Math.ceil(height / CELL_PX),
  }
  const { level, response, cell, steepness } = samples
  let n = 0
  for (let y = 1; y < height - 1; y += step) {
    for (let x = 1; x < width - 1; x += step) {
      const i = y * width + x
      const a = p[i - width - 1]
      const b = p[i - width]
      const c = p[i - width + 1]
      const d = p[i - 1]
      const e = p[i]
      const f = p[i + 1]
      const g = p[i + width - 1]
      const h = p[i + width]
      const k = p[i + width + 1]
      const sum = a + b + c + d + e + f + g + h + k
      // One comparison refuses NaN too. Nine saturated pixels are no worse than one: the sum cannot hide it below.
      if (!(sum < 9 * ceiling) || e >= ceiling || b >= ceiling || h >= ceiling || d >= ceiling || f >= ceiling) continue
      level[n] = sum / 9
      response[n] = (a + c + g + k - 2 * (b + d + f + h) + 4 * e) / 6
      const alongX = c + f + k - a - d - g
      const alongY = g + h + k - a - b - c
      steepness[n] = Math.sqrt(alongX * alongX + alongY * alongY) / 6
      cell[n] = Math.floor(y / CELL_PX) * across + Math.floor(x / CELL_PX)
      n++
    }
  }
  samples.count = n
  return samples
}

interface SkyCells {
  level: Float64Array
  variance: Float64Array
  count: Float64Array
}

function skyCells({ level, response, cell, count, cells }: Samples): SkyCells {
  const sizes = new Int32Array(cells + 1)
  for (let i = 0; i < count; i++) sizes[cell[i] + 1]++
  for (let c = 0; c < cells; c++) sizes[c + 1] += sizes[c]
  const next = sizes.slice()
  const levels = new Float32Array(count)
  const responses = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    const at = next[cell[i]]++
    levels[at] = level[i]
    responses[at] = response[i]
  }
  const sky: SkyCells = {
    level: new Float64Array(cells).fill(Number.NaN),
    variance: new Float64Array(cells).fill(Number.NaN),
    count: new Float64Array(cells),
  }
  for (let c = 0; c < cells; c++) {
    const [start, end] = [sizes[c], sizes[c + 1]]
    if (end - start < 50) continue
    sky.level[c] = medianInPlace(levels.subarray(start, end))
    const clipped = clippedVariance(responses.subarray(start, end))
    sky.variance[c] = clipped.variance
    sky.count[c] = clipped.count
  }
  return sky
}

/** Variance about zero of values with outliers: MAD first, then the mean square inside the clip. Reorders a copy. */
function clippedVariance(values: Float32Array): { variance: number; count: number } {
  const sizes = values.slice()
  for (let i = 0; i < sizes.length; i++) sizes[i] = Math.abs(sizes[i])
  let sigma = MAD_TO_SIGMA * medianInPlace(sizes)
  let count = 0
  for (let round = 0; round < 4; round++) {
    const limit = CLIP * sigma
    let squares = 0
    count = 0
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (value > limit || value < -limit) continue
      squares += value * value
      count++
    }
    sigma = count > 0 ? Math.sqrt(squares / count / CLIPPED_SHARE) : 0
  }
  return { variance: sigma * sigma, count }
}

/**
 * Each cell's level as the mean of its neighbourhood: the sky's own gradients stay, while the faint stars of a cell, which
 * raise its level and its variance together, no longer feign a photon transfer.
 */
function smoothed(level: Float64Array, across: number): Float64Array {
  const down = level.length / across
  return Float64Array.from(level, (own, c) => {
    const [x, y] = [c % across, Math.floor(c / across)]
    let sum = 0
    let count = 0
    for (let v = Math.max(0, y - REACH_CELLS); v <= Math.min(down - 1, y + REACH_CELLS); v++)
      for (let u = Math.max(0, x - REACH_CELLS); u <= Math.min(across - 1, x + REACH_CELLS); u++) {
        const value = level[v * across + u]
        if (Number.isNaN(value)) continue
        sum += value
        count++
      }
    return Number.isNaN(own) ? own : sum / count
  })
}

interface CurvePoint {
  level: number
  variance: number
  err: number
}

/** Cells of like level put together, ten points over the range of the sky; crowded and nebulous cells fall away. */
function skyPoints({ level, variance, count }: SkyCells): CurvePoint[] {
  const order = Array.from(level.keys()).filter(c => count[c] > 0)
  order.sort((a, b) => level[a] - level[b])
  const points: CurvePoint[] = []
  const size = Math.max(4, Math.ceil(order.length / 10))
  for (let start = 0; start + size <= order.length; start += size) {
    const group = order.slice(start, start + size)
    const samples = group.reduce((sum, c) => sum + count[c], 0)
    const typical = median(group.map(c => variance[c]))
    // A median of cells has 1.25 times the error of their mean.
    const err = 1.25 * typical * Math.sqrt(2 / (INDEPENDENT * samples))
    points.push({ level: median(group.map(c => level[c])), variance: typical, err })
  }
  return points
}

/** Smooth light above the sky of its cell, sorted by level. */
function wingPoints({ level, response, cell, steepness, count }: Samples, sky: SkyCells, sigma: number): CurvePoint[] {
  const bins: { levels: number[]; responses: number[] }[] = []
  for (let i = 0; i < count; i++) {
    const above = level[i] - sky.level[cell[i]]
    if (!(above > WING_START * sigma)) continue
    const noise = Math.sqrt(sigma * sigma + (above * (sigma * sigma)) / Math.max(sky.level[cell[i]], 1))
    // A profile falling as I'/I per pixel leaves about I (I'/I)^4 / 6 in the filter.
    if (above * (steepness[i] / above) ** 4 > SMOOTH * noise) continue
    const bin = Math.floor(Math.log10(above / sigma) * WING_BINS_PER_DECADE)
    const { levels, responses } = (bins[bin] ??= { levels: [], responses: [] })
    levels.push(level[i])
    responses.push(response[i])
  }
  return bins.flatMap(bin => {
    if (!bin || bin.levels.length < 100) return []
    const clipped = clippedVariance(Float32Array.from(bin.responses))
    const mean = bin.levels.reduce((sum, value) => sum + value, 0) / bin.levels.length
    const random = clipped.variance * Math.sqrt(2 / (INDEPENDENT * clipped.count))
    return [{ level: mean, variance: clipped.variance, err: Math.hypot(random, WING_SYSTEMATIC * clipped.variance) }]
  })
}

/** Straight line through the points by weighted least squares; its error is widened where the points scatter more. */
function slopeOf(points: CurvePoint[]): { slope: number; slopeErr: number } {
  let [s, sx, sy, sxx, sxy] = [0, 0, 0, 0, 0]
  for (const { level, variance, err } of points) {
    const w = 1 / (err * err)
    s += w
    sx += w * level
    sy += w * variance
    sxx += w * level * level
    sxy += w * level * variance
  }
  const determinant = s * sxx - sx * sx
  if (points.length < 3 || !(determinant > 0)) return { slope: Number.NaN, slopeErr: Number.NaN }
  const slope = (s * sxy - sx * sy) / determinant
  const offset = (sy - slope * sx) / s
  let chi2 = 0
  for (const { level, variance, err } of points) chi2 += ((variance - offset - slope * level) / err) ** 2
  const widened = Math.max(1, Math.sqrt(chi2 / (points.length - 2)))
  return { slope, slopeErr: widened * Math.sqrt(s / determinant) }
}
