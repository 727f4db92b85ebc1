import { flagMask } from '#shared/flags.ts'
import { normalCdf } from '#shared/numeric/normal.ts'
import { madSigmaInPlace, median, medianInPlace } from '#shared/numeric/robust.ts'
import type { Psf } from './psf.ts'
import type { Scene } from './scene.ts'
import type { SceneStars } from './scene-stars.ts'

/** Stars this significant tell how many there are of each brightness, and how many at least. */
const SURE_SIGMA = 12
const LEAST_STARS = 30
/** Fainter than this, in errors, nothing is found anywhere: such stars are in the scatter of empty places. */
const LEAST_SIGMA = 3
/** What the fit parts (see SceneFitter): nothing nearer than this, FWHM; up to `near` what stands out by the second. */
const MERGED_FWHM = 0.4
const NEAR_FWHM = 0.9
const NEAR_SIGMA = 5
const FAR_SIGMA = 4.3
/** Companions are looked at out to here, FWHM. */
const REACH_FWHM = 1.2
/** Steps of the integral over brightness and distance. */
const STEPS = 12
/** Grid of the table: significance from 4 to 1000, width from four errors too narrow to three too wide. */
const SIGMAS = Array.from({ length: 9 }, (_, i) => 4 * 250 ** (i / 8))
const WIDTHS = Array.from({ length: 15 }, (_, i) => -4 + 0.5 * i)
/** Where fewer stars than this part have a companion, errors stay as they are. */
const LEAST_CHANCE = 0.001
/** Stars of like brightness whose widths are compared: what the PSF misses is common to them. */
const ALIKE = 100
/** Part of normal errors within one σ. */
const WITHIN_SIGMA = 0.6827

/** How many stars a frame has of each brightness: N(> flux) per square pixel = density · (flux / atFlux)^−slope. */
export interface StarCounts {
  density: number
  atFlux: number
  slope: number
}

/**
 * Counts by the significant ones among stars (slope: Hill 1975); undefined where these are too few.
 *
 * @param flux,error of each star, ADU
 */
export function countStars(flux: Float64Array, error: Float64Array, areaPx: number): StarCounts | undefined {
  const atFlux = SURE_SIGMA * median(error)
  const sure = flux.filter(value => value > atFlux)
  if (sure.length < LEAST_STARS) return undefined
  const logs = sure.reduce((sum, value) => sum + Math.log(value / atFlux), 0)
  return { density: sure.length / areaPx, atFlux, slope: sure.length / logs }
}

/**
 * By how much the error of each star grows because a companion may hide in its light: one so near that neither the
 * frame nor a survey parts it. How many there are follows from the counts, extrapolated; how likely it is that this
 * star has one, from its width. One σ stays what it is of normal errors, half of the range that holds 68 % of them:
 * the few stars with a bright companion are far beyond that.
 *
 * Within the seeing, for a Gaussian profile of width s, a companion of flux f at distance d, of what is fitted as one
 * star of flux t: it widens the star by the ratio of its moment to that of one error, f (t − f) d² / (4 s² t) errors,
 * and stands out of it by f √(1 − e^−u (1 + u)), u = d² / 2s², once flux and place of the star are fitted.
 *
 * @param order the stars, brightest first
 * @param error of each of them without companions, ADU
 * @returns factors in that order, 1 where nothing is known
 */
export function hiddenCompanions(
  { width, height }: Scene,
  stars: SceneStars,
  psf: Psf,
  order: Int32Array,
  error: Float64Array,
): Float64Array {
  const factors = new Float64Array(order.length).fill(1)
  const flux = Float64Array.from(order, star => stars.flux[star])
  const counts = countStars(flux, error, width * height)
  // In errors of the faint stars, of which the hidden ones are.
  const table = counts && wideningTable(counts.density * SURE_SIGMA ** counts.slope, counts.slope, psf.fwhmPx)
  if (!table) return factors
  const widths = widthsOf(stars, order)
  return factors.map((_, i) => {
    return stars.flags[order[i]] & flagMask('saturated') ? 1 : interpolate(table, flux[i] / error[i], widths[i])
  })
}

/**
 * How much wider than stars of like brightness, in the errors by which these differ; 0 where the width is not known.
 *
 * @param order the stars, brightest first
 */
