import { CpcsError } from '#shared/errors.ts'
import { median } from '#shared/numeric/robust.ts'

export type MosaicColour = 'R' | 'G' | 'B'

/** The pixels of one colour of a Bayer mosaic, one value per 2 × 2 cell; of green the mean of its two. */
export interface ColourPlane {
  width: number
  height: number
  pixels: Float32Array
  /** Where the greens were found against what the header says, in words; undefined where they agree. */
  conflict: string | undefined
}

const SURE = 3 // the pair that is this many times more alike is the green one

/**
 * Take the pixels of one colour out of a mosaic without interpolation, so that the noise of neighbours stays independent.
 * A cell with a saturated green pixel gets that pixel's value, so that it stays recognisable. The mean of two pixels has
 * twice the gain of one, in electrons per ADU, and √2 times its read noise.
 *
 * @param pattern colours of the 2 × 2 cell, row by row in file order, such as RGGB
 * @throws {CpcsError} UnsupportedFits where red or blue is asked for and the pixels contradict the pattern
 */
export function colourPlane(
  pixels: Float32Array,
  width: number,
  height: number,
  pattern: string,
  colour: MosaicColour,
  saturationAdu: number,
): ColourPlane {
  const told = pattern.indexOf('G') === 0 ? 'main' : 'other'
  const diagonal = greenDiagonal(pixels, width, height) ?? told
  const conflict =
    diagonal === told ? undefined : `the pixels say that the greens lie on the other diagonal of ${pattern}`
  if (conflict && colour !== 'G')
    throw new CpcsError('UnsupportedFits', { found: `red and blue of a mosaic: ${conflict}` })
  const [w, h] = [width >> 1, height >> 1]
  const taken = new Float32Array(w * h)
  const places = colour === 'G' ? (diagonal === 'main' ? [0, 3] : [1, 2]) : [pattern.indexOf(colour)]
  const [first, second = first] = places.map(place => (place & 1) + (place >> 1) * width)
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const corner = 2 * y * width + 2 * x
      const a = pixels[corner + first]
      const b = pixels[corner + second]
      taken[y * w + x] = a >= saturationAdu || b >= saturationAdu ? Math.max(a, b) : (a + b) / 2
    }
  return { width: w, height: h, pixels: taken, conflict }
}

/** The diagonal of the cell whose two pixels see the same sky: both greens; undefined where the pixels do not tell. */
function greenDiagonal(pixels: Float32Array, width: number, height: number): 'main' | 'other' | undefined {
  const levels = [0, 1, width, width + 1].map(offset => {
    const sample: number[] = []
    for (let y = 0; y + 1 < height; y += 2)
      for (let x = 0; x + 1 < width; x += 2) sample.push(pixels[y * width + x + offset])
    return median(sample)
  })
  const main = Math.abs(levels[0] - levels[3])
  const other = Math.abs(levels[1] - levels[2])
  if (Math.max(main, other) < 2) return undefined
  if (other > SURE * main) return 'main'
  return main > SURE * other ? 'other' : undefined
}
