import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fetchFromServices } from '#shared/catalogue/fetch-cell.ts'
import {
  cellsToFetch,
  FETCH_ORDER,
  FetchedTiles,
  fetchedKey,
  indexFetched,
  tileRecord,
} from '#shared/catalogue/fetched-tiles.ts'
import { importStars, readPublished } from '#shared/catalogue/import.ts'
import { openParquetObject } from '#shared/catalogue/parquet.ts'
import type { Cone, Tiles } from '#shared/catalogue/reference.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { gaiaArchive, hats, type Upstream, vizier } from '#shared/catalogue/upstreams.ts'
import { FILE_MANNERS, WebClient } from '#shared/catalogue/web-client.ts'
import { WebStore } from '#shared/catalogue/web-store.ts'
import { CpcsError } from '#shared/errors.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { random } from '#shared/numeric/random.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { healpixCentre } from '#shared/sky/healpix.ts'
import { readByArrow } from './other-reader.ts'
import { type HatsOptions, writePublishedHats } from './published-hats.ts'
import { type Published, type SkyServer, skyServer, testClock } from './sky-server.ts'

/** A field of one tile's centre, and stars around it, more than the tile holds. */
const CELL = 20_000
const [raDeg, decDeg] = healpixCentre(FETCH_ORDER, CELL)
const field: Cone = { raDeg, decDeg, radiusDeg: 0.1 }
const published = publishedStars(1500, 'upstream')

function publishedStars(count: number, seed: string): Published {
  const draw = random(seed)
  const rows = Array.from({ length: count }, (_, i) => i)
  const of = (value: (i: number) => string | number) => rows.map(value)
  const g = rows.map(() => 21 + Math.log10(draw.uniform()) / 0.3)
  return {
    ra: 'ra',
    dec: 'dec',
    magnitude: 'phot_g_mean_mag',
    columns: {
      source_id: of(i => `${5000000000000000000n + BigInt(i)}`),
      ref_epoch: of(() => 2016),
      ra: of(() => raDeg + (4 * draw.uniform() - 2) / Math.cos((decDeg * Math.PI) / 180)),
      ra_error: of(() => 0.05),
      dec: of(() => decDeg + 4 * draw.uniform() - 2),
      dec_error: of(() => 0.05),
      parallax: of(() => 0.5),
      pmra: of(() => 1.5),
      pmra_error: of(() => 0.05),
      pmdec: of(() => -2.5),
      phot_g_mean_mag: of(i => g[i]),
      phot_g_mean_flux_over_error: of(() => 500),
      phot_bp_mean_mag: of(i => g[i] + 0.4),
      phot_bp_mean_flux_over_error: of(() => 100),
      phot_rp_mean_mag: of(i => g[i] - 0.5),
      phot_rp_mean_flux_over_error: of(() => 100),
      phot_variable_flag: of(() => 'NOT_AVAILABLE'),
      duplicated_source: of(() => 'false'),
    },
  }
}

/** What the table holds within a cone, by brute force. */
function truth(cone: Cone): string[] {
  const { source_id, ra, dec, phot_g_mean_mag } = published.columns
  return source_id
    .filter(
      (_, i) =>
        separationDeg(Number(ra[i]), Number(dec[i]), cone.raDeg, cone.decDeg) <= cone.radiusDeg &&
        Number(phot_g_mean_mag[i]) <= surveys.gaia_dr3.bands.G.faint,
    )
    .map(String)
    .sort()
}

let server: SkyServer
let store: MemoryStore
beforeEach(async () => {
  server = await skyServer({ 'gaiadr3.gaia_source': published, 'I/355/gaiadr3': published })
  store = new MemoryStore()
})
afterEach(() => server.close())

const columns = Object.keys(published.columns)
const archive = (more: Partial<Upstream> = {}): Upstream =>
  ({ ...gaiaArchive('gaiadr3.gaia_source', columns), url: `${server.url}/tap`, ...more }) as Upstream
const cds = (more: Partial<Upstream> = {}): Upstream =>
  ({
    ...vizier('I/355/gaiadr3', { ra: 'ra', dec: 'dec', magnitude: 'phot_g_mean_mag', columns }),
    url: `${server.url}/tap`,
    ...more,
  }) as Upstream

