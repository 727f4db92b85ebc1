/**
 * Real frames whose solution is known: their coordinates are taken away, they are solved, and both solutions compared.
 *
 *     node bench/solve-real.ts [--data DIR] [--python PATH] [--work DIR] [--out FILE]
 *
 * DIR is the folder of real frames and catalogues (its PROVENANCE.md tells what is known of each). The reference stars
 * are its rows of Tycho-2, amid half a million others over the rest of the sky, for which an index is built.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { StandardHeader } from '#events/frame.ts'
import { findField } from '#functions/solve/ladder.ts'
import { searchLadder } from '#functions/solve/search.ts'
import { indexSurvey } from '#shared/astrometry/index-survey.ts'
import type { FieldDetections } from '#shared/astrometry/pair-stars.ts'
import { openQuadSky } from '#shared/astrometry/quad-index.ts'
import { importStars, readPublished } from '#shared/catalogue/import.ts'
import type { ReferenceStars } from '#shared/catalogue/reference.ts'
import { combineStars } from '#shared/catalogue/reference-columns.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { CpcsError } from '#shared/errors.ts'
import { openFits } from '#shared/fits/file.ts'
import { decodePlane } from '#shared/fits/image.ts'
import { decodeTable } from '#shared/fits/table.ts'
import { encodeImage } from '#shared/fits/write-image.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { median } from '#shared/numeric/robust.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { pixelScaleDeg, pixelToSky } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { silent } from '#shared/store.ts'
import { figure, resultsFile, table, writeSection } from './page.ts'
import { type Outcome, ready, trySolve } from './trial.ts'
import { starsOf, tilesOf, virtualSky } from './virtual-sky.ts'

const work = join(import.meta.dirname, 'work')
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: join(import.meta.dirname, '..', '..', 'shared', 'data') },
    python: { type: 'string', default: '/usr/bin/python3' },
    work: { type: 'string', default: join(work, 'real') },
    out: { type: 'string', default: resultsFile },
  },
})
/** Of this run alone: two at once must not compare each other's solutions. */
const scratch = mkdtempSync(join(tmpdir(), 'solve-real-'))
const inData = (path: string) => join(values.data, path)

interface RealFrame {
  path: string
  /** File and HDU whose header holds the true solution; absent where none that astropy reads. */
  truth?: [path: string, hdu: number]
  truthIs: string
  /** About where it is, for the trial with a hint, degrees. */
  place: [raDeg: number, decDeg: number]
  /** When it was taken, where the file does not say; without it no frame is taken in. */
  date?: string
}

const solvedBy = 'solve-field, Tycho-2'
const frames: RealFrame[] = [
  ...readdirSync(inData('exotic_microobs'))
    .filter(name => name.endsWith('.FITS'))
    .map((name): RealFrame => {
      const truth: [string, number] = [`solved_wcs/${name.replace('.FITS', '.wcs')}`, 0]
      return { path: `exotic_microobs/${name}`, truth, truthIs: solvedBy, place: [31.2, 46.75] }
    }),
  { path: 'panoptes/unsolved.fits', truth: ['solved_wcs/unsolved.wcs', 0], truthIs: solvedBy, place: [303.2, 46.0] },
  { path: 'panoptes/solved.fits.fz', truth: ['panoptes/solved.fits.fz', 1], truthIs: 'own WCS', place: [303.2, 46.0] },
  {
    path: 'twomass_aplpy/2MASS_j.fits.gz',
    truth: ['twomass_aplpy/2MASS_j.fits.gz', 0],
    truthIs: 'own WCS',
    place: [266.4, -28.93],
    date: '1998-07-01T00:00:00', // 2MASS: 1997 to 2001
  },
  {
    path: 'astropy_data/M6707HH.fits',
    truthIs: 'ten rows in the field, 40 years after the plate',
    place: [132.85, 11.8],
  },
  { path: 'properimage/aligned_eso085-030-004.fit', truthIs: 'one row in the field', place: [75.4, -63.29] },
]

