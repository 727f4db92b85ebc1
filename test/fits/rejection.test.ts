import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { CpcsError } from '#shared/errors.ts'
import { openFits } from '#shared/fits/file.ts'
import { encodeHeader } from '#shared/fits/header.ts'
import { decodePlane } from '#shared/fits/image.ts'
import { sciencePlane } from '#shared/fits/science-plane.ts'
import { encodeTables } from '#shared/fits/table.ts'
import { encodeImages } from '#shared/fits/write-image.ts'
import { bigEndian, extensionsOf, primaryImage } from './build.ts'

const text = (words: string) => new TextEncoder().encode(words)
const pixels = (count: number) =>
  bigEndian(
    16,
    Array.from({ length: count }, (_, i) => i),
  )
const square = primaryImage([20, 20], 16, pixels(400))
const plain = (name?: string) => ({
  width: 20,
  height: 20,
  pixels: new Float32Array(400),
  as: 'float32' as const,
  name,
})

function headerOnly(values: Record<string, string | number | boolean>): Uint8Array {
  return encodeHeader(Object.entries(values).map(([keyword, value]) => ({ keyword, value })))
}

function strangelyCompressed(): Uint8Array {
  const columns = [{ name: 'COMPRESSED_DATA', data: new Int32Array(2) }]
  const values = { ZIMAGE: true, ZCMPTYPE: 'LOSSY_9', ZBITPIX: 16, ZNAXIS: 2, ZNAXIS1: 20, ZNAXIS2: 20, ZTILE2: 20 }
  return encodeTables([
    { name: 'Z', columns, cards: Object.entries(values).map(([keyword, value]) => ({ keyword, value })) },
  ])
}

const rejections: [what: string, bytes: Uint8Array, error: string, words: RegExp][] = [
  ['an empty object', new Uint8Array(0), 'EmptyObject', /empty/],
  ['a text file', text('hello, these are my observations\n'), 'NotFits', /text file/],
  ['a web page', text('<!DOCTYPE html><html>login</html>'), 'NotFits', /HTML/],
  ['JSON', text('{"a": 1}'), 'NotFits', /JSON/],
  ['a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0), 'NotFits', /PNG/],
  ['a JPEG', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16), 'NotFits', /JPEG/],
  ['a ZIP', Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0), 'NotFits', /ZIP/],
  ['a camera raw file', Uint8Array.of(0x49, 0x49, 0x2a, 0, 16, 0), 'NotFits', /camera raw/],
  ['junk', Uint8Array.of(1, 2, 3, 4), 'NotFits', /01 02 03 04/],
  ['a gzipped text', gzipSync(text('only words')), 'NotFits', /text file/],
  ['a header that ends early', square.subarray(0, 240), 'BrokenHeader', /END/],
  [
    'a header without NAXIS2',
    headerOnly({ SIMPLE: true, BITPIX: 16, NAXIS: 2, NAXIS1: 20 }),
    'BrokenHeader',
    /NAXIS2 is missing/,
  ],
  [
    'an impossible BITPIX',
    headerOnly({ SIMPLE: true, BITPIX: 12, NAXIS: 2, NAXIS1: 20, NAXIS2: 20 }),
    'BrokenHeader',
    /BITPIX is 12/,
  ],
  [
    'an axis that is no number',
    headerOnly({ SIMPLE: true, BITPIX: 16, NAXIS: 2, NAXIS1: 'wide', NAXIS2: 20 }),
    'BrokenHeader',
    /NAXIS1 is wide/,
  ],
  ['a compression that we do not read', strangelyCompressed(), 'UnsupportedFits', /LOSSY_9/],
  ['half the pixels', square.subarray(0, 2880 + 400), 'TruncatedFits', /3280 bytes, 3680 needed/],
  [
    'half a gzip stream',
    gzipSync(
      primaryImage(
        [100, 100],
        16,
        bigEndian(
          16,
          Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 30_011),
        ),
      ),
    ).subarray(0, 9_000),
    'TruncatedFits',
    /22880 needed/,
  ],
  ['a spectrum', primaryImage([2000], 16, pixels(2000)), 'NoImage', /one row of 2000 values/],
  ['a spectrum with a second axis', primaryImage([2000, 1], 16, pixels(2000)), 'NoImage', /one row of 2000 values/],
  [
    'a table',
    encodeTables([{ name: 'CAT', columns: [{ name: 'x', data: new Float64Array(3) }] }]),
    'NoImage',
    /only 1 table/,
  ],
  ['a colour cube', primaryImage([20, 20, 3], 16, pixels(1200)), 'NotSingleImage', /colour cube of 3 planes/],
  ['a data cube', primaryImage([20, 20, 7], 16, pixels(2800)), 'NotSingleImage', /cube of 7 planes/],
  ['no pixels at all', primaryImage([], 8, new Uint8Array(0)), 'NoImage', /no pixels/],
]