function tilesFrom(...upstreams: Upstream[]): Tiles {
  const cell = fetchFromServices({ clock: server.clock, upstreamsOf: () => upstreams })
  return openTiles(store, '', { fetch: { surveys: ['gaia_dr3'], cell } })
}
const idsIn = async (tiles: Tiles, cone: Cone) => [...(await tiles.cone('gaia_dr3', cone)).id].sort()
const tilesHeld = async () => (await store.list('')).filter(key => key.includes('Npix='))

describe('a field that nobody looked at before', () => {
  test.each([
    ['synchronously, in quotes', () => cds()],
    ['as a job', () => archive()],
  ])('is fetched from TAP %s, and holds what the table holds', async (_, upstream) => {
    expect(await idsIn(tilesFrom(upstream()), field)).toEqual(truth(field))
    expect(truth(field).length).toBeGreaterThan(2)
  })

  test('takes all tiles that it touches, and nothing is asked twice', async () => {
    const wide = { ...field, radiusDeg: 0.8 }
    const tiles = tilesFrom(cds())
    const [first, second] = await Promise.all([idsIn(tiles, wide), idsIn(tiles, wide)])
    expect(first).toEqual(truth(wide))
    expect(second).toEqual(first)
    const asked = server.requests.length
    expect(asked).toBeLessThanOrEqual(2 * cellsToFetch('gaia_dr3', wide).length) // a number, and rows where there are any
    // another process finds the tiles in the store
    expect(await idsIn(tilesFrom(cds()), wide)).toEqual(first)
    expect(server.requests.length).toBe(asked)
  })

  test('says in its tile where it came from, when and how it was asked', async () => {
    await idsIn(tilesFrom(cds()), field)
    const file = await openParquetObject(store, fetchedKey('', 'gaia_dr3', CELL))
    const record = tileRecord(file)
    expect(record).toMatchObject({ survey: 'gaia_dr3', service: 'VizieR I/355/gaiadr3', url: `${server.url}/tap` })
    expect(record?.rows).toBe(Number(file.metadata.num_rows))
    expect(record?.query).toContain(`CIRCLE('ICRS', ${raDeg.toFixed(7)}, ${decDeg.toFixed(7)}`)
    expect(record?.fetchedAt).toMatch(/^2026-03-01T/)
  })

  test('without stars is a tile too, and is not asked for again', async () => {
    const empty = { raDeg: (raDeg + 180) % 360, decDeg: -decDeg, radiusDeg: 0.1 }
    expect(await idsIn(tilesFrom(cds()), empty)).toEqual([])
    for (const key of await tilesHeld()) expect(readByArrow(await store.get(key)).count).toBe(0)
    const asked = server.requests.length
    expect(asked).toBeGreaterThan(0)
    expect(await idsIn(tilesFrom(cds()), empty)).toEqual([])
    expect(server.requests.length).toBe(asked)
  })

  test('is not asked for where the survey never looked', async () => {
    const cell = fetchFromServices({ clock: server.clock, upstreamsOf: () => [cds()] })
    const tiles = openTiles(store, '', { fetch: { surveys: ['ps1'], cell } })
    expect((await tiles.cone('ps1', { raDeg: 10, decDeg: -70, radiusDeg: 0.5 })).count).toBe(0)
    expect(server.requests).toEqual([])
  })

  test('is not fetched over an imported one, nor for a search of a wide piece of sky', async () => {
    const csv = `source_id,ra,dec,phot_g_mean_mag\n1,${raDeg},${decDeg},12\n`
    await importStars(store, '', await readPublished(new TextEncoder().encode(csv), 'gaia_dr3'))
    const tiles = tilesFrom(cds())
    expect(await idsIn(tiles, field)).toEqual(['1'])
    expect(await idsIn(tiles, { ...field, radiusDeg: 5 })).toEqual(['1'])
    expect(server.requests).toEqual([])
  })
})

