import { readdir, readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Target } from '#events/stages.ts'
import type { Force } from '#shared/calibration/choose.ts'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import { CpcsError } from '#shared/errors.ts'
import { objectIdOf } from '#shared/object-id.ts'
import { type Log, silent } from '#shared/store.ts'
import { parseCone, parseRange, parseTarget } from './places.ts'
import type { RemoteFrame } from './remote-frame.ts'
import { ServiceError } from './service.ts'
import { summary, unmeasured } from './summary.ts'
import { notUsable, UsageError, usage } from './usage.ts'

/** Exit statuses of the command. */
export const EXIT = { done: 0, defect: 1, rejected: 2, usage: 64 } as const

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

type Values = ReturnType<typeof parse>['values']

interface Command {
  /** Options it understands; any other one is wrong usage. */
  takes: readonly (keyof Values)[]
  run(words: string[], values: Values): Promise<number>
}

const commands: Record<string, Command> = {
  process: {
    takes: [
      'catalogues',
      'out',
      'target',
      'survey',
      'band',
      'inject',
      'forced',
      'profile',
      'colour',
      'json',
      'verbose',
    ],
    run: process_,
  },
  solve: {
    takes: ['catalogues', 'out', 'target', 'hint', 'scale', 'blind', 'survey', 'profile', 'colour', 'json', 'verbose'],
    run: solve,
  },
  standardise: { takes: ['out', 'profile', 'colour', 'json', 'verbose'], run: standardise },
  header: { takes: ['json', 'profile', 'colour'], run: header },
  tiles: { takes: ['catalogues', 'cone', 'from', 'arcsec'], run: tiles },
  push: { takes: ['endpoint', 'telescope'], run: push },
  target: { takes: ['endpoint'], run: target },
  lightcurve: { takes: ['endpoint', 'format'], run: lightcurve },
}

/**
 * The `cpcs` command.
 *
 * @param args what follows the command's name
 * @returns the exit status, one of {@link EXIT}
 */
export async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args)
    const [name, ...words] = positionals
    if (values.help || name === 'help') {
      console.log(usage)
      return EXIT.done
    }
    const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
    if (!command) throw new UsageError(name === undefined ? 'no command given' : `no command "${name}"`)
    const stray = Object.keys(values).find(option => !command.takes.includes(option as keyof Values))
    if (stray) throw new UsageError(`"cpcs ${name}" has no option --${stray}`)
    return await command.run(words, values)
  } catch (error) {
    return explain(error)
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true, allowNegative: false })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function explain(error: unknown): number {
  if (error instanceof UsageError) {
    console.error(`cpcs: ${error.message}\n\n${usage}`)
    return EXIT.usage
  }
  if (error instanceof ServiceError) {
    console.error(`cpcs: ${error.message}`)
    return EXIT.defect
  }
  if (error instanceof CpcsError) {
    console.error(`cpcs: ${error.name}: ${error.message}`)
    return error.policy === 'reject' ? EXIT.rejected : EXIT.defect
  }
  console.error(error)
  return EXIT.defect
}

async function process_([path, ...more]: string[], values: Values): Promise<number> {
  const { processFrame } = await import('./pipeline.ts')
  const report = await processFrame(onlyFrame(path, more), 'calibrate', {
    catalogues: await catalogueFolder(values),
    out: needed(values.out, 'out'),
    targets: targetsOf(values),
    force: await forceOf(values),
    inject: countOf(values.inject, 'inject'),
    forced: await importedSurvey(values.forced, values),
    profile: await profileOf(values),
    log: logFor(values),
  })
  for (const line of unmeasured(report, targetsOf(values))) console.error(`cpcs: ${line}`)
  if ((values.survey ?? values.band) !== undefined && report.calibration?.chosen === null)
    console.error(
      `cpcs: no fit in ${values.survey ?? 'any survey'} ${values.band ?? 'any band'}: see the candidates in report.json`,
    )
  return tell(report, values)
}

async function solve([path, ...more]: string[], values: Values): Promise<number> {
  if (values.blind && values.hint !== undefined) throw new UsageError('--blind and --hint contradict each other')
  const positionsFrom = await surveyOfPositions(values.survey)
  const { processFrame } = await import('./pipeline.ts')
  const report = await processFrame(onlyFrame(path, more), 'solve', {
    catalogues: await catalogueFolder(values),
    out: needed(values.out, 'out'),
    targets: targetsOf(values),
    hint: values.hint === undefined ? undefined : parseCone(values.hint),
    scaleArcsec: values.scale === undefined ? undefined : parseRange(values.scale),
    blind: values.blind === true,
    positionsFrom,
    profile: await profileOf(values),
    log: logFor(values),
  })
  return tell(report, values)
}

