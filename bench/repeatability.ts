/**
 * Repeatability on real frames: the same stars in two exposures, beside SExtractor + PSFEx and DAOPHOT on the same pixels.
 *
 *     node bench/repeatability.ts [--data DIR] [--peers DIR] [--work DIR] [--python PATH] [--out FILE]
 *
 * --data holds the real frames, --peers the drivers of the other programs (`peer_sex.py`, `peer_iraf.py`), which are left
 * out where they do not run. Every program gets the pixels, gain and read noise that `standardise` made of the file; the
 * frames are measured from their pixels alone (no solution, no survey), since few of them have one. Writes its section of
 * `bench/RESULTS.md`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { standardFrame } from '#functions/standardise/standardise.ts'
import { encodeImage } from '#shared/fits/write-image.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { detectSources } from '#shared/image/detection.ts'
import { makeCatalogue } from '#shared/photometry/make-catalogue.ts'
import { measureStars } from '#shared/photometry/measure-stars.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'
import { type Bin, compareTools, inBins, pairExposures, type StarList } from './star-pairs.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: join(root, '..', 'shared', 'data') },
    peers: { type: 'string', default: join(root, '..', 'shared', 'bench') },
    work: { type: 'string', default: join(root, 'bench', 'work', 'repeatability') },
    python: { type: 'string', default: '/usr/bin/python3' },
    out: { type: 'string', default: resultsFile },
  },
})

/** A program is stopped after this, seconds: DAOPHOT without a terminal may wait for ever. */
const LIMIT_SECONDS = 240
const TOOLS = ['CPCS', 'SExtractor + PSFEx', 'DAOPHOT'] as const
type Tool = (typeof TOOLS)[number]

const series = [
  {
    title: 'MicroObservatory, one night of HAT-P-32, six exposures',
    files: ['013343', '013612', '013912', '020012', '030012', '040012'].map(
      time => `exotic_microobs/HATP-32171220${time}.FITS`,
    ),
  },
  {
    title: 'DECam, five exposures of one field, cut-outs of 256 × 256',
    files: ['a', 'b', 'c', 'd', 'e'].map(letter => `sfft/DEC-OBS04${letter}.mini.fits`),
  },
]
const singles = [
  { title: 'ESO085-030 (Bosque Alegre)', file: 'properimage/aligned_eso085-030-004.fit' },
  { title: 'Galactic centre (2MASS J)', file: 'twomass_aplpy/2MASS_j.fits.gz' },
  { title: 'M67 (digitised plate)', file: 'astropy_data/M6707HH.fits' },
]

writeSection('repeatability', section(), values.out)
console.log(`${values.out} written`)

function section(): string[] {
  return [
    '## Repeatability on real frames',
    '',
    `Written by \`node bench/repeatability.ts\`; measured on ${machineInWords()}.`,
    'Neighbouring exposures of a series are matched star by star; a plane over the frame is taken out of the differences of',
    'magnitude (clouds, flat field). `scatter` is their robust scatter over √2, which is that of one exposure, `claimed` the',
    'median error that the program states, `pull` the robust scatter of the difference over its claimed error. The stars are',
    'those that every program measured in both exposures, binned by the S/N that CPCS claims. Real stars vary, real skies are',
    'not flat, and pixels that were resampled (DECam) have correlated noise, which no program of these knows of.',
    '',
    ...table(['series', 'program', ...binTitles()], series.flatMap(seriesRows)),
    '',
    'Where there is one exposure only (the second one of ESO085-030 is not among the data), programs can but be held against',
    'each other: robust scatter of the difference of their magnitudes on the same pixels, over the error that CPCS claims.',
    'Well below 1, they measure the same light; the rest is what they make of neighbours, sky and PSF.',
    '',
    ...table(['frame', 'CPCS against', 'stars', ...binTitles()], singles.flatMap(singleRows)),
  ]
}

function binTitles(): string[] {
  return ['S/N 5–15', 'S/N 15–50', 'S/N 50–150', 'S/N over 150']
}

function seriesRows({ title, files }: { title: string; files: string[] }): string[][] {
  const lists = files.map(file => listsOf(file))
  const tools = TOOLS.filter(tool => lists.every(list => list[tool] !== undefined))
  const pairs = lists.slice(1).flatMap((second, i) => {
    const first = lists[i]
    const pair = pairExposures(
      tools.map(tool => first[tool]!),
      tools.map(tool => second[tool]!),
    )
    return pair ? [pair] : []
  })
  return TOOLS.map(tool => {
    const column = tools.indexOf(tool)
    const bins = inBins(column < 0 ? [] : pairs.flatMap(pair => pair[column]))
    return [title, tool, ...bins.map(inWords)]
  })
}

