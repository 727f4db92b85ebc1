import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { openFits } from '#shared/fits/file.ts'
import { decodePlane } from '#shared/fits/image.ts'
import { askAstropy, astropyThere, dataFolder, dataThere } from './astropy.ts'
import { bigEndian, primaryImage } from './build.ts'

function planeOf(bytes: Uint8Array, index = 0) {
  const file = openFits(bytes)
  return decodePlane(file, file.hdus[index])
}

describe('pixels of every kind', () => {
  test.each([
    [8, [0, 1, 127, 255]],
    [16, [-32768, -1, 0, 32767]],
    [32, [-2147483648, 7, 0, 16777216]],
    [64, [-5, 0, 1, 1048576]],
    [-32, [-1.5, 0, Number.NaN, 1e30]],
    [-64, [-1.5, 0, Number.NaN, 1024.25]],
  ])('BITPIX %d', (bitpix, values) => {
    const plane = planeOf(primaryImage([2, 2], bitpix, bigEndian(bitpix, values)))
    expect(Array.from(plane.pixels)).toEqual(values.map(Math.fround))
  })

  test('BZERO 32768 makes unsigned 16-bit values', () => {
    const cards = [{ keyword: 'BZERO', value: 32768 }]
    const plane = planeOf(primaryImage([2, 2], 16, bigEndian(16, [-32768, -1, 0, 32767]), cards))
    expect(Array.from(plane.pixels)).toEqual([0, 32767, 32768, 65535])
  })

  test('BSCALE and BZERO apply to the stored value, BLANK is no value', () => {
    const cards = [
      { keyword: 'BSCALE', value: 0.5 },
      { keyword: 'BZERO', value: 10 },
      { keyword: 'BLANK', value: -99 },
    ]
    const plane = planeOf(primaryImage([4, 1], 16, bigEndian(16, [-99, 0, 4, -4]), cards))
    expect(Array.from(plane.pixels)).toEqual([Number.NaN, 10, 12, 8])
  })

  test('gzip around the file makes no difference', () => {
    const bytes = primaryImage([2, 2], 16, bigEndian(16, [1, 2, 3, 4]))
    expect(planeOf(gzipSync(bytes))).toEqual(planeOf(bytes))
  })

  test('missing padding behind the pixels is forgiven', () => {
    const bytes = primaryImage([2, 2], 16, bigEndian(16, [1, 2, 3, 4]))
    expect(Array.from(planeOf(bytes.subarray(0, 2888)).pixels)).toEqual([1, 2, 3, 4])
  })
})

/** Image units of a file with a hash of their pixels as 32-bit floats, NaN as −1, scaled in double precision. */
const hashImages = `
def scaled(hdu):
    data = hdu.data
    if data is None: return None
    while data.ndim > 2: data = data[0]
    return np.asarray(data, dtype=np.float64)
out = {}
for path in sys.argv[1:]:
    units = {}
    with fits.open(path, ignore_missing_end=True, do_not_scale_image_data=False) as file:
        raw = fits.open(path, ignore_missing_end=True, do_not_scale_image_data=True)
        for i, hdu in enumerate(file):
            if not isinstance(hdu, (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)): continue
            if hdu.header.get('GROUPS') is True: continue
            scale, zero, blank = hdu.header.get('BSCALE', 1), hdu.header.get('BZERO', 0), None
            header = raw[i].header
            scale, zero = header.get('BSCALE', 1), header.get('BZERO', 0)
            if isinstance(hdu, fits.CompImageHDU) or scale == 1: data = scaled(hdu)
            else:
                data = scaled(raw[i])
                if data is not None:
                    lost = data == header['BLANK'] if 'BLANK' in header else np.zeros(data.shape, bool)
                    data = data * scale + zero
                    data[lost] = np.nan
            if data is None or data.ndim < 2: continue
            data = data.astype('<f4')
            lost = np.isnan(data)
            data[lost] = -1
            units[i] = [data.shape[1], data.shape[0], int(lost.sum()), hashlib.md5(np.ascontiguousarray(data).tobytes()).hexdigest()]
    out[path] = units
print(json.dumps(out))
`

function ourHash(path: string, index: number): [number, number, number, string] {
  const { width, height, pixels } = planeOf(readFileSync(path), index)
  let lost = 0
  for (let i = 0; i < pixels.length; i++)
    if (Number.isNaN(pixels[i])) {
      pixels[i] = -1
      lost++
    }
  return [width, height, lost, createHash('md5').update(new Uint8Array(pixels.buffer)).digest('hex')]
}

function filesIn(...folders: string[]): string[] {
  return folders
    .flatMap(folder => readdirSync(join(dataFolder, folder)).map(name => join(dataFolder, folder, name)))
    .filter(path => /\.(fits?|fz|mt)(\.gz)?$/i.test(path) && !/group|idcompspec/.test(path))
}

