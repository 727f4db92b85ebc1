import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { describe, expect, test } from 'vitest'
import { random } from '#shared/numeric/random.ts'
import { healpix29, healpixCell, healpixCentre, healpixCone, healpixRadiusDeg } from '#shared/sky/healpix.ts'

const RAD = Math.PI / 180
const fixtures = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'hats')

describe('HEALPix, nested', () => {
  test('the base cells lie where Górski et al. 2005, figure 4, puts them', () => {
    // cells 0-3 around the north pole, 4-7 on the equator (4 at longitude 0), 8-11 around the south pole
    for (let face = 0; face < 4; face++) {
      expect(healpixCell(0, 45 + 90 * face, 41.81)).toBe(face)
      expect(healpixCell(0, 90 * face, 0)).toBe(4 + face)
      expect(healpixCell(0, 45 + 90 * face, -41.81)).toBe(8 + face)
    }
  })

  test('centres follow the closed forms of the rings', () => {
    // order 1: the ring nearest the pole has z = 1 − 1/(3·4), eq. 4 of Górski et al. 2005; the equator has z = 0
    const [raDeg, decDeg] = healpixCentre(1, 3)
    expect(raDeg).toBeCloseTo(45, 12)
    expect(Math.sin(decDeg * RAD)).toBeCloseTo(1 - 1 / 12, 14)
    expect(healpixCentre(0, 4)).toEqual([0, 0])
  })

  test('the poles belong to the corner cells of the polar faces at every order', () => {
    for (const order of [0, 1, 5, 13, 24]) {
      expect(healpixCell(order, 10, 90)).toBe(4 ** order - 1)
      expect(healpixCell(order, 100, -90)).toBe(9 * 4 ** order)
    }
    expect(healpix29(10, 90)).toBe((1n << 58n) - 1n)
  })

  test('a centre lies in its own cell, and orders nest', () => {
    const draw = random('healpix')
    for (let i = 0; i < 3000; i++) {
      const raDeg = 360 * draw.uniform()
      const decDeg = Math.asin(2 * draw.uniform() - 1) / RAD
      const fine = healpix29(raDeg, decDeg)
      for (const order of [0, 3, 8, 17, 24])
        expect(BigInt(healpixCell(order, raDeg, decDeg))).toBe(fine >> BigInt(2 * (29 - order)))
      expect(healpix29(...healpixCentre(29, fine))).toBe(fine)
      const cell = healpixCell(9, raDeg, decDeg)
      expect(healpixCell(9, ...healpixCentre(9, cell))).toBe(cell)
    }
  })

  test('cells have equal areas', () => {
    const draw = random('area')
    const counts = new Float64Array(48)
    for (let i = 0; i < 96000; i++)
      counts[healpixCell(1, 360 * draw.uniform() - 180, Math.asin(2 * draw.uniform() - 1) / RAD)]++
    // chi squared over 47 degrees of freedom: 47 ± 5·√94
    const chi2 = counts.reduce((sum, n) => sum + (n - 2000) ** 2 / 2000, 0)
    expect(chi2).toBeLessThan(96)
  })

  test('a cone never misses a cell that holds one of its points', () => {
    const draw = random('cone')
    const cones = [
      { raDeg: 0.1, decDeg: 0, radiusDeg: 1 },
      { raDeg: 200, decDeg: 89.9, radiusDeg: 0.5 },
      { raDeg: 300, decDeg: -88, radiusDeg: 3 },
      { raDeg: 45, decDeg: 41.8, radiusDeg: 0.05 },
      { raDeg: 10, decDeg: 10, radiusDeg: 120 },
    ]
    for (const cone of cones)
      for (const order of [0, 3, 6]) {
        if (cone.radiusDeg > 10 && order > 3) continue
        const cells = new Set(healpixCone(order, cone))
        for (let i = 0; i < 500; i++) {
          const [raDeg, decDeg] = offset(cone, cone.radiusDeg * Math.sqrt(draw.uniform()), 2 * Math.PI * draw.uniform())
          expect(cells.has(healpixCell(order, raDeg, decDeg))).toBe(true)
        }
      }
    // and it is not the whole sky: at order 6 a cell is 0.92° wide
    expect(healpixCone(6, cones[3]).length).toBeLessThan(16)
    expect(healpixRadiusDeg(6)).toBeLessThan(2 * 0.92)
  })

  test.skipIf(!existsSync(fixtures))('the index agrees with the one HATS catalogues carry', async () => {
    let compared = 0
    let equal = 0
    for (const file of leavesBelow(fixtures)) {
      const bytes = readFileSync(file)
      const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
      const rows = await parquetReadObjects({ file: buffer as ArrayBuffer, compressors })
      for (const row of rows) {
        const raDeg = row.source_ra ?? row.ra
        const decDeg = row.source_dec ?? row.dec
        if (row._healpix_29 === undefined || raDeg === undefined) continue
        compared++
        if (healpix29(raDeg, decDeg) === BigInt(row._healpix_29)) equal++
      }
    }
    expect(compared).toBeGreaterThan(10000)
    expect(equal / compared).toBeGreaterThan(0.999)
  })
})

function leavesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => /Npix=\d+\.parquet$/.test(name))
    .map(name => join(folder, name))
}

function offset(cone: { raDeg: number; decDeg: number }, distanceDeg: number, angle: number): [number, number] {
  const d = distanceDeg * RAD
  const dec0 = cone.decDeg * RAD
  const dec = Math.asin(Math.sin(dec0) * Math.cos(d) + Math.cos(dec0) * Math.sin(d) * Math.cos(angle))
  const ra = Math.atan2(Math.sin(angle) * Math.sin(d) * Math.cos(dec0), Math.cos(d) - Math.sin(dec0) * Math.sin(dec))
  return [cone.raDeg + ra / RAD, dec / RAD]
}
