import { flagMask } from '#shared/flags.ts'
import { choleskyInPlace, choleskyInverse, choleskySolve } from '#shared/numeric/linear.ts'
import { MAX_GROUP } from './groups.ts'
import { LocalPsf, type Psf } from './psf.ts'
import type { Scene, SceneStars } from './scene.ts'

/** Pixels farther than this from the model lose their weight (a smooth cut: a Gaussian pixel keeps all of it). */
const CLIP_SIGMA = 5
/** Longest step of a position in one iteration, and farthest from where the star was found, in FWHM. */
const MAX_STEP = 0.3
const MAX_DRIFT = 0.8

export interface FitOptions {
  iterations: number
  /** Whether pixels far from the model are down-weighted: not before the neighbours are drawn. */
  robust: boolean
  /** Whether errors, χ and sharpness are worked out. */
  final: boolean
}

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
  readonly fitRadius: number
  readonly #members: Member[]
  readonly #normal: Float64Array
  readonly #step: Float64Array
  readonly #scale: Float64Array

  /** @param fitRadius pixels within it take part, pixel */
  constructor(scene: Scene, stars: SceneStars, psf: Psf, fitRadius: number) {
    this.#scene = scene
    this.#stars = stars
    this.#psf = psf
    this.fitRadius = Math.min(fitRadius, psf.radiusPx)
    this.#members = []
    this.#normal = new Float64Array((3 * MAX_GROUP) ** 2)
    this.#step = new Float64Array(3 * MAX_GROUP)
    this.#scale = new Float64Array(3 * MAX_GROUP)
  }

  /** Flux of one star at its position, neighbours as drawn, by weighted linear least squares; drawn. Held above 0. */
  firstFlux(star: number, radius: number): void {
    const m = this.#member(0)
    this.#take(m, star)
    this.#weigh(m, star, radius, false)
    let top = 0
    let bottom = 0
    for (let k = 0; k < m.w * m.h; k++) {
      const weight = m.weight[k]
      top += weight * m.value[k] * m.left[k]
      bottom += weight * m.value[k] * m.value[k]
    }
    const flux = bottom > 0 ? Math.max(this.#stars.flux[star] + top / bottom, 0) : 0
    this.#redraw(m, star, this.#stars.x[star], this.#stars.y[star], flux)
  }

  /** Fit one group. */
  fit(group: Int32Array, options: FitOptions): void {
    for (let a = 0; a < group.length; a++) this.#take(this.#member(a), group[a])
    let settled = false
    for (let round = 0; round < options.iterations && !settled; round++) {
      this.#weighAll(group, options.robust)
      this.#assemble(group)
      settled = this.#advance(group)
    }
    if (!options.final) return
    this.#weighAll(group, options.robust)
    this.#assemble(group)
    this.#report(group)
    const { flags } = this.#stars
    const lost = flagMask('fitNotConverged')
    for (const star of group) flags[star] = settled ? flags[star] & ~lost : flags[star] | lost
  }

  #member(index: number): Member {
    while (this.#members.length <= index) this.#members.push(new Member(this.#psf))
    return this.#members[index]
  }

  /** Radius of the pixels of a star: where its core is masked, the wings have to carry it. */
  #radiusOf(star: number): number {
    const saturated = (this.#stars.flags[star] & flagMask('saturated')) !== 0
    return saturated ? this.#psf.radiusPx : this.fitRadius
  }

  /** Take up a star as it is drawn. */
  #take(m: Member, star: number): void {
    m.radius = this.#stars.flux[star] === 0 ? this.#radiusOf(star) : this.#stars.radius[star]
    m.tableRadius = Math.max(m.radius, this.#radiusOf(star))
    m.local.moveTo(this.#stars.homeX[star], this.#stars.homeY[star], m.tableRadius)
    this.#stamp(m, star)
  }

  /** Profile and slopes on the pixels within the member's radius, at the star's present position. */
  #stamp(m: Member, star: number): void {
    const { width, height } = this.#scene
    const x = this.#stars.x[star]
    const y = this.#stars.y[star]
    m.x0 = Math.max(0, Math.ceil(x - m.radius))
    m.y0 = Math.max(0, Math.ceil(y - m.radius))
    m.w = Math.max(0, Math.min(width - 1, Math.floor(x + m.radius)) - m.x0 + 1)
    m.h = Math.max(0, Math.min(height - 1, Math.floor(y + m.radius)) - m.y0 + 1)
    m.local.gradients(x, y, m.x0, m.y0, m.w, m.h, m.value, m.slopeX, m.slopeY)
  }

  /** Add the stamp times an amount to the residual. */
  #paint(m: Member, star: number, amount: number): void {
    const { width, residual } = this.#scene
    const limit = m.radius * m.radius
    for (let j = 0; j < m.h; j++) {
      const dy = m.y0 + j - this.#stars.y[star]
      const row = (m.y0 + j) * width + m.x0
      for (let i = 0; i < m.w; i++) {
        const dx = m.x0 + i - this.#stars.x[star]
        if (dx * dx + dy * dy <= limit) residual[row + i] += amount * m.value[j * m.w + i]
      }
    }
  }

  /** Draw a star anew; the stamp then is that of the new position. */
  #redraw(m: Member, star: number, x: number, y: number, flux: number): void {
    const stars = this.#stars
    if (stars.flux[star] !== 0) this.#paint(m, star, stars.flux[star])
    stars.x[star] = x
    stars.y[star] = y
    stars.flux[star] = flux
    m.radius = this.#scene.drawnRadius(this.#psf, flux, x, y, this.#radiusOf(star))
    stars.radius[star] = m.radius
    if (m.radius > m.tableRadius) {
      m.tableRadius = this.#psf.radiusPx
      m.local.moveTo(stars.homeX[star], stars.homeY[star])
    }
    this.#stamp(m, star)
    if (flux !== 0) this.#paint(m, star, -flux)
  }

  #weighAll(group: Int32Array, robust: boolean): void {
    for (let a = 0; a < group.length; a++) this.#weigh(this.#members[a], group[a], this.#radiusOf(group[a]), robust)
  }

  /** Residual and weight of the pixels within a radius of a star; the others of the stamp get no weight. */
  #weigh(m: Member, star: number, radius: number, robust: boolean): void {
    const scene = this.#scene
    const { width, residual, usable } = scene
    const x = this.#stars.x[star]
    const y = this.#stars.y[star]
    const limit = radius * radius
    for (let j = 0; j < m.h; j++) {
      const dy = m.y0 + j - y
      for (let i = 0; i < m.w; i++) {
        const k = j * m.w + i
        const p = (m.y0 + j) * width + m.x0 + i
        const dx = m.x0 + i - x
        m.weight[k] = 0
        if (dx * dx + dy * dy > limit || usable[p] === 0) continue
        const variance = scene.variance(p)
        const left = residual[p]
        m.left[k] = left
        let weight = 1 / variance
        if (robust) {
          const square = (left * left) / (variance * CLIP_SIGMA * CLIP_SIGMA)
          if (square > 0.1) weight /= 1 + square * square * square * square
        }
        m.weight[k] = weight
      }
    }
  }

  /** Normal matrix (lower triangle) and right side of the group, columns (flux, x, y) of each star in turn. */
  #assemble(group: Int32Array): void {
    const n = 3 * group.length
    const normal = this.#normal
    normal.fill(0, 0, n * n)
    this.#step.fill(0, 0, n)
    for (let a = 0; a < group.length; a++) {
      this.#assembleOwn(group[a], a, n)
      for (let b = 0; b < a; b++) this.#assemblePair(group[a], a, group[b], b, n)
    }
  }

  #assembleOwn(star: number, a: number, n: number): void {
    const m = this.#members[a]
    const flux = this.#slopeFlux(star)
    let ff = 0
    let fx = 0
    let fy = 0
    let xx = 0
    let xy = 0
    let yy = 0
    let rf = 0
    let rx = 0
    let ry = 0
    const { value, slopeX, slopeY, weight, left } = m
    const count = m.w * m.h
    for (let k = 0; k < count; k++) {
      const w = weight[k]
      if (w === 0) continue
      const v = value[k]
      const sx = slopeX[k]
      const sy = slopeY[k]
      const wr = w * left[k]
      ff += w * v * v
      fx += w * v * sx
      fy += w * v * sy
      xx += w * sx * sx
      xy += w * sx * sy
      yy += w * sy * sy
      rf += wr * v
      rx += wr * sx
      ry += wr * sy
    }
    const at = 3 * a
    const normal = this.#normal
    const free = this.#stars.held[star] ? 0 : 1
    normal[at * n + at] = ff
    normal[(at + 1) * n + at] = fx * flux * free
    normal[(at + 2) * n + at] = fy * flux * free
    normal[(at + 1) * n + at + 1] = free ? xx * flux * flux : 1
    normal[(at + 2) * n + at + 1] = xy * flux * flux * free
    normal[(at + 2) * n + at + 2] = free ? yy * flux * flux : 1
    this.#step[at] = rf
    this.#step[at + 1] = rx * flux * free
    this.#step[at + 2] = ry * flux * free
  }

  #assemblePair(starA: number, a: number, starB: number, b: number, n: number): void {
    const p = this.#members[a]
    const q = this.#members[b]
    const x0 = Math.max(p.x0, q.x0)
    const y0 = Math.max(p.y0, q.y0)
    const x1 = Math.min(p.x0 + p.w, q.x0 + q.w)
    const y1 = Math.min(p.y0 + p.h, q.y0 + q.h)
    if (x0 >= x1 || y0 >= y1) return
    let ff = 0
    let fx = 0
    let fy = 0
    let xf = 0
    let xx = 0
    let xy = 0
    let yf = 0
    let yx = 0
    let yy = 0
    for (let j = y0; j < y1; j++) {
      let ka = (j - p.y0) * p.w + x0 - p.x0
      let kb = (j - q.y0) * q.w + x0 - q.x0
      for (let i = x0; i < x1; i++, ka++, kb++) {
        const w = p.weight[ka]
        if (w === 0 || q.weight[kb] === 0) continue
        const v = w * p.value[ka]
        const sx = w * p.slopeX[ka]
        const sy = w * p.slopeY[ka]
        const u = q.value[kb]
        const tx = q.slopeX[kb]
        const ty = q.slopeY[kb]
        ff += v * u
        fx += v * tx
        fy += v * ty
        xf += sx * u
        xx += sx * tx
        xy += sx * ty
        yf += sy * u
        yx += sy * tx
        yy += sy * ty
      }
    }
    const fa = this.#stars.held[starA] ? 0 : this.#slopeFlux(starA)
    const fb = this.#stars.held[starB] ? 0 : this.#slopeFlux(starB)
    const normal = this.#normal
    const row = 3 * a * n + 3 * b
    normal[row] = ff
    normal[row + 1] = fx * fb
    normal[row + 2] = fy * fb
    normal[row + n] = xf * fa
    normal[row + n + 1] = xx * fa * fb
    normal[row + n + 2] = xy * fa * fb
    normal[row + 2 * n] = yf * fa
    normal[row + 2 * n + 1] = yx * fa * fb
    normal[row + 2 * n + 2] = yy * fa * fb
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

  /** Take one step; true where nothing moved noticeably. */
  #advance(group: Int32Array): boolean {
    const { x, y, flux, homeX, homeY, held } = this.#stars
    const n = 3 * group.length
    if (!this.#factor(n)) return false
    const step = this.#step
    for (let i = 0; i < n; i++) step[i] *= this.#scale[i]
    choleskySolve(this.#normal, n, step)
    const stride = MAX_STEP * this.#psf.fwhmPx
    const drift = MAX_DRIFT * this.#psf.fwhmPx
    let settled = true
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
      const tolerance = 0.02 * this.#scale[3 * a]
      if (moved > 0.002 && moved > 0.02 * this.#scale[3 * a + 1]) settled = false
      if (Math.abs(next - flux[star]) > Math.max(2e-4 * next, tolerance)) settled = false
      const idle = moved < 5e-4 && Math.abs(next - flux[star]) < Math.max(2e-5 * next, 0.1 * tolerance)
      if (!idle) this.#redraw(this.#members[a], star, nextX, nextY, next)
    }
    return settled
  }

  /** Errors from the inverse of the normal matrix; χ and sharpness from what is left. */
  #report(group: Int32Array): void {
    const { fluxErr, xErr, yErr, chi, sharp, sharpErr, groupSize, held } = this.#stars
    const n = 3 * group.length
    if (!this.#factor(n)) return
    const inverse = choleskyInverse(this.#normal, n)
    const error = (k: number) => Math.sqrt(inverse[k * n + k]) * this.#scale[k]
    for (let a = 0; a < group.length; a++) {
      const star = group[a]
      groupSize[star] = group.length
      fluxErr[star] = error(3 * a)
      xErr[star] = held[star] ? Number.NaN : error(3 * a + 1)
      yErr[star] = held[star] ? Number.NaN : error(3 * a + 2)
      const shape = this.#shape(this.#members[a], star)
      chi[star] = shape.chi
      sharp[star] = shape.sharp
      sharpErr[star] = shape.sharpErr
    }
  }

  /**
   * χ over the core, and the width beyond the PSF: a profile widened by variance s adds F·s/2·∇²P (to first order), so
   * s is the residual projected on that, after its part along the flux is taken out. Pixel².
   */
  #shape(m: Member, star: number): { chi: number; sharp: number; sharpErr: number } {
    const core = 1.2 * this.#psf.fwhmPx
    const x = this.#stars.x[star]
    const y = this.#stars.y[star]
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
    const free = ll - (vl * vl) / vv
    const flux = this.#slopeFlux(star)
    return {
      chi: count > 3 ? Math.sqrt(square / (count - 3)) : Number.NaN,
      sharp: free > 0 ? rl / free / flux : Number.NaN,
      sharpErr: free > 0 ? 1 / Math.sqrt(free) / flux : Number.NaN,
    }
  }
}

/** One star of the group being fitted: its pixels and the PSF at its place. */
class Member {
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
