import { XMLParser } from 'fast-xml-parser'
import { parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import type { Point } from '#events/point.ts'
import { decodeVotable } from '#shared/catalogue/votable.ts'
import { columns, toAavso, toCsv, toJson, toParquet, toVotable } from '#shared/lightcurve/exports.ts'
import { example } from './emulated.ts'

const [seen, unseen] = example<Point[]>('points')
const points = [seen, { ...unseen, objectId: seen.objectId, filterName: 'r, "Sloan"' }]

describe('a light curve as a file', () => {
  test('as CSV has a line per point under a header, quotes what needs it, and leaves empty what is not known', () => {
    const [header, first, second, end] = toCsv('AT2026abc', points).split('\r\n')
    expect(header.split(',').slice(0, 6)).toEqual(['object', 'mjd_utc', 'date_obs_utc', 'band', 'mag', 'mag_err'])
    expect(first).toMatch(/^AT2026abc,61100\.84369213,2026-03-01T20:13:55\.000Z,r,17\.4821,0\.0123,/)
    expect(second).toContain(',r,,,,,false,21.19,20.63,')
    expect(second).toContain(',"r, ""Sloan""",')
    expect(end).toBe('')
  })

  test('as JSON has a list per column, and says what each column is', () => {
    const { data, count, columns: described } = JSON.parse(toJson('AT2026abc', points))
    expect(count).toBe(2)
    expect(data.mag).toEqual([17.4821, null])
    expect(data.flags).toEqual(['forcedPosition colourAssumed', 'forcedPosition colourAssumed'])
    expect(described.map((column: { name: string }) => column.name)).toEqual(Object.keys(data))
  })

  test('as VOTable is well-formed and says the same to a reader of VOTables', () => {
    const text = toVotable('AT2026abc & friends', points)
    const { VOTABLE } = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(text)
    expect(VOTABLE.RESOURCE.TIMESYS).toMatchObject({ timescale: 'UTC', timeorigin: 'MJD-origin' })
    expect(VOTABLE.RESOURCE.TABLE.DESCRIPTION).toContain('AT2026abc & friends')
    expect(VOTABLE.RESOURCE.TABLE.FIELD).toHaveLength(columns.length)
    const [table] = decodeVotable(text)
    expect(Array.from(table.columns.get('mag') as ArrayLike<number>)).toEqual([17.4821, NaN])
    expect(Array.from(table.columns.get('mjd_utc') as ArrayLike<number>)).toEqual([61100.84369213, 61100.84369213])
    expect(table.columns.get('filter')).toEqual(["r'", 'r, "Sloan"'])
  })

  test('as Parquet says the same to a reader of Parquet, nothing rounded', async () => {
    const bytes = toParquet('AT2026abc', points)
    const rows = await parquetReadObjects({ file: bytes.buffer as ArrayBuffer })
    expect(rows).toHaveLength(2)
    expect(rows[0]).toMatchObject({ mag: 17.4821, mjd_utc: points[0].mjdUtcMid, detected: true, band: 'r' })
    expect(rows[1].mag ?? null).toBeNull()
    expect(Object.keys(rows[0])).toEqual(columns.map(({ name }) => name))
  })

  test('as AAVSO Extended has the six headers, Julian dates, the code of the band, and limits as "<"', () => {
    const lines = toAavso('AT_2026abc', points, 'ABC').trimEnd().split('\n')
    expect(lines.slice(0, 6).map(line => line.slice(1).split('=')[0])).toEqual([
      'TYPE',
      'OBSCODE',
      'SOFTWARE',
      'DELIM',
      'DATE',
      'OBSTYPE',
    ])
    // MJD 61100.84369 is JD 2461101.34369
    const tail = 'STD,ENSEMBLE,na,na,na,1.31,na,na,142 stars of ps1'
    expect(lines[7]).toBe(`AT 2026abc,2461101.34369,17.482,0.012,SR,YES,${tail}`)
    expect(lines[8]).toBe(`AT 2026abc,2461101.34369,<21.190,na,SR,YES,${tail}`)
    for (const line of lines.slice(7)) expect(line.split(',')).toHaveLength(lines[6].split(',').length)
  })

  test('for the AAVSO leaves out what it has no code for and what was not calibrated', () => {
    const without = [
      { ...seen, band: 'clear' },
      { ...seen, magSystem: 'instrumental' as const },
      { ...unseen, limit3Sigma: null },
    ]
    expect(toAavso('AT2026abc', without).trimEnd().split('\n')).toHaveLength(7)
  })

  test.each([toCsv, toJson, toVotable, toParquet, toAavso])(
    '%o of an object without points is an empty file of its kind',
    encode => expect(encode('AT2026abc', []).length).toBeGreaterThan(10),
  )
})
