import { type Random, random } from '#shared/numeric/random.ts'
import { deproject } from './geometry.ts'

/** Stars of the virtual sky, one column per quantity; positions at {@link EPOCH}, magnitudes without error. */
export interface StarField {
  count: number
  raDeg: Float64Array
  decDeg: Float64Array
  pmRaMasPerYear: Float64Array
  pmDecMasPerYear: Float64Array
  parallaxMas: Float64Array
  /** Pan-STARRS1 AB magnitudes g r i z y and Gaia Vega magnitudes G BP RP. */
  mag: Record<SkyBand, Float64Array>
}

export const SKY_BANDS = ['g', 'r', 'i', 'z', 'y', 'G', 'BP', 'RP'] as const
export type SkyBand = (typeof SKY_BANDS)[number]

/** Epoch of the positions, Julian year: that of Gaia DR3. */
export const EPOCH = 2016.0

export interface FieldDescription {
  raDeg: number
  decDeg: number
  radiusDeg: number
  /** Stars brighter than r = 20.5 per square degree. */
  density: number
  seed: string
}

const BRIGHTEST = 11 // r, mag
const FAINTEST = 21 // r, mag
const SLOPE = 0.3 // of log10 N(<r), per mag: a field off the galactic plane

/** A field of stars: uniform on the sky, counts as a power law in brightness, colours along the stellar locus. */
export function makeStarField(field: FieldDescription): StarField {
  const draw = random(field.seed)
  const area = Math.PI * field.radiusDeg ** 2
  const count = draw.poisson(field.density * area * 10 ** (SLOPE * (FAINTEST - 20.5)))
  const stars = emptyField(count)
  for (let i = 0; i < count; i++) {
    const radius = field.radiusDeg * Math.sqrt(draw.uniform())
    const angle = 2 * Math.PI * draw.uniform()
    const place = deproject(radius * Math.cos(angle), radius * Math.sin(angle), field.raDeg, field.decDeg)
    stars.raDeg[i] = place[0]
    stars.decDeg[i] = place[1]
    stars.parallaxMas[i] = 0.1 + 1.2 * draw.uniform() ** 3
    stars.pmRaMasPerYear[i] = -2 + 9 * draw.normal()
    stars.pmDecMasPerYear[i] = -3 + 9 * draw.normal()
    setMagnitudes(stars, i, draw)
  }
  return stars
}

function emptyField(count: number): StarField {
  const column = () => new Float64Array(count)
  const mag = Object.fromEntries(SKY_BANDS.map(band => [band, column()])) as Record<SkyBand, Float64Array>
  return {
    count,
    raDeg: column(),
    decDeg: column(),
    pmRaMasPerYear: column(),
    pmDecMasPerYear: column(),
    parallaxMas: column(),
    mag,
  }
}

function setMagnitudes({ mag }: StarField, i: number, draw: Random): void {
  const lowest = 10 ** (SLOPE * (BRIGHTEST - FAINTEST))
  const r = FAINTEST + Math.log10(lowest + (1 - lowest) * draw.uniform()) / SLOPE
  // Two populations: F to K stars about g − i = 0.8, red dwarfs about 2.3.
  const gi = Math.max(0.2, draw.uniform() < 0.7 ? 0.8 + 0.28 * draw.normal() : 2.2 + 0.35 * draw.normal())
  // The locus: g − r stays near 1.2 for red dwarfs while r − i grows on (the shape of Covey et al. 2007, figure 3).
  const gr = 1.25 * Math.tanh(0.68 * gi) + 0.015 * draw.normal()
  const ri = gi - 1.25 * Math.tanh(0.68 * gi) + 0.01 * draw.normal()
  mag.r[i] = r
  mag.g[i] = r + gr
  mag.i[i] = r - ri
  mag.z[i] = mag.i[i] - 0.55 * ri + 0.01 * draw.normal()
  mag.y[i] = mag.z[i] - 0.27 * ri + 0.01 * draw.normal()
  // Gaia documentation, photometric relations with SDSS (Riello et al. 2021, table C.2): G − r over BP − RP.
  const bpRp = 0.33 + 0.81 * (mag.g[i] - mag.i[i])
  const x = Math.min(bpRp, 2.7)
  mag.G[i] = r - 0.09837 + 0.08592 * x + 0.1907 * x ** 2 - 0.1701 * x ** 3 + 0.02263 * x ** 4
  mag.RP[i] = mag.G[i] - (0.03 + 0.6 * bpRp - 0.065 * bpRp ** 2)
  mag.BP[i] = mag.RP[i] + bpRp
}
