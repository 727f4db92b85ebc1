import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { decodeEcsv, encodeEcsv } from '#shared/catalogue/ecsv.ts'
import { readPublished } from '#shared/catalogue/import.ts'
import { encodeParquet } from '#shared/catalogue/parquet.ts'
import { asNumbers, asText } from '#shared/catalogue/published-table.ts'
import { readTables } from '#shared/catalogue/read-tables.ts'
import { decodeSeparatedValues } from '#shared/catalogue/separated-values.ts'
import { surveyIds, surveys } from '#shared/catalogue/surveys/index.ts'
import { encodeTables } from '#shared/fits/table.ts'
import { image } from '../whole/bad-frames.ts'

const data = join(import.meta.dirname, '..', '..', '..', 'shared', 'data')
const bytes = (text: string) => new TextEncoder().encode(text)

describe('one table in every format', () => {
  const ra = Float64Array.of(10.5, 359.999, 0.25)
  const dec = Float64Array.of(-33.25, 89.5, -0.001)
  const mag = Float32Array.of(12.5, Number.NaN, 14.25)
  const id = BigInt64Array.of(4000000000000000123n, 4000000000000000124n, 9007199254740993n)
  const columns = [
    { name: 'source_id', data: id },
    { name: 'ra', data: ra },
    { name: 'dec', data: dec },
    { name: 'phot_g_mean_mag', data: mag },
  ]
  const csv =
    'source_id,ra,dec,phot_g_mean_mag\n4000000000000000123,10.5,-33.25,12.5\n4000000000000000124,359.999,89.5,\n"9007199254740993",0.25,-0.001,14.25\n'
  const votable = (body: string) => `<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE type="results"><TABLE>
    <FIELD name="source_id" datatype="long"/><FIELD name="ra" datatype="double" unit="deg"/>
    <FIELD name="dec" datatype="double"><DESCRIPTION>a &lt; b</DESCRIPTION></FIELD>
    <FIELD name="phot_g_mean_mag" datatype="float"/><DATA>${body}</DATA></TABLE></RESOURCE></VOTABLE>`
  const rows = `<TABLEDATA><TR><TD>4000000000000000123</TD><TD>10.5</TD><TD>-33.25</TD><TD>12.5</TD></TR>
    <TR><TD>4000000000000000124</TD><TD>359.999</TD><TD>89.5</TD><TD/></TR>
    <TR><TD>9007199254740993</TD><TD>0.25</TD><TD>-0.001</TD><TD> 14.25 </TD></TR></TABLEDATA>`
  const files: [string, Uint8Array][] = [
    ['CSV', bytes(csv)],
    ['CSV, gzipped', gzipSync(csv)],
    ['TSV with Windows line ends', bytes(csv.replaceAll(',', '\t').replaceAll('\n', '\r\n'))],
    ['ECSV', bytes(encodeEcsv(columns))],
    ['FITS', encodeTables([{ name: 'GAIA', columns }])],
    ['Parquet', encodeParquet(columns, 2)],
    ['VOTable, TABLEDATA', bytes(votable(rows))],
    ['VOTable, BINARY2', bytes(votable(binary2()))],
  ]
  function binary2(): string {
    const view = new DataView(new ArrayBuffer(3 * 29))
    for (let i = 0; i < 3; i++) {
      const at = 29 * i
      view.setUint8(at, Number.isNaN(mag[i]) ? 0x10 : 0) // fourth field null
      view.setBigInt64(at + 1, id[i])
      view.setFloat64(at + 9, ra[i])
      view.setFloat64(at + 17, dec[i])
      view.setFloat32(at + 25, mag[i])
    }
    return `<BINARY2><STREAM encoding="base64">${Buffer.from(view.buffer).toString('base64')}</STREAM></BINARY2>`
  }

  test.each(files)('%s', async (_, file) => {
    const stars = await readPublished(file, 'gaia_dr3')
    expect(stars.id).toEqual(['4000000000000000123', '4000000000000000124', '9007199254740993'])
    expect([...stars.raDeg]).toEqual([...ra])
    expect([...stars.decDeg]).toEqual([...dec])
    expect([...stars.mag.G]).toEqual([...mag])
    expect([...stars.epochYear]).toEqual([2016, 2016, 2016])
  })

  test('bytes that are no table are refused', async () => {
    await expect(readPublished(Uint8Array.of(1, 2, 0, 4), 'gaia_dr3')).rejects.toThrow('no Parquet, FITS')
    await expect(readPublished(bytes('a,b\n1,2\n'), 'gaia_dr3')).rejects.toThrow('no table has the columns of Gaia DR3')
    await expect(readPublished(bytes(''), 'gaia_dr3')).rejects.toThrow('no header line')
  })
})

