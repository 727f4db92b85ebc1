/**
 * What a frame may suffer and still be solved, on simulated frames with known truth.
 *
 *     node bench/solve-robust.ts [--frames DIR] [--seeds 1000-1019] [--only WORDS] [--kept FILE] [--out FILE]
 *
 * DIR holds `solve-<seed>` of the simulator (preset solve: 1024 × 1024 pixels, 10′, some 400 stars). Each frame is tried
 * with each trouble by the whole solve stage without an index of the sky. Around its own catalogue stand stars of the
 * same density and magnitudes to 1.2 degrees, so that a search far off meets a sky.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { StandardHeader } from '#events/frame.ts'
import { readPublished } from '#shared/catalogue/import.ts'
import type { Cone, ReferenceStars, Tiles } from '#shared/catalogue/reference.ts'
import { combineStars } from '#shared/catalogue/reference-columns.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { type Frame, MASK } from '#shared/image/frame.ts'
import { decodeFrame, encodeFrame } from '#shared/image/frame-file.ts'
import { type Random, random } from '#shared/numeric/random.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { keep, kept } from './kept.ts'
import { figure, resultsFile, table, writeSection } from './page.ts'
import { offBy, type Ready, ready, type TruePlaces, truePlaces, trySolve } from './trial.ts'
import { starsOf } from './virtual-sky.ts'

const work = join(import.meta.dirname, 'work')
const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: join(work, 'frames') },
    seeds: { type: 'string', default: '1000-1019' },
    only: { type: 'string', default: '' },
    kept: { type: 'string', default: join(work, 'robust.jsonl') },
    out: { type: 'string', default: resultsFile },
  },
})

const WRONG_PX = 1
const FWHM_PX = 3.2 // of the preset
const FIELD_DEG = (1024 * 0.6) / 3600

interface Scene {
  frame: Frame
  header: Partial<StandardHeader>
  stars: ReferenceStars
  truth: TruePlaces
}

/** What may be wrong with a frame, and how it is made so. */
const troubles: Record<string, (scene: Scene, draw: Random) => void> = {
  none: () => {},
  'pointing off by half a field': (scene, draw) => offPointing(scene, draw, 0.5),
  'pointing off by one field': (scene, draw) => offPointing(scene, draw, 1),
  'pointing off by two fields': (scene, draw) => offPointing(scene, draw, 2),
  'scale told 5 % too large': scene => scaled(scene, 1.05),
  'scale told 20 % too large': scene => scaled(scene, 1.2),
  'scale told 20 % too small': scene => scaled(scene, 0.8),
  'turned by 90°': scene => {
    mirror(scene)
    flip(scene)
  },
  mirrored: scene => mirror(scene),
  'half of the frame clouded': clouds,
  '70 % of the reference stars missing': (scene, draw) => {
    const rows = Array.from({ length: scene.stars.count }, (_, i) => i).filter(() => draw.uniform() > 0.7)
    scene.stars = combineStars([{ stars: scene.stars, rows }], scene.stars.survey)
  },
  'a globular cluster in the middle, in no catalogue': cluster,
  'three satellites and six bleed trails': trails,
  '25 stars only, of the brightest thirty': (scene, draw) => few(scene, draw, 25, 30),
  '25 stars only, of the brightest hundred any': (scene, draw) => few(scene, draw, 25, 100),
}

interface Trial {
  trouble: string
  seed: number
  solved: boolean
  error?: string
  offPx: number | null
  cpuSeconds: number
}

const [first, last] = values.seeds.split('-').map(Number)
for (let seed = first; seed <= last; seed++) {
  const folder = join(values.frames, `solve-${seed}`)
  const frame = await ready(join(folder, 'frame.fits'))
  const own = await readPublished(new Uint8Array(readFileSync(join(folder, 'gaia.csv'))), 'gaia_dr3')
  const stars = amid(own, random(`around ${seed}`))
  const { header_radec: place } = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as Placed
  for (const [trouble, spoil] of Object.entries(troubles)) {
    if (!trouble.includes(values.only)) continue
    const scene: Scene = { ...opened(frame, place), stars, truth: truePlaces(folder) }
    spoil(scene, random(`${trouble} ${seed}`))
    const image = encodeFrame(scene.frame, frame.output.header)
    const { solved, wcs, error, cpuSeconds } = await trySolve({ image, output: frame.output }, scene.header, {
      tiles: tilesWith(scene.stars),
    })
    const offPx = wcs ? offBy(wcs, scene.truth) : null
    keep(values.kept, { trouble, seed, solved, error, offPx, cpuSeconds } satisfies Trial)
  }
}
report()

