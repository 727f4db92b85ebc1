import type { FieldDetections, FieldStars } from '#shared/astrometry/pair-stars.ts'
import type { FieldHint } from '#shared/astrometry/solve-field.ts'
import { type Random, random } from '#shared/numeric/random.ts'
import { inverseGnomonic } from '#shared/sky/projection.ts'
import { pixelToSky, skyToPixel } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'

export interface FieldKnobs {
  seed: number
  /** Reference stars per square degree. */
  density: number
  sizePx: number
  scaleArcsec: number
  rotationDeg: number
  mirrored: boolean
  decDeg: number
  pointingErrorDeg: number
  /** Share of the reference stars in the frame that are not detected, and of detections that are no star. */
  missing: number
  spurious: number
  /** How many magnitudes the catalogue goes deeper than the frame. */
  deeper: number
  centroidErrorPx: number
  /** Cubic distortion at the corner, pixel. */
  distortionPx: number
  /** Share of the stars that stand in one tight cluster. */
  clustered: number
}

export const EASY: FieldKnobs = {
  seed: 1,
  density: 8000,
  sizePx: 1024,
  scaleArcsec: 0.8,
  rotationDeg: 0,
  mirrored: false,
  decDeg: 20,
  pointingErrorDeg: 0.05,
  missing: 0.1,
  spurious: 0.1,
  deeper: 1.5,
  centroidErrorPx: 0.1,
  distortionPx: 0.5,
  clustered: 0,
}

export interface VirtualField {
  wcs: Wcs
  detections: FieldDetections
  stars: FieldStars
  hint: FieldHint
  width: number
  height: number
  /** Index of the star of each detection, −1 for the spurious. */
  truth: number[]
}

/** A frame's detections and the catalogue around, drawn from a known solution. */
export function virtualField(knobs: Partial<FieldKnobs>): VirtualField {
  const k = { ...EASY, ...knobs }
  const draw = random(k.seed)
  const width = k.sizePx
  const height = Math.round(k.sizePx * 0.8)
  const wcs = drawWcs(k, draw, width, height)
  const scaleDeg = k.scaleArcsec / 3600
  const halfDeg = (Math.hypot(width, height) / 2) * scaleDeg
  const radiusDeg = Math.max(0.1, 1.5 * k.pointingErrorDeg)
  const reach = 1.2 * (halfDeg + radiusDeg + k.pointingErrorDeg)
  const stars = drawStars(k, draw, wcs, reach, halfDeg)
  const { detections, truth } = drawDetections(k, draw, wcs, stars, width, height)
  const angle = 2 * Math.PI * draw.uniform()
  const [raDeg, decDeg] = inverseGnomonic(
    k.pointingErrorDeg * Math.cos(angle),
    k.pointingErrorDeg * Math.sin(angle),
    wcs.crvalRaDeg,
    wcs.crvalDecDeg,
  )
  const hint = {
    raDeg,
    decDeg,
    radiusDeg,
    lowScaleArcsec: 0.85 * k.scaleArcsec,
    highScaleArcsec: 1.25 * k.scaleArcsec,
    pixelAspect: 1,
    starsRadiusDeg: reach - k.pointingErrorDeg,
  }
  return { wcs, detections, stars, hint, width, height, truth }
}

function drawWcs(k: FieldKnobs, draw: Random, width: number, height: number): Wcs {
  const scaleDeg = k.scaleArcsec / 3600
  const angle = (k.rotationDeg * Math.PI) / 180
  const flip = k.mirrored ? 1 : -1
  const corner = Math.hypot(width, height) / 2
  const cubic = k.distortionPx / corner ** 3
  return {
    crvalRaDeg: 360 * draw.uniform(),
    crvalDecDeg: k.decDeg,
    crpixX: (width - 1) / 2,
    crpixY: (height - 1) / 2,
    cd: [
      flip * scaleDeg * Math.cos(angle),
      scaleDeg * Math.sin(angle),
      -flip * scaleDeg * Math.sin(angle),
      scaleDeg * Math.cos(angle),
    ],
    sip: {
      order: 3,
      p: [3, 1, 2, 0],
      q: [0, 2, 1, 3],
      a: [cubic, cubic, 0, 0],
      b: [0, 0, cubic, cubic],
      inverseOrder: 1,
      inverseP: [],
      inverseQ: [],
      ap: [],
      bp: [],
    },
  }
}