/** Star fields with a solution of their own for which the data hold no reference stars, or too few. */
const withoutRows: [path: string, why: string][] = [
  ['stellarsolver/randomsky.fits', 'no rows on its field (21.6 +69.3)'],
  ['fits_torture/astropy/m13_rice.fits, m13_gzip.fits', 'no rows on M 13'],
  ['fits_torture/astropy/comp.fits', 'its rows of NGC 1316 are not among the data'],
  ['wcs_headers/astropy_wcs/dss.14.29.56-62.41.05.fits.gz', 'no rows on its 2.8′'],
  ['eso_midas/dss_test1.fits, wcstest.mt', 'no rows on their fields'],
  ['astropy_data/reprojected_sdss_g, r, i', 'one Tycho-2 star in the field'],
  ['galsim_wcs/tnx.fits, tpv.fits', 'no rows on their fields'],
  ['sfft/*', 'no rows; 8 to 21 sources'],
  ['legacypipe/*', 'cut-outs of 26″ with 0 to 2 sources'],
  ['scamp/*', 'a catalogue and a camera model, no frame and no list of detections'],
  ['astrometry_net_demo/apod*.xyls', 'photographs of constellations, wider than the 20° that a tangent plane shows'],
]

mkdirSync(values.work, { recursive: true })
const tycho = await tychoStars()
const store = new FolderStore(join(values.work, 'catalogues'))
const sky = (await openQuadSky(store, 'tycho2')) ?? (await build())
const tiles = openTiles(store)

const rows: string[][] = []
for (const frame of frames) {
  const prepared = await ready(frame.date ? dated(frame.path, frame.date) : inData(frame.path))
  const [raDeg, decDeg] = frame.place
  const told = { pointing: { raDeg, decDeg, uncertaintyDeg: 0.5 } }
  rows.push(judged(frame, 'about where', await trySolve(prepared, told, { tiles })))
  const unknown = { pointing: null, object: null, pixelScaleArcsec: null }
  rows.push(judged(frame, 'nothing', await trySolve(prepared, unknown, { tiles, quads: async () => sky, blind: true })))
}
rows.push(await sourceList(), await matchedList())
for (const [path, why] of withoutRows) rows.push([path, '-', 'not tried', '-', '-', '-', why])

writeSection(
  'real frames',
  [
    '## Real frames whose solution is known',
    '',
    'Written by `node bench/solve-real.ts`. What the header tells of the place is replaced by what the second column',
    'says. The Tycho-2 rows of the fields stand amid half a million other stars over the sky. Both solutions were read',
    'by astropy and compared on a grid over the frame; the reference stars of the MicroObservatory and PANOPTES frames',
    'are also those of their truth.',
    '',
    ...table(['frame', 'told', 'outcome', 'stars', 'median difference', 'largest', 'truth'], rows),
  ],
  values.out,
)

rmSync(scratch, { recursive: true })

/** The bare pixels of a file in one of our own, with a date. */
function dated(path: string, date: string): string {
  const raw = readFileSync(inData(path))
  const file = openFits(new Uint8Array(path.endsWith('.gz') ? gunzipSync(raw) : raw))
  const { width, height, pixels } = decodePlane(file, file.hdus[0])
  const cards = [
    { keyword: 'DATE-OBS', value: date },
    { keyword: 'EXPTIME', value: 1 },
  ]
  const own = join(scratch, 'dated.fits')
  writeFileSync(own, encodeImage({ width, height, pixels, as: 'float32', cards }))
  return own
}

async function tychoStars(): Promise<ReferenceStars> {
  const files = readdirSync(inData('tycho2_cutouts')).filter(name => name.endsWith('.ecsv'))
  const parts = await Promise.all(
    files.map(name => readPublished(new Uint8Array(readFileSync(join(inData('tycho2_cutouts'), name))), 'tycho2')),
  )
  return combineStars(
    parts.map(stars => ({ stars, rows: Array.from({ length: stars.count }, (_, i) => i) })),
    'tycho2',
  )
}

