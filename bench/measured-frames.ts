import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CalibrateInput } from '#events/stages.ts'
import { measure } from '#functions/measure/measure.ts'
import { solve } from '#functions/solve/solve.ts'
import { standardise } from '#functions/standardise/standardise.ts'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { FolderStore, MemoryStore } from '#shared/folder-store.ts'
import { silent } from '#shared/store.ts'
import { givenTargets, receive } from '../cli/pipeline.ts'
import { importTiles } from '../cli/tiles.ts'
import type { Truth } from './results.ts'

/** Files that the simulator writes for each survey. */
export const catalogueFiles: Partial<Record<SurveyId, string>> = {
  gaia_dr3: 'gaia',
  ps1: 'ps1',
  sdss: 'sdss',
  des: 'des',
  apass: 'apass',
  twomass: 'twomass',
}

/** A simulated frame that was measured, and what its stars really are. */
export interface MeasuredFrame {
  name: string
  preset: string
  band: string
  seed: number
  /** Folder with the simulator's files. */
  frame: string
  /** Folder with the tiles. */
  catalogues: string
  /** Folder with the products of the stages before the calibration. */
  products: string
  input: CalibrateInput
  truth: Truth
}

export interface Places {
  simulator: string
  python: string
  /** Simulated frames, each in a folder of its name. */
  frames: string
  /** What is made of them. */
  work: string
}

/**
 * A simulated frame taken as far as the calibration, once: what was made before is taken as it stands.
 *
 * @returns undefined where an earlier stage rejected the frame
 */
export async function measuredFrame(
  preset: string,
  band: string,
  seed: number,
  places: Places,
): Promise<MeasuredFrame | undefined> {
  const name = frameName(preset, band, seed)
  const frame = join(places.frames, name)
  const made = join(places.work, name)
  const [catalogues, products, state] = [join(made, 'catalogues'), join(made, 'products'), join(made, 'state.json')]
  if (!existsSync(join(frame, 'truth.json'))) simulate(preset, band, seed, frame, places)
  // Python writes NaN where a bound was not computed
  const text = readFileSync(join(frame, 'truth.json'), 'utf8').replaceAll('NaN', 'null')
  const truth = JSON.parse(text) as Truth
  if (!existsSync(state)) {
    mkdirSync(products, { recursive: true })
    for (const [survey, file] of Object.entries(catalogueFiles))
      await importTiles(survey, [join(frame, `${file}.csv`)], catalogues)
    const input = await takeToCalibration(join(frame, 'frame.fits'), catalogues, products, truth)
    writeFileSync(state, JSON.stringify(input ?? null))
  }
  const input = JSON.parse(readFileSync(state, 'utf8')) as CalibrateInput | null
  return input === null ? undefined : { name, preset, band, seed, frame, catalogues, products, input, truth }
}

/** Name of the folder of a frame; those in r bear the preset's name alone. */
export function frameName(preset: string, band: string, seed: number): string {
  return band === 'r' ? `${preset}-${seed}` : `${preset}-${band}-${seed}`
}

function simulate(preset: string, band: string, seed: number, out: string, { simulator, python }: Places): void {
  mkdirSync(out, { recursive: true })
  const what = ['--preset', preset, '--seed', String(seed), '--set', `band=${band}`, '--no-crlb', '--out', out]
  execFileSync(python, [join(simulator, 'simulate.py'), ...what], { stdio: ['ignore', 'ignore', 'inherit'] })
}

async function takeToCalibration(path: string, catalogues: string, products: string, truth: Truth) {
  const bytes = new Uint8Array(readFileSync(path))
  const received = receive(path, bytes)
  const raw = new MemoryStore()
  await raw.put(received.raw.key, bytes)
  const store = new FolderStore(products)
  const tiles = openTiles(new FolderStore(catalogues))
  const targets = givenTargets([{ name: 'target', raDeg: truth.target.ra, decDeg: truth.target.dec }])
  try {
    const standardised = await standardise(received, { raw, store, log: silent })
    const solved = await solve(standardised, { store, tiles, targets, log: silent })
    return await measure(solved, { store, tiles, targets, log: silent })
  } catch (error) {
    console.error(`${path}: ${error}`)
    return undefined
  }
}
