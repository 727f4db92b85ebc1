/** Chance that a normal error of σ 1 lies below a value, to 1e-7 (Abramowitz & Stegun 1964, 26.2.17). */
export function normalCdf(value: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(value))
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = (Math.exp(-0.5 * value * value) / Math.sqrt(2 * Math.PI)) * series
  return value > 0 ? 1 - tail : tail
}
