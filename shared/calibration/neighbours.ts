import { DEGREE } from '#shared/sky/angles.ts'

/** Places on the sky that can be asked for neighbours. */
export interface Neighbours {
  raDeg: Float64Array
  decDeg: Float64Array
  /** Index of the nearest place within the radius of (raDeg, decDeg), −1 where there is none. */
  nearest(raDeg: number, decDeg: number, radiusDeg: number): number
  /** Indices of the places within the radius, in no order. */
  within(raDeg: number, decDeg: number, radiusDeg: number): number[]
}

/**
 * Places sorted by declination, so that neighbours are found by looking through a narrow strip: for the small radii of
 * a cross-match as fast as a grid, and no seam at 0h nor at the poles.
 *
 * @param raDeg,decDeg degrees; places that are NaN are never found
 */
export function neighbours(raDeg: Float64Array, decDeg: Float64Array): Neighbours {
  const order = Array.from(decDeg.keys())
    .filter(i => Number.isFinite(decDeg[i]) && Number.isFinite(raDeg[i]))
    .sort((a, b) => decDeg[a] - decDeg[b] || a - b)
  const dec = Float64Array.from(order, i => decDeg[i])
  const ra = Float64Array.from(order, i => raDeg[i])
  const cosDec = Float64Array.from(order, i => Math.cos(decDeg[i] * DEGREE))

  /** First place at or above a declination. */
  function firstAbove(bound: number): number {
    let low = 0
    let high = dec.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (dec[middle] < bound) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Square of half the chord between two places, which grows with their separation (haversine formula). */
  function halfChordSquared(k: number, aboutRa: number, aboutDec: number, cosAbout: number): number {
    const up = Math.sin(((dec[k] - aboutDec) * DEGREE) / 2)
    const across = Math.sin(((ra[k] - aboutRa) * DEGREE) / 2)
    return up * up + cosAbout * cosDec[k] * across * across
  }

  return {
    raDeg,
    decDeg,
    nearest(aboutRa, aboutDec, radiusDeg) {
      const cosAbout = Math.cos(aboutDec * DEGREE)
      let least = Math.sin((radiusDeg * DEGREE) / 2) ** 2
      let index = -1
      for (let k = firstAbove(aboutDec - radiusDeg); k < dec.length && dec[k] <= aboutDec + radiusDeg; k++) {
        const chord = halfChordSquared(k, aboutRa, aboutDec, cosAbout)
        if (chord > least || (chord === least && index >= 0 && order[k] > index)) continue
        least = chord
        index = order[k]
      }
      return index
    },
    within(aboutRa, aboutDec, radiusDeg) {
      const cosAbout = Math.cos(aboutDec * DEGREE)
      const most = Math.sin((radiusDeg * DEGREE) / 2) ** 2
      const found: number[] = []
      for (let k = firstAbove(aboutDec - radiusDeg); k < dec.length && dec[k] <= aboutDec + radiusDeg; k++)
        if (halfChordSquared(k, aboutRa, aboutDec, cosAbout) <= most) found.push(order[k])
      return found
    },
  }
}

/**
 * Pairs of places that are each other's nearest within the radius: one to one, and whoever is asked first.
 *
 * @returns for each place of the first list the index in the second, −1 where it has no partner
 */
export function matchOneToOne(a: Neighbours, b: Neighbours, radiusDeg: number): Int32Array {
  return Int32Array.from(a.raDeg, (raDeg, i) => {
    if (!Number.isFinite(raDeg)) return -1
    const index = b.nearest(raDeg, a.decDeg[i], radiusDeg)
    return index >= 0 && a.nearest(b.raDeg[index], b.decDeg[index], radiusDeg) === i ? index : -1
  })
}
