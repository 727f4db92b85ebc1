import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Notice } from '#events/notice.ts'
import type { Point } from '#events/point.ts'
import { attributesOf, noticeOf } from '#shared/alert/notice.ts'

const example = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'events', 'examples', `${name}.json`), 'utf8'))
const [detection, limit] = example('points') as Point[]
const at = '2026-03-01T20:17:02.318Z'

describe('the notice of a point', () => {
  test('is the published example', () => {
    expect(noticeOf(detection, at)).toEqual(example('notice'))
    expect(JSON.parse(JSON.stringify(noticeOf(limit, at)))).toEqual(example('notice-limit'))
  })

  test('carries the identity of the point, so that a repetition is known as one', () => {
    expect(noticeOf(detection, at).id).toBe(noticeOf(detection, '2027-01-01T00:00:00.000Z').id)
  })

  test('an upper limit has a limiting magnitude and no magnitude, as GCN producers write it', () => {
    const notice = Notice.parse(noticeOf(limit, at))
    expect(notice).not.toHaveProperty('mag')
    expect(notice).toMatchObject({ limiting_mag: limit.limit5Sigma, limiting_mag_sigma: 5 })
  })

  test('of a place that could not be measured tells why, and passes no filter on magnitudes', () => {
    const { flux: _, fluxErr: __, ...place } = limit
    const nothing = { limit3Sigma: null, limit5Sigma: null, reason: 'Too few pixels: no flux.' }
    const notice = Notice.parse(
      JSON.parse(JSON.stringify(noticeOf({ ...place, flux: null, fluxErr: null, ...nothing }, at))),
    )
    expect(notice).toMatchObject({ event_name: limit.objectId, reason: 'Too few pixels: no flux.' })
    for (const value of ['flux', 'flux_error', 'mag', 'limiting_mag']) expect(notice).not.toHaveProperty(value)
    expect(attributesOf(notice)).toMatchObject({ result: { DataType: 'String', StringValue: 'unmeasured' } })
    expect(attributesOf(notice)).not.toHaveProperty('mag')
  })

  test('starts and stops half an exposure before and after the middle', () => {
    // 2026-03-01 is MJD 61100; 20:14:55 is 72895 s of 86400
    const middle = { ...detection, mjdUtcMid: 61100 + 72895 / 86400, exposureSeconds: 120 }
    expect(noticeOf(middle, at)).toMatchObject({
      observation_start: '2026-03-01T20:13:55.000Z',
      observation_stop: '2026-03-01T20:15:55.000Z',
    })
  })

  test('is archival for a frame of old', () => {
    expect(noticeOf(detection, at).alert_tense).toBe('current')
    expect(noticeOf(detection, '2026-03-08T20:17:02.318Z').alert_tense).toBe('archival')
  })

  test('stays below a hundredth of what SNS can carry', () => {
    expect(JSON.stringify(noticeOf(detection, at)).length).toBeLessThan(2_621)
  })
})

describe('the attributes of a notice', () => {
  test('are what subscribers filter on; numbers as numbers', () => {
    expect(attributesOf(noticeOf(detection, at))).toEqual({
      event_name: { DataType: 'String', StringValue: 'AT2026abc' },
      filter: { DataType: 'String', StringValue: 'r' },
      telescope: { DataType: 'String', StringValue: 'north' },
      alert_type: { DataType: 'String', StringValue: 'initial' },
      alert_tense: { DataType: 'String', StringValue: 'current' },
      result: { DataType: 'String', StringValue: 'detection' },
      mag: { DataType: 'Number', StringValue: '17.48210' },
    })
  })

  test('a limit has no magnitude to be brighter than', () => {
    expect(attributesOf(noticeOf(limit, at))).not.toHaveProperty('mag')
  })
})
