import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const PYTHON = '/usr/bin/python3'

/** Real frames and catalogues beside the project; tests that need them are skipped where they are absent. */
export const dataFolder = join(import.meta.dirname, '..', '..', '..', 'shared', 'data')

export const dataThere = existsSync(dataFolder)

/** Whether astropy is at hand as a second opinion. */
export const astropyThere = answers('import astropy.io.fits')

/** Run Python with astropy; the script prints JSON. */
export function askAstropy(script: string, args: string[] = []): unknown {
  const head =
    'import sys, json, hashlib, warnings\nimport numpy as np\nfrom astropy.io import fits\nwarnings.simplefilter("ignore")\n'
  return JSON.parse(
    execFileSync(PYTHON, ['-c', head + script, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  )
}

function answers(script: string): boolean {
  try {
    execFileSync(PYTHON, ['-c', script], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Run a Python file that prints JSON. */
export function askPython(path: string, args: string[] = []): unknown {
  return JSON.parse(
    execFileSync(PYTHON, [path, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 2 ** 28,
    }),
  )
}
