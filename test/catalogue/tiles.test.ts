import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importStars } from '#shared/catalogue/import.ts'
import type { Cone, ReferenceStars } from '#shared/catalogue/reference.ts'
import { takeStars } from '#shared/catalogue/reference-columns.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { verifyCatalogue } from '#shared/catalogue/verify.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { random } from '#shared/numeric/random.ts'
import { separationDeg } from '#shared/sky/angles.ts'

const fixtures = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'hats')

/** Stars around a place, brightness as in the sky. */
function simulated(count: number, seed: string, place: Cone): ReferenceStars {
  const draw = random(seed)
  const raDeg = new Float64Array(count)
  const decDeg = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const [x, y] = [place.radiusDeg * (2 * draw.uniform() - 1), place.radiusDeg * (2 * draw.uniform() - 1)]
    decDeg[i] = Math.max(-90, Math.min(90, place.decDeg + y))
    raDeg[i] = (((place.raDeg + x / Math.max(0.02, Math.cos((decDeg[i] * Math.PI) / 180))) % 360) + 360) % 360
  }
  const filled = (value: () => number) => Float64Array.from({ length: count }, value)
  return {
    survey: 'gaia_dr3',
    count,
    id: Array.from({ length: count }, (_, i) => `${4000000000000000000n + BigInt(i)}`),
    raDeg,
    decDeg,
    raErrMas: filled(() => 0.125),
    decErrMas: filled(() => 0.25),
    pmRaMasPerYear: filled(() => Math.fround(10 * draw.normal())),
    pmDecMasPerYear: filled(() => Math.fround(10 * draw.normal())),
    pmErrMasPerYear: filled(() => 0.5),
    parallaxMas: filled(() => 1),
    epochYear: filled(() => 2016),
    mag: { G: filled(() => Math.fround(20 + Math.log10(draw.uniform()) / 0.3)) },
    magErr: { G: filled(() => 0.0078125) },
    clean: Uint8Array.from({ length: count }, () => draw.integer(2)),
  }
}

