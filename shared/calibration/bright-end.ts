import type { ReferenceStars } from '#shared/catalogue/reference.ts'
import { combineStars, takeStars } from '#shared/catalogue/reference-columns.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { linearLeastSquares } from '#shared/numeric/linear.ts'
import { madSigma, median, quantiles } from '#shared/numeric/robust.ts'

/** Surveys that reach stars brighter than this need no help, mag. */
const BRIGHT_ENOUGH = 12
/** The relation to Gaia is learned from stars up to so many magnitudes below the bright end. */
const LEARNED_MAG = 4
const ORDER = 3
const MIN_STARS = 40
/** A relation that scatters more carries nothing over, mag. */
const WORST_SCATTER = 0.04
/** Part of the scatter about a relation that is put down to the relation at least. */
const LEAST_PART = 0.4
const CLIP = 4
const ROUNDS = 10
/** The brightest of so many stars fix a relation to a fraction of a millimagnitude. */
const MOST_STARS = 3000

/** Stars of a survey, some of them carried over from Gaia: the survey's own limits do not hold for those. */
export interface ExtendedStars extends ReferenceStars {
  carriedOver?: Uint8Array
  /** Per band and star the 1 σ of the relation that carried it over: the same error for all such stars, mag. */
  sharedErr?: Record<string, Float64Array>
}

/** band − G as a polynomial in BP − RP, as the stars around the field have it. */
interface Relation {
  coefficients: Float64Array
  covariance: Float64Array
  scatter: number
  range: [number, number]
}

/**
 * Carry a survey's bands over to stars that are too bright for it, through Gaia: band − G is fitted as a cubic in
 * BP − RP to the stars around the field that both have, and applied to Gaia's brighter ones, the scatter of the relation
 * being their error. The brightest stars of a frame are its best measured ones; in a short exposure of a sparse field
 * they are worth more than all others, and a relation learned in the field itself owes nothing to other fields' stars.
 *
 * @param partners for each star its row in Gaia, −1 where it has none
 */
export function extendBrightEnd(stars: ReferenceStars, gaia: ReferenceStars, partners: Int32Array): ExtendedStars {
  const { bands, mainBand } = surveys[stars.survey]
  const { bright } = bands[mainBand]
  if (bright < BRIGHT_ENOUGH || stars.count < MIN_STARS) return stars
  const rowOf = new Int32Array(gaia.count).fill(-1)
  partners.forEach((row, i) => {
    if (row >= 0) rowOf[row] = i
  })
  const relations = new Map<string, Relation>()
  for (const band of Object.keys(bands)) {
    const relation = learn(stars, gaia, rowOf, band)
    if (relation) relations.set(band, relation)
  }
  const main = relations.get(mainBand)
  if (!main) return stars

  const carried: number[] = []
  const replaced = new Set<number>()
  for (let i = 0; i < gaia.count; i++) {
    const { value } = apply(main, gaia, i)
    if (!gaia.clean[i] || !(value < bright)) continue
    carried.push(i)
    if (rowOf[i] >= 0) replaced.add(rowOf[i])
  }
  const kept: number[] = []
  for (let row = 0; row < stars.count; row++) if (!replaced.has(row)) kept.push(row)
  const extended = combineStars(
    [
      { stars, rows: kept },
      { stars: inBands(takeStars(gaia, carried), stars, relations), rows: [...carried.keys()] },
    ],
    stars.survey,
  )
  const sharedErr: Record<string, Float64Array> = {}
  for (const [band, relation] of relations) {
    sharedErr[band] = new Float64Array(extended.count)
    carried.forEach((i, k) => {
      sharedErr[band][kept.length + k] = errorOf(relation, gaia.mag.BP[i] - gaia.mag.RP[i])
    })
  }
  return { ...extended, carriedOver: Uint8Array.from(extended.id.keys(), i => (i < kept.length ? 0 : 1)), sharedErr }
}

/** 1 σ of the relation itself at a colour: it rests on as many stars as the field has. */
function errorOf({ covariance }: Relation, colour: number): number {
  let variance = 0
  for (let i = 0; i <= ORDER; i++)
    for (let j = 0; j <= ORDER; j++) variance += covariance[i * (ORDER + 1) + j] * colour ** (i + j)
  return Math.sqrt(Math.max(0, variance))
}

