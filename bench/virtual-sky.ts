import type { IndexStars } from '#shared/astrometry/build-quad-index.ts'
import type { ReferenceStars, SurveyId, Tiles } from '#shared/catalogue/reference.ts'
import { PointGrid } from '#shared/numeric/point-grid.ts'
import { random } from '#shared/numeric/random.ts'

/** A part of the sky that is as large as the field it is drawn for, and holds nothing but stars. */
export interface VirtualSky extends IndexStars {
  lowRaDeg: number
  highRaDeg: number
  lowDecDeg: number
  highDecDeg: number
}

const CLUSTERED = 0.06 // share of the stars that stand in clusters
const STARS_PER_CLUSTER = 150

/**
 * Stars in a rectangle of the sky, brightest first: half of them in a band three times as dense as the rest, some in
 * clusters, as many to a magnitude as in the galaxy's plane.
 *
 * @param seed of the draw: another seed, another sky
 */
export function virtualSky(
  seed: number | string,
  count: number,
  [lowRaDeg, highRaDeg, lowDecDeg, highDecDeg] = [10, 54, 10, 42],
): VirtualSky {
  const draw = random(`sky ${seed}`)
  const low = Math.sin((lowDecDeg * Math.PI) / 180)
  const high = Math.sin((highDecDeg * Math.PI) / 180)
  const raDeg = new Float64Array(count)
  const decDeg = new Float64Array(count)
  const mag = new Float64Array(count)
  let clusterRa = 0
  let clusterDec = 0
  let left = 0
  let width = 0.05
  for (let i = 0; i < count; i++) {
    // the band lies in the middle quarter of the declinations
    const part = i % 2 === 0 ? 0.375 + 0.25 * draw.uniform() : draw.uniform()
    raDeg[i] = lowRaDeg + (highRaDeg - lowRaDeg) * draw.uniform()
    decDeg[i] = (Math.asin(low + (high - low) * part) * 180) / Math.PI
    if (i < CLUSTERED * count) {
      if (left-- <= 0) {
        left = STARS_PER_CLUSTER
        clusterRa = raDeg[i]
        clusterDec = decDeg[i]
        width = 0.02 + 0.08 * draw.uniform()
      }
      raDeg[i] = clusterRa + (width * draw.normal()) / Math.cos((clusterDec * Math.PI) / 180)
      decDeg[i] = clusterDec + width * draw.normal()
    }
    mag[i] = 18 + Math.log10(1e-6 + draw.uniform()) / 0.36
  }
  const order = Uint32Array.from(mag.keys()).sort((a, b) => mag[a] - mag[b] || a - b)
  const sorted = (values: Float64Array) => Float64Array.from(order, row => values[row])
  return { raDeg: sorted(raDeg), decDeg: sorted(decDeg), mag: sorted(mag), lowRaDeg, highRaDeg, lowDecDeg, highDecDeg }
}

/** The same stars as tiles of Gaia DR3, from memory. They do not move. */
export function tilesOf(sky: IndexStars): Tiles {
  const { raDeg, decDeg } = sky
  // across the sphere in a plane of right ascension and declination: cones are widened by the cosine; the brightest have
  // grids of their own, so that a wide cone of few stars does not look at all
  const grids: PointGrid[] = []
  for (let rows = 16_384; ; rows *= 4) {
    grids.push(new PointGrid(raDeg.subarray(0, rows), decDeg.subarray(0, rows), 0.1))
    if (rows >= raDeg.length) break
  }
  return {
    surveys: async () => ['gaia_dr3'],
    async cone(survey, cone, { limit = Number.POSITIVE_INFINITY } = {}) {
      const stretch = 1 / Math.cos((Math.min(80, Math.abs(cone.decDeg) + cone.radiusDeg) * Math.PI) / 180)
      const cos = Math.cos((cone.decDeg * Math.PI) / 180)
      let inside: number[] = []
      for (const grid of grids) {
        inside = grid.within(cone.raDeg, cone.decDeg, cone.radiusDeg * stretch).filter(row => {
          const across = (raDeg[row] - cone.raDeg) * cos
          return across * across + (decDeg[row] - cone.decDeg) ** 2 < cone.radiusDeg ** 2
        })
        if (inside.length >= limit) break
      }
      // brightest first, as the sky is
      const rows = Array.from(Uint32Array.from(inside).sort().subarray(0, Math.min(limit, inside.length)))
      return starsOf(sky, rows, survey)
    },
  }
}

/** Stars of a virtual sky as a catalogue tells of them: at rest, well measured, by their rows. */
export function starsOf(
  { raDeg, decDeg, mag }: IndexStars,
  rows: ArrayLike<number> = Array.from(mag.keys()),
  survey: SurveyId = 'gaia_dr3',
): ReferenceStars {
  const take = (values: Float64Array) => Float64Array.from(rows, row => values[row])
  const same = (value: number) => new Float64Array(rows.length).fill(value)
  return {
    survey,
    count: rows.length,
    id: Array.from(rows, String),
    raDeg: take(raDeg),
    decDeg: take(decDeg),
    raErrMas: same(0.1),
    decErrMas: same(0.1),
    pmRaMasPerYear: same(0),
    pmDecMasPerYear: same(0),
    pmErrMasPerYear: same(0),
    parallaxMas: same(0),
    epochYear: same(2016),
    mag: { G: take(mag) },
    magErr: { G: same(0.01) },
    clean: new Uint8Array(rows.length).fill(1),
  }
}
