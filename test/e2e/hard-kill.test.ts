import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, test } from 'vitest'
import { startCloud } from '#local/cloud/cloud.ts'
import { synthesise } from '#local/cloud/synthesise.ts'
import { Subscriber } from '#local/show/notices.ts'
import { lightCurve } from '#local/show/service.ts'
import { transient } from '#local/sky/campaign.ts'
import { objectIdOf } from '#shared/object-id.ts'

const FRAMES = 2
const stateFolder = mkdtempSync(join(tmpdir(), 'cpcs-killed-'))
afterAll(() => rmSync(stateFolder, { recursive: true, force: true }))

test('a machine that loses its power in the middle of frames ends with every point once', async () => {
  const assembly = await synthesise()
  const program = join(import.meta.dirname, 'hard-kill-child.ts')
  const child = spawn(process.execPath, [program, assembly, stateFolder, String(FRAMES)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const state of createInterface(child.stdout)) if (state === 'Measure') break
  child.kill('SIGKILL')
  await once(child, 'exit')

  const cloud = await startCloud({ assembly, stateFolder })
  try {
    await cloud.settled()
    expect(cloud.runs().map(({ status }) => status)).toEqual(Array(FRAMES).fill('SUCCEEDED'))
    const resumed = cloud.runs().flatMap(({ records }) => records.filter(it => it.type === 'started' && it.resumed))
    expect(resumed.length).toBeGreaterThan(0)
    const subscriber = await Subscriber.join(cloud) // its queue was kept as well
    expect(await lightCurve(cloud, objectIdOf(transient.name))).toHaveLength(FRAMES)
    expect(new Set(await subscriber.ids()).size).toBe(FRAMES)
  } finally {
    await cloud.stop()
  }
})