function singleRows({ title, file }: { title: string; file: string }): string[][] {
  const lists = listsOf(file)
  const own = lists.CPCS
  return TOOLS.slice(1).map(tool => {
    const other = lists[tool]
    const compared = own && other && compareTools(own, other)
    if (!compared) return [title, tool, 'not measured', ...binTitles().map(() => '-')]
    return [title, tool, String(compared.stars), ...compared.bins.map(bin => `${figure(bin.pull, 2)} (${bin.n})`)]
  })
}

function inWords({ n, scatter, claimed, pull }: Bin): string {
  if (!(n > 7)) return '-'
  return `${figure(scatter, 4)} (claimed ${figure(claimed, 4)}, pull ${figure(pull, 2)}, n ${n})`
}

/** The stars that each program measures on a frame. */
function listsOf(file: string): Partial<Record<Tool, StarList>> {
  const path = join(values.data, file)
  if (!existsSync(path)) throw new Error(`${path} is not there`)
  const name = basename(file).replace(/[^\w-]+/g, '_')
  const work = join(values.work, name)
  mkdirSync(work, { recursive: true })
  const { frame, header } = standardFrame(withTime(readFileSync(path)))
  const background = estimateBackground(frame)
  const detections = detectSources(frame, background)
  const measured = measureStars(frame, background.level, detections)
  const upright = {
    crvalRaDeg: 0,
    crvalDecDeg: 0,
    crpixX: 1,
    crpixY: 1,
    cd: [-1e-4, 0, 0, 1e-4] as [number, number, number, number],
  }
  const exact = { order: 0, centreX: 0, centreY: 0, radiusPx: 1, covariance: [0] }
  const { x, y, flux, fluxErr } = makeCatalogue(measured, { wcs: upright, covariance: exact })
  const lists: Partial<Record<Tool, StarList>> = { CPCS: { x, y, flux, fluxErr } }
  // The drivers read a folder of the simulator's form.
  writeFileSync(
    join(work, 'frame.fits'),
    encodeImage({ width: frame.width, height: frame.height, pixels: frame.pixels, as: 'float32' }),
  )
  const {
    gainElectronsPerAdu: gain,
    readNoiseElectrons: rdnoise,
    saturationAdu: sat,
    pedestalAdu: pedestal,
  } = frame.detector
  const scale = header.pixelScaleArcsec ?? 1
  const params = {
    gain,
    rdnoise,
    sat: Math.min(sat, 1e9),
    pedestal,
    scale,
    nx: frame.width,
    ny: frame.height,
    nebula: 0,
  }
  writeFileSync(join(work, 'truth.json'), JSON.stringify({ params }))
  lists['SExtractor + PSFEx'] = peer('peer_sex.py', work, 'sex_psf')
  lists.DAOPHOT = peer('peer_iraf.py', work, 'iraf')
  console.log(name, ...TOOLS.map(tool => `${tool} ${lists[tool]?.x.length ?? 'none'}`))
  return lists
}

/** The file with a time of exposure: a mosaic has none, without which it is no frame, and here it does not matter. */
function withTime(file: Buffer): Uint8Array {
  const bytes = file[0] === 0x1f ? gunzipSync(file) : Buffer.from(file)
  const end = bytes.indexOf(`END${' '.repeat(77)}`)
  const header = bytes.toString('latin1', 0, Math.max(end, 0))
  const isFree = bytes.toString('latin1', end + 80, end + 160).trim() === ''
  if (end < 0 || header.includes('DATE-OBS') || !isFree) return new Uint8Array(bytes)
  bytes.write(`${"DATE-OBS= '2000-01-01T00:00:00'".padEnd(80)}END${' '.repeat(77)}`, end, 'latin1')
  return new Uint8Array(bytes)
}

function peer(script: string, work: string, result: string): StarList | undefined {
  const file = join(work, `out.${result}.csv`)
  if (!existsSync(file)) {
    const path = join(values.peers, script)
    if (!existsSync(path)) return undefined
    spawnSync(values.python, [path, work, join(work, result), join(work, 'out')], {
      cwd: values.peers,
      timeout: LIMIT_SECONDS * 1000,
      killSignal: 'SIGKILL',
      stdio: 'ignore',
    })
  }
  if (!existsSync(file)) return undefined
  const rows = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split(',').map(Number))
    .filter(([, , , , flux, fluxErr]) => flux > 0 && fluxErr > 0)
  const column = (k: number) => Float64Array.from(rows, row => row[k])
  return { x: column(0), y: column(1), flux: column(4), fluxErr: column(5) }
}
