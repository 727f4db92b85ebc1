import { flagMask } from '#shared/flags.ts'
import type { Scatter } from './empty-scatter.ts'
import { type FitOptions, GroupFitter } from './group-fit.ts'
import { Groups, groupStars } from './groups.ts'
import { PlaceIndex } from './place-index.ts'
import type { Psf } from './psf.ts'
import { type Found, searchResidual } from './residual-search.ts'
import type { Scene } from './scene.ts'
import type { SceneStars } from './scene-stars.ts'
import type { StampPsf } from './stamp-psf.ts'

/** Pixels within this many FWHM of a star carry its fit: 99 % of what the photons know. */
const FIT_FWHM = 2.3
/** Stars closer than this, FWHM, are fitted at once; farther ones see each other subtracted, sweep after sweep. */
const LINK_FWHM = 1.6
/** A star fainter than this many of its own errors is no star. */
const LEAST_SIGMA = 3
/** Closer than this, FWHM, two stars cannot be told apart; up to `NEAR` the fainter one has to be sure of itself. */
const MERGE_FWHM = 0.4
const NEAR_FWHM = 0.9
const NEAR_SIGMA = 5
/** Narrower than the PSF by this many errors, and by this part of its variance: a hot pixel or a cosmic ray. */
const NARROW_SIGMA = 4
const NARROW_PART = 0.35
/** Threshold of the search for stars hidden in the light of others, σ, and how well stars are trusted to be subtracted. */
const SEARCH_SIGMA = 4.3
const SEARCH_DOUBT = 0.04
/** Its peak has to stand out by this part of the light there: what a PSF misses is one patch, not noise per pixel. */
const SEARCH_PART = 0.1
/** Around a PSF star, FWHM, what is fainter than this part of it is taken for a fault of the rough PSF. */
const SHIELD_FWHM = 2.5
const SHIELD_PART = 0.1

/** In the glare of a saturated star, whose profile nobody knows well, a star has to stand out by this part of it. */
const GLARE_PART = 0.5
const GLARE_FWHM = 15

/** Fits all stars of a scene in sweeps over their groups, brightest first. */
export class SceneFitter {
  readonly #scene: Scene
  readonly #stars: SceneStars
  readonly #psf: Psf
  readonly #fitter: GroupFitter
  #groups = new Groups(0)
  /** Stars of the scene when they were grouped; −1 where they have to be grouped anew. */
  #groupedStars = -1
  /** How much more empty places scatter than their noise: significances are divided by it. */
  #scatter: Scatter = () => 1

  constructor(scene: Scene, stars: SceneStars, psf: Psf) {
    this.#scene = scene
    this.#stars = stars
    this.#psf = psf
    this.#fitter = new GroupFitter(scene, stars, psf, Math.max(FIT_FWHM * psf.fwhmPx, 3))
  }

  /** The PSF in the memory of the scene. */
  get tables(): StampPsf {
    return this.#fitter.tables
  }

  /** How much more empty places scattered than their noise when hidden stars were last looked for. */
  get scatter(): Scatter {
    return this.#scatter
  }

  /** Give each star that has none a first flux at its place, brightest first, so that faint ones see the bright taken away. */
  start(order: ArrayLike<number>): void {
    for (let i = 0; i < order.length; i++) this.#fitter.firstFlux(order[i], this.#psf.fwhmPx)
  }

  /** Draw all stars anew, under this fitter's PSF. */
  redrawAll(): void {
    const { flux, wingFlux } = this.#stars
    this.#scene.clear()
    for (const star of this.#stars.byFlux()) {
      const drawn = flux[star]
      flux[star] = 0
      wingFlux[star] = 0
      this.#fitter.draw(star, drawn)
    }
    this.#scene.drawWings(this.#psf, this.#stars)
  }

  /** One pass over all groups. */
  sweep(iterations: number, robust: boolean, errors: FitOptions['errors'] = 'none'): void {
    const groups = this.#grouped()
    for (let k = 0; k < groups.count; k++) this.#fitter.fit(groups.at(k), { iterations, robust, errors })
    this.#scene.drawWings(this.#psf, this.#stars)
  }

  /** One more pass over the groups that lie within two fitting radii of stars that came or went. */
  resweep(changed: readonly number[], iterations = 1, errors: FitOptions['errors'] = 'exact'): void {
    const { x, y } = this.#stars
    const reach = 2 * FIT_FWHM * this.#psf.fwhmPx
    const index = new PlaceIndex(reach)
    for (const star of changed) index.add(x, y, star)
    const groups = this.#grouped()
    for (let k = 0; k < groups.count; k++) {
      const group = groups.at(k)
      if (!group.some(star => index.nearest(x, y, star) < reach)) continue
      this.#fitter.fit(group, { iterations, robust: true, errors })
    }
    this.#scene.drawWings(this.#psf, this.#stars)
  }

  /** Groups hold as long as no star comes or goes: positions change by little. */
  #grouped(): Groups {
    if (this.#groupedStars !== this.#stars.count) this.#groups = groupStars(this.#stars, LINK_FWHM * this.#psf.fwhmPx)
    this.#groupedStars = this.#stars.count
    return this.#groups
  }

