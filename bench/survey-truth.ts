import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import type { Truth } from './results.ts'

/** What the simulator's stars really are: where they stand in the frame and how bright they are there. */
export interface TrueStars {
  /** 0-based pixel. */
  x: Float64Array
  y: Float64Array
  /** Magnitude in the natural system of the frame. */
  natural: Float64Array
  /** Magnitude of star k in a band of a survey, NaN where the simulator's files do not tell. */
  mag(survey: SurveyId, band: string, k: number): number
}

/** Read `truth.csv` of a simulated frame. */
export function readTrueStars(frame: string): TrueStars {
  const [head, ...lines] = readFileSync(join(frame, 'truth.csv'), 'utf8').trim().split(/\r?\n/)
  const names = head.split(',')
  const rows = lines.map(line => line.split(',')).filter(row => row[names.indexOf('type')] !== 'galaxy')
  const column = (name: string) => Float64Array.from(rows, row => Number(row[names.indexOf(name)]))
  const ps1 = Object.fromEntries(['g', 'r', 'i', 'z', 'y'].map(band => [band, column(`ps1_${band}`)]))
  return {
    x: column('x'),
    y: column('y'),
    natural: column('mag_nat'),
    mag: (survey, band, k) =>
      inSurvey(survey, band, { g: ps1.g[k], r: ps1.r[k], i: ps1.i[k], z: ps1.z[k], y: ps1.y[k] }),
  }
}

/**
 * What the simulator's vignetting takes from a star, mag: it darkens by `vign`·r², r being 1 in the corners of the frame, and
 * its zero point is that of the centre.
 *
 * @param x,y 0-based pixel
 */
export function vignettingMag({ nx, ny, vign }: Truth['params'], x: number, y: number): number {
  const squared = ((2 * x - nx + 1) ** 2 + (2 * y - ny + 1) ** 2) / (nx * nx + ny * ny)
  return -2.5 * Math.log10(1 - vign * squared)
}

type Ps1 = Record<'g' | 'r' | 'i' | 'z' | 'y', number>

/** The simulator's relations between surveys (`all_mags` of simulate.py), turned round where it starts from SDSS. */
function inSurvey(survey: SurveyId, band: string, ps1: Ps1): number {
  if (survey === 'ps1') return ps1[band as keyof Ps1] ?? Number.NaN
  // ps_g − ps_r = 0.881 x − 0.013 x² − 0.010, x = (g − r) of SDSS
  let gr = ps1.g - ps1.r
  for (let turn = 0; turn < 20; turn++) gr = (ps1.g - ps1.r + 0.01 + 0.013 * gr * gr) / 0.881
  const r = ps1.r + 0.001 + 0.006 * gr + 0.002 * gr * gr
  const g = r + gr
  const i = ps1.i - 0.004 + 0.014 * gr - 0.001 * gr * gr
  const z = ps1.z + 0.013 - 0.04 * gr + 0.001 * gr * gr
  const iz = i - z
  const gi = g - i
  const gaiaG = g - 0.074189 - 0.51409 * gi - 0.080607 * gi * gi + 0.0016001 * gi ** 3
  const bpRp = 0.35 + 0.75 * gi - 0.03 * gi * gi
  const known: Partial<Record<SurveyId, Record<string, number>>> = {
    sdss: { g, r, i, z },
    des: {
      g: g + 0.001 - 0.075 * gr,
      r: r - 0.009 - 0.069 * gr,
      i: i + 0.014 - 0.214 * iz - 0.096 * iz * iz,
      z: z + 0.022 - 0.068 * iz,
    },
    apass: { g, r, i, V: g - 0.5784 * gr - 0.0038, B: g + 0.313 * gr + 0.2271 },
    gaia_dr3: { G: gaiaG, BP: gaiaG + 0.4 * bpRp, RP: gaiaG - 0.6 * bpRp },
  }
  return known[survey]?.[band] ?? Number.NaN
}
