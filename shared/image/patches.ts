import { PointGrid } from '#shared/numeric/point-grid.ts'
import type { StarShape } from './star-shape.ts'

const SWEEPS = 6
const OVERLAP_SIGMA = 6 // stars farther apart than this share no light that matters

/** Pixels above the sky, row-major. */
export interface Image {
  width: number
  height: number
  signal: Float32Array
}

/** A small copy of the frame around a star, the light of its neighbours taken away; reused between stars. */
export interface Patch extends Image {
  /** Frame coordinates of its first pixel. */
  left: number
  low: number
}

/**
 * Blended stars of a frame as Gaussians of one shape: fluxes that share the light of overlapping stars, and copies of a
 * star's surroundings without its neighbours.
 */
export class Blends {
  readonly x: Float64Array
  readonly y: Float64Array
  readonly flux: Float64Array
  readonly #neighbours: Int32Array[]
  readonly #shape: StarShape

  /**
   * @param x,y places of the stars, pixel; they may be bettered later by {@link move}
   * @param matched flux of each by the matched filter, which sees the neighbours' light too
   */
  constructor(x: Float64Array, y: Float64Array, matched: Float64Array, shape: StarShape) {
    this.x = x
    this.y = y
    this.#shape = shape
    const reach = OVERLAP_SIGMA * Math.sqrt(Math.max(shape.xx, shape.yy))
    const grid = new PointGrid(x, y, reach)
    this.#neighbours = Array.from(x, (_, k) =>
      Int32Array.from(
        grid
          .within(x[k], y[k], reach)
          .filter(row => row !== k)
          .sort((a, b) => a - b),
      ),
    )
    this.flux = this.#share(matched)
  }

  move(k: number, x: number, y: number): void {
    this.x[k] = x
    this.y[k] = y
  }

  /** The copy around star k. */
  cut(k: number, image: Image, patch: Patch): void {
    patch.left = Math.round(this.x[k]) - (patch.width >> 1)
    patch.low = Math.round(this.y[k]) - (patch.height >> 1)
    for (let v = 0; v < patch.height; v++) {
      const y = patch.low + v
      for (let u = 0; u < patch.width; u++) {
        const x = patch.left + u
        const inside = x >= 0 && y >= 0 && x < image.width && y < image.height
        patch.signal[v * patch.width + u] = inside ? image.signal[y * image.width + x] : 0
      }
    }
    for (const other of this.#neighbours[k]) if (this.#matters(other, k)) this.#takeAway(other, patch)
  }

  /** Whether star k stands alone: no light is taken away around it. */
  isAlone(k: number): boolean {
    return !this.#neighbours[k].some(other => this.#matters(other, k))
  }

  /** Whether a star's light is more than a thousandth of its neighbour's. */
  #matters(other: number, k: number): boolean {
    return this.flux[other] > 1e-3 * this.flux[k]
  }

  #takeAway(k: number, patch: Patch): void {
    const { xx, xy, yy } = this.#shape
    const determinant = xx * yy - xy * xy
    const height = this.flux[k] / (2 * Math.PI * Math.sqrt(determinant))
    const perStep = Math.exp(-yy / determinant)
    const reachX = 4 * Math.sqrt(xx)
    const reachY = 4 * Math.sqrt(yy)
    const centreX = this.x[k] - patch.left
    const centreY = this.y[k] - patch.low
    const first = Math.max(0, Math.ceil(centreX - reachX))
    const last = Math.min(patch.width - 1, Math.floor(centreX + reachX))
    const top = Math.min(patch.height - 1, Math.floor(centreY + reachY))
    for (let v = Math.max(0, Math.ceil(centreY - reachY)); v <= top; v++) {
      const dy = v - centreY
      // along a line a Gaussian goes on by factors that themselves go on by one factor
      const dx = first - centreX
      let light = height * Math.exp(-(yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / (2 * determinant))
      let factor = Math.exp(-(yy * (2 * dx + 1) - 2 * xy * dy) / (2 * determinant))
      for (let u = first; u <= last; u++) {
        patch.signal[v * patch.width + u] -= light
        light *= factor
        factor *= perStep
      }
    }
  }

  /** Fluxes f with matched = f + Σ overlap × f of the neighbours, by Gauss and Seidel, none below zero. */
  #share(matched: Float64Array): Float64Array {
    const { xx, xy, yy } = this.#shape
    const determinant = xx * yy - xy * xy
    const overlaps = this.#neighbours.map((rows, k) =>
      Float64Array.from(rows, row => {
        const dx = this.x[row] - this.x[k]
        const dy = this.y[row] - this.y[k]
        // Two equal Gaussians overlap as one of twice the variance.
        return Math.exp(-(yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / determinant / 4)
      }),
    )
    const flux = Float64Array.from(matched)
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      for (let k = 0; k < flux.length; k++) {
        const rows = this.#neighbours[k]
        let light = matched[k]
        for (let n = 0; n < rows.length; n++) light -= overlaps[k][n] * flux[rows[n]]
        flux[k] = Math.max(0, light)
      }
    }
    return flux
  }
}
