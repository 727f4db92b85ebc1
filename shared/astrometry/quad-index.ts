import { CpcsError } from '#shared/errors.ts'
import { healpixCone } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'

/**
 * Figures of four stars of one scale over a piece of the sky, sorted by code: what a frame of unknown place is looked up
 * in. The stars are the brightest of each HEALPix cell, so that the index is as dense everywhere, whatever the galaxy
 * does; those of the cells just outside the piece are there as witnesses.
 *
 * The file holds the arrays as they stand in memory, little-endian, one behind the other in the order of
 * {@link sectionsOf}, after a header of 64 bytes: the word CPCSQUAD, then as 32-bit integers version, HEALPix order,
 * and the numbers of stars, cells and quads. Nothing is decoded on reading.
 */
export interface QuadBand {
  order: number
  /** Occupied cells of the order, ascending, and the first star of each; one start more than cells. */
  cells: Uint32Array
  starts: Uint32Array
  /** Right ascension in 360°/2³² and declination from the south pole in 180°/2³²: below half a mas. */
  ra: Uint32Array
  dec: Uint32Array
  /** Thousandths of a magnitude. */
  mag: Int16Array
  /** First quad of each bin of codes, {@link BINS} + 1. */
  bins: Uint32Array
  /** cx, cy, dx, dy in steps of {@link CODE_STEPS}, four per quad. */
  codes: Uint8Array
  /** Rows of A, B, C, D, four per quad. */
  stars: Uint32Array
}

/** Stars of a cell: a frame of three to six cells has some twenty to fifty of the index. */
export const STARS_PER_CELL = 8
/** Orders that are built: cells from 7.3° to 6.9′, for fields from 20° to 10′. */
export const QUAD_ORDERS: readonly number[] = [3, 4, 5, 6, 7, 8, 9]

const MAGIC = 'CPCSQUAD'
const VERSION = 2
const HEADER_BYTES = 64
/** C and D lie where both circles about A and B overlap: x in 0..1, y within ±√3/2. */
const LOWEST_Y = -0.875
const CODE_STEPS = { x: 1 / 255, y: 1.75 / 255 }
const X_BINS = 16
const Y_BINS = 28
/** Bins of a code: the x of C ends at ½ because cx ≤ dx and cx + dx ≤ 1. */
export const BINS = (X_BINS / 2 + 1) * Y_BINS * X_BINS * Y_BINS

/** Pieces are the cells of an order this much lower: some twenty megabytes each. Wide figures need one piece only. */
const ORDERS_PER_PIECE = 7

/** Order of the cells that a band is cut into, or undefined where the whole sky is one piece. */
export function pieceOrder(order: number): number | undefined {
  return order < ORDERS_PER_PIECE ? undefined : order - ORDERS_PER_PIECE
}

/** Key of a piece's file below the survey's folder; the cell is 0 where the whole sky is one piece. */
export function quadPieceKey(survey: string, order: number, cell: number): string {
  return `${survey}/quads/order-${String(order).padStart(2, '0')}/piece-${String(cell).padStart(3, '0')}.bin`
}

/** Key of the list of pieces, which is written last: an index without it is not there. */
export function quadListKey(survey: string): string {
  return `${survey}/quads/quads.json`
}

/** What an index consists of. */
export interface QuadList {
  version: number
  bands: { order: number; pieces: { cell: number; bytes: number }[] }[]
}

/** Side of a HEALPix cell, degrees: the root of its area. */
export function cellSideDeg(order: number): number {
  return Math.sqrt(41252.96125 / 12) / 2 ** order
}

/** A part of a code as its byte in the index. */
export function codeByte(part: number, value: number): number {
  const step = part % 2 === 0 ? value / CODE_STEPS.x : (value - LOWEST_Y) / CODE_STEPS.y
  return Math.min(255, Math.max(0, Math.round(step)))
}

/** Bin of a code of four bytes. */
export function binOf(cx: number, cy: number, dx: number, dy: number): number {
  return ((xBin(cx) * Y_BINS + yBin(cy)) * X_BINS + xBin(dx)) * Y_BINS + yBin(dy)
}

const xBin = (byte: number) => Math.floor((byte * X_BINS) / 256)
const yBin = (byte: number) => Math.floor((byte * Y_BINS) / 256)

/** Position of a star of a band, degrees. */
export function starPlace({ ra, dec }: QuadBand, star: number): [raDeg: number, decDeg: number] {
  return [(ra[star] * 360) / 2 ** 32, (dec[star] * 180) / 2 ** 32 - 90]
}

/**
 * Quads whose code is near a code, added to `found`.
 *
 * @param tolerance in every part; a step of the index's bytes comes on top
 */
