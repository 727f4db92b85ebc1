import { describe, expect, test } from 'vitest'
import { parseCone, parseRange, parseTarget } from '#cli/places.ts'
import { UsageError } from '#cli/usage.ts'

describe('places on the command line', () => {
  test.each([
    ['31.0427 46.6879 HAT-P-32', 31.0427, 46.6879, 'HAT-P-32'],
    ['02:04:10.2 +46:41:16 HAT-P-32 b', 31.0425, 46.68778, 'HAT-P-32 b'],
    ['0 -00:30:00', 0, -0.5, 'target'],
    ['359.999 -89.5', 359.999, -89.5, 'target'],
    ['12:30 -0:30', 187.5, -0.5, 'target'],
  ])('%s', (text, raDeg, decDeg, name) => {
    const target = parseTarget(text)
    expect(target.raDeg).toBeCloseTo(raDeg, 4)
    expect(target.decDeg).toBeCloseTo(decDeg, 4)
    expect(target.name).toBe(name)
  })

  test.each(['', '12', 'here there', '360 0', '10 91', '10:99:00 -1', '1:2:3:4 5', '0x10 5', '1e2 5', '10 -91'])(
    '"%s" is no position',
    text => expect(() => parseTarget(text)).toThrow(UsageError),
  )

  test('a cone needs a radius, a range its order', () => {
    expect(parseCone('10 20 0.5')).toEqual({ raDeg: 10, decDeg: 20, radiusDeg: 0.5 })
    expect(() => parseCone('10 20')).toThrow(UsageError)
    expect(parseRange('0.5 2')).toEqual({ low: 0.5, high: 2 })
    expect(() => parseRange('2 0.5')).toThrow(UsageError)
    // no scale lies between the two, and no camera beyond all
    expect(() => parseRange('0.6 0.6')).toThrow(/LOW below HIGH/)
    expect(() => parseRange('0.6 Infinity')).toThrow(UsageError)
  })
})
