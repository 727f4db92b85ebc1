import type { Delivery } from '#local/sky/campaign.ts'
import type { Observed } from '#local/sky/observe.ts'
import type { FrameRow } from '#shared/lightcurve/frames.ts'
import { type Compared, deviation } from './light-curve-text.ts'

/** One delivery of the campaign and what became of it. */
export interface Ended {
  delivery: Delivery
  row: FrameRow
  truth?: Observed['truth']
}

export interface Check {
  tells: string
  ok: boolean
}

// A point farther off is an outlier; 6.3e-5 of a normal distribution.
const OUTLIER_SIGMA = 4
const OUTLIER_SHARE = 6.334e-5

/** Everything that must hold when the show is over. */
export function judge(ended: Ended[], curve: Compared[], notices: string[], pointIds: string[], dead: number): Check[] {
  const unexpected = ended.filter(one => !expectedOf(one).includes(one.row.outcome ?? 'failed'))
  const wanted = ended.filter(one => one.row.outcome === 'calibrated' || one.row.outcome === 'limit').length
  const deviations = curve.map(deviation).filter(sigma => sigma !== undefined)
  const outliers = deviations.filter(sigma => Math.abs(sigma) > OUTLIER_SIGMA).length
  const allowed = allowedOutliers(deviations.length)
  const chi2 = deviations.reduce((sum, sigma) => sum + sigma * sigma, 0) / Math.max(1, deviations.length)
  const wrongLimits = curve.filter(
    ({ point, truth }) => !point.detected && truth && point.limit5Sigma !== null && truth.targetMag < point.limit5Sigma,
  ).length
  const told = new Set(notices)
  return [
    {
      tells: `every one of ${ended.length} deliveries came to the outcome that it had to${listed(unexpected)}`,
      ok: unexpected.length === 0,
    },
    {
      tells: `${pointIds.length} points, one for each of ${wanted} measured frames`,
      ok: pointIds.length === wanted && wanted > 0,
    },
    {
      tells: `${deviations.length} magnitudes agree with the truth: ${outliers} beyond ${OUTLIER_SIGMA} σ (${allowed} may be), χ² per point ${chi2.toFixed(2)}`,
      ok: outliers <= allowed && deviations.length > 0,
    },
    {
      tells: `${curve.length - deviations.length} limits, the true magnitude fainter than ${wrongLimits === 0 ? 'each' : `all but ${wrongLimits}`}`,
      ok: wrongLimits === 0,
    },
    {
      tells: `${notices.length} notices, one for each point`,
      ok: told.size === notices.length && notices.length === pointIds.length && pointIds.every(id => told.has(id)),
    },
    { tells: `${dead === 0 ? 'nothing' : dead} in the dead-letter queue`, ok: dead === 0 },
  ]
}

/** The outcomes that are right for a delivery. Between clearly seen and clearly not, noise decides. */
export function expectedOf({ delivery, truth }: Ended): string[] {
  if (delivery.copyOf) return ['duplicate']
  if (delivery.text || !truth) return ['rejected']
  if (delivery.story === 'thick cloud') return ['rejected', 'limit']
  if (truth.targetSignalToNoise > 7) return ['calibrated']
  if (truth.targetSignalToNoise < 0.5) return ['limit']
  return ['calibrated', 'limit']
}

/** The number of outliers that normal errors exceed less than once in ten thousand shows. */
function allowedOutliers(points: number): number {
  let probability = (1 - OUTLIER_SHARE) ** points
  let sum = probability
  let k = 0
  while (1 - sum > 1e-4) {
    probability *= ((points - k) / (k + 1)) * (OUTLIER_SHARE / (1 - OUTLIER_SHARE))
    sum += probability
    k++
  }
  return k
}

function listed(unexpected: Ended[]): string {
  if (unexpected.length === 0) return ''
  const each = unexpected.map(one => `${one.delivery.key} is ${one.row.outcome}, not ${expectedOf(one).join(' or ')}`)
  return `, but ${each.join('; ')}`
}
