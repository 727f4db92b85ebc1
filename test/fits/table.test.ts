import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeTable, encodeTables, type FitsColumn } from '#shared/fits/table.ts'
import { decodeArrays } from '#shared/fits/table-arrays.ts'
import { askAstropy, astropyThere } from './astropy.ts'

const columns: FitsColumn[] = [
  { name: 'id', data: Int32Array.of(1, -2, 2147483647), description: 'Number of the star' },
  { name: 'source_id', data: BigInt64Array.of(5853498713190525696n, -1n, 0n) },
  { name: 'ra', unit: 'deg', data: Float64Array.of(10.123456789012344, Number.NaN, -1e-300) },
  { name: 'mag', unit: 'mag', data: Float32Array.of(1.5, Number.NaN, 20.25) },
  { name: 'mask', data: Uint32Array.of(0, 4294967295, 7) },
  { name: 'name', data: ['HAT-P-32', '', "it's"] },
]
const file = encodeTables([
  { name: 'STARS', columns, cards: [{ keyword: 'SURVEY', value: 'gaia_dr3' }] },
  { name: 'NONE', columns: [{ name: 'x', data: new Float64Array(0) }] },
])

describe('tables', () => {
  test('come back as they were written, 64-bit identities to the last digit', () => {
    const { header, columns: read } = decodeTable(file)
    expect(file.length % 2880).toBe(0)
    expect(header.get('SURVEY')).toBe('gaia_dr3')
    for (const { name, data } of columns) expect(read.get(name)).toEqual(data)
  })

  test('are found by name and by index, also empty ones', () => {
    expect(decodeTable(file, 'none').columns.get('x')).toEqual(new Float64Array(0))
    expect(decodeTable(file, 2).columns.get('x')).toEqual(new Float64Array(0))
    expect(() => decodeTable(file, 'absent')).toThrow(/no table absent/)
  })

  test('the same table gives the same bytes', () => {
    const again = encodeTables([
      { name: 'STARS', columns, cards: [{ keyword: 'SURVEY', value: 'gaia_dr3' }] },
      { name: 'NONE', columns: [{ name: 'x', data: new Float64Array(0) }] },
    ])
    expect(again).toEqual(file)
  })
})

describe.skipIf(!astropyThere)('beside astropy (skipped where it is absent)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpcs-table-'))

  test('astropy reads what we write and finds nothing to mend', () => {
    const path = join(folder, 'ours.fits')
    writeFileSync(path, file)
    const read = askAstropy(
      `
with fits.open(sys.argv[1]) as f:
    f.verify('exception')
    t = f['STARS'].data
    print(json.dumps([t['id'].tolist(), [str(v) for v in t['source_id']], [repr(float(v)) for v in t['ra']], [repr(float(v)) for v in t['mag']], t['mask'].tolist(), t['name'].tolist(), f['STARS'].columns['ra'].unit, len(f['NONE'].data)]))`,
      [path],
    )
    expect(read).toEqual([
      [1, -2, 2147483647],
      ['5853498713190525696', '-1', '0'],
      ['10.123456789012344', 'nan', '-1e-300'],
      ['1.5', 'nan', '20.25'],
      [0, 4294967295, 7],
      ['HAT-P-32', '', "it's"],
      'deg',
      0,
    ])
  })

  test('we read what astropy writes: every number type, unsigned, scaled, null, vectors, booleans', () => {
    const path = join(folder, 'theirs.fits')
    askAstropy(
      `
c = fits.Column
fits.BinTableHDU.from_columns([
  c('l', 'L', array=np.array([True, False])), c('b', 'B', array=np.array([0, 255], 'u1')), c('i', 'I', array=np.array([-5, 7], 'i2')),
  c('u', 'I', bzero=32768, array=np.array([0, 65535], 'u2')), c('j', 'J', null=-99, array=np.array([-99, 7], 'i4')), c('k', 'K', array=np.array([2**62, -2**62])),
  c('e', 'E', array=np.array([1.5, np.nan], 'f4')), c('v', '3E', array=np.arange(6, dtype='f4').reshape(2, 3)),
  c('a', '5A', array=np.array(['ab', 'cdefg'])), c('p', 'PJ()', array=np.array([np.array([1, 2]), np.array([3])], dtype=object)),
]).writeto(sys.argv[1], overwrite=True)
with fits.open(sys.argv[1], mode='update') as f: f[1].header['TSCAL3'] = 0.5
print('0')`,
      [path],
    )
    const { columns: read } = decodeTable(readFileSync(path))
    expect(read.get('l')).toEqual(Int32Array.of(1, 0))
    expect(read.get('b')).toEqual(Int32Array.of(0, 255))
    expect(read.get('i')).toEqual(Float64Array.of(-2.5, 3.5)) // TSCAL 0.5
    expect(read.get('u')).toEqual(Int32Array.of(0, 65535))
    expect(read.get('j')).toEqual(Float64Array.of(Number.NaN, 7))
    expect(read.get('k')).toEqual(BigInt64Array.of(2n ** 62n, -(2n ** 62n)))
    expect(read.get('e')).toEqual(Float32Array.of(1.5, Number.NaN))
    expect(read.get('v_2')).toEqual(Float32Array.of(1, 4))
    expect(read.get('a')).toEqual(['ab', 'cdefg'])
    expect(read.has('p')).toBe(false)
  })

  test('ASCII tables and arrays of variable length give what astropy reads', () => {
    const path = join(folder, 'theirs-ascii.fits')
    const [names, magnitudes, counts, arrays] = askAstropy(
      `
table = fits.TableHDU.from_columns([
    fits.Column('name', 'A9', array=np.array(['HAT-P-32', 'M 67', ''])),
    fits.Column('mag', 'F10.4', array=np.array([11.25, -1.5, 0.0625])),
    fits.Column('n', 'I8', array=np.array([1, -20, 30000])),
])
rows = np.empty(3, dtype=object)
rows[:] = [np.array([1, 2, 3], 'i4'), np.array([], 'i4'), np.array([-7], 'i4')]
arrays = fits.BinTableHDU.from_columns([fits.Column('list', 'PJ()', array=rows)])
fits.HDUList([fits.PrimaryHDU(), table, arrays]).writeto(sys.argv[1], overwrite=True)
with fits.open(sys.argv[1]) as f:
    t = f[1].data
    print(json.dumps([t['name'].tolist(), t['mag'].tolist(), t['n'].tolist(), [row.tolist() for row in f[2].data['list']]]))`,
      [path],
    ) as [string[], number[], number[], number[][]]
    const { columns: read } = decodeTable(readFileSync(path))
    expect(read.get('name')).toEqual(names.map(name => name.trimEnd())) // blanks behind carry no meaning
    expect(Array.from(read.get('mag') as Float64Array)).toEqual(magnitudes)
    expect(read.get('n')).toEqual(Int32Array.from(counts))
    expect(decodeArrays(readFileSync(path), 2, 'list').map(array => [...array])).toEqual(arrays)
  })
})
