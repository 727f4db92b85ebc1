import { Canvas } from '#shared/image/canvas.ts'
import { LocalPsf, type Psf } from './psf.ts'

/** Places of the frame along each side, and the size of their pictures. */
const PLACES = 3
/** The PSF is sampled at so many places each way; each is a square of the picture. */
const SAMPLES = 50
const SAMPLE_PX = 3
const PANEL_PX = SAMPLES * SAMPLE_PX
const GAP_PX = 12
const HEAD_PX = 44
/** The PSF is shown this far out, FWHM. */
const REACH_FWHM = 2.5
/** Differences of this part of the peak are full red or blue. */
const FULL_DIFFERENCE = 0.05
const INK = '#22252b'

/**
 * A picture of the PSF and of its variation: on the left the PSF at nine places of the frame (square root of the light,
 * north of the file up), on the right what it has more (red) or less (blue) there than the mean of the nine, as part of
 * the peak.
 *
 * @returns PNG
 */
export function drawPsf(psf: Psf): Uint8Array {
  const pictures = placesOf(psf).map(place => ({ ...place, light: sampleAt(psf, place.x, place.y) }))
  const mean = new Float64Array(SAMPLES * SAMPLES)
  for (const { light } of pictures)
    light.forEach((value, k) => {
      mean[k] += value / pictures.length
    })
  const peak = Math.max(...mean)
  const side = PLACES * (PANEL_PX + GAP_PX)
  const canvas = new Canvas(2 * side + 3 * GAP_PX, side + HEAD_PX + GAP_PX, '#ffffff')
  const width = `FWHM ${psf.fwhmPx.toFixed(2)} pixel, elongation ${psf.elongation.toFixed(2)}, ${psf.stars} stars`
  canvas.text(GAP_PX, 28, width, { colour: INK, sizePx: 11 })
  const legend = `less and more than the mean: ±${100 * FULL_DIFFERENCE} % of the peak`
  canvas.text(side + 2 * GAP_PX, 28, legend, { colour: INK, sizePx: 11 })
  for (const { column, row, light } of pictures) {
    const left = GAP_PX + column * (PANEL_PX + GAP_PX)
    const top = HEAD_PX + (PLACES - 1 - row) * (PANEL_PX + GAP_PX)
    paint(canvas, left, top, k => shade(1 - Math.sqrt(Math.max(light[k], 0) / peak)))
    paint(canvas, left + side + GAP_PX, top, k => difference((light[k] - mean[k]) / peak))
  }
  return canvas.png()
}

function placesOf(psf: Psf): { column: number; row: number; x: number; y: number }[] {
  const along = (index: number, length: number) => ((index + 0.5) / PLACES) * length
  return Array.from({ length: PLACES * PLACES }, (_, k) => {
    const [column, row] = [k % PLACES, Math.floor(k / PLACES)]
    return { column, row, x: along(column, psf.width), y: along(row, psf.height) }
  })
}

/** The PSF at a place, row after row from its lower left. */
function sampleAt(psf: Psf, x: number, y: number): Float64Array {
  const local = new LocalPsf(psf)
  local.moveTo(x, y)
  const reach = Math.min(REACH_FWHM * psf.fwhmPx, psf.radiusPx - 1)
  const light = new Float64Array(SAMPLES * SAMPLES)
  const one = new Float64Array(1)
  const offset = (k: number) => ((k + 0.5) / SAMPLES - 0.5) * 2 * reach
  for (let j = 0; j < SAMPLES; j++) {
    for (let i = 0; i < SAMPLES; i++) {
      local.values(-offset(i), -offset(j), 0, 0, 1, 1, one)
      light[j * SAMPLES + i] = one[0]
    }
  }
  return light
}

type Rgb = [number, number, number]

function paint(canvas: Canvas, left: number, top: number, colourOf: (k: number) => Rgb): void {
  for (let row = 0; row < SAMPLES; row++) {
    const first = ((top + (SAMPLES - 1 - row) * SAMPLE_PX) * canvas.width + left) * 3
    for (let column = 0, at = first; column < SAMPLES; column++) {
      const colour = colourOf(row * SAMPLES + column)
      for (let i = 0; i < SAMPLE_PX; i++, at += 3) canvas.rgb.set(colour, at)
    }
    // The other lines of a sample are the same.
    for (let j = 1; j < SAMPLE_PX; j++) canvas.rgb.copyWithin(first + 3 * j * canvas.width, first, first + 3 * PANEL_PX)
  }
}

function shade(part: number): Rgb {
  const level = Math.round(255 * Math.min(Math.max(part, 0), 1))
  return [level, level, level]
}

function difference(part: number): Rgb {
  const strength = Math.min(Math.abs(part) / FULL_DIFFERENCE, 1)
  const pale = Math.round(255 * (1 - strength))
  return part > 0 ? [255, pale, pale] : [pale, pale, 255]
}
