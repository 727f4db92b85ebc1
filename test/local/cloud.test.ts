import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn'
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cloud, startCloud } from '#local/cloud/cloud.ts'
import type { Run } from '#local/cloud/runs.ts'
import { smallFunctions, smallTemplate, writeAssembly } from './small-stack.ts'

let assembly: string
let cloud: Cloud
const said: string[] = []

beforeAll(async () => {
  assembly = writeAssembly(smallTemplate(), smallFunctions)
  cloud = await startCloud({ assembly, retryScale: 0, visibilitySeconds: 1, progress: line => said.push(line) })
})

afterAll(async () => {
  await cloud?.stop()
  rmSync(assembly, { recursive: true, force: true })
})

/** Run the machine to its end. */
async function run(input: object): Promise<Run> {
  const name = `run-${cloud.runs().length}`
  await cloud.clients.sfn.send(
    new StartExecutionCommand({ stateMachineArn: cloud.outputs.Machine, name, input: JSON.stringify(input) }),
  )
  await cloud.settled()
  return cloud.run(name)!
}

const put = (Key: string, Body: string | Uint8Array = 'pixels') =>
  cloud.clients.s3.send(new PutObjectCommand({ Bucket: cloud.outputs.Inbox, Key, Body }))

const receive = async (QueueUrl: string) =>
  (await cloud.clients.sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))).Messages ?? []

describe('the template', () => {
  test('gives physical names that are the same every time, and those that it names itself', () => {
    expect(cloud.outputs.Inbox).toBe('small-test-inbox')
    expect(cloud.outputs.Table).toBe('Small-Table')
    expect(cloud.outputs.Machine).toBe('arn:aws:states:us-east-1:000000000000:stateMachine:Small-Machine')
    expect(cloud.physicalName('Alert')).toBe('Small-Alerts')
  })

  test('leaves out what its conditions leave out', async () => {
    await expect(receive(cloud.outputs.Alerts.replace('Alerts', 'Absent'))).rejects.toThrow(/not exist/)
  })

  test('is started step by step in words', () => expect(said.at(-1)).toBe('The local cloud is up'))
})

describe('an object put into the bucket', () => {
  test('becomes a run, with size, ETag and version as S3 tells them', async () => {
    await put('in/a b+c.fits', new Uint8Array(1234))
    await cloud.settled()
    const { status, output } = cloud.run('a_b_c_fits')!
    expect(status).toBe('SUCCEEDED')
    expect((output as { work: { answer: { echo: object } } }).work.answer.echo).toEqual({
      do: 'ok',
      key: 'in/a+b%2Bc.fits', // as in the events of S3: blanks are plus signs, plus signs are encoded
      size: 1234,
      eTag: createHash('md5').update(new Uint8Array(1234)).digest('hex'),
      versionId: 'string',
    })
  })

  test('is told of only where the filter matches', async () => {
    const before = cloud.runs().length
    await put('elsewhere/x.fits')
    await cloud.settled()
    expect(cloud.runs().length).toBe(before)
  })

  test('may be empty, larger than 11 MiB, or come in parts', async () => {
    const big = new Uint8Array(20 << 20).fill(7)
    await put('in/empty', new Uint8Array(0))
    await put('in/big', big)
    const to = { Bucket: cloud.outputs.Inbox, Key: 'in/parts' }
    const { UploadId } = await cloud.clients.s3.send(new CreateMultipartUploadCommand(to))
    const { ETag } = await cloud.clients.s3.send(
      new UploadPartCommand({ ...to, UploadId, PartNumber: 1, Body: Buffer.from(big.subarray(0, 6 << 20)) }),
    )
    await cloud.clients.s3.send(
      new CompleteMultipartUploadCommand({ ...to, UploadId, MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] } }),
    )
    await cloud.settled()
    expect(['empty', 'big', 'parts'].map(name => (cloud.run(name)!.input as { size: number }).size)).toEqual([
      0,
      20 << 20,
      6 << 20,
    ])
    const { Body } = await cloud.clients.s3.send(
      new GetObjectCommand({ Bucket: cloud.outputs.Inbox, Key: 'in/big', Range: 'bytes=-3' }),
    )
    expect([...(await Body!.transformToByteArray())]).toEqual([7, 7, 7])
  })

  test('never leads out of its bucket', async () => {
    const request = httpRequest(`${cloud.environment.AWS_ENDPOINT_URL}/${cloud.outputs.Inbox}/`, {
      method: 'PUT',
      path: `/${cloud.outputs.Inbox}/a/%2e%2e/../../outside`,
    })
    request.end('x')
    const [{ statusCode }] = await once(request, 'response')
    expect(statusCode).toBe(400)
  })

  test('is written once where the put says so, whoever else writes', async () => {
    const once = (Body: string) =>
      cloud.clients.s3.send(new PutObjectCommand({ Bucket: cloud.outputs.Inbox, Key: 'once', Body, IfNoneMatch: '*' }))
    const results = await Promise.allSettled(['a', 'b', 'c'].map(once))
    const refused = results.filter(result => result.status === 'rejected')
    expect(refused.map(({ reason }) => reason.name)).toEqual(['PreconditionFailed', 'PreconditionFailed'])
  })
})

