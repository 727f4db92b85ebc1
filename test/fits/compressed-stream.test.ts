import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { unwrap } from '#shared/fits/compressed-stream.ts'
import { random } from '#shared/numeric/random.ts'
import { dataFolder } from './astropy.ts'

const runs = (command: string) => {
  try {
    execFileSync(command, ['--help'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function pressed(command: string, bytes: Uint8Array, ...options: string[]): Uint8Array {
  const path = join(mkdtempSync(join(tmpdir(), 'cpcs-stream-')), 'file')
  writeFileSync(path, bytes)
  return execFileSync(command, [...options, '-c', path], { maxBuffer: 2 ** 28 })
}

const draw = random('streams')
const texts: Record<string, Uint8Array> = {
  'one byte': Uint8Array.of(65),
  'nothing but zeros': new Uint8Array(100_000),
  'runs of every length': Uint8Array.from(Array.from({ length: 600 }, (_, n) => Array(n).fill(n % 7)).flat()),
  noise: Uint8Array.from({ length: 250_000 }, () => draw.integer(256)),
  'a sky': Uint8Array.from({ length: 250_000 }, (_, i) => (i % 2 ? 120 + Math.round(9 * draw.normal()) : 3)),
}

describe.skipIf(!runs('bzip2'))('bzip2 (skipped where the program is absent)', () => {
  test.each(Object.keys(texts))('%s comes back', name => {
    const bytes = texts[name]
    expect(Buffer.compare(unwrap(pressed('bzip2', bytes, '-1'))!, bytes)).toBe(0)
    expect(Buffer.compare(unwrap(pressed('bzip2', bytes, '-9'))!, bytes)).toBe(0)
  })

  test('a stream that breaks off gives its whole blocks; damage never crashes', () => {
    const whole = pressed('bzip2', texts.noise, '-1')
    const part = unwrap(whole.subarray(0, 180_000))!
    expect(part.length).toBeGreaterThan(90_000)
    expect(Buffer.compare(part, texts.noise.subarray(0, part.length))).toBe(0)
    for (let k = 0; k < 40; k++) {
      const damaged = Uint8Array.from(whole.subarray(0, 30_000))
      damaged[4 + draw.integer(400)] ^= 1 << draw.integer(8)
      expect(() => unwrap(damaged)).not.toThrow()
    }
  })
})

const lzw = join(dataFolder, 'fits_torture', 'astropy', 'lzw.fits.Z')

test.skipIf(!existsSync(lzw) || !runs('gzip'))('Unix compress, as gzip undoes it (skipped where absent)', () => {
  const theirs = execFileSync('gzip', ['-dc'], { input: readFileSync(lzw), maxBuffer: 2 ** 28 })
  expect(theirs.length).toBeGreaterThan(2880)
  expect(Buffer.compare(unwrap(readFileSync(lzw))!, theirs)).toBe(0)
})

test('a stream that grows beyond all measure is refused', () => {
  const zeros = gzipSync(new Uint8Array(260 * 2 ** 20), { level: 1 })
  expect(unwrap(zeros)).toBeUndefined()
})
