import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

/** Rooms of shared/ from the ground up: a room may use those before it, never those behind it. */
const rooms = [
  'numeric',
  'fits',
  'sky',
  'image',
  'catalogue',
  'astrometry',
  'photometry',
  'calibration',
  'lightcurve',
  'alert',
  'aws',
]
const root = join(import.meta.dirname, '..')
const aliases: Record<string, string> = {
  '#shared/': 'shared/',
  '#functions/': 'functions/',
  '#events/': 'events/',
  '#infra/': 'infra/',
  '#local/': 'local/',
  '#cli/': 'cli/',
}
const awsPackage = /^(@aws-sdk\/|@aws-lambda-powertools\/|@middy\/|aws-cdk-lib|constructs)/

interface Import {
  file: string
  target: string
}

const imports = ['shared', 'functions', 'infra', 'events'].flatMap(importsBelow)

function importsBelow(folder: string): Import[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .flatMap(name => {
      const file = `${folder}/${name}`
      const text = readFileSync(join(root, file), 'utf8')
      const found = text.matchAll(
        /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
      )
      return [...found].map(match => ({ file, target: resolve(file, match[1] ?? match[2]) }))
    })
}

function resolve(file: string, target: string): string {
  for (const [alias, folder] of Object.entries(aliases))
    if (target.startsWith(alias)) return folder + target.slice(alias.length)
  return target.startsWith('.') ? relative(root, join(root, dirname(file), target)) : target
}

const roomOf = (path: string) => (path.startsWith('shared/') ? rooms.indexOf(path.split('/')[1]) : -1)
const offenders = (bad: (i: Import) => boolean) => imports.filter(bad).map(i => `${i.file} -> ${i.target}`)

describe('the walls of the house', () => {
  test('imports are found at all', () => expect(imports.length).toBeGreaterThan(20))

  test('inside shared/ a room uses only rooms below it', () =>
    expect(offenders(i => roomOf(i.file) >= 0 && roomOf(i.target) > roomOf(i.file))).toEqual([]))

  test('every folder of shared/ is a known room', () =>
    expect(
      readdirSync(join(root, 'shared'), { withFileTypes: true })
        .filter(entry => entry.isDirectory() && !rooms.includes(entry.name))
        .map(entry => entry.name),
    ).toEqual([]))

  test('only aws/, and the stores of lightcurve/ and alert/, know AWS', () =>
    expect(
      offenders(
        i =>
          i.file.startsWith('shared/') &&
          awsPackage.test(i.target) &&
          !['lightcurve', 'alert', 'aws'].includes(i.file.split('/')[1]),
      ),
    ).toEqual([]))

  test('shared/ imports nothing of functions/, infra/, local/ or cli/', () =>
    expect(offenders(i => i.file.startsWith('shared/') && /^(functions|infra|local|cli)\//.test(i.target))).toEqual([]))

  test('functions never import each other, nor infra, local or cli', () =>
    expect(
      offenders(
        i =>
          i.file.startsWith('functions/') &&
          (/^(infra|local|cli)\//.test(i.target) ||
            (i.target.startsWith('functions/') && i.target.split('/')[1] !== i.file.split('/')[1])),
      ),
    ).toEqual([]))

  test('only handlers know AWS among the functions', () =>
    expect(
      offenders(
        i =>
          i.file.startsWith('functions/') &&
          !i.file.endsWith('handler.ts') &&
          (awsPackage.test(i.target) || i.target.startsWith('shared/aws/')),
      ),
    ).toEqual([]))

  test('infra/ uses of shared/ the errors alone', () =>
    expect(
      offenders(i => i.file.startsWith('infra/') && i.target.startsWith('shared/') && i.target !== 'shared/errors.ts'),
    ).toEqual([]))
})
