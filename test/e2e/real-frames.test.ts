import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SolveOutput } from '#events/stages.ts'
import { type Cloud, startCloud } from '#local/cloud/cloud.ts'
import { visitsOf } from '#local/cloud/runs.ts'
import { synthesise } from '#local/cloud/synthesise.ts'
import { Inbox } from '#local/show/inbox.ts'
import { follow, importTable, lightCurve } from '#local/show/service.ts'

const data = join(import.meta.dirname, '..', '..', '..', 'shared', 'data')
const folder = join(data, 'exotic_microobs')
const names = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.FITS')) : []

describe.skipIf(names.length === 0)('real frames put into the inbox (skipped where the data are absent)', () => {
  let cloud: Cloud

  beforeAll(async () => {
    cloud = await startCloud({ assembly: await synthesise(), retryScale: 0 })
    const table = readFileSync(join(data, 'tycho2_cutouts', 'tycho2_hatp32.ecsv'), 'utf8')
    await importTable(cloud, 'tycho2', table)
  })

  afterAll(() => cloud?.stop())

  test('six frames of MicroObservatory give six points of HAT-P-32', async () => {
    const objectId = await follow(cloud, { name: 'HAT-P-32', raDeg: 31.0427, decDeg: 46.6879 })
    const inbox = new Inbox(cloud)
    const rows = await Promise.all(
      names.map(name => inbox.put(`microobservatory/${name}`, readFileSync(join(folder, name)))),
    )
    expect(rows.map(({ outcome, reason }) => reason ?? outcome)).toEqual(names.map(() => 'calibrated'))
    for (const run of cloud.runs()) {
      const { wcs } = visitsOf(run).find(({ state }) => state === 'Solve')!.output as SolveOutput
      expect(wcs.matchedStars).toBeGreaterThanOrEqual(20)
      expect(wcs.medianResidualPx).toBeLessThan(0.3)
    }
    const points = await lightCurve(cloud, objectId)
    expect(points).toHaveLength(6)
    // HAT-P-32 has V = 11.29 (Hartman et al. 2011); a clear filter against VT is good to a few tenths
    for (const { mag } of points) expect(Math.abs(mag! - 11.3)).toBeLessThan(0.4)
  })
})