async function build() {
  const others = starsOf(virtualSky('tycho', 500_000, [0, 360, -90, 90]), undefined, 'tycho2')
  others.mag = { VT: others.mag.G.map(mag => mag - 6) }
  others.magErr = { VT: others.magErr.G }
  others.id = others.id.map((_, i) => `virtual ${i}`)
  const places = frames.map(frame => frame.place)
  const elsewhere = Array.from({ length: others.count }, (_, i) => i).filter(i =>
    places.every(([ra, dec]) => separationDeg(ra, dec, others.raDeg[i], others.decDeg[i]) > 2.5),
  )
  const all = combineStars(
    [
      { stars: tycho, rows: Array.from({ length: tycho.count }, (_, i) => i) },
      { stars: others, rows: elsewhere },
    ],
    'tycho2',
  )
  await importStars(store, '', all)
  await indexSurvey(store, 'tycho2')
  const built = await openQuadSky(store, 'tycho2')
  if (!built) throw new Error('the index was not built')
  return built
}

function judged(
  { path, truth, truthIs }: RealFrame,
  told: string,
  { solved, error, matched, frame }: Outcome,
): string[] {
  if (!solved || !frame) return [path, told, error ?? 'not solved', '-', '-', '-', truthIs]
  const ours = join(scratch, 'ours.fits')
  writeFileSync(ours, frame)
  const found = truth ? compare(ours, inData(truth[0]), truth[1]) : undefined
  return [path, told, 'solved', figure(matched, 0), ...asText(found), truthIs]
}

interface Difference {
  medianArcsec: number
  mostArcsec: number
  medianPx: number
}

function asText(found: Difference | undefined): string[] {
  if (!found) return ['-', '-']
  const { medianArcsec, mostArcsec, medianPx } = found
  return [`${figure(medianArcsec, 2)}″ (${figure(medianPx, 2)} px)`, `${figure(mostArcsec, 2)}″`]
}

/** How far two solutions are apart over a frame, both read by astropy. */
function compare(ours: string, truth: string, hdu: number): Difference {
  const script = `
import sys, json, warnings
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
warnings.simplefilter("ignore")
ours, truth, hdu = sys.argv[1], sys.argv[2], int(sys.argv[3])
mine = fits.getheader(ours, 0)
head = fits.Header.fromtextfile(truth) if truth.endswith(".head") else fits.getheader(truth, hdu)
a, b = WCS(mine), WCS(head)
nx, ny = mine["NAXIS1"], mine["NAXIS2"]
wide = head.get("ZNAXIS1", head.get("NAXIS1", head.get("IMAGEW", nx))) or nx
wide = head.get("IMAGEW", wide)
f = max(1, round(wide / nx))  # a mosaic's cells are several of its pixels
x, y = [v.ravel() for v in np.meshgrid(np.linspace(0, nx - 1, 15), np.linspace(0, ny - 1, 15))]
p = a.celestial.all_pix2world(np.c_[x, y], 0)
q = b.celestial.all_pix2world(np.c_[(x + .5) * f - .5, (y + .5) * f - .5], 0)
d = np.hypot((p[:, 0] - q[:, 0] + 180) % 360 - 180, 0) * np.cos(np.radians(p[:, 1]))
sep = np.hypot(d, p[:, 1] - q[:, 1]) * 3600
scale = float(np.mean(proj_plane_pixel_scales(a.celestial))) * 3600
print(json.dumps(dict(medianArcsec=float(np.median(sep)), mostArcsec=float(sep.max()), medianPx=float(np.median(sep)) / scale)))`
  return JSON.parse(execFileSync(values.python, ['-c', script, ours, truth, String(hdu)], { encoding: 'utf8' }))
}

