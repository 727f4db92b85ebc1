import { healpixCell, healpixCentre, healpixCone, healpixRadiusDeg } from '#shared/sky/healpix.ts'
import { gnomonic } from '#shared/sky/projection.ts'
import { BINS, binOf, cellSideDeg, codeByte, pieceOrder, type QuadBand, STARS_PER_CELL } from './quad-index.ts'
import { addQuad, neighbourQuads, type Quads } from './quads.ts'

/** Stars for an index, in any order. */
export interface IndexStars {
  raDeg: Float64Array
  decDeg: Float64Array
  mag: Float64Array
}

/** Fewer than the frame uses: a quad counts when it is found, and the frame's list is the longer one. */
const NEIGHBOURS = 5
/** Quads wider than this are of stars far apart, in a sky emptier than the band is for; sides of a cell. */
const WIDEST_CELLS = 3
/** Cells around a block whose stars take part, so that those at its edge have all neighbours. */
const MARGIN_CELLS = 1.5
/** Cells around a piece whose stars it holds: a figure at its edge asks for witnesses a field away. */
const WITNESS_CELLS = 8

/**
 * The brightest stars of each cell of an order. What is among the brightest of a cell is so in the smaller cell within,
 * too: a choice made at a high order serves all lower ones.
 *
 * @returns rows, ascending by cell, within the cell by magnitude
 */
export function brightestPerCell(
  { raDeg, decDeg, mag }: IndexStars,
  order: number,
): { rows: Uint32Array; cells: Float64Array } {
  const cell = Float64Array.from(raDeg, (ra, i) => healpixCell(order, ra, decDeg[i]))
  const sorted = Uint32Array.from(raDeg.keys())
    .filter(i => Number.isFinite(mag[i]))
    .sort((a, b) => cell[a] - cell[b] || mag[a] - mag[b] || raDeg[a] - raDeg[b] || decDeg[a] - decDeg[b])
  let inside = -1
  let count = 0
  const rows = sorted.filter(row => {
    if (cell[row] !== inside) {
      inside = cell[row]
      count = 0
    }
    return count++ < STARS_PER_CELL
  })
  return { rows, cells: Float64Array.from(rows, row => cell[row]) }
}

/** The stars of a band, ascending by cell. */
interface BandStars {
  ra: Float64Array
  dec: Float64Array
  mag: Float64Array
  cells: Float64Array
  /** First star of each occupied cell, ascending. */
  starts: Map<number, number>
}

/**
 * The pieces of the band of an order, one after the other: the stars in and just around each, and the quads of each star
 * within it with its neighbours. The same stars give the same bytes.
 */
export function* buildQuadPieces(stars: IndexStars, order: number): Generator<{ cell: number; band: QuadBand }> {
  const all = bandStars(stars, order)
  const pieces = pieceOrder(order)
  if (pieces === undefined) {
    if (all.ra.length > 0) yield { cell: 0, band: buildPiece(all, order) }
    return
  }
  const occupied = new Set<number>()
  for (const cell of all.starts.keys()) occupied.add(Math.floor(cell / 4 ** (order - pieces)))
  for (const cell of occupied) {
    const [raDeg, decDeg] = healpixCentre(pieces, cell)
    const radiusDeg = healpixRadiusDeg(pieces) + WITNESS_CELLS * cellSideDeg(order)
    const around = healpixCone(order, { raDeg, decDeg, radiusDeg }).filter(near => all.starts.has(near))
    yield { cell, band: buildPiece(starsOfCells(all, around), order, { order: pieces, cell }) }
  }
}

function bandStars(stars: IndexStars, order: number): BandStars {
  const { rows, cells } = brightestPerCell(stars, order)
  const pick = (values: Float64Array) => Float64Array.from(rows, row => values[row])
  return { ra: pick(stars.raDeg), dec: pick(stars.decDeg), mag: pick(stars.mag), cells, starts: startsOf(cells) }
}

function startsOf(cells: Float64Array): Map<number, number> {
  const starts = new Map<number, number>()
  for (let row = 0; row < cells.length; row++) if (cells[row] !== cells[row - 1]) starts.set(cells[row], row)
  return starts
}

function starsOfCells(all: BandStars, cells: number[]): BandStars {
  const rows: number[] = []
  for (const cell of cells) {
    for (let row = all.starts.get(cell) ?? 0; all.cells[row] === cell; row++) rows.push(row)
  }
  const pick = (values: Float64Array) => Float64Array.from(rows, row => values[row])
  const own = pick(all.cells)
  return { ra: pick(all.ra), dec: pick(all.dec), mag: pick(all.mag), cells: own, starts: startsOf(own) }
}

