import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { main } from '#cli/main.ts'
import { importTiles } from '#cli/tiles.ts'
import { EXIT } from '#cli/usage.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { random } from '#shared/numeric/random.ts'

const work = mkdtempSync(join(tmpdir(), 'cpcs-tiles-'))
const elsewhere = join(work, 'elsewhere')
const here = join(work, 'here')
afterAll(() => rmSync(work, { recursive: true, force: true }))
const said: string[] = []
beforeEach(() => {
  said.length = 0
  vi.spyOn(console, 'log').mockImplementation((text: string) => void said.push(text))
  vi.spyOn(console, 'error').mockImplementation((text: string) => void said.push(String(text)))
})
afterEach(() => vi.restoreAllMocks())

const cpcs = async (...args: string[]) => {
  said.length = 0
  return { status: await main(args), text: () => said.join('\n') }
}

test('tiles are imported in one folder, fetched into another, listed and verified', async () => {
  mkdirSync(elsewhere)
  const draw = random('cli')
  const rows = Array.from({ length: 500 }, (_, i) => `${i},${150 + 3 * draw.uniform()},${20 + 3 * draw.uniform()},15`)
  writeFileSync(join(work, 'gaia.csv'), `source_id,ra,dec,phot_g_mean_mag\n${rows.join('\n')}\n`)
  const imported = await cpcs('tiles', 'import', 'gaia_dr3', join(work, 'gaia.csv'), '--catalogues', elsewhere)
  expect([imported.status, imported.text()]).toEqual([EXIT.done, expect.stringContaining('500 stars imported')])

  const from = ['--from', join(elsewhere, 'gaia_dr3')]
  const cone = ['--cone', '151.5 21.5 0.4', '--catalogues', here]
  const fetched = await cpcs('tiles', 'fetch', 'gaia_dr3', ...cone, ...from)
  const [, tiles] = /(\d+) tiles touch the cone: \1 fetched, 0 held before/.exec(fetched.text())!
  expect(fetched.status).toBe(EXIT.done)
  const again = await cpcs('tiles', 'fetch', 'gaia_dr3', ...cone, ...from)
  expect(again.text()).toContain(`0 fetched, ${tiles} held before`)

  expect((await cpcs('tiles', 'list', '--catalogues', here)).text()).toMatch(
    new RegExp(`^gaia_dr3 +fetched +\\d+ stars in +${tiles} leaves +Gaia DR3$`),
  )
  for (const folder of [elsewhere, here]) {
    const verified = await cpcs('tiles', 'verify', '--catalogues', folder)
    expect([verified.status, verified.text()]).toEqual([
      EXIT.done,
      expect.stringMatching(/ stars in \d+ leaves: sound$/),
    ])
  }
})

test.each([
  ['with a slash at its end', (folder: string) => `${folder}/`],
  ['from here', (folder: string) => `./${relative(process.cwd(), folder)}`],
])('a folder written %s lists the same tiles', async (_, written) => {
  const { text } = await cpcs('tiles', 'list', '--catalogues', here)
  const plainly = text()
  const folder = written(mkdtempSync(join(work, 'written-')))
  const from = ['--from', written(join(elsewhere, 'gaia_dr3'))]
  await cpcs('tiles', 'fetch', 'gaia_dr3', '--cone', '151.5 21.5 0.4', '--catalogues', folder, ...from)
  expect((await cpcs('tiles', 'list', '--catalogues', folder)).text()).toBe(plainly)
})

test('an import tells of words where magnitudes should stand, not of spellings of no value', async () => {
  const file = join(work, 'words.csv')
  const at = ['--catalogues', mkdtempSync(join(work, 'words-'))]
  const rows = [
    'Source,RA_ICRS,DE_ICRS,Gmag,pmRA',
    '1,10,20,faint,--',
    '2,11,20,15.3,x',
    '3,12,20,null,',
    '4,13,20,?,1.5',
  ]
  writeFileSync(file, `${rows.join('\n')}\n`)
  const { status, text } = await cpcs('tiles', 'import', 'gaia_dr3', file, ...at)
  expect(status).toBe(EXIT.done)
  expect(text()).toContain('1 values of Gmag are no numbers: taken as missing')
  expect(text()).toContain('1 values of pmRA are no numbers: taken as missing')
})