describe('no answer is cut', () => {
  test.each([
    ['the rows that were asked for', () => cds({ maxRows: 40 } as Partial<Upstream>), Number.POSITIVE_INFINITY],
    ['a limit of its own that the service keeps to itself', () => archive(), 40],
  ])('a cell with more than %s is asked for in quarters', async (_, upstream, hardLimit) => {
    server.hardLimit = hardLimit
    expect(await idsIn(tilesFrom(upstream()), field)).toEqual(truth(field))
    const selects = server.requests.filter(({ form }) => /^SELECT (?!COUNT)/.test(form.get('QUERY') ?? ''))
    expect(selects.length).toBeGreaterThan(3)
    expect(selects.every(({ form }) => !/\bTOP\b/.test(form.get('QUERY')!))).toBe(true)
  })

  test('an answer with fewer rows than the service counts is not believed', async () => {
    // the second request asks for the rows: one of them is left out, and the status says that all is well
    const full = cds()
    const tiles = tilesFrom(full)
    server.faults = n => (n % 2 === 1 ? { status: 200, body: votableWithout(server, n) } : undefined)
    await expect(tiles.cone('gaia_dr3', field)).rejects.toMatchObject({
      name: 'TilesUnavailable',
      message: expect.stringMatching(/sent 1 of the \d+ rows that it counts/),
    })
    expect(await tilesHeld()).toEqual([])
  })
})

function votableWithout({ requests }: SkyServer, n: number): string {
  const names = /^SELECT (.+) FROM/
    .exec(requests[n].form.get('QUERY') ?? '')![1]
    .replaceAll('"', '')
    .split(', ')
  const cells = names.map(name => `<TD>${published.columns[name][0]}</TD>`).join('')
  const fields = names.map(name => `<FIELD name="${name}" datatype="char" arraysize="*"/>`).join('')
  return `<VOTABLE><RESOURCE><INFO name="QUERY_STATUS" value="OK"/><TABLE>${fields}<DATA><TABLEDATA><TR>${cells}</TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>`
}

describe('a service in trouble', () => {
  const page = '<!DOCTYPE html><html><body>Down for maintenance</body></html>'
  const lasting: [string, () => SkyServer['faults'], RegExp][] = [
    ['busy', () => () => ({ status: 429 }), /answered 429 at the last of 4 tries/],
    ['overloaded', () => () => ({ status: 503 }), /answered 503 at the last of 4 tries/],
    ['breaking off', () => () => 'cut', /at the last of 4 tries/],
    ['silent', () => () => 'slow', /no whole answer within 180 s at the last of 4 tries/],
    ['ending its text early', () => () => 'short', /breaks off/],
    ['sending a page for people', () => () => ({ status: 200, body: page }), /no VOTable but Down for maintenance/],
    ['asking for an hour', () => () => ({ status: 503, headers: { 'retry-after': '3600' } }), /left alone for 3600 s/],
    ['with a status alone', () => () => ({ status: 200, body: '<VOTABLE></VOTABLE>' }), /whether it is whole/],
  ]
  test.each(lasting)(
    '%s: no tile is written, the reason is told, and it is well again later',
    async (_, faults, tells) => {
      const tiles = tilesFrom(cds())
      server.faults = faults()
      await expect(tiles.cone('gaia_dr3', field)).rejects.toMatchObject({
        name: 'TilesUnavailable',
        policy: 'retry',
        message: expect.stringMatching(tells),
      })
      expect(await tilesHeld()).toEqual([])
      server.faults = () => undefined
      expect(await idsIn(tiles, field)).toEqual(truth(field))
    },
  )

  test('for a moment is asked again after growing pauses, and after as long as it asks for', async () => {
    const replies = [{ status: 503 }, { status: 429, headers: { 'retry-after': '17' } }, 'cut' as const]
    server.faults = n => replies[n]
    expect(await idsIn(tilesFrom(cds()), field)).toEqual(truth(field))
    expect(server.clock.slept.filter(ms => ms >= 1000)).toEqual([2000, 17_000, 8000])
  })

  test('names the day on which it comes back', async () => {
    const at = new Date(server.clock.now() + 30_000).toUTCString()
    server.faults = n => (n === 0 ? { status: 503, headers: { 'retry-after': at } } : undefined)
    await idsIn(tilesFrom(cds()), field)
    expect(server.clock.slept[0]).toBe(30_000)
  })

  test('is left for the next one in the list', async () => {
    server.faults = n => (server.requests[n].path === '/tap/async' ? { status: 500 } : undefined)
    expect(await idsIn(tilesFrom(archive(), cds()), field)).toEqual(truth(field))
    const file = await openParquetObject(store, fetchedKey('', 'gaia_dr3', CELL))
    expect(tileRecord(file)?.service).toBe('VizieR I/355/gaiadr3')
  })

  test('that has other columns now is a matter for us, not for patience', async () => {
    const renamed = cds({ columns: [...columns, 'mag_of_old'] } as Partial<Upstream>)
    await expect(tilesFrom(renamed).cone('gaia_dr3', field)).rejects.toMatchObject({
      name: 'UpstreamChanged',
      policy: 'fail',
      message: expect.stringContaining('Unknown column "mag_of_old"'),
    })
    expect(await tilesHeld()).toEqual([])
  })

  test('is not pressed: requests keep their distance and say who asks', async () => {
    await idsIn(tilesFrom(cds()), { ...field, radiusDeg: 0.8 })
    expect(server.requests.every(({ agent }) => agent?.startsWith('CPCS/'))).toBe(true)
    const pauses = server.clock.slept.filter(ms => ms > 0)
    expect(pauses.length).toBeGreaterThan(3)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(500) // two at once, a quarter of a second apart
  })
})

