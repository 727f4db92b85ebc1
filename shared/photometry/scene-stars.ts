/** More than any frame has: a power of two, so that the bits of a float and an index fit into a number. */
const MOST_STARS = 2 ** 21

/** Stars as they stand in a scene, one column per quantity, 0-based pixels and ADU. x, y, flux are what is drawn. */
export class SceneStars {
  count = 0
  x: Float64Array
  y: Float64Array
  /** Where the star was found; the PSF is taken there and the fit may not leave its surroundings. */
  homeX: Float64Array
  homeY: Float64Array
  flux: Float64Array
  /** Radius out to which it is drawn, and flux with which its wing beyond the table is drawn. */
  radius: Float64Array
  wingFlux: Float64Array
  fluxErr: Float64Array
  /** By how much the variance of the flux is larger for the neighbours that are fitted with it. */
  sharing: Float64Array
  xErr: Float64Array
  yErr: Float64Array
  chi: Float64Array
  sharp: Float64Array
  sharpErr: Float64Array
  flags: Int32Array
  /** 1 where the position is held. */
  held: Uint8Array
  /** 1 where the star was dropped: it is drawn no more. */
  dropped: Uint8Array
  /** 1 where it is part of a galaxy: drawn, but no star of its own. */
  piece: Uint8Array
  /** What a catalogue lets expect of the flux, and its error; NaN where nothing is. */
  priorFlux: Float64Array
  priorErr: Float64Array
  /** Index of the group it was last fitted in, for the flag. */
  groupSize: Int32Array

  constructor(capacity: number) {
    const column = () => new Float64Array(capacity)
    this.x = column()
    this.y = column()
    this.homeX = column()
    this.homeY = column()
    this.flux = column()
    this.radius = column()
    this.wingFlux = column()
    this.fluxErr = column().fill(Number.NaN)
    this.sharing = column().fill(1)
    this.xErr = column().fill(Number.NaN)
    this.yErr = column().fill(Number.NaN)
    this.chi = column().fill(Number.NaN)
    this.sharp = column().fill(Number.NaN)
    this.sharpErr = column().fill(Number.NaN)
    this.flags = new Int32Array(capacity)
    this.held = new Uint8Array(capacity)
    this.dropped = new Uint8Array(capacity)
    this.piece = new Uint8Array(capacity)
    this.priorFlux = column().fill(Number.NaN)
    this.priorErr = column().fill(Number.NaN)
    this.groupSize = new Int32Array(capacity)
  }

  /** Enter a star that is not drawn yet. Returns its index, or −1 where the table is full. */
  add(x: number, y: number, flags = 0): number {
    if (this.count === this.x.length) return -1
    const i = this.count++
    this.x[i] = this.homeX[i] = x
    this.y[i] = this.homeY[i] = y
    this.flags[i] = flags
    return i
  }

  /** Indices of stars that are not dropped, brightest first; equal ones (in single precision) by index. */
  byFlux(): Int32Array {
    const brightness = new Float32Array(this.flux.subarray(0, this.count))
    const bits = new Uint32Array(brightness.buffer)
    // Sorted as plain numbers, which takes no comparing function: what grows as a flux falls, and the index.
    const keys = new Float64Array(this.count)
    let kept = 0
    for (let i = 0; i < this.count; i++) {
      if (this.dropped[i]) continue
      const falling = brightness[i] < 0 ? bits[i] : 0x7fffffff - bits[i]
      keys[kept++] = falling * MOST_STARS + i
    }
    keys.subarray(0, kept).sort()
    const order = new Int32Array(kept)
    for (let i = 0; i < kept; i++) order[i] = keys[i] % MOST_STARS
    return order
  }
}

/** Stars that are not dropped within a distance of a place, brightest first. */
export function starsWithin(stars: SceneStars, x: number, y: number, withinPx: number): number[] {
  const found: number[] = []
  const { count, dropped } = stars
  for (let star = 0; star < count; star++) {
    const dx = stars.x[star] - x
    const dy = stars.y[star] - y
    if (dx * dx + dy * dy < withinPx * withinPx && !dropped[star]) found.push(star)
  }
  return found.sort((a, b) => stars.flux[b] - stars.flux[a] || a - b)
}