describe('a message', () => {
  test('that the function reports as failed comes back and ends among the dead letters', async () => {
    await put('in/poison')
    await cloud.settled()
    const dead = await receive(cloud.outputs.DeadLetters)
    expect(dead.map(({ Body }) => JSON.parse(Body!).Records[0].s3.object.key)).toEqual(['in/poison'])
  })

  test('delivered three times at once makes one run', async () => {
    cloud.faults.deliveries = 3
    const before = cloud.runs().length
    await put('in/thrice')
    await cloud.settled()
    cloud.faults.deliveries = 1
    expect(cloud.runs().length).toBe(before + 1)
  })
})

describe('a function', () => {
  test('sees the variables of the template and of Lambda, and none of this machine', async () => {
    const { output } = await run({ do: 'environment' })
    const names = (output as { work: { answer: string[] } }).work.answer
    expect(names).toContain('STAGE')
    expect(names).toContain('AWS_ENDPOINT_URL_SFN')
    expect(names).not.toContain('HOME')
    expect(names).not.toContain('PATH')
  })

  test('gets a context like that of Lambda', async () => {
    const { output } = await run({ do: 'context' })
    expect((output as { work: { answer: object } }).work.answer).toMatchObject({
      functionName: 'Small-Worker',
      memoryLimitInMB: '128',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:Small-Worker',
      left: expect.toSatisfy((ms: number) => ms > 0 && ms <= 2000),
    })
  })

  test('that throws is caught by the name of its error, with the cause as JSON', async () => {
    const { status, output } = await run({ do: 'reject' })
    const { cause, whole } = output as {
      cause: { errorType: string; errorMessage: string; trace: string[] }
      whole: string
    }
    expect(status).toBe('SUCCEEDED')
    expect(cause.errorType).toBe('Rejected')
    expect(cause.errorMessage).toBe('"clouds" \\ and\nrain')
    expect(cause.trace[0]).toContain('Rejected')
    // States.JsonToString must give JSON that reads back, also with quotation marks and backslashes inside
    expect(JSON.parse(JSON.parse(whole).Cause)).toEqual(cause)
  })

  test.each([
    ['hang', 'Sandbox.Timedout', /Task timed out after 2\.00 seconds/],
    ['exit', 'Lambda.Unknown', /Runtime exited with error: exit status 3/],
    ['hoard', 'Lambda.Unknown', /Runtime exited with error: signal: killed/],
    ['text', 'string', /just words/],
    ['big', 'States.DataLimitExceeded', /exceeding the maximum number of bytes/],
  ])('that must %s ends the run with %s', async (deed, error, cause) => {
    const ended = await run({ do: deed })
    expect(ended.status).toBe('FAILED')
    expect(ended.error).toBe(error)
    expect(ended.cause).toMatch(cause)
    expect((await run({ do: 'ok' })).status).toBe('SUCCEEDED') // another environment took its place
  })

  test('whose answer is too long only together with the input fails the run as well', async () => {
    const ended = await run({ do: 'half', more: 'y'.repeat(100 * 1024) })
    expect([ended.status, ended.error]).toEqual(['FAILED', 'States.DataLimitExceeded'])
  })

  test('is tried again as the machine says', async () => {
    const { status, records } = await run({ do: 'busy' })
    expect(status).toBe('SUCCEEDED')
    expect(records.filter(({ type }) => type === 'retried').length).toBe(2)
  })
})