/** Where the simulator's telescope believes to point; some of its headers do not say it. */
interface Placed {
  header_radec: [raDeg: number, decDeg: number]
}

function opened({ image }: Ready, [raDeg, decDeg]: Placed['header_radec']): Pick<Scene, 'frame' | 'header'> {
  const pointing = { raDeg, decDeg, uncertaintyDeg: 0.1 }
  return { frame: decodeFrame(image).frame, header: { pointing, pixelScaleArcsec: 0.6, object: null } }
}

/** The frame's stars, and as dense a sky of the same magnitudes around them. */
function amid(own: ReferenceStars, draw: Random): ReferenceStars {
  const cos = Math.cos((own.decDeg[0] * Math.PI) / 180)
  const middle = (values: Float64Array) => values.toSorted()[values.length >> 1]
  const [raDeg, decDeg] = [middle(own.raDeg), middle(own.decDeg)]
  const inner = Math.max(...own.decDeg.map(dec => Math.abs(dec - decDeg)))
  const outer = 1.2
  const rows = Array.from({ length: Math.round(own.count * ((outer / inner) ** 2 - 1)) }, () => {
    const radius = Math.sqrt(inner ** 2 + (outer ** 2 - inner ** 2) * draw.uniform())
    const angle = 2 * Math.PI * draw.uniform()
    const mag = own.mag.G[Math.floor(own.count * draw.uniform())]
    return { ra: raDeg + (radius * Math.cos(angle)) / cos, dec: decDeg + radius * Math.sin(angle), mag }
  }).sort((a, b) => a.mag - b.mag)
  const around = starsOf({
    raDeg: Float64Array.from(rows, row => row.ra),
    decDeg: Float64Array.from(rows, row => row.dec),
    mag: Float64Array.from(rows, row => row.mag),
  })
  const all = (stars: ReferenceStars) => ({ stars, rows: Array.from({ length: stars.count }, (_, i) => i) })
  return combineStars([all(own), all(around)], 'gaia_dr3')
}

function tilesWith(stars: ReferenceStars): Tiles {
  const order = Array.from({ length: stars.count }, (_, i) => i).sort((a, b) => stars.mag.G[a] - stars.mag.G[b])
  return {
    surveys: async () => ['gaia_dr3'],
    async cone(_survey, { raDeg, decDeg, radiusDeg }: Cone, { limit = Number.POSITIVE_INFINITY } = {}) {
      const rows: number[] = []
      for (const row of order) {
        if (rows.length >= limit) break
        if (separationDeg(raDeg, decDeg, stars.raDeg[row], stars.decDeg[row]) < radiusDeg) rows.push(row)
      }
      return combineStars([{ stars, rows }], 'gaia_dr3')
    },
  }
}

function offPointing({ header }: Scene, draw: Random, fields: number): void {
  const pointing = header.pointing
  if (!pointing) return
  const angle = 2 * Math.PI * draw.uniform()
  const cos = Math.cos((pointing.decDeg * Math.PI) / 180)
  header.pointing = {
    raDeg: (pointing.raDeg + (fields * FIELD_DEG * Math.cos(angle)) / cos + 360) % 360,
    decDeg: pointing.decDeg + fields * FIELD_DEG * Math.sin(angle),
    uncertaintyDeg: 0.1,
  }
}

function scaled({ header }: Scene, factor: number): void {
  header.pixelScaleArcsec = 0.6 * factor
}

/** Swap rows and columns. */
function mirror({ frame, truth }: Scene): void {
  const { width, pixels, mask } = frame
  frame.pixels = pixels.map((_, i) => pixels[(i % width) * width + Math.floor(i / width)])
  frame.mask = mask.map((_, i) => mask[(i % width) * width + Math.floor(i / width)])
  ;[truth.x, truth.y] = [truth.y, truth.x]
}

/** Turn each row about. */
function flip({ frame, truth }: Scene): void {
  const { width } = frame
  for (let at = 0; at < frame.pixels.length; at += width) {
    frame.pixels.subarray(at, at + width).reverse()
    frame.mask.subarray(at, at + width).reverse()
  }
  truth.x = truth.x.map(x => width - 1 - x)
}

function clouds({ frame }: Scene, draw: Random): void {
  const sky = estimateBackground(frame)
  for (let i = 0; i < frame.pixels.length; i++) {
    if (i % frame.width >= frame.width / 2) continue
    frame.pixels[i] = Math.round(sky.level[i] + sky.medianRms * draw.normal())
    frame.mask[i] = 0
  }
}

