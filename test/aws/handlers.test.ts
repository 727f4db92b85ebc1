import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { handlers } from '#infra/handlers.ts'
import { batchHandler } from '#shared/aws/batch-handler.ts'
import { fromEnvironment } from '#shared/aws/configuration.ts'
import { makeDeps } from '#shared/aws/deps.ts'
import { taskHandler } from '#shared/aws/task-handler.ts'
import { CpcsError } from '#shared/errors.ts'

vi.hoisted(() => {
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' })
})
afterEach(() => vi.unstubAllEnvs())

const context = { functionName: 'test', awsRequestId: '1', getRemainingTimeInMillis: () => 60_000 } as never
const contract = { input: z.object({ frameId: z.string() }), output: z.object({ stars: z.int() }) }
const invoke = (work: () => unknown, input: unknown = { frameId: 'a' }) =>
  taskHandler(contract, async () => work() as { stars: number })({ execution: 'north-1', input }, context)

describe('the handler of a task', () => {
  test('hands over what comes in and what goes out', async () => {
    const seen: unknown[] = []
    const handler = taskHandler(contract, async (input, { execution }) => {
      seen.push(input, execution)
      return { stars: 3 }
    })
    expect(await handler({ execution: 'north-1', input: { frameId: 'a' } }, context)).toEqual({ stars: 3 })
    expect(seen).toEqual([{ frameId: 'a' }, 'north-1'])
  })

  test.each([
    ['input', () => ({ stars: 3 }), { frameId: 7 }],
    ['output', () => ({ stars: 3.5 }), { frameId: 'a' }],
    ['output', () => ({ stars: Number.NaN }), { frameId: 'a' }],
  ])('refuses an %s that breaks the contract, saying which and where', async (side, work, input) => {
    await expect(invoke(work, input)).rejects.toMatchObject({
      name: 'ContractBroken',
      message: expect.stringContaining(side),
    })
  })

  test('lets an error through under its name, and never answers for it', async () => {
    const thrown = new CpcsError('TooFewStars', { found: 3, needed: 8 })
    const failing = () => {
      throw thrown
    }
    await expect(invoke(failing)).rejects.toBe(thrown)
  })
})

test('the handler of a queue gives back only the messages that failed', async () => {
  const handler = batchHandler(async body => {
    if (body === 'bad') throw new Error('cannot be read')
  })
  const Records = ['good', 'bad', 'good'].map((body, i) => ({ messageId: String(i), body }))
  expect(await handler({ Records }, context)).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }] })
})

test('what the environment lacks is named', () => {
  vi.stubEnv('PRODUCTS_BUCKET', '')
  expect(() => fromEnvironment('PRODUCTS_BUCKET')).toThrow('PRODUCTS_BUCKET')
  expect(() => makeDeps('north-1').store).toThrow('PRODUCTS_BUCKET')
})

test.each(Object.values(handlers).map(({ file }) => file))('%s is wiring, and short', file => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8')
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(30)
})
