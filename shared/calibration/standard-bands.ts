import type { ReferenceStars, SurveyId } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import type { ExtendedStars } from './bright-end.ts'
import { type Transformation, transformations } from './transformations.ts'

/** Catalogue magnitudes with larger errors calibrate nothing, mag. */
const WORST_CATALOGUE_ERR = 0.2
/**
 * Stars so far beyond a survey's limits still have magnitudes, mag. Who cuts at the limit by the survey's own noisy
 * magnitudes keeps those that came out too bright: the cut is made by what the frame says (see {@link withinLimits}).
 */
const EDGE = 0.5

/** A band that a frame may be calibrated to: one that a survey has, or one that follows from those it has. */
export interface StandardBand {
  survey: SurveyId
  band: string
  /** Band of a filter that it is compared with: 'r', 'V', 'clear', … */
  standsFor: string
  system: 'AB' | 'Vega'
  /** Bands whose difference is the colour; undefined where the catalogue has none. */
  colour?: readonly [string, string]
  transformation?: Transformation
}

/**
 * Magnitudes of some stars in a standard band, in the order in which they were asked for, with what a fit needs to know
 * of their errors; NaN where unusable.
 */
export interface StandardMagnitudes {
  mag: Float64Array
  varMag: Float64Array
  colour: Float64Array
  varColour: Float64Array
  /** Covariance of the errors of magnitude and colour: they share bands. */
  covariance: Float64Array
}

/** A relation that scatters more stands only for bands to which the frame could not well be calibrated, mag. */
const GOOD_RELATION = 0.04

/** Every band that a frame may be calibrated to by its name, in one survey or in any. */
export function bandNames(survey?: SurveyId): string[] {
  const own = Object.values(surveys)
    .filter(({ id }) => survey === undefined || id === survey)
    .flatMap(({ bands }) => Object.entries(bands).flatMap(([name, { standsFor }]) => [name, standsFor]))
  const related = transformations.filter(relation => survey === undefined || relation.survey === survey)
  return [...new Set([...own, ...related.map(({ band }) => band)])]
}

/**
 * The bands that surveys have themselves.
 *
 * @param available stars of each survey around the field; bands without magnitudes are passed over
 */
export function ownBands(available: ReferenceStars[]): StandardBand[] {
  return available.flatMap(stars =>
    Object.entries(surveys[stars.survey].bands)
      .filter(([name]) => hasValues(stars.mag[name]))
      .map(
        ([name, { standsFor, system, colour }]): StandardBand => ({
          survey: stars.survey,
          band: name,
          standsFor,
          system,
          colour: colour?.every(band => hasValues(stars.mag[band])) ? colour : undefined,
        }),
      ),
  )
}

/**
 * Bands that follow from others by a relation, best first: where no fit stands for the band yet, and beside the fits to
 * surveys that have it where the relation is good, since in a frame of few stars a survey's own band may have none.
 * A survey with stars around the field need not have any in the frame: what counts is what could be fitted.
 *
 * @param fitted bands for which good fits to the surveys' own bands stand
 * @param fitTo a relation's band; undefined where it is not possible: the next relation of the band is tried then
 */
export function fitRelations<Fit>(
  available: ReferenceStars[],
  fitted: ReadonlySet<string>,
  fitTo: (standard: StandardBand) => Fit | undefined,
): Fit[] {
  const done = new Set<string>()
  const fits: Fit[] = []
  for (const transformation of transformations) {
    const { survey, band, system, base, colour, sigma } = transformation
    if (done.has(band) || (fitted.has(band) && sigma > GOOD_RELATION)) continue
    const stars = available.find(({ survey: id }) => id === survey)
    if (!stars || ![base, ...colour].every(name => hasValues(stars.mag[name]))) continue
    const found = fitTo({
      ...{ survey, band, standsFor: band, system, transformation },
      colour: surveys[survey].bands[base].colour,
    })
    if (found === undefined) continue
    done.add(band)
    fits.push(found)
  }
  return fits
}

function hasValues(values: Float64Array | undefined): boolean {
  return values?.some(Number.isFinite) ?? false
}

/**
 * Magnitudes and colours of stars of a survey in a standard band. Stars far outside the survey's bright and faint limits,
 * with errors above {@link WORST_CATALOGUE_ERR} or outside the range of a transformation are NaN in `mag`; colours stay
 * where they are known. Stars carried over from Gaia have no bright limit.
 *
 * @param rows the stars that are asked for; all is NaN where one is negative
 */
