import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { isExecutionName } from '#local/cloud/execution-names.ts'
import { Executions, type RunEvent } from '#local/cloud/executions.ts'
import type { LambdaFunction } from '#local/cloud/functions.ts'
import type { RunRecord } from '#local/cloud/runs.ts'
import type { Machine } from '#local/cloud/states-language.ts'

const ARN = 'arn:aws:states:us-east-1:000000000000:stateMachine:Frames'

const task = (next: object) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName: 'work', 'Payload.$': '$' },
  OutputPath: '$.Payload',
  ...next,
})

const twoSteps = {
  StartAt: 'First',
  States: { First: task({ Next: 'Second' }), Second: task({ End: true }) },
} as unknown as Machine

interface Setting {
  definition?: Machine
  work?: (payload: never) => unknown
  folder?: string
  concurrency?: number
}

/** Executions of one machine whose tasks all call `work`. */
function executionsOf({ definition = twoSteps, work = payload => payload, folder, concurrency }: Setting) {
  const target = { invoke: async (payload: unknown) => work(payload as never) } as unknown as LambdaFunction
  return new Executions({
    machines: [{ name: 'Frames', arn: ARN, definition }],
    integrations: { function: () => target } as never,
    retryScale: 0,
    folder,
    concurrency,
  })
}

/** Resolves when a run of that name ends. */
const ended = (executions: Executions, name: string) =>
  new Promise<void>(resolve =>
    executions.events.on('record', ({ run, record }: RunEvent) => {
      if (run.name === name && record.type === 'ended') resolve()
    }),
  )

const run = async (executions: Executions, name: string, input = '{}') => {
  const end = ended(executions, name)
  const started = executions.start(ARN, input, name)
  await end
  return started
}

describe('names of executions', () => {
  // The characters that the API reference of StartExecution forbids.
  test.each(['', 'a b', 'a\tb', ...'<>{}[]?*"#%\\^|~`$&,;:/', '\u0007', '\u0085', '\ufffe', 'x'.repeat(81)])(
    '%j is none',
    name => expect(isExecutionName(name)).toBe(false),
  )
  test.each(['a', 'x'.repeat(80), "scope-1_2026.03'(1)+@=!é"])('%j is one', name =>
    expect(isExecutionName(name)).toBe(true),
  )
})

describe('starting an execution', () => {
  const open = () => {
    const gate = Promise.withResolvers<unknown>()
    return { gate, executions: executionsOf({ work: () => gate.promise }) }
  }

  test('with the name and the input of one that runs gives that one', async () => {
    const { gate, executions } = open()
    const end = ended(executions, 'a')
    const first = executions.start(ARN, '{"x":1}', 'a')
    expect(executions.start(ARN, '{"x":1}', 'a')).toBe(first)
    expect(() => executions.start(ARN, '{"x":2}', 'a')).toThrow(/Execution Already Exists/)
    gate.resolve({})
    await end
    expect(executions.list().length).toBe(1)
  })

  test('with the name of one that has ended is refused, whatever the input', async () => {
    const executions = executionsOf({})
    await run(executions, 'a')
    for (const input of ['{}', '{"x":1}']) {
      expect(() => executions.start(ARN, input, 'a')).toThrow(
        expect.objectContaining({ name: 'ExecutionAlreadyExists' }),
      )
    }
  })

  test.each([
    ['InvalidName', [ARN, '{}', 'a b']],
    ['InvalidExecutionInput', [ARN, '{"x":', 'a']],
    ['InvalidExecutionInput', [ARN, JSON.stringify('x'.repeat(256 * 1024)), 'a']],
    ['StateMachineDoesNotExist', [`${ARN}s`, '{}', 'a']],
  ] as const)('is refused as %s', (name, [arn, input, execution]) => {
    expect(() => executionsOf({}).start(arn, input, execution)).toThrow(expect.objectContaining({ name }))
  })

  test('without a name gets one', () => expect(executionsOf({}).start(ARN).name).toMatch(/^[0-9a-f-]{36}$/))

  test('beyond the limit waits for its turn', async () => {
    let working = 0
    let most = 0
    const executions = executionsOf({
      concurrency: 2,
      work: async payload => {
        most = Math.max(most, ++working)
        await new Promise(setImmediate)
        working--
        return payload
      },
    })
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(name => run(executions, name)))
    expect(most).toBe(2)
  })
})