describe('a HATS catalogue on the web', () => {
  const wide = { ...field, radiusDeg: 0.8 }
  const upstream = () => hats('somewhere', `${server.url}/files/gaia`)
  const open = async (options: HatsOptions) => {
    const files = new MemoryStore()
    await writePublishedHats(files, 'gaia/', published, options)
    await server.close()
    server = await skyServer({}, files)
  }

  test.each<[string, HatsOptions]>([
    ['a file a leaf, snappy', {}],
    ['a directory a leaf, zstd', { suffix: '/', codec: 'ZSTD' }],
    ['gzip', { codec: 'GZIP' }],
    ['brotli', { codec: 'BROTLI' }],
  ])('with published columns gives its stars cell by cell: %s', async (_, options) => {
    await open(options)
    expect(await idsIn(tilesFrom(upstream()), wide)).toEqual(truth(wide))
  })

  test('of ours is a source of tiles for others', async () => {
    const { columns } = published
    const lines = columns.ra.map((_, i) =>
      Object.values(columns)
        .map(column => column[i])
        .join(','),
    )
    const csv = [Object.keys(columns).join(','), ...lines].join('\n')
    const files = new MemoryStore()
    await importStars(files, '', await readPublished(new TextEncoder().encode(csv), 'gaia_dr3'), 200)
    await server.close()
    server = await skyServer({}, files)
    expect(await idsIn(tilesFrom(hats('a neighbour', `${server.url}/files/gaia_dr3`)), wide)).toEqual(truth(wide))
  })

  test('is read by range: of a large leaf no more than the rows around the cell', async () => {
    await open({ order: 0, rowGroup: 20, padding: 12_000 })
    expect(await idsIn(tilesFrom(upstream()), field)).toEqual(truth(field))
    const leaf = server.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('.parquet'))
    const bytes = leaf.map(({ range }) => /^bytes=(\d+)-(\d+)$/.exec(range!)!.slice(1).map(Number))
    const read = bytes.reduce((sum, [first, last]) => sum + last + 1 - first, 0)
    expect(read).toBeLessThan(1e6) // of nine million
  })

  test.each<[string, SkyServer['faults'], RegExp]>([
    ['a leaf cut short', n => (n > 2 ? 'cut' : undefined), /at the last of 4 tries/],
    ['a server in pieces', () => ({ status: 502 }), /answered 502/],
  ])('%s: nothing is kept, and it is well again later', async (_, faults, tells) => {
    await open({})
    const tiles = tilesFrom(upstream())
    server.faults = faults
    await expect(tiles.cone('gaia_dr3', field)).rejects.toMatchObject({ message: expect.stringMatching(tells) })
    expect(await tilesHeld()).toEqual([])
    server.faults = () => undefined
    expect(await idsIn(tiles, field)).toEqual(truth(field))
  })

  test('whose leaves were made anew is opened anew', async () => {
    await open({ order: 3 })
    const files = new MemoryStore()
    await writePublishedHats(files, 'gaia/', published, { order: 5 })
    const rebuilt = await skyServer({}, files)
    let stands = server.url
    // one address; what is there changes
    const here: typeof fetch = (address, init) => fetch(String(address).replace(server.url, stands), init)
    const fetchCell = fetchFromServices({ clock: server.clock, fetch: here, upstreamsOf: () => [upstream()] })
    const ask = () => fetchCell('gaia_dr3', { order: FETCH_ORDER, cell: CELL })
    const before = await ask()
    stands = rebuilt.url
    await expect(ask()).rejects.toMatchObject({ name: 'TilesUnavailable' })
    const after = await ask()
    await rebuilt.close()
    expect(before.stars.count).toBeGreaterThan(0)
    expect([...after.stars.id].sort()).toEqual([...before.stars.id].sort())
  })

  test.each(['phot_bp_mean_mag', 'phot_rp_mean_mag', 'dec'])('without %s is not kept as if it had it', async column => {
    await open({ without: [column] })
    await expect(tilesFrom(upstream()).cone('gaia_dr3', field)).rejects.toMatchObject({
      name: 'UpstreamChanged',
      message: expect.stringContaining(column),
    })
    expect(await tilesHeld()).toEqual([])
  })

  test('that is not there, or has no magnitudes, is named', async () => {
    await expect(tilesFrom(upstream()).cone('gaia_dr3', field)).rejects.toMatchObject({
      name: 'UpstreamChanged',
      message: expect.stringContaining('no HATS catalogue at'),
    })
    await open({ without: ['phot_g_mean_mag'] })
    await expect(tilesFrom(upstream()).cone('gaia_dr3', field)).rejects.toMatchObject({
      name: 'UpstreamChanged',
      message: expect.stringContaining('columns without'),
    })
  })
})