test('a folder that is not there is no empty list, and leaves without their description are a fault', async () => {
  const nowhere = await cpcs('tiles', 'list', '--catalogues', join(work, 'nowhere'))
  expect([nowhere.status, nowhere.text()]).toEqual([EXIT.usage, expect.stringContaining('is no folder of catalogues')])
  const torn = mkdtempSync(join(work, 'torn-'))
  cpSync(elsewhere, torn, { recursive: true })
  rmSync(join(torn, 'gaia_dr3', 'hats.properties'))
  const { status, text } = await cpcs('tiles', 'verify', '--catalogues', torn)
  expect([status, text()]).toEqual([EXIT.defect, expect.stringMatching(/holds \d+ leaves and no hats.properties/)])
})

test('an import tells of rows that it leaves out, and refuses a file that breaks off', async () => {
  const file = join(work, 'some.csv')
  const at = ['--catalogues', mkdtempSync(join(work, 'some-'))]
  const rows = ['source_id,ra,dec,phot_g_mean_mag', '1,10,20,15.21', '2,,20,15.3', '3,10,95,15.4', '4,11,20,15.5']
  writeFileSync(file, `${rows.join('\n')}\n`)
  expect((await cpcs('tiles', 'import', 'gaia_dr3', file, ...at)).text()).toContain(
    '2 stars read, 0 of them known before, 2 rows without a position left out; gaia_dr3 now has 2',
  )
  writeFileSync(file, `${rows.join('\n')}\n5,12,2`)
  const { status, text } = await cpcs('tiles', 'import', 'gaia_dr3', file, ...at)
  expect(status).toBe(EXIT.usage)
  expect(text()).toContain('the file breaks off: its last line has 3 of 4 values')
})

test('a tile that was damaged is named, and the status says so', async () => {
  const leaf = readdirSync(here, { recursive: true, encoding: 'utf8' }).find(name => name.endsWith('.parquet'))!
  const bytes = readFileSync(join(here, leaf))
  bytes[200] ^= 1
  writeFileSync(join(here, leaf), bytes)
  const { status, text } = await cpcs('tiles', 'verify', 'gaia_dr3', '--catalogues', here)
  expect(status).toBe(EXIT.defect)
  expect(text()).toContain(`${leaf} is not as it was written`)
})

test('an imported catalogue goes before fetched tiles', async () => {
  const from = ['--from', join(elsewhere, 'gaia_dr3')]
  const { text } = await cpcs(
    'tiles',
    'fetch',
    'gaia_dr3',
    '--cone',
    '151.5 21.5 0.4',
    '--catalogues',
    elsewhere,
    ...from,
  )
  expect(text()).toMatch(/0 fetched, 0 held before, \d+ lie in the imported catalogue/)
})

test('a catalogue that is not there is told as such', async () => {
  const { status, text } = await cpcs(
    ...['tiles', 'fetch', 'gaia_dr3', '--cone', '10 20 0.1', '--catalogues', here, '--from', join(work, 'nothing')],
  )
  expect(status).toBe(EXIT.defect)
  expect(text()).toMatch(/UpstreamChanged: .*no HATS catalogue at/)
  // and what was never fetched is not listed as an empty catalogue
  const fresh = mkdtempSync(join(work, 'fresh-'))
  await cpcs(
    ...['tiles', 'fetch', 'gaia_dr3', '--cone', '10 20 0.1', '--catalogues', fresh, '--from', join(work, 'nothing')],
  )
  expect((await cpcs('tiles', 'list', '--catalogues', fresh)).text()).toMatch(/^no catalogue in/)
})

