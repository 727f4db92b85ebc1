import { wrap180 } from '#shared/sky/angles.ts'

const DEGREE = Math.PI / 180

export interface Neighbours {
  /** Index of the nearest place within the radius of (raDeg, decDeg), and its distance; −1 where there is none. */
  nearest(raDeg: number, decDeg: number, radiusDeg: number): { index: number; distanceDeg: number }
  /** Indices of the places within the radius, in no order. */
  within(raDeg: number, decDeg: number, radiusDeg: number): number[]
}

/**
 * Places on a small part of the sky, sorted into cells so that neighbours are found at once.
 *
 * @param raDeg,decDeg degrees; places that are NaN are never found
 * @param cellDeg about the radii that will be asked for
 */
export function neighbours(raDeg: Float64Array, decDeg: Float64Array, cellDeg: number): Neighbours {
  const cells = new Map<number, number[]>()
  const columns = Math.ceil(360 / cellDeg) + 2
  const row = (dec: number) => Math.floor((dec + 90) / cellDeg)
  const column = (ra: number) => Math.floor((((ra % 360) + 360) % 360) / cellDeg)
  for (let i = 0; i < raDeg.length; i++) {
    if (!Number.isFinite(raDeg[i]) || !Number.isFinite(decDeg[i])) continue
    const key = row(decDeg[i]) * columns + column(raDeg[i])
    const cell = cells.get(key)
    if (cell) cell.push(i)
    else cells.set(key, [i])
  }

  function* around(ra: number, dec: number, radiusDeg: number): Generator<[index: number, distanceDeg: number]> {
    // Right ascensions spread towards the poles; a cone over a pole takes them all.
    const highest = Math.min(90, Math.abs(dec) + radiusDeg)
    const cos = Math.cos(highest * DEGREE)
    const reach = cos > radiusDeg / 180 ? Math.min(180, (radiusDeg / cos) * 1.01) : 180
    const first = Math.floor((ra - reach) / cellDeg)
    const last = Math.min(Math.floor((ra + reach) / cellDeg), first + columns - 1)
    const seen = new Set<number>()
    for (let y = row(dec - radiusDeg); y <= row(dec + radiusDeg); y++)
      for (let x = first; x <= last; x++) {
        // the last cell before 360° is narrow: stepping by cells must not jump over its start
        for (const at of [column(x * cellDeg), column((x + 1) * cellDeg - 1e-12)]) {
          const key = y * columns + at
          if (seen.has(key)) continue
          seen.add(key)
          for (const index of cells.get(key) ?? []) {
            const up = decDeg[index] - dec
            const across = wrap180(raDeg[index] - ra)
            const distanceDeg = smallSeparation(across, up, dec, decDeg[index])
            if (distanceDeg <= radiusDeg) yield [index, distanceDeg]
          }
        }
      }
  }

  return {
    nearest(ra, dec, radiusDeg) {
      let best = { index: -1, distanceDeg: Number.POSITIVE_INFINITY }
      for (const [index, distanceDeg] of around(ra, dec, radiusDeg))
        if (distanceDeg < best.distanceDeg || (distanceDeg === best.distanceDeg && index < best.index))
          best = { index, distanceDeg }
      return best
    },
    within: (ra, dec, radiusDeg) => Array.from(around(ra, dec, radiusDeg), ([index]) => index),
  }
}

/** Haversine from differences, exact at any separation. */
function smallSeparation(dRaDeg: number, dDecDeg: number, dec1: number, dec2: number): number {
  const up = Math.sin((dDecDeg * DEGREE) / 2)
  const across = Math.sin((dRaDeg * DEGREE) / 2)
  const a = up * up + Math.cos(dec1 * DEGREE) * Math.cos(dec2 * DEGREE) * across * across
  return (2 * Math.asin(Math.min(1, Math.sqrt(a)))) / DEGREE
}

/**
 * Pairs of places that are each other's nearest within the radius: one to one, and whoever is asked first.
 *
 * @returns for each place of the first list the index in the second, −1 where it has no partner
 */
export function matchOneToOne(
  a: { raDeg: Float64Array; decDeg: Float64Array },
  b: { raDeg: Float64Array; decDeg: Float64Array },
  radiusDeg: number,
): Int32Array {
  const ofA = neighbours(a.raDeg, a.decDeg, radiusDeg)
  const ofB = neighbours(b.raDeg, b.decDeg, radiusDeg)
  const partner = new Int32Array(a.raDeg.length).fill(-1)
  for (let i = 0; i < partner.length; i++) {
    if (!Number.isFinite(a.raDeg[i])) continue
    const { index } = ofB.nearest(a.raDeg[i], a.decDeg[i], radiusDeg)
    if (index >= 0 && ofA.nearest(b.raDeg[index], b.decDeg[index], radiusDeg).index === i) partner[i] = index
  }
  return partner
}