describe('a range of a file', () => {
  const store = (range: string | undefined, length: number) => {
    const answer = async () =>
      new Response(new Uint8Array(length), { status: 206, headers: range ? { 'content-range': range } : {} })
    return new WebStore('https://sky.example/hats', new WebClient(FILE_MANNERS, testClock(), answer))
  }

  test.each([
    ['as asked', 'bytes 100-199/1000', 100],
    ['to the end of the file', 'bytes 100-149/150', 50],
    ['without being told which', undefined, 100],
  ])('is taken %s', async (_, range, length) => {
    expect(await store(range, length).range('leaf', 100, 200)).toHaveLength(length)
  })

  test.each([
    ['of another place', 'bytes 0-99/1000', 100],
    ['longer than asked for', 'bytes 100-299/1000', 200],
    ['longer than asked for, untold', undefined, 200],
    ['shorter than it says', 'bytes 100-199/1000', 90],
  ])('is not believed %s', async (_, range, length) => {
    await expect(store(range, length).range('leaf', 100, 200)).rejects.toThrow('asked for 100 to 199')
  })
})

describe('a public bucket', () => {
  const answers: Record<string, string> = {
    'https://sky.s3.amazonaws.com/a/hats/hats.properties': 'obs_collection=x\n',
    'https://sky.s3.amazonaws.com/?list-type=2&prefix=a%2Fhats%2Fdataset%2F':
      '<ListBucketResult><Contents><Key>a/hats/dataset/Norder=0/Dir=0/Npix=1/part1.parquet</Key></Contents><NextContinuationToken>more</NextContinuationToken></ListBucketResult>',
    'https://sky.s3.amazonaws.com/?list-type=2&prefix=a%2Fhats%2Fdataset%2F&continuation-token=more':
      '<ListBucketResult><Contents><Key>a/hats/dataset/Norder=0/Dir=0/Npix=1/part0.parquet</Key></Contents></ListBucketResult>',
  }
  const asked: string[] = []
  const bucket = new WebStore(
    's3://sky/a/hats',
    new WebClient(FILE_MANNERS, testClock(), async url => {
      asked.push(String(url))
      const text = answers[String(url)]
      return new Response(text ?? '<Error><Code>AccessDenied</Code></Error>', {
        status: text === undefined ? 403 : 200,
      })
    }),
  )

  test('is read without a name, page by page', async () => {
    expect(new TextDecoder().decode(await bucket.get('hats.properties'))).toBe('obs_collection=x\n')
    const leaf = 'dataset/Norder=0/Dir=0/Npix=1'
    expect(await bucket.list('dataset/')).toEqual([`${leaf}/part0.parquet`, `${leaf}/part1.parquet`])
  })

  test('says "forbidden" of what is not there', async () => {
    await expect(bucket.get('properties')).rejects.toMatchObject({ name: 'ObjectMissing' })
    expect(await bucket.size(leafOf(7))).toBeUndefined()
    expect(asked.at(-1)).toBe('https://sky.s3.amazonaws.com/a/hats/dataset/Norder=0/Dir=0/Npix=7.parquet')
  })

  test('is not written to', async () => {
    await expect(bucket.put()).rejects.toThrow('read only')
  })
})

