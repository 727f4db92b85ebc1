import { LocalPsf, type Psf } from './psf.ts'

/** One star of the group being fitted: its pixels and the PSF at its place. */
export class StarStamp {
  readonly local: LocalPsf
  /** Radius of the stamp, and how far the local table is made, pixel. */
  radius = 0
  tableRadius = 0
  x0 = 0
  y0 = 0
  w = 0
  h = 0
  readonly value: Float64Array
  readonly slopeX: Float64Array
  readonly slopeY: Float64Array
  readonly left: Float64Array
  readonly weight: Float64Array

  constructor(psf: Psf) {
    const side = 2 * Math.ceil(psf.radiusPx) + 2
    this.local = new LocalPsf(psf)
    this.value = new Float64Array(side * side)
    this.slopeX = new Float64Array(side * side)
    this.slopeY = new Float64Array(side * side)
    this.left = new Float64Array(side * side)
    this.weight = new Float64Array(side * side)
  }
}

/**
 * χ over the core, and the width beyond the PSF: a profile widened by variance s adds F·s/2·∇²P (to first order), so
 * s is the residual projected on that, after its part along the flux is taken out. Pixel².
 *
 * @param core radius of the pixels that count, pixel
 */
export function shapeOf(
  m: StarStamp,
  x: number,
  y: number,
  flux: number,
  core: number,
): { chi: number; sharp: number; sharpErr: number } {
  let square = 0
  let count = 0
  let vv = 0
  let vl = 0
  let ll = 0
  let rl = 0
  for (let k = 0; k < m.w * m.h; k++) {
    const w = m.weight[k]
    if (w === 0) continue
    const i = m.x0 + (k % m.w)
    const j = m.y0 + Math.floor(k / m.w)
    if ((i - x) ** 2 + (j - y) ** 2 > core * core) continue
    square += w * m.left[k] * m.left[k]
    count++
    const bend = m.local.laplacian(x, y, i, j) / 2
    vv += w * m.value[k] * m.value[k]
    vl += w * m.value[k] * bend
    ll += w * bend * bend
    rl += w * m.left[k] * bend
  }
  // A core of a few pixels, the rest masked, does not tell width from flux.
  const left = ll - (vl * vl) / vv
  const free = count > 3 && left > 1e-6 * ll ? left : 0
  return {
    chi: count > 3 ? Math.sqrt(square / (count - 3)) : Number.NaN,
    sharp: free > 0 ? rl / free / flux : Number.NaN,
    sharpErr: free > 0 ? 1 / Math.sqrt(free) / flux : Number.NaN,
  }
}
