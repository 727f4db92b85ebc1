import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { standardFrame } from '#functions/standardise/standardise.ts'
import { CpcsError } from '#shared/errors.ts'
import { openFits } from '#shared/fits/file.ts'
import { decodeCube } from '#shared/fits/image.ts'
import { decodeTable, encodeTables } from '#shared/fits/table.ts'
import { encodeImages } from '#shared/fits/write-image.ts'
import { random } from '#shared/numeric/random.ts'
import { figure, machineInWords, table, writeSection } from '../../bench/page.ts'
import { cardsOf, expose, frameWith } from '../standardise/camera.ts'
import { dataFolder } from './astropy.ts'
import { extensionsOf } from './build.ts'

/** Damage every file in every way: FUZZ_MUTATIONS=20000 vitest run test/fits/fuzz.test.ts is the whole run. */
const MUTATIONS = Number(process.env.FUZZ_MUTATIONS ?? 400)
const LONGEST_SECONDS = 2
const WHOLE_RUN = 20_000 // its figures go into bench/RESULTS.md
const ROOM_BYTES = 256 * 2 ** 20

const real = [
  'fits_torture/astropy/comp.fits',
  'fits_torture/astropy/compressed_image.fits',
  'fits_torture/astropy/compressed_float_bzero.fits',
  'fits_torture/astropy/double_ext.fits',
  'fits_torture/astropy/group.fits',
  'fits_torture/astropy/random_groups.fits',
  'fits_torture/astropy/scale.fits',
  'fits_torture/astropy/table.fits',
  'fits_torture/astropy/ascii.fits',
  'fits_torture/astropy/blank.fits',
  'fits_torture/astropy/checksum.fits',
  'fits_torture/astropy/lzw.fits.Z',
  'fits_torture/astropy/variable_length_table.fits',
  'fits_torture/astropy/zerowidth.fits',
  'fits_torture/astropy/test0.fits',
  'fits_torture/astropy/tb.fits',
  'fits_torture/astropy/o4sp040b0_raw.fits',
  'fits_torture/midas/tst0007.mt',
  'lsst_afw/ticketdm26260.fits.fz',
  'header_dialects/msumastro/uint16.fit',
]

const header = cardsOf({ 'DATE-OBS': '2023-09-27T00:10:22', EXPTIME: 120, FILTER: 'V', RA: 10.5, DEC: 20.5 })
const pixels = expose({ width: 48, height: 48 })
const plane = { width: 48, height: 48, pixels, as: 'float32' as const }

const amplifier = (section: string) => ({
  ...plane,
  cards: cardsOf({ DETSEC: section, DATASEC: '[1:40,1:48]', BIASSEC: '[41:48,1:48]', GAIN: 2 }),
})

const seeds: Record<string, Uint8Array> = {
  frame: frameWith(header, { width: 64, height: 64 }),
  mosaic: frameWith([...header, ...cardsOf({ BAYERPAT: 'RGGB' })], { width: 64, height: 64 }),
  gzip: gzipSync(frameWith(header, { width: 64, height: 64 })),
  extensions: encodeImages([plane, { ...plane, name: 'SCI', cards: header }]),
  amplifiers: extensionsOf(header, [amplifier('[1:40,1:48]'), amplifier('[80:41,1:48]')]),
  tables: encodeTables([{ name: 'T', columns: [{ name: 'x', data: Float64Array.from(pixels.subarray(0, 40)) }] }]),
}
const compressed = join(import.meta.dirname, 'seeds')
for (const name of readdirSync(compressed)) seeds[name] = readFileSync(join(compressed, name))
for (const path of real)
  if (existsSync(join(dataFolder, path))) {
    const bytes = readFileSync(join(dataFolder, path))
    if (bytes.length < 500_000) seeds[path] = bytes
  }

const draw = random('fuzz')
const sizes = ['0', '-1', '1', '7', '65537', '99999999', '2147483647', '9223372036854775807', '1E30', 'NAN', "'x'", 'T']

