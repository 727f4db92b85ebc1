import type { ReferenceStars } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { flagMask } from '#shared/flags.ts'
import { median } from '#shared/numeric/robust.ts'
import type { StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { propagate } from '#shared/sky/epoch.ts'
import type { ExtendedStars } from './bright-end.ts'
import { matchOneToOne, type Neighbours, neighbours } from './neighbours.ts'

/**
 * Stars that should have a larger error than this by their catalogue magnitude do not carry a zero point, mag: S/N 7;
 * closer to the limit only lucky ones are found.
 */
export const WORST_INSTRUMENTAL_ERR = 0.15
/** The error that they came out with may be larger: who asks for it takes the lucky ones and leaves the unlucky ones. */
const WORST_MEASURED_ERR = 0.25
/** So many stars fix a zero point to well below any survey's own; the faintest beyond cost time alone. */
const MOST_CALIBRATORS = 2000
/** With so many clean stars the blended ones are not needed, with so many of both not those that fit badly. */
const ENOUGH_UNBLENDED = 30
const ENOUGH_FITTED = 15
/** Neighbours within so many FWHM add their light to a star. */
const BLEND_FWHM = 1.5
/** Light of neighbours, relative to the star, that is let pass: in parts of the flux, and of its error. */
const NEIGHBOUR_LIGHT = 0.01
const NEIGHBOUR_SIGMA = 0.5
/** Rows of a survey closer than so many of its errors of place are one star that is there twice, and no neighbours. */
const SAME_ROW_SIGMA = 5
/** Catalogue epochs are joined within this, degrees: proper motions of two decades stay inside for most stars. */
const SAME_STAR_DEG = 1 / 3600

const UNUSABLE = flagMask('saturated', 'nearEdge', 'maskedPixels', 'cosmicRay', 'forcedPosition')
/** Flags that count against a star while there are others. */
const DOUBTFUL = flagMask('poorFit', 'fitNotConverged')
const BLENDED = flagMask('blended')

/** A survey's stars at the epoch of the frame, and which of them is which star of the frame. */
export interface MatchedSurvey {
  stars: ExtendedStars
  /** Their places at the frame's epoch, degrees ICRS. */
  places: Neighbours
  matchRadiusDeg: number
  /** For each star of the frame its row in the survey, −1 where it has none. */
  rowOf: Int32Array
  /** For each star of the frame: 1 where the survey calls it clean. */
  clean: Uint8Array
  /** For each star of the frame: light of its neighbours in the survey at the frame's resolution, relative to its own. */
  neighbourLight: Float64Array
}

export interface MatchScale {
  /** Full width at half maximum of the frame's stars. */
  fwhmArcsec: number
  /** Median residual of the astrometric solution. */
  residualArcsec: number
  /** Julian year of the frame. */
  epochYear: number
}

/**
 * Match the stars of a frame with those of a survey, moved to the epoch of the frame, one to one.
 *
 * @param observed places of the frame's stars
 */
export function matchSurvey(observed: Neighbours, stars: ExtendedStars, scale: MatchScale): MatchedSurvey {
  const { raDeg, decDeg } = propagate(stars, scale.epochYear)
  const places = neighbours(raDeg, decDeg)
  const matchRadiusDeg = matchRadiusArcsec(stars, scale) / 3600
  const rowOf = matchOneToOne(observed, places, matchRadiusDeg)
  const blendDeg = (BLEND_FWHM * scale.fwhmArcsec) / 3600
  const clean = new Uint8Array(rowOf.length)
  const light = new Float64Array(rowOf.length)
  for (let i = 0; i < rowOf.length; i++) {
    const row = rowOf[i]
    if (row < 0) continue
    clean[i] = stars.clean[row]
    light[i] = neighbourLight(stars, places, row, blendDeg)
  }
  return { stars, places, matchRadiusDeg, rowOf, clean, neighbourLight: light }
}

function matchRadiusArcsec(stars: ReferenceStars, { fwhmArcsec, residualArcsec }: MatchScale): number {
  const survey = (3 * surveys[stars.survey].positionErrMas) / 1000
  const wanted = Math.max(0.6, 3 * residualArcsec, 0.5 * fwhmArcsec, survey)
  return Math.min(wanted, Math.max(2, fwhmArcsec))
}

/**
 * Which stars of Gaia are which of another survey: Gaia moved to the survey's epoch, one to one.
 *
 * @returns for each star of the survey its row in Gaia, −1 where it has none
 */
export function gaiaPartners(stars: ReferenceStars, gaia: ReferenceStars): Int32Array {
  const there = propagate(gaia, median(stars.epochYear))
  return matchOneToOne(neighbours(stars.raDeg, stars.decDeg), neighbours(there.raDeg, there.decDeg), SAME_STAR_DEG)
}

/** Proper motions and parallaxes from Gaia for stars of a survey that publishes none; others as they were. */
export function withGaiaMotions(stars: ReferenceStars, gaia: ReferenceStars, partners: Int32Array): ReferenceStars {
  if (stars.pmRaMasPerYear.some(motion => motion !== 0)) return stars
  const lent = (values: Float64Array) => {
    const taken = new Float64Array(partners.length)
    for (let i = 0; i < partners.length; i++) if (partners[i] >= 0) taken[i] = values[partners[i]]
    return taken
  }
  return {
    ...stars,
    pmRaMasPerYear: lent(gaia.pmRaMasPerYear),
    pmDecMasPerYear: lent(gaia.pmDecMasPerYear),
    pmErrMasPerYear: lent(gaia.pmErrMasPerYear),
    parallaxMas: lent(gaia.parallaxMas),
  }
}

/** Light of a star's neighbours in the survey, relative to its own. */
function neighbourLight(stars: ReferenceStars, places: Neighbours, row: number, radiusDeg: number): number {
  const { mainBand, positionErrMas } = surveys[stars.survey]
  const mag = stars.mag[mainBand]
  const [raDeg, decDeg] = [places.raDeg[row], places.decDeg[row]]
  const around = places.within(raDeg, decDeg, radiusDeg)
  if (around.length < 2) return 0
  const itself = new Set(places.within(raDeg, decDeg, (SAME_ROW_SIGMA * positionErrMas) / 3.6e6))
  let light = 0
  for (const other of around)
    if (!itself.has(other) && Number.isFinite(mag[other])) light += 10 ** (0.4 * (mag[row] - mag[other]))
  return light
}

/** How well a star of the frame may carry a zero point, best first; {@link chooseCalibrators} takes the best it can. */
export const GRADE = { none: 0, clean: 1, blended: 2, doubtful: 3 } as const

/**
 * Which stars of a frame may carry a zero point: significant, not called variable or double by Gaia, and with no
 * neighbour in any survey whose light matters.
 *
 * @returns their {@link GRADE}
 */
export function gradeStars(catalogue: StarCatalogue, matched: MatchedSurvey[]): Uint8Array {
  const { flags, magInst, magInstErr } = catalogue
  const gaia = matched.find(({ stars }) => stars.survey === 'gaia_dr3')
  return Uint8Array.from(flags, (mask, i) => {
    if (!(magInstErr[i] < WORST_MEASURED_ERR) || !Number.isFinite(magInst[i])) return GRADE.none
    if (mask & UNUSABLE || (gaia && gaia.rowOf[i] >= 0 && !gaia.clean[i])) return GRADE.none
    const tolerated = Math.max(NEIGHBOUR_LIGHT, NEIGHBOUR_SIGMA * magInstErr[i])
    if (matched.some(({ neighbourLight }) => neighbourLight[i] > tolerated)) return GRADE.none
    if (mask & DOUBTFUL) return GRADE.doubtful
    return mask & BLENDED ? GRADE.blended : GRADE.clean
  })
}

/**
 * Of the stars that a band could use, those that it should: blended and badly fitted ones only where the others are
 * few, and the {@link MOST_CALIBRATORS} most significant.
 */
export function chooseCalibrators(stars: number[], grades: Uint8Array, { magInstErr }: StarCatalogue): number[] {
  const upTo = (grade: number) => stars.filter(i => grades[i] <= grade)
  let best = upTo(GRADE.clean)
  if (best.length < ENOUGH_UNBLENDED) best = upTo(GRADE.blended)
  if (best.length < ENOUGH_FITTED) best = stars
  if (best.length <= MOST_CALIBRATORS) return best
  const kept = [...best].sort((a, b) => magInstErr[a] - magInstErr[b] || a - b).slice(0, MOST_CALIBRATORS)
  return kept.sort((a, b) => a - b)
}