const leafOf = (cell: number) => `dataset/Norder=0/Dir=0/Npix=${cell}.parquet`

describe('the fetched tiles', () => {
  test('are a HATS catalogue once they are indexed, without the empty ones', async () => {
    const wide = { ...field, radiusDeg: 1.5 }
    await idsIn(tilesFrom(cds()), wide)
    const leaves = await indexFetched(store, '', 'gaia_dr3')
    const rows = leaves.reduce((sum, leaf) => sum + (leaf.rows ?? 0), 0)
    expect(leaves.every(({ order, rows: n }) => order === FETCH_ORDER && n! > 0)).toBe(true)
    // nobody fetches here: what is held is read
    const held = openTiles(store)
    expect(await held.surveys()).toEqual(['gaia_dr3'])
    expect(await idsIn(held, wide)).toEqual(truth(wide))
    expect((await idsIn(held, { ...field, radiusDeg: 20 })).length).toBe(rows)
  })

  test('of two processes that fetch at once are those of the first', async () => {
    const key = fetchedKey('', 'gaia_dr3', CELL)
    await idsIn(tilesFrom(cds()), field)
    const first = await store.get(key)
    // the second process looked before the first one wrote
    const blind = new (class extends MemoryStore {
      override size = async (name: string) => (name === key ? undefined : super.size(name))
    })()
    await blind.put(key, first)
    const cell = fetchFromServices({ clock: server.clock, upstreamsOf: () => [archive()] })
    const second = new FetchedTiles(blind, '', cell)
    expect(await second.ensure('gaia_dr3', CELL)).toBe(true)
    expect(await blind.get(key)).toEqual(first)
    expect(server.requests.some(({ path }) => path === '/tap/async')).toBe(true)
  })

  test('whose store fails are not held, and are fetched again', async () => {
    let failures = 1
    const failing = new (class extends MemoryStore {
      override async put(...object: Parameters<MemoryStore['put']>): Promise<boolean> {
        if (failures-- > 0) throw new CpcsError('StoreUnavailable', { cause: 'the disk is full' })
        return super.put(...object)
      }
    })()
    const tiles = new FetchedTiles(failing, '', fetchFromServices({ clock: server.clock, upstreamsOf: () => [cds()] }))
    await expect(tiles.ensure('gaia_dr3', CELL)).rejects.toMatchObject({ name: 'StoreUnavailable' })
    expect(await failing.list('')).toEqual([])
    expect(await tiles.ensure('gaia_dr3', CELL)).toBe(true)
    expect(await failing.list('')).toEqual([fetchedKey('', 'gaia_dr3', CELL)])
  })

  test('that are missing beside others are an error, and no empty sky', async () => {
    await idsIn(tilesFrom(cds()), field)
    await indexFetched(store, '', 'gaia_dr3')
    await expect(openTiles(store).cone('gaia_dr3', { ...field, radiusDeg: 1.5 })).rejects.toMatchObject({
      name: 'TilesUnavailable',
      message: expect.stringContaining('cpcs tiles fetch gaia_dr3 --cone'),
    })
  })
})
