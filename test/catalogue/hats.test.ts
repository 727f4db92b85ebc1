import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { encodeProperties, leafKey, parseProperties, readPartitions } from '#shared/catalogue/hats.ts'
import { type HatsCatalogue, leafFiles, openHats } from '#shared/catalogue/hats-catalogue.ts'
import { importStars } from '#shared/catalogue/import.ts'
import { writeMargin } from '#shared/catalogue/margin.ts'
import { openParquetObject, readParquet } from '#shared/catalogue/parquet.ts'
import type { Cone, ReferenceStars } from '#shared/catalogue/reference.ts'
import { combineStars, takeStars } from '#shared/catalogue/reference-columns.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { verifyCatalogue } from '#shared/catalogue/verify.ts'
import { decodeTable } from '#shared/fits/table.ts'
import { FolderStore, MemoryStore } from '#shared/folder-store.ts'
import { random } from '#shared/numeric/random.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { healpix29, healpixCell, healpixOutline } from '#shared/sky/healpix.ts'
import { readByArrow } from './other-reader.ts'

const fixtures = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'hats')
const store = new FolderStore(fixtures)

describe.skipIf(!existsSync(fixtures))('catalogues that hats-import wrote', () => {
  const catalogues = [
    'small_sky/',
    'small_sky_source/',
    'square_map/',
    'small_sky_o1_collection/small_sky_order1/',
    'small_sky_o1_collection/small_sky_order1_margin/',
  ]

  test.each(catalogues)('%s: every value of every row is what another reader reads', async prefix => {
    const catalogue = await open(prefix)
    let rows = 0
    for (const leaf of catalogue.partitions)
      for (const key of await leafFiles(store, catalogue, leaf)) {
        const ours = await readParquet(await openParquetObject(store, key))
        const theirs = readByArrow(await store.get(key))
        expect([...ours.columns.keys()]).toEqual([...theirs.columns.keys()])
        for (const [name, values] of ours.columns) expect(Array.from(values as never)).toEqual(theirs.columns.get(name))
        rows += ours.count
      }
    // a margin lists its leaves by file alone where partition_info.csv has others
    expect(rows).toBe(Number(catalogue.properties.get('hats_nrows')))
  })

  test.each([
    ['small_sky_source/', 'point_map.fits', 6],
    ['small_sky_source/', 'skymap.2.fits', 2],
    ['small_sky_o1_collection/small_sky_order1/', 'point_map.fits', 1],
    ['square_map/', 'point_map.fits', 1],
  ])('%s: there are as many rows in each cell as %s counts', async (prefix, map, order) => {
    const { columns } = decodeTable(readFileSync(join(fixtures, prefix, map)))
    const counted = Array.from(columns.values().next().value as BigInt64Array, Number)
    const found = new Array<number>(12 * 4 ** order).fill(0)
    const catalogue = await open(prefix)
    const { properties } = catalogue
    for (const leaf of catalogue.partitions)
      for (const key of await leafFiles(store, catalogue, leaf)) {
        const table = await readParquet(await openParquetObject(store, key))
        const [ra, dec] = ['hats_col_ra', 'hats_col_dec'].map(name => table.columns.get(properties.get(name) ?? ''))
        for (let i = 0; i < table.count; i++)
          // a map has no places: a row stands for its leaf
          found[ra && dec ? healpixCell(order, Number(ra[i]), Number(dec[i])) : leaf.cell]++
      }
    expect(found).toEqual(counted)
  })

  test('the leaf of a star is the one that its index of identities names', async () => {
    const prefix = 'small_sky_o1_collection/small_sky_order1/'
    const index = readByArrow(
      await store.get('small_sky_o1_collection/small_sky_order1_id_index/dataset/index/part.0.parquet'),
    )
    const leafOf = new Map(
      index.columns.get('id')!.map((id, i) => [
        String(id),
        leafKey(prefix, {
          order: Number(index.columns.get('Norder')![i]),
          cell: Number(index.columns.get('Npix')![i]),
        }),
      ]),
    )
    expect(leafOf.size).toBe(131)
    const catalogue = await open(prefix)
    for (const leaf of catalogue.partitions)
      for (const key of await leafFiles(store, catalogue, leaf)) {
        const { columns } = await readParquet(await openParquetObject(store, key))
        for (const id of columns.get('id') as BigInt64Array) expect(`${leafOf.get(String(id))}.parquet`).toBe(key)
      }
  })

  test('the margin holds the stars that lie outside a leaf, and within two degrees of its outline', async () => {
    const margin = await open('small_sky_o1_collection/small_sky_order1_margin/')
    const primary = await open('small_sky_o1_collection/small_sky_order1/')
    const all = await rowsOf(primary)
    const threshold = Number(margin.properties.get('hats_margin_threshold')) / 3600
    for (const leaf of primary.partitions) {
      const held = new Set((await rowsOf({ ...margin, partitions: [leaf] })).map(({ id }) => id))
      const outline = healpixOutline(leaf.order, leaf.cell, 400)
      for (const { id, raDeg, decDeg } of all) {
        const nearest = Math.min(...outline.map(point => separationDeg(raDeg, decDeg, ...point)))
        const outside = healpixCell(leaf.order, raDeg, decDeg) !== leaf.cell
        if (outside && nearest < threshold) expect(held).toContain(id)
        if (!outside) expect(held).not.toContain(id)
      }
    }
  })

  test.each(catalogues.filter(prefix => prefix !== 'square_map/'))('%s is sound', async prefix => {
    expect(await verifyCatalogue(store, prefix)).toMatchObject({ faults: [] })
  })

  test('a catalogue without its list of leaves is read by its files', async () => {
    const copy = new MemoryStore()
    for (const key of await store.list('small_sky_source/'))
      if (!key.endsWith('partition_info.csv')) await copy.put(key, await store.get(key))
    const listed = await readPartitions(store, 'small_sky_source/')
    const found = await readPartitions(copy, 'small_sky_source/')
    const name = ({ order, cell }: { order: number; cell: number }) => `${order}/${cell}`
    expect(found.map(name).sort()).toEqual(listed.map(name).sort())
  })

  test('a collection leads to its primary table', async () => {
    expect((await open('small_sky_o1_collection/')).prefix).toBe('small_sky_o1_collection/small_sky_order1/')
  })
})

