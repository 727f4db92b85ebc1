import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** Run the `cpcs` command, and end with what it says where it does not end well. */
export function runCommand(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'cli', 'bin.mjs'), ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cpcs ${args.join(' ')} ended with ${status}: ${stderr}`)
}

/** Import the two surveys of a simulated frame that solve and calibrate it. @returns folder of the catalogues */
export function importSurveys(frameFolder: string, madeFolder: string): string {
  const catalogues = join(madeFolder, 'catalogues')
  for (const [survey, file] of Object.entries({ gaia_dr3: 'gaia', ps1: 'ps1' }))
    runCommand('tiles', 'import', survey, join(frameFolder, `${file}.csv`), '--catalogues', catalogues)
  return catalogues
}