/** @param piece cell whose quads are wanted; without one those of all stars */
function buildPiece(stars: BandStars, order: number, piece?: { order: number; cell: number }): QuadBand {
  const { ra, dec, mag, cells, starts } = stars
  const blockOrder = Math.max(1, order - 3)
  const blocks = new Set<number>()
  for (const cell of starts.keys()) {
    const inside = !piece || Math.floor(cell / 4 ** (order - piece.order)) === piece.cell
    if (inside) blocks.add(Math.floor(cell / 4 ** (order - blockOrder)))
  }
  const found = new QuadsFound()
  for (const block of blocks) blockQuads(ra, dec, cells, starts, order, blockOrder, block, found)
  return {
    order,
    cells: Uint32Array.from(starts.keys()),
    starts: Uint32Array.from([...starts.values(), ra.length]),
    ra: Uint32Array.from(ra, value => Math.min(2 ** 32 - 1, Math.round((value / 360) * 2 ** 32))),
    dec: Uint32Array.from(dec, value => Math.min(2 ** 32 - 1, Math.round(((value + 90) / 180) * 2 ** 32))),
    mag: Int16Array.from(mag, value => Math.round(1000 * Math.min(32, Math.max(-5, value)))),
    ...found.sorted(),
  }
}

/** Quads of one block of cells, found in the plane about its centre, measured each in its own. */
function blockQuads(
  ra: Float64Array,
  dec: Float64Array,
  cells: Float64Array,
  starts: Map<number, number>,
  order: number,
  blockOrder: number,
  block: number,
  found: QuadsFound,
): void {
  const [raDeg, decDeg] = healpixCentre(blockOrder, block)
  const side = cellSideDeg(order)
  const cone = { raDeg, decDeg, radiusDeg: healpixRadiusDeg(blockOrder) + MARGIN_CELLS * side }
  const rows: number[] = []
  for (const cell of healpixCone(order, cone)) {
    const start = starts.get(cell)
    for (let row = start ?? ra.length; row < ra.length && cells[row] === cell; row++) rows.push(row)
  }
  if (rows.length < 4) return
  const xi = new Float64Array(rows.length)
  const eta = new Float64Array(rows.length)
  rows.forEach((row, i) => {
    ;[xi[i], eta[i]] = gnomonic(ra[row], dec[row], raDeg, decDeg)
  })
  const near = neighbourQuads(xi, eta, NEIGHBOURS)
  const one: Quads = { count: 0, stars: new Int32Array(4), code: new Float64Array(4) }
  const x = new Float64Array(4)
  const y = new Float64Array(4)
  const each = Int32Array.of(0, 1, 2, 3)
  for (let quad = 0; quad < near.count; quad++) {
    const four = near.stars.subarray(4 * quad, 4 * quad + 4)
    // blocks overlap by their margins: a quad belongs to the block of its first star
    const owner = Math.min(rows[four[0]], rows[four[1]], rows[four[2]], rows[four[3]])
    if (Math.floor(cells[owner] / 4 ** (order - blockOrder)) !== block) continue
    const [first, second] = [rows[four[0]], rows[four[1]]]
    const size = Math.hypot(xi[four[0]] - xi[four[1]], eta[four[0]] - eta[four[1]])
    if (size > WIDEST_CELLS * side) continue
    // a plane that touches the sky at the quad: far from the block's centre its own plane bends codes
    const middle = midpoint(ra[first], dec[first], ra[second], dec[second])
    for (let k = 0; k < 4; k++) [x[k], y[k]] = gnomonic(ra[rows[four[k]]], dec[rows[four[k]]], ...middle)
    one.count = 0
    addQuad(x, y, each, one)
    if (one.count === 0) continue
    const star = (k: number) => rows[four[one.stars[k]]]
    found.add(one.code, star(0), star(1), star(2), star(3))
  }
}

function midpoint(ra1: number, dec1: number, ra2: number, dec2: number): [number, number] {
  let across = ra2 - ra1
  if (across > 180) across -= 360
  if (across < -180) across += 360
  return [ra1 + across / 2, (dec1 + dec2) / 2]
}

/** Quads as they come, in arrays that grow. */
class QuadsFound {
  #count = 0
  #codes = new Uint8Array(4096)
  #stars = new Uint32Array(4096)

  add(code: Float64Array, a: number, b: number, c: number, d: number): void {
    const at = 4 * this.#count++
    if (at === this.#codes.length) {
      this.#codes = grown(this.#codes, new Uint8Array(2 * at))
      this.#stars = grown(this.#stars, new Uint32Array(2 * at))
    }
    for (let part = 0; part < 4; part++) this.#codes[at + part] = codeByte(part, code[part])
    this.#stars[at] = a
    this.#stars[at + 1] = b
    this.#stars[at + 2] = c
    this.#stars[at + 3] = d
  }

  /** By bin, in the order of coming within it. */
  sorted(): Pick<QuadBand, 'bins' | 'codes' | 'stars'> {
    const bins = new Uint32Array(BINS + 1)
    const bin = (quad: number) => {
      const at = 4 * quad
      return binOf(this.#codes[at], this.#codes[at + 1], this.#codes[at + 2], this.#codes[at + 3])
    }
    for (let quad = 0; quad < this.#count; quad++) bins[bin(quad) + 1]++
    for (let k = 0; k < BINS; k++) bins[k + 1] += bins[k]
    const next = bins.slice(0, BINS)
    const codes = new Uint8Array(4 * this.#count)
    const stars = new Uint32Array(4 * this.#count)
    for (let quad = 0; quad < this.#count; quad++) {
      const to = 4 * next[bin(quad)]++
      codes.set(this.#codes.subarray(4 * quad, 4 * quad + 4), to)
      stars.set(this.#stars.subarray(4 * quad, 4 * quad + 4), to)
    }
    return { bins, codes, stars }
  }
}

function grown<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
