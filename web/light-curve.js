/**
 * A light curve as a drawing to look around in: wheel or + and − zoom, drag or arrow keys move, double click or 0 shows
 * all; the nearest point under the pointer is told about and named to the listeners.
 */
import { colourOf, fixed, magText, ticks, utcOf } from './numbers.js'
import { el, svg } from './page.js'

const MARGIN = { left: 62, right: 18, top: 16, bottom: 44 }
const HEIGHT = 430
// Flux of magnitude 0 in the AB system, microjansky: 3631 Jy.
const AB_ZERO = 23.9

/** Signs of the telescopes, by order of name; each draws around (0, 0). */
const SIGNS = [
  fill => svg('circle', { r: 4.4, fill }),
  fill => svg('rect', { x: -4, y: -4, width: 8, height: 8, fill }),
  fill => svg('path', { d: 'M0 -5.6 L5.2 3.6 L-5.2 3.6 Z', fill }),
  fill => svg('path', { d: 'M0 -5.8 L5.8 0 L0 5.8 L-5.8 0 Z', fill }),
  fill => svg('path', { d: 'M-4 -4 L4 4 M-4 4 L4 -4', stroke: fill, 'stroke-width': 2.4 }),
]

export class LightCurve {
  element = el('div', { class: 'plot' })
  #points = []
  #options = { unit: 'mag', time: 'mjd', hidden: new Set(), limits: true }
  #view
  #listeners
  #tip = el('div', { class: 'tip', hidden: true })
  #picture
  #near
  #redraw = 0