describe('ECSV', () => {
  test('columns, units, descriptions and metadata survive', () => {
    const columns = [
      { name: 'n', data: Int32Array.of(1, -2) },
      { name: 'big', data: BigInt64Array.of(2n ** 62n, -1n) },
      { name: 'x', unit: 'pix', description: 'a "quoted", {curly} word: yes', data: Float64Array.of(0.1, Number.NaN) },
      { name: 'f', data: Float32Array.of(1.1, 2.5) },
      { name: 'word', data: ['', 'two words'] },
    ]
    const back = decodeEcsv(encodeEcsv(columns, { band: 'r', list: [1, 2], 'odd key': null }))
    for (const { name, data: values } of columns) expect(back.columns.get(name)).toEqual(values)
    expect(back.units.get('x')).toBe('pix')
    expect(back.descriptions.get('x')).toBe('a "quoted", {curly} word: yes')
    expect(back.meta).toEqual({ band: 'r', list: [1, 2], 'odd key': null })
  })

  test('decimals are cut where asked for', () => {
    expect(encodeEcsv([{ name: 'm', data: Float64Array.of(Math.PI), decimals: 3 }])).toMatch(/\nm\n3\.142\n$/)
  })

  const gaia = join(data, 'service_responses', 'utils', 'tap', 'model', 'tests', 'data', 'result_1.ecsv')
  test.skipIf(!existsSync(gaia))('the archive of Gaia writes block style, with commas', () => {
    const table = decodeEcsv(readFileSync(gaia, 'utf8'))
    const fields = readFileSync(gaia, 'utf8').trim().split('\n').slice(-1)[0].split(',')
    const names = [...table.columns.keys()]
    expect(table.columns.get('source_id')).toBeInstanceOf(BigInt64Array)
    expect(String(table.columns.get('source_id')?.at(-1))).toBe(fields[names.indexOf('source_id')])
  })
})

test('an image in FITS is told to hold no table', async () => {
  await expect(readTables(image(new Float32Array(16), 4))).rejects.toThrow('the FITS file holds no table')
})

describe('separated values', () => {
  test("VizieR's lines of units and dashes are no rows", () => {
    const text = '#Title\nRAJ2000;DEJ2000;Vmag\ndeg;deg;mag\n-------;-------;----\n010.5;-33.2;12.5\n011.5;+33.2;\n'
    const { count, columns } = decodeSeparatedValues(text)
    expect(count).toBe(2)
    expect([...asNumbers(columns.get('Vmag')!)]).toEqual([12.5, Number.NaN])
  })

  test('quotes hold delimiters, line ends and quotes', () => {
    const { columns } = decodeSeparatedValues('a,b\n"x, ""y""\nz",2\n')
    expect(columns.get('a')).toEqual(['x, "y"\nz'])
    expect(columns.get('b')).toEqual(['2'])
  })
})

