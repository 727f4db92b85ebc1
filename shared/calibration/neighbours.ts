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

/** More strips than this cost more to set up than they save. */
const MOST_STRIPS = 65_536

/**
 * Places sorted into strips of declination, about one place each, so that neighbours are found by looking through a few
 * strips: for the small radii of a cross-match as fast as a grid, and no seam at 0h nor at the poles. Distances are
 * chords between unit vectors: no trigonometry per pair.
 *
 * @param raDeg,decDeg degrees; places that are NaN are never found
 */
export function neighbours(raDeg: Float64Array, decDeg: Float64Array): Neighbours {
  const strips = new Strips(raDeg, decDeg)
  return {
    raDeg,
    decDeg,
    nearest: (aboutRa, aboutDec, radiusDeg) => strips.nearest(aboutRa, aboutDec, radiusDeg),
    within: (aboutRa, aboutDec, radiusDeg) => strips.within(aboutRa, aboutDec, radiusDeg),
  }
}

class Strips {
  readonly #low: number
  readonly #perDegree: number
  readonly #count: number
  /** Where each strip begins in the lists below, which hold its places one after the other. */
  readonly #starts: Int32Array
  readonly #index: Int32Array
  /** Unit vectors, three numbers per place. */
  readonly #vectors: Float64Array

  constructor(raDeg: Float64Array, decDeg: Float64Array) {
    let [n, low, high] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (let i = 0; i < decDeg.length; i++) {
      if (!Number.isFinite(decDeg[i]) || !Number.isFinite(raDeg[i])) continue
      n++
      if (decDeg[i] < low) low = decDeg[i]
      if (decDeg[i] > high) high = decDeg[i]
    }
    this.#count = Math.max(1, Math.min(n, MOST_STRIPS))
    this.#low = low
    this.#perDegree = high > low ? this.#count / (high - low) : 0
    this.#starts = new Int32Array(this.#count + 1)
    this.#index = new Int32Array(n)
    this.#vectors = new Float64Array(3 * n)
    this.#fill(raDeg, decDeg)
  }

  /** Counting sort: how many places each strip holds, then each place into its strip, in the order of the list. */
  #fill(raDeg: Float64Array, decDeg: Float64Array): void {
    const starts = this.#starts
    for (let i = 0; i < decDeg.length; i++)
      if (Number.isFinite(decDeg[i]) && Number.isFinite(raDeg[i])) starts[this.#stripOf(decDeg[i]) + 1]++
    for (let s = 0; s < this.#count; s++) starts[s + 1] += starts[s]
    const next = starts.slice()
    for (let i = 0; i < decDeg.length; i++) {
      if (!Number.isFinite(decDeg[i]) || !Number.isFinite(raDeg[i])) continue
      const k = next[this.#stripOf(decDeg[i])]++
      this.#index[k] = i
      const [ra, dec] = [raDeg[i] * DEGREE, decDeg[i] * DEGREE]
      const cosDec = Math.cos(dec)
      this.#vectors[3 * k] = cosDec * Math.cos(ra)
      this.#vectors[3 * k + 1] = cosDec * Math.sin(ra)
      this.#vectors[3 * k + 2] = Math.sin(dec)
    }
  }

  #stripOf(decDeg: number): number {
    return Math.max(0, Math.min(this.#count - 1, Math.floor((decDeg - this.#low) * this.#perDegree)))
  }

  nearest(raDeg: number, decDeg: number, radiusDeg: number): number {
    const vectors = this.#vectors
    const [ra, dec] = [raDeg * DEGREE, decDeg * DEGREE]
    const [x, y, z] = [Math.cos(dec) * Math.cos(ra), Math.cos(dec) * Math.sin(ra), Math.sin(dec)]
    const end = this.#starts[this.#stripOf(decDeg + radiusDeg) + 1]
    let least = chordSquared(radiusDeg)
    let index = -1
    for (let k = this.#starts[this.#stripOf(decDeg - radiusDeg)]; k < end; k++) {
      const dx = vectors[3 * k] - x
      const dy = vectors[3 * k + 1] - y
      const dz = vectors[3 * k + 2] - z
      const chord = dx * dx + dy * dy + dz * dz
      if (chord > least || (chord === least && index >= 0 && this.#index[k] > index)) continue
      least = chord
      index = this.#index[k]
    }
    return index
  }

  within(raDeg: number, decDeg: number, radiusDeg: number): number[] {
    const vectors = this.#vectors
    const [ra, dec] = [raDeg * DEGREE, decDeg * DEGREE]
    const [x, y, z] = [Math.cos(dec) * Math.cos(ra), Math.cos(dec) * Math.sin(ra), Math.sin(dec)]
    const end = this.#starts[this.#stripOf(decDeg + radiusDeg) + 1]
    const most = chordSquared(radiusDeg)
    const found: number[] = []
    for (let k = this.#starts[this.#stripOf(decDeg - radiusDeg)]; k < end; k++) {
      const dx = vectors[3 * k] - x
      const dy = vectors[3 * k + 1] - y
      const dz = vectors[3 * k + 2] - z
      if (dx * dx + dy * dy + dz * dz <= most) found.push(this.#index[k])
    }
    return found
  }
}

/** Square of the straight distance between two points of the unit sphere. */
function chordSquared(separationDeg: number): number {
  return 4 * Math.sin((Math.min(separationDeg, 180) * DEGREE) / 2) ** 2
}

/**
 * Pairs of places that are each other's nearest within the radius: one to one, and whoever is asked first.
 *
 * @returns for each place of the first list the index in the second, −1 where it has no partner
 */
export function matchOneToOne(a: Neighbours, b: Neighbours, radiusDeg: number): Int32Array {
  const pairs = new Int32Array(a.raDeg.length).fill(-1)
  for (let i = 0; i < pairs.length; i++) {
    if (!Number.isFinite(a.raDeg[i])) continue
    const index = b.nearest(a.raDeg[i], a.decDeg[i], radiusDeg)
    if (index >= 0 && a.nearest(b.raDeg[index], b.decDeg[index], radiusDeg) === i) pairs[i] = index
  }
  return pairs
}
