import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { processFrame } from '#cli/pipeline.ts'
import { importTiles } from '#cli/tiles.ts'
import { random } from '#shared/numeric/random.ts'
import { silent } from '#shared/store.ts'
import { exposure, fitsBytes, image, starField } from './bad-frames.ts'

const work = mkdtempSync(join(tmpdir(), 'cpcs-bad-'))
const catalogues = join(work, 'catalogues')
afterAll(() => rmSync(work, { recursive: true, force: true }))

const size = 256
const source = random('stars of the bad frames')
const scattered = (n: number) =>
  Array.from({ length: n }, () => ({
    x: 20 + source.uniform() * 216,
    y: 20 + source.uniform() * 216,
    flux: 4000 + 40_000 * source.uniform(),
  }))
const good = image(starField(size, scattered(40), 'good'), size)

/** What is wrong, the bytes, the errors that tell it, and words that the owner must find in the reason. */
const cases: [string, Uint8Array, string[], RegExp][] = [
  ['an empty object', new Uint8Array(0), ['EmptyObject'], /empty/],
  ['a text file', new TextEncoder().encode('observing log\nclouds\n'), ['NotFits'], /text/i],
  ['a truncated FITS', good.subarray(0, good.length >> 1), ['TruncatedFits'], /ends early/],
  ['an all-zero frame', image(new Float32Array(size * size), size), ['NoPixelValues'], /zero|same|constant|0/i],
  [
    'NaN everywhere',
    image(new Float32Array(size * size).fill(Number.NaN), size),
    ['NoPixelValues'],
    /NaN|no (finite|valid)|value/i,
  ],
  ['a frame with no stars', image(starField(size, [], 'empty sky'), size), ['TooFewStars'], /stars/],
  [
    'a frame of four stars',
    image(starField(size, scattered(4), 'four'), size),
    ['TooFewStars', 'NoPatternMatch'],
    /stars|pattern/,
  ],
  [
    'a spectrum (1-D)',
    fitsBytes(
      [['SIMPLE', true], ['BITPIX', 16], ['NAXIS', 1], ['NAXIS1', 1000], ...exposure],
      new Uint8Array(2000).fill(7),
    ),
    ['NoImage'],
    /image/,
  ],
  [
    'a colour cube',
    fitsBytes(
      [['SIMPLE', true], ['BITPIX', 8], ['NAXIS', 3], ['NAXIS1', 64], ['NAXIS2', 64], ['NAXIS3', 3], ...exposure],
      new Uint8Array(64 * 64 * 3).map((_, i) => i % 251),
    ),
    ['NotSingleImage'],
    /3|planes|cube/,
  ],
  [
    'a pointing in the wrong hemisphere',
    image(
      starField(size, scattered(40), 'south'),
      size,
      exposure.map(([k, v]) => (k === 'DEC' ? ['DEC', -62.2] : [k, v])),
    ),
    ['NoReferenceStars', 'NoPatternMatch'],
    /pointing|reference/,
  ],
  [
    'a sky that no catalogue star fits',
    image(starField(size, scattered(40), 'foreign'), size),
    ['NoPatternMatch'],
    /pattern/,
  ],
  [
    'a saturated mess',
    image(
      new Float32Array(size * size).map((_, i) => (i % 7 === 0 ? 3000 : 65535)),
      size,
    ),
    ['NoPixelValues', 'TooFewStars'],
    /saturat|stars/,
  ],
  [
    'a frame without a time',
    image(
      starField(size, scattered(40), 'timeless'),
      size,
      exposure.filter(([k]) => k !== 'DATE-OBS'),
    ),
    ['NoObservationTime'],
    /DATE-OBS/,
  ],
  [
    'a bias frame',
    image(starField(size, [], 'bias'), size, [...exposure, ['IMAGETYP', 'Bias Frame']]),
    ['NotLightFrame'],
    /Bias/i,
  ],
]

describe('bad input ends as rejected, with a reason a telescope owner understands', () => {
  beforeAll(async () => {
    const rows = Array.from(
      { length: 400 },
      (_, i) =>
        `${i + 1},${150 + 0.25 * source.uniform()},${2.1 + 0.25 * source.uniform()},${12 + 6 * source.uniform()}`,
    )
    const table = join(work, 'gaia.csv')
    writeFileSync(table, `source_id,ra,dec,phot_g_mean_mag\n${rows.join('\n')}\n`)
    await importTiles('gaia_dr3', [table], catalogues, () => {})
  })

  test.each(cases)('%s', async (title, bytes, errors, words) => {
    const path = join(work, `${title.replaceAll(/\W+/g, '-')}.fits`)
    writeFileSync(path, bytes)
    const report = await processFrame(path, 'calibrate', { catalogues, out: `${path}.out`, targets: [], log: silent })
    expect(report.outcome).toBe('rejected')
    expect(errors).toContain(report.error)
    expect(report.reason).toMatch(words)
    expect(report.reason).not.toMatch(/\{|undefined|unknown\b.*unknown/)
  })

  test("tiles that cannot be read are not the frame's fault: the command fails, and says so in the report too", async () => {
    const torn = join(work, 'torn')
    cpSync(catalogues, torn, { recursive: true })
    for (const file of readdirSync(torn, { recursive: true, encoding: 'utf8' }))
      if (/Npix=.*\.parquet$/.test(file)) truncateSync(join(torn, file), 100)
    const path = join(work, 'good.fits')
    const out = join(work, 'good.out')
    writeFileSync(path, good)
    const run = processFrame(path, 'calibrate', { catalogues: torn, out, targets: [], log: silent })
    await expect(run).rejects.toMatchObject({ name: 'TilesUnavailable' })
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
    expect(report).toMatchObject({ outcome: 'failed', stage: 'solve', error: 'TilesUnavailable' })
  })
})
