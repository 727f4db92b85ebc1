import { expect, test } from 'vitest'
import type { Report } from '#events/stages.ts'
import { unmeasured } from '../../cli/summary.ts'

const target = (name: string) => ({ name, raDeg: 10, decDeg: 20 })
const report = (names?: string[]) => ({ targets: names?.map(name => ({ name })) }) as unknown as Report

test('a target without a result is named, with the reason', () => {
  expect(unmeasured(report(['SN_2026a']), [target('SN 2026a'), target('HAT-P-32')])).toEqual([
    'HAT-P-32 was not measured: it lies outside the frame',
  ])
  const tried = { name: 'HAT-P-32', ra: 10, dec: 20, flags: ['maskedPixels'], reason: 'Too few pixels can be used.' }
  expect(unmeasured({ ...report([]), unmeasured: [tried] }, [target('HAT-P-32')])).toEqual([
    'HAT-P-32 was not measured: Too few pixels can be used.',
  ])
})

test('of a frame that did not come as far as its targets, nothing is said of them', () => {
  expect(unmeasured(report(), [target('SN 2026a')])).toEqual([])
})