export function quadsLike(band: QuadBand, code: ArrayLike<number>, tolerance: number, found: number[]): void {
  const low = [0, 0, 0, 0]
  const high = [0, 0, 0, 0]
  for (let part = 0; part < 4; part++) {
    low[part] = codeByte(part, code[part] - tolerance)
    high[part] = codeByte(part, code[part] + tolerance)
  }
  const { codes, bins } = band
  for (let i = xBin(low[0]); i <= Math.min(X_BINS / 2, xBin(high[0])); i++) {
    for (let j = yBin(low[1]); j <= yBin(high[1]); j++) {
      for (let k = xBin(low[2]); k <= xBin(high[2]); k++) {
        const line = ((i * Y_BINS + j) * X_BINS + k) * Y_BINS
        // bins of neighbouring dy follow each other
        const end = bins[line + yBin(high[3]) + 1]
        for (let quad = bins[line + yBin(low[3])]; quad < end; quad++) {
          const at = 4 * quad
          if (codes[at] < low[0] || codes[at] > high[0] || codes[at + 1] < low[1] || codes[at + 1] > high[1]) continue
          if (codes[at + 2] < low[2] || codes[at + 2] > high[2]) continue
          if (codes[at + 3] >= low[3] && codes[at + 3] <= high[3]) found.push(quad)
        }
      }
    }
  }
}

/** Rows of the stars in all cells that a cone touches, brightest first. */
export function starsAround(band: QuadBand, raDeg: number, decDeg: number, radiusDeg: number): number[] {
  const rows: number[] = []
  for (const cell of healpixCone(band.order, { raDeg, decDeg, radiusDeg })) {
    const at = search(band.cells, cell)
    if (at < 0) continue
    for (let row = band.starts[at]; row < band.starts[at + 1]; row++) rows.push(row)
  }
  return rows.sort((a, b) => band.mag[a] - band.mag[b] || a - b)
}

/** Rows of the stars in the cells that hold the given stars, brightest first. */
export function starsBeside(band: QuadBand, stars: ArrayLike<number>): number[] {
  const { starts, mag } = band
  const seen: number[] = []
  const rows: number[] = []
  for (let k = 0; k < stars.length; k++) {
    const at = lastNotAbove(starts, stars[k])
    if (seen.includes(at)) continue
    seen.push(at)
    for (let row = starts[at]; row < starts[at + 1]; row++) rows.push(row)
  }
  return rows.sort((a, b) => mag[a] - mag[b] || a - b)
}

/** Place of the last element that is not above a value, in an ascending list that begins with 0. */
function lastNotAbove(sorted: Uint32Array, value: number): number {
  let low = 0
  let high = sorted.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (sorted[middle] <= value) low = middle
    else high = middle - 1
  }
  return low
}

function search(sorted: Uint32Array, value: number): number {
  let low = 0
  let high = sorted.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    if (sorted[middle] === value) return middle
    if (sorted[middle] < value) low = middle + 1
    else high = middle - 1
  }
  return -1
}

type Counts = { stars: number; cells: number; quads: number }

function sectionsOf({ stars, cells, quads }: Counts) {
  const sections = [
    ['cells', Uint32Array, cells],
    ['starts', Uint32Array, cells + 1],
    ['ra', Uint32Array, stars],
    ['dec', Uint32Array, stars],
    ['bins', Uint32Array, BINS + 1],
    ['stars', Uint32Array, 4 * quads],
    ['codes', Uint8Array, 4 * quads],
    ['mag', Int16Array, stars],
  ] as const
  let offset = HEADER_BYTES
  return sections.map(([name, type, length]) => {
    const start = offset
    offset += length * type.BYTES_PER_ELEMENT
    return { name, type, length, start, end: offset }
  })
}

/** The file of a band. */
export function encodeQuadBand(band: QuadBand): Uint8Array {
  const counts = { stars: band.ra.length, cells: band.cells.length, quads: band.codes.length / 4 }
  const sections = sectionsOf(counts)
  const bytes = new Uint8Array(sections[sections.length - 1].end)
  bytes.set(new TextEncoder().encode(MAGIC))
  const view = new DataView(bytes.buffer)
  ;[VERSION, band.order, counts.stars, counts.cells, counts.quads].forEach((value, i) => {
    view.setUint32(8 + 4 * i, value, true)
  })
  for (const { name, start } of sections) {
    const { buffer, byteOffset, byteLength } = band[name]
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), start)
  }
  return bytes
}

/** A band from its file. @throws {Error} no index of quads, of another version, or cut off */
export function decodeQuadBand(bytes: Uint8Array): QuadBand {
  const { order, counts } = readHeader(bytes)
  const sections = sectionsOf(counts)
  if (bytes.length < sections[sections.length - 1].end) throw new Error('the index of quads is cut off')
  // typed arrays begin on whole elements: bytes that lie askew in their buffer are moved
  const whole = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  const entries = sections.map(({ name, type, length, start }) => [
    name,
    new type(whole.buffer as ArrayBuffer, whole.byteOffset + start, length),
  ])
  const band: QuadBand = { order, ...Object.fromEntries(entries) }
  const { bins } = band
  if (bins[BINS] !== counts.quads || bins.some((start, k) => start > bins[k + 1]))
    throw new Error('the bins of the index of quads are out of order')
  return band
}

