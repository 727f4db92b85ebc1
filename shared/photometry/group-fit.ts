import { flagMask } from '#shared/flags.ts'
import { choleskyInPlace, choleskyInverseDiagonal, choleskySolve } from '#shared/numeric/linear.ts'
import { MAX_GROUP } from './groups.ts'
import type { Psf } from './psf.ts'
import type { Scene } from './scene.ts'
import type { SceneStars } from './scene-stars.ts'
import { StampPsf } from './stamp-psf.ts'
import { StarStamp } from './star-stamp.ts'

/** Longest step of a position in one iteration, and farthest from where the star was found, in FWHM. */
const MAX_STEP = 0.3
const MAX_DRIFT = 0.8

/** A star this many errors off what a catalogue expects is half believed to have changed. */
const PRIOR_DOUBT = 3
/** A star has converged when its last step was below this part of its errors, or too small to matter to anybody. */
const CALM_SIGMA = 0.3
const CALM_PX = 0.02
const CALM_PART = 2e-3
/**
 * A star whose core is masked settles slowly, since wings tell flux and place much less than a core does; and what it is off
 * leaves light around it that passes for stars.
 */
const WING_ROUNDS = 8
/** Below this it is not worth drawing anew. */
const IDLE_PX = 5e-4
const IDLE_PART = 2e-5
const IDLE_SIGMA = 2e-3
/** χ and sharpness are judged within this many FWHM. */
const CORE_FWHM = 1.2

export interface FitOptions {
  /** At most; more where a star of the group is saturated. */
  iterations: number
  /** Whether pixels far from the model are down-weighted: not before the neighbours are drawn. */
  robust: boolean
  /**
   * Whether errors, χ and sharpness are worked out: about, from the equations of the last step, or exactly, from those
   * after it where it was not small.
   */
  errors: 'none' | 'about' | 'exact'
}

/** How far the last step went: none where the equations do not determine one, small where every star has converged. */
type Step = 'none' | 'small' | 'large'

/**
 * Fits flux and position of the stars of a group at once by weighted least squares (Gauss-Newton; Stetson 1987 for the
 * idea of groups), and draws the result into the scene. Each star brings the pixels within the fitting radius; weights
 * are inverse variances of the model, so faint stars are not biased by their own noise. Scratch memory is kept: one
 * fitter for all groups.
 */
export class GroupFitter {
  readonly #scene: Scene
  readonly #stars: SceneStars
  readonly #psf: Psf
  /** The PSF in the memory of the scene. */
  readonly tables: StampPsf
  readonly fitRadius: number
  readonly #members: StarStamp[]
  readonly #normal: Float64Array
  readonly #step: Float64Array
  readonly #scale: Float64Array
  readonly #inverse: Float64Array
  readonly #shared = new Float64Array(9)
  /** 1 for each member whose last step was small against its error. */
  readonly #calm = new Uint8Array(MAX_GROUP)

  /** @param fitRadius pixels within it take part, pixel */
  constructor(scene: Scene, stars: SceneStars, psf: Psf, fitRadius: number) {
    this.#scene = scene
    this.#stars = stars
    this.#psf = psf
    this.tables = new StampPsf(scene.memory, psf)
    this.fitRadius = Math.min(fitRadius, psf.radiusPx)
    this.#members = []
    this.#normal = new Float64Array((3 * MAX_GROUP) ** 2)
    this.#step = new Float64Array(3 * MAX_GROUP)
    this.#scale = new Float64Array(3 * MAX_GROUP)
    this.#inverse = new Float64Array(3 * MAX_GROUP)
  }

