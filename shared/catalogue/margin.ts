import { createHash } from 'node:crypto'
import { separationDeg } from '#shared/sky/angles.ts'
import { directionOf, unitVector } from '#shared/sky/apparent.ts'
import { healpixCell, healpixCentre, healpixOutline, healpixRadiusDeg } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'
import { ByteCache } from './byte-cache.ts'
import { cellOrder } from './cell-order.ts'
import { encodeMarginProperties, encodePartitions, leafKey, OWN_COLUMNS, type Partition } from './hats.ts'
import { openHats } from './hats-catalogue.ts'
import { encodeParquet, openParquetObject, readParquet } from './parquet.ts'
import type { SurveyId } from './reference.ts'
import { combineStars, fromParquetColumns, type StarColumns, takeStars, toParquetColumns } from './reference-columns.ts'
import { surveys } from './surveys/index.ts'

const RAD = Math.PI / 180
/** Leaves kept while their neighbours are worked on. */
const LEAVES_AT_HAND = 64
const ROW_GROUP = 4096
/** Points on a circle around a star; where one lies in a leaf, the star is near it. */
const DIRECTIONS = 16
/** Between two of these points the edge of a leaf comes closer by this at most: 1 / cos(π / 16). */
const SLACK = 1.02

/**
 * Write the margin catalogue of an imported one: for each leaf the stars that lie outside of it, but within so many
 * arcseconds. Tools that match catalogues leaf by leaf find there what would be across the edge.
 *
 * @param prefix key prefix above the survey's folder, '' or ending in '/'
 * @param arcsec the threshold; stars up to 2 % beyond it may be among the others
 * @returns prefix of the margin catalogue and its leaves
 * @throws {Error} no such catalogue, or one that was copied in
 * @throws {CpcsError} StoreUnavailable, ObjectMissing
 */
export async function writeMargin(
  store: ObjectStore,
  prefix: string,
  survey: SurveyId,
  arcsec: number,
): Promise<{ prefix: string; partitions: Partition[] }> {
  const catalogue = await openHats(store, `${prefix}${survey}/`)
  if (!catalogue?.properties.has(OWN_COLUMNS)) throw new Error(`no catalogue ${survey} was imported`)
  const root = `${prefix}${survey}_margin_${arcsec}arcs/`
  const leaves = new ByteCache<StarColumns>(LEAVES_AT_HAND, () => 1)
  const starsOf = (leaf: Partition) => {
    const key = `${leafKey(catalogue.prefix, leaf)}.parquet`
    return leaves.get(key, async () =>
      fromParquetColumns(await readParquet(await openParquetObject(store, key)), survey),
    )
  }
  const partitions: Partition[] = []
  for (const leaf of catalogue.partitions) {
    const near = nearTo(leaf, arcsec / 3600)
    const parts: { stars: StarColumns; rows: number[] }[] = []
    for (const other of catalogue.partitions) {
      if (other === leaf || !near.leaf(other)) continue
      const stars = await starsOf(other)
      parts.push({ stars, rows: near.rows(stars) })
    }
    const stars = combineStars(parts, survey)
    if (stars.count === 0) continue
    const columns = toParquetColumns(takeStars(stars, cellOrder(stars).rows), surveys[survey])
    const bytes = encodeParquet(columns, ROW_GROUP)
    await store.put(`${leafKey(root, leaf)}.parquet`, bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    partitions.push({ order: leaf.order, cell: leaf.cell, rows: stars.count, sha256 })
  }
  const schema = toParquetColumns(combineStars([], survey), surveys[survey])
  await store.put(`${root}dataset/_common_metadata`, encodeParquet(schema, ROW_GROUP))
  await store.put(`${root}partition_info.csv`, text(encodePartitions(partitions)))
  await store.put(`${root}hats.properties`, text(encodeMarginProperties(survey, partitions, arcsec)))
  return { prefix: root, partitions }
}

/** What lies within a threshold of a leaf. */
function nearTo({ order, cell }: Partition, thresholdDeg: number) {
  const [raDeg, decDeg] = healpixCentre(order, cell)
  const reach = healpixRadiusDeg(order) + thresholdDeg
  const corners = healpixOutline(order, cell, 1)
  const within = SLACK * thresholdDeg
  const touches = (ra: number, dec: number) =>
    corners.some(corner => separationDeg(ra, dec, ...corner) <= within) ||
    around(ra, dec, within).some(place => healpixCell(order, place.raDeg, place.decDeg) === cell)
  return {
    leaf(other: Partition): boolean {
      const [ra, dec] = healpixCentre(other.order, other.cell)
      const farthest = reach + healpixRadiusDeg(other.order)
      return Math.abs(dec - decDeg) <= farthest && separationDeg(raDeg, decDeg, ra, dec) <= farthest
    },
    rows(stars: StarColumns): number[] {
      const rows: number[] = []
      for (let i = 0; i < stars.count; i++) {
        const [ra, dec] = [stars.raDeg[i], stars.decDeg[i]]
        if (Math.abs(dec - decDeg) <= reach && separationDeg(ra, dec, raDeg, decDeg) <= reach && touches(ra, dec))
          rows.push(i)
      }
      return rows
    },
  }
}

/** Places on a circle around a place; the poles are no exception. */
function around(raDeg: number, decDeg: number, radiusDeg: number): { raDeg: number; decDeg: number }[] {
  const [x, y, z] = unitVector(raDeg, decDeg)
  const east = unitVector(raDeg + 90, 0)
  const north = [y * east[2] - z * east[1], z * east[0] - x * east[2], x * east[1] - y * east[0]]
  const [along, aside] = [Math.cos(radiusDeg * RAD), Math.sin(radiusDeg * RAD)]
  return Array.from({ length: DIRECTIONS }, (_, i) => {
    const angle = (2 * Math.PI * i) / DIRECTIONS
    const [c, s] = [aside * Math.cos(angle), aside * Math.sin(angle)]
    return directionOf([
      along * x + c * east[0] + s * north[0],
      along * y + c * east[1] + s * north[1],
      along * z + c * east[2] + s * north[2],
    ])
  })
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}
