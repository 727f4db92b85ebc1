import { unitVector } from '#shared/sky/apparent.ts'
import type { Cone, ReferenceStars, SurveyId } from './reference.ts'
import { gatherStars, type StarColumns, takeStars } from './reference-columns.ts'
import { surveys } from './surveys/index.ts'

const RAD = Math.PI / 180
/** What a string costs in memory beside its characters. */
const STRING_BYTES = 24

/** Stars of a tile ready to be searched: brightest first, with their directions. */
export interface TileStars {
  stars: StarColumns
  /** What the stars are ranked by, mag, ascending: the main band, or the brightest of the others. */
  rank: Float64Array
  /** Unit vectors, x y z of one star after the other. */
  directions: Float64Array
}

/** Put the stars of a tile in order of brightness, ties by position, so that the order is one. */
export function tileStars(stars: StarColumns): TileStars {
  const rank = rankOf(stars)
  const { raDeg, decDeg } = stars
  const order = Uint32Array.from(rank.keys()).sort(
    (a, b) => rank[a] - rank[b] || raDeg[a] - raDeg[b] || decDeg[a] - decDeg[b],
  )
  const sorted = inOrder(stars, order)
  const directions = new Float64Array(3 * stars.count)
  for (let i = 0; i < stars.count; i++) directions.set(unitVector(sorted.raDeg[i], sorted.decDeg[i]), 3 * i)
  return { stars: sorted, rank: Float64Array.from(order, row => rank[row]), directions }
}

/** Bytes that a tile takes in memory, about. */
export function bytesOfTile({ stars, rank, directions }: TileStars): number {
  const columns: unknown[] = [...Object.values(stars), ...Object.values(stars.mag), ...Object.values(stars.magErr)]
  let numbers = 0
  for (const column of columns) if (ArrayBuffer.isView(column)) numbers += column.byteLength
  let ids = 0
  for (const id of stars.id) ids += id.length + STRING_BYTES
  return numbers + ids + rank.byteLength + directions.byteLength
}

/**
 * Stars of some tiles within a cone, brightest first, at most `limit`; every band of the survey is there.
 *
 * @param tiles of one survey, no star in two of them
 */
export function starsWithin(
  tiles: readonly TileStars[],
  cone: Cone,
  survey: SurveyId,
  limit = Number.POSITIVE_INFINITY,
): ReferenceStars {
  const chosen = tiles.map(tile => rowsWithin(tile, cone))
  const { part, row } = brightestFirst(tiles, chosen, limit)
  const found = gatherStars(
    tiles.map(({ stars }) => stars),
    part,
    row,
    survey,
  )
  for (const band of Object.keys(surveys[survey].bands)) {
    found.mag[band] ??= new Float64Array(found.count).fill(Number.NaN)
    found.magErr[band] ??= new Float64Array(found.count).fill(Number.NaN)
  }
  return found
}

function rankOf({ survey, mag, count }: StarColumns): Float64Array {
  const main = mag[surveys[survey].mainBand]
  const others = Object.values(mag)
  return Float64Array.from({ length: count }, (_, i) => {
    if (main !== undefined && !Number.isNaN(main[i])) return main[i]
    // no main band: rank by the brightest of the others, so that a table with one band only still has an order
    let brightest = 99
    for (const band of others) if (band[i] < brightest) brightest = band[i]
    return brightest
  })
}

/** The columns in another order, single precision kept. */
function inOrder(stars: StarColumns, order: Uint32Array): StarColumns {
  const wide = takeStars(stars, order)
  const narrow = (column: ArrayLike<number>, as: ArrayLike<number>) =>
    as instanceof Float32Array ? Float32Array.from(column) : column
  const narrowBands = (bands: Record<string, ArrayLike<number>>, as: Record<string, ArrayLike<number>>) =>
    Object.fromEntries(Object.entries(bands).map(([band, column]) => [band, narrow(column, as[band])]))
  return {
    ...wide,
    raErrMas: narrow(wide.raErrMas, stars.raErrMas),
    decErrMas: narrow(wide.decErrMas, stars.decErrMas),
    pmRaMasPerYear: narrow(wide.pmRaMasPerYear, stars.pmRaMasPerYear),
    pmDecMasPerYear: narrow(wide.pmDecMasPerYear, stars.pmDecMasPerYear),
    pmErrMasPerYear: narrow(wide.pmErrMasPerYear, stars.pmErrMasPerYear),
    parallaxMas: narrow(wide.parallaxMas, stars.parallaxMas),
    mag: narrowBands(wide.mag, stars.mag),
    magErr: narrowBands(wide.magErr, stars.magErr),
  }
}

/** Rows of a tile within a cone, by the chord between directions: exact for the smallest cones, and no sine per star. */
function rowsWithin({ directions }: TileStars, { raDeg, decDeg, radiusDeg }: Cone): Uint32Array {
  const [x, y, z] = unitVector(raDeg, decDeg)
  const reach = 4 * Math.sin((Math.min(radiusDeg, 180) * RAD) / 2) ** 2
  const rows = new Uint32Array(directions.length / 3)
  let count = 0
  for (let i = 0, at = 0; at < directions.length; i++, at += 3) {
    const dx = directions[at] - x
    const dy = directions[at + 1] - y
    const dz = directions[at + 2] - z
    if (dx * dx + dy * dy + dz * dz <= reach) rows[count++] = i
  }
  return rows.subarray(0, count)
}

/** Merge rows that are sorted within each tile: two runs become one until one is left. */
function brightestFirst(tiles: readonly TileStars[], chosen: Uint32Array[], limit: number) {
  let runs: Run[] = chosen
    .map((row, p) => ({ part: new Uint32Array(row.length).fill(p), row }))
    .filter(run => run.row.length)
  while (runs.length > 1) {
    const merged: Run[] = []
    for (let i = 0; i + 1 < runs.length; i += 2) merged.push(mergeRuns(tiles, runs[i], runs[i + 1], limit))
    if (runs.length % 2 === 1) merged.push(runs[runs.length - 1])
    runs = merged
  }
  const { part, row } = runs[0] ?? { part: new Uint32Array(0), row: new Uint32Array(0) }
  return { part: part.subarray(0, limit), row: row.subarray(0, limit) }
}

interface Run {
  part: Uint32Array
  row: Uint32Array
}

function mergeRuns(tiles: readonly TileStars[], a: Run, b: Run, limit: number): Run {
  const count = Math.min(limit, a.row.length + b.row.length)
  const merged = { part: new Uint32Array(count), row: new Uint32Array(count) }
  let i = 0
  let j = 0
  for (let at = 0; at < count; at++) {
    const first = j >= b.row.length || (i < a.row.length && comesFirst(tiles, a.part[i], a.row[i], b.part[j], b.row[j]))
    const from = first ? a : b
    const place = first ? i++ : j++
    merged.part[at] = from.part[place]
    merged.row[at] = from.row[place]
  }
  return merged
}

function comesFirst(tiles: readonly TileStars[], partA: number, a: number, partB: number, b: number): boolean {
  const tileA = tiles[partA]
  const tileB = tiles[partB]
  const byRank = tileA.rank[a] - tileB.rank[b]
  if (byRank !== 0) return byRank < 0
  const byRa = tileA.stars.raDeg[a] - tileB.stars.raDeg[b]
  return (byRa || tileA.stars.decDeg[a] - tileB.stars.decDeg[b]) <= 0
}
