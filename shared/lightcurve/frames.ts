import type { CalibrateOutput, FrameReceived, Outcome } from '#events/stages.ts'
import { PIPELINE_VERSION } from '#shared/version.ts'
import type { Key, Table } from './table.ts'

/** How far a frame has come. */
export type Status = 'received' | 'standardised' | 'solved' | 'measured' | 'calibrated'

/** What is said of a frame when a stage ended well with it. */
const statusAfter = {
  standardise: 'standardised',
  solve: 'solved',
  measure: 'measured',
  calibrate: 'calibrated',
} as const satisfies Record<string, Status>

/** The stages that measure; recording is the end of the way. */
export type MeasuringStage = keyof typeof statusAfter

/** One run of one frame through the machine, as the table keeps it. */
export interface FrameRow extends FrameReceived {
  execution: string
  pipelineVersion: string
  status: Status
  /** How it ended; absent while it runs. */
  outcome?: Outcome
  /** The stage it entered last: where it is, or where it died. */
  stage?: string
  error?: string
  reason?: string
  receivedAt: string
  endedAt?: string
  /** Numbers worth a look in a list, as far as known. */
  summary?: Summary
  points?: number
  newPoints?: number
  standardiseSeconds?: number
  solveSeconds?: number
  measureSeconds?: number
  calibrateSeconds?: number
}

/** Where a telescope pointed, by the stars of its frame. */
export interface LastSolution {
  raDeg: number
  decDeg: number
  pixelScaleArcsec: number
}

export type Summary = Partial<ReturnType<typeof summarise>>

/** The rows of frames: one per frame, pipeline version and execution. Every change is one conditional write. */
export class Frames {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  /** A frame was taken in. Taken in again by the same execution, it changes nothing. */
  async received(frame: FrameReceived, execution: string, at: string): Promise<void> {
    const row = { ...frame, execution, pipelineVersion: PIPELINE_VERSION, status: 'received', receivedAt: at }
    await this.#table.putIfAbsent({ ...keyOf(frame.frameId, execution), ...listing(frame, at), ...row })
    const { night, telescope } = frame
    await this.#table.putIfAbsent({ pk: 'NIGHTS', sk: `${night}#${telescope}`, night, telescope })
  }

  /** A stage began with it. A run that is driven on after a failure is under way again, and no failure. */
  async entered(frame: FrameReceived, execution: string, stage: MeasuringStage, at: string): Promise<void> {
    const remove = ['outcome', 'error', 'reason', 'endedAt', 'failedpk', 'failedsk']
    await this.#update(frame, execution, at, { stage }, remove)
  }

  /** A stage ended well. */
  async passed(
    state: FrameReceived & Partial<CalibrateOutput>,
    execution: string,
    stage: MeasuringStage,
    at: string,
    seconds: number,
  ): Promise<void> {
    const change = { status: statusAfter[stage], summary: summarise(state), [`${stage}Seconds`]: seconds }
    await this.#update(state, execution, at, change)
  }

  /** It came to its end. */
  async ended(frame: FrameReceived, execution: string, at: string, end: FrameEnd): Promise<void> {
    const failed =
      end.outcome === 'failed'
        ? { failedpk: `FAILED#${at.slice(0, 7).replace('-', '')}`, failedsk: `${at}#${execution}` }
        : {}
    const remove = [
      ...(end.outcome === 'failed' ? [] : ['failedpk', 'failedsk']),
      ...(end.error === undefined ? ['error'] : []),
      ...(end.reason === undefined ? ['reason'] : []),
    ]
    await this.#update(frame, execution, at, { ...end, ...failed, endedAt: at }, remove)
  }

  /** The runs of a frame, oldest version first. */
  async runs(frameId: string): Promise<FrameRow[]> {
    return this.#table.query<FrameRow>(`FRAME#${frameId}`, { prefix: 'RUN#' })
  }

  /** One run, or undefined. */
  async run(frameId: string, execution: string, version = PIPELINE_VERSION): Promise<FrameRow | undefined> {
    return this.#table.get<FrameRow>(keyOf(frameId, execution, version))
  }

