import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ByteCache } from '#shared/catalogue/byte-cache.ts'
import { encodeEcsv } from '#shared/catalogue/ecsv.ts'
import { importChunks, importStars, readPublished, readPublishedChunks } from '#shared/catalogue/import.ts'
import { encodeParquet } from '#shared/catalogue/parquet.ts'
import { encodeTables } from '#shared/fits/table.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { random } from '#shared/numeric/random.ts'

/** So many rows that a file is read in several pieces: a piece is 16 MB of text, or 100 000 rows. */
const ROWS = 240_000

describe('a file too large for one piece', () => {
  const draw = random('large')
  const raDeg = Float64Array.from({ length: ROWS }, () => Number((150 + 10 * draw.uniform()).toFixed(7)))
  const decDeg = Float64Array.from({ length: ROWS }, () => Number((20 * draw.uniform() - 10).toFixed(7)))
  const mag = Float32Array.from({ length: ROWS }, () => Math.fround(12 + 8 * draw.uniform()))
  const id = BigInt64Array.from({ length: ROWS }, (_, i) => 4000000000000000000n + BigInt(i))
  const note = Array.from(
    { length: ROWS },
    () => 'nothing that anybody needs to know of this particular star, at length',
  )
  const columns = [
    { name: 'source_id', data: id },
    { name: 'ra', data: raDeg },
    { name: 'dec', data: decDeg },
    { name: 'phot_g_mean_mag', data: mag },
    { name: 'note', data: note },
  ]
  const lines = Array.from(
    { length: ROWS },
    (_, i) => `${id[i]},${raDeg[i]},${decDeg[i]},${mag[i]},"${note[i]},\n${i}"`,
  )
  const csv = `# a comment\nsource_id,ra,dec,phot_g_mean_mag,note\n${lines.join('\n')}\n`

  test.each<[string, () => Uint8Array, number]>([
    ['CSV with line ends in quotes', () => new TextEncoder().encode(csv), 2],
    ['CSV, gzipped', () => gzipSync(csv, { level: 1 }), 2],
    ['ECSV', () => new TextEncoder().encode(encodeEcsv(columns)), 2],
    ['Parquet', () => encodeParquet(columns, 50_000), 3],
    ['FITS, which is read whole', () => encodeTables([{ name: 'GAIA', columns }]), 1],
  ])('%s: the same catalogue as in one piece', async (_, encode, pieces) => {
    const store = new MemoryStore()
    await store.put('file', encode())
    const sizes: number[] = []
    let next = 0
    for await (const stars of readPublishedChunks(store, 'file', 'gaia_dr3')) {
      sizes.push(stars.count)
      for (let i = 0; i < stars.count; i++, next++) {
        if (stars.id[i] !== String(id[next]) || stars.raDeg[i] !== raDeg[next] || stars.mag.G[i] !== mag[next])
          throw new Error(`row ${next} is not what was written`)
      }
    }
    expect(next).toBe(ROWS)
    expect(sizes.length).toBeGreaterThanOrEqual(pieces)
  })
})

describe('an import in pieces', () => {
  const text = (from: number, to: number, ra = 10) => {
    const draw = random('pieces')
    const rows = Array.from(
      { length: 600 },
      (_, i) => `${i},${ra + draw.uniform()},${draw.uniform()},${12 + draw.uniform()}`,
    )
    return new TextEncoder().encode(`source_id,ra,dec,phot_g_mean_mag\n${rows.slice(from, to).join('\n')}\n`)
  }

  test('writes the same bytes as an import at once, and says how far it has come', async () => {
    const [whole, piecewise] = [new MemoryStore(), new MemoryStore()]
    const once = await importStars(whole, '', await readPublished(text(0, 600), 'gaia_dr3'), 100)
    const told: (number | undefined)[][] = []
    async function* pieces() {
      for (const [from, to] of [
        [0, 250],
        [250, 400],
        [400, 600],
      ])
        yield await readPublished(text(from, to), 'gaia_dr3')
    }
    const say = (...progress: (number | undefined)[]) => void told.push(progress)
    const summary = await importChunks(piecewise, '', 'gaia_dr3', pieces(), say, 100)
    expect(summary).toEqual(once)
    expect(summary.read).toBe(600)
    for (const key of await whole.list('')) expect(await piecewise.get(key)).toEqual(await whole.get(key))
    expect(await piecewise.list('')).toEqual(await whole.list(''))
    expect(told.slice(0, 3)).toEqual([[250], [400], [600]])
    expect(told.at(-1)![0]).toBe(told.at(-1)![1])
  })

  test('keeps of a star that comes twice the one that came last', async () => {
    const store = new MemoryStore()
    async function* pieces() {
      yield await readPublished(new TextEncoder().encode('source_id,ra,dec,phot_g_mean_mag\n1,10,0,15\n'), 'gaia_dr3')
      yield await readPublished(new TextEncoder().encode('source_id,ra,dec,phot_g_mean_mag\n1,10,0,14\n'), 'gaia_dr3')
    }
    expect(await importChunks(store, '', 'gaia_dr3', pieces())).toMatchObject({ read: 2, replaced: 1, total: 1 })
  })
})

describe('the memory of tiles', () => {
  const sized = (bytes: number) => async () => ({ bytes })

  test('keeps what was used last, and no more than it may', async () => {
    const cache = new ByteCache<{ bytes: number }>(100, ({ bytes }) => bytes)
    for (const key of ['a', 'b', 'c']) await cache.get(key, sized(30))
    await cache.get('a', sized(30)) // a is used again, so that b goes first
    await cache.get('d', sized(30))
    expect(cache.bytes).toBe(90)
    const reloaded: string[] = []
    for (const key of ['a', 'c', 'd', 'b'])
      await cache.get(key, async () => {
        reloaded.push(key)
        return { bytes: 30 }
      })
    expect(reloaded).toEqual(['b'])
  })

  test('loads once for all who wait, and forgets what failed', async () => {
    const cache = new ByteCache<number>(10, () => 1)
    let loads = 0
    const failing = async () => {
      loads++
      throw new Error('not now')
    }
    const both = await Promise.allSettled([cache.get('a', failing), cache.get('a', failing)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(loads).toBe(1)
    expect(await cache.get('a', async () => 7)).toBe(7)
  })

  test('keeps nothing that is larger than all of it', async () => {
    const cache = new ByteCache<{ bytes: number }>(100, ({ bytes }) => bytes)
    await cache.get('a', sized(500))
    expect(cache.bytes).toBe(0)
  })
})
