import { flagMask } from '#shared/flags.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import { measureOnHost } from './host-galaxy.ts'
import { fitWithLocalSky } from './local-sky.ts'
import { RELATIVE_FLOOR } from './make-catalogue.ts'
import type { MeasuredFrame } from './measure-stars.ts'
import { LocalPsf } from './psf.ts'
import { maskFlags } from './scene.ts'
import type { ForcedPhotometry } from './star-catalogue.ts'

/** A star within this many FWHM of the target, and this significant, is the target. */
const SAME_FWHM = 0.5
const SURE_SIGMA = 10
/** Stars within this many FWHM are fitted together with the target. */
const TOGETHER_FWHM = 2
/** Empty places between these distances, FWHM, tell how far fluxes here can be trusted. */
const EMPTY_FROM_FWHM = 1.5
const EMPTY_TO_FWHM = 7

/**
 * Flux at the place of a target, seen or not. Where a significant star stands there, its own fitted place and flux are
 * taken (coordinates are never exact, and a wrong place loses flux). Else the place is held, neighbours within two FWHM
 * are fitted with it, and negative fluxes stay. The sky under it may be a surface (see {@link fitWithLocalSky}) or a
 * galaxy (see {@link measureOnHost}), and the error contains what fluxes of empty places around scatter.
 *
 * The scene is left as it was found, but for a star on a galaxy, which gets its better flux there too.
 *
 * @param x,y place on the frame, 0-based pixel
 * @returns undefined where no usable pixel tells anything
 */
export function measureTarget(
  measured: MeasuredFrame,
  target: { name: string; raDeg: number; decDeg: number },
  x: number,
  y: number,
): ForcedPhotometry | undefined {
  const { stars, psf } = measured
  const same = nearestStar(measured, x, y, SAME_FWHM * psf.fwhmPx)
  if (same >= 0 && !stars.held[same] && stars.flux[same] > SURE_SIGMA * stars.fluxErr[same]) {
    settleOnHost(measured, same)
    return report(measured, target, stars.x[same], stars.y[same], {
      flux: stars.flux[same],
      fluxErr: stars.fluxErr[same],
      chi: stars.chi[same],
      flags: stars.flags[same],
    })
  }
  return measureHeld(measured, target, x, y, same)
}

/** Give a star on a galaxy the flux that is left when the galaxy's turned image is taken away. */
function settleOnHost(measured: MeasuredFrame, star: number): void {
  const { scene, stars, psf } = measured
  const host = measureOnHost(measured, star)
  if (!host || !(host.flux > 0)) return
  const local = new LocalPsf(psf)
  local.moveTo(stars.homeX[star], stars.homeY[star])
  scene.redraw(local, stars, star, stars.x[star], stars.y[star], host.flux, stars.radius[star])
  stars.fluxErr[star] = Math.max(stars.fluxErr[star], host.fluxErr)
}

function measureHeld(
  measured: MeasuredFrame,
  target: { name: string; raDeg: number; decDeg: number },
  x: number,
  y: number,
  replaced: number,
): ForcedPhotometry | undefined {
  const { scene, stars, psf, fitter } = measured
  const neighbours = Array.from(stars.byFlux()).filter(
    star => star !== replaced && Math.hypot(stars.x[star] - x, stars.y[star] - y) < TOGETHER_FWHM * psf.fwhmPx,
  )
  const before = [...neighbours, ...(replaced >= 0 ? [replaced] : [])].map(star => remember(measured, star))
  if (replaced >= 0) fitter.drop(replaced)
  const star = stars.add(x, y, maskFlags(scene, x, y, 1.5 * psf.fwhmPx))
  if (star < 0) return undefined
  stars.held[star] = 1
  fitter.fitGroup(Int32Array.from([star, ...neighbours.slice(0, 20)]), 6)
  const local = new LocalPsf(psf)
  const surface = fitWithLocalSky(scene, local, stars, star, true)
  const flags = stars.flags[star] | flagMask('forcedPosition') | (neighbours.length > 0 ? flagMask('blended') : 0)
  const host = measureOnHost(measured, star)
  const flux = host?.flux ?? (surface && surface.order >= 0 ? surface.flux : stars.flux[star])
  const fluxErr = Math.max(stars.fluxErr[star], surface?.fluxErr ?? 0, host?.fluxErr ?? 0)
  const chi = stars.chi[star]
  fitter.drop(star)
  for (const restore of before) restore()
  return report(measured, target, x, y, { flux, fluxErr, chi, flags })
}