describe('the way through the states', () => {
  test('is told in the order in which it happened', async () => {
    const { records } = await run(executionsOf({}), 'a')
    const told = records.map(record => ('state' in record ? `${record.type} ${record.state}` : record.type))
    expect(told).toEqual([
      'started',
      'entered First',
      'scheduled First',
      'succeeded First',
      'left First',
      'entered Second',
      'scheduled Second',
      'succeeded Second',
      'left Second',
      'ended',
    ])
  })

  test('knows the name of its run in every state, also inside a Map and a Parallel', async () => {
    const definition = {
      StartAt: 'Both',
      States: {
        Both: {
          Type: 'Parallel',
          Branches: ['P', 'Q'].map(name => ({
            StartAt: name,
            States: { [name]: { Type: 'Pass', Parameters: { 'run.$': '$$.Execution.Name', name }, End: true } },
          })),
          Next: 'Each',
        },
        Each: {
          Type: 'Map',
          ItemProcessor: { StartAt: 'One', States: { One: task({ End: true }) } },
          ItemSelector: { 'index.$': '$$.Map.Item.Index', 'value.$': '$$.Map.Item.Value' },
          End: true,
        },
      },
    } as unknown as Machine
    const { output } = await run(executionsOf({ definition }), 'here')
    expect(output).toEqual([
      { index: 0, value: { run: 'here', name: 'P' } },
      { index: 1, value: { run: 'here', name: 'Q' } },
    ])
  })

  test('takes the branch of a Choice that asks whether something is not there', async () => {
    const asks = (operator: string, next: string) => ({ Variable: '$.x', [operator]: false, Next: next })
    const definition = {
      StartAt: 'Ask',
      States: {
        Ask: { Type: 'Choice', Choices: [asks('IsPresent', 'Absent'), asks('IsString', 'Other')], Default: 'Text' },
        ...Object.fromEntries(
          ['Absent', 'Other', 'Text'].map(name => [name, { Type: 'Pass', Result: name, End: true }]),
        ),
      },
    } as unknown as Machine
    const executions = executionsOf({ definition })
    expect((await run(executions, 'a', '{}')).output).toBe('Absent')
    expect((await run(executions, 'b', '{"x":1}')).output).toBe('Other')
    expect((await run(executions, 'c', '{"x":"1"}')).output).toBe('Text')
  })

  test('puts a result in place of the whole input where the path is $', async () => {
    const definition = {
      StartAt: 'A',
      States: { A: { Type: 'Pass', Result: { y: 1 }, ResultPath: '$', End: true } },
    } as unknown as Machine
    expect((await run(executionsOf({ definition }), 'a', '{"x":1}')).output).toEqual({ y: 1 })
  })

  test('tries again as often as told and no oftener', async () => {
    let calls = 0
    const definition = {
      StartAt: 'A',
      States: { A: task({ End: true, Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 60, MaxAttempts: 3 }] }) },
    } as unknown as Machine
    const work = () => {
      calls++
      throw Object.assign(new Error('busy'), { name: 'Busy' })
    }
    // Not from a function: Lambda's own errors have its prefix.
    const { status, error } = await run(executionsOf({ definition, work }), 'a')
    expect([status, error, calls]).toEqual(['FAILED', 'Lambda.Busy', 1])
  })
})

describe('runs that are kept', () => {
  let folder: string
  const fresh = () => (folder = mkdtempSync(join(tmpdir(), 'cpcs-runs-')))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('are there again, ended ones as they ended', async () => {
    const first = executionsOf({ folder: fresh() })
    await run(first, 'a', '{"x":1}')
    first.stop()
    const second = executionsOf({ folder })
    second.resumeAll()
    expect(second.list().map(({ name, status, output }) => ({ name, status, output }))).toEqual([
      { name: 'a', status: 'SUCCEEDED', output: { x: 1 } },
    ])
    expect(() => second.start(ARN, '{"x":1}', 'a')).toThrow(/Already Exists/)
  })

  test('go on in the state in which they were broken off, also when the last line was cut', async () => {
    const records: RunRecord[] = [
      { type: 'started', at: 1, name: 'a', machine: 'Frames', input: '{"x":1}' },
      { type: 'entered', at: 2, state: 'First', kind: 'Task', input: { x: 1 } },
      { type: 'left', at: 3, state: 'First', kind: 'Task', output: { x: 2 } },
      { type: 'entered', at: 4, state: 'Second', kind: 'Task', input: { x: 2 } },
    ]
    writeFileSync(join(fresh(), 'Frames.a.jsonl'), records.map(record => `${JSON.stringify(record)}\n`).join(''))
    appendFileSync(join(folder, 'Frames.a.jsonl'), '{"type":"left","at":5,"sta')
    const seen: unknown[] = []
    const executions = executionsOf({ folder, work: payload => ({ x: seen.push(payload) + 2 }) })
    const end = ended(executions, 'a')
    executions.resumeAll()
    await end
    expect(seen).toEqual([{ x: 2 }]) // not the first state again
    expect(executions.list()[0]).toMatchObject({ status: 'SUCCEEDED', output: { x: 3 }, input: { x: 1 } })
    executions.stop()
    expect(readdirSync(folder)).toEqual(['Frames.a.jsonl'])
    const again = executionsOf({ folder })
    again.resumeAll()
    expect(again.list()[0].status).toBe('SUCCEEDED') // and the cut line does no harm the next time
  })

  test('that failed can be taken up where they failed', async () => {
    let broken = true
    const seen: unknown[] = []
    const work = (payload: { step?: number }) => {
      seen.push(payload)
      if (payload.step === 1 && broken) throw new Error('no disk')
      return { step: (payload.step ?? 0) + 1 }
    }
    const executions = executionsOf({ folder: fresh(), work })
    const failed = await run(executions, 'a')
    expect(failed.status).toBe('FAILED')
    broken = false
    const end = ended(executions, 'a')
    executions.redrive(failed.arn)
    await end
    expect(seen).toEqual([{}, { step: 1 }, { step: 1 }])
    expect(failed).toMatchObject({ status: 'SUCCEEDED', redriveCount: 1, output: { step: 2 }, error: undefined })
    expect(() => executions.redrive(failed.arn)).toThrow(expect.objectContaining({ name: 'ExecutionNotRedrivable' }))
  })
})
