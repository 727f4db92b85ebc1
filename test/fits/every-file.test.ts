import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CpcsError } from '#shared/errors.ts'
import { type FitsFile, openFits } from '#shared/fits/file.ts'
import { decodeCube } from '#shared/fits/image.ts'
import { askPython, astropyThere, dataFolder, dataThere } from './astropy.ts'

type Unit = [pixels: number, lost: number, md5: string]
type Reading = { hdus: number; units: Record<string, Unit> }

const checksums = join(import.meta.dirname, 'every-file.json')

/** Text files with the cards of a header and no pixels: what astropy says of them is about the missing pixels. */
const headersAlone = /\.hdr$/

/** Files that astropy refuses without a package that is not always there, and we read. */
const weReadMore = /\.fits\.Z$/

function pixelsOf(file: FitsFile, index: number): Unit {
  const { values } = decodeCube(file, file.hdus[index])
  let lost = 0
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) lost++
    values[i] = Number.isNaN(values[i]) ? -1 : values[i] + 0 // −0 is 0
  }
  return [values.length, lost, createHash('md5').update(new Uint8Array(values.buffer)).digest('hex')]
}

/** What astropy reads: asked where it is at hand (and kept with UPDATE_CHECKSUMS=1), else as committed. */
function theirReadings(): Record<string, Reading | string> {
  if (!astropyThere) return JSON.parse(readFileSync(checksums, 'utf8'))
  const readings = askPython(join(import.meta.dirname, 'astropy-pixels.py'), [dataFolder]) as Record<string, Reading>
  if (process.env.UPDATE_CHECKSUMS) {
    const rows = Object.entries(readings).map(
      ([path, reading]) => `${JSON.stringify(path)}: ${JSON.stringify(reading)}`,
    )
    writeFileSync(checksums, `{\n${rows.join(',\n')}\n}\n`)
  }
  return readings
}

describe.skipIf(!dataThere)('every FITS file beside the project (skipped where they are absent)', () => {
  const theirs = dataThere ? theirReadings() : {}
  const files = Object.entries(theirs)
  const read = files.filter((row): row is [string, Reading] => typeof row[1] !== 'string')
  const refused = files.filter(([, reading]) => typeof reading === 'string').map(([path]) => path)

  test('that astropy opens has its pixels, all units, all planes, to the last bit', () => {
    const count = { files: 0, units: 0, equal: 0 }
    for (const [path, { hdus, units }] of read) {
      const file = openFits(readFileSync(join(dataFolder, path)))
      expect([path, file.hdus.length]).toEqual([path, hdus])
      count.files++
      count.units += hdus
      for (const [index, unit] of Object.entries(units)) {
        expect([path, index, ...pixelsOf(file, Number(index))]).toEqual([path, index, ...unit])
        count.equal++
      }
    }
    console.log(
      `${files.length} files: ${count.files} read with ${count.units} units, ${count.equal} images equal, ${refused.length} refused by astropy`,
    )
    expect(count.equal).toBeGreaterThanOrEqual(236)
  })

  test('that astropy refuses ends with an error of the table', () => {
    for (const path of refused.filter(name => !weReadMore.test(name))) {
      const words = () => {
        const file = openFits(readFileSync(join(dataFolder, path)))
        for (const hdu of file.hdus) decodeCube(file, hdu)
      }
      expect(words, path).toThrow(CpcsError)
    }
    expect(refused.length).toBeGreaterThan(0)
  })

  test('that holds a header alone is told as broken or cut short', () => {
    for (const path of refused.filter(name => headersAlone.test(name))) {
      let name = ''
      try {
        const file = openFits(readFileSync(join(dataFolder, path)))
        decodeCube(file, file.hdus[0])
      } catch (error) {
        name = (error as Error).name
      }
      expect(['BrokenHeader', 'TruncatedFits', 'NotFits'], path).toContain(name)
    }
  })
})

// Small files that astropy wrote, with what it reads of them: every way of compressing a tile, where astropy is absent too.
test.each([
  ['gzip-2.fits', '7e93c7bfc950b4a4beb43b5fb488e39a'],
  ['hcompress.fits', '40c4020164745bf2b984634f4e8461ac'],
  ['plio.fits', '24356cf967fbde7ae4743af7d6db20bb'],
  ['plio.fits.bz2', '24356cf967fbde7ae4743af7d6db20bb'],
  ['rice-dither-1.fits', 'ae3b0f4b1ddde9e5f9e8dd85be359712'],
  ['rice-dither-2.fits', 'cba4a6a4d6602e753394b176b1d9aacc'],
])('%s has the pixels that astropy reads', (name, md5) => {
  const file = openFits(readFileSync(join(import.meta.dirname, 'seeds', name)))
  expect(pixelsOf(file, 1)).toEqual([1024, 0, md5])
})
