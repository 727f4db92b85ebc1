import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type {
  CalibrateOutput,
  FrameReceived,
  MeasureOutput,
  Report,
  SolveOutput,
  StandardiseOutput,
  Target,
} from '#events/stages.ts'
import { calibrate } from '#functions/calibrate/calibrate.ts'
import { measure } from '#functions/measure/measure.ts'
import { solve } from '#functions/solve/solve.ts'
import { type StandardiseDeps, standardise } from '#functions/standardise/standardise.ts'
import { openQuadSky } from '#shared/astrometry/quad-index.ts'
import type { Cone, SurveyId } from '#shared/catalogue/reference.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { CpcsError } from '#shared/errors.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { endedReport, finishedReport } from '#shared/lightcurve/report.ts'
import type { TargetRegistry } from '#shared/lightcurve/targets.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import type { Log, ObjectStore } from '#shared/store.ts'
import { ProductFolder, prepareProducts, wouldReplace } from './product-folder.ts'
import { notUsable, UsageError } from './usage.ts'

export interface PipelineOptions {
  /** Folder of the HATS catalogues; not needed for `standardise`. */
  catalogues?: string
  /** Folder for the products. */
  out: string
  targets: Target[]
  force?: { survey?: SurveyId; band?: string }
  /** Overrides what the header says of the pointing. */
  hint?: Cone
  /** Overrides what the header says of the scale, arcseconds per pixel. */
  scaleArcsec?: { low: number; high: number }
  /** Search the whole sky only, whatever the header says of the pointing. */
  blind?: boolean
  /** The survey to solve with, where it is not to be the best that is in the folder. */
  positionsFrom?: SurveyId
  /** What the telescope's owner knows better than the header: JSON text, or the object. */
  profile?: unknown
  /** How many stars to put into the frame as a check of its limits. */
  inject?: number
  /** Survey whose every star on the frame is measured at its place. */
  forced?: SurveyId
  log: Log
}

export type LastStage = 'standardise' | 'solve' | 'calibrate'

/**
 * Take one frame through the stages up to `last`, in this process, with folders as object stores.
 *
 * @returns the report, which is also written to `report.json`; a frame that is at fault gives one with `rejected`, and
 *   where the surroundings are one is written with `failed` before the error is thrown
 * @throws {UsageError} the file cannot be read, the folder not be written, or the file would be one of its products
 * @throws whatever is a defect of ours or of the surroundings (policies `fail` and `retry`)
 */
export async function processFrame(path: string, last: LastStage, options: PipelineOptions): Promise<Report> {
  const bytes = new Uint8Array(await readFile(path).catch(notUsable(path, 'cannot be read')))
  if (await wouldReplace(options.out, path))
    throw new UsageError(`${path} would be overwritten by a product of that name: choose another --out`)
  await prepareProducts(options.out).catch(notUsable(options.out, 'cannot hold the products'))
  const received = receive(path, bytes)
  const store = new ProductFolder(options.out, received.frameId)
  const run = new Run(received)
  const written = async (report: Report) => {
    await store.put('report.json', new TextEncoder().encode(`${JSON.stringify(report, null, 2)}\n`))
    return report
  }
  try {
    // handed over: the stage is the only reader of the bytes from here on
    await runStages(run, last, { get: async () => bytes }, store, options)
    return await written(await finishedReport(run.state as CalibrateOutput, store, run.secondsPerStage))
  } catch (error) {
    if (!(error instanceof CpcsError)) throw error
    const outcome = error.policy === 'reject' ? 'rejected' : 'failed'
    const report = await written(await endedReport(outcome, run.stage, error, run.state, store, run.secondsPerStage))
    if (outcome === 'failed') throw error
    return report
  }
}

/** What the intake would say of the file. */
export function receive(path: string, bytes: Uint8Array): FrameReceived {
  const frameId = createHash('sha256').update(bytes).digest('hex')
  return { frameId, raw: { key: basename(path) }, telescope: 'unknown', night: 'unknown' }
}

async function runStages(
  run: Run,
  last: LastStage,
  raw: StandardiseDeps['raw'],
  store: ObjectStore,
  options: PipelineOptions,
) {
  const { log, force } = options
  const targets = givenTargets(options.targets)
  const standardised = await run.timed('standardise', () =>
    standardise(run.received, { raw, store, log, profile: options.profile }),
  )
  if (last === 'standardise') return
  const catalogues = new FolderStore(options.catalogues ?? '.')
  const tiles = openTiles(catalogues)
  const quads = (survey: SurveyId) => openQuadSky(catalogues, survey)
  const solved = await run.timed('solve', () =>
    solve(withHints(standardised, options), {
      ...{ store, tiles, targets, log, quads },
      blind: options.blind,
      survey: options.positionsFrom,
      scaleArcsec: options.scaleArcsec,
    }),
  )
  if (last === 'solve') return
  const measured = await run.timed('measure', () =>
    measure(solved, { store, tiles, targets, log, inject: options.inject, forced: options.forced }),
  )
  await run.timed('calibrate', () => calibrate(measured, { store, tiles, log, force }))
}

function withHints(input: StandardiseOutput, { hint }: PipelineOptions): StandardiseOutput {
  const header = { ...input.header }
  if (hint) header.pointing = { raDeg: hint.raDeg, decDeg: hint.decDeg, uncertaintyDeg: hint.radiusDeg }
  return { ...input, header }
}

/** The targets of the command line as registry. */
export function givenTargets(targets: Target[]): TargetRegistry {
  return {
    async inCone({ raDeg, decDeg, radiusDeg }) {
      return targets.filter(target => separationDeg(target.raDeg, target.decDeg, raDeg, decDeg) <= radiusDeg)
    },
    async candidates() {
      return targets
    },
  }
}

type State = FrameReceived & Partial<StandardiseOutput & SolveOutput & MeasureOutput & CalibrateOutput>

/** How far a frame has come, and how long each stage took. */
class Run {
  readonly received: FrameReceived
  readonly secondsPerStage: Record<string, number> = {}
  state: State
  stage = 'standardise'

  constructor(received: FrameReceived) {
    this.received = received
    this.state = received
  }

  async timed<T extends State>(stage: string, work: () => Promise<T>): Promise<T> {
    this.stage = stage
    const start = performance.now()
    const before = process.cpuUsage()
    try {
      const output = await work()
      this.state = output
      return output
    } finally {
      const { user, system } = process.cpuUsage(before)
      // For whoever measures us: an entry of the user timeline (W3C User Timing).
      performance.measure(stage, { start, detail: { cpuSeconds: (user + system) / 1e6 } })
      this.secondsPerStage[stage] = Number(((performance.now() - start) / 1000).toFixed(3))
    }
  }
}