describe('what is no image of the sky ends with a reason', () => {
  test.each(rejections)('%s', (_, bytes, error, words) => {
    const thrown = thrownBy(() => {
      const file = openFits(bytes)
      decodePlane(file, sciencePlane(file).hdu)
    })
    expect(thrown.name).toBe(error)
    expect(thrown.message).toMatch(words)
    expect(thrown.policy).toBe('reject')
  })
})

describe('the science plane', () => {
  const chosen = (names: (string | undefined)[]) => sciencePlane(openFits(encodeImages(names.map(plain)))).hdu.index

  test('is the primary image, whatever follows', () => expect(chosen([undefined, 'OTHER', 'MASK'])).toBe(0))
  test('is the unit named SCI, also behind another image', () => expect(chosen([undefined, 'ERR', 'SCI'])).toBe(2))
  test('is a cube of one plane', () =>
    expect(sciencePlane(openFits(primaryImage([20, 20, 1], 16, pixels(400)))).height).toBe(20))

  test('inherits the keywords of the primary header', () => {
    const bytes = encodeImages([
      { ...plain('PRIMARY'), cards: [{ keyword: 'EXPTIME', value: 30 }] },
      { ...plain('SCI'), cards: [{ keyword: 'GAIN', value: 2.5 }] },
    ])
    const { header } = sciencePlane(openFits(bytes))
    expect([header.number('EXPTIME'), header.number('GAIN')]).toEqual([30, 2.5])
  })

  test('a damaged extension does not spoil the image before it', () => {
    const broken = headerOnly({ XTENSION: 'IMAGE', BITPIX: 13, NAXIS: 2, NAXIS1: 5, NAXIS2: 5 })
    expect(sciencePlane(openFits(new Uint8Array([...square, ...broken]))).width).toBe(20)
  })

  test.each([
    [{ EXTTYPE: 'IMAGE' }, { EXTTYPE: 'MASK' }, { EXTTYPE: 'VARIANCE' }],
    [{ HDUCLAS2: 'DATA' }, { HDUCLAS2: 'ERROR' }, { HDUCLAS2: 'QUALITY' }],
    [{ EXTNAME: 'SCI' }, { EXTNAME: 'BPM' }, { EXTNAME: 'ERR' }],
  ])('the one that says it is the sky is taken: %j', (...roles) => {
    const images = roles.toReversed().map(role => ({
      ...plain(),
      cards: Object.entries(role).map(([keyword, value]) => ({ keyword, value })),
    }))
    expect(sciencePlane(openFits(extensionsOf([], images))).hdu.index).toBe(3)
  })

  test('several images in extensions are refused', () => {
    const empty = primaryImage([], 8, new Uint8Array(0))
    const extension = (name: string) => encodeImages([plain(), plain(name)]).subarray(2880 * 2)
    const bytes = new Uint8Array([...empty, ...extension('A'), ...extension('B')])
    expect(thrownBy(() => sciencePlane(openFits(bytes))).name).toBe('NotSingleImage')
  })
})

function thrownBy(work: () => unknown): CpcsError {
  try {
    work()
  } catch (error) {
    return error as CpcsError
  }
  throw new Error('nothing was thrown')
}