  /**
   * The execution of this version that already brought the same bytes to an end with a measurement, or null. A frame
   * that was rejected or failed is tried again: its catalogue or its target may be there now.
   */
  async alreadyDone(frameId: string, execution: string): Promise<string | null> {
    const measured: (Outcome | undefined)[] = ['calibrated', 'limit', 'uncalibrated']
    const runs = await this.#table.query<FrameRow>(`FRAME#${frameId}`, { prefix: `RUN#${PIPELINE_VERSION}#` })
    const done = runs.find(run => run.execution !== execution && measured.includes(run.outcome))
    return done?.execution ?? null
  }

  /** The frames of a night, by telescope and time of arrival. */
  async ofNight(night: string, telescope?: string): Promise<FrameRow[]> {
    const prefix = telescope === undefined ? undefined : `${telescope}#`
    return this.#table.query<FrameRow>(`NIGHT#${night}`, { index: 'listing', prefix })
  }

  /** Where the telescope's latest frame of a night was found, or undefined where none was yet. */
  async lastSolution(telescope: string, night: string): Promise<LastSolution | undefined> {
    const rows = await this.#table.query<FrameRow>(`NIGHT#${night}`, {
      index: 'listing',
      prefix: `${telescope}#`,
      newestFirst: true,
    })
    const wcs = rows.find(row => row.summary?.wcs)?.summary?.wcs
    return wcs && { raDeg: wcs.raDeg, decDeg: wcs.decDeg, pixelScaleArcsec: wcs.pixelScaleArcsec }
  }

  /** Nights with frames and the telescopes that sent them, latest first. */
  async nights(): Promise<{ night: string; telescopes: string[] }[]> {
    const rows = await this.#table.query<{ night: string; telescope: string }>('NIGHTS', { newestFirst: true })
    const telescopes = Map.groupBy(rows, row => row.night)
    return [...telescopes].map(([night, group]) => ({ night, telescopes: group.map(row => row.telescope).sort() }))
  }

  /** Runs that failed in a month (`yyyymm`), latest first. */
  async failedIn(month: string): Promise<FrameRow[]> {
    return this.#table.query<FrameRow>(`FAILED#${month}`, { index: 'failed', newestFirst: true })
  }

  /** Write to the row of a run, which is made if it was started by hand and not by the intake. */
  async #update(
    { frameId, raw, telescope, night }: FrameReceived,
    execution: string,
    at: string,
    set: Record<string, unknown>,
    remove: string[] = [],
  ): Promise<void> {
    const frame = { frameId, raw, telescope, night }
    const initially = {
      ...listing(frame, at),
      ...frame,
      execution,
      pipelineVersion: PIPELINE_VERSION,
      receivedAt: at,
      ...('status' in set ? {} : { status: 'received' }),
    }
    await this.#table.update(keyOf(frameId, execution), set, { initially, remove })
  }
}

/** How a run ended. */
export interface FrameEnd {
  outcome: Outcome
  stage?: string
  error?: string
  reason?: string
  points?: number
  newPoints?: number
}

/** The numbers of a frame that an operator wants in a list, from what the stages have handed on so far. */
function summarise({ header, wcs, seeingPx, psf, stars, calibration }: Partial<CalibrateOutput>) {
  return {
    object: header?.object,
    filterName: header?.filterName,
    band: header?.band,
    dateObsUtc: header?.dateObsUtc,
    mjdUtcMid: header?.mjdUtcMid,
    exposureSeconds: header?.exposureSeconds,
    widthPx: header?.widthPx,
    heightPx: header?.heightPx,
    wcs,
    seeingPx,
    psf,
    stars,
    calibration: calibration?.chosen,
  }
}

function keyOf(frameId: string, execution: string, version = PIPELINE_VERSION): Key {
  return { pk: `FRAME#${frameId}`, sk: `RUN#${version}#${execution}` }
}

function listing({ night, telescope }: FrameReceived, at: string) {
  return { listingpk: `NIGHT#${night}`, listingsk: `${telescope}#${at}` }
}

/** The seconds that each stage took, as far as it ended well. */
export function secondsPerStage(row: Partial<FrameRow>): Record<string, number> {
  const { standardiseSeconds, solveSeconds, measureSeconds, calibrateSeconds } = row
  const seconds = {
    standardise: standardiseSeconds,
    solve: solveSeconds,
    measure: measureSeconds,
    calibrate: calibrateSeconds,
  }
  return Object.fromEntries(
    Object.entries(seconds).filter((entry): entry is [string, number] => entry[1] !== undefined),
  )
}
