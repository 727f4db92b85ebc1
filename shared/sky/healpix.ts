/**
 * HEALPix in the NESTED scheme (Górski et al. 2005, ApJ 622, 759): the sphere in 12·4^order cells of equal area.
 * Cells up to order 24 fit a number exactly; order 29, the index by which HATS catalogues are sorted, is a bigint.
 */

export const MAX_ORDER = 29
/** Highest order whose cell numbers are exact as a number: 12·4^24 < 2^53. */
const MAX_NUMBER_ORDER = 24
const RAD = Math.PI / 180

// Górski et al. 2005, §4: row and column of the southernmost corner of each of the twelve base cells.
const FACE_ROW = [2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4]
const FACE_COLUMN = [1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7]

/**
 * Cell that holds a position.
 *
 * @param order 0..24
 * @param raDeg,decDeg degrees, any range of right ascension
 * @throws {RangeError} order outside 0..24
 */
export function healpixCell(order: number, raDeg: number, decDeg: number): number {
  if (!(order >= 0 && order <= MAX_NUMBER_ORDER)) throw new RangeError(`HEALPix order ${order} outside 0..24`)
  const side = 2 ** order
  const { face, x, y } = locate(side, raDeg, decDeg)
  return face * side * side + interleave(x >>> 16, y >>> 16) * 2 ** 32 + interleave(x & 0xffff, y & 0xffff)
}

/** Cell of order 29 that holds a position: the `_healpix_29` of HATS. */
export function healpix29(raDeg: number, decDeg: number): bigint {
  const { face, x, y } = locate(2 ** MAX_ORDER, raDeg, decDeg)
  const high = interleave(x >>> 16, y >>> 16)
  const low = interleave(x & 0xffff, y & 0xffff)
  return (BigInt(face) << 58n) | (BigInt(high) << 32n) | BigInt(low)
}

/**
 * Centre of a cell, degrees.
 *
 * @param order 0..29
 * @param cell 0..12·4^order − 1
 */
export function healpixCentre(order: number, cell: number | bigint): [raDeg: number, decDeg: number] {
  const side = 2 ** order
  const { face, x, y } = placeOf(order, cell)
  return fromFace(face, (x + 0.5) / side, (y + 0.5) / side)
}

/** Base cell of a cell, and its column and row on it. */
function placeOf(order: number, cell: number | bigint): { face: number; x: number; y: number } {
  const side = 2 ** order
  let face: number
  let high: number
  let low: number
  if (typeof cell === 'bigint') {
    const within = cell & ((1n << BigInt(2 * order)) - 1n)
    face = Number(cell >> BigInt(2 * order))
    high = Number(within >> 32n)
    low = Number(within & 0xffffffffn)
  } else {
    face = Math.floor(cell / (side * side))
    const within = cell - face * side * side
    high = Math.floor(within / 2 ** 32)
    low = within % 2 ** 32
  }
  const x = deinterleave(high) * 65536 + deinterleave(low)
  const y = deinterleave(high >>> 1) * 65536 + deinterleave(low >>> 1)
  return { face, x, y }
}

/** Largest distance from the centre of a cell to its corners, over all cells of an order, degrees. */
export function healpixRadiusDeg(order: number): number {
  // The cells that reach farthest touch the circle |z| = 2/3 (as in the reference implementation's max_pixrad).
  const side = 2 ** order
  const z1 = 2 / 3
  const z2 = 1 - (1 - 1 / side) ** 2 / 3
  const longitude = Math.PI / (4 * side)
  const s1 = Math.sqrt(1 - z1 * z1)
  const s2 = Math.sqrt(1 - z2 * z2)
  const chordSquared = (s1 * Math.cos(longitude) - s2) ** 2 + (s1 * Math.sin(longitude)) ** 2 + (z1 - z2) ** 2
  return (2 * Math.asin(Math.min(1, Math.sqrt(chordSquared) / 2))) / RAD
}

/** Whether a cell may hold points within the cone; never false where it does. */
export function healpixTouchesCone(
  order: number,
  cell: number,
  cone: { raDeg: number; decDeg: number; radiusDeg: number },
): boolean {
  const [raDeg, decDeg] = healpixCentre(order, cell)
  return separation(raDeg, decDeg, cone.raDeg, cone.decDeg) <= cone.radiusDeg + healpixRadiusDeg(order) + 1e-9
}

/**
 * Whether a cell and a cone overlap, by the outline of the cell: never false where they do, and true beyond the cone's
 * edge by no more than a fiftieth of the cell's radius.
 */
export function healpixOverlapsCone(
  order: number,
  cell: number,
  cone: { raDeg: number; decDeg: number; radiusDeg: number },
): boolean {
  if (cone.radiusDeg >= 180 || healpixCell(order, cone.raDeg, cone.decDeg) === cell) return true
  const reach = cone.radiusDeg + healpixRadiusDeg(order) / 50
  return healpixOutline(order, cell, 64).some(
    ([raDeg, decDeg]) => separation(raDeg, decDeg, cone.raDeg, cone.decDeg) <= reach,
  )
}

