/**
 * The calibration on real lists and frames for which the survey's own rows are known.
 *
 *     node bench/real-calibration.ts --data DIR [--out FILE]
 *
 * DIR holds the frames and lists (its PROVENANCE.md says what each is). Writes its section of `bench/RESULTS.md`.
 */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Candidate } from '#events/stages.ts'
import { calibrateFrame } from '#shared/calibration/calibrate-frame.ts'
import { transformations } from '#shared/calibration/transformations.ts'
import type { ReferenceStars, SurveyId } from '#shared/catalogue/reference.ts'
import { decodeSeparatedValues } from '#shared/catalogue/separated-values.ts'
import { decodeTable } from '#shared/fits/table.ts'
import { flagMask } from '#shared/flags.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import type { StarCatalogue } from '#shared/photometry/star-catalogue.ts'
import { silent } from '#shared/store.ts'
import { processFrame } from '../cli/pipeline.ts'
import { importTiles } from '../cli/tiles.ts'
import { figure, resultsFile, table, writeSection } from './page.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: join(root, '..', 'shared', 'data') },
    out: { type: 'string', default: resultsFile },
  },
})
const at = (...parts: string[]) => join(values.data, ...parts)

const rows = [banzai(), neoexchange(), ...(await smallTelescopes())]
writeSection(
  'real calibration',
  [
    '## Calibration of real lists and frames',
    '',
    'Written by `node bench/real-calibration.ts`. The lists are calibrated without a filter in their header; of the small',
    "telescopes' frames nothing but the frame and Tycho-2 is handed in. Known: what others measured on the same data.",
    "The error of a zero point holds what a PSF's wing extrapolates.",
    '',
    ...table(
      ['data', 'survey and band chosen', 'stars', 'zero point', 'colour term', 'scatter mag', 'position term', 'known'],
      rows,
    ),
    '',
    'Published relations on 1608 real rows of UCAC4 with APASS (B V g r i), residual = observed − from g and r:',
    '',
    ...table(['band', 'relation', 'colours', 'stars', 'median mag', 'scatter mag', 'claimed σ'], relations()),
  ],
  values.out,
)

/** Columns of a FITS table as numbers. */
function numbers(path: string, which?: string): (name: string) => Float64Array {
  const { columns } = decodeTable(new Uint8Array(readFileSync(path)), which)
  return name => Float64Array.from(columns.get(name) as Float64Array, Number)
}

/** A list of sources as the measure stage would have it. */
function starsOf(
  measured: Pick<StarCatalogue, 'x' | 'y' | 'raDeg' | 'decDeg' | 'flux' | 'fluxErr'>,
  isDoubtful: (row: number) => boolean,
): StarCatalogue {
  const { flux, fluxErr } = measured
  const none = () => new Float64Array(flux.length).fill(Number.NaN)
  return {
    ...measured,
    id: Int32Array.from(flux.keys()),
    magInst: flux.map(value => -2.5 * Math.log10(value)),
    magInstErr: flux.map((value, i) => (1.0857 * fluxErr[i]) / value),
    ...{ raErrMas: none(), decErrMas: none(), magAper: none(), magAperErr: none(), mag: none(), magErr: none() },
    ...{ chi: none(), sharp: none(), sky: none(), sourceId: new BigInt64Array(flux.length) },
    flags: Int32Array.from(flux, (_, row) => (isDoubtful(row) ? flagMask('saturated') : 0)),
  }
}

/** Stars of a survey without motions. */
function referenceOf(
  survey: SurveyId,
  place: Pick<ReferenceStars, 'raDeg' | 'decDeg'>,
  epochYear: number,
  mag: ReferenceStars['mag'],
  magErr: ReferenceStars['magErr'],
): ReferenceStars {
  const count = place.raDeg.length
  const zeros = () => new Float64Array(count)
  return {
    ...{ survey, count, id: Array.from(place.raDeg.keys(), String), ...place, mag, magErr },
    ...{ raErrMas: zeros(), decErrMas: zeros(), parallaxMas: zeros(), pmErrMasPerYear: zeros() },
    ...{ pmRaMasPerYear: zeros(), pmDecMasPerYear: zeros(), epochYear: new Float64Array(count).fill(epochYear) },
    clean: new Uint8Array(count).fill(1),
  }
}

/** An LCO frame's list of sources with catalogue magnitudes in the same rows. */
function banzai(): string[] {
  const column = numbers(at('banzai', 'cpt1m012-fa06-20200113-0102-matched-cat.fits'))
  const [raDeg, decDeg, flux, fluxErr, flag] = ['ra', 'dec', 'flux', 'fluxerr', 'flag'].map(column)
  // FITS convention there
  const [x, y] = ['x', 'y'].map(name => column(name).map(pixel => pixel - 1))
  const stars = starsOf({ x, y, raDeg, decDeg, flux, fluxErr }, row => flag[row] !== 0)
  const of = (suffix: string) =>
    Object.fromEntries(['g', 'r', 'i', 'z'].map(band => [band, column(`${band}${suffix}`)]))
  const reference = referenceOf('ps1', { raDeg, decDeg }, 2020, of('mag'), of('magerr'))
  const scale = { fwhmArcsec: 2, residualArcsec: 0.1, epochYear: 2020, widthPx: 4096, heightPx: 4096 }
  const { chosen, choice } = calibrateFrame(stars, [reference], scale, null)
  return fitRow(
    'LCO 1 m Sinistro, 2752 sources, g r i z in the same rows',
    chosen,
    choice.ambiguous,
    'i: 29.087, scatter 0.043',
  )
}

