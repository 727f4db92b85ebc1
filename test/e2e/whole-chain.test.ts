import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { StartExecutionCommand } from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cloud, startCloud } from '#local/cloud/cloud.ts'
import type { Run } from '#local/cloud/runs.ts'
import { synthesise } from '#local/cloud/synthesise.ts'
import { deadLetters, Subscriber } from '#local/show/notices.ts'
import { follow, importTable, lightCurve } from '#local/show/service.ts'
import { field, planCampaign, transient } from '#local/sky/campaign.ts'
import { observe } from '#local/sky/observe.ts'
import { makeStarField } from '#local/sky/star-field.ts'
import { gaiaTable, ps1Table } from '#local/sky/survey-tables.ts'

let cloud: Cloud

beforeAll(async () => {
  cloud = await startCloud({ assembly: await synthesise(), retryScale: 0 })
})

afterAll(() => cloud?.stop())

const put = (Key: string, Body: Uint8Array | string) =>
  cloud.clients.s3.send(new PutObjectCommand({ Bucket: cloud.outputs.InboxBucket, Key, Body }))

const runsOf = (key: string): Run[] =>
  cloud.runs().filter(run => (run.input as { raw: { key: string } }).raw.key === key)

const outcomeOf = (run: Run) => (run.output as { outcome: string }).outcome

/** Put objects, wait until all is done, and give the single run of each. */
async function runAll(objects: [string, Uint8Array | string][]): Promise<Run[]> {
  await Promise.all(objects.map(([key, bytes]) => put(key, bytes)))
  await cloud.settled()
  return objects.map(([key]) => {
    const runs = runsOf(key)
    expect(runs).toHaveLength(1)
    return runs[0]
  })
}

test('the synthesised stack runs as it is: every resource is known, every table and address is there', async () => {
  const again: string[] = []
  expect(await synthesise({ progress: line => again.push(line) })).toMatch(/assembly-[0-9a-f]{16}$/)
  expect(again).toEqual([]) // the same sources need no second synthesis
  const { Table } = await cloud.clients.dynamodb.send(new DescribeTableCommand({ TableName: cloud.outputs.TableName }))
  expect(Table?.TableStatus).toBe('ACTIVE')
  expect(Table?.GlobalSecondaryIndexes?.length).toBeGreaterThanOrEqual(3)
  const page = await fetch(`${cloud.url}/`)
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toContain('text/html')
  expect((await fetch(`${cloud.url}/api/nights`)).status).toBe(200)
})

describe('what is no frame', () => {
  const cases: [string, string, Uint8Array | string, string, RegExp][] = [
    ['a text file', 'shed/observing log.txt', 'clear until midnight\n', 'NotFits', /text/],
    ['an empty object', 'shed/empty.fits', new Uint8Array(0), 'EmptyObject', /empty/],
    [
      'half a header',
      'shed/half.fits',
      'SIMPLE  =                    T'.padEnd(80),
      'TruncatedFits|BrokenHeader|NotFits',
      /./,
    ],
  ]

  test('ends as rejected, with the reason in words, and is kept', async () => {
    const runs = await runAll(cases.map(([, key, bytes]) => [key, bytes]))
    for (const [index, [, key, bytes, error, reason]] of cases.entries()) {
      const run = runs[index]
      expect(run.status).toBe('SUCCEEDED')
      const told = run.output as { outcome: string; error: { name: string; reason: string } }
      expect(told.outcome).toBe('rejected')
      expect(told.error.name).toMatch(new RegExp(`^(${error})$`))
      expect(told.error.reason).toMatch(reason)
      expect(told.error.reason).not.toContain('errorType') // a sentence, not what Lambda wraps it in

      const { frameId } = run.input as { frameId: string }
      const answer = await fetch(`${cloud.url}/api/frames/${frameId}`)
      expect(await answer.json()).toMatchObject({ runs: [{ outcome: 'rejected', reason: told.error.reason }] })

      const { Body } = await cloud.clients.s3.send(
        new GetObjectCommand({ Bucket: cloud.outputs.InboxBucket, Key: key }),
      )
      expect((await Body!.transformToByteArray()).length).toBe(Buffer.byteLength(bytes))
    }
  })
})

describe('a frame', () => {
  // A night when the transient is near its brightest: every telescope must see it.
  const { request, key } = planCampaign().find(({ request }) => request && request.mjdStart > 61_100)!
  let objectId: string
  let subscriber: Subscriber
  let bytes: Uint8Array
  let targetMag: number

  beforeAll(async () => {
    const sky = makeStarField(field)
    subscriber = await Subscriber.join(cloud)
    await importTable(cloud, 'gaia_dr3', gaiaTable(sky))
    await importTable(cloud, 'ps1', ps1Table(sky))
    objectId = await follow(cloud, transient)
    const observed = observe(sky, transient, request!)
    bytes = observed.bytes
    targetMag = observed.truth.targetMag
  })

  test('delivered three times, put again and sent under another key makes one point and one notice', async () => {
    cloud.faults.deliveries = 3
    const copy = key.replace('/', '/copy-')
    const [first] = await runAll([[key, bytes]])
    expect([first.status, first.cause]).toEqual(['SUCCEEDED', undefined])
    expect(outcomeOf(first)).toBe('calibrated')

    await put(key, bytes)
    const [other] = await runAll([[copy, bytes]])
    cloud.faults.deliveries = 1
    expect(outcomeOf(other)).toBe('duplicate')
    expect(runsOf(key)).toHaveLength(1)

    const points = await lightCurve(cloud, objectId)
    expect(points).toHaveLength(1)
    const [{ mag, magErr, detected }] = points
    expect(detected).toBe(true)
    // the truth is what the simulator put there: within five of its own errors
    expect(Math.abs(mag! - targetMag)).toBeLessThan(5 * magErr!)
    expect(await subscriber.ids()).toHaveLength(1)
    expect(await deadLetters(cloud)).toBe(0)
  })

  test('shows its way through the stages', async () => {
    const [run] = runsOf(key)
    const shown = await (await fetch(`${cloud.url}/local/runs/${run.name}`)).json()
    const states = shown.states.map(({ state }: { state: string }) => state)
    for (const stage of ['Standardise', 'Solve', 'Measure', 'Calibrate', 'Record']) expect(states).toContain(stage)
    const largest = Math.max(...run.records.map(record => JSON.stringify(record).length))
    expect(largest).toBeLessThan(32 * 1024) // small JSON between the states, far below the 256 KiB of AWS
  })
})

describe('tiles of listed fields', () => {
  const fetchTiles = async () => {
    const { executionArn } = await cloud.clients.sfn.send(
      new StartExecutionCommand({ stateMachineArn: cloud.outputs.PrefetchMachineArn, input: '{}' }),
    )
    await cloud.settled()
    return cloud.runs().find(({ arn }) => arn === executionArn)!
  }

  test('without a list there is nothing to do', async () => {
    expect(await fetchTiles()).toMatchObject({ status: 'SUCCEEDED', output: { failed: 0 } })
  })

  test('what no service holds is told at the end, tile by tile tried in its own turn', async () => {
    const list = [{ name: 'a field', raDeg: 150, decDeg: 20, radiusDeg: 0.3, surveys: ['asas'] }]
    const Body = JSON.stringify(list)
    await cloud.clients.s3.send(new PutObjectCommand({ Bucket: cloud.outputs.TilesBucket, Key: 'fields.json', Body }))
    expect(await fetchTiles()).toMatchObject({
      status: 'FAILED',
      error: 'TilesUnavailable',
      cause: 'asas: TilesUnavailable',
    })
  })
})