/**
 * Points on the outline of a cell, once around, degrees.
 *
 * @param steps points on each of the four edges
 */
export function healpixOutline(order: number, cell: number, steps: number): [raDeg: number, decDeg: number][] {
  const side = 2 ** order
  const { face, x, y } = placeOf(order, cell)
  const along = Array.from({ length: steps }, (_, i) => i / steps)
  return [
    ...along.map((t): [number, number] => [t, 0]),
    ...along.map((t): [number, number] => [1, t]),
    ...along.map((t): [number, number] => [1 - t, 1]),
    ...along.map((t): [number, number] => [0, 1 - t]),
  ].map(([dx, dy]) => fromFace(face, (x + dx) / side, (y + dy) / side))
}

/**
 * Cells of an order that may hold points within the cone, ascending: all that do, and some just outside.
 *
 * @param order 0..24
 */
export function healpixCone(order: number, cone: { raDeg: number; decDeg: number; radiusDeg: number }): number[] {
  let cells = Array.from({ length: 12 }, (_, face) => face).filter(face => healpixTouchesCone(0, face, cone))
  for (let level = 1; level <= order; level++)
    cells = cells
      .flatMap(cell => [4 * cell, 4 * cell + 1, 4 * cell + 2, 4 * cell + 3])
      .filter(cell => healpixTouchesCone(level, cell, cone))
  return cells
}

/** Face and integer place on it, after the reference implementation's description in Górski et al. 2005, §5. */
function locate(side: number, raDeg: number, decDeg: number): { face: number; x: number; y: number } {
  let quarter = (raDeg / 90) % 4
  if (quarter < 0) quarter += 4
  if (quarter >= 4) quarter = 0
  const z = Math.sin(decDeg * RAD)
  const height = Math.abs(z)

  if (height <= 2 / 3) {
    const up = side * (0.5 + quarter)
    const across = side * z * 0.75
    const rising = Math.floor(up - across)
    const falling = Math.floor(up + across)
    const risingFace = Math.floor(rising / side)
    const fallingFace = Math.floor(falling / side)
    const face =
      risingFace === fallingFace
        ? 4 + (risingFace % 4)
        : risingFace < fallingFace
          ? risingFace % 4
          : 8 + (fallingFace % 4)
    return { face, x: falling % side, y: side - (rising % side) - 1 }
  }

  const column = Math.min(3, Math.floor(quarter))
  const within = quarter - column
  // Close to the pole 1 − |z| has lost its digits; 2 sin²(colatitude / 2) has not.
  const colatitude = (90 - Math.abs(decDeg)) * RAD
  const ring = side * Math.sqrt(6) * Math.sin(colatitude / 2)
  const rising = Math.min(side - 1, Math.floor(within * ring))
  const falling = Math.min(side - 1, Math.floor((1 - within) * ring))
  return z > 0
    ? { face: column, x: side - falling - 1, y: side - rising - 1 }
    : { face: column + 8, x: rising, y: falling }
}

/** Position of the point (x, y), each 0..1, of a base cell. */
function fromFace(face: number, x: number, y: number): [number, number] {
  const row = FACE_ROW[face] - x - y
  let ring = 1
  let decDeg: number
  if (row < 1) {
    ring = row
    decDeg = 90 - (2 * Math.asin(ring / Math.sqrt(6))) / RAD
  } else if (row > 3) {
    ring = 4 - row
    decDeg = (2 * Math.asin(ring / Math.sqrt(6))) / RAD - 90
  } else decDeg = Math.asin(((2 - row) * 2) / 3) / RAD
  let column = FACE_COLUMN[face] * ring + x - y
  if (column < 0) column += 8
  if (column >= 8) column -= 8
  return [ring < 1e-15 ? 0 : (45 * column) / ring, decDeg]
}

/** Bits of x on the even places, bits of y on the odd ones; 16 bits each. */
function interleave(x: number, y: number): number {
  return (spread(x) | (spread(y) << 1)) >>> 0
}

function spread(value: number): number {
  value = (value | (value << 8)) & 0x00ff00ff
  value = (value | (value << 4)) & 0x0f0f0f0f
  value = (value | (value << 2)) & 0x33333333
  return (value | (value << 1)) & 0x55555555
}

/** The 16 even bits of a 32-bit number. */
function deinterleave(value: number): number {
  value &= 0x55555555
  value = (value | (value >>> 1)) & 0x33333333
  value = (value | (value >>> 2)) & 0x0f0f0f0f
  value = (value | (value >>> 4)) & 0x00ff00ff
  return (value | (value >>> 8)) & 0xffff
}

function separation(ra1: number, dec1: number, ra2: number, dec2: number): number {
  const dDec = Math.sin(((dec2 - dec1) * RAD) / 2)
  const dRa = Math.sin(((ra2 - ra1) * RAD) / 2)
  const a = dDec * dDec + Math.cos(dec1 * RAD) * Math.cos(dec2 * RAD) * dRa * dRa
  return (2 * Math.asin(Math.min(1, Math.sqrt(a)))) / RAD
}
