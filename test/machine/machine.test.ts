import { describe, expect, test } from 'vitest'
import { FrameEnded } from '#events/stages.ts'
import { stages } from '#infra/definition.ts'
import { CpcsError, type ErrorName, errorNames, errors } from '#shared/errors.ts'
import { definition, runMachine, thrownByLambda, type Work } from './run-machine.ts'

const frame = {
  frameId: 'ab'.repeat(32),
  raw: { bucket: 'inbox', key: 'north/frame.fits' },
  telescope: 'north',
  night: '20260301',
}
const isNew: Work = ({ input }) => ({ ...input, duplicateOf: null })
/** The outcome function says what it got, so that tests see it. */
const outcomes = {
  NoteRejected: ({ input }: { input: object }) => input,
  NoteFailed: ({ input }: { input: object }) => input,
  NoteDuplicate: ({ input }: { input: object }) => input,
}
const state = (stage: string) => stage[0].toUpperCase() + stage.slice(1)
const throwing =
  (name: string, message = 'told in words'): Work =>
  () => {
    throw thrownByLambda(name, message)
  }

/** Every pair of a stage and an error that it may throw, by policy. */
const rows = (policy: 'reject' | 'retry' | 'fail') =>
  stages.flatMap(stage => errorNames(stage, policy).map(error => ({ stage, error })))

describe('a frame on its way through the machine', () => {
  test('goes from stage to stage, each given what the one before it made', async () => {
    const seen: string[] = []
    const work = Object.fromEntries(
      stages.map(stage => [
        state(stage),
        (({ execution, input }) => {
          seen.push(`${execution} ${Object.keys(input).join()}`)
          return { ...input, [stage]: true, duplicateOf: null }
        }) satisfies Work,
      ]),
    )
    const { status, path, output } = await runMachine({ begin: true }, work)
    expect(status).toBe('SUCCEEDED')
    expect(path).toEqual(['Standardise', 'IsDuplicate', 'Solve', 'Measure', 'Calibrate', 'Record', 'Done'])
    expect(seen[0]).toBe('north-20260301-abc begin')
    expect(seen[4]).toContain('standardise,duplicateOf,solve,measure,calibrate')
    expect(output).toMatchObject({ begin: true, record: true })
  })

  test('ends as a duplicate when the same bytes were brought to an end before, and is not measured again', async () => {
    const duplicateOf = 'south-20260228-def'
    const { status, path, output, attempts } = await runMachine(frame, {
      Standardise: ({ input }) => ({ ...input, duplicateOf }),
      ...outcomes,
    })
    expect({ status, path }).toEqual({
      status: 'SUCCEEDED',
      path: ['Standardise', 'IsDuplicate', 'StandardiseDuplicate', 'NoteDuplicate', 'Duplicate'],
    })
    expect(attempts.Solve).toBeUndefined()
    const ended = FrameEnded.parse(output)
    expect(ended).toMatchObject({ outcome: 'duplicate', frame: { duplicateOf } })
    expect(ended.error.reason).toContain(duplicateOf)
  })

  test.each(rows('reject'))('$error in $stage ends as rejected, without a second try', async ({ stage, error }) => {
    const { status, path, output, attempts } = await runMachine(frame, {
      Standardise: isNew,
      ...outcomes,
      [state(stage)]: throwing(error),
    })
    expect(status).toBe('SUCCEEDED')
    expect(path.slice(-4)).toEqual([state(stage), `${state(stage)}Rejected`, 'NoteRejected', 'Rejected'])
    expect(attempts[state(stage)]).toBe(1)
    const ended = FrameEnded.parse(output)
    expect(ended).toMatchObject({ outcome: 'rejected', stage, error: { name: error } })
    expect(ended.frame).toMatchObject(frame)
    expect(ended.error.reason).toContain('told in words')
  })

  test.each(rows('retry'))('$error in $stage is tried again, and the frame goes on', async ({ stage, error }) => {
    const { status, path, attempts } = await runMachine(frame, {
      Standardise: isNew,
      [state(stage)]: (call, attempt) => {
        if (attempt <= 2) throw thrownByLambda(error, 'not there')
        return { ...call.input, duplicateOf: null }
      },
    })
    expect({ status, last: path.at(-1) }).toEqual({ status: 'SUCCEEDED', last: 'Done' })
    expect(attempts[state(stage)]).toBe(3)
  })

  test.each(rows('retry'))('$error in $stage that lasts ends as failed', async ({ stage, error }) => {
    const ending = await runMachine(frame, { Standardise: isNew, ...outcomes, [state(stage)]: throwing(error) })
    expect(ending).toMatchObject({ status: 'FAILED', error })
    expect(ending.path.slice(-4)).toEqual([state(stage), `${state(stage)}Failed`, 'NoteFailed', 'Failed'])
    expect(ending.attempts[state(stage)]).toBe(5) // once, and four times more
  })

  test.each(rows('fail'))('$error in $stage ends as failed at once, with the error laid open', async row => {
    const { stage, error } = row
    const told: unknown[] = []
    const ending = await runMachine(frame, {
      Standardise: isNew,
      [state(stage)]: throwing(error),
      NoteFailed: ({ input }) => {
        told.push(input)
        return { error: { name: error, reason: 'in words' } }
      },
    })
    expect(ending).toMatchObject({ status: 'FAILED', error, cause: 'in words' })
    expect(ending.path.slice(-3)).toEqual([`${state(stage)}Failed`, 'NoteFailed', 'Failed'])
    expect(ending.attempts[state(stage)]).toBe(1)
    expect(FrameEnded.parse(told[0])).toMatchObject({ outcome: 'failed', stage, error: { name: error } })
  })

  test.each(stages)('an error that nobody foresaw in %s ends as failed', async stage => {
    const ending = await runMachine(frame, {
      Standardise: isNew,
      ...outcomes,
      [state(stage)]: throwing('TypeError', 'x is not a function'),
    })
    expect(ending).toMatchObject({ status: 'FAILED', error: 'TypeError' })
    expect(ending.attempts).toMatchObject({ [state(stage)]: 1, NoteFailed: 1 })
  })

  test.each(stages)('%s outlives a busy Lambda, and gets one more chance when it ran out of something', async stage => {
    const afterwards = (times: number, name: string): Work => {
      return (call, attempt) => {
        if (attempt <= times) throw thrownByLambda(name, '')
        return { ...call.input, duplicateOf: null }
      }
    }
    const busy = await runMachine(frame, {
      Standardise: isNew,
      [state(stage)]: afterwards(6, 'Lambda.TooManyRequestsException'),
    })
    expect(busy.path.at(-1)).toBe('Done')
    const starved = await runMachine(frame, { Standardise: isNew, [state(stage)]: afterwards(1, 'Runtime.ExitError') })
    expect(starved.path.at(-1)).toBe('Done')
    const hopeless = await runMachine(frame, {
      Standardise: isNew,
      ...outcomes,
      [state(stage)]: throwing('Runtime.ExitError'),
    })
    expect(hopeless).toMatchObject({ status: 'FAILED', error: 'Runtime.ExitError' })
    expect(hopeless.attempts[state(stage)]).toBe(2)
  })

  test('fails, laying open the error of the frame, when its outcome cannot be written', async () => {
    const ending = await runMachine(frame, {
      Standardise: throwing('NotFits', 'The file is not FITS: text.'),
      NoteRejected: throwing('TableUnavailable'),
    })
    expect(ending).toMatchObject({ status: 'FAILED', error: 'NotFits' })
    expect(ending.cause).toContain('The file is not FITS: text.')
    expect(ending.path.slice(-2)).toEqual(['NoteRejected', 'Failed'])
  })
})

