import { flagMask } from '#shared/flags.ts'
import type { Detections } from '#shared/image/frame.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import type { Scene } from './scene.ts'

/** More stars than this no longer sharpen the PSF, they only cost time. */
const MOST = 250
/** The frame is divided into this many cells per axis, which are served in turn, so that corners get stars too. */
const CELLS = 6
/** Light of neighbours within the PSF, relative to the star: they are subtracted, but not perfectly. */
const MOST_CONTAMINATION = 0.05
/** Signal-to-noise ratio asked for first, and what is taken where stars are few. */
const SIGNAL_TO_NOISE = [40, 20, 10]
const ENOUGH = 12

/**
 * Stars to learn the PSF from: unsaturated, whole, sharp as a star, isolated, bright, spread over the frame.
 *
 * @param fwhmPx width of a star, pixel
 * @returns indices into the detections, best first; may be empty
 */
export function choosePsfStars(detections: Detections, scene: Scene, fwhmPx: number): Int32Array {
  const contamination = neighbourLight(detections, fwhmPx)
  for (const least of SIGNAL_TO_NOISE) {
    const usable: number[] = []
    for (let i = 0; i < detections.x.length; i++) {
      if (isUsable(detections, scene, i, fwhmPx, least) && contamination[i] < MOST_CONTAMINATION) usable.push(i)
    }
    const stellar = keepStellar(detections, usable)
    if (stellar.length >= ENOUGH || least === SIGNAL_TO_NOISE[SIGNAL_TO_NOISE.length - 1]) {
      return spread(detections, scene, stellar)
    }
  }
  return new Int32Array(0)
}

/** Seeing of the frame from the detections: median width of the brighter unsaturated ones, pixel. */
export function seeingOf(detections: Detections): number {
  const bad = flagMask('saturated', 'nearEdge')
  const widths: number[] = []
  for (let i = 0; i < detections.x.length && widths.length < 200; i++) {
    if ((detections.flags[i] & bad) === 0 && detections.significance[i] > 10 && detections.fwhm[i] > 0.8) {
      widths.push(detections.fwhm[i])
    }
  }
  return median(widths)
}

function isUsable(d: Detections, scene: Scene, i: number, fwhmPx: number, least: number): boolean {
  if (d.flags[i] & flagMask('saturated', 'nearEdge', 'cosmicRay')) return false
  if (!(d.flux[i] > 0 && d.flux[i] > least * d.fluxErr[i])) return false
  const margin = 2 * fwhmPx
  if (!(d.x[i] > margin && d.y[i] > margin && d.x[i] < scene.width - margin && d.y[i] < scene.height - margin)) {
    return false
  }
  const x0 = Math.round(d.x[i])
  const y0 = Math.round(d.y[i])
  const core = Math.ceil(fwhmPx)
  for (let y = y0 - core; y <= y0 + core; y++) {
    for (let x = x0 - core; x <= x0 + core; x++) {
      const k = y * scene.width + x
      // Cameras leave linearity before they saturate.
      if (!scene.usable[k] || scene.data[k] > 0.85 * scene.saturationAdu) return false
    }
  }
  return true
}

/** Light of other detections inside each one's PSF, relative to its own, with a Moffat (β 2.5) for the overlap. */
function neighbourLight(d: Detections, fwhmPx: number): Float64Array {
  const light = new Float64Array(d.x.length)
  const reach = 8 * fwhmPx
  const core = 1.2 * fwhmPx
  const cells = new Map<number, number[]>()
  const key = (x: number, y: number) => Math.floor(x / reach) * 65536 + Math.floor(y / reach)
  for (let i = 0; i < d.x.length; i++) {
    const k = key(d.x[i], d.y[i])
    const list = cells.get(k)
    if (list) list.push(i)
    else cells.set(k, [i])
  }
  for (let i = 0; i < d.x.length; i++) {
    for (let a = -1; a <= 1; a++) {
      for (let b = -1; b <= 1; b++) {
        for (const j of cells.get(key(d.x[i] + a * reach, d.y[i] + b * reach)) ?? []) {
          if (j === i) continue
          const square = (d.x[i] - d.x[j]) ** 2 + (d.y[i] - d.y[j]) ** 2
          light[i] += (d.flux[j] / d.flux[i]) * (1 + square / (core * core)) ** -2.5
        }
      }
    }
  }
  return light
}

/** Leave out what is wider, narrower or longer than most: galaxies, hits, blends. */
function keepStellar(d: Detections, chosen: number[]): number[] {
  if (chosen.length < 4) return chosen
  const widths = chosen.map(i => d.fwhm[i])
  const shapes = chosen.map(i => d.elongation[i])
  const width = median(widths)
  const shape = median(shapes)
  const widthLimit = Math.max(4 * madSigma(widths), 0.15 * width)
  const shapeLimit = Math.max(4 * madSigma(shapes), 0.15)
  return chosen.filter(
    i => Math.abs(d.fwhm[i] - width) <= widthLimit && Math.abs(d.elongation[i] - shape) <= shapeLimit,
  )
}

/** Take the brightest of each cell in turn until there are enough. */
function spread(d: Detections, scene: Scene, chosen: number[]): Int32Array {
  const cells: number[][] = Array.from({ length: CELLS * CELLS }, () => [])
  for (const i of chosen) {
    const cx = Math.min(CELLS - 1, Math.floor((d.x[i] / scene.width) * CELLS))
    const cy = Math.min(CELLS - 1, Math.floor((d.y[i] / scene.height) * CELLS))
    cells[cy * CELLS + cx].push(i)
  }
  for (const cell of cells) cell.sort((a, b) => d.flux[b] - d.flux[a] || a - b)
  const taken: number[] = []
  for (let round = 0; taken.length < MOST; round++) {
    const before = taken.length
    for (const cell of cells) if (round < cell.length && taken.length < MOST) taken.push(cell[round])
    if (taken.length === before) break
  }
  return Int32Array.from(taken)
}