/** Gaia's stars with the survey's bands. */
function inBands(gaia: ReferenceStars, { survey }: ReferenceStars, relations: Map<string, Relation>): ReferenceStars {
  const mag: Record<string, Float64Array> = {}
  const magErr: Record<string, Float64Array> = {}
  for (const [band, relation] of relations) {
    const results = Array.from({ length: gaia.count }, (_, i) => apply(relation, gaia, i))
    mag[band] = Float64Array.from(results, ({ value }) => value)
    magErr[band] = Float64Array.from(results, ({ error }) => error)
  }
  return { ...gaia, survey, mag, magErr }
}

function apply({ coefficients, scatter, range }: Relation, { mag, magErr }: ReferenceStars, i: number) {
  const colour = mag.BP[i] - mag.RP[i]
  if (!(colour >= range[0] && colour <= range[1])) return { value: Number.NaN, error: Number.NaN }
  return { value: mag.G[i] + polynomial(coefficients, colour), error: Math.sqrt(scatter ** 2 + magErr.G[i] ** 2) }
}

function learn(stars: ReferenceStars, gaia: ReferenceStars, rowOf: Int32Array, band: string): Relation | undefined {
  const { bright } = surveys[stars.survey].bands[band]
  const { G, BP, RP } = gaia.mag
  const mags = stars.mag[band]
  const errs = stars.magErr[band]
  const colours: number[] = []
  const differences: number[] = []
  const variances: number[] = []
  for (let i = 0; mags && i < gaia.count && colours.length < MOST_STARS; i++) {
    const row = rowOf[i]
    if (row < 0 || !gaia.clean[i] || !stars.clean[row]) continue
    const mag = mags[row]
    const colour = BP[i] - RP[i]
    if (!(mag >= bright && mag <= bright + LEARNED_MAG) || !Number.isFinite(colour + G[i])) continue
    colours.push(colour)
    differences.push(mag - G[i])
    variances.push(errs[row] ** 2 + gaia.magErr.G[i] ** 2)
  }
  if (colours.length < MIN_STARS) return undefined
  const fitted = fitPolynomial(colours, Float64Array.from(differences))
  if (!fitted || !(fitted.scatter <= WORST_SCATTER)) return undefined
  const [low, high] = quantiles(colours, [0.01, 0.99])
  // The errors of the survey's own stars are no errors of what is carried over; a cubic is no better than so much, though.
  const own = Math.sqrt(Math.max(fitted.scatter ** 2 - median(variances), (LEAST_PART * fitted.scatter) ** 2))
  return { ...fitted, scatter: own, range: [low, high] }
}

/** Polynomial of {@link ORDER} with what lies far off left out, until what is left out stands. */
function fitPolynomial(
  x: number[],
  y: Float64Array,
): Pick<Relation, 'coefficients' | 'covariance' | 'scatter'> | undefined {
  const design = new Float64Array(x.length * (ORDER + 1))
  for (let i = 0; i < x.length; i++)
    for (let k = 0, power = 1; k <= ORDER; k++, power *= x[i]) design[i * (ORDER + 1) + k] = power
  const weights = new Float64Array(y.length).fill(1)
  const residuals = new Float64Array(y.length)
  for (let round = 0; ; round++) {
    const fitted = linearLeastSquares(design, ORDER + 1, y, weights)
    if (!fitted) return undefined
    const { coefficients, covariance } = fitted
    for (let i = 0; i < y.length; i++) residuals[i] = y[i] - polynomial(coefficients, x[i])
    const scatter = madSigma(residuals, 0)
    let changed = false
    for (let i = 0; i < y.length; i++) {
      const weight = Math.abs(residuals[i]) < CLIP * scatter ? 1 : 0
      changed ||= weight !== weights[i]
      weights[i] = weight
    }
    if (!changed || round === ROUNDS)
      return { coefficients, scatter, covariance: covariance.map(value => value * scatter * scatter) }
  }
}

function polynomial(coefficients: Float64Array, x: number): number {
  let sum = 0
  for (let k = coefficients.length - 1; k >= 0; k--) sum = sum * x + coefficients[k]
  return sum
}