async function open(prefix: string): Promise<HatsCatalogue> {
  const catalogue = await openHats(store, prefix)
  if (!catalogue) throw new Error(`no catalogue at ${prefix}`)
  return catalogue
}

async function rowsOf(catalogue: HatsCatalogue): Promise<{ id: string; raDeg: number; decDeg: number }[]> {
  const rows: { id: string; raDeg: number; decDeg: number }[] = []
  for (const leaf of catalogue.partitions)
    for (const key of await leafFiles(store, catalogue, leaf)) {
      if ((await store.size(key)) === undefined) continue // no star of another leaf is near this one
      const { columns, count } = await readParquet(await openParquetObject(store, key))
      for (let i = 0; i < count; i++)
        rows.push({
          id: String(columns.get('id')![i]),
          raDeg: Number(columns.get('ra')![i]),
          decDeg: Number(columns.get('dec')![i]),
        })
    }
  return rows
}

/** Stars all over the sky, and crowded where cells are odd: at the poles, at the meridian, at corners of tiles. */
function wholeSky(count: number): ReferenceStars {
  const draw = random('whole sky')
  const corners = [0, 777, 5000, 12_287].map(cell => healpixOutline(5, cell, 1)[0])
  const crowds: [number, number][] = [[0, 90], [0, -90], [0, 10], [359.99, -45], ...corners]
  const places = Array.from({ length: count }, (_, i): [number, number] => {
    if (i % 2 === 0) return [360 * draw.uniform(), (Math.asin(2 * draw.uniform() - 1) * 180) / Math.PI]
    const [ra, dec] = crowds[i % crowds.length]
    const decDeg = Math.max(-90, Math.min(90, dec + 2 * draw.normal()))
    const raDeg = ra + (2 * draw.normal()) / Math.max(0.02, Math.cos((decDeg * Math.PI) / 180))
    return [((raDeg % 360) + 360) % 360, decDeg]
  })
  const filled = (value: (i: number) => number) => Float64Array.from({ length: count }, (_, i) => value(i))
  return {
    ...combineStars([], 'gaia_dr3'),
    count,
    id: Array.from({ length: count }, (_, i) => String(i)),
    raDeg: filled(i => places[i][0]),
    decDeg: filled(i => places[i][1]),
    raErrMas: filled(() => 0.125),
    decErrMas: filled(() => 0.25),
    pmRaMasPerYear: filled(() => Math.fround(draw.normal())),
    pmDecMasPerYear: filled(() => Math.fround(draw.normal())),
    pmErrMasPerYear: filled(() => 0.5),
    parallaxMas: filled(() => 1),
    epochYear: filled(() => 2016),
    mag: { G: filled(() => Math.fround(12 + 8 * draw.uniform())), BP: filled(() => Number.NaN) },
    magErr: { G: filled(() => 0.0078125), BP: filled(() => Number.NaN) },
    clean: Uint8Array.from({ length: count }, () => draw.integer(2)),
  }
}

