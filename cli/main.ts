import { readFile } from 'node:fs/promises'
import { CpcsError } from '#shared/errors.ts'
import {
  catalogueFolder,
  countOf,
  forceOf,
  importedSurvey,
  logFor,
  needed,
  onlyFrame,
  parse,
  profileOf,
  serviceUrl,
  surveyOfPositions,
  targetsOf,
  type Values,
} from './options.ts'
import { parseCone, parseRange, parseTarget } from './places.ts'
import type { RemoteFrame } from './remote-frame.ts'
import { ServiceError } from './service.ts'
import { summary, unmeasured } from './summary.ts'
import { EXIT, notUsable, UsageError, usage } from './usage.ts'

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
  tiles: {
    takes: ['catalogues', 'cone', 'from', 'arcsec'],
    run: async (words, values) => (await import('./tiles-command.ts')).tiles(words, values),
  },
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
