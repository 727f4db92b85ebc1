import { CpcsError } from '#shared/errors.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { healpixCell, healpixCentre, healpixRadiusDeg } from '#shared/sky/healpix.ts'
import type { ObjectStore } from '#shared/store.ts'
import { OWN_COLUMNS, overlap, type Partition, parseProperties } from './hats.ts'
import {
  anotherSurvey,
  groupsTouching,
  type HatsCatalogue,
  leafFiles,
  openHats,
  rowsOfGroup,
} from './hats-catalogue.ts'
import { normalise, wantedBy } from './normalise.ts'
import { openParquetObject, plainColumns, readParquet } from './parquet.ts'
import { findColumn, type PublishedTable } from './published-table.ts'
import type { ReferenceStars, SurveyId } from './reference.ts'
import { combineStars, fromParquetColumns, type StarColumns } from './reference-columns.ts'
import type { Survey } from './survey.ts'
import { surveys } from './surveys/index.ts'
import { askTap } from './tap.ts'
import type { HatsUpstream, TapUpstream, Upstream } from './upstreams.ts'
import { ARCHIVE_MANNERS, type Clock, FILE_MANNERS, systemClock, WebClient } from './web-client.ts'
import { WebStore } from './web-store.ts'

/** Stars of a cell as a service gave them, and how they were asked for. */
export interface FetchedCell {
  stars: ReferenceStars
  /** Name of the service. */
  service: string
  /** Where it was asked. */
  url: string
  /** What was asked: the queries of TAP, or the leaves of HATS with the date of the catalogue. */
  query: string
  /** ISO 8601 UTC. */
  fetchedAt: string
}

/** How stars of a cell of the sky that are not held here are got from elsewhere. */
export type FetchCell = (survey: SurveyId, cell: Partition) => Promise<FetchedCell>

/** Cells are quartered until an answer holds them; so deep no cell holds more rows than an answer. */
const DEEPEST_SPLIT = 8

/** What asking the web needs; tests hand in a clock of their own, and addresses of their own. */
export interface Web {
  clock?: Clock
  fetch?: typeof fetch
  /** The services of a survey, in the order in which they are asked. */
  upstreamsOf?: (survey: SurveyId) => readonly Upstream[]
}

/**
 * Stars from the services that survey descriptions name: the first that answers whole is believed. Stars are those
 * brighter than the faint limit of the survey's main band whose published place lies in the cell.
 */
export function fetchFromServices({ clock = systemClock, fetch: fetcher, upstreamsOf }: Web = {}): FetchCell {
  const archives = new WebClient(ARCHIVE_MANNERS, clock, fetcher)
  const files = new WebClient(FILE_MANNERS, clock, fetcher)
  const catalogues = new Map<string, HatsCatalogue>()
  const services = upstreamsOf ?? (survey => surveys[survey].upstreams ?? [])
  return async (survey, cell) => {
    const refusals: unknown[] = []
    for (const upstream of services(survey)) {
      try {
        const answer =
          upstream.kind === 'tap'
            ? await cellByTap(archives, upstream, surveys[survey], cell)
            : await cellByHats(storeAt(upstream.url, files), upstream, surveys[survey], cell, catalogues)
        const { service, url } = upstream
        return { ...answer, service, url, fetchedAt: new Date(clock.now()).toISOString() }
      } catch (error) {
        // its leaves may be other ones by now
        catalogues.delete(upstream.url)
        refusals.push(error)
      }
    }
    throw refused(survey, refusals)
  }
}

/** An address of the web, or a folder. */
function storeAt(url: string, web: WebClient): ObjectStore {
  return /^(https?|s3):/.test(url) ? new WebStore(url, web) : new FolderStore(url)
}

function refused(survey: SurveyId, refusals: unknown[]): unknown {
  const changed = refusals.every(error => error instanceof CpcsError && error.name === 'UpstreamChanged')
  if (changed && refusals.length > 0) return refusals[0]
  const cause = refusals.map(error => (error instanceof Error ? error.message : String(error))).join('; ')
  return new CpcsError('TilesUnavailable', { survey, cause: cause || 'no service is known that holds it' })
}

/** The stars whose place is in a cell, down to the survey's faint limit. */
function starsInCell(stars: StarColumns, survey: Survey, { order, cell }: Partition): ReferenceStars {
  const mag = stars.mag[survey.mainBand]
  const { faint } = survey.bands[survey.mainBand]
  const rows: number[] = []
  for (let i = 0; i < stars.count; i++)
    if (mag[i] <= faint && healpixCell(order, stars.raDeg[i], stars.decDeg[i]) === cell) rows.push(i)
  return combineStars([{ stars, rows }], survey.id)
}