describe.skipIf(!astropyThere || !dataThere)(
  'beside astropy (skipped where astropy or the real frames are absent)',
  () => {
    test('every image of the real files has the same pixels', () => {
      const files = filesIn(
        'fits_torture/astropy',
        'fits_torture/midas',
        'exotic_microobs',
        'panoptes',
        'header_dialects/msumastro',
        'galsim_wcs',
        'sep',
        'twomass_aplpy',
        'eso_midas',
        'wcs_headers/astropy_wcs',
      )
      const theirs = askAstropy(hashImages, files) as Record<string, Record<string, unknown>>
      let compared = 0
      for (const [path, units] of Object.entries(theirs))
        for (const [index, expected] of Object.entries(units)) {
          expect([path, ...ourHash(path, Number(index))]).toEqual([path, ...(expected as unknown[])])
          compared++
        }
      expect(compared).toBeGreaterThan(50)
    })

    test('tiles compressed in every way we read give the pixels that astropy reads', () => {
      const folder = mkdtempSync(join(tmpdir(), 'cpcs-tiles-'))
      const made = askAstropy(
        `
folder = sys.argv[1]
rng = np.random.default_rng(3)
base = rng.normal(1000, 30, (61, 83)); base[20:25, 30:40] += 20000; base[5, 5] = 0
out = []
for kind in ('RICE_1', 'GZIP_1', 'GZIP_2', 'HCOMPRESS_1', 'PLIO_1'):
    for dtype in ('u1', 'i2') if kind == 'PLIO_1' else ('u1', 'i2', 'u2', 'i4', 'f4', 'f8'):
        for quantise in ((0, 1, 2) if dtype[0] == 'f' else (None,)):
            data = (base / 100 if dtype == 'u1' else base).astype(dtype)
            options = dict(compression_type=kind)
            if quantise is not None: options.update(quantize_method=[-1, 1, 2][quantise], dither_seed=42)
            name = f'{folder}/{kind}-{dtype}-{quantise}.fits'
            fits.CompImageHDU(data, **options).writeto(name, overwrite=True)
            out.append(name)
    name = f'{folder}/{kind}-tiled.fits'
    try: fits.CompImageHDU(base.astype('i4'), compression_type=kind, tile_shape=(16, 20)).writeto(name)
    except TypeError: fits.CompImageHDU(base.astype('i4'), compression_type=kind, tile_size=(20, 16)).writeto(name)
    out.append(name)
for scale in (1, 4, 16):
    name = f'{folder}/HCOMPRESS_1-lossy-{scale}.fits'
    fits.CompImageHDU(base.astype('i4'), compression_type='HCOMPRESS_1', hcomp_scale=scale).writeto(name)
    out.append(name)
    for width, height in ((83, 61), (64, 64), (6, 90), (37, 100)):
        name = f'{folder}/HCOMPRESS_1-smoothed-{scale}-{width}.fits'
        wave = 1000 + 300 * np.sin(np.arange(width) / 5) * np.cos(np.arange(height)[:, None] / 7)
        wave += rng.normal(0, 10, wave.shape)
        fits.CompImageHDU(wave.astype('i4'), compression_type='HCOMPRESS_1', hcomp_scale=scale, hcomp_smooth=1).writeto(name)
        out.append(name)
print(json.dumps(out))`,
        [folder],
      ) as string[]
      const theirs = askAstropy(hashImages, made) as Record<string, Record<string, unknown>>
      expect(made.length).toBe(62)
      for (const path of made) expect([path, ...ourHash(path, 1)]).toEqual([path, ...(theirs[path][1] as unknown[])])
    })
  },
)

describe('bytes that the caller gives up', () => {
  const values = [-1.5, 0, 3.25, 1e30]
  const floats = () => primaryImage([2, 2], -32, bigEndian(-32, values))
  const decoded = (bytes: Uint8Array, givenUp: boolean) => {
    const file = openFits(bytes)
    return decodePlane(file, file.hdus[0], givenUp).pixels
  }

  test('floats are turned where they lie', () => {
    const bytes = new Uint8Array(new ArrayBuffer(floats().length))
    bytes.set(floats())
    const pixels = decoded(bytes, true)
    expect(pixels.buffer).toBe(bytes.buffer)
    expect(Array.from(pixels)).toEqual(values.map(Math.fround))
  })

  test('floats off the grid of memory are read into an array of their own, and the bytes stay', () => {
    const room = new Uint8Array(floats().length + 1)
    const bytes = room.subarray(1)
    bytes.set(floats())
    expect(Array.from(decoded(bytes, true))).toEqual(values.map(Math.fround))
    expect(bytes).toEqual(new Uint8Array(floats()))
  })

  test('bytes that are not given up stay as they are', () => {
    const bytes = new Uint8Array(floats())
    expect(Array.from(decoded(bytes, false))).toEqual(values.map(Math.fround))
    expect(bytes).toEqual(new Uint8Array(floats()))
  })
})