export function standardMagnitudes(
  stars: ExtendedStars,
  standard: StandardBand,
  rows: ArrayLike<number>,
): StandardMagnitudes {
  const n = rows.length
  const result: StandardMagnitudes = {
    mag: new Float64Array(n).fill(Number.NaN),
    varMag: new Float64Array(n),
    colour: new Float64Array(n).fill(Number.NaN),
    varColour: new Float64Array(n),
    covariance: new Float64Array(n),
  }
  const { transformation, colour } = standard
  const base = transformation?.base ?? standard.band
  const { bright, faint } = surveys[stars.survey].bands[base]
  // the magnitude leans on its base and, where it is transformed, on the two bands of a colour
  const bands = [base, ...(transformation?.colour ?? [])]
  const mags = bands.map(band => stars.mag[band])
  const errs = bands.map(band => stars.magErr[band])
  const leans = [1, 0, 0]
  const of = colour?.map(band => ({ mag: stars.mag[band], err: stars.magErr[band], at: namesakes(bands, band) }))
  for (let k = 0; k < n; k++) {
    const i = rows[k]
    if (i < 0) continue
    let mag = mags[0][i]
    let variance = errs[0][i] ** 2
    const unlimited = stars.carriedOver?.[i]
    let valid = (mag >= bright - EDGE || unlimited) && mag <= faint + EDGE && errs[0][i] <= WORST_CATALOGUE_ERR
    if (transformation) {
      const t = mags[1][i] - mags[2][i]
      const [low, high] = transformation.range
      valid &&= t >= low && t <= high
      const { value, slope } = polynomial(transformation.coefficients, t)
      mag += value
      leans[1] = slope
      leans[2] = -slope
      variance = leanedVariance(bands, leans, errs, i) + transformation.sigma ** 2
    }
    if (valid) {
      result.mag[k] = mag
      result.varMag[k] = variance
    }
    if (of) {
      const [blue, red] = of
      const [varBlue, varRed] = [blue.err[i] ** 2, red.err[i] ** 2]
      if (!(varBlue + varRed <= 2 * WORST_CATALOGUE_ERR ** 2)) continue
      result.colour[k] = blue.mag[i] - red.mag[i]
      result.varColour[k] = varBlue + varRed
      result.covariance[k] = leanOn(blue.at, leans) * varBlue - leanOn(red.at, leans) * varRed
    }
  }
  return result
}

/**
 * Whether a star is neither saturated nor lost in the noise of a survey.
 *
 * @param mag its magnitude in the standard band, of a source whose noise is not the survey's
 * @param row of the star in the survey
 */
export function withinLimits(stars: ExtendedStars, standard: StandardBand, row: number, mag: number): boolean {
  const base = standard.transformation?.base ?? standard.band
  const { bright, faint } = surveys[stars.survey].bands[base]
  // a transformed magnitude lies off that of its base: the survey's own difference leads back, its noise being small there
  const inBase = standard.transformation ? stars.mag[base][row] : mag
  return inBase <= faint && (inBase >= bright || stars.carriedOver?.[row] === 1)
}

/** Where a band stands in a list, perhaps more than once. */
function namesakes(bands: readonly string[], wanted: string): number[] {
  return bands.flatMap((band, place) => (band === wanted ? place : []))
}

function leanOn(places: number[], leans: number[]): number {
  let sum = 0
  for (const place of places) sum += leans[place]
  return sum
}

/** Variance of a magnitude from those of its bands; a band that enters twice does so with one error. */
function leanedVariance(bands: readonly string[], leans: number[], errs: Float64Array[], i: number): number {
  let variance = 0
  for (let a = 0; a < bands.length; a++)
    for (let b = 0; b < bands.length; b++) if (bands[a] === bands[b]) variance += leans[a] * leans[b] * errs[a][i] ** 2
  return variance
}

/** Σ coefficients[k]·t^k and its derivative. */
function polynomial(coefficients: readonly number[], t: number): { value: number; slope: number } {
  let value = 0
  let slope = 0
  for (let k = coefficients.length - 1; k >= 0; k--) {
    slope = slope * t + value
    value = value * t + coefficients[k]
  }
  return { value, slope }
}
