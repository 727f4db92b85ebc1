import { f32x4, i32, kernel, repeat, type Value, type Variable } from '#shared/numeric/wasm.ts'

/** The 24 numbers that say where between the nodes of a table a stamp's pixels lie: values, slopes, bends, by x then y. */
export const SPLINE_NUMBERS = 24

type Pointer = Value<'i32'>
const { add, mul, sum } = f32x4
const zero = f32x4.const(0, 0, 0, 0)
const at = (pointer: Pointer, offset: Pointer) => i32.add(pointer, offset)

/** Mix four tables with their weights on a rectangle of rows, in each of the table's phases. */
export const mix = kernel(
  {
    t0: 'i32',
    t1: 'i32',
    t2: 'i32',
    t3: 'i32',
    weights: 'i32',
    out: 'i32',
    rows: 'i32',
    rowBytes: 'i32',
    phases: 'i32',
    phaseBytes: 'i32',
    columnBytes: 'i32',
  },
  (p, local) => {
    const [row, phase, column, offset] = [local('i32'), local('i32'), local('i32'), local('i32')]
    const w = [0, 1, 2, 3].map(() => local('v128'))
    const from = (table: Pointer) => f32x4.load(at(table, offset))
    return [
      ...w.map((weight, k) => weight.set(f32x4.loadSplat(p.weights, 4 * k))),
      repeat(row, i32.const(0), p.rows, 1, [
        repeat(phase, i32.const(0), p.phases, 1, [
          repeat(column, i32.const(0), p.columnBytes, 16, [
            offset.set(i32.add(i32.mul(row, p.rowBytes), i32.add(i32.mul(phase, p.phaseBytes), column))),
            f32x4.store(
              at(p.out, offset),
              sum(mul(w[0], from(p.t0)), mul(w[1], from(p.t1)), mul(w[2], from(p.t2)), mul(w[3], from(p.t3))),
            ),
          ]),
        ]),
      ]),
    ]
  },
)

const sampling = {
  /** First of the four rows of nodes under the stamp's first row, and the four columns, by their phases. */
  table: 'i32',
  column0: 'i32',
  column1: 'i32',
  column2: 'i32',
  column3: 'i32',
  rowBytes: 'i32',
  stepBytes: 'i32',
  numbers: 'i32',
  out: 'i32',
  planeBytes: 'i32',
  widthBytes: 'i32',
  h: 'i32',
} as const

type Sampling = { [K in keyof typeof sampling]: Variable<'i32'> }
type Local = <T extends 'i32' | 'v128'>(type: T) => Variable<T>
type Sum = Variable<'v128'>

/** Lists of the 24 numbers. */
const [VALUE_X, SLOPE_X, BEND_X, VALUE_Y, SLOPE_Y, BEND_Y] = [0, 1, 2, 3, 4, 5]

/**
 * Walk over the pixels of a stamp, four at a time. Each of the four columns of nodes around them is summed along y with
 * the list of weights `alongY[0]` and with `alongY[1]`; term k of `terms` says which of the two goes, times which list
 * by x, into which of the results. The results are stored plane after plane.
 */
function overNodes(
  p: Sampling,
  local: Local,
  alongY: [number, number],
  results: number,
  terms: { of: 0 | 1; byX: number; into: number }[],
) {
  const [row, column, table, out, node, target] = Array.from({ length: 6 }, () => local('i32'))
  const weight = Array.from({ length: SPLINE_NUMBERS }, () => local('v128'))
  const nodes = Array.from({ length: 4 }, () => local('v128'))
  const inner: Sum[] = [local('v128'), local('v128')]
  const result: Sum[] = Array.from({ length: results }, () => local('v128'))
  const products = (list: number) => nodes.map((value, k) => mul(weight[4 * list + k], value))
  return [
    ...weight.map((w, k) => w.set(f32x4.loadSplat(p.numbers, 4 * k))),
    table.set(p.table),
    out.set(p.out),
    repeat(row, i32.const(0), p.h, 1, [
      repeat(column, i32.const(0), p.widthBytes, 16, [
        ...result.map(r => r.set(zero)),
        ...[p.column0, p.column1, p.column2, p.column3].flatMap((start, c) => [
          node.set(at(at(table, start), column)),
          nodes[0].set(f32x4.load(node)),
          ...nodes.slice(1).flatMap(value => [node.set(at(node, p.rowBytes)), value.set(f32x4.load(node))]),
          ...inner.map((sumY, i) => sumY.set(sum(...products(alongY[i])))),
          ...terms.map(({ of, byX, into }) => result[into].set(add(result[into], mul(weight[4 * byX + c], inner[of])))),
        ]),
        target.set(at(out, column)),
        ...result.flatMap(r => [f32x4.store(target, r), target.set(at(target, p.planeBytes))]),
      ]),
      table.set(at(table, p.stepBytes)),
      out.set(at(out, p.widthBytes)),
    ]),
  ]
}