describe('a catalogue that we wrote', async () => {
  const stars = wholeSky(12_000)
  const written = new MemoryStore()
  await importStars(written, '', stars, 400)
  const catalogue = (await openHats(written, 'gaia_dr3/'))!

  test('is read back by another Parquet reader, value by value, in order of its cells', async () => {
    const rowOf = new Map(stars.id.map((id, i) => [id, i]))
    let rows = 0
    for (const leaf of catalogue.partitions)
      for (const key of await leafFiles(written, catalogue, leaf)) {
        const { count, columns } = readByArrow(await written.get(key))
        const column = (name: string) => columns.get(name)!
        for (let i = 0; i < count; i++) {
          const row = rowOf.get(column('id')[i] as string)!
          const { raDeg, decDeg, pmRaMasPerYear, mag, clean } = stars
          expect(column('_healpix_29')[i]).toBe(healpix29(raDeg[row], decDeg[row]))
          expect([column('ra')[i], column('dec')[i]]).toEqual([raDeg[row], decDeg[row]])
          expect([column('pm_ra')[i], column('mag_G')[i]]).toEqual([pmRaMasPerYear[row], mag.G[row]])
          expect(column('mag_BP')[i]).toBeNaN()
          expect(column('clean')[i]).toBe(clean[row])
          expect(i === 0 || (column('_healpix_29')[i] as bigint) >= (column('_healpix_29')[i - 1] as bigint)).toBe(true)
        }
        rows += count
      }
    expect(rows).toBe(stars.count)
  })

  test('has a margin: the stars outside of each leaf within the threshold, and hardly any beyond it', async () => {
    const arcsec = 1800
    // around a pole and on the meridian, where places are odd
    const odd = [...stars.raDeg.keys()].filter(
      i => stars.decDeg[i] > 84 || separationDeg(stars.raDeg[i], stars.decDeg[i], 359.99, -45) < 5,
    )
    const few = takeStars(stars, odd)
    const written = new MemoryStore()
    await importStars(written, '', few, 200)
    const catalogue = (await openHats(written, 'gaia_dr3/'))!
    const { prefix } = await writeMargin(written, '', 'gaia_dr3', arcsec)
    expect(prefix).toBe('gaia_dr3_margin_1800arcs/')
    expect((await verifyCatalogue(written, prefix))?.faults).toEqual([])
    const margin = (await openHats(written, prefix))!
    expect(margin.properties.get('dataproduct_type')).toBe('margin')
    expect(margin.properties.get('hats_margin_threshold')).toBe('1800')
    const held = new Map<string, Set<unknown>>()
    for (const leaf of margin.partitions)
      for (const key of await leafFiles(written, margin, leaf))
        held.set(`${leaf.order}/${leaf.cell}`, new Set(readByArrow(await written.get(key)).columns.get('id')))
    let rows = 0
    for (const { order, cell } of catalogue.partitions) {
      const outline = healpixOutline(order, cell, 100)
      const found = held.get(`${order}/${cell}`) ?? new Set()
      for (let i = 0; i < few.count; i++) {
        const [raDeg, decDeg] = [few.raDeg[i], few.decDeg[i]]
        if (separationDeg(raDeg, decDeg, ...outline[0]) > 4) continue // leaves are two degrees wide
        if (healpixCell(order, raDeg, decDeg) === cell) expect(found.has(few.id[i])).toBe(false)
        else {
          const nearest = 3600 * Math.min(...outline.map(point => separationDeg(raDeg, decDeg, ...point)))
          if (nearest < arcsec) expect(found.has(few.id[i])).toBe(true)
          if (nearest > 1.03 * arcsec) expect(found.has(few.id[i])).toBe(false)
          if (nearest < arcsec) rows++
        }
      }
    }
    expect(rows).toBeGreaterThan(500)
  })

  test('tells its schema in a file without rows', async () => {
    const { count, columns } = readByArrow(await written.get('gaia_dr3/dataset/_common_metadata'))
    const [leaf] = catalogue.partitions
    const [key] = await leafFiles(written, catalogue, leaf)
    expect(count).toBe(0)
    expect([...columns.keys()]).toEqual([...readByArrow(await written.get(key)).columns.keys()])
  })

  test('has the properties that HATS asks of an object catalogue', () => {
    // the IVOA note on HATS, table of properties: those that are required, and what readers need to find rows
    const required = ['obs_collection', 'dataproduct_type', 'hats_nrows', 'hats_col_ra', 'hats_col_dec', 'hats_version']
    const properties = parseProperties(encodeProperties('gaia_dr3', catalogue.partitions, 400))
    for (const name of [...required, 'hats_col_healpix', 'hats_col_healpix_order', 'hats_npix_suffix', 'hats_order'])
      expect(properties.get(name)).toMatch(/./)
    expect(properties.get('hats_nrows')).toBe(String(stars.count))
  })

  test('gives a thousand random cones as brute force does', async () => {
    const tiles = openTiles(written, '', { memoryBytes: 2 ** 21 }) // so little that it forgets and reads again
    const draw = random('a thousand cones')
    const corners = Array.from({ length: 40 }, () => healpixOutline(6, draw.integer(12 * 4 ** 6), 1)[draw.integer(4)])
    const centre = (i: number): [number, number] => {
      if (i % 5 === 0) return [360 * draw.uniform(), (i % 2 === 0 ? 1 : -1) * (90 - draw.uniform() ** 3)] // the poles
      if (i % 5 === 1) return [(359.5 + draw.uniform()) % 360, 180 * draw.uniform() - 90] // the meridian
      if (i % 5 === 2) return corners[i % corners.length]
      if (i % 5 === 3) return [stars.raDeg[i], stars.decDeg[i]] // a star itself
      return [360 * draw.uniform(), (Math.asin(2 * draw.uniform() - 1) * 180) / Math.PI]
    }
    let found = 0
    for (let i = 0; i < 1000; i++) {
      const [raDeg, decDeg] = centre(i)
      const cone: Cone = { raDeg, decDeg, radiusDeg: 0.01 * 1000 ** draw.uniform() }
      const { id, mag } = await tiles.cone('gaia_dr3', cone)
      const expected: string[] = []
      for (let k = 0; k < stars.count; k++)
        if (separationDeg(stars.raDeg[k], stars.decDeg[k], raDeg, decDeg) <= cone.radiusDeg) expected.push(stars.id[k])
      expect([...id].sort()).toEqual(expected.sort())
      expect(mag.G.every((value, k) => k === 0 || value >= mag.G[k - 1])).toBe(true)
      found += id.length
    }
    expect(found).toBeGreaterThan(5000)
  })
})