describe('tiles', () => {
  test('a cone gives the stars that brute force finds, at the meridian, at the poles and anywhere', async () => {
    const store = new MemoryStore()
    const places = [
      { raDeg: 0, decDeg: 0, radiusDeg: 4 },
      { raDeg: 359, decDeg: -30, radiusDeg: 4 },
      { raDeg: 100, decDeg: 90, radiusDeg: 6 },
      { raDeg: 300, decDeg: -88, radiusDeg: 6 },
      { raDeg: 45, decDeg: 41.8, radiusDeg: 2 },
    ]
    const all = places.map((place, i) => {
      const stars = simulated(3000, `cone ${i}`, place)
      return { ...stars, id: stars.id.map(id => `${i}${id}`) }
    })
    for (const stars of all) await importStars(store, '', stars, 300)
    const tiles = openTiles(store)
    const cones = [
      { raDeg: 0.2, decDeg: 1, radiusDeg: 3 },
      { raDeg: 359.9, decDeg: -30, radiusDeg: 2 },
      { raDeg: 123, decDeg: 89.5, radiusDeg: 4 },
      { raDeg: 300, decDeg: -90, radiusDeg: 5 },
      { raDeg: 45, decDeg: 41.8, radiusDeg: 1 },
      { raDeg: 20, decDeg: -10, radiusDeg: 30 },
      { raDeg: 200, decDeg: 10, radiusDeg: 0 },
    ]
    for (const cone of cones) {
      const found = await tiles.cone('gaia_dr3', cone)
      const expected = all.flatMap(({ id, raDeg, decDeg }) =>
        id.filter((_, i) => separationDeg(raDeg[i], decDeg[i], cone.raDeg, cone.decDeg) <= cone.radiusDeg),
      )
      expect([...found.id].sort()).toEqual(expected.sort())
      expect([...found.mag.G]).toEqual([...found.mag.G].sort((a, b) => a - b))
    }
  })

  test('what goes in comes out', async () => {
    const store = new MemoryStore()
    const stars = simulated(500, 'round trip', { raDeg: 100, decDeg: -40, radiusDeg: 0.3 })
    await importStars(store, 'tiles/', stars)
    const back = await openTiles(store, 'tiles/').cone('gaia_dr3', { raDeg: 100, decDeg: -40, radiusDeg: 1 })
    const order = Array.from({ length: 500 }, (_, i) => i).sort((a, b) => stars.mag.G[a] - stars.mag.G[b])
    const expected = takeStars(stars, order)
    for (const key of ['id', 'raDeg', 'decDeg', 'raErrMas', 'pmRaMasPerYear', 'epochYear', 'clean'] as const)
      expect(Array.from(back[key] as Float64Array)).toEqual(Array.from(expected[key] as Float64Array))
    expect(back.mag.G).toEqual(expected.mag.G)
    expect(back.mag.BP.every(Number.isNaN)).toBe(true)
  })

  test('only the brightest are given where a limit is set', async () => {
    const store = new MemoryStore()
    const stars = simulated(2000, 'limit', { raDeg: 10, decDeg: 0, radiusDeg: 0.5 })
    await importStars(store, '', stars, 100)
    const found = await openTiles(store).cone('gaia_dr3', { raDeg: 10, decDeg: 0, radiusDeg: 2 }, { limit: 50 })
    expect([...found.mag.G]).toEqual([...stars.mag.G].sort((a, b) => a - b).slice(0, 50))
  })

  test('importing again changes nothing, importing more rewrites the touched leaves alone', async () => {
    const store = new MemoryStore()
    const north = simulated(3000, 'north', { raDeg: 10, decDeg: 40, radiusDeg: 1 })
    const south = simulated(3000, 'south', { raDeg: 200, decDeg: -40, radiusDeg: 1 })
    south.id = south.id.map(id => `5${id.slice(1)}`)
    await importStars(store, '', north, 500)
    const before = await contents(store)
    const again = await importStars(store, '', north, 500)
    expect(await contents(store)).toEqual(before)
    expect(again).toMatchObject({ read: 3000, replaced: 3000, total: 3000 })

    const more = await importStars(store, '', south, 500)
    expect(more.total).toBe(6000)
    const after = await contents(store)
    for (const [key, bytes] of before) if (key.includes('Npix')) expect(after.get(key)).toEqual(bytes)

    const reverse = new MemoryStore()
    await importStars(reverse, '', takeStars(south, [...south.id.keys()].reverse()), 500)
    await importStars(reverse, '', north, 500)
    expect(await contents(reverse)).toEqual(after)
  })

  test('a leaf that grew too large is split, and its rows stay', async () => {
    const store = new MemoryStore()
    const stars = simulated(2000, 'grow', { raDeg: 80, decDeg: 20, radiusDeg: 0.5 })
    const few = Array.from({ length: 100 }, (_, i) => i)
    await importStars(store, '', takeStars(stars, few), 150)
    const summary = await importStars(store, '', stars, 150)
    expect(summary).toMatchObject({ replaced: 100, total: 2000 })
    expect(summary.superseded.length).toBeGreaterThan(0)
    const found = await openTiles(store).cone('gaia_dr3', { raDeg: 80, decDeg: 20, radiusDeg: 3 })
    expect(new Set(found.id).size).toBe(2000)
    expect(found.count).toBe(2000)
  })

  test('an open catalogue sees what was imported since', async () => {
    const store = new MemoryStore()
    const tiles = openTiles(store)
    const place = { raDeg: 80, decDeg: 20, radiusDeg: 0.5 }
    const stars = simulated(200, 'since', place)
    await importStars(store, '', takeStars(stars, [0, 1, 2]))
    expect((await tiles.cone('gaia_dr3', { ...place, radiusDeg: 3 })).count).toBe(3)
    await importStars(store, '', stars)
    expect((await tiles.cone('gaia_dr3', { ...place, radiusDeg: 3 })).count).toBe(200)
  })

  test('a warm function believes for a while what catalogues there are, and then looks again', async () => {
    const store = new MemoryStore()
    let now = 0
    const tiles = openTiles(store, '', { trustMs: 30_000, now: () => now })
    expect(await tiles.surveys()).toEqual([])
    await importStars(store, '', simulated(20, 'trust', { raDeg: 80, decDeg: 20, radiusDeg: 0.5 }))
    now = 29_999
    expect(await tiles.surveys()).toEqual([])
    now = 30_000
    expect(await tiles.surveys()).toEqual(['gaia_dr3'])
  })

  test('a survey that is not there is named in the error', async () => {
    const tiles = openTiles(new MemoryStore())
    expect(await tiles.surveys()).toEqual([])
    await expect(tiles.cone('ps1', { raDeg: 0, decDeg: 0, radiusDeg: 1 })).rejects.toMatchObject({
      name: 'TilesUnavailable',
      details: { survey: 'ps1' },
    })
  })

  test('a leaf that is lost makes the tiles unavailable, not empty', async () => {
    const store = new MemoryStore()
    await importStars(store, '', simulated(50, 'lost', { raDeg: 80, decDeg: 20, radiusDeg: 0.2 }))
    const broken = new MemoryStore()
    for (const key of ['gaia_dr3/hats.properties', 'gaia_dr3/partition_info.csv'])
      await broken.put(key, await store.get(key))
    await expect(openTiles(broken).cone('gaia_dr3', { raDeg: 80, decDeg: 20, radiusDeg: 1 })).rejects.toMatchObject({
      name: 'TilesUnavailable',
    })
  })

  test('a leaf that is a directory without files is lost, and the sky is not empty', async () => {
    const store = new MemoryStore()
    const put = (key: string, text: string) => store.put(`gaia_dr3/${key}`, new TextEncoder().encode(text))
    await put('hats.properties', 'hats_npix_suffix=/\n')
    await put('partition_info.csv', 'Norder,Npix\n0,4\n')
    const missing = expect.stringContaining('gaia_dr3/dataset/Norder=0/Dir=0/Npix=4/ is not in the store')
    await expect(openTiles(store).cone('gaia_dr3', { raDeg: 0, decDeg: 0, radiusDeg: 1 })).rejects.toMatchObject({
      name: 'TilesUnavailable',
      message: missing,
    })
    expect((await verifyCatalogue(store, 'gaia_dr3/'))!.faults).toContainEqual(missing)
  })

  test('a leaf that was cut short is named', async () => {
    const store = new MemoryStore()
    const { leaves } = await importStars(store, '', simulated(50, 'cut', { raDeg: 80, decDeg: 20, radiusDeg: 0.01 }))
    await store.put(leaves[0], (await store.get(leaves[0])).subarray(0, 900))
    await expect(openTiles(store).cone('gaia_dr3', { raDeg: 80, decDeg: 20, radiusDeg: 1 })).rejects.toMatchObject({
      name: 'TilesUnavailable',
      message: expect.stringContaining(`${leaves[0]} cannot be read (`),
    })
  })

  test.each([
    ['empty', () => '', 'no columns Norder and Npix'],
    ['nonsense', () => 'Norder,Npix\n5,abc\n', 'names no leaf in the line 5,abc'],
    ['of a cell that is not on the sky', () => 'Norder,Npix\n0,12\n', 'names no leaf'],
    ['with a leaf inside another', (list: string) => `${list.trim()}\n29,0,1,x\n${list.split('\n')[1]}\n`, 'overlap'],
  ])('a list of leaves that is %s is an error, and no empty or double sky', async (_, damaged, says) => {
    const store = new MemoryStore()
    await importStars(store, '', simulated(50, 'list', { raDeg: 80, decDeg: 20, radiusDeg: 0.2 }))
    const list = new TextDecoder().decode(await store.get('gaia_dr3/partition_info.csv'))
    await store.put('gaia_dr3/partition_info.csv', new TextEncoder().encode(damaged(list)))
    const cone = openTiles(store).cone('gaia_dr3', { raDeg: 80, decDeg: 20, radiusDeg: 1 })
    await expect(cone).rejects.toMatchObject({ name: 'TilesUnavailable', message: expect.stringContaining(says) })
    const { faults } = (await verifyCatalogue(store, 'gaia_dr3/'))!
    expect(faults.join()).toContain(says)
  })

  test.skipIf(!existsSync(fixtures))('catalogues that other software wrote are read where they stand', async () => {
    const store = new MemoryStore()
    // a plain catalogue, and a collection that points to its primary one; their columns are id, ra, dec
    await copyFolder(join(fixtures, 'small_sky'), 'asas/', store)
    await copyFolder(join(fixtures, 'small_sky_o1_collection'), 'tycho2/', store)
    const tiles = openTiles(store)
    expect(await tiles.surveys()).toEqual(['asas', 'tycho2'])
    const wide = { raDeg: 315, decDeg: -66, radiusDeg: 60 }
    const plain = await tiles.cone('asas', wide)
    const collection = await tiles.cone('tycho2', wide)
    expect(plain.count).toBe(131) // hats_nrows of both
    expect([...collection.id].sort()).toEqual([...plain.id].sort())
    const near = await tiles.cone('asas', { raDeg: plain.raDeg[7], decDeg: plain.decDeg[7], radiusDeg: 1e-6 })
    expect(near.id).toEqual([plain.id[7]])
  })
})

async function contents(store: MemoryStore): Promise<Map<string, string>> {
  const all = new Map<string, string>()
  for (const key of await store.list('')) all.set(key, Buffer.from(await store.get(key)).toString('base64'))
  return all
}

async function copyFolder(folder: string, prefix: string, store: MemoryStore): Promise<void> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    await store.put(prefix + path.slice(folder.length + 1), readFileSync(path))
  }
}
