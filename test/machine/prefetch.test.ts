import { describe, expect, test } from 'vitest'
import type { PrefetchInput } from '#events/prefetch.ts'
import { prefetch } from '#functions/prefetch/prefetch.ts'
import type { FetchCell } from '#shared/catalogue/fetch-cell.ts'
import { cellsToFetch } from '#shared/catalogue/fetched-tiles.ts'
import { combineStars } from '#shared/catalogue/reference-columns.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { CpcsError } from '#shared/errors.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { silent } from '#shared/store.ts'
import { runPrefetch, thrownByLambda, type Work } from './run-machine.ts'

const field = { name: 'a field', raDeg: 150, decDeg: 20, radiusDeg: 0.5 }
const cells = cellsToFetch('gaia_dr3', field)

/** The function of the machine over a store, as it runs in Lambda: errors become names. */
function worksOn(tileStore: MemoryStore, fetchCell: FetchCell): Record<string, Work> {
  const work: Work = async ({ input }) => {
    try {
      return await prefetch(input as PrefetchInput, {
        tileStore,
        fetchCell,
        surveysToFetch: ['gaia_dr3'],
        log: silent,
      })
    } catch (error) {
      throw error instanceof CpcsError ? thrownByLambda(error.name, error.message) : error
    }
  }
  return { List: work, FetchTile: work, Index: work }
}

const emptySky: FetchCell = async survey => ({
  stars: combineStars([], survey),
  service: 'a test',
  url: 'nowhere',
  query: 'all',
  fetchedAt: '2026-03-01T00:00:00.000Z',
})

async function storeWith(fields: unknown): Promise<MemoryStore> {
  const store = new MemoryStore()
  await store.put('fields.json', new TextEncoder().encode(JSON.stringify(fields)))
  return store
}

const tilesIn = async (store: MemoryStore) => (await store.list('fetched/')).filter(key => key.includes('Npix='))

describe('the machine that fetches tiles beforehand', () => {
  test('fetches every missing tile of the listed fields, once, and writes their index', async () => {
    const store = await storeWith([field, { ...field, name: 'the same again', surveys: ['gaia_dr3', 'twomass'] }])
    const asked: string[] = []
    const fetchCell: FetchCell = (survey, cell) => {
      asked.push(`${survey} ${cell.cell}`)
      return emptySky(survey, cell)
    }
    const first = await runPrefetch({}, worksOn(store, fetchCell))
    expect(first).toMatchObject({ status: 'SUCCEEDED', output: { fetched: 2 * cells.length, failed: 0 } })
    expect(new Set(asked).size).toBe(asked.length)
    expect((await tilesIn(store)).length).toBe(2 * cells.length)
    expect(await openTiles(store).surveys()).toEqual(['gaia_dr3', 'twomass'])

    const second = await runPrefetch({}, worksOn(store, fetchCell))
    expect(second).toMatchObject({ status: 'SUCCEEDED', output: { fetched: 0, failed: 0 } })
    expect(second.attempts.FetchTile).toBeUndefined()
    expect(asked.length).toBe(2 * cells.length)
  })

  test('has nothing to do where no fields are listed', async () => {
    expect(await runPrefetch({}, worksOn(new MemoryStore(), emptySky))).toMatchObject({
      status: 'SUCCEEDED',
      path: ['List', 'Fetch', 'Index', 'AllFetched', 'Done'],
    })
  })

  test('tries a tile again whose service is busy', async () => {
    const store = await storeWith([field])
    let asked = 0
    const { status, attempts } = await runPrefetch(
      {},
      worksOn(store, (survey, cell) => {
        if (++asked <= 2) throw new CpcsError('TilesUnavailable', { survey, cause: 'busy' })
        return emptySky(survey, cell)
      }),
    )
    expect(status).toBe('SUCCEEDED')
    expect(attempts.FetchTile).toBe(cells.length + 2)
  })

  test('goes on with the others where a tile cannot be had, keeps them, and ends as failed with the reason', async () => {
    const store = await storeWith([field])
    const ending = await runPrefetch(
      {},
      worksOn(store, (survey, cell) => {
        if (cell.cell === cells[0])
          throw new CpcsError('UpstreamChanged', { service: 'a test', found: 'other columns' })
        return emptySky(survey, cell)
      }),
    )
    expect(ending).toMatchObject({ status: 'FAILED', error: 'TilesUnavailable' })
    expect(ending.cause).toBe('gaia_dr3: UpstreamChanged')
    expect(ending.path).toContain('NotFetched')
    expect(ending.path.at(-1)).toBe('SomeMissing')
    expect((await tilesIn(store)).length).toBe(cells.length - 1)
  })

  test.each([
    { holds: 'a place beyond the pole', fields: [{ ...field, decDeg: 120 }] },
    { holds: 'a survey that is none', fields: [{ ...field, surveys: ['gaia_dr9'] }] },
    { holds: 'no fields', fields: 'not a list' },
  ])('fails at once where the list holds $holds', async ({ fields }) => {
    expect(await runPrefetch({}, worksOn(await storeWith(fields), emptySky))).toMatchObject({
      status: 'FAILED',
      error: 'ContractBroken',
      attempts: { List: 1 },
    })
  })
})