describe('what verify finds', async () => {
  const sound = new MemoryStore()
  await importStars(sound, '', wholeSky(2000), 1000)
  const damaged = async (damage: (store: MemoryStore, leaves: string[]) => Promise<unknown>) => {
    const store = new MemoryStore()
    for (const key of await sound.list('')) await store.put(key, await sound.get(key))
    const leaves = (await store.list('gaia_dr3/dataset/')).filter(key => key.includes('Npix='))
    await damage(store, leaves)
    return (await verifyCatalogue(store, 'gaia_dr3/'))!.faults
  }
  const edited = async (store: MemoryStore, key: string, edit: (text: string) => string) =>
    store.put(key, new TextEncoder().encode(edit(new TextDecoder().decode(await store.get(key)))))

  test('nothing in what was just written', async () => {
    expect(await damaged(async () => undefined)).toEqual([])
  })

  test.each<[string, (store: MemoryStore, leaves: string[]) => Promise<unknown>, RegExp]>([
    ['a bit that flipped', (store, [key]) => flipped(store, key), /not as it was written/],
    [
      'a leaf cut short',
      async (store, [key]) => store.put(key, (await store.get(key)).slice(0, 900)),
      /cannot be read/,
    ],
    ['a leaf in the place of another', async (store, [a, b]) => store.put(a, await store.get(b)), /outside the leaf/],
    [
      'a number of rows that is another',
      store => edited(store, 'gaia_dr3/partition_info.csv', text => text.replace(/(\n\d+,\d+,)\d+/, '$17')),
      /partition_info\.csv tells 7/,
    ],
    [
      'a sum of rows that is another',
      store => edited(store, 'gaia_dr3/hats.properties', text => text.replace('nrows=2000', 'nrows=2001')),
      /tells 2001 rows, the leaves hold 2000/,
    ],
    [
      'a leaf that no list names',
      async (store, [key]) => store.put(leafKeyOf(12, 3), await store.get(key)),
      /in no list of leaves/,
    ],
    [
      'a leaf within another',
      store =>
        edited(store, 'gaia_dr3/partition_info.csv', text => {
          const [, order, cell] = text.match(/\n(\d+),(\d+)/)!
          return `${text}${Number(order) + 1},${4 * Number(cell)},1,\n`
        }),
      /overlap/,
    ],
  ])('%s', async (_, damage, tells) => {
    expect((await damaged(damage)).join('\n')).toMatch(tells)
  })
})

const leafKeyOf = (order: number, cell: number) => `${leafKey('gaia_dr3/', { order, cell })}.parquet`

async function flipped(store: MemoryStore, key: string): Promise<void> {
  const bytes = Uint8Array.from(await store.get(key))
  bytes[bytes.length >> 1] ^= 1
  await store.put(key, bytes)
}
