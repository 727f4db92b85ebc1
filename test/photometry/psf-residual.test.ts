import { expect, test } from 'vitest'
import { random } from '#shared/numeric/random.ts'
import { type NodeBlocks, ResidualTables } from '#shared/photometry/psf-residual.ts'

const size = 33
const nodes = size * size
const fwhmNodes = 8
const constant = (value: number) => new Float64Array(nodes).fill(value)

/** Equations of nodes that are each measured by themselves with a precision, one term. */
function measuredNodes(values: Float64Array, tables: ResidualTables, precision: number): NodeBlocks {
  return {
    normal: new Float32Array(nodes).fill(precision),
    normalLength: 1,
    right: Float32Array.from(values, (value, k) => precision * (value - tables.total[k])),
    rightLength: 1,
  }
}

test('a smooth fault of the core is followed though the noise of a single node would hide it', () => {
  // A parabola is a cubic spline on any nodes. The prior of single nodes takes the fault for noise ten times over.
  const precision = 1e4
  const fault = Float64Array.from({ length: nodes }, (_, k) => {
    return 1 - (((k % size) - 16) ** 2 + (Math.floor(k / size) - 16) ** 2) / 400
  })
  const tables = new ResidualTables(size, 1, { smooth: constant(1e-3), fine: constant(1e10) }, fwhmNodes)
  for (let round = 0; round < 60; round++) tables.step(measuredNodes(fault, tables, precision))
  for (let v = 6; v < size - 6; v++) {
    for (let u = 6; u < size - 6; u++) expect(tables.total[v * size + u]).toBeCloseTo(fault[v * size + u], 2)
  }
})

test('where nothing speaks for it, single nodes stay what the prior says', () => {
  const spike = new Float64Array(nodes)
  spike[16 * size + 16] = 1
  const tables = new ResidualTables(size, 1, { smooth: constant(1e6), fine: constant(3) }, fwhmNodes)
  for (let round = 0; round < 40; round++) tables.step(measuredNodes(spike, tables, 1))
  // Measured once as 1 ± 1 and expected as 0 ± 1/√3: the mean weighted by precision.
  expect(tables.total[16 * size + 16]).toBeCloseTo(1 / 4, 3)
  expect(tables.total[10 * size + 10]).toBeCloseTo(0, 3)
})

/** Coefficients of a change over the frame along x that tables find, whose nodes all change by so much ± 0.3. */
function foundChange(change: number): Float64Array {
  const draw = random('change over the frame')
  const precision = 0.3 ** -2
  const truth = [1, change, change]
  const measured = Float64Array.from(
    { length: 3 * nodes },
    (_, k) => truth[k % 3] + draw.normal() / Math.sqrt(precision),
  )
  const tables = new ResidualTables(size, 3, { smooth: constant(1), fine: constant(1e6) }, fwhmNodes)
  const normal = new Float32Array(8 * nodes)
  for (let node = 0; node < nodes; node++) for (const diagonal of [0, 2, 5]) normal[8 * node + diagonal] = precision
  const right = new Float32Array(4 * nodes)
  for (let round = 0; round < 40; round++) {
    for (let k = 0; k < 3 * nodes; k++)
      right[4 * Math.floor(k / 3) + (k % 3)] = precision * (measured[k] - tables.total[k])
    tables.step({ normal, normalLength: 8, right, rightLength: 4 })
  }
  return tables.total.filter((_, k) => k % 3 === 1)
}

test('a change over the frame is learnt where there is one, and noise does not pass for it where there is none', () => {
  const rms = (list: Float64Array) => Math.sqrt(list.reduce((sum, value) => sum + value * value, 0) / list.length)
  // Without learning, noise of several hundredths is left.
  expect(rms(foundChange(0))).toBeLessThan(0.01)
  expect(rms(foundChange(0.4).map(value => value - 0.4))).toBeLessThan(0.08)
})

test('a sum over many nodes is as uncertain as claimed', () => {
  const draw = random('residual tables')
  const precision = 4
  const weights = Float32Array.from({ length: nodes }, (_, k) => {
    const square = ((k % size) - 16) ** 2 + (Math.floor(k / size) - 16) ** 2
    return Math.exp(-square / (2 * 5 * 5))
  })
  const sums: number[] = []
  let claimed = 0
  for (let trial = 0; trial < 150; trial++) {
    const noise = Float64Array.from({ length: nodes }, () => draw.normal() / Math.sqrt(precision))
    const tables = new ResidualTables(size, 1, { smooth: constant(1e-3), fine: constant(1e6) }, fwhmNodes)
    let equations = measuredNodes(noise, tables, precision)
    for (let round = 0; round < 12; round++) {
      tables.step(equations)
      equations = measuredNodes(noise, tables, precision)
    }
    sums.push(tables.total.reduce((sum, value, k) => sum + weights[k] * value, 0))
    claimed = Math.sqrt(tables.varianceOf(weights, equations, Float64Array.of(1)))
  }
  const scatter = Math.sqrt(sums.reduce((sum, value) => sum + value * value, 0) / sums.length)
  // A scatter of 150 draws is known to 6 %; the weights are smooth, but not wholly.
  expect(scatter / claimed).toBeGreaterThan(0.8)
  expect(scatter / claimed).toBeLessThan(1.2)
})