describe('surveys', () => {
  test('sentinels, missing columns and absent errors do no harm', async () => {
    const text =
      'raMean,decMean,gMeanPSFMag,gMeanPSFMagErr,rMeanPSFMag,epochMean,nDetections\n10,20,-999,-999,15.5,56400,12\n11,21,16,0.01,99.9,,3\n'
    const stars = await readPublished(bytes(text), 'ps1')
    expect([...stars.mag.g]).toEqual([Number.NaN, 16])
    expect([...stars.mag.r]).toEqual([15.5, Number.NaN])
    expect(stars.magErr.r[0]).toBeGreaterThan(0)
    expect([...stars.clean]).toEqual([1, 0])
    expect(stars.epochYear[0]).toBeCloseTo(2000 + (56400 - 51544.5) / 365.25, 6)
    expect(stars.epochYear[1]).toBe(surveys.ps1.epochYear)
    expect(stars.id[0]).toBe('10.000000+20.000000')
  })

  test('columns that differ in case alone are kept apart', async () => {
    const stars = await readPublished(bytes('CoadID,RA_ICRS,DE_ICRS,Ymag,ymag\n1,10,-20,17,18\n'), 'des')
    expect(stars.mag.Y[0]).toBe(17)
  })

  test('each names bands that exist, within limits that leave room', () => {
    for (const id of surveyIds) {
      const survey = surveys[id]
      expect(survey.id).toBe(id)
      expect(Object.keys(survey.bands)).toContain(survey.mainBand)
      for (const band of Object.values(survey.bands)) expect(band.faint - band.bright).toBeGreaterThan(2)
    }
  })

  const cutouts = join(data, 'tycho2_cutouts')
  test.skipIf(!existsSync(cutouts))('Tycho-2 cut-outs with positions and VT alone are read', async () => {
    for (const name of readdirSync(cutouts)) {
      const file = readFileSync(join(cutouts, name))
      const stars = await readPublished(file, 'tycho2')
      const lines = file
        .toString()
        .trim()
        .split('\n')
        .filter(line => !line.startsWith('#'))
      expect(stars.count).toBe(lines.length - 1)
      expect(stars.mag.VT[0]).toBe(Number(lines[1].split(' ')[2]))
      expect(stars.epochYear[0]).toBe(2000)
      expect(stars.mag.BT).toBeUndefined()
    }
  })
})

describe('VOTables as services write them', () => {
  const torture = join(data, 'votable_torture')
  const read = (name: string) => readTables(readFileSync(join(torture, name)))

  test.skipIf(!existsSync(torture))('BINARY of VizieR', async () => {
    const [table] = await read('vizier_b2_votable.xml')
    expect(table.count).toBe(20)
    // the names tell the positions to a minute: PHRhhmm±ddmm
    const [ra, dec] = ['RAJ2000', 'DEJ2000'].map(name => asNumbers(table.columns.get(name)!))
    const names = asText(table.columns.get('Name')!)
    names.forEach((name, i) => {
      const parts = name.match(/^PHR(\d\d)(\d\d)([+-])(\d\d)(\d\d)$/)
      if (!parts) return
      const [, hours, minutes, sign, degrees, arcminutes] = parts
      expect(Math.abs(ra[i] - 15 * (Number(hours) + (Number(minutes) + 0.5) / 60))).toBeLessThan(0.26)
      const size = Number(degrees) + (Number(arcminutes) + 0.5) / 60
      expect(Math.abs(dec[i] - (sign === '-' ? -size : size))).toBeLessThan(0.03)
    })
  })

  test.skipIf(!existsSync(torture))(
    'broken and odd ones give tables or a reason, never a crash without words',
    async () => {
      for (const name of readdirSync(torture)) {
        if (name.endsWith('.txt')) continue
        const result = await read(name).catch(error => error)
        if (result instanceof Error) expect(result.message.length).toBeGreaterThan(10)
        else expect(result.length).toBeGreaterThan(0)
      }
    },
  )

  const vizier = join(data, 'service_responses', 'vizier', 'tests', 'data', 'viz.xml')
  test.skipIf(!existsSync(vizier))('many tables in one answer of VizieR', async () => {
    const tables = await readTables(readFileSync(vizier))
    expect(tables.length).toBeGreaterThan(50)
    expect(tables.every(table => [...table.columns.values()].every(column => column.length === table.count))).toBe(true)
  })
})