  /** @param listeners {hover(point or undefined), choose(point), moved(view)} */
  constructor(listeners = {}) {
    this.#listeners = listeners
    new ResizeObserver(() => this.#draw()).observe(this.element)
    this.#listen()
  }

  /** New points; the view stays where somebody put it. */
  show(points, options) {
    this.#points = points
    this.#options = { ...this.#options, ...options }
    this.#draw()
  }

  get view() {
    return this.#view
  }

  set view(view) {
    this.#view = view
    this.#draw()
  }

  /** Ring one point (the one whose row is looked at). */
  mark(point) {
    this.#near = point
    this.#placeHalo()
  }

  /** Telescopes in the order of their signs. */
  static telescopes(points) {
    return [...new Set(points.map(point => point.telescope))].sort()
  }

  static sign(place, fill) {
    return SIGNS[place % SIGNS.length](fill)
  }

  /** What is shown: a magnitude or a limit that can be put on the axis. */
  #visible() {
    const { hidden, limits } = this.#options
    return this.#points.filter(
      point =>
        !hidden.has(point.band) &&
        !hidden.has(point.telescope) &&
        (point.detected || limits) &&
        this.#value(point) !== undefined,
    )
  }

  #value(point) {
    const mag = point.detected ? point.mag : point.limit5Sigma
    if (typeof mag !== 'number') return undefined
    return this.#options.unit === 'mag' ? mag : 10 ** (0.4 * (AB_ZERO - mag))
  }

  #error(point) {
    if (!point.detected || typeof point.magErr !== 'number') return 0
    return this.#options.unit === 'mag' ? point.magErr : (this.#value(point) * point.magErr * Math.LN10) / 2.5
  }

  /** The whole: [first MJD, last MJD, value at the bottom, value at the top]. */
  #whole() {
    const shown = this.#visible()
    if (shown.length === 0) return [0, 1, 1, 0]
    const days = shown.map(point => point.mjdUtcMid)
    const low = Math.min(...shown.map(point => this.#value(point) - this.#error(point)))
    const high = Math.max(...shown.map(point => this.#value(point) + this.#error(point)))
    const wide = 0.04 * (Math.max(...days) - Math.min(...days)) || 0.5
    const tall = 0.07 * (high - low) || 0.5
    const upright = [low - tall, high + tall]
    return [
      Math.min(...days) - wide,
      Math.max(...days) + wide,
      ...(this.#options.unit === 'mag' ? upright.reverse() : upright),
    ]
  }

  #scales() {
    const [x0, x1, y0, y1] = this.#view ?? this.#whole()
    const width = Math.max(320, this.element.clientWidth)
    const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom }
    return {
      width,
      inner,
      ends: [x0, x1, y0, y1],
      x: mjd => MARGIN.left + ((mjd - x0) / (x1 - x0)) * inner.width,
      y: value => MARGIN.top + inner.height - ((value - y0) / (y1 - y0)) * inner.height,
    }
  }

  #draw() {
    cancelAnimationFrame(this.#redraw)
    this.#redraw = requestAnimationFrame(() => this.#drawNow())
  }

  #drawNow() {
    const scales = this.#scales()
    const shown = this.#visible()
    const order = LightCurve.telescopes(this.#points)
    const clip = svg('clipPath', { id: 'inside' }, svg('rect', { x: MARGIN.left, y: MARGIN.top, ...scales.inner }))
    const marks = svg('g', { 'clip-path': 'url(#inside)' })
    for (const point of shown) marks.append(this.#mark(point, scales, order.indexOf(point.telescope)))
    const halo = svg('circle', { class: 'halo', r: 9, visibility: 'hidden' })
    const words =
      shown.length > 0 ? `${shown.length} points from ${utcOf(Math.min(...shown.map(p => p.mjdUtcMid)))}` : 'no points'
    const picture = svg(
      'svg',
      {
        viewBox: `0 0 ${scales.width} ${HEIGHT}`,
        tabindex: 0,
        role: 'img',
        'aria-label': `Light curve: ${words}. Arrow keys move, plus and minus zoom, 0 shows all.`,
      },
      svg('defs', {}, clip),
      this.#axes(scales),
      marks,
      halo,
    )
    const focused = this.#picture !== undefined && document.activeElement === this.#picture
    this.#picture = picture
    this.element.replaceChildren(picture, this.#tip)
    if (focused) picture.focus({ preventScroll: true })
    this.#placeHalo()
  }

  #mark(point, { x, y }, place) {
    const colour = colourOf(point.band)
    const at = svg('g', { transform: `translate(${x(point.mjdUtcMid)} ${y(this.#value(point))})` })
    if (!point.detected) {
      at.append(svg('path', { d: 'M-6 -5 L6 -5 L0 6 Z', fill: 'none', stroke: colour, 'stroke-width': 1.7 }))
      return at
    }
    const half = Math.abs(y(this.#value(point) + this.#error(point)) - y(this.#value(point)))
    const bar = `M0 ${-half} V${half} M-3 ${-half} H3 M-3 ${half} H3`
    at.append(
      svg('path', { d: bar, stroke: colour, 'stroke-width': 1.4, fill: 'none' }),
      LightCurve.sign(place, colour),
    )
    return at
  }

  #axes({ width, inner, ends, x, y }) {
    const { time, unit } = this.#options
    const base = MARGIN.top + inner.height
    const parts = []
    const days = ticks(ends[0], ends[1], inner.width / 105)
    for (const day of days.values) {
      const text =
        time === 'utc'
          ? utcOf(day).slice(days.decimals > 0 ? 5 : 0, days.decimals > 0 ? 16 : 10)
          : day.toFixed(days.decimals)
      parts.push(svg('path', { class: 'grid', d: `M${x(day)} ${MARGIN.top} V${base}` }))
      parts.push(svg('text', { x: x(day), y: base + 17, 'text-anchor': 'middle' }, text))
    }
    const values = ticks(ends[2], ends[3], inner.height / 50)
    for (const value of values.values) {
      parts.push(svg('path', { class: 'grid', d: `M${MARGIN.left} ${y(value)} H${width - MARGIN.right}` }))
      parts.push(
        svg('text', { x: MARGIN.left - 7, y: y(value) + 4, 'text-anchor': 'end' }, value.toFixed(values.decimals)),
      )
    }
    const frame = { class: 'axis', x: MARGIN.left, y: MARGIN.top, ...inner }
    const yTitle = unit === 'mag' ? 'magnitude' : 'flux density [µJy]'
    const middle = MARGIN.top + inner.height / 2
    return svg(
      'g',
      {},
      ...parts,
      svg('rect', frame),
      svg(
        'text',
        { x: MARGIN.left + inner.width / 2, y: HEIGHT - 8, 'text-anchor': 'middle' },
        time === 'utc' ? 'UTC' : 'MJD (UTC)',
      ),
      svg('text', { x: 14, y: middle, 'text-anchor': 'middle', transform: `rotate(-90 14 ${middle})` }, yTitle),
    )
  }

  #placeHalo() {
    const halo = this.#picture?.querySelector('.halo')
    if (!halo) return
    const point = this.#near
    const { width, x, y } = this.#scales()
    if (!point || !this.#visible().includes(point)) {
      halo.setAttribute('visibility', 'hidden')
      this.#tip.hidden = true
      return
    }
    const [px, py] = [x(point.mjdUtcMid), y(this.#value(point))]
    halo.setAttribute('cx', px)
    halo.setAttribute('cy', py)
    halo.setAttribute('visibility', 'visible')
    this.#tip.replaceChildren(
      el('b', {}, `${point.band} ${magText(point)}`),
      el('br'),
      `${fixed(point.mjdUtcMid, 5)} · ${utcOf(point.mjdUtcMid)}`,
      el('br'),
      `${point.telescope}, ${point.survey}`,
    )
    this.#tip.hidden = false
    const scale = this.element.clientWidth / width
    this.#tip.style.left = px > width - 260 ? 'auto' : `${px * scale + 14}px`
    this.#tip.style.right = px > width - 260 ? `${(width - px) * scale + 14}px` : 'auto'
    this.#tip.style.top = `${Math.max(4, py * scale - 66)}px`
  }

  #nearest(px, py) {
    const { x, y } = this.#scales()
    let best
    let least = 30 // picture pixels: farther away nothing is meant
    for (const point of this.#visible()) {
      const distance = Math.hypot(x(point.mjdUtcMid) - px, y(this.#value(point)) - py)
      if (distance < least) [best, least] = [point, distance]
    }
    return best
  }

  #place(event) {
    const box = this.element.getBoundingClientRect()
    const { width } = this.#scales()
    return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * width) / box.width]
  }

  /** Zoom about a place of the picture; shift by shares of the view. */
  #move(factor, [px, py] = [undefined, undefined], shiftX = 0, shiftY = 0) {
    const { inner, ends } = this.#scales()
    const [x0, x1, y0, y1] = ends
    const u = px === undefined ? 0.5 : (px - MARGIN.left) / inner.width
    const v = py === undefined ? 0.5 : 1 - (py - MARGIN.top) / inner.height
    const [wide, tall] = [x1 - x0, y1 - y0]
    const left = x0 + u * wide * (1 - factor) + shiftX * wide
    const bottom = y0 + v * tall * (1 - factor) + shiftY * tall
    this.view = [left, left + wide * factor, bottom, bottom + tall * factor]
    this.#listeners.moved?.(this.#view)
  }

  #showAll() {
    this.view = undefined
    this.#listeners.moved?.(undefined)
  }

  #listen() {
    let from
    const { element } = this
    element.addEventListener(
      'wheel',
      event => {
        if (!event.ctrlKey && !event.shiftKey && document.activeElement !== this.#picture) return // the page scrolls
        event.preventDefault()
        this.#move(event.deltaY > 0 ? 1.18 : 1 / 1.18, this.#place(event))
      },
      { passive: false },
    )
    element.addEventListener('pointerdown', event => {
      this.#picture.focus({ preventScroll: true })
      from = { at: this.#place(event), moved: false }
    })
    element.addEventListener('pointermove', event => {
      const place = this.#place(event)
      if (from && (from.moved || Math.hypot(place[0] - from.at[0], place[1] - from.at[1]) > 4)) {
        const { inner } = this.#scales()
        if (!from.moved) element.setPointerCapture(event.pointerId)
        this.#move(1, undefined, (from.at[0] - place[0]) / inner.width, (place[1] - from.at[1]) / inner.height)
        from = { at: place, moved: true }
        return
      }
      this.mark(this.#nearest(...place))
      this.#listeners.hover?.(this.#near)
    })
    element.addEventListener('pointerup', event => {
      const point = from && !from.moved ? this.#nearest(...this.#place(event)) : undefined
      from = undefined
      if (point) this.#listeners.choose?.(point)
    })
    element.addEventListener('pointerleave', () => {
      this.mark(undefined)
      this.#listeners.hover?.(undefined)
    })
    element.addEventListener('dblclick', () => this.#showAll())
    element.addEventListener('keydown', event => this.#key(event))
  }

  #key(event) {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key]
    if (step) this.#move(1, undefined, ...step)
    else if (event.key === '+' || event.key === '=') this.#move(1 / 1.25)
    else if (event.key === '-') this.#move(1.25)
    else if (event.key === '0') this.#showAll()
    else return
    event.preventDefault()
  }
}