async function standardise([path, ...more]: string[], values: Values): Promise<number> {
  const { processFrame } = await import('./pipeline.ts')
  const report = await processFrame(onlyFrame(path, more), 'standardise', {
    out: needed(values.out, 'out'),
    targets: [],
    profile: await profileOf(values),
    log: logFor(values),
  })
  return tell(report, values)
}

async function header([path, ...more]: string[], values: Values): Promise<number> {
  const { standardHeaderOf } = await import('./header.ts')
  const frame = onlyFrame(path, more)
  const read = /^(https?|s3):/.test(frame)
    ? await farFrame(frame)
    : new Uint8Array(await readFile(frame).catch(notUsable(frame, 'cannot be read')))
  console.log(standardHeaderOf(read, { json: values.json === true, profile: await profileOf(values) }))
  return EXIT.done
}

/** A frame behind an address: of a web server, or s3://BUCKET/KEY. */
async function farFrame(address: string): Promise<Uint8Array | RemoteFrame> {
  const { fetchFrame, frameInStore } = await import('./remote-frame.ts')
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(address) ?? []
  if (address.startsWith('s3:') && !key) throw new UsageError(`${address}: write s3://BUCKET/KEY`)
  if (!key) return fetchFrame(address)
  const [{ S3Store }, { s3 }] = await Promise.all([import('#shared/aws/s3-store.ts'), import('#shared/aws/clients.ts')])
  return frameInStore(new S3Store(bucket, s3()), key)
}

async function tiles([action, survey, ...files]: string[], values: Values): Promise<number> {
  const { fetchTiles, importTiles, indexTiles, listTiles, marginTiles, verifyTiles } = await import('./tiles.ts')
  const directory = needed(values.catalogues, 'catalogues')
  if (action === 'list') {
    console.log(await listTiles(directory))
    return EXIT.done
  }
  if (!['import', 'fetch', 'index', 'margin', 'verify'].includes(action))
    throw new UsageError(
      `"cpcs tiles ${action ?? ''}": write "cpcs tiles import SURVEY FILE…", "fetch SURVEY", "index SURVEY", "margin SURVEY", "verify [SURVEY]" or "list"`,
    )
  const known = await surveyNamed(survey)
  if (action === 'verify') {
    const { text, sound } = await verifyTiles(directory, known)
    console.log(text)
    return sound ? EXIT.done : EXIT.defect
  }
  if (action === 'fetch') {
    if (known === undefined || files.length > 0 || values.cone === undefined)
      throw new UsageError('"cpcs tiles fetch": write SURVEY --cone "RA DEC RADIUS"')
    console.log(await fetchTiles(known, parseCone(values.cone), directory, values.from))
    return EXIT.done
  }
  if (action === 'margin') {
    const arcsec = Number(values.arcsec ?? 10)
    if (known === undefined || !(arcsec > 0 && arcsec <= 3600))
      throw new UsageError('"cpcs tiles margin": write SURVEY [--arcsec 10], 3600 at most')
    console.log(await marginTiles(known, directory, arcsec))
    return EXIT.done
  }
  if (action === 'index') {
    if (known === undefined || files.length > 0) throw new UsageError('"cpcs tiles index": write SURVEY')
    const bytes = await indexTiles(known, directory, message => console.error(message))
    console.log(`${known}: an index of ${(bytes / 1e6).toFixed(1)} MB is in ${directory}`)
    return EXIT.done
  }
  if (known === undefined || files.length === 0) throw new UsageError('"cpcs tiles import": write SURVEY FILE…')
  const rows = await importTiles(known, files, directory, message => console.error(message))
  console.log(`${known}: ${rows} stars imported into ${directory}`)
  return EXIT.done
}

async function push(paths: string[], values: Values): Promise<number> {
  const { pushFrame } = await import('./service.ts')
  if (paths.length === 0) throw new UsageError('"cpcs push": write FRAME.fits…')
  for (const path of paths) {
    const key = await pushFrame(path, values.telescope ?? 'me', serviceUrl(values))
    console.log(`${path} is in the inbox as ${key}`)
  }
  return EXIT.done
}