describe('the integrations', () => {
  test('store an item once and tell the subscribers whose filter matches', async () => {
    for (const band of ['r', 'g']) await run({ do: 'ok', point: `OBJ#${band}`, band })
    const again = await run({ do: 'ok', point: 'OBJ#r', band: 'r' })
    expect((again.output as { error: { Error: string } }).error.Error).toBe('DynamoDB.ConditionalCheckFailedException')
    const { Item } = await cloud.clients.dynamodb.send(
      new GetItemCommand({ TableName: cloud.outputs.Table, Key: { pk: { S: 'OBJ#r' }, sk: { S: 'POINT' } } }),
    )
    expect(Item?.night.S).toBe('20260301')
    const { Count } = await cloud.clients.dynamodb.send(
      new QueryCommand({
        TableName: cloud.outputs.Table,
        IndexName: 'night',
        KeyConditionExpression: 'night = :n',
        ExpressionAttributeValues: { ':n': { S: '20260301' } },
      }),
    )
    expect(Count).toBe(2)
    const notices = await receive(cloud.outputs.Alerts)
    expect(notices.map(({ Body }) => JSON.parse(Body!).point)).toEqual(['OBJ#r'])
  })
})

describe('the API of Step Functions', () => {
  test('describes, lists and tells the history of runs', async () => {
    const { arn, name } = await run({ do: 'ok' })
    const described = await cloud.clients.sfn.send(new DescribeExecutionCommand({ executionArn: arn }))
    expect(described).toMatchObject({ name, status: 'SUCCEEDED', input: '{"do":"ok"}' })
    expect(described.stateMachineArn).toBe(cloud.outputs.Machine)
    expect(described.stopDate).toBeInstanceOf(Date)
    const { executions } = await cloud.clients.sfn.send(
      new ListExecutionsCommand({ stateMachineArn: cloud.outputs.Machine, statusFilter: 'SUCCEEDED', maxResults: 1 }),
    )
    expect(executions?.length).toBe(1)
    const { events } = await cloud.clients.sfn.send(new GetExecutionHistoryCommand({ executionArn: arn }))
    expect(events!.map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSucceeded',
      'TaskStateExited',
      'ChoiceStateEntered',
      'ChoiceStateExited',
      'SucceedStateEntered',
      'SucceedStateExited',
      'ExecutionSucceeded',
    ])
    expect(events!.map(({ id }) => id)).toEqual(events!.map((_, index) => index + 1))
  })
})

describe('the Function URL', () => {
  test('hands over requests in payload format 2.0 and gives back status, headers, cookies and body', async () => {
    expect(cloud.outputs.Url).toBe(`${cloud.url}/`)
    const response = await fetch(`${cloud.url}/a/b%20c?x=1&x=2&y=%26`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', cookie: 'k=v; l=w' },
      body: new Uint8Array([0, 255]),
    })
    expect(response.status).toBe(201)
    expect(response.headers.getSetCookie()).toEqual(['a=1'])
    expect(await response.json()).toMatchObject({
      version: '2.0',
      rawPath: '/a/b%20c',
      rawQueryString: 'x=1&x=2&y=%26',
      queryStringParameters: { x: '1,2', y: '&' },
      cookies: ['k=v', 'l=w'],
      requestContext: { http: { method: 'POST', path: '/a/b%20c' } },
      body: 'AP8=',
      isBase64Encoded: true,
    })
  })

  test('carries binary answers, bare answers and failures', async () => {
    const picture = await fetch(`${cloud.url}/picture`)
    expect([...new Uint8Array(await picture.arrayBuffer())]).toEqual([137, 80, 0, 255])
    expect(await (await fetch(`${cloud.url}/bare`)).json()).toEqual({ hello: 'world' })
    expect((await fetch(`${cloud.url}/fails`)).status).toBe(502)
  })

  test('allows other origins as its Cors says', async () => {
    const response = await fetch(`${cloud.url}/bare`, { headers: { origin: 'http://elsewhere' } })
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })

  test('shows runs below /local/', async () => {
    const { name } = await run({ do: 'busy', frameId: 'abcdef' })
    const { runs } = await (await fetch(`${cloud.url}/local/runs?frame=abc`)).json()
    expect(runs.map((row: { name: string }) => row.name)).toEqual([name])
    const shown = await (await fetch(`${cloud.url}/local/runs/${name}`)).json()
    expect(shown.states.map(({ state, attempts }: { state: string; attempts: number }) => [state, attempts])).toEqual([
      ['Work', 3],
      ['IsPoint', 1],
      ['Done', 1],
    ])
    expect((await fetch(`${cloud.url}/local/runs/none`)).status).toBe(404)
  })
})

test('nothing is left after a stop: no server, no thread', async () => {
  const other = await startCloud({ assembly, ports: { url: 0 } })
  await fetch(`${other.url}/bare`)
  await other.stop()
  await expect(fetch(`${other.url}/bare`)).rejects.toThrow()
  await expect(fetch(other.environment.AWS_ENDPOINT_URL)).rejects.toThrow()
  await expect(fetch(other.environment.AWS_ENDPOINT_URL_DYNAMODB)).rejects.toThrow()
})
