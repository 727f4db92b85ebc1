import { describe, expect, test } from 'vitest'
import { Board } from '#local/show/board.ts'
import { type Compared, deviation, pictureLines, tableLines } from '#local/show/light-curve-text.ts'
import { type Ended, expectedOf, judge } from '#local/show/verdict.ts'
import type { FrameRow } from '#shared/lightcurve/frames.ts'

describe('the verdict of the show', () => {
  const seen = ended({ targetMag: 16, targetSignalToNoise: 100 }, 'calibrated')
  const unseen = ended({ targetMag: 24, targetSignalToNoise: 0.1 }, 'limit')
  const curve: Compared[] = [compared(seen, { mag: 16.02 }), compared(unseen, { detected: false, mag: null })]

  test('all is right where every frame ended as its photons say and every magnitude is true within its error', () => {
    expect(judge([seen, unseen], curve, ['a', 'b'], ['a', 'b'], 0).map(check => check.ok)).toEqual(Array(6).fill(true))
  })

  test.each([
    ['a frame that failed', [{ ...seen, row: row('failed') }, unseen], curve, ['a', 'b'], ['a', 'b'], 0],
    ['a bright star that was missed', [{ ...seen, row: row('limit') }, unseen], curve, ['a', 'b'], ['a', 'b'], 0],
    ['a point that is missing', [seen, unseen], curve, ['a'], ['a'], 0],
    ['two points far off', [seen, unseen], Array(2).fill(compared(seen, { mag: 17 })), ['a', 'b'], ['a', 'b'], 0],
    [
      'a limit fainter than the star',
      [seen, unseen],
      [compared(seen, { detected: false, mag: null })],
      ['a', 'b'],
      ['a', 'b'],
      0,
    ],
    ['a notice told twice', [seen, unseen], curve, ['a', 'b', 'b'], ['a', 'b'], 0],
    ['a notice of another point', [seen, unseen], curve, ['a', 'c'], ['a', 'b'], 0],
    ['a message that nobody could work on', [seen, unseen], curve, ['a', 'b'], ['a', 'b'], 1],
  ] as [string, Ended[], Compared[], string[], string[], number][])(
    '%s is found',
    (_, all, points, notices, ids, dead) => {
      expect(judge(all, points, notices, ids, dead).some(check => !check.ok)).toBe(true)
    },
  )

  test('what must become of a delivery follows from what it is', () => {
    const delivery = { key: 'k', story: '' }
    expect(expectedOf({ delivery: { ...delivery, text: 'x' }, row: row('rejected') })).toEqual(['rejected'])
    expect(expectedOf({ delivery: { ...delivery, copyOf: 'k0' }, row: row('duplicate') })).toEqual(['duplicate'])
    expect(expectedOf(ended({ targetMag: 20, targetSignalToNoise: 3 }, 'limit'))).toEqual(['calibrated', 'limit'])
  })
})

describe('the light curve in letters', () => {
  test('a deviation counts in errors of the point, and a limit has none', () => {
    const one = ended({ targetMag: 16, targetSignalToNoise: 100 }, 'calibrated')
    expect(deviation(compared(one, { mag: 16.04 }))).toBeCloseTo(2, 9)
    expect(deviation(compared(one, { detected: false, mag: null }))).toBeUndefined()
    const lines = tableLines([compared(one, { mag: 16.04 }), compared(one, { detected: false, mag: null })])
    expect(lines[1]).toContain('16.040 ± 0.020')
    expect(lines[1]).toContain('+2.0 σ')
    expect(lines[2]).toContain('> 19.50')
  })

  test('brighter is higher, later is to the right', () => {
    const one = ended({ targetMag: 16, targetSignalToNoise: 100 }, 'calibrated')
    const faint = compared(one, { mag: 18, mjdUtcMid: 61100, band: 'g' }).point
    const bright = compared(one, { mag: 16, mjdUtcMid: 61110, band: 'r' }).point
    const lines = pictureLines([faint, bright], 40)
    const rowOf = (letter: string) => lines.findIndex(line => line.slice(9).includes(letter))
    expect(rowOf('r')).toBeLessThan(rowOf('g'))
    expect(lines[rowOf('r')].indexOf('r')).toBe(9 + 39)
    expect(lines[rowOf('g')].indexOf('g')).toBe(9)
    expect(pictureLines([])).toEqual([])
  })
})

describe('the board', () => {
  test('where nobody watches, each frame leaves one plain line', () => {
    const { written, out } = recorder(false)
    const frame = new Board(out).frame('alcor r')
    frame.entered('Solve')
    frame.ended({ ...row('calibrated'), standardiseSeconds: 0.21, solveSeconds: 0.5 }, 'r = 16.1')
    expect(written.join('')).toMatch(/^ {2}● calibrated\s+alcor r\s+0\.2 \+ 0\.5 s\s+r = 16\.1\n$/)
  })

  test('at a terminal a frame under way shows its stage, and its line gives way to the last one', () => {
    const { written, out } = recorder(true)
    const frame = new Board(out).frame('alcor r')
    frame.entered('Solve')
    expect(written.join('')).toContain('standardise ✓ solve …')
    frame.ended(row('rejected'), 'clouds')
    expect(written.join('').split('\x1b[1A\x1b[0J').at(-1)).toContain('clouds')
  })
})

function recorder(isTTY: boolean) {
  const written: string[] = []
  const out = { isTTY, columns: 120, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream
  return { written, out }
}

function row(outcome: string): FrameRow {
  return { frameId: 'f', outcome, status: 'recorded' } as unknown as FrameRow
}

function ended(truth: { targetMag: number; targetSignalToNoise: number }, outcome: string): Ended {
  return { delivery: { key: 'k', story: 'clear sky' }, row: row(outcome), truth: truth as Ended['truth'] }
}

function compared({ truth }: Ended, point: Partial<Compared['point']>): Compared {
  const plain = {
    mjdUtcMid: 61100,
    telescope: 'alcor',
    band: 'r',
    survey: 'ps1',
    detected: true,
    mag: 16,
    magErr: 0.02,
  }
  return { point: { ...plain, limit3Sigma: 20, limit5Sigma: 19.5, ...point }, truth }
}