describe('the definition', () => {
  const tasks = Object.entries<Record<string, never>>(definition.States).filter(([, { Type }]) => Type === 'Task')

  test('deals with every error of the table in every stage that may throw it', () => {
    for (const name of Object.keys(errors) as ErrorName[]) {
      const { stages: where, policy } = errors[name]
      for (const stage of where) {
        if (stage === 'intake') continue
        const { Retry, Catch } = definition.States[state(stage)]
        const listed = (list: { ErrorEquals: string[] }[]) => list.some(({ ErrorEquals }) => ErrorEquals.includes(name))
        expect([name, listed(Catch)]).toEqual([name, policy === 'reject'])
        expect([name, listed(Retry)]).toEqual([name, policy === 'retry'])
      }
    }
  })

  test.each(tasks)('%s ends in time, catches everything last, and keeps what it was given', (_, task) => {
    const { TimeoutSeconds, Catch } = task as unknown as {
      TimeoutSeconds: number
      Catch: { ErrorEquals: string[]; ResultPath: string }[]
    }
    expect(TimeoutSeconds).toBeGreaterThan(0)
    expect(Catch.at(-1)?.ErrorEquals).toEqual(['States.ALL'])
    for (const { ErrorEquals, ResultPath } of Catch.slice(0, -1)) {
      expect(ErrorEquals).not.toContain('States.ALL')
      expect(ResultPath).toMatch(/^\$\./)
    }
  })

  test('asks for nothing that the machine of one computer does not know', () => {
    expect(JSON.stringify(definition)).not.toMatch(/QueryLanguage|"Assign"|HeartbeatSeconds|\$\$\.State|\.sync|waitFor/)
  })
})

test('the sentence of an error survives the way through the machine', async () => {
  const { message } = new CpcsError('TooFewStars', { found: 3, needed: 8 })
  const { output } = await runMachine(frame, {
    Standardise: isNew,
    ...outcomes,
    Solve: throwing('TooFewStars', message),
  })
  expect(JSON.stringify(output)).toContain('Only 3 stars, 8 needed')
})
