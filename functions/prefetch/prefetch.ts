import {
  Fields,
  type PrefetchInput,
  type PrefetchOutput,
  type TileFetched,
  type TileToFetch,
} from '#events/prefetch.ts'
import type { FetchCell } from '#shared/catalogue/fetch-cell.ts'
import { cellsToFetch, FetchedTiles, indexFetched } from '#shared/catalogue/fetched-tiles.ts'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import { isSurveyId } from '#shared/catalogue/surveys/index.ts'
import { CpcsError } from '#shared/errors.ts'
import type { Log, ObjectStore } from '#shared/store.ts'

/** The operator's list of fields, in the tiles bucket. */
export const FIELDS_KEY = 'fields.json'
/** Tiles of one run: their list must pass between two states, which hold 256 KiB. */
const MOST_TILES = 1500

export interface PrefetchDeps {
  /** The tiles bucket. */
  tileStore: ObjectStore
  fetchCell: FetchCell
  /** Surveys to fetch for fields that name none. */
  surveysToFetch: readonly SurveyId[]
  log: Log
}

/**
 * One step of fetching the tiles of a list of fields before their frames come: list what is missing, fetch one tile,
 * write the index of what is held.
 *
 * @throws {CpcsError} ContractBroken the list of fields is not one; TilesUnavailable, UpstreamChanged, StoreUnavailable
 */
export async function prefetch(input: PrefetchInput, deps: PrefetchDeps): Promise<PrefetchOutput> {
  if (input.step === 'list') return listMissing(deps)
  if (input.step === 'fetch') return fetchOne(input.tile, deps)
  return indexAll(input.results, deps)
}

async function listMissing({ tileStore, surveysToFetch, log }: PrefetchDeps) {
  const tiles = new FetchedTiles(tileStore, '')
  const wanted = new Map<string, TileToFetch>()
  for (const { surveys, ...cone } of await readFields(tileStore))
    for (const survey of surveys?.map(known) ?? surveysToFetch)
      for (const cell of cellsToFetch(survey, cone)) wanted.set(`${survey} ${cell}`, { survey, cell })
  const missing: TileToFetch[] = []
  for (const tile of wanted.values()) if (!(await tiles.holds(tile.survey as SurveyId, tile.cell))) missing.push(tile)
  log.info('tiles of the fields', { wanted: wanted.size, missing: missing.length })
  return { items: missing.slice(0, MOST_TILES), left: Math.max(0, missing.length - MOST_TILES) }
}

async function readFields(store: ObjectStore): Promise<Fields> {
  try {
    const parsed = Fields.safeParse(JSON.parse(new TextDecoder().decode(await store.get(FIELDS_KEY))))
    if (parsed.success) return parsed.data
    throw new CpcsError('ContractBroken', { side: FIELDS_KEY, found: parsed.error.message })
  } catch (error) {
    if (error instanceof CpcsError && error.name === 'ObjectMissing') return []
    if (error instanceof SyntaxError) throw new CpcsError('ContractBroken', { side: FIELDS_KEY, found: error.message })
    throw error
  }
}

async function fetchOne({ survey, cell }: TileToFetch, { tileStore, fetchCell }: PrefetchDeps): Promise<TileFetched> {
  const fetched = await new FetchedTiles(tileStore, '', fetchCell).ensure(known(survey), cell)
  return { survey, cell, fetched }
}

async function indexAll(results: TileFetched[], { tileStore, log }: PrefetchDeps) {
  for (const survey of new Set(results.map(({ survey }) => known(survey)))) await indexFetched(tileStore, '', survey)
  const failed = results.filter(({ fetched }) => !fetched)
  const reasons = [...new Set(failed.map(({ survey, reason }) => `${survey}: ${reason ?? 'not fetched'}`))]
  log.info('tiles are fetched', { fetched: results.length - failed.length, failed: failed.length })
  return { fetched: results.length - failed.length, failed: failed.length, reason: reasons.join('; ') }
}

function known(survey: string): SurveyId {
  if (!isSurveyId(survey)) throw new CpcsError('ContractBroken', { side: FIELDS_KEY, found: `no survey ${survey}` })
  return survey
}