test('a catalogue in the folder of another survey is read, fetched from, imported to and found sound by nobody', async () => {
  const folder = mkdtempSync(join(work, 'exchanged-'))
  cpSync(join(elsewhere, 'gaia_dr3'), join(folder, 'gaia_dr2'), { recursive: true })
  const at = ['--catalogues', folder]
  const strange = /is one of gaia_dr3 by its hats\.properties, not of gaia_dr2/
  await expect(openTiles(new FolderStore(folder)).surveys()).rejects.toThrow(strange)
  for (const args of [
    ['verify', ...at],
    ['import', 'gaia_dr2', join(work, 'gaia.csv'), ...at],
    ['fetch', 'gaia_dr2', '--cone', '151.5 21.5 0.4', '--catalogues', here, '--from', join(elsewhere, 'gaia_dr3')],
  ]) {
    const { status, text } = await cpcs('tiles', ...args)
    expect(status).not.toBe(EXIT.done)
    expect(text()).toMatch(strange)
  }
})

test.each([
  [['fetch', 'gaia_dr3'], /write SURVEY --cone/],
  [['fetch', '--cone', '1 2 3'], /write SURVEY --cone/],
  [['fetch', 'asas', '--cone', '1 2 3'], /no service is known that holds asas/],
  [['fetch', 'gaia_dr3', '--cone', '1 2'], /no radius in/],
  [['verify', 'ps1'], /no catalogue ps1/],
  [['margin', 'ps1'], /no catalogue ps1 was imported/],
  [['margin', 'gaia_dr3', '--arcsec', 'few'], /write SURVEY \[--arcsec 10\]/],
  [
    ['melt'],
    /write "cpcs tiles import SURVEY FILE…", "fetch SURVEY", "index SURVEY", "margin SURVEY", "verify \[SURVEY\]" or "list"/,
  ],
])('cpcs tiles %j is wrong usage', async (args, tells) => {
  const { status, text } = await cpcs('tiles', ...args, '--catalogues', here)
  expect(status).toBe(EXIT.usage)
  expect(text()).toMatch(tells)
})

test('two imports at once lose nothing, and one that was killed holds up nobody', async () => {
  const folder = join(work, 'together')
  mkdirSync(folder)
  const draw = random('at once')
  const files = ['a', 'b'].map(name => {
    const rows = Array.from({ length: 300 }, (_, i) => `${name}${i},${10 + draw.uniform()},${40 + draw.uniform()},14`)
    writeFileSync(join(work, `${name}.csv`), `source_id,ra,dec,phot_g_mean_mag\n${rows.join('\n')}\n`)
    return join(work, `${name}.csv`)
  })
  const gone = spawnSync(process.execPath, ['-e', '0']).pid
  writeFileSync(join(folder, '.gaia_dr3.importing'), `process ${gone} on ${hostname()}`)
  await Promise.all(files.map(file => importTiles('gaia_dr3', [file], folder)))
  const { status, text } = await cpcs('tiles', 'verify', '--catalogues', folder)
  expect([status, text()]).toEqual([EXIT.done, expect.stringContaining('600 stars')])
  expect(readdirSync(folder)).toEqual(['gaia_dr3'])
})

test.each([
  ['right ascension in hours and declination in arcminutes', '1,10,2400,14', 'none of 1 rows has a right ascension'],
  ['positions that are no numbers', '1,NaN,NaN,14', 'none of 1 rows has a right ascension'],
])('a table with %s is refused in words', async (name, row, says) => {
  const file = join(work, 'wrong.csv')
  writeFileSync(file, `source_id,ra,dec,phot_g_mean_mag\n${row}\n`)
  const { status, text } = await cpcs('tiles', 'import', 'gaia_dr3', file, '--catalogues', join(work, name))
  expect([status, text()]).toEqual([EXIT.usage, expect.stringContaining(says)])
})

test('a table without a magnitude of the survey is refused in words', async () => {
  const file = join(work, 'dark.csv')
  writeFileSync(file, 'source_id,ra,dec,flux\n1,10,20,14\n')
  const { status, text } = await cpcs('tiles', 'import', 'gaia_dr3', file, '--catalogues', join(work, 'dark'))
  expect([status, text()]).toEqual([EXIT.usage, expect.stringContaining('no magnitudes')])
})