async function target(words: string[], values: Values): Promise<number> {
  const { registerTarget } = await import('./service.ts')
  const parsed = parseTarget(words.join(' '))
  if (words.join(' ').trim().split(/\s+/).length < 3) throw new UsageError('"cpcs target": write "RA DEC NAME"')
  await registerTarget(parsed, serviceUrl(values))
  console.log(`${parsed.name} is registered at RA ${parsed.raDeg} Dec ${parsed.decDeg}`)
  return EXIT.done
}

async function lightcurve([object, ...more]: string[], values: Values): Promise<number> {
  const { fetchLightCurve } = await import('./service.ts')
  if (object === undefined || more.length > 0) throw new UsageError('"cpcs lightcurve": write OBJECT')
  process.stdout.write(await fetchLightCurve(object, values.format ?? 'csv', serviceUrl(values)))
  return EXIT.done
}

async function tell(report: Parameters<typeof summary>[0], values: Values): Promise<number> {
  console.log(values.json ? JSON.stringify(report, null, 2) : summary(report))
  return report.outcome === 'rejected' ? EXIT.rejected : EXIT.done
}

/** The targets of the command line, each with an identity of its own. @throws {UsageError} */
function targetsOf(values: Values): Target[] {
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

async function surveyNamed(name: string | undefined): Promise<SurveyId | undefined> {
  if (name === undefined) return undefined
  const { isSurveyId, surveyIds } = await import('#shared/catalogue/surveys/index.ts')
  if (!isSurveyId(name)) throw new UsageError(`no survey "${name}": one of ${surveyIds.join(', ')}`)
  return name
}

/** A survey that the folder of catalogues has. @throws {UsageError} */
async function importedSurvey(name: string | undefined, values: Values): Promise<SurveyId | undefined> {
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
async function surveyOfPositions(name: string | undefined): Promise<SurveyId | undefined> {
  const survey = await surveyNamed(name)
  const { ASTROMETRIC_SURVEYS } = await import('#functions/solve/ladder.ts')
  if (survey && !ASTROMETRIC_SURVEYS.includes(survey))
    throw new UsageError(`frames are not solved with ${survey}: one of ${ASTROMETRIC_SURVEYS.join(', ')}`)
  return survey
}

/** Survey and band that the command line asks for. @throws {UsageError} there are no such ones */
async function forceOf(values: Values): Promise<Force> {
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
function countOf(value: string | undefined, option: string): number | undefined {
  if (value === undefined) return undefined
  const count = Number(value)
  if (!Number.isInteger(count) || count < 1 || count > MOST_INJECTED)
    throw new UsageError(`--${option} "${value}": a whole number from 1 to ${MOST_INJECTED}`)
  return count
}

function onlyFrame(path: string | undefined, more: string[]): string {
  if (path === undefined) throw new UsageError('no frame given')
  if (more.length > 0)
    throw new UsageError(`one frame at a time, not also "${more.join(' ')}"; quote a target: --target "RA DEC NAME"`)
  return path
}

function needed(value: string | undefined, option: string): string {
  if (value === undefined || value === '') throw new UsageError(`--${option} is needed`)
  return value
}

/** The folder of the catalogues, which must be there: a typing error is not the frame's fault. */
async function catalogueFolder(values: Values): Promise<string> {
  const folder = needed(values.catalogues, 'catalogues')
  const names = await readdir(folder).catch(notUsable(folder, 'is no folder of catalogues'))
  if (names.length === 0) throw new UsageError(`${folder} holds no catalogue: import one with "cpcs tiles import"`)
  return folder
}

function serviceUrl(values: Values): string {
  return values.endpoint ?? process.env.CPCS_ENDPOINT ?? 'http://127.0.0.1:4280'
}

/** The profile that the command line names, with the colour that it asks for. */
async function profileOf({ profile: path, colour }: Values): Promise<unknown> {
  const text = path === undefined ? undefined : await readFile(path, 'utf8').catch(notUsable(path, 'cannot be read'))
  if (colour === undefined) return text
  if (colour !== 'R' && colour !== 'G' && colour !== 'B') throw new UsageError(`--colour is R, G or B, not "${colour}"`)
  const { profileWith } = await import('#functions/standardise/profile.ts')
  return profileWith(text, { mosaicColour: colour })
}

function logFor(values: Values): Log {
  if (!values.verbose) return silent
  const say = (message: string, details?: Record<string, unknown>) =>
    console.error(details ? `${message} ${JSON.stringify(details)}` : message)
  return { debug: say, info: say, warn: say }
}
