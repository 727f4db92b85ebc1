import { readdir, readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Target } from '#events/stages.ts'
import type { Force } from '#shared/calibration/choose.ts'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import { objectIdOf } from '#shared/object-id.ts'
import { type Log, silent } from '#shared/store.ts'
import { parseTarget } from './places.ts'
import { notUsable, UsageError } from './usage.ts'

/** More stars than this would stand on each other on any frame. */
const MOST_INJECTED = 10_000

const options = {
  catalogues: { type: 'string' },
  out: { type: 'string' },
  target: { type: 'string', multiple: true },
  inject: { type: 'string' },
  forced: { type: 'string' },
  survey: { type: 'string' },
  band: { type: 'string' },
  json: { type: 'boolean' },
  hint: { type: 'string' },
  scale: { type: 'string' },
  blind: { type: 'boolean' },
  profile: { type: 'string' },
  colour: { type: 'string' },
  endpoint: { type: 'string' },
  telescope: { type: 'string' },
  format: { type: 'string' },
  cone: { type: 'string' },
  from: { type: 'string' },
  arcsec: { type: 'string' },
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

export type Values = ReturnType<typeof parse>['values']

/** The words and options of a command line. @throws {UsageError} */
export function parse(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true, allowNegative: false })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** The targets of the command line, each with an identity of its own. @throws {UsageError} */
export function targetsOf(values: Values): Target[] {
  const targets = (values.target ?? []).map(parseTarget)
  const seen = new Map<string, string>()
  for (const { name } of targets) {
    const taken = seen.get(objectIdOf(name))
    if (taken !== undefined)
      throw new UsageError(`the targets "${taken}" and "${name}" cannot be told apart: name one otherwise`)
    seen.set(objectIdOf(name), name)
  }
  return targets
}

export async function surveyNamed(name: string | undefined): Promise<SurveyId | undefined> {
  if (name === undefined) return undefined
  const { isSurveyId, surveyIds } = await import('#shared/catalogue/surveys/index.ts')
  if (!isSurveyId(name)) throw new UsageError(`no survey "${name}": one of ${surveyIds.join(', ')}`)
  return name
}

/** A survey that the folder of catalogues has. @throws {UsageError} */
export async function importedSurvey(name: string | undefined, values: Values): Promise<SurveyId | undefined> {
  const survey = await surveyNamed(name)
  if (survey === undefined) return undefined
  const folder = await catalogueFolder(values)
  const [{ openTiles }, { FolderStore }] = await Promise.all([
    import('#shared/catalogue/tiles.ts'),
    import('#shared/folder-store.ts'),
  ])
  if (!(await openTiles(new FolderStore(folder)).surveys()).includes(survey))
    throw new UsageError(`no catalogue ${survey} in ${folder}: import it with "cpcs tiles import ${survey}"`)
  return survey
}

/** A survey to solve with. @throws {UsageError} */
export async function surveyOfPositions(name: string | undefined): Promise<SurveyId | undefined> {
  const survey = await surveyNamed(name)
  const { ASTROMETRIC_SURVEYS } = await import('#functions/solve/ladder.ts')
  if (survey && !ASTROMETRIC_SURVEYS.includes(survey))
    throw new UsageError(`frames are not solved with ${survey}: one of ${ASTROMETRIC_SURVEYS.join(', ')}`)
  return survey
}

/** Survey and band that the command line asks for. @throws {UsageError} there are no such ones */
export async function forceOf(values: Values): Promise<Force> {
  const survey = await surveyNamed(values.survey)
  const { band } = values
  if (band === undefined) return { survey }
  const { bandNames } = await import('#shared/calibration/standard-bands.ts')
  const known = bandNames(survey)
  if (!known.includes(band))
    throw new UsageError(`no band "${band}" in ${survey ?? 'any survey'}: one of ${known.join(', ')}`)
  return { survey, band }
}

/** A whole number above 0. @throws {UsageError} */
export function countOf(value: string | undefined, option: string): number | undefined {
  if (value === undefined) return undefined
  const count = Number(value)
  if (!Number.isInteger(count) || count < 1 || count > MOST_INJECTED)
    throw new UsageError(`--${option} "${value}": a whole number from 1 to ${MOST_INJECTED}`)
  return count
}

export function onlyFrame(path: string | undefined, more: string[]): string {
  if (path === undefined) throw new UsageError('no frame given')
  if (more.length > 0)
    throw new UsageError(`one frame at a time, not also "${more.join(' ')}"; quote a target: --target "RA DEC NAME"`)
  return path
}

export function needed(value: string | undefined, option: string): string {
  if (value === undefined || value === '') throw new UsageError(`--${option} is needed`)
  return value
}

/** The folder of the catalogues, which must be there: a typing error is not the frame's fault. */
export async function catalogueFolder(values: Values): Promise<string> {
  const folder = needed(values.catalogues, 'catalogues')
  const names = await readdir(folder).catch(notUsable(folder, 'is no folder of catalogues'))
  if (names.length === 0) throw new UsageError(`${folder} holds no catalogue: import one with "cpcs tiles import"`)
  return folder
}

export function serviceUrl(values: Values): string {
  return values.endpoint ?? process.env.CPCS_ENDPOINT ?? 'http://127.0.0.1:4280'
}

/** The profile that the command line names, with the colour that it asks for. */
export async function profileOf({ profile: path, colour }: Values): Promise<unknown> {
  const text = path === undefined ? undefined : await readFile(path, 'utf8').catch(notUsable(path, 'cannot be read'))
  if (colour === undefined) return text
  if (colour !== 'R' && colour !== 'G' && colour !== 'B') throw new UsageError(`--colour is R, G or B, not "${colour}"`)
  const { profileWith } = await import('#functions/standardise/profile.ts')
  return profileWith(text, { mosaicColour: colour })
}

export function logFor(values: Values): Log {
  if (!values.verbose) return silent
  const say = (message: string, details?: Record<string, unknown>) =>
    console.error(details ? `${message} ${JSON.stringify(details)}` : message)
  return { debug: say, info: say, warn: say }
}
