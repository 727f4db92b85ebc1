import { choleskyInPlace, choleskyInverse, choleskySolve } from '#shared/numeric/linear.ts'
import { NodePrior } from './psf-prior.ts'
import { termCount } from './psf-shape.ts'

/** Nodes between two of the smooth level. */
const COARSE_STEP = 4
/**
 * How a cubic spline on every fourth node is written on all of them: the subdivision mask (1 4 6 4 1)/8 (Lane & Riesenfeld
 * 1980), applied twice. Each node's weights sum to 1.
 */
const MASK = [1, 4, 10, 20, 31, 40, 44, 40, 31, 20, 10, 4, 1].map(value => value / 64)
const MASK_REACH = 6
/** Single nodes change by the terms of this order at most: beyond it they would follow noise, and the smooth level does. */
const FINE_ORDER = 2
/** Overrelaxation of the steps: below 2 they converge. */
const STRIDE = 1.4

/** Normal equations of the nodes of a square table, a block of numbers for each node. */
export interface NodeBlocks {
  /** Lower triangles, row by row, and right sides; numbers from node to node. */
  normal: Float32Array
  normalLength: number
  right: Float32Array
  rightLength: number
}

/**
 * What the tables of a PSF have beyond its analytic core: for each node the coefficients of a polynomial over the frame.
 * It is the sum of a smooth level, on every fourth node, and of a fine one, each drawn to zero by a prior of its own. A
 * core that is a little off in its wings is off smoothly: noise of single nodes would hide that from a prior that knows
 * single nodes only, and the sum of it over the wings is flux. How much the smooth level has to say is learnt meanwhile.
 */
export class ResidualTables {
  /** Sum of the levels, node after node. */
  readonly total: Float64Array
  readonly #terms: number
  readonly #size: number
  readonly #fine: Level
  readonly #coarse: Level
  readonly #change: Float64Array

  /**
   * @param size nodes of a table along each axis
   * @param terms of the polynomial
   * @param precision of the priors, at each node of the table, for the smooth and for the fine level
   * @param fwhmNodes width of a star, nodes
   */
  constructor(size: number, terms: number, precision: { smooth: Float64Array; fine: Float64Array }, fwhmNodes: number) {
    this.#terms = terms
    this.#size = size
    this.total = new Float64Array(size * size * terms)
    this.#change = new Float64Array(size * size * terms)
    this.#fine = newLevel(size, terms, precision.fine, fwhmNodes)
    const side = coarseSize(size)
    const coarse = Float64Array.from({ length: side * side }, (_, k) => {
      const at = (i: number) => Math.min(Math.max(fineIndex(size, i), 0), size - 1)
      return precision.smooth[at(Math.floor(k / side)) * size + at(k % side)]
    })
    this.#coarse = newLevel(side, terms, coarse, fwhmNodes / COARSE_STEP)
  }

