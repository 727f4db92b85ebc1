import type { GrowthCurve } from './aperture.ts'
import { LocalPsf, type Psf } from './psf.ts'

/** What `psf.json` tells of a frame's PSF. */
export interface PsfSummary {
  kind: string
  stars: number
  fwhmPx: number
  elongation: number
  beta: number
  order: number
  chi: number
  oversampling: number
  radiusPx: number
  growth: { radiusPx: number[]; fraction: number[] }
  /** The PSF at nine places, a unit-flux star in the middle of side × side pixels, row-major. */
  samples: { x: number; y: number; side: number; pixels: number[] }[]
}

/** Name of the model, for people. */
export const PSF_KIND = 'moffat+table'

/** Summarise a PSF, with its picture at three by three places of the frame. */
export function summarisePsf(psf: Psf, growth: GrowthCurve): PsfSummary {
  const reach = Math.min(Math.ceil(3 * psf.fwhmPx), Math.floor(psf.radiusPx))
  const side = 2 * reach + 1
  const local = new LocalPsf(psf)
  const pixels = new Float64Array(side * side)
  const samples = [1, 3, 5].flatMap(row =>
    [1, 3, 5].map(column => {
      const x = Math.round((column * psf.width) / 6)
      const y = Math.round((row * psf.height) / 6)
      local.moveTo(x, y)
      local.values(x, y, x - reach, y - reach, side, side, pixels)
      return { x, y, side, pixels: Array.from(pixels, value => Number(value.toPrecision(5))) }
    }),
  )
  const rounded = (values: Float64Array) => Array.from(values, value => Number(value.toPrecision(6)))
  return {
    kind: PSF_KIND,
    stars: psf.stars,
    fwhmPx: psf.fwhmPx,
    elongation: psf.elongation,
    beta: psf.beta,
    order: psf.order,
    chi: psf.chi,
    oversampling: psf.oversampling,
    radiusPx: psf.radiusPx,
    growth: { radiusPx: rounded(growth.radiusPx), fraction: rounded(growth.fraction) },
    samples,
  }
}

/** Part of a star's light beyond the PSF's table, by the Moffat of its wing: it is extrapolated, not measured. */
export function lightOutside({ fwhmPx, beta, radiusPx }: Psf): number {
  const radii = (2 * radiusPx) / fwhmPx
  return (1 + radii * radii * (2 ** (1 / beta) - 1)) ** (1 - beta)
}