  /** Flux of one star at its position, neighbours as drawn, by weighted linear least squares; drawn. Held above 0. */
  firstFlux(star: number, radius: number): void {
    const m = this.#member(0)
    this.#take(m, star)
    m.weigh(this.#stars.x[star], this.#stars.y[star], radius, false)
    const flux = m.own[0] > 0 ? Math.max(this.#stars.flux[star] + m.own[6] / m.own[0], 0) : 0
    this.#redraw(m, star, this.#stars.x[star], this.#stars.y[star], flux)
  }

  /** Draw a star with another flux where it stands; its PSF is taken anew. */
  draw(star: number, flux: number): void {
    const m = this.#member(0)
    this.#place(m, star)
    this.#redraw(m, star, this.#stars.x[star], this.#stars.y[star], flux)
  }

  /** Fit one group. */
  fit(group: Int32Array, options: FitOptions): void {
    for (let a = 0; a < group.length; a++) this.#take(this.#member(a), group[a])
    let step: Step = 'none'
    this.#calm.fill(0)
    const onWings = group.some(star => (this.#stars.flags[star] & flagMask('saturated')) !== 0)
    const rounds = onWings ? Math.max(WING_ROUNDS, options.iterations) : options.iterations
    for (let round = 0; round < rounds && step !== 'small'; round++) {
      this.#weighAll(group, options.robust)
      this.#assemble(group)
      step = this.#advance(group)
    }
    if (options.errors === 'none') return
    if (step === 'none' || (step === 'large' && options.errors === 'exact')) {
      this.#weighAll(group, options.robust)
      this.#assemble(group)
      if (!this.#factor(3 * group.length)) return
    }
    this.#report(group)
    const { flags } = this.#stars
    const lost = flagMask('fitNotConverged')
    group.forEach((star, a) => {
      flags[star] = this.#calm[a] ? flags[star] & ~lost : flags[star] | lost
    })
  }

  #member(index: number): StarStamp {
    while (this.#members.length <= index) this.#members.push(new StarStamp(this.#scene, this.tables))
    return this.#members[index]
  }

  /** Radius of the pixels of a star: where its core is masked, the wings have to carry it. */
  #radiusOf(star: number): number {
    const saturated = (this.#stars.flags[star] & flagMask('saturated')) !== 0
    return saturated ? this.#psf.radiusPx : this.fitRadius
  }

  /** Take up a star as it is drawn. */
  #take(m: StarStamp, star: number): void {
    this.#place(m, star)
    m.sample(this.#stars.x[star], this.#stars.y[star])
  }

  /** The PSF of a star's place, as far as it is drawn. */
  #place(m: StarStamp, star: number): void {
    const { flux, radius, homeX, homeY } = this.#stars
    m.radius = flux[star] === 0 ? this.#radiusOf(star) : radius[star]
    m.moveTo(homeX[star], homeY[star], Math.max(m.radius, this.#radiusOf(star)))
  }

  /** Draw a star anew; the stamp then is that of the new position. */
  #redraw(m: StarStamp, star: number, x: number, y: number, flux: number): void {
    const stars = this.#stars
    if (stars.flux[star] !== 0) {
      m.sample(stars.x[star], stars.y[star])
      m.paint(stars.x[star], stars.y[star], stars.flux[star])
    }
    stars.x[star] = x
    stars.y[star] = y
    stars.flux[star] = flux
    m.radius = this.#scene.drawnRadius(this.#psf, flux, x, y, this.#radiusOf(star))
    stars.radius[star] = m.radius
    if (m.radius > m.tableRadius) m.moveTo(stars.homeX[star], stars.homeY[star], this.#psf.radiusPx)
    m.sample(x, y)
    if (flux !== 0) m.paint(x, y, -flux)
  }

  #weighAll(group: Int32Array, robust: boolean): void {
    const { x, y } = this.#stars
    for (let a = 0; a < group.length; a++) {
      const star = group[a]
      this.#members[a].weigh(x[star], y[star], this.#radiusOf(star), robust)
    }
  }

  /** Normal matrix (lower triangle) and right side of the group, columns (flux, x, y) of each star in turn. */
  #assemble(group: Int32Array): void {
    const n = 3 * group.length
    this.#normal.fill(0, 0, n * n)
    for (let a = 0; a < group.length; a++) {
      const flux = this.#stars.held[group[a]] ? 0 : this.#slopeFlux(group[a])
      this.#addOwn(a, flux, n)
      this.#addPrior(group[a], a, n)
      for (let b = 0; b < a; b++) {
        this.#addPair(a, flux, b, this.#stars.held[group[b]] ? 0 : this.#slopeFlux(group[b]), n)
      }
    }
  }

  /** One star's own block; a flux of 0 holds its position: the columns then are those of the identity. */
  #addOwn(a: number, flux: number, n: number): void {
    const { own } = this.#members[a]
    const normal = this.#normal
    const at = 3 * a
    normal[at * n + at] = own[0]
    normal[(at + 1) * n + at] = own[1] * flux
    normal[(at + 2) * n + at] = own[2] * flux
    normal[(at + 1) * n + at + 1] = flux > 0 ? own[3] * flux * flux : 1
    normal[(at + 2) * n + at + 1] = own[4] * flux * flux
    normal[(at + 2) * n + at + 2] = flux > 0 ? own[5] * flux * flux : 1
    this.#step[at] = own[6]
    this.#step[at + 1] = own[7] * flux
    this.#step[at + 2] = own[8] * flux
  }

  /** The block of two stars that share pixels; b comes before a. */
  #addPair(a: number, fluxA: number, b: number, fluxB: number, n: number): void {
    const shared = this.#shared
    if (!this.#members[a].shareWith(this.#members[b], shared)) return
    for (let i = 0; i < 3; i++) {
      const row = (3 * a + i) * n + 3 * b
      const scale = i === 0 ? 1 : fluxA
      this.#normal[row] = shared[3 * i] * scale
      this.#normal[row + 1] = shared[3 * i + 1] * scale * fluxB
      this.#normal[row + 2] = shared[3 * i + 2] * scale * fluxB
    }
  }

  /** What a catalogue expects of the flux is one more measurement; the farther off the star is, the less it counts. */
  #addPrior(star: number, a: number, n: number): void {
    const { flux, priorFlux, priorErr } = this.#stars
    if (!(priorErr[star] > 0)) return
    const off = priorFlux[star] - flux[star]
    const weight = 1 / (priorErr[star] ** 2 * (1 + (off / (PRIOR_DOUBT * priorErr[star])) ** 2))
    this.#normal[3 * a * n + 3 * a] += weight
    this.#step[3 * a] += weight * off
  }

  /** Flux in the derivatives by position: a star near zero would leave its position undetermined. */
  #slopeFlux(star: number): number {
    const least = 2 * this.#scene.skyNoise(this.#scene.indexAt(this.#stars.x[star], this.#stars.y[star]))
    return Math.max(this.#stars.flux[star], least)
  }

  /** Scale to unit diagonal and factor; a hair of damping keeps coinciding stars from breaking it. */
  #factor(n: number): boolean {
    const normal = this.#normal
    const scale = this.#scale
    for (let i = 0; i < n; i++) scale[i] = normal[i * n + i] > 0 ? 1 / Math.sqrt(normal[i * n + i]) : 0
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) normal[i * n + j] *= scale[i] * scale[j]
    for (let i = 0; i < n; i++) normal[i * n + i] = 1 + 1e-6
    return choleskyInPlace(normal, n)
  }