/** How to bring a star back to where it stands now. */
function remember(measured: MeasuredFrame, star: number): () => void {
  const { scene, stars, psf } = measured
  const [x, y, flux, radius] = [stars.x[star], stars.y[star], stars.flux[star], stars.radius[star]]
  const columns = [stars.fluxErr, stars.xErr, stars.yErr, stars.chi, stars.sharp, stars.sharpErr]
  const values = columns.map(column => column[star])
  const flags = stars.flags[star]
  return () => {
    const local = new LocalPsf(psf)
    local.moveTo(stars.homeX[star], stars.homeY[star])
    scene.redraw(local, stars, star, x, y, flux, radius)
    columns.forEach((column, i) => {
      column[star] = values[i]
    })
    stars.flags[star] = flags
    stars.dropped[star] = 0
  }
}

function report(
  measured: MeasuredFrame,
  target: { name: string; raDeg: number; decDeg: number },
  x: number,
  y: number,
  fit: { flux: number; fluxErr: number; chi: number; flags: number },
): ForcedPhotometry | undefined {
  if (!Number.isFinite(fit.flux) || !(fit.fluxErr > 0)) return undefined
  const sky = measured.scene.sky[measured.scene.indexAt(x, y)]
  const fluxErr = Math.hypot(fit.fluxErr, emptyExcess(measured, x, y), RELATIVE_FLOOR * fit.flux)
  return { ...target, x, y, flux: fit.flux, fluxErr, skyAdu: sky, chi: fit.chi, flags: fit.flags }
}

/**
 * What fluxes of empty places around a position scatter, and are off zero, beyond their errors, ADU: the share of a
 * galaxy or nebula in the error.
 */
export function emptyExcess({ map, psf, scatter }: MeasuredFrame, x: number, y: number): number {
  const seen: number[] = []
  let unit = 0
  const step = Math.max(1, psf.fwhmPx / 2)
  const reach = EMPTY_TO_FWHM * psf.fwhmPx
  for (let v = -reach; v <= reach; v += step) {
    for (let u = -reach; u <= reach; u += step) {
      const r = Math.hypot(u, v)
      if (r < EMPTY_FROM_FWHM * psf.fwhmPx || r > reach) continue
      const i = Math.round(x + u)
      const j = Math.round(y + v)
      if (i < 0 || j < 0 || i >= map.width || j >= map.height) continue
      const k = j * map.width + i
      if (!(map.unit[k] > 0)) continue
      seen.push(map.significance[k])
      unit = unit === 0 ? map.unit[k] : Math.min(unit, map.unit[k])
    }
  }
  if (seen.length < 30) return 0
  const around = madSigma(seen) ** 2 + median(seen) ** 2
  // The ring holds some fifty independent places: its scatter is known to a tenth, so that much above 1 says nothing.
  const factor = Math.max(around > 1.3 ? around : 1, scatter(x, y) ** 2)
  return unit * Math.sqrt(factor - 1)
}

function nearestStar({ stars }: MeasuredFrame, x: number, y: number, within: number): number {
  let nearest = -1
  let closest = within
  for (let star = 0; star < stars.count; star++) {
    if (stars.dropped[star]) continue
    const distance = Math.hypot(stars.x[star] - x, stars.y[star] - y)
    if (distance <= closest) {
      closest = distance
      nearest = star
    }
  }
  return nearest
}
