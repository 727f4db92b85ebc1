import { median } from '#shared/numeric/robust.ts'
import { NodeEquations } from './node-equations.ts'
import { nodePlace, type Psf } from './psf.ts'
import { envelopeOf } from './psf-finish.ts'
import { ResidualTables } from './psf-residual.ts'
import { type Sample, SampleStamps } from './psf-sample.ts'
import { type CoreShape, legendreTerms, scaledPlace, termCount } from './psf-shape.ts'
import { tableError } from './psf-table-error.ts'
import type { Scene } from './scene.ts'
import { StampPsf } from './stamp-psf.ts'

/**
 * How far the levels of the residual table may be from zero before the data have spoken: a part of the profile, and a part
 * of its peak that fades outwards. Far out a little per node is much in all, and faults of the sky would pass for a wing.
 */
const SMOOTH_PRIOR = { ofProfile: 0.3, ofPeak: 1.5e-3 }
const FINE_PRIOR = { ofProfile: 0.1, ofPeak: 1e-3 }
const PRIOR_PEAK_FWHM = 1.2
/** Weights, and with them the normal equations of the nodes, have settled after so many rounds. */
const SETTLED_ROUND = 2
/** How often a star is placed before the first round. */
const FIRST_STEPS = 3
/** Times the usual power at which a star is no example of the others. */
const MISFIT_CLIP = 4
/** Fewer stars than this are not thrown out further. */
const LEAST_STARS = 3

/**
 * Fill the tables' residual part from the samples, under the prior that the analytic core is nearly right.
 *
 * Each round fits the stars anew and spreads what they leave over the nodes around each pixel; then every node's own small
 * equations are solved, and those of the smooth level (block-diagonal, overrelaxed steps towards the least-squares tables).
 */
export function refineTables(psf: Psf, shape: CoreShape, samples: Sample[], scene: Scene, rounds: number): void {
  const mark = scene.memory.mark()
  const order = shape.tableOrder
  const tables = new StampPsf(scene.memory, psf)
  const compose = composer(tables, order, scene)
  const stamps = new SampleStamps(scene.memory, tables, samples)
  const equations = new NodeEquations(psf, order, stamps)
  const priors = { smooth: priorPrecision(psf, SMOOTH_PRIOR), fine: priorPrecision(psf, FINE_PRIOR) }
  const residual = new ResidualTables(2 * psf.half + 1, termCount(order), priors, psf.fwhmPx * psf.oversampling)
  let used = samples
  for (let round = 0; round < rounds; round++) {
    equations.clear(round < SETTLED_ROUND)
    for (const sample of used) {
      stamps.moveTo(sample)
      stamps.fit(sample, round === 0 ? FIRST_STEPS : 1)
      stamps.sample(sample)
      stamps.fitSky(sample)
      equations.add(stamps, sample, scaledPlace(scene, sample.x0, sample.y0))
    }
    residual.step(equations.blocks)
    compose(residual.total)
    used = withoutOutliers(used)
  }
  const misfits = used.map(sample => {
    stamps.moveTo(sample)
    stamps.fit(sample, 1)
    stamps.sample(sample)
    return stamps.misfitOf(sample)
  })
  tables.store()
  psf.stars = used.length
  psf.tableErr = tableError(psf, order, used, residual, equations.blocks, scene)
  psf.chi = median(used.map(sample => sample.chi))
  psf.misfitErr = misfitError(misfits)
  envelopeOf(psf)
  scene.memory.release(mark)
}

function withoutOutliers(samples: Sample[]): Sample[] {
  const typical = median(samples.map(sample => sample.chi))
  const good = samples.filter(sample => sample.chi < 2 * Math.max(typical, 1))
  return good.length >= LEAST_STARS ? good : samples
}

/**
 * Relative error of fluxes by what the PSF leaves in its stars beyond the noise: where it is at fault that grows with the
 * star. Stars with a neighbour or a defect do not count.
 */
function misfitError(misfits: { power: number; variance: number }[]): number {
  const most = MISFIT_CLIP * Math.max(1, median(misfits.map(({ power }) => power)))
  const usual = misfits.filter(({ power }) => power < most)
  const beyond = usual.reduce((sum, { power, variance }) => sum + (power - 1) * variance, 0)
  return Math.sqrt(Math.max(0, beyond) / usual.length)
}

/** Prior precision of each node's residual: the analytic core is right to a part of itself and of its peak. */
function priorPrecision(psf: Psf, { ofProfile, ofPeak }: typeof SMOOTH_PRIOR): Float64Array {
  const length = (2 * psf.half + 1) ** 2
  const middle = Math.floor((psf.nodesX * psf.nodesY) / 2)
  const table = psf.tables.subarray(middle * length, (middle + 1) * length)
  let peak = 0
  for (const value of table) peak = Math.max(peak, value)
  const size = 2 * psf.half + 1
  const scale = PRIOR_PEAK_FWHM * psf.fwhmPx * psf.oversampling
  return Float64Array.from(table, (value, k) => {
    const square = ((k % size) - psf.half) ** 2 + (Math.floor(k / size) - psf.half) ** 2
    const core = ofPeak * peak * Math.exp(-square / (2 * scale * scale))
    return 1 / (ofProfile * Math.abs(value) + core + 1e-9 * peak) ** 2
  })
}

/**
 * Put core and residual together at every node of the frame and bring the sum to unit flux.
 *
 * @returns a function of the residual's coefficients, node of the table after node
 */
function composer(tables: StampPsf, order: number, frame: { width: number; height: number }) {
  const { psf, memory, tableLength } = tables
  const count = termCount(order)
  const length = (2 * psf.half + 1) ** 2
  const analytic = memory.floats(tables.tables.length)
  analytic.set(tables.tables)
  const planes = Array.from({ length: count }, () => memory.floats(tableLength + 16).fill(0))
  const planeBytes = count > 1 ? planes[1].byteOffset - planes[0].byteOffset : 0
  const terms = memory.floats(count)
  const plane = new Float64Array(length)
  return (coefficients: Float64Array) => {
    const sums = planes.map((into, term) => {
      const sum = takeTerm(coefficients, count, term, plane)
      tables.layOut(plane, 1, into)
      return sum
    })
    for (let node = 0; node < psf.nodesX * psf.nodesY; node++) {
      const place = nodePlace(psf, node)
      const scaled = scaledPlace(frame, place.x, place.y)
      legendreTerms(order, scaled.x, scaled.y, terms)
      const sum = sums.reduce((all, value, term) => all + value * terms[term], 0)
      const total = 1 + sum / (psf.oversampling * psf.oversampling)
      memory.kernels.compose(
        analytic.byteOffset + 4 * node * tableLength,
        planes[0].byteOffset,
        planeBytes,
        count,
        terms.byteOffset,
        1 / total,
        tables.tables.byteOffset + 4 * node * tableLength,
        4 * tableLength,
      )
      psf.wingFactor[node] = 1 / total
    }
  }
}

/** One coefficient of every node; returns their sum. */
function takeTerm(coefficients: Float64Array, count: number, term: number, into: Float64Array): number {
  let sum = 0
  for (let k = 0, at = term; k < into.length; k++, at += count) {
    into[k] = coefficients[at]
    sum += into[k]
  }
  return sum
}
