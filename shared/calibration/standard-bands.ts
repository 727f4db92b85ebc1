import type { ReferenceStars, SurveyId } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import type { ExtendedStars } from './bright-end.ts'
import { type Transformation, transformations } from './transformations.ts'

/** Catalogue magnitudes with larger errors calibrate nothing, mag. */
const WORST_CATALOGUE_ERR = 0.2

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

/** Magnitudes of some stars in a standard band, with what a fit needs to know of their errors; NaN where unusable. */
export interface StandardMagnitudes {
  mag: Float64Array
  varMag: Float64Array
  colour: Float64Array
  varColour: Float64Array
  /** Covariance of the errors of magnitude and colour: they share bands. */
  covariance: Float64Array
}

/**
 * The bands that surveys offer: their own, and for those bands that none of them has, transformed ones.
 *
 * @param available stars of each survey around the field; bands without magnitudes are passed over
 */
export function standardBands(available: ReferenceStars[]): StandardBand[] {
  const own = available.flatMap(stars =>
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
  const has = new Set(own.map(({ standsFor }) => standsFor))
  const derived: StandardBand[] = []
  for (const transformation of transformations) {
    const { survey, band, system, base, colour } = transformation
    const stars = available.find(({ survey: id }) => id === survey)
    if (!stars || has.has(band) || ![base, ...colour].every(name => hasValues(stars.mag[name]))) continue
    has.add(band)
    derived.push({ survey, band, standsFor: band, system, colour: surveys[survey].bands[base].colour, transformation })
  }
  return [...own, ...derived]
}

function hasValues(values: Float64Array | undefined): boolean {
  return values?.some(Number.isFinite) ?? false
}

/**
 * Magnitudes and colours of stars of a survey in a standard band. Stars outside the survey's bright and faint limits,
 * with errors above {@link WORST_CATALOGUE_ERR} or outside the range of a transformation are NaN in `mag`; colours stay
 * where they are known. Stars carried over from Gaia have no bright limit.
 *
 * @param rows the stars that are asked for; negative ones are passed over, all others stay NaN
 */
export function standardMagnitudes(
  stars: ExtendedStars,
  standard: StandardBand,
  rows: Iterable<number>,
): StandardMagnitudes {
  const n = stars.count
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
  // how the magnitude follows from each band: a transformation leans on its colour too
  const leans = new Map<string, number>()
  for (const i of rows) {
    if (i < 0) continue
    leans.clear()
    leans.set(base, 1)
    let mag = stars.mag[base][i]
    const inLimits =
      (mag >= bright || stars.carriedOver?.[i]) && mag <= faint && stars.magErr[base][i] <= WORST_CATALOGUE_ERR
    let valid = inLimits
    if (transformation) {
      const [blue, red] = transformation.colour
      const t = stars.mag[blue][i] - stars.mag[red][i]
      const [low, high] = transformation.range
      valid &&= t >= low && t <= high
      let slope = 0
      transformation.coefficients.forEach((coefficient, k) => {
        mag += coefficient * t ** k
        if (k > 0) slope += k * coefficient * t ** (k - 1)
      })
      leans.set(blue, (leans.get(blue) ?? 0) + slope)
      leans.set(red, (leans.get(red) ?? 0) - slope)
    }
    const varianceOf = (band: string) => stars.magErr[band][i] ** 2
    if (valid) {
      result.mag[i] = mag
      result.varMag[i] = (transformation?.sigma ?? 0) ** 2
      for (const [band, lean] of leans) result.varMag[i] += lean * lean * varianceOf(band)
    }
    if (colour) {
      const [blue, red] = colour
      const variance = varianceOf(blue) + varianceOf(red)
      if (!(variance <= 2 * WORST_CATALOGUE_ERR ** 2)) continue
      result.colour[i] = stars.mag[blue][i] - stars.mag[red][i]
      result.varColour[i] = variance
      result.covariance[i] = (leans.get(blue) ?? 0) * varianceOf(blue) - (leans.get(red) ?? 0) * varianceOf(red)
    }
  }
  return result
}
