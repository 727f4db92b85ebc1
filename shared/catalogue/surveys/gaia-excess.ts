/**
 * How far the fluxes in BP and RP of a star are from adding up to that in G, in σ: large for blends, nebulae, galaxies.
 *
 * @param cStar corrected excess factor (Riello et al. 2021, eq. 6)
 * @param g G magnitude: the scatter of good stars grows with it (eq. 18)
 */
export function excessSigmas(cStar: number, g: number): number {
  return Math.abs(cStar) / (0.0059898 + 8.817481e-12 * g ** 7.618399)
}

/** The corrected excess factor from the published one and the colour BP − RP (Riello et al. 2021, eq. 6, table 2). */
export function correctedExcess(excess: number, x: number): number {
  if (x < 0.5) return excess - (1.15436 + 0.033772 * x + 0.032277 * x ** 2)
  if (x < 4) return excess - (1.162004 + 0.011464 * x + 0.049255 * x ** 2 - 0.005879 * x ** 3)
  return excess - (1.057572 + 0.140537 * x)
}