/** Profile and slopes of a star on the pixels of its stamp, into its first three planes. */
export const sample = kernel(sampling, (p, local) =>
  overNodes(p, local, [VALUE_Y, SLOPE_Y], 3, [
    { of: 0, byX: VALUE_X, into: 0 },
    { of: 0, byX: SLOPE_X, into: 1 },
    { of: 1, byX: VALUE_X, into: 2 },
  ]),
)

/** Laplacian of the profile on the pixels of a stamp, into one plane. */
export const laplacian = kernel(sampling, (p, local) =>
  overNodes(p, local, [VALUE_Y, BEND_Y], 1, [
    { of: 0, byX: BEND_X, into: 0 },
    { of: 1, byX: VALUE_X, into: 0 },
  ]),
)

/**
 * Spread amounts over the 4 × 4 nodes around each pixel of a rectangle: each node gets weight · amount · each of the
 * terms. All pixels of a star have the same weights, since the table's step divides the pixel.
 */
export const spread = kernel(
  {
    amounts: 'i32',
    widthBytes: 'i32',
    w: 'i32',
    h: 'i32',
    weights: 'i32',
    terms: 'i32',
    /** Bytes of a node, and of a row of nodes; nodes from pixel to pixel. */
    termBytes: 'i32',
    rowBytes: 'i32',
    nodes: 'i32',
    /** First of the nodes around the first pixel. */
    out: 'i32',
  },
  (p, local) => {
    const [line, column, block, amount, first, node, row] = Array.from({ length: 7 }, () => local('i32'))
    const [term, share] = [local('v128'), local('v128')]
    const weight = Array.from({ length: 16 }, () => local('v128'))
    return [
      ...weight.map((w, n) => w.set(f32x4.loadSplat(p.weights, 4 * n))),
      repeat(block, i32.const(0), p.termBytes, 16, [
        term.set(f32x4.load(at(p.terms, block))),
        repeat(line, i32.const(0), p.h, 1, [
          amount.set(at(p.amounts, i32.mul(line, p.widthBytes))),
          first.set(at(at(p.out, block), i32.mul(i32.mul(line, p.nodes), p.rowBytes))),
          repeat(column, i32.const(0), p.w, 1, [
            share.set(mul(term, f32x4.loadSplat(amount))),
            row.set(first),
            ...[0, 1, 2, 3].flatMap(b => [
              node.set(row),
              ...[0, 1, 2, 3].flatMap(a => [
                f32x4.store(node, add(f32x4.load(node), mul(weight[4 * b + a], share))),
                node.set(at(node, p.termBytes)),
              ]),
              row.set(at(row, p.rowBytes)),
            ]),
            amount.set(i32.add(amount, i32.const(4))),
            first.set(at(first, i32.mul(p.nodes, p.termBytes))),
          ]),
        ]),
      ]),
    ]
  },
)

/** A table: analytic part and the polynomial terms of the residual, each a plane, by their coefficients; all times a scale. */
export const compose = kernel(
  {
    analytic: 'i32',
    planes: 'i32',
    planeBytes: 'i32',
    terms: 'i32',
    coefficients: 'i32',
    scale: 'f32',
    out: 'i32',
    bytes: 'i32',
  },
  (p, local) => {
    const [k, term, from] = [local('i32'), local('i32'), local('i32')]
    const [scale, coefficient] = [local('v128'), local('v128')]
    const sums = Array.from({ length: 4 }, () => local('v128'))
    return [
      scale.set(f32x4.splat(p.scale)),
      repeat(k, i32.const(0), p.bytes, 64, [
        ...sums.map((s, n) => s.set(f32x4.load(at(p.analytic, k), 16 * n))),
        from.set(at(p.planes, k)),
        repeat(term, i32.const(0), p.terms, 1, [
          coefficient.set(f32x4.loadSplat(at(p.coefficients, i32.mul(term, i32.const(4))))),
          ...sums.map((s, n) => s.set(add(s, mul(coefficient, f32x4.load(from, 16 * n))))),
          from.set(at(from, p.planeBytes)),
        ]),
        ...sums.map((s, n) => f32x4.store(at(p.out, k), mul(scale, s), 16 * n)),
      ]),
    ]
  },
)