function readHeader(bytes: Uint8Array): { order: number; counts: Counts } {
  if (bytes.length < HEADER_BYTES || new TextDecoder().decode(bytes.subarray(0, 8)) !== MAGIC)
    throw new Error('the file is no index of quads')
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [version, order, stars, cells, quads] = [0, 1, 2, 3, 4].map(i => view.getUint32(8 + 4 * i, true))
  if (version !== VERSION) throw new Error(`the index of quads has version ${version}, not ${VERSION}`)
  return { order, counts: { stars, cells, quads } }
}

/** What a file of the index tells. @throws {CpcsError} IndexBroken */
function unbroken<T>(survey: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new CpcsError('IndexBroken', { survey, cause: error instanceof Error ? error.message : String(error) })
  }
}

/** Memory that pieces may take before those used longest ago are forgotten, unless told otherwise. */
const MOST_BYTES = 1.5e9

/** The index of a survey: which pieces there are, and each piece once it is asked for. */
export class QuadSky {
  readonly survey: string
  readonly orders: readonly number[]
  readonly #store: ObjectStore
  readonly #bands: Map<number, { cell: number; bytes: number }[]>
  readonly #mostBytes: number
  /** Pieces in memory by key, those used last at the end. */
  readonly #held = new Map<string, { bytes: number; piece: Promise<QuadBand> }>()

  constructor(store: ObjectStore, survey: string, { bands }: QuadList, mostBytes = MOST_BYTES) {
    this.#store = store
    this.#mostBytes = mostBytes
    this.#bands = new Map(bands.map(({ order, pieces }) => [order, pieces]))
    this.survey = survey
    this.orders = bands.map(band => band.order)
  }

  /** Cells of the pieces of an order. */
  pieces(order: number): number[] {
    return (this.#bands.get(order) ?? []).map(({ cell }) => cell)
  }

  /** Whether all pieces of an order can be in memory at once, so that going over them again costs nothing. */
  fits(order: number): boolean {
    return (this.#bands.get(order) ?? []).reduce((sum, { bytes }) => sum + bytes, 0) <= this.#mostBytes
  }

  async #read(key: string): Promise<QuadBand> {
    const file = await this.#store.get(key).catch((error: unknown) => {
      if (!(error instanceof CpcsError && error.name === 'ObjectMissing')) throw error
      throw new CpcsError(
        'IndexBroken',
        { survey: this.survey, cause: `its piece ${key} is missing` },
        { cause: error },
      )
    })
    return unbroken(this.survey, () => decodeQuadBand(file))
  }

  /** A piece, kept for the next to ask. @throws {CpcsError} StoreUnavailable, IndexBroken */
  piece(order: number, cell: number): Promise<QuadBand> {
    const key = quadPieceKey(this.survey, order, cell)
    const bytes = this.#bands.get(order)?.find(piece => piece.cell === cell)?.bytes ?? 0
    const held = this.#held.get(key) ?? {
      bytes,
      piece: this.#read(key),
    }
    this.#held.delete(key)
    this.#held.set(key, held)
    held.piece.catch(() => this.#held.delete(key))
    let sum = 0
    for (const { bytes } of this.#held.values()) sum += bytes
    for (const [old, { bytes }] of this.#held) {
      if (sum <= this.#mostBytes || old === key) break
      this.#held.delete(old)
      sum -= bytes
    }
    return held.piece
  }
}

/** The index that `cpcs tiles index` built of a survey, or undefined where there is none. @throws {CpcsError} IndexBroken */
export async function openQuadSky(
  store: ObjectStore,
  survey: string,
  mostBytes?: number,
): Promise<QuadSky | undefined> {
  const key = quadListKey(survey)
  if ((await store.size(key)) === undefined) return undefined
  const text = new TextDecoder().decode(await store.get(key))
  const list = unbroken(survey, () => JSON.parse(text) as QuadList)
  if (list.version !== VERSION)
    throw new CpcsError('IndexBroken', { survey, cause: `it has version ${list.version}, not ${VERSION}` })
  return new QuadSky(store, survey, list, mostBytes)
}

/** Write the list of pieces, by which the index is there. */
export async function putQuadList(store: ObjectStore, survey: string, bands: QuadList['bands']): Promise<void> {
  const text = JSON.stringify({ version: VERSION, bands })
  await store.put(quadListKey(survey), new TextEncoder().encode(text), { contentType: 'application/json' })
}
