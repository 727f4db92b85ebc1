import { describe, expect, test } from 'vitest'
import { type Card, encodeCard, encodeHeader, Header, parseCard, parseHeader } from '#shared/fits/header.ts'

// What the FITS standard 4.0 (section 4) says of each spelling, and what cameras write in spite of it.
const spellings: [line: string, keyword: string, value: Card['value'], comment?: string][] = [
  ["OBJECT  = 'NGC 6946'           / target", 'OBJECT', 'NGC 6946', 'target'],
  ["OBSERVER= 'O''Hara  '          / a / slash", 'OBSERVER', "O'Hara", 'a / slash'],
  ["FILTER  = 'a / b'", 'FILTER', 'a / b'],
  ["EMPTY   = ''", 'EMPTY', ''],
  ['NAXIS   =                    2 /number of axes', 'NAXIS', 2, 'number of axes'],
  ['EXPTIME = 060.00 / seconds', 'EXPTIME', 60, 'seconds'],
  ['TELALT  = +62.592 / Altitude', 'TELALT', 62.592, 'Altitude'],
  ['EQUINOX =                2000.', 'EQUINOX', 2000],
  ['DOUBLE  = 1.25D+02', 'DOUBLE', 125],
  ['SMALL   = -.5e-3', 'SMALL', -0.0005],
  ['SIMPLE  =                    T', 'SIMPLE', true],
  ['FLAG    =                    F / no', 'FLAG', false, 'no'],
  ['UNDEF   =                      / nothing', 'UNDEF', null, 'nothing'],
  ['exptime =                 12.5', 'EXPTIME', 12.5],
  ['GAIN    =1.5', 'GAIN', 1.5],
  ['CAMERA  = ASI1600 / without quotes', 'CAMERA', 'ASI1600', 'without quotes'],
  ['HIERARCH ESO DET OUT1 CONAD = 2.18 / e/ADU', 'ESO DET OUT1 CONAD', 2.18, 'e/ADU'],
  ["HIERARCH ESO INS FILT1 NAME  = 'R_SPECIAL'", 'ESO INS FILT1 NAME', 'R_SPECIAL'],
  ['COMMENT   = is no value here', 'COMMENT', '  = is no value here'],
  ['HISTORY dark subtracted', 'HISTORY', 'dark subtracted'],
  ["OPEN    = 'no closing quote", 'OPEN', 'no closing quote'],
]

describe('a header card', () => {
  test.each(spellings)('%s', (line, keyword, value, comment) => {
    expect(parseCard(line.padEnd(80))).toEqual(comment ? { keyword, value, comment } : { keyword, value })
  })

  test('numbers that a program wrote as text are still numbers', () => {
    const header = new Header([
      { keyword: 'CAMTEMP', value: '11 C' },
      { keyword: 'SCALE', value: '1,25' },
      { keyword: 'TIME', value: '12:30:00' },
      { keyword: 'LEVEL', value: 'Unknown' },
    ])
    expect(header.number('CAMTEMP')).toBe(11)
    expect(header.number('SCALE')).toBe(1.25)
    expect(header.number('TIME')).toBeUndefined()
    expect(header.number('LEVEL')).toBeUndefined()
  })
})

describe('a header', () => {
  const cards: Card[] = [
    { keyword: 'SIMPLE', value: true, comment: 'conforms' },
    { keyword: 'LONG', value: `it's ${'long '.repeat(40)}enough`, comment: 'a long one' },
    { keyword: 'TINY', value: 1.2345678901234568e-10 },
    { keyword: 'BIG', value: 9007199254740991 },
    { keyword: 'NOTHING', value: null },
    { keyword: 'a long keyword', value: 3 },
    { keyword: 'HISTORY', value: 'made by hand' },
  ]

  test('comes back as it was written, long strings and all digits kept', () => {
    const bytes = encodeHeader(cards)
    expect(bytes.length % 2880).toBe(0)
    const parsed = parseHeader(bytes, 0)!
    expect(parsed.dataStart).toBe(bytes.length)
    expect(parsed.header.get('LONG')).toBe(`it's ${'long '.repeat(40)}enough`)
    expect(parsed.header.get('TINY')).toBe(1.2345678901234568e-10)
    expect(parsed.header.get('BIG')).toBe(9007199254740991)
    expect(parsed.header.get('NOTHING')).toBeNull()
    expect(parsed.header.get('A LONG KEYWORD')).toBe(3)
    expect(parsed.header.get('HISTORY')).toBe('made by hand')
  })

  test('no line is longer than 80 characters', () => {
    for (const card of cards) for (const line of encodeCard(card)) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('NUL bytes count as blanks, and the padding behind END may be missing', () => {
    const bytes = encodeHeader([{ keyword: 'OBJECT', value: 'M 67' }])
    const damaged = bytes.map(byte => (byte === 32 ? 0 : byte)).subarray(0, 160)
    expect(parseHeader(damaged, 0)!.header.get('OBJECT')).toBe('M 67')
  })

  test('of a keyword that occurs twice the first counts', () => {
    expect(
      new Header([
        { keyword: 'RA', value: 1 },
        { keyword: 'RA', value: 2 },
      ]).get('RA'),
    ).toBe(1)
  })

  test('without END there is none', () => {
    expect(parseHeader(new Uint8Array(2880).fill(32), 0)).toBeUndefined()
  })
})
