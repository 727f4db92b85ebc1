import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy from '@middy/core'
import { z } from 'zod'
import { CpcsError, isCpcsError } from '#shared/errors.ts'
import { type Deps, makeDeps } from './deps.ts'
import { logger } from './logger.ts'

/** What the state machine hands to a task: its own name for the run, and the state so far. */
export interface TaskEvent {
  execution: string
  input: unknown
}

export interface Contract<I extends z.ZodType, O extends z.ZodType> {
  input: I
  output: O
}

const metrics = new Metrics()

/**
 * A Lambda handler for a task of the state machine: checks what comes in and goes out against its contract, says who
 * is at work in every line of the log, measures. It throws, and never answers for a failure: the machine's Retry and
 * Catch decide by the error's name.
 *
 * @throws {CpcsError} ContractBroken, and whatever the work throws
 */
export function taskHandler<I extends z.ZodType, O extends z.ZodType>(
  contract: Contract<I, O>,
  work: (input: z.output<I>, deps: Deps) => Promise<z.input<O>>,
) {
  return middy(async ({ execution, input }: TaskEvent) => {
    const frameId = (input as { frameId?: string })?.frameId
    logger.appendKeys({ execution, frameId })
    const start = performance.now()
    try {
      const output = await work(checked(contract.input, input, 'input'), makeDeps(execution))
      return checked(contract.output, output, 'output')
    } catch (error) {
      note(error)
      throw error
    } finally {
      metrics.addMetric('Seconds', MetricUnit.Seconds, (performance.now() - start) / 1000)
    }
  })
    .use(injectLambdaContext(logger, { resetKeys: true }))
    .use(logMetrics(metrics))
}

function checked<T extends z.ZodType>(schema: T, value: unknown, side: 'input' | 'output'): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new CpcsError('ContractBroken', { side, found: z.prettifyError(parsed.error) })
}

function note(thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  if (isCpcsError(error, 'reject')) logger.info(error.message, { error: error.name })
  else logger.error(error.message, error)
  metrics.singleMetric().addDimension('error', error.name).addMetric('Stopped', MetricUnit.Count, 1)
}