  /** One step of both levels towards the least squares, smooth one first; `right` is left as the fine one found it. */
  step(equations: NodeBlocks): void {
    const terms = this.#terms
    const { normal, normalLength, right, rightLength } = equations
    const coarse: NodeBlocks = {
      ...equations,
      normal: restrict(normal, this.#size, normalLength),
      right: restrict(right, this.#size, rightLength),
    }
    advance(this.#coarse, coarse, terms, terms)
    prolong(this.#coarse.step, this.#size, terms, this.#change)
    // What the smooth step explains is no longer there for the fine one.
    for (let node = 0; node < this.#size ** 2; node++) {
      for (let i = 0, at = node * normalLength; i < terms; i++) {
        for (let j = 0; j <= i; j++, at++) {
          right[node * rightLength + i] -= normal[at] * this.#change[node * terms + j]
          if (j < i) right[node * rightLength + j] -= normal[at] * this.#change[node * terms + i]
        }
      }
    }
    advance(this.#fine, equations, terms, Math.min(terms, termCount(FINE_ORDER)))
    for (let k = 0; k < this.total.length; k++) this.total[k] += this.#change[k] + this.#fine.step[k]
    this.#coarse.prior.learn(this.#coarse.value, terms, coarse)
  }

  /**
   * Variance of a weighted sum over the nodes of a table at a place of the frame, as the stars' noise and the prior leave it:
   * the small equations of the smooth level, inverted, which hold for sums over many nodes.
   *
   * @param weights of the nodes
   * @param moments mean over places of the products of their polynomial terms, row by row
   */
  varianceOf(weights: Float32Array, { normal, normalLength }: NodeBlocks, moments: Float64Array): number {
    const terms = this.#terms
    const blocks = restrict(normal, this.#size, normalLength)
    const sums = restrict(weights, this.#size, 1)
    const { prior } = this.#coarse
    const matrix = new Float64Array(terms * terms)
    let variance = 0
    for (let node = 0; node < prior.nodes; node++) {
      let at = node * normalLength
      if (!(blocks[at] > 0)) continue
      for (let i = 0; i < terms; i++) {
        for (let j = 0; j <= i; j++) matrix[i * terms + j] = blocks[at++]
        matrix[i * terms + i] += prior.of(node, i)
      }
      if (!choleskyInPlace(matrix, terms)) continue
      const covariance = choleskyInverse(matrix, terms)
      let mean = 0
      for (let k = 0; k < covariance.length; k++) mean += covariance[k] * moments[k]
      variance += sums[node] ** 2 * mean
    }
    return variance
  }
}

interface Level {
  value: Float64Array
  /** The last step. */
  step: Float64Array
  prior: NodePrior
}

function newLevel(size: number, terms: number, precision: Float64Array, fwhmNodes: number): Level {
  const numbers = () => new Float64Array(size * size * terms)
  const middle = (size - 1) / 2
  const radius = (node: number) => Math.hypot((node % size) - middle, Math.floor(node / size) - middle) / fwhmNodes
  return { value: numbers(), step: numbers(), prior: new NodePrior(precision, radius) }
}

/**
 * One step of every node of a level by its own small equations: the row sums in them bound those of the neighbours.
 *
 * @param terms numbers of a node
 * @param free the first so many of them are solved for
 */
function advance(
  { value, step, prior }: Level,
  { normal, normalLength, right, rightLength }: NodeBlocks,
  terms: number,
  free: number,
) {
  const matrix = new Float64Array(free * free)
  const change = new Float64Array(free)
  step.fill(0)
  for (let node = 0; node < prior.nodes; node++) {
    let at = node * normalLength
    if (!(normal[at] > 0)) continue
    for (let i = 0; i < free; i++) {
      const expected = prior.of(node, i)
      change[i] = right[node * rightLength + i] - expected * value[node * terms + i]
      for (let j = 0; j <= i; j++) matrix[i * free + j] = normal[at++]
      matrix[i * free + i] += expected
    }
    if (!choleskyInPlace(matrix, free)) continue
    choleskySolve(matrix, free, change)
    for (let i = 0; i < free; i++) {
      step[node * terms + i] = STRIDE * change[i]
      value[node * terms + i] += step[node * terms + i]
    }
  }
}

/** Nodes of the smooth level along each axis: its middle lies on the table's, its edges beyond. */
function coarseSize(size: number): number {
  return 2 * (Math.ceil((size - 1) / 2 / COARSE_STEP) + 1) + 1
}

/** Place of a node of the smooth level on the table. */
function fineIndex(size: number, coarse: number): number {
  return (size - 1) / 2 + COARSE_STEP * (coarse - (coarseSize(size) - 1) / 2)
}

/** Gather blocks of numbers from the nodes of a table at those of the smooth level, by the mask. */
function restrict(values: Float32Array, size: number, length: number): Float32Array {
  const side = coarseSize(size)
  const rows = new Float32Array(side * size * length)
  const out = new Float32Array(side * side * length)
  const row = size * length
  eachTap(size, (coarse, fine, weight) => addTimes(rows, coarse * row, weight, values, fine * row, row))
  for (let r = 0; r < side; r++) {
    eachTap(size, (coarse, fine, weight) =>
      addTimes(out, (r * side + coarse) * length, weight, rows, (r * size + fine) * length, length),
    )
  }
  return out
}

/** The transpose: spline coefficients of the smooth level as those of the table. */
function prolong(values: Float64Array, size: number, length: number, out: Float64Array): void {
  const side = coarseSize(size)
  const rows = new Float64Array(side * size * length)
  const row = size * length
  for (let r = 0; r < side; r++) {
    eachTap(size, (coarse, fine, weight) =>
      addTimes(rows, (r * size + fine) * length, weight, values, (r * side + coarse) * length, length),
    )
  }
  out.fill(0)
  eachTap(size, (coarse, fine, weight) => addTimes(out, fine * row, weight, rows, coarse * row, row))
}

/** Every pair of a node of the smooth level and one of the table that its mask reaches, along one axis. */
function eachTap(size: number, use: (coarse: number, fine: number, weight: number) => void): void {
  for (let coarse = 0; coarse < coarseSize(size); coarse++) {
    for (let d = -MASK_REACH; d <= MASK_REACH; d++) {
      const fine = fineIndex(size, coarse) + d
      if (fine >= 0 && fine < size) use(coarse, fine, MASK[d + MASK_REACH])
    }
  }
}

/** Add a weight times a block of numbers to another block. */
function addTimes<T extends Float32Array | Float64Array>(
  to: T,
  at: number,
  weight: number,
  from: T,
  start: number,
  length: number,
): void {
  for (let k = 0; k < length; k++) to[at + k] += weight * from[start + k]
}