function drawStars(k: FieldKnobs, draw: Random, wcs: Wcs, reach: number, halfDeg: number): FieldStars {
  const count = Math.round(k.density * Math.PI * reach * reach)
  const rows = Array.from({ length: count }, () => {
    const inCluster = draw.uniform() < k.clustered
    const radius = inCluster ? 0.15 * halfDeg * Math.abs(draw.normal()) : reach * Math.sqrt(draw.uniform())
    const angle = 2 * Math.PI * draw.uniform()
    const [ra, dec] = inverseGnomonic(
      radius * Math.cos(angle),
      radius * Math.sin(angle),
      wcs.crvalRaDeg,
      wcs.crvalDecDeg,
    )
    // Counts that grow by a factor of two a magnitude.
    return { ra, dec, mag: 20 + Math.log2(Math.max(1e-6, draw.uniform())) }
  }).sort((a, b) => a.mag - b.mag)
  return {
    raDeg: Float64Array.from(rows, row => row.ra),
    decDeg: Float64Array.from(rows, row => row.dec),
    mag: Float64Array.from(rows, row => row.mag),
    errorMas: new Float64Array(count).fill(1),
  }
}

function drawDetections(
  k: FieldKnobs,
  draw: Random,
  wcs: Wcs,
  stars: FieldStars,
  width: number,
  height: number,
): { detections: FieldDetections; truth: number[] } {
  const rows: { x: number; y: number; mag: number; star: number }[] = []
  for (let star = 0; star < stars.mag.length; star++) {
    const [x, y] = skyToPixel(wcs, stars.raDeg[star], stars.decDeg[star])
    const seen = draw.uniform() > k.missing && stars.mag[star] < 20 - k.deeper
    if (!seen || !(x > 0 && y > 0 && x < width - 1 && y < height - 1)) continue
    const mag = stars.mag[star] - 25 + 0.2 * draw.normal() // another band: colours scatter
    rows.push({ x: x + k.centroidErrorPx * draw.normal(), y: y + k.centroidErrorPx * draw.normal(), mag, star })
  }
  const false_ = Math.round((rows.length * k.spurious) / (1 - k.spurious))
  for (let i = 0; i < false_; i++) {
    const mag = -5 - k.deeper + Math.log2(draw.uniform())
    rows.push({ x: draw.uniform() * width, y: draw.uniform() * height, mag, star: -1 })
  }
  rows.sort((a, b) => a.mag - b.mag)
  return {
    detections: {
      x: Float64Array.from(rows, row => row.x),
      y: Float64Array.from(rows, row => row.y),
      mag: Float64Array.from(rows, row => row.mag),
      errorPx: new Float64Array(rows.length).fill(k.centroidErrorPx),
      clean: new Uint8Array(rows.length).fill(1),
    },
    truth: rows.map(row => row.star),
  }
}

/** Largest distance in pixels between two solutions over a frame. */
export function largestErrorPx(found: Wcs, truth: Wcs, width: number, height: number): number {
  let worst = 0
  for (let i = 0; i <= 8; i++) {
    for (let j = 0; j <= 8; j++) {
      const [x, y] = [(i / 8) * (width - 1), (j / 8) * (height - 1)]
      const [backX, backY] = skyToPixel(found, ...pixelToSky(truth, x, y))
      worst = Math.max(worst, Math.hypot(backX - x, backY - y))
    }
  }
  return worst
}
