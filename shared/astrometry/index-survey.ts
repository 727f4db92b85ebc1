import { readHatsProperties, readPartitions } from '#shared/catalogue/hats.ts'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { healpixCell, healpixCentre, healpixRadiusDeg } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'
import { brightestPerCell, buildQuadPieces, type IndexStars } from './build-quad-index.ts'
import { encodeQuadBand, putQuadList, QUAD_ORDERS, type QuadList, quadPieceKey } from './quad-index.ts'

export interface BandSummary {
  order: number
  stars: number
  quads: number
  bytes: number
}

/**
 * Build the index of quads of an imported catalogue, piece by piece for each order, and write it beside the
 * catalogue's tiles. Places are those of the catalogue's epoch: the pattern outlives proper motion, and the solution is fitted to
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
  return writeQuads(store, survey, await brightStars(store, survey), QUAD_ORDERS, progress)
}

/**
 * Write the index of given stars.
 *
 * @param orders that are built, ascending
 */
export async function writeQuads(
  store: ObjectStore,
  survey: SurveyId,
  stars: IndexStars,
  orders: readonly number[],
  progress: (band: BandSummary) => void = () => {},
): Promise<BandSummary[]> {
  let chosen = stars
  const written: BandSummary[] = []
  const bands: QuadList['bands'] = []
  for (const order of orders.toReversed()) {
    // what is bright in a cell is so in the smaller cells within
    chosen = take(chosen, brightestPerCell(chosen, order).rows)
    const summary: BandSummary = { order, stars: chosen.mag.length, quads: 0, bytes: 0 }
    const pieces: QuadList['bands'][number]['pieces'] = []
    for (const { cell, band } of buildQuadPieces(chosen, order)) {
      const bytes = encodeQuadBand(band)
      await store.put(quadPieceKey(survey, order, cell), bytes)
      pieces.push({ cell, bytes: bytes.length })
      summary.quads += band.codes.length / 4
      summary.bytes += bytes.length
    }
    bands.push({ order, pieces })
    progress(summary)
    written.push(summary)
  }
  await putQuadList(store, survey, bands.reverse())
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
