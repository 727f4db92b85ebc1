import { expect, test } from 'vitest'
import { random } from '#shared/numeric/random.ts'
import { type NodeBlocks, ResidualTables } from '#shared/photometry/psf-residual.ts'

const size = 33
const nodes = size * size
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
  const fault = Float64Array.from({ length: nodes }, (_, k) => {
    return 1 - (((k % size) - 16) ** 2 + (Math.floor(k / size) - 16) ** 2) / 400
  })
  const tables = new ResidualTables(size, 1, { smooth: constant(1e-3), fine: constant(1e6) })
  for (let round = 0; round < 60; round++) tables.step(measuredNodes(fault, tables, 1))
  for (let v = 6; v < size - 6; v++) {
    for (let u = 6; u < size - 6; u++) expect(tables.total[v * size + u]).toBeCloseTo(fault[v * size + u], 2)
  }
})

test('where nothing speaks for it, single nodes stay what the prior says', () => {
  const spike = new Float64Array(nodes)
  spike[16 * size + 16] = 1
  const tables = new ResidualTables(size, 1, { smooth: constant(1e6), fine: constant(3) })
  for (let round = 0; round < 40; round++) tables.step(measuredNodes(spike, tables, 1))
  // Measured once as 1 ± 1 and expected as 0 ± 1/√3: the mean weighted by precision.
  expect(tables.total[16 * size + 16]).toBeCloseTo(1 / 4, 3)
  expect(tables.total[10 * size + 10]).toBeCloseTo(0, 3)
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
    const tables = new ResidualTables(size, 1, { smooth: constant(1e-3), fine: constant(1e6) })
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
