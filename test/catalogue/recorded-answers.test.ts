import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fetchFromServices } from '#shared/catalogue/fetch-cell.ts'
import { FETCH_ORDER } from '#shared/catalogue/fetched-tiles.ts'
import { askTap, type TapService } from '#shared/catalogue/tap.ts'
import { gaiaArchive } from '#shared/catalogue/upstreams.ts'
import { ARCHIVE_MANNERS, WebClient } from '#shared/catalogue/web-client.ts'
import { healpixCell } from '#shared/sky/healpix.ts'
import { type SkyServer, skyServer, votable } from './sky-server.ts'

const recorded = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'service_responses')
const body = (...path: string[]) => readFileSync(join(recorded, ...path), 'utf8')
const gaiaTwo = ['gaia', 'tests', 'data', '1710099405832VAL-result.vot']

let server: SkyServer
beforeEach(async () => {
  server = await skyServer({})
})
afterEach(() => server.close())

const service = (): TapService => ({ service: 'the service', url: `${server.url}/tap`, mode: 'sync' })
const ask = (status: number, text: string) => {
  server.faults = () => ({ status, body: text })
  return askTap(new WebClient(ARCHIVE_MANNERS, server.clock), service(), 'SELECT 1', 10)
}

describe.skipIf(!existsSync(recorded))('what services really answer', () => {
  test('Gaia: one row in TABLEDATA, with its papers around it', async () => {
    const { table, overflow } = await ask(200, body('utils', 'tap', 'model', 'tests', 'data', 'result_1.xml'))
    expect(overflow).toBe(false)
    // the same answer as CSV lies beside it
    const [, csv] = body('utils', 'tap', 'model', 'tests', 'data', 'result_1.csv').trim().split('\n')
    expect([...table.columns.values()].map(column => String(column[0])).join(',')).toBe(csv)
  })

  test('Gaia: three rows in BINARY2', async () => {
    const { table } = await ask(200, body('utils', 'tap', 'tests', 'data', 'job_1.vot'))
    expect(table.count).toBe(3)
    expect([...(table.columns.get('source_id') ?? [])]).toEqual(['a', 'b', 'c'])
  })

  test('Gaia: a cell is made of an answer with all 152 columns, and the star beside the cell is left out', async () => {
    // two stars, far from each other: a service that is generous with its circle
    const cell = healpixCell(FETCH_ORDER, 268.0676646661466, 26.50748605871529)
    const upstream = { ...gaiaArchive('gaiadr3.gaia_source', ['source_id', 'ra', 'dec']), url: `${server.url}/tap` }
    const fetchCell = fetchFromServices({ clock: server.clock, upstreamsOf: () => [{ ...upstream, mode: 'sync' }] })
    server.faults = n => ({ status: 200, body: n === 0 ? votable(['n'], [[2]], 'OK') : body(...gaiaTwo) })
    const { stars, query } = await fetchCell('gaia_dr3', { order: FETCH_ORDER, cell })
    expect(stars.id).toEqual(['4583627001381815936'])
    expect(stars.mag.G[0]).toBeCloseTo(7.01201868, 7)
    expect(query).toMatch(/^SELECT COUNT\(\*\) AS n FROM gaiadr3.gaia_source WHERE .*; SELECT source_id, ra, dec FROM/)
  })

  test.each([
    ['an error of a cone search', ['vo_conesearch', 'tests', 'data', 'conesearch_error2.xml'], /does not say whether/],
    ['a page of IRSA for people', ['ipac', 'irsa', 'tests', 'data', 'MOST_regular.html'], /no VOTable/],
    ['a page of UKIDSS for people', ['ukidss', 'tests', 'data', 'vo_results.html'], /no VOTable/],
    ['a table of IRSA in its own format', ['ipac', 'irsa', 'tests', 'data', 'most_gator.tbl'], /no VOTable/],
    ['JSON where VOTable was asked for', ['gaia', 'tests', 'data', 'cone_search_async.json'], /no VOTable/],
  ])('%s is no answer', async (_, path, tells) => {
    await expect(ask(200, body(...path))).rejects.toThrow(tells)
  })

  test('half of a real answer is no answer', async () => {
    const whole = body(...gaiaTwo)
    await expect(ask(200, whole.slice(0, whole.length / 2))).rejects.toThrow('breaks off')
  })
})

test.each([
  [
    'TAP says which column it does not know',
    400,
    votable([], [], 'ERROR', 'Unknown column "Gmagg"'),
    /Unknown column "Gmagg"/,
  ],
  ['an error in the middle of an answer counts', 200, overflowing('ERROR'), /an error/],
  ['a refusal in plain words is told', 401, 'Who are you?', /status 401: Who are you\?/],
])('%s', async (_, status, text, tells) => {
  await expect(ask(status, text)).rejects.toMatchObject({
    name: 'UpstreamChanged',
    message: expect.stringMatching(tells),
  })
})

test('that rows were left out is told behind the table', async () => {
  expect(await ask(200, overflowing('OVERFLOW'))).toMatchObject({ overflow: true, table: { count: 1 } })
})

/** An answer that begins well and says at its end what became of it. */
function overflowing(status: string): string {
  return votable(['n'], [[1]], 'OVERFLOW').replace('value="OVERFLOW"', `value="${status}"`)
}
