import { expect, test } from 'vitest'
import { buildQuadPieces } from '#shared/astrometry/build-quad-index.ts'
import { indexSurvey } from '#shared/astrometry/index-survey.ts'
import { encodeQuadBand, openQuadSky, QUAD_ORDERS, quadPieceKey } from '#shared/astrometry/quad-index.ts'
import { importStars, readPublished } from '#shared/catalogue/import.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { random } from '#shared/numeric/random.ts'

test('the index of an imported catalogue is that of all its stars at once, leaf by leaf', async () => {
  const draw = random('leaves')
  const rows = Array.from({ length: 3000 }, (_, i) => {
    const ra = (359 + 2.5 * draw.uniform()) % 360
    return `${i + 1},${ra.toFixed(8)},${(40 + 2 * draw.uniform()).toFixed(8)},${(17 + Math.log2(draw.uniform())).toFixed(3)}`
  })
  const text = ['source_id,ra,dec,phot_g_mean_mag', ...rows].join('\n')
  const stars = await readPublished(new TextEncoder().encode(text), 'gaia_dr3')
  const store = new MemoryStore()
  await importStars(store, '', stars, 400)
  const bands = await indexSurvey(store, 'gaia_dr3')
  expect(bands.map(band => band.order).sort()).toEqual([...QUAD_ORDERS])
  const sky = await openQuadSky(store, 'gaia_dr3')
  expect(sky?.orders).toEqual(QUAD_ORDERS)
  // magnitudes come back from the tiles as 32-bit numbers
  const all = { raDeg: stars.raDeg, decDeg: stars.decDeg, mag: Float64Array.from(new Float32Array(stars.mag.G)) }
  for (const order of [6, 9])
    for (const { cell, band } of buildQuadPieces(all, order))
      expect(await store.get(quadPieceKey('gaia_dr3', order, cell))).toEqual(encodeQuadBand(band))
  // what a restored bucket may lack
  const list = new MemoryStore()
  await list.put('gaia_dr3/quads/quads.json', await store.get('gaia_dr3/quads/quads.json'))
  const halved = await openQuadSky(list, 'gaia_dr3')
  await expect(halved?.piece(6, 0)).rejects.toThrow(/piece-000.bin is missing.*Build it anew/)
  await expect(indexSurvey(store, 'ps1')).rejects.toThrow(/no catalogue ps1/)
})