function addStar({ frame }: Scene, draw: Random, x: number, y: number, flux: number): void {
  const sigma = FWHM_PX / 2.3548
  const reach = 9
  for (let v = Math.max(0, Math.round(y) - reach); v <= Math.min(frame.height - 1, Math.round(y) + reach); v++) {
    for (let u = Math.max(0, Math.round(x) - reach); u <= Math.min(frame.width - 1, Math.round(x) + reach); u++) {
      const light = (flux / (2 * Math.PI * sigma ** 2)) * Math.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * sigma ** 2))
      const noise = Math.sqrt(light / frame.detector.gainElectronsPerAdu) * draw.normal()
      expose(frame, v * frame.width + u, light + noise)
    }
  }
}

function expose(frame: Frame, i: number, adu: number): void {
  const { saturationAdu } = frame.detector
  frame.pixels[i] = Math.min(saturationAdu, Math.round(frame.pixels[i] + adu))
  if (frame.pixels[i] >= saturationAdu) frame.mask[i] |= MASK.saturated
}

function cluster(scene: Scene, draw: Random): void {
  for (let k = 0; k < 2500; k++) {
    const radius = 45 / Math.sqrt(draw.uniform() ** (-2 / 3) - 1 + 1e-9) // Plummer 1911
    const angle = 2 * Math.PI * draw.uniform()
    const flux = 400 * draw.uniform() ** (-1 / 0.9)
    const [x, y] = [511.5 + radius * Math.cos(angle), 511.5 + radius * Math.sin(angle)]
    if (x > 0 && y > 0 && x < 1023 && y < 1023) addStar(scene, draw, x, y, Math.min(flux, 200_000))
  }
}

function trails(scene: Scene, draw: Random): void {
  const { frame, truth } = scene
  for (let k = 0; k < 3; k++) {
    const [from, to] = [1024 * draw.uniform(), 1024 * draw.uniform()]
    for (let x = 0; x < 1024; x++) {
      const y = from + ((to - from) * x) / 1023
      for (let v = Math.max(0, Math.round(y) - 6); v <= Math.min(1023, Math.round(y) + 6); v++)
        expose(frame, v * 1024 + x, 1500 * Math.exp(-((v - y) ** 2) / 4))
    }
  }
  const brightest = Array.from(truth.flux.keys()).sort((a, b) => truth.flux[b] - truth.flux[a])
  for (const row of brightest.slice(0, 6)) {
    const x = Math.round(truth.x[row])
    if (!(x >= 2 && x < 1022)) continue
    for (let y = 0; y < 1024; y++) {
      if (Math.abs(y - truth.y[row]) > 150) continue
      for (let u = x - 1; u <= x + 1; u++) expose(frame, y * 1024 + u, 70_000)
    }
  }
}

/** Nothing but sky and so many of the frame's brightest stars. */
function few(scene: Scene, draw: Random, wanted: number, brightest: number): void {
  const { frame, truth } = scene
  const sky = estimateBackground(frame)
  for (let i = 0; i < frame.pixels.length; i++)
    frame.pixels[i] = Math.round(sky.level[i] + sky.medianRms * draw.normal())
  frame.mask.fill(0)
  const inside = Array.from(truth.x.keys()).filter(
    row => truth.x[row] > 10 && truth.y[row] > 10 && truth.x[row] < 1013 && truth.y[row] < 1013,
  )
  const bright = inside.sort((a, b) => truth.flux[b] - truth.flux[a]).slice(0, brightest)
  while (bright.length > wanted) bright.splice(Math.floor(bright.length * draw.uniform()), 1)
  for (const row of bright) addStar(scene, draw, truth.x[row], truth.y[row], truth.flux[row])
}

function report(): void {
  const trials = kept<Trial>(values.kept, ({ trouble, seed }) => `${trouble} ${seed}`)
  const rows = Object.keys(troubles).map(trouble => {
    const part = trials.filter(trial => trial.trouble === trouble)
    const off = part.flatMap(trial => (trial.offPx === null ? [] : [trial.offPx]))
    return [
      trouble,
      String(part.length),
      String(part.filter(trial => trial.solved).length),
      String(off.filter(px => px > WRONG_PX).length),
      figure(Math.max(...off), 2),
      figure(part.map(trial => trial.cpuSeconds).sort((a, b) => a - b)[part.length >> 1], 2),
    ]
  })
  writeSection(
    'robustness',
    [
      '## What a frame may suffer',
      '',
      'Written by `node bench/solve-robust.ts`; frames of 10′ with some 400 stars, the whole solve stage with the',
      "header's pointing (4′ off) and scale, no index of the sky. A wrong solution puts half of the true stars more than",
      'a pixel off.',
      '',
      ...table(['trouble', 'frames', 'solved', 'wrong', 'off by px (most)', 'CPU s (median)'], rows),
    ],
    values.out,
  )
}
