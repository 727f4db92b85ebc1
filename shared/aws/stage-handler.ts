import type { z } from 'zod'
import type { CalibrateOutput, FrameReceived } from '#events/stages.ts'
import type { MeasuringStage } from '#shared/lightcurve/frames.ts'
import type { Deps } from './deps.ts'
import { type Contract, taskHandler } from './task-handler.ts'

type FrameState = FrameReceived & Partial<CalibrateOutput>

/**
 * The handler of a stage: a task that also marks in the frame's row when it began and when it ended, so that a frame
 * is never silent on its way.
 */
export function stageHandler<I extends z.ZodType<FrameState>, O extends z.ZodType<FrameState>>(
  { stage, ...contract }: Contract<I, O> & { stage: MeasuringStage },
  work: (input: z.output<I>, deps: Deps) => Promise<z.input<O>>,
) {
  return taskHandler(contract, async (input, deps) => {
    const { frames, execution, log, now } = deps
    const start = performance.now()
    await frames.entered(input, execution, stage, now())
    const output = await work(input, deps)
    const seconds = Math.round(performance.now() - start) / 1000
    await frames.passed(output as FrameState, execution, stage, now(), seconds)
    log.info(`${stage} done`, { seconds })
    return output
  })
}