  /** Take one step. */
  #advance(group: Int32Array): Step {
    const { x, y, flux, homeX, homeY, held } = this.#stars
    const n = 3 * group.length
    if (!this.#factor(n)) return 'none'
    const step = this.#step
    for (let i = 0; i < n; i++) step[i] *= this.#scale[i]
    choleskySolve(this.#normal, n, step)
    const stride = MAX_STEP * this.#psf.fwhmPx
    const drift = MAX_DRIFT * this.#psf.fwhmPx
    let isSmall = true
    for (let a = 0; a < group.length; a++) {
      const star = group[a]
      const move = (k: number) => Math.min(Math.max(step[k] * this.#scale[k], -stride), stride)
      const change = step[3 * a] * this.#scale[3 * a]
      let nextX = x[star]
      let nextY = y[star]
      if (!held[star]) {
        nextX = Math.min(Math.max(nextX + move(3 * a + 1), homeX[star] - drift), homeX[star] + drift)
        nextY = Math.min(Math.max(nextY + move(3 * a + 2), homeY[star] - drift), homeY[star] + drift)
      }
      // Only a held star may be negative: a free one would run away from the light.
      const next = held[star] ? flux[star] + change : Math.max(flux[star] + change, 0)
      const moved = Math.max(Math.abs(nextX - x[star]), Math.abs(nextY - y[star]))
      const calmPlace = moved < Math.max(CALM_PX, CALM_SIGMA * this.#scale[3 * a + 1])
      const calmFlux = Math.abs(next - flux[star]) < Math.max(CALM_PART * next, CALM_SIGMA * this.#scale[3 * a])
      this.#calm[a] = calmPlace && calmFlux ? 1 : 0
      if (!this.#calm[a]) isSmall = false
      const idle =
        moved < IDLE_PX && Math.abs(next - flux[star]) < Math.max(IDLE_PART * next, IDLE_SIGMA * this.#scale[3 * a])
      if (!idle) this.#redraw(this.#members[a], star, nextX, nextY, next)
    }
    return isSmall ? 'small' : 'large'
  }

  /** Errors from the inverse of the normal matrix, which is factored; χ and sharpness from what is left. */
  #report(group: Int32Array): void {
    const { fluxErr, sharing, xErr, yErr, chi, sharp, sharpErr, groupSize, held } = this.#stars
    const n = 3 * group.length
    choleskyInverseDiagonal(this.#normal, n, this.#inverse)
    const error = (k: number) => Math.sqrt(this.#inverse[k]) * this.#scale[k]
    for (let a = 0; a < group.length; a++) {
      const star = group[a]
      groupSize[star] = group.length
      fluxErr[star] = error(3 * a)
      sharing[star] = this.#inverse[3 * a]
      xErr[star] = held[star] ? Number.NaN : error(3 * a + 1)
      yErr[star] = held[star] ? Number.NaN : error(3 * a + 2)
      const core = CORE_FWHM * this.#psf.fwhmPx
      const { x, y } = this.#stars
      const shape = this.#members[a].shape(x[star], y[star], this.#slopeFlux(star), core)
      chi[star] = shape.chi
      sharp[star] = shape.sharp
      sharpErr[star] = shape.sharpErr
    }
  }
}
