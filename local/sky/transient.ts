/**
 * A new star: no light, a rise of days, a slow decline (the shape of Bazin et al. 2009 for supernovae), with its own peak
 * and pace in every band.
 */
export interface Transient {
  name: string
  raDeg: number
  decDeg: number
  /** Time at which the rise is half over, MJD. */
  mjdRise: number
  riseDays: number
  bands: Record<string, { peakMag: number; fallDays: number }>
}

/** Magnitude at a time; rises without bound long before the outburst, when there is no light. */
export function transientMag(transient: Transient, band: string, mjd: number): number {
  const { peakMag, fallDays } = transient.bands[band]
  return (
    peakMag -
    2.5 * Math.log10(shape(mjd - transient.mjdRise, transient.riseDays, fallDays) / summit(transient, fallDays))
  )
}

function shape(days: number, riseDays: number, fallDays: number): number {
  return Math.exp(-days / fallDays) / (1 + Math.exp(-days / riseDays))
}

/** Largest value of {@link shape}: where its derivative vanishes, at t = rise · ln(fall / rise − 1). */
function summit({ riseDays }: Transient, fallDays: number): number {
  return shape(riseDays * Math.log(fallDays / riseDays - 1), riseDays, fallDays)
}
