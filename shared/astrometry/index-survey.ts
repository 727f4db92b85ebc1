import { readHatsProperties, readPartitions } from '#shared/catalogue/hats.ts'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { healpixCell, healpixCentre, healpixRadiusDeg } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'
import { brightestPerCell, buildQuadBand, type IndexStars } from './build-quad-index.ts'
import { encodeQuadBand, QUAD_ORDERS, quadIndexKey } from './quad-index.ts'

export interface BandSummary {
  order: number
  stars: number
  quads: number
  bytes: number
}

/**
 * Build the index of quads of an imported catalogue, one file for each order, and write it beside the catalogue's
 * tiles. Places are those of the catalogue's epoch: the pattern outlives proper motion, and the solution is fitted to
 * stars at the frame's.
 *
 * @param progress told each band as it is written
 * @throws {Error} no such catalogue @throws {CpcsError} TilesUnavailable, StoreUnavailable
 */
export async function indexSurvey(
  store: ObjectStore,
  survey: SurveyId,
  progress: (band: BandSummary) => void = () => {},
): Promise<BandSummary[]> {
  const stars = await brightStars(store, survey)
  const written: BandSummary[] = []
  let chosen = stars
  for (const order of [...QUAD_ORDERS].sort((a, b) => b - a)) {
    // what is bright in a cell is so in the smaller cells within
    chosen = take(chosen, brightestPerCell(chosen, order).rows)
    const band = buildQuadBand(chosen, order)
    const bytes = encodeQuadBand(band)
    await store.put(quadIndexKey(survey, order), bytes)
    const summary = { order, stars: band.ra.length, quads: band.codes.length / 4, bytes: bytes.length }
    progress(summary)
    written.push(summary)
  }
  return written
}

/** The brightest stars of every cell of the highest order, leaf after leaf, so that not all are in memory at once. */
async function brightStars(store: ObjectStore, survey: SurveyId): Promise<IndexStars> {
  const found = await readHatsProperties(store, `${survey}/`)
  if (!found) throw new Error(`no catalogue ${survey} was imported`)
  const tiles = openTiles(store)
  const { mainBand } = surveys[survey]
  const highest = Math.max(...QUAD_ORDERS)
  const parts: IndexStars[] = []
  for (const { order, cell } of await readPartitions(store, found.prefix)) {
    const [raDeg, decDeg] = healpixCentre(order, cell)
    const around = await tiles.cone(survey, { raDeg, decDeg, radiusDeg: healpixRadiusDeg(order) })
    const mag = around.mag[mainBand]
    const inside = Uint32Array.from(around.raDeg.keys()).filter(
      row => Number.isFinite(mag[row]) && healpixCell(order, around.raDeg[row], around.decDeg[row]) === cell,
    )
    const leaf = take({ raDeg: around.raDeg, decDeg: around.decDeg, mag }, inside)
    parts.push(take(leaf, brightestPerCell(leaf, highest).rows))
  }
  return {
    raDeg: joined(parts.map(part => part.raDeg)),
    decDeg: joined(parts.map(part => part.decDeg)),
    mag: joined(parts.map(part => part.mag)),
  }
}

function take({ raDeg, decDeg, mag }: IndexStars, rows: Uint32Array): IndexStars {
  return {
    raDeg: Float64Array.from(rows, row => raDeg[row]),
    decDeg: Float64Array.from(rows, row => decDeg[row]),
    mag: Float64Array.from(rows, row => mag[row]),
  }
}

function joined(parts: Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
