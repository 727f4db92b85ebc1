import type { SurveyId } from '#shared/catalogue/reference.ts'

/** A band that a survey does not have, from bands that it has: m = base + Σ coefficients[k]·(colour)^k. */
export interface Transformation {
  survey: SurveyId
  band: string
  system: 'AB' | 'Vega'
  base: string
  colour: readonly [string, string]
  coefficients: readonly number[]
  /** Scatter of stars about the relation, mag. */
  sigma: number
  /** Colours for which it holds, mag. */
  range: readonly [number, number]
  source: string
}

/** The bands of Pan-STARRS, in which ATLAS-REFCAT2 is as well. */
const tonry = (
  survey: 'ps1' | 'atlas_refcat2',
  band: string,
  base: string,
  coefficients: number[],
  sigma: number,
): Transformation => ({
  survey,
  band,
  system: 'Vega',
  base,
  colour: ['g', 'r'],
  coefficients,
  sigma,
  range: [-0.2, 1.2],
  source: 'Tonry et al. 2012, table 6',
})

const chonis = (
  band: string,
  base: string,
  colour: [string, string],
  coefficients: number[],
  sigma: number,
): Transformation => ({
  survey: 'sdss',
  band,
  system: 'Vega',
  base,
  colour,
  coefficients,
  sigma,
  range: colour[0] === 'g' ? [0.2, 1.2] : [0, 0.6],
  source: 'Chonis & Gaskell 2008',
})

/** Published as G − band; the sign is turned here. */
const riello = (
  band: string,
  system: 'AB' | 'Vega',
  gMinusBand: number[],
  sigma: number,
  range: [number, number],
): Transformation => ({
  survey: 'gaia_dr3',
  band,
  system,
  base: 'G',
  colour: ['BP', 'RP'],
  coefficients: gMinusBand.map(coefficient => -coefficient),
  sigma,
  range,
  source: 'Riello et al. 2021, table C.2',
})

/** From the Sloan bands of APASS, fitted to Landolt's standards; with the scatter of APASS, whose stars they were. */
const apass = (band: string, base: string, coefficients: number[], sigma: number): Transformation => ({
  survey: 'apass',
  band,
  system: 'Vega',
  base,
  colour: ['g', 'r'],
  coefficients,
  sigma,
  range: [0.1, 1.3],
  source: 'stdpipe, fit to Landolt standards',
})

/** Published as band − G. */
const gaiaDr2 = (
  band: string,
  system: 'AB' | 'Vega',
  coefficients: number[],
  sigma: number,
  range: [number, number],
): Transformation => ({
  survey: 'gaia_dr2',
  band,
  system,
  base: 'G',
  colour: ['BP', 'RP'],
  coefficients,
  sigma,
  range,
  source: 'Evans et al. 2018, table A.2',
})

/** Used for a band only where no survey that covers the field has it. Best first. */
export const transformations: readonly Transformation[] = [
  tonry('ps1', 'B', 'g', [0.212, 0.556, 0.034], 0.032),
  tonry('ps1', 'V', 'g', [0.005, -0.536, 0.011], 0.012),
  tonry('ps1', 'R', 'r', [-0.137, -0.108, -0.029], 0.015),
  tonry('ps1', 'I', 'i', [-0.366, -0.136, -0.018], 0.017),
  tonry('atlas_refcat2', 'B', 'g', [0.212, 0.556, 0.034], 0.032),
  tonry('atlas_refcat2', 'V', 'g', [0.005, -0.536, 0.011], 0.012),
  tonry('atlas_refcat2', 'R', 'r', [-0.137, -0.108, -0.029], 0.015),
  tonry('atlas_refcat2', 'I', 'i', [-0.366, -0.136, -0.018], 0.017),
  chonis('B', 'g', ['g', 'r'], [0.216, 0.327], 0.03),
  chonis('V', 'g', ['g', 'r'], [-0.011, -0.587], 0.02),
  chonis('R', 'r', ['r', 'i'], [-0.159, -0.272], 0.03),
  chonis('I', 'i', ['r', 'i'], [-0.37, -0.337], 0.04),
  apass('R', 'r', [-0.157, -0.087, -0.014], 0.03),
  apass('I', 'i', [-0.354, -0.118, -0.004], 0.03),
  riello('B', 'Vega', [0.01448, -0.6874, -0.3604, 0.06718, -0.006061], 0.063, [-0.3, 3]),
  riello('V', 'Vega', [-0.02704, 0.01424, -0.2156, 0.01426], 0.03, [-0.5, 4]),
  riello('R', 'Vega', [-0.02275, 0.3961, -0.1243, -0.01396, 0.003775], 0.032, [0, 4]),
  riello('I', 'Vega', [0.01753, 0.76, -0.0991], 0.038, [-0.5, 4]),
  riello('g', 'AB', [0.2199, -0.6365, -0.1548, 0.0064], 0.075, [0.3, 3]),
  riello('r', 'AB', [-0.09837, 0.08592, 0.1907, -0.1701, 0.02263], 0.067, [0, 3]),
  riello('i', 'AB', [-0.293, 0.6404, -0.09609, -0.002104], 0.054, [0.5, 2]),
  riello('z', 'AB', [-0.4619, 0.8992, -0.08271, 0.005029], 0.057, [0.5, 4]),
  gaiaDr2('V', 'Vega', [0.0176, 0.00686, 0.1732], 0.046, [-0.5, 2.75]),
  gaiaDr2('R', 'Vega', [0.003226, -0.3833, 0.1345], 0.048, [-0.5, 2.75]),
  gaiaDr2('I', 'Vega', [-0.02085, -0.7419, 0.09531], 0.05, [-0.5, 2.75]),
  gaiaDr2('g', 'AB', [-0.13518, 0.46245, 0.25171, -0.021349], 0.165, [-0.5, 2]),
  gaiaDr2('r', 'AB', [0.12879, -0.24662, 0.027464, 0.049465], 0.067, [0.2, 2.7]),
  gaiaDr2('i', 'AB', [0.29676, -0.64728, 0.10141], 0.099, [0, 4.5]),
]