  /** Fit one group by itself. */
  fitGroup(group: Int32Array, iterations: number): void {
    this.#fitter.fit(group, { iterations, robust: true, errors: 'exact' })
  }

  /** Drop what the fit shows to be no star of its own: too faint, too close to a brighter one, too narrow. Needs errors. */
  prune(): number[] {
    const { x, y, flux, fluxErr, flags, held } = this.#stars
    const near = NEAR_FWHM * this.#psf.fwhmPx
    const merge = MERGE_FWHM * this.#psf.fwhmPx
    const kept = new PlaceIndex(near)
    const glaring = this.#saturated()
    const dropped: number[] = []
    for (const star of this.#stars.byFlux()) {
      if (held[star]) continue
      const sigma = flux[star] / fluxErr[star] / this.#scatter(x[star], y[star])
      const closest = kept.nearest(x, y, star)
      const hopeless = !(sigma > LEAST_SIGMA) || closest < merge || (closest < near && sigma < NEAR_SIGMA)
      if (hopeless || this.#isNarrow(star) || this.#isGlare(star, glaring)) {
        this.drop(star)
        dropped.push(star)
      } else {
        kept.add(x, y, star)
        if (closest < near) flags[star] |= flagMask('blended')
      }
    }
    return dropped
  }

  /** Take a star out of the scene. */
  drop(star: number): void {
    this.#fitter.draw(star, 0)
    this.#groupedStars = -1
    this.#stars.dropped[star] = 1
  }

  /**
   * Look for stars in what is left, and enter them. Returns how many.
   *
   * @param shielded stars the PSF is still to be learnt from: what is faint and near them is rather the PSF's own
   */
  addHidden(shielded: ArrayLike<number> = []): number {
    const { peaks, scatter } = searchResidual(this.#scene, this.#psf, SEARCH_DOUBT, SEARCH_SIGMA)
    this.#scatter = scatter
    const taken = new PlaceIndex(MERGE_FWHM * this.#psf.fwhmPx)
    for (const star of this.#stars.byFlux()) taken.add(this.#stars.x, this.#stars.y, star)
    const added: number[] = []
    for (const peak of peaks) {
      if (peak.significance < SEARCH_SIGMA * this.#scatter(peak.x, peak.y)) continue
      if (peak.flux * this.#psf.envelope[0] < SEARCH_PART * this.#lightAt(peak.x, peak.y)) continue
      if (taken.nearestTo(peak.x, peak.y, this.#stars.x, this.#stars.y) < MERGE_FWHM * this.#psf.fwhmPx) continue
      if (this.#isShielded(peak, shielded)) continue
      const star = this.#stars.add(peak.x, peak.y)
      if (star < 0) break
      taken.add(this.#stars.x, this.#stars.y, star)
      added.push(star)
    }
    this.start(added)
    return added.length
  }

  #isShielded(peak: Found, shielded: ArrayLike<number>): boolean {
    const { x, y, flux } = this.#stars
    const reach = SHIELD_FWHM * this.#psf.fwhmPx
    for (let i = 0; i < shielded.length; i++) {
      const star = shielded[i]
      if (Math.abs(peak.x - x[star]) > reach || Math.abs(peak.y - y[star]) > reach) continue
      if (Math.hypot(peak.x - x[star], peak.y - y[star]) < reach && peak.flux < SHIELD_PART * flux[star]) return true
    }
    return false
  }

  /** Starlight drawn at a place, ADU in its pixel. */
  #lightAt(x: number, y: number): number {
    const { data, residual, sky } = this.#scene
    const k = this.#scene.indexAt(x, y)
    return data[k] - residual[k] - sky[k]
  }

  #saturated(): number[] {
    const { count, flags, dropped } = this.#stars
    const found: number[] = []
    for (let i = 0; i < count; i++) if (!dropped[i] && flags[i] & flagMask('saturated')) found.push(i)
    return found
  }

  /** Whether a star is but an unevenness in the light of a much brighter saturated one. */
  #isGlare(star: number, glaring: number[]): boolean {
    const { x, y, flux } = this.#stars
    const { envelope, fwhmPx } = this.#psf
    for (const other of glaring) {
      if (other === star || flux[other] < 5 * flux[star]) continue
      const dx = x[other] - x[star]
      if (Math.abs(dx) > GLARE_FWHM * fwhmPx) continue
      const distance = Math.hypot(dx, y[other] - y[star])
      if (distance > GLARE_FWHM * fwhmPx) continue
      // Beyond the table the wing falls about as the fifth power of the distance.
      const edge = envelope.length - 1
      const beyond = distance > edge ? (edge / distance) ** 5 : 1
      const light = flux[other] * envelope[Math.min(Math.floor(distance), edge)] * beyond
      if (flux[star] * envelope[0] < GLARE_PART * light) return true
    }
    return false
  }

  /** Whether a star is narrower than the PSF. What is left of a saturated core does not tell. */
  #isNarrow(star: number): boolean {
    const { sharp, sharpErr, flags } = this.#stars
    if (flags[star] & flagMask('saturated')) return false
    const variance = (this.#psf.fwhmPx / 2.355) ** 2
    return sharp[star] < -NARROW_SIGMA * sharpErr[star] && sharp[star] < -NARROW_PART * variance
  }
}
