import type { ReferenceStars } from '#shared/catalogue/reference.ts'
import { type Random, random } from '#shared/numeric/random.ts'
import type { StarCatalogue } from '#shared/photometry/star-catalogue.ts'

/** A simulated field: what the sky, the camera and the surveys are like. */
export interface FieldOptions {
  stars?: number
  seed?: string
  zeroPoint?: number
  /** m_natural = r + cameraTerm·(g − r): the colour term of the report is its negative. */
  cameraTerm?: number
  /** Part of the stars whose magnitude is wrong by up to a magnitude. */
  outliers?: number
  /** Scatter of stars beyond the errors, mag. */
  intrinsic?: number
  /** Error of the faintest stars' flux, ADU. */
  noiseAdu?: number
  /** Brightest r. */
  brightest?: number
  /** Proper motion, mas per year; the surveys' epochs lie years before the frame's. */
  properMotionMas?: number
  /** Brightening across the frame from left to right, and from the middle to a corner, mag. */
  gradient?: number
  vignetting?: number
}

export interface Field {
  catalogue: StarCatalogue
  ps1: ReferenceStars
  gaia: ReferenceStars
  /** True r and g − r of each star. */
  r: Float64Array
  colour: Float64Array
  epochYear: number
}

const EPOCH = 2025

/**
 * Stars with a straight stellar locus, so that colour terms are exactly linear: r − i = 0.3 (g − r) − 0.02, and Gaia's
 * G = r + 0.1 − 0.2 (g − r), BP − RP = 0.4 + 1.1 (g − r).
 */
export function simulateField(options: FieldOptions = {}): Field {
  const {
    stars: n = 200,
    seed = 'field',
    zeroPoint = 25.3,
    cameraTerm = 0.08,
    outliers = 0,
    intrinsic = 0,
    noiseAdu = 60,
    brightest = 14.2,
    properMotionMas = 0,
    gradient = 0,
    vignetting = 0,
  } = options
  const draw = random(seed)
  const make = (value: (i: number) => number) => Float64Array.from({ length: n }, (_, i) => value(i))
  const r = make(() => Math.max(brightest, 17.7 + Math.log10(draw.uniform() + 1e-5) / 0.4))
  const colour = make(() => 0.1 + 1.1 * draw.uniform())
  const raDeg = make(() => 150 + 0.4 * draw.uniform())
  const decDeg = make(() => 2 + 0.4 * draw.uniform())
  const pm = make(() => properMotionMas * draw.normal())
  const x = make(() => 1000 * draw.uniform())
  const y = make(() => 1000 * draw.uniform())
  const flat = (i: number) =>
    (gradient * x[i]) / 1000 + vignetting * ((x[i] / 500 - 1) ** 2 + (y[i] / 500 - 1) ** 2) * 0.5
  const trueMag = make(i => r[i] + cameraTerm * colour[i] + intrinsic * draw.normal() + flat(i))
  const wrong = make(() => (draw.uniform() < outliers ? draw.uniform() - 0.8 : 0))
  const fluxErr = make(i => Math.hypot(noiseAdu, Math.sqrt(10 ** (-0.4 * (trueMag[i] - zeroPoint)))))
  const flux = make(i => {
    const flux = 10 ** (-0.4 * (trueMag[i] + wrong[i] - zeroPoint))
    // a position that is fitted along finds the highest flux around: each of its two coordinates adds half a variance
    const found = (draw.normal() ** 2 + draw.normal() ** 2) / 2
    return flux + fluxErr[i] * draw.normal() + (found * fluxErr[i] ** 2) / flux
  })
  const none = () => new Float64Array(n).fill(Number.NaN)
  const catalogue: StarCatalogue = {
    id: Int32Array.from(r.keys()),
    x,
    y,
    raDeg,
    decDeg,
    raErrMas: none(),
    decErrMas: none(),
    flux,
    fluxErr,
    magInst: flux.map(value => (value > 0 ? -2.5 * Math.log10(value) : Number.NaN)),
    magInstErr: make(i => (1.0857 * fluxErr[i]) / flux[i]),
    magAper: none(),
    magAperErr: none(),
    mag: none(),
    magErr: none(),
    chi: none(),
    sharp: none(),
    sky: none(),
    flags: new Int32Array(n),
    sourceId: new BigInt64Array(n),
  }
  const place = (epochYear: number, withMotion: boolean) => ({
    count: n,
    // proper motion in declination alone: its place is then exact in a line
    raDeg: Float64Array.from(raDeg),
    decDeg: make(i => decDeg[i] - (pm[i] * (EPOCH - epochYear)) / 3.6e6),
    raErrMas: make(() => 5),
    decErrMas: make(() => 5),
    pmRaMasPerYear: new Float64Array(n),
    pmDecMasPerYear: withMotion ? Float64Array.from(pm) : new Float64Array(n),
    pmErrMasPerYear: new Float64Array(n),
    parallaxMas: new Float64Array(n),
    epochYear: make(() => epochYear),
    clean: new Uint8Array(n).fill(1),
  })
  const bands = (of: Record<string, (i: number) => number>, err: (i: number) => number) => {
    const magErr = Object.fromEntries(Object.keys(of).map(band => [band, make(err)]))
    const mag = Object.fromEntries(
      Object.entries(of).map(([band, value]) => [band, make(i => value(i) + magErr[band][i] * draw.normal())]),
    )
    return { mag, magErr }
  }
  const ps1: ReferenceStars = {
    survey: 'ps1',
    id: Array.from(r.keys(), i => `${100000 + i}`),
    ...place(2013.3, false),
    ...bands(
      {
        g: i => r[i] + colour[i],
        r: i => r[i],
        i: i => r[i] - 0.3 * colour[i] + 0.02,
        z: i => r[i] - 0.42 * colour[i] + 0.04,
        y: i => r[i] - 0.5 * colour[i] + 0.05,
      },
      () => 0.008,
    ),
  }
  const gaia: ReferenceStars = {
    survey: 'gaia_dr3',
    id: Array.from(r.keys(), i => `${4000000000000000000n + BigInt(i)}`),
    ...place(2016, true),
    ...bands(
      {
        G: i => r[i] + 0.1 - 0.2 * colour[i],
        BP: i => r[i] + 0.36 + 0.44 * colour[i],
        RP: i => r[i] - 0.04 - 0.66 * colour[i],
      },
      () => 0.006,
    ),
  }
  return { catalogue, ps1, gaia, r, colour, epochYear: EPOCH }
}

/** The same list of stars in another order. */
export function shuffled(catalogue: StarCatalogue, seed: string): { catalogue: StarCatalogue; order: number[] } {
  const draw: Random = random(seed)
  const order = Array.from(catalogue.id.keys())
  for (let i = order.length - 1; i > 0; i--) {
    const j = draw.integer(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  const taken = Object.fromEntries(
    Object.entries(catalogue).map(([key, column]) => [
      key,
      (column as Float64Array).map((_, i) => (column as Float64Array)[order[i]]),
    ]),
  )
  return { catalogue: taken as unknown as StarCatalogue, order }
}