async function cellByTap(web: WebClient, tap: TapUpstream, survey: Survey, whole: Partition) {
  const queries: string[] = []
  const parts: ReferenceStars[] = []
  const ask = (adql: string, maxRows: number) => {
    queries.push(adql)
    return askTap(web, tap, adql, maxRows)
  }
  const descend = async (cell: Partition): Promise<void> => {
    if (cell.order > whole.order + DEEPEST_SPLIT)
      throw new CpcsError('UpstreamChanged', {
        service: tap.service,
        found: `more than ${tap.maxRows} rows in a cell of order ${cell.order}`,
      })
    const where = conditions(tap, survey, cell)
    const expected = await countRows(tap, where, ask)
    if (expected === 0) return
    if (expected <= tap.maxRows) {
      const answer = await ask(
        `SELECT ${tap.columns.map(named(tap)).join(', ')} FROM ${tap.table} ${where}`,
        tap.maxRows,
      )
      checkColumns(answer.table, tap)
      if (!answer.overflow && answer.table.count !== expected)
        throw new Error(`${tap.service} sent ${answer.table.count} of the ${expected} rows that it counts`)
      if (!answer.overflow) {
        parts.push(starsInCell(normalise(answer.table, survey), survey, cell))
        return
      }
    }
    for (let quarter = 0; quarter < 4; quarter++)
      await descend({ order: cell.order + 1, cell: 4 * cell.cell + quarter })
  }
  await descend(whole)
  return { stars: joined(parts, survey), query: queries.join('; ') }
}

const named =
  ({ quoted }: TapUpstream) =>
  (column: string) =>
    quoted ? `"${column}"` : column

/** A circle around the cell: services know no cells. What lies in its corners is left out here. */
function conditions(tap: TapUpstream, survey: Survey, { order, cell }: Partition): string {
  const [raDeg, decDeg] = healpixCentre(order, cell)
  const name = named(tap)
  const circle = [raDeg, decDeg, healpixRadiusDeg(order) + 1e-6].map(value => value.toFixed(7)).join(', ')
  const parts = [
    `1 = CONTAINS(POINT('ICRS', ${name(tap.ra)}, ${name(tap.dec)}), CIRCLE('ICRS', ${circle}))`,
    `${name(tap.magnitude)} <= ${survey.bands[survey.mainBand].faint}`,
  ]
  if (tap.where) parts.push(tap.where)
  return `WHERE ${parts.join(' AND ')}`
}

/** How many rows an answer must have: without it, an answer that was cut would look whole. */
async function countRows(
  tap: TapUpstream,
  where: string,
  ask: (adql: string, maxRows: number) => ReturnType<typeof askTap>,
) {
  const { table } = await ask(`SELECT COUNT(*) AS n FROM ${tap.table} ${where}`, 1)
  const [column] = table.columns.values()
  const count = Number(column?.[0])
  if (table.count !== 1 || !Number.isInteger(count))
    throw new CpcsError('UpstreamChanged', { service: tap.service, found: 'no number of rows' })
  return count
}

function checkColumns(table: PublishedTable, { service, columns }: TapUpstream): void {
  const missing = columns.filter(name => findColumn(table, [name]) === undefined)
  if (missing.length > 0)
    throw new CpcsError('UpstreamChanged', { service, found: `no column ${missing.join(', ')} in its answer` })
}

async function cellByHats(
  store: ObjectStore,
  { service, url }: HatsUpstream,
  survey: Survey,
  cell: Partition,
  known: Map<string, HatsCatalogue>,
) {
  const catalogue = known.get(url) ?? (await openHats(store, ''))
  if (!catalogue) throw new CpcsError('UpstreamChanged', { service, found: `no HATS catalogue at ${url}` })
  const strange = anotherSurvey(catalogue.properties, survey.id)
  if (strange !== undefined) throw new CpcsError('UpstreamChanged', { service, found: strange })
  known.set(url, catalogue)
  const leaves = catalogue.partitions.filter(leaf => overlap(leaf, cell))
  const parts: ReferenceStars[] = []
  for (const leaf of leaves)
    for (const key of await leafFiles(store, catalogue, leaf)) {
      const file = await openParquetObject(store, key)
      const own = catalogue.properties.has(OWN_COLUMNS)
      if (!own) checkPublished(plainColumns(file), service, survey)
      for (const group of groupsTouching(file, catalogue, { order: cell.order, ranges: [[cell.cell, cell.cell]] })) {
        const { start, end } = rowsOfGroup(file, group)
        const table = await readParquet(file, own ? undefined : wantedBy(survey), start, end)
        const stars = own ? fromParquetColumns(table, survey.id) : normalise(table, survey)
        parts.push(starsInCell(stars, survey, cell))
      }
    }
  const date = parseProperties(catalogue.text).get('hats_creation_date') ?? 'of no date'
  const names = leaves.map(({ order, cell: leaf }) => `Norder=${order}/Npix=${leaf}`)
  return { stars: joined(parts, survey), query: `catalogue ${date}: ${names.join(', ') || 'no leaf'}` }
}

/** A tile is kept for good: it must not lack a band because a service had renamed a column. */
function checkPublished(names: string[], service: string, survey: Survey): void {
  const table: PublishedTable = { count: 0, columns: new Map(names.map(name => [name, []])) }
  const { ra, dec } = survey.columns
  const needed = [ra, dec, ...Object.values(survey.bands).map(({ mag }) => mag)]
  const missing = needed.filter(spellings => findColumn(table, spellings) === undefined)
  if (missing.length > 0)
    throw new CpcsError('UpstreamChanged', {
      service,
      found: `columns without ${missing.map(spellings => spellings.join(' or ')).join(', ')}`,
    })
}

function joined(parts: ReferenceStars[], survey: Survey): ReferenceStars {
  return combineStars(
    parts.map(stars => ({ stars, rows: Array.from(stars.raDeg.keys()) })),
    survey.id,
  )
}