/** SExtractor's list of an LCO frame in the wide filter w, and Gaia DR2 in the form that SCAMP reads: G alone. */
function neoexchange(): string[] {
  const column = numbers(at('neoexchange', 'ldac_test_catalog.fits'), 'LDAC_OBJECTS')
  const [raDeg, decDeg, flux, fluxErr, flag] = ['ALPHA_J2000', 'DELTA_J2000', 'FLUX_AUTO', 'FLUXERR_AUTO', 'FLAGS'].map(
    column,
  )
  const [x, y] = ['XWIN_IMAGE', 'YWIN_IMAGE'].map(name => column(name).map(pixel => pixel - 1))
  const stars = starsOf({ x, y, raDeg, decDeg, flux, fluxErr }, row => flag[row] !== 0)
  const gaia = numbers(at('neoexchange', 'GAIA-DR2.cat'), 'LDAC_OBJECTS')
  const place = { raDeg: gaia('XWIN_WORLD'), decDeg: gaia('YWIN_WORLD') }
  const reference = referenceOf('gaia_dr2', place, 2015.5, { G: gaia('MAG') }, { G: gaia('MAGERR') })
  const scale = { fwhmArcsec: 1.8, residualArcsec: 0.18, epochYear: 2016.3, widthPx: 2028, heightPx: 2038 }
  const { chosen, choice } = calibrateFrame(stars, [reference], scale, null)
  return fitRow(
    'LCO 1 m SBIG, filter w, 974 sources of SExtractor, Gaia DR2 without colours',
    chosen,
    choice.ambiguous,
    'G: 98 unflagged pairs within 1″, median 28.245, scatter 0.052 (numpy)',
  )
}

async function smallTelescopes(): Promise<string[][]> {
  const work = mkdtempSync(join(tmpdir(), 'cpcs-real-'))
  const catalogues = join(work, 'catalogues')
  await importTiles(
    'tycho2',
    ['hatp32', 'panoptes_cyg'].map(name => at('tycho2_cutouts', `tycho2_${name}.ecsv`)),
    catalogues,
  )
  const frames = readdirSync(at('exotic_microobs')).filter(name => name.endsWith('.FITS'))
  const paths: [name: string, path: string, known: string][] = [
    ...frames.map((name): [string, string, string] => [
      `MicroObservatory ${name.slice(9, 20)}, clear`,
      at('exotic_microobs', name),
      'VT, scatter 0.16–0.23',
    ]),
    ['PANOPTES, green pixels', at('panoptes', 'unsolved.fits'), 'VT, scatter 0.08 (144 stars, all pixels)'],
  ]
  const found: string[][] = []
  for (const [name, path, known] of paths) {
    const report = await processFrame(path, 'calibrate', {
      catalogues,
      out: join(work, 'out'),
      targets: [],
      log: silent,
    })
    found.push(fitRow(name, report.calibration?.chosen ?? null, report.calibration?.ambiguous ?? false, known))
  }
  return found
}

function fitRow(name: string, fit: Candidate | null, ambiguous: boolean, known: string): string[] {
  if (!fit) return [name, 'none', '-', '-', '-', '-', '-', known]
  const pivot = fit.pivotColour ?? 0
  const atPivot = fit.colour
    ? ` (${figure(fit.zeroPoint + fit.colourTerm * pivot, 3)} at ${fit.colour} = ${figure(pivot, 2)})`
    : ''
  return [
    name,
    `${fit.survey} ${fit.band}${ambiguous ? ', ambiguous' : ''}`,
    String(fit.stars),
    `${figure(fit.zeroPoint, 3)} ± ${figure(fit.zeroPointError, 3)}${atPivot}`,
    fit.colour ? `${figure(fit.colourTerm, 3)} ± ${figure(fit.colourTermError, 3)} (${fit.colour})` : 'none',
    figure(fit.scatter, 3),
    fit.positionOrder ? `order ${fit.positionOrder}` : 'none',
    known,
  ]
}

function relations(): string[][] {
  const { columns } = decodeSeparatedValues(readFileSync(at('neoexchange', 'test_catalog_subs_UCAC4.dat'), 'utf8'))
  const of = (name: string) =>
    Array.from(columns.get(name) as string[], value => (value === '' ? Number.NaN : Number(value)))
  const mags: Record<string, number[]> = { B: of('Bmag'), V: of('Vmag'), g: of('gmag'), r: of('rmag'), i: of('imag') }
  return transformations
    .filter(({ survey, band }) => survey === 'sdss' && band in mags)
    .map(({ band, base, colour, coefficients, range, sigma, source }) => {
      const residuals = mags[band]
        .map((mag, k) => {
          const x = mags[colour[0]][k] - mags[colour[1]][k]
          if (!(x >= range[0] && x <= range[1])) return Number.NaN
          return mag - coefficients.reduce((sum, c, power) => sum + c * x ** power, mags[base][k])
        })
        .filter(Number.isFinite)
      return [
        band,
        source,
        `${range[0]} … ${range[1]}`,
        String(residuals.length),
        figure(median(residuals), 3),
        figure(madSigma(residuals), 3),
        figure(sigma, 3),
      ]
    })
}
