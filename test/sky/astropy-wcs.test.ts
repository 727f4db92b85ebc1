import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isSolved, solveField } from '#shared/astrometry/solve-field.ts'
import { encodeImage } from '#shared/fits/write-image.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import { pixelToSky, skyToPixel, wcsCards } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { type FieldKnobs, virtualField } from '../astrometry/virtual-field.ts'
import { askPython, astropyThere } from '../fits/astropy.ts'

const fields: [string, Partial<FieldKnobs>][] = [
  ['of a plain camera', { seed: 1, rotationDeg: 33 }],
  ['whose optics bend it by twelve pixels', { seed: 2, distortionPx: 12, rotationDeg: -140 }],
  ['four degrees wide beside the pole', { seed: 3, scaleArcsec: 14, density: 60, decDeg: 87.5, distortionPx: 8 }],
  ['that is mirrored and lies across right ascension 0', { seed: 4, mirrored: true, rotationDeg: 200 }],
]

interface Solved {
  wcs: Wcs
  width: number
  height: number
}

function solved(knobs: Partial<FieldKnobs>): Solved {
  const { detections, stars, hint, width, height, wcs: truth } = virtualField(knobs)
  // the field's middle goes to right ascension 0
  const moved = (raDeg: number) => (raDeg - truth.crvalRaDeg + 720) % 360
  const result = solveField(
    detections,
    { ...stars, raDeg: stars.raDeg.map(moved) },
    { ...hint, raDeg: moved(hint.raDeg) },
    width,
    height,
  )
  if (!isSolved(result)) throw new Error(result.tried)
  return { wcs: result.wcs, width, height }
}

/** Rows of x, y, ra, dec, and the pixel that astropy finds back. */
type Places = [number, number, number, number, number, number][]

/** Solutions as we write them, and what astropy reads in them. */
function askWhere(): (Solved & { places: Places })[] {
  const folder = mkdtempSync(join(tmpdir(), 'cpcs-wcs-'))
  const frames = fields.map(([, knobs]) => solved(knobs))
  const files = frames.map(({ wcs, width, height }, k) => {
    const file = join(folder, `${k}.fits`)
    const pixels = new Uint8Array(width * height)
    writeFileSync(file, encodeImage({ width, height, pixels, as: 'uint8', cards: wcsCards(wcs, width, height) }))
    return file
  })
  const places = askPython(join(import.meta.dirname, 'astropy-wcs.py'), files) as Places[]
  rmSync(folder, { recursive: true })
  return frames.map((frame, k) => ({ ...frame, places: places[k] }))
}

/** By astropy where it is at hand, else what it gave earlier. */
const frames = astropyThere
  ? askWhere()
  : (JSON.parse(readFileSync(join(import.meta.dirname, 'astropy-wcs.json'), 'utf8')) as ReturnType<typeof askWhere>)

describe.each(fields.map(([name], k) => [name, k] as const))('the header of a frame %s', (_, k) => {
  const { wcs, width, height, places } = frames[k]

  test('is read by astropy to the same place on the sky within 1 mas', () => {
    expect(places).toHaveLength(49)
    for (const [x, y, ra, dec] of places) {
      expect(separationDeg(...pixelToSky(wcs, x, y), ra, dec) * 3.6e6).toBeLessThan(1)
      const [backX, backY] = skyToPixel(wcs, ra, dec)
      expect(Math.hypot(backX - x, backY - y)).toBeLessThan(1e-3)
    }
  })

  test('leads back from the sky by its inverse polynomial alone, as other programs go', () => {
    for (const [x, y, , , backX, backY] of places) expect(Math.hypot(backX - x, backY - y)).toBeLessThan(0.02)
    expect(width).toBeGreaterThan(height)
  })
})
