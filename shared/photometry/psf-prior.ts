import type { NodeBlocks } from './psf-residual.ts'
import { MOST_ORDER, orderOfTerm } from './psf-shape.ts'

/** All terms of change together are smaller than the residual itself, so the precision of each is higher by this factor. */
const CHANGE_PRECISION = 12
/** Rings around the star, FWHM, in each of which the stars say how much there is to learn. */
const RING_EDGES_FWHM = [0.8, 1.6, 2.6]
const RINGS = RING_EDGES_FWHM.length + 1
const ORDERS = MOST_ORDER + 1
/** A prior is tightened no further than to this part of its variance. */
const LEAST_PART = 1e-3

/**
 * How far the nodes of one level of a PSF's tables may be from zero before the data have spoken: what is expected at most,
 * and for each ring around the star and each order of change over the frame the part of that which the stars ask for.
 */
export class NodePrior {
  readonly #precision: Float64Array
  readonly #ring: Uint8Array
  /** Part of the expected variance, ring after ring, order after order. */
  readonly #part = new Float64Array(RINGS * ORDERS).fill(1)

  /**
   * @param precision of each node, for what all places of the frame share
   * @param radiusFwhm of each node from the middle of the star, FWHM
   */
  constructor(precision: Float64Array, radiusFwhm: (node: number) => number) {
    this.#precision = precision
    this.#ring = Uint8Array.from(
      precision,
      (_, node) => RING_EDGES_FWHM.filter(edge => radiusFwhm(node) >= edge).length,
    )
  }

  /** Nodes of the level. */
  get nodes(): number {
    return this.#precision.length
  }

  /** Precision of one coefficient of a node. */
  of(node: number, term: number): number {
    return (this.#precision[node] * (term === 0 ? 1 : CHANGE_PRECISION)) / this.#part[this.#group(node, term)]
  }

  /**
   * Learn from coefficients that were found under this prior: their squares are its variance times the number of them that
   * the data determined (MacKay 1992, Neural Computation 4, 415). Where there is no change over the frame this takes away
   * the room in which noise and faults of the sky would draw one.
   *
   * @param value coefficients, node after node
   */
  learn(value: Float64Array, terms: number, { normal, normalLength }: NodeBlocks): void {
    // One coefficient more that is as expected: where the data say nothing, nothing is learnt.
    const square = new Float64Array(this.#part.length).fill(1)
    const determined = new Float64Array(this.#part.length).fill(1)
    for (let node = 0; node < this.nodes; node++) {
      if (!(normal[node * normalLength] > 0)) continue
      for (let term = 0; term < terms; term++) {
        const group = this.#group(node, term)
        const prior = this.of(node, term)
        square[group] += value[node * terms + term] ** 2 * prior
        determined[group] += determinedPart(normal[node * normalLength + (term * (term + 3)) / 2] / prior)
      }
    }
    for (let group = 0; group < this.#part.length; group++) {
      const part = (this.#part[group] * square[group]) / determined[group]
      this.#part[group] = Math.min(Math.max(part, LEAST_PART), 1)
    }
  }

  #group(node: number, term: number): number {
    return this.#ring[node] * ORDERS + orderOfTerm(term)
  }
}

/** Eigenvalues of the matrix of products of cubic B-splines over their row sum, from even to alternating coefficients. */
const SPECTRUM = Float64Array.from({ length: 8 }, (_, i) => {
  const angle = (Math.PI * (i + 0.5)) / 8
  return 151 / 315 + (397 / 840) * Math.cos(angle) + Math.cos(2 * angle) / 21 + Math.cos(3 * angle) / 2520
})

/** Part of a coefficient of a spline along both axes that data determine; `ratio` of their precision, summed over the row, to the prior's. */
function determinedPart(ratio: number): number {
  let sum = 0
  for (const x of SPECTRUM) for (const y of SPECTRUM) sum += (ratio * x * y) / (ratio * x * y + 1)
  return sum / SPECTRUM.length ** 2
}