export function widthsOf({ sharp, sharpErr }: SceneStars, order: Int32Array): Float64Array {
  const widths = Float64Array.from(order, star => sharp[star] / sharpErr[star])
  for (let from = 0; from < order.length; from += ALIKE) {
    const block = widths.subarray(from, from + ALIKE)
    const known = Float64Array.from(block.filter(Number.isFinite))
    const middle = medianInPlace(known, known.length)
    const spread = Math.max(1, madSigmaInPlace(known, known.length, middle))
    for (let i = 0; i < block.length; i++) block[i] = Number.isFinite(block[i]) ? (block[i] - middle) / spread : 0
  }
  return widths
}

/** Companions of one kind: how likely one is, by how much it makes its star too bright, and too wide; in errors. */
interface Kind {
  chance: number
  bias: number
  widening: number
}

/** Growth of the error by significance (rows) and width; undefined where companions are too rare to matter. */
export function wideningTable(perPx: number, slope: number, fwhmPx: number): Float64Array | undefined {
  const rows = SIGMAS.map(total => kindsOf(perPx, slope, fwhmPx, total))
  if (rows.every(kinds => kinds.reduce((sum, kind) => sum + kind.chance, 0) < LEAST_CHANCE)) return undefined
  return Float64Array.from(rows.flatMap(kinds => WIDTHS.map(width => growth(kinds, width))))
}

/** @param perPx stars brighter than one error for each pixel @param total significance of what is fitted as one star */
function kindsOf(perPx: number, slope: number, fwhmPx: number, total: number): Kind[] {
  const s = fwhmPx / 2.355
  const kinds: Kind[] = []
  const ratio = total / 2 / LEAST_SIGMA
  if (!(ratio > 1)) return kinds
  for (let i = 0; i < STEPS; i++) {
    const edge = (k: number) => LEAST_SIGMA * ratio ** (k / STEPS)
    const f = edge(i + 0.5)
    const stars = perPx * (edge(i) ** -slope - edge(i + 1) ** -slope)
    for (let j = 0; j < STEPS; j++) {
      const step = (REACH_FWHM * fwhmPx) / STEPS
      const d = (j + 0.5) * step
      const u = (d * d) / (2 * s * s)
      const nearest = d < NEAR_FWHM * fwhmPx ? NEAR_SIGMA : FAR_SIGMA
      const out = f * Math.sqrt((1 - Math.exp(-u) * (1 + u)) * (1 - f / total))
      const missed = d < MERGED_FWHM * fwhmPx ? 1 : normalCdf(nearest - out)
      // What would be missed alone, too, is in the scatter of empty places.
      const hidden = Math.max(0, missed - normalCdf(FAR_SIGMA - f))
      // The fit stands on the common centre of light.
      const off = (d * f) / total
      const own = (total - f) * Math.exp(-(off * off) / (4 * s * s))
      const other = f * Math.exp(-((d - off) ** 2) / (4 * s * s))
      kinds.push({
        chance: stars * 2 * Math.PI * d * step * hidden,
        bias: own + other - (total - f),
        widening: (own * off * off + other * (d - off) ** 2) / (4 * s * s),
      })
    }
  }
  return kinds
}

/** Half of the range about 0 that holds as much as one σ of normal errors, where companions of these kinds may be. */
function growth(kinds: Kind[], width: number): number {
  const odds = kinds.map(({ chance, widening }) => chance * Math.exp(widening * (width - widening / 2)))
  const wanted = WITHIN_SIGMA * (1 + odds.reduce((sum, each) => sum + each, 0))
  const within = (half: number) =>
    kinds.reduce(
      (sum, { bias }, i) => sum + odds[i] * (normalCdf(half - bias) - normalCdf(-half - bias)),
      2 * normalCdf(half) - 1,
    )
  let [low, high] = [0, 6]
  for (let round = 0; round < 14; round++) {
    const middle = (low + high) / 2
    if (within(Math.exp(middle)) < wanted) low = middle
    else high = middle
  }
  return Math.exp(low)
}

function interpolate(table: Float64Array, sigmas: number, width: number): number {
  const row = place((8 * Math.log(sigmas / 4)) / Math.log(250), SIGMAS.length)
  const column = place((width + 4) / 0.5, WIDTHS.length)
  const at = (r: number, c: number) => table[r * WIDTHS.length + c]
  const along = (r: number) => at(r, column.whole) * (1 - column.part) + at(r, column.whole + 1) * column.part
  return along(row.whole) * (1 - row.part) + along(row.whole + 1) * row.part
}

/** Cell of a grid, and where in it; at the ends, the end. */
function place(at: number, length: number): { whole: number; part: number } {
  const inside = Math.min(Math.max(at, 0), length - 1)
  const whole = Math.min(Math.floor(inside), length - 2)
  return { whole, part: inside - whole }
}
