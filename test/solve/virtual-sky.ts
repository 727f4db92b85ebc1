import { expect } from 'vitest'
import type { SolveDeps } from '#functions/solve/solve.ts'
import { writeQuads } from '#shared/astrometry/index-survey.ts'
import { openQuadSky } from '#shared/astrometry/quad-index.ts'
import type { Cone, ReferenceStars, Tiles } from '#shared/catalogue/reference.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import type { TargetRegistry } from '#shared/lightcurve/targets.ts'
import { random } from '#shared/numeric/random.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { pixelToSky, skyToPixel } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import type { Star } from '../image/virtual-stars.ts'

export const SIZE = 512
const SCALE = 1.2 / 3600
/** Where the frame truly points. */
export const TRUTH: Wcs = {
  crvalRaDeg: 359.98,
  crvalDecDeg: 41.3,
  crpixX: (SIZE - 1) / 2,
  crpixY: (SIZE - 1) / 2,
  cd: [0.6 * SCALE, 0.8 * SCALE, 0.8 * SCALE, -0.6 * SCALE],
}
const PROPER_MOTION = 400 // mas a year, of every star: no solution is right without it

/** A sky of stars at 2016.0 which have moved to their pixels by 2024.5. */
export function virtualSky(count: number): { stars: Star[]; catalogue: ReferenceStars } {
  const draw = random(count)
  const rows = Array.from({ length: count * 9 }, () => {
    const x = (3 * draw.uniform() - 1) * SIZE
    const y = (3 * draw.uniform() - 1) * SIZE
    const [ra, dec] = pixelToSky(TRUTH, x, y)
    return { x, y, ra, dec: dec - (PROPER_MOTION * 8.5) / 3.6e6, mag: 16 + Math.log2(0.02 + draw.uniform()) }
  }).sort((a, b) => a.mag - b.mag)
  const column = (value: (row: (typeof rows)[number]) => number) => Float64Array.from(rows, value)
  const catalogue: ReferenceStars = {
    survey: 'gaia_dr3',
    count: rows.length,
    id: rows.map((_, i) => String(i)),
    raDeg: column(row => row.ra),
    decDeg: column(row => row.dec),
    raErrMas: column(() => 0.1),
    decErrMas: column(() => 0.1),
    pmRaMasPerYear: column(() => 0),
    pmDecMasPerYear: column(() => PROPER_MOTION),
    pmErrMasPerYear: column(() => 0.1),
    parallaxMas: column(() => 0),
    epochYear: column(() => 2016),
    mag: { G: column(row => row.mag) },
    magErr: { G: column(() => 0.01) },
    clean: new Uint8Array(rows.length).fill(1),
  }
  const stars = rows
    .filter(row => row.x > 3 && row.y > 3 && row.x < SIZE - 4 && row.y < SIZE - 4)
    .map(row => ({ x: row.x, y: row.y, flux: 10 ** (-0.4 * (row.mag - 26)) }))
  return { stars, catalogue }
}

/** A catalogue of nothing but these stars. */
export function tilesOf(catalogue: ReferenceStars): Tiles {
  return {
    surveys: async () => ['gaia_dr3', 'ps1'],
    async cone(_survey, cone: Cone, { limit = Number.POSITIVE_INFINITY } = {}) {
      const rows: number[] = []
      for (let i = 0; i < catalogue.count && rows.length < limit; i++) {
        const distance = separationDeg(cone.raDeg, cone.decDeg, catalogue.raDeg[i], catalogue.decDeg[i])
        if (distance < cone.radiusDeg) rows.push(i)
      }
      const take = (values: Float64Array) => Float64Array.from(rows, row => values[row])
      const columns = Object.fromEntries(
        Object.entries(catalogue).map(([name, value]) => [name, value instanceof Float64Array ? take(value) : value]),
      )
      return { ...catalogue, ...columns, count: rows.length, mag: { G: take(catalogue.mag.G) } } as ReferenceStars
    },
  }
}

export const registry = (targets: { name: string; raDeg: number; decDeg: number }[] = []): TargetRegistry => ({
  inCone: async () => targets,
  candidates: async () => targets,
})

export async function quadsOf({ raDeg, decDeg, mag }: ReferenceStars): Promise<SolveDeps['quads']> {
  const store = new MemoryStore()
  await writeQuads(store, 'gaia_dr3', { raDeg, decDeg, mag: mag.G }, [7, 8, 9])
  return survey => openQuadSky(store, survey)
}

export const sky = virtualSky(150)
export const tiles = tilesOf(sky.catalogue)

export function expectTrueSolution(wcs: Wcs, [across, down] = [1, 1]): void {
  for (const [x, y] of [
    [0, 0],
    [511, 0],
    [255, 255],
    [0, 511],
    [511, 511],
  ]) {
    const [ra, dec] = pixelToSky(TRUTH, x, y)
    const [foundX, foundY] = skyToPixel(wcs, ra, dec)
    // pixels of the frame as drawn
    const [drawnX, drawnY] = [(foundX + 0.5) * across - 0.5, (foundY + 0.5) * down - 0.5]
    expect(Math.hypot(drawnX - x, drawnY - y)).toBeLessThan(0.06 * Math.max(across, down))
  }
}
