import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { StartExecutionCommand } from '@aws-sdk/client-sfn'
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import { afterAll, expect, test } from 'vitest'
import { connect } from '#local/cloud/clients.ts'
import { startCloud } from '#local/cloud/cloud.ts'
import { scratchFolder, smallFunctions, smallTemplate, writeAssembly } from './small-stack.ts'

const assembly = writeAssembly(smallTemplate(), {
  ...smallFunctions,
  // A worker that never ends: the process is killed while a run is in its state.
  bbbb: 'export const handler = () => new Promise(() => {})',
})
const working = writeAssembly(smallTemplate(), smallFunctions)
const stateFolder = scratchFolder()

afterAll(() => {
  for (const folder of [assembly, working, stateFolder]) rmSync(folder, { recursive: true, force: true })
})

test('objects, messages, items and runs outlive a killed process, and a broken run goes on', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'persistence-child.ts'), assembly, stateFolder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface(child.stdout), 'line')
  const { outputs, environment } = JSON.parse(line) as Record<'outputs' | 'environment', Record<string, string>>
  const { s3, sqs, dynamodb, sfn } = connect(environment)
  const key = { pk: { S: 'a' }, sk: { S: 'b' } }
  await s3.send(new PutObjectCommand({ Bucket: outputs.Inbox, Key: 'kept/a b', Body: 'pixels' }))
  await sqs.send(new SendMessageCommand({ QueueUrl: outputs.Alerts, MessageBody: 'a message' }))
  await dynamodb.send(new PutItemCommand({ TableName: outputs.Table, Item: { ...key, mjd: { N: '60000.123456789' } } }))
  const start = { stateMachineArn: outputs.Machine, name: 'broken-off', input: '{"do":"ok"}' }
  await sfn.send(new StartExecutionCommand(start))
  child.kill('SIGKILL')
  await once(child, 'exit')

  const cloud = await startCloud({ assembly: working, stateFolder })
  try {
    await cloud.settled()
    await expect(startCloud({ assembly: working, stateFolder })).rejects.toThrow(`in use by process ${process.pid}`)
    const run = cloud.run('broken-off')!
    expect(run.status).toBe('SUCCEEDED')
    expect(run.output).toMatchObject({ do: 'ok', work: { answer: { echo: { do: 'ok' } } } })

    const { Body } = await cloud.clients.s3.send(new GetObjectCommand({ Bucket: outputs.Inbox, Key: 'kept/a b' }))
    expect(await Body!.transformToString()).toBe('pixels')
    const { Messages } = await cloud.clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: cloud.outputs.Alerts }))
    expect(Messages?.map(message => message.Body)).toEqual(['a message'])
    const { Item } = await cloud.clients.dynamodb.send(new GetItemCommand({ TableName: outputs.Table, Key: key }))
    expect(Item?.mjd.N).toBe('60000.123456789')
    await expect(
      cloud.clients.sfn.send(new StartExecutionCommand({ ...start, input: '{"do":"other"}' })),
    ).rejects.toThrow(expect.objectContaining({ name: 'ExecutionAlreadyExists' }))
  } finally {
    await cloud.stop()
  }

  const changed = smallTemplate()
  const table = changed.Resources.Table.Properties as { GlobalSecondaryIndexes: { IndexName: string }[] }
  table.GlobalSecondaryIndexes[0].IndexName = 'other'
  const other = writeAssembly(changed, smallFunctions)
  await expect(startCloud({ assembly: other, stateFolder })).rejects.toThrow(/Table: the kept state has this table/)
  rmSync(other, { recursive: true, force: true })
})
