import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { madSigma, median } from '#shared/numeric/robust.ts'

/** A star as the simulator drew it: 0-based pixel, degrees at the frame's epoch, total flux and its Cramér–Rao bound in ADU. */
export interface TrueStar {
  type: string
  x: number
  y: number
  raDeg: number
  decDeg: number
  flux: number
  bound: number
  /** Neighbours' light in its profile, part of its own. */
  contamination: number
  saturated: boolean
}

/** What the simulator tells of a frame, as far as it is used here. */
export interface FrameTruth {
  target: { x: number; y: number; ra: number; dec: number; mag_band: number; flux_adu: number }
  /** Bound of the target's flux where its neighbours are fitted too, ADU. */
  targetBoundAdu: number
  stars: TrueStar[]
}

/**
 * Read `truth.json` and `truth.csv` of a simulated frame. Fluxes are those that reach the pixels: the frames are vignetted,
 * and nobody has divided them by a flat field.
 */
export function readTruth(folder: string): FrameTruth {
  const { target, params } = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as Pick<
    FrameTruth,
    'target'
  > & { params: { nx: number; ny: number; vign: number } }
  const { nx, ny, vign } = params
  const throughput = (x: number, y: number) =>
    1 - (vign * ((x - (nx - 1) / 2) ** 2 + (y - (ny - 1) / 2) ** 2)) / ((nx * nx + ny * ny) / 4)
  const [head, ...lines] = readFileSync(join(folder, 'truth.csv'), 'utf8').trim().split('\n')
  const names = head.split(',')
  const rows = lines.map(line => line.split(','))
  const column = (name: string) => names.indexOf(name)
  const joint = column('crlb_flux_joint')
  const stars = rows.map(cells => {
    const [x, y] = [Number(cells[column('x')]), Number(cells[column('y')])]
    return {
      type: cells[column('type')],
      x,
      y,
      raDeg: Number(cells[column('ra')]),
      decDeg: Number(cells[column('dec')]),
      flux: Number(cells[column('flux_adu')]) * throughput(x, y),
      bound: Number(cells[column('crlb_flux')]),
      contamination: Number(cells[column('contam')]),
      saturated: cells[column('saturated')] === '1',
    }
  })
  const own = rows.find(cells => cells[column('type')] === 'target')
  const arriving = { ...target, flux_adu: target.flux_adu * throughput(target.x, target.y) }
  return { target: arriving, targetBoundAdu: Number(own?.[joint]), stars }
}

/** A star tells the scale no better than this: flat field, PSF. */
const STAR_FLOOR = 0.003
/** Stars farther off than this many errors say nothing of the scale. */
const SCALE_CLIP = 4

interface FoundStars {
  x: Float64Array
  y: Float64Array
  flux: Float64Array
}

/** A star of the truth must be found this near, pixel. */
const FOUND_WITHIN_PX = 1

/** Unsaturated stars that were found, each with the flux of what lies nearest. */
function* matched(truth: FrameTruth, found: FoundStars): Generator<{ star: TrueStar; flux: number }> {
  const cellPx = 4
  const cells = new Map<string, number[]>()
  const key = (x: number, y: number) => `${Math.floor(x / cellPx)} ${Math.floor(y / cellPx)}`
  found.x.forEach((x, i) => {
    const k = key(x, found.y[i])
    cells.set(k, [...(cells.get(k) ?? []), i])
  })
  for (const star of truth.stars) {
    if (star.type !== 'star' || star.saturated) continue
    let nearest = -1
    let closest = FOUND_WITHIN_PX
    for (const dx of [-cellPx, 0, cellPx])
      for (const dy of [-cellPx, 0, cellPx])
        for (const i of cells.get(key(star.x + dx, star.y + dy)) ?? []) {
          const distance = Math.hypot(found.x[i] - star.x, found.y[i] - star.y)
          if (distance >= closest) continue
          closest = distance
          nearest = i
        }
    if (nearest >= 0) yield { star, flux: found.flux[nearest] }
  }
}

/** By what our fluxes have to be multiplied to be the truth's, and its relative error: mean over isolated stars. */
export function scaleOfTruth(truth: FrameTruth, found: FoundStars): { scale: number; error: number } {
  const ratios: number[] = []
  const errors: number[] = []
  for (const { star, flux } of matched(truth, found)) {
    const significance = star.flux / star.bound
    if (star.contamination > 0.02 || !(significance > 20) || significance > 1000) continue
    ratios.push(star.flux / flux)
    errors.push(Math.hypot(star.bound / star.flux, STAR_FLOOR))
  }
  const middle = median(ratios)
  const off = ratios.map(ratio => ratio / middle - 1)
  const weights = errors.map((error, i) => (Math.abs(off[i]) < SCALE_CLIP * error ? 1 / error ** 2 : 0))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  const mean = weights.reduce((total, weight, i) => total + weight * off[i], 0) / sum
  return { scale: middle * (1 + mean), error: 1 / Math.sqrt(sum) }
}

/** Median error of the magnitudes of stars of like signal-to-noise, and the scatter about it. */
export interface BinBias {
  snr: string
  n: number
  biasMag: number
  sigmaMag: number
}

/**
 * Median errors of magnitudes of all stars, whether neighbours lie in their light or not. Isolated stars alone are chosen:
 * a star of low signal-to-noise counts as isolated where there is less light beside it than at a place taken at random.
 */
export function biasOfAll(truth: FrameTruth, found: FoundStars): BinBias[] {
  const bins = [20, 50, 200, 1000]
  const seen = [...matched(truth, found)].map(({ star, flux }) => ({
    significance: star.flux / star.bound,
    off: -2.5 * Math.log10(flux / star.flux),
  }))
  return bins.slice(1).flatMap((to, i) => {
    const off = seen.filter(({ significance }) => significance >= bins[i] && significance < to).map(({ off }) => off)
    if (off.length < 8) return []
    return [{ snr: `${bins[i]}-${to}`, n: off.length, biasMag: median(off), sigmaMag: madSigma(off) }]
  })
}

/** Seeds written as "1-3,7". */
export function seedsOf(text: string): number[] {
  return text.split(',').flatMap(part => {
    const [first, last = first] = part.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}
