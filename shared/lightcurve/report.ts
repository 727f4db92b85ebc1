import type { Provenance } from '#events/frame.ts'
import { isMeasured, type MeasuredPoint, type Point } from '#events/point.ts'
import type {
  CalibrateOutput,
  Candidate,
  FrameReceived,
  MeasureOutput,
  Outcome,
  Recovery,
  Report,
  SolveOutput,
  StandardiseOutput,
  TargetResult,
} from '#events/stages.ts'
import { flagNames } from '#shared/flags.ts'
import type { ObjectStore } from '#shared/store.ts'
import { PIPELINE_VERSION } from '#shared/version.ts'

/** What is known of a frame, as far as it came. */
export type FrameState = FrameReceived & Partial<StandardiseOutput & SolveOutput & MeasureOutput & CalibrateOutput>

type Calibration = NonNullable<Report['calibration']>

/**
 * The report of a frame whose stages all ended well, or that was taken no further than it was asked to.
 *
 * @param state the output of the last stage
 * @param store where its products lie: `frame.json`, `calibration.json` and the points are read
 * @throws {CpcsError} ObjectMissing, StoreUnavailable
 */
export async function finishedReport(
  state: FrameState,
  store: ObjectStore,
  secondsPerStage: Record<string, number>,
): Promise<Report> {
  const report = await soFar(state, store, secondsPerStage)
  if (!state.calibration || !state.calibrationReport || !state.points || !state.outcome)
    return { outcome: state.wcs ? 'solved' : 'standardised', ...report }
  const { candidates, contradictsHeader } = await json<Pick<Calibration, 'candidates' | 'contradictsHeader'>>(
    store,
    state.calibrationReport,
  )
  const points = await json<Point[]>(store, state.points)
  return {
    outcome: state.outcome,
    ...report,
    calibration: { ...state.calibration, contradictsHeader, candidates },
    targets: points.filter(isMeasured).map(targetResult),
    ...(state.unmeasured && { unmeasured: state.unmeasured }),
    ...(state.injection && { injection: await recovery(state.injection, state.calibration.chosen, store) }),
  }
}

/** What injected stars tell, with the limits as magnitudes where there is a zero point. */
async function recovery(key: string, chosen: Candidate | null, store: ObjectStore): Promise<Recovery> {
  const { each: _, ...summary } = await json<Omit<Recovery, 'limit3Sigma' | 'limit5Sigma'> & { each: unknown }>(
    store,
    key,
  )
  const magnitude = (flux: number) => (chosen ? chosen.zeroPoint - 2.5 * Math.log10(flux) : null)
  return {
    ...summary,
    limit3Sigma: magnitude(summary.limit3SigmaAdu),
    limit5Sigma: magnitude(summary.limit5SigmaAdu),
  }
}

/** The report of a frame that ended early, with whatever earlier stages made and the reason in words. */
export async function endedReport(
  outcome: Extract<Outcome, 'rejected' | 'failed'>,
  stage: string,
  error: { name: string; message: string },
  state: FrameState,
  store: ObjectStore,
  secondsPerStage: Record<string, number>,
): Promise<Report> {
  return { outcome, ...(await soFar(state, store, secondsPerStage)), stage, error: error.name, reason: error.message }
}

async function soFar(
  state: FrameState,
  store: ObjectStore,
  secondsPerStage: Record<string, number>,
): Promise<Omit<Report, 'outcome'>> {
  const { frameId } = state
  const report = { frameId, secondsPerStage, version: PIPELINE_VERSION }
  if (!state.header || !state.products) return report
  const { provenance } = await json<{ provenance: Record<string, Provenance> }>(store, `${state.products}/frame.json`)
  return {
    ...report,
    frame: state.header,
    provenance,
    wcs: state.wcs,
    psf: state.psf,
    flags: flagNames(state.header.flags),
  }
}

/** A point of a light curve as it stands in the report of its frame. */
export function targetResult(point: MeasuredPoint): TargetResult {
  const { objectId, raDeg, decDeg, band, survey, mag, magErr, magErrRandom, magErrZeroPoint } = point
  const { flux, fluxErr, fluxUnit, detected, limit3Sigma, limit5Sigma, flags } = point
  return {
    ...{ name: objectId, ra: raDeg, dec: decDeg, band, survey, mag, magErr, magErrRandom, magErrZeroPoint },
    ...{ flux, fluxErr, fluxUnit, detected, limit3Sigma, limit5Sigma, flags },
  }
}

async function json<T>(store: ObjectStore, key: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await store.get(key))) as T
}
