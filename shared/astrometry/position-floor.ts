import { madSigma, quantile } from '#shared/numeric/robust.ts'
import { type Pairs, type PlaneFit, toPlane } from './sip-fit.ts'

/**
 * The error that every position has besides its own (optics, undersampled stars, air): what makes the residuals of the
 * best-measured stars scatter as their errors say. Without it a few bright stars would carry a whole solution.
 *
 * @param best which stars tell it: this share of all, and so many at least
 * @param pairs with the errors of their stars alone
 * @param least,most bounds of the answer, degrees
 * @returns 1 σ per axis, degrees
 */
export function errorBesides(
  pairs: Pairs,
  fit: PlaneFit,
  best: { share: number; fewest: number },
  least: number,
  most: number,
): number {
  const { x, y, xi, eta, errorDeg } = pairs
  const limit = Math.max(
    quantile(errorDeg, best.share),
    errorDeg.toSorted()[Math.min(errorDeg.length, best.fewest) - 1],
  )
  const chosen = Array.from(errorDeg.keys()).filter(k => errorDeg[k] <= limit && errorDeg[k] < Number.POSITIVE_INFINITY)
  const freedom = Math.sqrt(Math.max(0.25, 1 - ((fit.order + 1) * (fit.order + 2)) / (2 * x.length)))
  const residual = chosen.flatMap(k => {
    const [fitXi, fitEta] = toPlane(fit, x[k], y[k])
    return [xi[k] - fitXi, eta[k] - fitEta]
  })
  const scatter = (floor: number) =>
    madSigma(
      residual.map((value, i) => value / Math.hypot(errorDeg[chosen[i >> 1]], floor)),
      0,
    ) / freedom
  if (!(scatter(least) > 1)) return least
  let low = least
  let high = most
  for (let round = 0; round < 12; round++) {
    const middle = Math.sqrt(low * high)
    if (scatter(middle) > 1) low = middle
    else high = middle
  }
  return Math.sqrt(low * high)
}