const damages: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  'flip bits': bytes => {
    for (let n = 1 + draw.integer(20); n > 0; n--) bytes[draw.integer(bytes.length)] ^= 1 << draw.integer(8)
    return bytes
  },
  truncate: bytes => bytes.subarray(0, draw.integer(bytes.length)),
  'swap blocks': bytes => {
    const blocks = Math.floor(bytes.length / 2880)
    const [a, b] = [2880 * draw.integer(Math.max(1, blocks)), 2880 * draw.integer(Math.max(1, blocks))]
    const kept = bytes.slice(a, a + 2880)
    bytes.copyWithin(a, b, b + 2880)
    bytes.set(kept.subarray(0, Math.max(0, bytes.length - b)), b)
    return bytes
  },
  'absurd sizes': bytes => {
    for (let n = 1 + draw.integer(3); n > 0; n--) {
      const cards = cardsWith(
        bytes,
        /^(Z?NAXIS\d*|Z?BITPIX|[PG]COUNT|TFIELDS|ZTILE\d|THEAP|TFORM\d+|ZVAL\d|BZERO|BSCALE|X?[BX]*BIN|\w+SEC)/,
      )
      if (cards.length === 0) return bytes
      const value = sizes[draw.integer(sizes.length)].padStart(20)
      bytes.set(Buffer.from(`= ${value}`), cards[draw.integer(cards.length)] + 8)
    }
    return bytes
  },
  'lying descriptors': bytes => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const at = Math.min(bytes.length - 8, 2880 * draw.integer(8) + 4 * draw.integer(64))
    if (at < 0) return bytes
    view.setInt32(at, draw.integer(2) ? draw.integer(2 ** 31 - 1) : -draw.integer(1000))
    view.setInt32(at + 4, draw.integer(bytes.length))
    return bytes
  },
  'scramble text': bytes => {
    for (let n = 1 + draw.integer(8); n > 0; n--) bytes[draw.integer(Math.min(bytes.length, 5760))] = draw.integer(128)
    return bytes
  },
}

function cardsWith(bytes: Uint8Array, keyword: RegExp): number[] {
  const found: number[] = []
  for (let at = 0; at + 80 <= Math.min(bytes.length, 40_000); at += 80)
    if (keyword.test(Buffer.from(bytes.subarray(at, at + 8)).toString('latin1'))) found.push(at)
  return found
}

/** Every way of reading that the project has. */
const readings: ((bytes: Uint8Array) => unknown)[] = [
  bytes => standardFrame(bytes),
  bytes => decodeTable(bytes),
  bytes => {
    const file = openFits(bytes)
    for (const hdu of file.hdus) if (hdu.kind !== 'other' && hdu.kind !== 'table') decodeCube(file, hdu)
  },
]

test(`${MUTATIONS} damaged files end with a frame or an error of the table, soon and in little memory`, {
  timeout: 3_600_000,
}, () => {
  const names = Object.keys(seeds)
  const kinds = Object.keys(damages)
  const counts: Record<string, number> = { frames: 0 }
  let slowest = 0 // seconds of the processor
  let largest = 0
  for (let k = 0; k < MUTATIONS; k++) {
    const seed = names[k % names.length]
    const kind = kinds[draw.integer(kinds.length)]
    const bytes = damages[kind](Uint8Array.from(seeds[seed]))
    for (const reading of readings) {
      const before = process.memoryUsage().arrayBuffers
      const began = process.cpuUsage()
      try {
        reading(bytes)
        counts.frames++
      } catch (error) {
        expect(error, `${seed}, ${kind}, mutation ${k}: ${(error as Error).stack}`).toBeInstanceOf(CpcsError)
        counts[(error as Error).name] = (counts[(error as Error).name] ?? 0) + 1
      }
      const { user, system } = process.cpuUsage(began)
      slowest = Math.max(slowest, (user + system) / 1e6)
      const grown = process.memoryUsage().arrayBuffers - before - 4 * bytes.length
      if (grown > largest) largest = grown
      expect(grown, `${seed}, ${kind}, mutation ${k}`).toBeLessThan(ROOM_BYTES)
    }
  }
  if (MUTATIONS < WHOLE_RUN) return
  expect(slowest).toBeLessThan(LONGEST_SECONDS)
  writeSection('damaged files', [
    '## Damaged files',
    '',
    `Written by \`FUZZ_MUTATIONS=${MUTATIONS} npx vitest run test/fits/fuzz.test.ts\`; measured on ${machineInWords()}.`,
    `${MUTATIONS} mutations of ${names.length} seed files (bits flipped, files cut short, blocks swapped, absurd sizes, lying`,
    'descriptors, scrambled text), each read in three ways: as a frame to standardise, as a table, image by image. Every one',
    'gave what it holds or an error of the table.',
    '',
    ...table(
      ['readings', 'read', 'refused with a typed error', 'slowest, processor s', 'most memory beyond 4 × file, MiB'],
      [
        [
          String(MUTATIONS * readings.length),
          String(counts.frames),
          String(MUTATIONS * readings.length - counts.frames),
          figure(slowest, 2),
          figure(largest / 2 ** 20, 0),
        ],
      ],
    ),
  ])
})
