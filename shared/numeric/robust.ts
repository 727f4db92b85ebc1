/** Ratio of the standard deviation of a normal to its median absolute deviation. */
export const MAD_TO_SIGMA = 1.4826022185056018

/**
 * The k-th smallest of the first n values (0-based), by Hoare's selection; reorders `values` in place.
 * NaN must not be among them.
 */
export function selectInPlace(values: Float64Array | Float32Array, k: number, n = values.length): number {
  let left = 0
  let right = n - 1
  while (left < right) {
    const pivot = values[(left + right) >> 1]
    let i = left
    let j = right
    while (i <= j) {
      while (values[i] < pivot) i++
      while (values[j] > pivot) j--
      if (i <= j) {
        const swapped = values[i]
        values[i++] = values[j]
        values[j--] = swapped
      }
    }
    if (k <= j) right = j
    else if (k >= i) left = i
    else break
  }
  return values[k]
}

/** Median of the first n values, mean of the middle two where n is even; reorders them in place; NaN where n is 0. */
export function medianInPlace(values: Float64Array | Float32Array, n = values.length): number {
  if (n === 0) return Number.NaN
  const upper = selectInPlace(values, n >> 1, n)
  if (n % 2 === 1) return upper
  let lower = Number.NEGATIVE_INFINITY
  for (let i = 0; i < n >> 1; i++) if (values[i] > lower) lower = values[i]
  return (lower + upper) / 2
}

/** Median of the finite values; NaN where there are none. */
export function median(values: ArrayLike<number>): number {
  return medianInPlace(finite(values))
}

/** 1.4826 × the median absolute deviation of the finite values about `centre` (their median if not given). */
export function madSigma(values: ArrayLike<number>, centre?: number): number {
  const kept = finite(values)
  return madSigmaInPlace(kept, kept.length, centre)
}

/** The same of the first n values, all finite; their absolute deviations are left in their place, in another order. */
export function madSigmaInPlace(values: Float64Array, n = values.length, centre = medianInPlace(values, n)): number {
  turnToDeviations(values, n, centre)
  return MAD_TO_SIGMA * medianInPlace(values, n)
}

function turnToDeviations(values: Float64Array, n: number, centre: number): void {
  for (let i = 0; i < n; i++) values[i] = Math.abs(values[i] - centre)
}

/** The q-quantile (0..1) of the finite values, linear between order statistics; NaN where there are none. */
export function quantile(values: ArrayLike<number>, q: number): number {
  return quantiles(values, [q])[0]
}

/** Several quantiles of the same values, which are sorted once. */
export function quantiles(values: ArrayLike<number>, wanted: readonly number[]): number[] {
  const sorted = finite(values).sort()
  if (sorted.length === 0) return wanted.map(() => Number.NaN)
  return wanted.map(q => {
    const place = q * (sorted.length - 1)
    const low = Math.floor(place)
    const high = Math.min(low + 1, sorted.length - 1)
    return sorted[low] + (place - low) * (sorted[high] - sorted[low])
  })
}

function finite(values: ArrayLike<number>): Float64Array {
  const kept = new Float64Array(values.length)
  let n = 0
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) kept[n++] = values[i]
  return kept.subarray(0, n)
}

/** The value that a standard normal stays below with probability p, to 0.00045 (Abramowitz & Stegun 1964, 26.2.23). */
export function normalQuantile(p: number): number {
  const t = Math.sqrt(-2 * Math.log(Math.min(p, 1 - p)))
  const z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
  return p < 0.5 ? -z : z
}