/** A SExtractor list with sky positions of its own, and the Gaia DR2 rows of its field. */
async function sourceList(): Promise<string[]> {
  const name = 'neoexchange/ldac_test_catalog.fits'
  const list = columnsOf(name, 'LDAC_OBJECTS')
  const gaia = columnsOf('neoexchange/GAIA-DR2.cat', 'LDAC_OBJECTS')
  const mag = gaia('MAG')
  const order = Array.from(mag.keys()).sort((a, b) => mag[a] - mag[b])
  const take = (values: Float64Array) => Float64Array.from(order, row => values[row])
  const stars = { raDeg: take(gaia('XWIN_WORLD')), decDeg: take(gaia('YWIN_WORLD')), mag: take(mag) }
  const [x, y, ra, dec] = ['XWIN_IMAGE', 'YWIN_IMAGE', 'ALPHA_J2000', 'DELTA_J2000'].map(list)
  const detections = detectionsOf(x, y, list('FLUX_AUTO'))
  const against = (wcs: Wcs): Difference => {
    const apart = Array.from(x, (_, i) => 3600 * separationDeg(...pixelToSky(wcs, x[i] - 1, y[i] - 1), ra[i], dec[i]))
    const medianArcsec = median(apart)
    return { medianArcsec, mostArcsec: Math.max(...apart), medianPx: medianArcsec / 3600 / pixelScaleDeg(wcs) }
  }
  return solvedList(name, detections, stars, [219.83, -9.77], 2030, 2040, 0.48, against, 'the positions in the list')
}

/** A list of the sources of an LCO frame, matched to a catalogue: what is held against is each star's own row. */
async function matchedList(): Promise<string[]> {
  const name = 'banzai/cpt1m012-fa06-20200113-0102-matched-cat.fits'
  const list = columnsOf(name)
  const flux = list('flux')
  const order = Array.from(flux.keys()).sort((a, b) => flux[b] - flux[a])
  const take = (values: Float64Array) => Float64Array.from(order, row => values[row])
  const stars = {
    raDeg: take(list('ra')),
    decDeg: take(list('dec')),
    mag: take(flux).map(value => -2.5 * Math.log10(value)),
  }
  const detections = detectionsOf(list('xwin'), list('ywin'), flux)
  const [ra, dec] = [stars.raDeg[0], stars.decDeg[0]]
  return solvedList(name, detections, stars, [ra, dec], 4096, 4096, 0.389, () => undefined, 'the rows of its catalogue')
}

function columnsOf(path: string, which?: string): (name: string) => Float64Array {
  const { columns } = decodeTable(new Uint8Array(readFileSync(inData(path))), which)
  return name => Float64Array.from(columns.get(name) as ArrayLike<number>)
}

function detectionsOf(x: Float64Array, y: Float64Array, flux: Float64Array): FieldDetections {
  const order = Array.from(flux.keys())
    .filter(row => flux[row] > 0)
    .sort((a, b) => flux[b] - flux[a])
  return {
    x: Float64Array.from(order, row => x[row] - 1),
    y: Float64Array.from(order, row => y[row] - 1),
    mag: Float64Array.from(order, row => -2.5 * Math.log10(flux[row])),
    errorPx: new Float64Array(order.length).fill(0.1),
    clean: new Uint8Array(order.length).fill(1),
  }
}

async function solvedList(
  name: string,
  detections: FieldDetections,
  stars: { raDeg: Float64Array; decDeg: Float64Array; mag: Float64Array },
  [raDeg, decDeg]: readonly [number, number],
  widthPx: number,
  heightPx: number,
  pixelScaleArcsec: number,
  against: (wcs: Wcs) => Difference | undefined,
  truthIs: string,
): Promise<string[]> {
  const header = {
    ...{ widthPx, heightPx, pixelScaleArcsec, mjdUtcMid: 57388.5 },
    pointing: { raDeg, decDeg, uncertaintyDeg: 0.3 },
  } as StandardHeader
  try {
    const { solution } = await findField(
      searchLadder(header, { targets: [] }),
      detections,
      header,
      { tiles: tilesOf(stars), log: silent },
      async () => '',
    )
    const outcome = `solved, ${figure(solution.medianResidualMas, 0)} mas`
    return [
      `${name} (a list)`,
      'about where',
      outcome,
      figure(solution.matches.star.length, 0),
      ...asText(against(solution.wcs)),
      truthIs,
    ]
  } catch (error) {
    if (!(error instanceof CpcsError) || error.policy !== 'reject') throw error
    return [`${name} (a list)`, 'about where', error.name, '-', '-', '-', truthIs]
  }
}
