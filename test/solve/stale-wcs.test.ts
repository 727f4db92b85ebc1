import { test } from 'vitest'
import { receive } from '#cli/pipeline.ts'
import { solve } from '#functions/solve/solve.ts'
import { standardise } from '#functions/standardise/standardise.ts'
import type { Card } from '#shared/fits/header.ts'
import { encodeImage } from '#shared/fits/write-image.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { wcsCards } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { silent } from '#shared/store.ts'
import { drawFrame } from '../image/virtual-stars.ts'
import { expectTrueSolution, quadsOf, registry, SIZE, sky, TRUTH, tiles } from './virtual-sky.ts'

/** A raw frame of the sky whose header brings a solution along, solved as the service does. */
async function solved(wcs: Wcs, more: Card[] = []): Promise<Wcs> {
  const { pixels } = drawFrame(sky.stars, { width: SIZE, height: SIZE })
  const cards: Card[] = [
    { keyword: 'DATE-OBS', value: '2024-07-01T14:52:00.000' },
    { keyword: 'EXPTIME', value: 60 },
    { keyword: 'FILTER', value: 'r' },
    ...wcsCards(wcs, SIZE, SIZE),
    ...more,
  ]
  const bytes = encodeImage({ width: SIZE, height: SIZE, pixels, as: 'float32', cards })
  const received = receive('stale.fits', bytes)
  const [raw, store] = [new MemoryStore(), new MemoryStore()]
  await raw.put(received.raw.key, bytes)
  const input = await standardise(received, { raw, store, log: silent })
  const quads = await quadsOf(sky.catalogue)
  const output = await solve(input, { store, tiles, targets: registry(), quads, log: silent })
  return JSON.parse(new TextDecoder().decode(await store.get(output.solution))).wcs
}

const times = (cd: Wcs['cd'], factor: number): Wcs['cd'] => [
  cd[0] * factor,
  cd[1] * factor,
  cd[2] * factor,
  cd[3] * factor,
]
const [c11, c12, c21, c22] = TRUTH.cd

test.each<[string, Wcs]>([
  ['right', TRUTH],
  ['from another place', { ...TRUTH, crvalRaDeg: 120, crvalDecDeg: -35 }],
  ['from two fields beside', { ...TRUTH, crvalDecDeg: TRUTH.crvalDecDeg - 0.34 }],
  ['of another scale', { ...TRUTH, cd: times(TRUTH.cd, 2) }],
  ['of another place and scale', { ...TRUTH, crvalRaDeg: 120, crvalDecDeg: -35, cd: times(TRUTH.cd, 0.4) }],
  ['mirrored', { ...TRUTH, cd: [-c11, c12, -c21, c22] }],
  ['from before the rotator moved', { ...TRUTH, cd: [-c12, c11, -c22, c21] }],
  [
    'from a binning before, its reference pixel outside',
    { ...TRUTH, crpixX: 4000, crpixY: -900, cd: times(TRUTH.cd, 0.5) },
  ],
  ['singular', { ...TRUTH, cd: [0, 0, 0, 0] }],
])('a solution in the header that is %s leads to no wrong one', async (_, wcs) => {
  expectTrueSolution(await solved(wcs))
})

test('a pointing in the header is believed before a solution of another field', async () => {
  const pointing: Card[] = [
    { keyword: 'RA', value: '23:59:50' },
    { keyword: 'DEC', value: '+41:20:00' },
  ]
  expectTrueSolution(await solved({ ...TRUTH, crvalRaDeg: 120, crvalDecDeg: -35 }, pointing))
})
