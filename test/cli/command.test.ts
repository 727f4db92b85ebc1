import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { main } from '#cli/main.ts'
import { processFrame } from '#cli/pipeline.ts'
import { EXIT } from '#cli/usage.ts'
import { image, starField } from '../whole/bad-frames.ts'

const work = mkdtempSync(join(tmpdir(), 'cpcs-command-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))
const said: string[] = []
beforeEach(() => {
  said.length = 0
  vi.spyOn(console, 'log').mockImplementation((text: string) => void said.push(text))
  vi.spyOn(console, 'error').mockImplementation((text: string) => void said.push(String(text)))
})
afterEach(() => vi.restoreAllMocks())

describe('wrong usage ends with status 64 and a sentence', () => {
  test.each([
    [[], /no command given/],
    [['photometry'], /no command "photometry"/],
    [['toString'], /no command "toString"/],
    [['process'], /no frame given/],
    [['process', 'a.fits', '--frobnicate'], /frobnicate/],
    [['process', 'a.fits', '--hint', '1 2 3'], /has no option --hint/],
    [['process', 'a.fits', 'b.fits', '--out', 'o', '--catalogues', work], /one frame at a time/],
    [['process', 'a.fits', '--out', 'o'], /--catalogues is needed/],
    [
      ['process', 'a.fits', '--out', 'o', '--catalogues', import.meta.dirname, '--inject', '1.5'],
      /a whole number from 1/,
    ],
    [
      ['process', 'a.fits', '--out', 'o', '--catalogues', import.meta.dirname, '--forced', 'des'],
      /no catalogue des in .*: import it/,
    ],
    [['process', 'a.fits', '--out', 'o', '--catalogues', join(work, 'nowhere')], /nowhere is no folder of catalogues/],
    [
      ['process', 'a.fits', '--out', 'o', '--catalogues', import.meta.dirname, '--survey', 'twomass', '--band', 'r'],
      /no band "r" in twomass: one of J, H, K/,
    ],
    [
      ['process', 'a.fits', '--out', 'o', '--catalogues', import.meta.dirname, '--band', 'rprime'],
      /no band "rprime" in any survey/,
    ],
    [['standardise', join(work, 'absent.fits'), '--out', join(work, 'o')], /absent\.fits cannot be read/],
    [['standardise', work, '--out', join(work, 'o')], /cannot be read/],
    [['header', join(work, 'absent.fits')], /cannot be read/],
    [
      [
        'process',
        'a.fits',
        '--out',
        'o',
        '--catalogues',
        import.meta.dirname,
        '--target',
        '1 2 a b',
        '--target',
        '3 4 a_b',
      ],
      /told apart/,
    ],
    [['tiles', 'import', 'toString', 'x.csv', '--catalogues', work], /no survey "toString"/],
    [['tiles', 'import', 'ps1', join(work, 'absent.csv'), '--catalogues', work], /as ps1: there is no such file/],
    [['tiles', 'import', 'ps1', work, '--catalogues', work], /as ps1: it is no file/],
    [['tiles', 'margin', 'ps1', '--arcsec', '1e9', '--catalogues', work], /3600 at most/],
    [['tiles', 'import', 'ps1', '--catalogues', work], /SURVEY FILE/],
    [['tiles', 'index', '--catalogues', work], /write SURVEY/],
    [['tiles', 'index', 'ps1', '--catalogues', work], /no catalogue ps1/],
    [['solve', 'a.fits', '--out', 'o', '--catalogues', work, '--blind', '--hint', '1 2 3'], /contradict/],
    [
      ['solve', 'a.fits', '--out', 'o', '--catalogues', work, '--survey', 'ps1'],
      /not solved with ps1: one of gaia_dr3/,
    ],
    [['target', '1 2'], /RA DEC NAME/],
  ])('cpcs %j', async (args, words) => {
    expect(await main(args as string[])).toBe(EXIT.usage)
    expect(said.join('\n')).toMatch(words as RegExp)
  })
})

// below /proc the system says of a folder that is there that it is not; in it that nothing can be written
test.each(['/proc/x', '/proc/x/y', '/proc', join(import.meta.filename, 'x')])('nothing is written to %s', async out => {
  const path = join(work, 'frame.fits')
  writeFileSync(path, image(starField(64, [], 'a quiet sky'), 64))
  for (const command of [['standardise'], ['solve', '--catalogues', work], ['process', '--catalogues', work]]) {
    const [name, ...rest] = command
    expect(await main([name, path, '--out', out, ...rest])).toBe(EXIT.usage)
    expect(said.at(-1)).toContain(`cpcs: ${out} cannot hold the products: `)
  }
})

describe('the frame decides the rest', () => {
  test('a rejected frame ends with status 2 and its reason in report.json', async () => {
    const path = join(work, 'note.fits')
    writeFileSync(path, 'no frame at all')
    expect(await main(['standardise', path, '--out', join(work, 'rejected')])).toBe(EXIT.rejected)
    const report = JSON.parse(readFileSync(join(work, 'rejected', 'report.json'), 'utf8'))
    expect(report).toMatchObject({ outcome: 'rejected', stage: 'standardise', error: 'NotFits' })
    expect(report.reason).toMatch(/text/)
  })

  test('one that a product would take the place of is left alone', async () => {
    const folder = join(work, 'own folder')
    mkdirSync(folder)
    const path = join(folder, 'frame.fits')
    const bytes = image(starField(64, [], 'a quiet sky'), 64)
    writeFileSync(path, bytes)
    expect(await main(['standardise', path, '--out', folder])).toBe(EXIT.usage)
    expect(said.join('\n')).toContain('would be overwritten')
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect(readdirSync(folder)).toEqual(['frame.fits'])
  })

  test('a good one with status 0, and its header is printed', async () => {
    const path = join(work, 'good frame.fits')
    writeFileSync(path, image(starField(64, [], 'a quiet sky'), 64))
    expect(await main(['standardise', path, '--out', join(work, 'out')])).toBe(EXIT.done)
    expect(JSON.parse(readFileSync(join(work, 'out', 'report.json'), 'utf8')).outcome).toBe('standardised')
    expect(await main(['header', path, '--json'])).toBe(EXIT.done)
    expect(JSON.parse(said.at(-1)!).header).toMatchObject({ exposureSeconds: 60, filterName: 'r', widthPx: 64 })
  })
})

describe('a folder that cannot take the products', () => {
  const path = join(work, 'sky.fits')
  const out = (name: string) => join(work, name)
  beforeEach(() => writeFileSync(path, image(starField(64, [], 'a quiet sky'), 64)))

  test.each([
    ['is a file', (folder: string) => writeFileSync(folder, 'no folder')],
    ['lies below a file', (folder: string) => writeFileSync(join(folder, '..'), 'no folder')],
    [
      'has a folder in the place of a product',
      (folder: string) => mkdirSync(join(folder, 'frame.fits'), { recursive: true }),
    ],
  ])('since it %s is wrong usage', async (name, make) => {
    const folder = name.includes('below') ? join(out(name), 'out') : out(name)
    make(folder)
    expect(await main(['standardise', path, '--out', folder])).toBe(EXIT.usage)
    expect(said[0]).toMatch(/^cpcs: .* cannot hold the products: /)
  })

  test('since it was taken away on the way is an outage of its store, and no draft is left', async () => {
    const folder = out('spoilt')
    const spoil = () => mkdirSync(join(folder, 'report.json'))
    const log = { debug() {}, warn() {}, info: spoil }
    const run = processFrame(path, 'standardise', { out: folder, targets: [], log })
    await expect(run).rejects.toMatchObject({ name: 'StoreUnavailable' })
    expect(readdirSync(folder).filter(name => name.endsWith('.part'))).toEqual([])
  })
})
